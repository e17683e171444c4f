//! Which command needs which permission, and which of them is missing (GRAPH 4.4). Pure.

use crate::graph::{Granted, Needs};

/// A command that asks Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Command {
    /// Looks only.
    Plan,
    /// Changes licenses.
    Apply,
    /// Turns on what earlier runs left off.
    Heal,
}

/// One call, and whether it may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The call.
    pub needs: Needs,
    /// Which commands make it.
    pub commands: Vec<Command>,
    /// Whether it may be made; none where that cannot be known without making it.
    pub granted: Option<bool>,
}

impl Command {
    /// Every command, the least privileged first.
    pub const ALL: [Command; 3] = [Command::Plan, Command::Apply, Command::Heal];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Command::Plan => "plan",
            Command::Apply => "apply",
            Command::Heal => "heal",
        }
    }

    /// Whether it makes that call.
    pub fn makes(self, needs: Needs) -> bool {
        match self {
            Command::Plan => !needs.is_write(),
            Command::Apply | Command::Heal => true,
        }
    }
}

impl Permission {
    /// A call of those commands: what asking for it showed counts more than what the token says.
    pub fn new(needs: Needs, commands: &[Command], seen: Option<bool>, granted: Option<&Granted>) -> Self {
        let told = granted.map(|granted| !granted.has(needs.accepted()).is_empty());
        let commands = commands.iter().copied().filter(|command| command.makes(needs)).collect();
        Permission { needs, commands, granted: seen.or(told) }
    }

    /// The least privileged permission that would be enough.
    pub fn least(&self) -> &'static str {
        self.needs.accepted().first().copied().unwrap_or_default()
    }

    /// What to do when it is missing.
    pub fn remedy(&self, granted: Option<&Granted>) -> String {
        let to = granted.map_or_else(|| "the application".to_owned(), Granted::whose);
        format!("grant {} to {to}, and give admin consent", self.least())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(permissions: &[&str]) -> Granted {
        Granted {
            permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
            ..Granted::default()
        }
    }

    #[test]
    fn a_plan_identity_lacks_only_what_changes_licenses() {
        let reads = granted(&["User.Read.All", "GroupMember.Read.All", "Organization.Read.All"]);
        let lacking = |command: Command| -> Vec<Needs> {
            let all = Needs::ALL.map(|needs| Permission::new(needs, &Command::ALL, None, Some(&reads)));
            let lacks = |one: &&Permission| one.granted == Some(false) && one.commands.contains(&command);
            all.iter().filter(lacks).map(|one| one.needs).collect()
        };
        assert!(lacking(Command::Plan).is_empty());
        assert_eq!(lacking(Command::Apply), [Needs::WriteUser, Needs::WriteGroup]);
    }

    #[test]
    fn the_least_set_for_apply_is_enough_for_everything() {
        let least = granted(&[
            "User.Read.All",
            "GroupMember.Read.All",
            "Organization.Read.All",
            "LicenseAssignment.ReadWrite.All",
        ]);
        for needs in Needs::ALL {
            assert_eq!(
                Permission::new(needs, &Command::ALL, None, Some(&least)).granted,
                Some(true),
                "{needs:?}"
            );
        }
    }

    #[test]
    fn what_was_seen_counts_more_than_what_the_token_says() {
        let none = granted(&["Sites.Read.All"]);
        let one = |seen| Permission::new(Needs::Users, &Command::ALL, seen, Some(&none)).granted;
        assert_eq!((one(Some(true)), one(None)), (Some(true), Some(false)));
        assert_eq!(Permission::new(Needs::WriteUser, &Command::ALL, None, None).granted, None);
    }
}
