//! What a GitHub Actions step is given: the lines of `$GITHUB_OUTPUT`. Pure.

use crate::model::Timestamp;

/// What is known at the end of a command. What is not is written as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepOutputs {
    /// The exit code.
    pub exit_code: u8,
    /// Whether there is, or was, anything to do.
    pub has_changes: Option<bool>,
    /// Digest of the plan.
    pub plan_sha256: Option<String>,
    /// When to come back.
    pub resume_after: Option<Timestamp>,
}

impl StepOutputs {
    /// `name=value`, a line each. No value can hold a line break, which would begin another output: a number,
    /// a word, hexadecimal digits and a time.
    pub fn lines(&self) -> String {
        let has_changes = self.has_changes.map_or("", |has| if has { "true" } else { "false" });
        let digits = self.plan_sha256.as_deref().unwrap_or_default();
        let plan_sha256 = if digits.chars().all(|digit| digit.is_ascii_hexdigit()) { digits } else { "" };
        let resume_after = self.resume_after.map_or(String::new(), |at| at.to_string());
        format!(
            "exit_code={}\nhas_changes={has_changes}\nplan_sha256={plan_sha256}\nresume_after={resume_after}\n",
            self.exit_code
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_is_a_line_of_its_own_and_what_is_not_known_is_empty() {
        let known = StepOutputs {
            exit_code: 4,
            has_changes: Some(true),
            plan_sha256: Some("ab12".into()),
            resume_after: Some("2026-11-22T10:00:00Z".parse().expect("a time")),
        };
        assert_eq!(
            known.lines(),
            "exit_code=4\nhas_changes=true\nplan_sha256=ab12\nresume_after=2026-11-22T10:00:00Z\n"
        );
        let unknown = StepOutputs { exit_code: 64, ..StepOutputs::default() };
        assert_eq!(unknown.lines(), "exit_code=64\nhas_changes=\nplan_sha256=\nresume_after=\n");
    }

    #[test]
    fn no_value_begins_another_output() {
        let odd = StepOutputs { plan_sha256: Some("ab\nadmin=true".into()), ..StepOutputs::default() };
        assert_eq!(odd.lines().lines().count(), 4);
        assert!(!odd.lines().contains("admin"));
    }
}
