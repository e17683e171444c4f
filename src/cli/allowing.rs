//! `--allow LIMIT=N --reason TEXT`: one run may start more than the manifest's limits say, and why is
//! written down in the plan, its digest and the journal.

use std::str::FromStr;

use super::Failure;
use crate::manifest::declared::Limits;
use crate::model::Amount;
use crate::plan::limits::{Allowance, Limit};

/// Limits that do not count this time.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Allowing {
    /// Let this one run start more than the manifest's limit says: enable=N, toggle=N or groupMembers=N, with
    /// a count or a share such as 50%; can be repeated
    #[arg(long, value_name = "LIMIT=N", requires = "reason")]
    allow: Vec<Allow>,
    /// Why more is allowed; stands in the plan and in the journal
    #[arg(long, value_name = "TEXT", requires = "allow", value_parser = reason)]
    reason: Option<String>,
}

#[derive(Clone, Copy)]
struct Allow {
    limit: Limit,
    amount: Amount,
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, amount) = text.split_once('=').ok_or("write LIMIT=N, such as `toggle=120`")?;
        let limit = Limit::named(name).ok_or_else(|| {
            let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
            format!("there is no limit `{name}`: the limits are {}", names.join(", "))
        })?;
        let amount: Amount = amount.parse()?;
        match (limit, amount) {
            (Limit::GroupMembers, Amount::Share(_)) => Err("groupMembers is a count, not a share".to_owned()),
            _ => Ok(Allow { limit, amount }),
        }
    }
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().any(char::is_control) {
        _ if text.is_empty() => Err("say why".to_owned()),
        _ if text.chars().count() > 1000 => Err("that is longer than 1000 characters".to_owned()),
        true => Err("write it on one line".to_owned()),
        false => Ok(text.to_owned()),
    }
}

impl Allowing {
    /// Two numbers for one limit: which is meant?
    pub fn check(&self) -> Result<(), Failure> {
        let twice = |limit: &Limit| self.allow.iter().filter(|allow| allow.limit == *limit).count() > 1;
        match Limit::ALL.iter().find(|limit| twice(limit)) {
            Some(limit) => {
                Err(Failure::Usage(format!("--allow {}=N is given twice: which is meant?", limit.as_str())))
            }
            None => Ok(()),
        }
    }

    /// Puts what is allowed in the place of the manifest's limits.
    pub fn apply(&self, limits: &mut Limits) -> Vec<Allowance> {
        let Some(reason) = &self.reason else { return Vec::new() };
        let allowed = self.allow.iter().map(|Allow { limit, amount }| {
            limit.set(limits, *amount);
            Allowance { limit: *limit, reason: reason.clone() }
        });
        allowed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Allow>().err().expect("refused")
    }

    #[test]
    fn what_is_no_allowance_says_so() {
        assert!("toggle=120".parse::<Allow>().is_ok() && "enable=50%".parse::<Allow>().is_ok());
        assert!(error("toggle").contains("toggle=120"));
        assert!(error("maxOff=3").contains("enable, toggle, groupMembers"));
        assert!(error("toggle=many").contains("neither a count"));
        assert!(error("groupMembers=10%").contains("a count"));
    }

    #[test]
    fn a_reason_is_one_line_and_not_empty() {
        assert_eq!(reason(" INC-1 "), Ok("INC-1".to_owned()));
        assert!(reason("  ").is_err() && reason("a\nb").is_err() && reason(&"x".repeat(1001)).is_err());
    }
}
