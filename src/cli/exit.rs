//! The exit codes: one closed set, what each means, and which one wins where several hold (DESIGN 7).
//! The README's table is written from here.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An error, or an incomplete plan.
    Error,
    /// With `--detailed-exitcode`: a write would happen.
    Changes,
    /// Stopped by a limit: nothing new was started.
    Limit,
    /// Someone is off because of us, or a planned toggle has not started.
    Pending,
    /// A planned change failed or was skipped, or part of the plan was unknown; the rest is done.
    Partial,
    /// The saved plan is for another tenant, expired or altered, or the digest differs: nothing new was
    /// started.
    Stale,
    /// Credentials or permission.
    Credentials,
    /// Usage.
    Usage,
    /// Interrupted; state is safe, rerun to continue.
    Interrupted,
}

impl Exit {
    /// The first of these that holds is the code.
    pub const PRECEDENCE: [Exit; 10] = [
        Exit::Interrupted,
        Exit::Usage,
        Exit::Credentials,
        Exit::Stale,
        Exit::Error,
        Exit::Limit,
        Exit::Pending,
        Exit::Partial,
        Exit::Changes,
        Exit::Done,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Limit => 3,
            Exit::Pending => 4,
            Exit::Partial => 5,
            Exit::Stale => 6,
            Exit::Credentials => 7,
            Exit::Usage => 64,
            Exit::Interrupted => 130,
        }
    }

    /// What it means, as in the README.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done; nothing to do",
            Exit::Error => "error, an incomplete `plan`, or a plan that was not approved",
            Exit::Changes => "only with `--detailed-exitcode` (`plan`, `show`): a write would happen",
            Exit::Limit => "stopped by a limit: nothing new was started",
            Exit::Pending => {
                "pending: someone is off because of us, or a toggle has not started; `resume_after` says when to \
                 come back"
            }
            Exit::Partial => {
                "partial: a change failed or was skipped, or part of the plan was unknown; the rest is done. With \
                 `--fail-on blocked` also when something declared is blocked"
            }
            Exit::Stale => {
                "the saved plan is for another tenant, expired or altered, or the digest differs: nothing new was \
                 started"
            }
            Exit::Credentials => "credentials or permission",
            Exit::Usage => "usage",
            Exit::Interrupted => "interrupted; state is safe, rerun to continue",
        }
    }

    /// The one that wins of several that hold; done when none does.
    pub fn first(holding: &[Exit]) -> Exit {
        Exit::PRECEDENCE.into_iter().find(|exit| holding.contains(exit)).unwrap_or(Exit::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_news_wins() {
        assert_eq!(Exit::first(&[Exit::Partial, Exit::Pending]), Exit::Pending);
        assert_eq!(Exit::first(&[Exit::Changes, Exit::Error]), Exit::Error);
        assert_eq!(Exit::first(&[Exit::Stale, Exit::Error]), Exit::Stale);
        assert_eq!(Exit::first(&[Exit::Stale, Exit::Credentials]), Exit::Credentials);
        assert_eq!(Exit::first(&[Exit::Interrupted, Exit::Credentials]), Exit::Interrupted);
        assert_eq!(Exit::first(&[]), Exit::Done);
    }

    const BEGIN: &str = "<!-- exit codes: written by ADVAUDIT_BLESS=1 cargo test --lib exit -->\n";
    const END: &str = "<!-- end of exit codes -->\n";

    /// The table of the README and the sentence below it.
    fn readme() -> String {
        let mut sorted = Exit::PRECEDENCE;
        sorted.sort_by_key(|exit| exit.code());
        let row = |exit: &Exit| format!("| {} | {} |\n", exit.code(), exit.meaning());
        let order: Vec<String> = Exit::PRECEDENCE.iter().map(|exit| exit.code().to_string()).collect();
        format!(
            "| exit | meaning |\n| --- | --- |\n{}\nWhere several hold, the first of {} is the code; the JSON tells all.\n",
            sorted.iter().map(row).collect::<String>(),
            order.join(", "),
        )
    }

    #[test]
    fn the_readme_tells_every_exit_code_as_it_is() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let text = std::fs::read_to_string(path).expect("a README");
        let (before, rest) = text.split_once(BEGIN).expect("the mark where the exit codes begin");
        let (own, after) = rest.split_once(END).expect("the mark where they end");
        if std::env::var_os("ADVAUDIT_BLESS").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", readme())).expect("written");
            return;
        }
        assert_eq!(own, readme(), "README.md is old: ADVAUDIT_BLESS=1 cargo test --lib exit writes it");
    }
}
