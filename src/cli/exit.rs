//! The exit codes: one closed set, and which one wins where several hold (DESIGN 7).

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
    const PRECEDENCE: [Exit; 10] = [
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
        assert_eq!(Exit::first(&[Exit::Interrupted, Exit::Credentials]), Exit::Interrupted);
        assert_eq!(Exit::first(&[]), Exit::Done);
    }
}
