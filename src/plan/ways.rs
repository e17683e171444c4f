//! The smallest set of declarations that would work for a user who cannot be changed by a change of its
//! own: which groups to declare, with which date, and where no declaration helps.
//!
//! Says what would do; whether it is wanted is for the administrator. advaudit itself takes no license away.

use super::why::GroupRef;
use crate::model::{AssignmentError, Timestamp};

/// How a group is declared, as far as a date is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No entry declares it.
    Undeclared,
    /// Declared, without a date.
    NoDate,
    /// Declared, with a date that is too early.
    Earlier(Timestamp),
    /// Declared with the date or a later one.
    InTime,
}

/// A group that gives a user the service plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Giving {
    /// Which.
    pub group: GroupRef,
    /// How it is declared.
    pub standing: Standing,
    /// What is wrong with the assignment that it gives, which is in force all the same.
    pub error: Option<AssignmentError>,
}

/// Why no change of the user itself turns it off: what keeps it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The date that asks for a toggle.
    pub asked: Timestamp,
    /// Licenses of its own that give it, by part number.
    pub own: Vec<String>,
    /// The groups that give it. None of them does so yet when it is to come: each is on or comes on, and
    /// Graph has still to bring that to the user.
    pub groups: Vec<Giving>,
    /// Whether the groups are only about to give it.
    pub to_come: bool,
}

/// A group that turns the service plan off for a user who is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Which.
    pub group: GroupRef,
    /// What stands in the way of declaring it, if anything.
    pub already: Already,
}

/// What is known already of a group that turns somebody off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Already {
    /// Nothing: no entry declares it.
    Nothing,
    /// It is declared, and this plan does not turn it on all the same.
    Declared,
    /// It is on, and Graph has not brought that to the user yet.
    On,
    /// It is off in an unfinished toggle of ours.
    InFlight,
}

impl Held {
    /// What keeps the user on, a clause in lower case.
    pub fn reason(&self) -> String {
        let groups = join(self.groups.iter().map(|one| one.group.full()), "and");
        let own = join(self.own.iter().map(|license| format!("its own {license}")), "and");
        let several = self.groups.len() > 1;
        match (self.own.is_empty(), self.to_come) {
            (true, _) if several => {
                format!("it is on through {groups}: no change of the user turns it off, nor of one of them")
            }
            (true, _) => format!("it is on through {groups}: no change of the user turns it off"),
            (false, true) => format!(
                "it is on through {own}, and {groups} {} to give it as well: that would keep it on in the middle \
                 of a toggle",
                if several { "are about" } else { "is about" }
            ),
            (false, false) => format!(
                "it is on through {own} and through {groups}: no change of the user turns it off, nor of {}",
                if several { "the groups" } else { "the group" }
            ),
        }
    }

    /// The smallest set of declarations that would do, or what is in the way of any.
    pub fn next_step(&self) -> String {
        if self.own.is_empty() {
            return self.by_groups();
        }
        let own = join(self.own.iter().cloned(), "and");
        let these = join(self.groups.iter().map(|one| one.group.short()), "and");
        format!(
            "no declaration helps, and advaudit takes no license away. By hand turn the service plan off in its own {own} \
             ({these} {} it on), then {}",
            if self.groups.len() == 1 { "keeps" } else { "keep" },
            self.by_groups()
        )
    }

    /// What to declare so that the groups are toggled.
    fn by_groups(&self) -> String {
        let errors = self.groups.iter().filter_map(|one| Some((one, one.error.as_ref()?)));
        let mut text: String = errors
            .map(|(one, error)| {
                let (group, meaning, remedy) = (one.group.short(), error.meaning(), error.remedy());
                format!("see to the error of what {group} gives first, {error}: {meaning} ({remedy}); then ")
            })
            .collect();
        let undeclared = self.groups.iter().filter(|one| one.standing == Standing::Undeclared);
        let undeclared = join(undeclared.map(|one| one.group.short()), "and");
        let mut to_do: Vec<String> = self.groups.iter().filter_map(|one| self.to_declare(one)).collect();
        if !undeclared.is_empty() {
            let asked = self.asked;
            to_do.insert(
                0,
                format!("declare {undeclared} under `groups` with `toggleIfEnabledBefore: {asked}`"),
            );
        }
        text.push_str(&match to_do.as_slice() {
            [] => "nothing more has to be declared".to_owned(),
            some => join(some.iter().cloned(), "and"),
        });
        if self.groups.len() > 1 {
            text.push_str(
                "; the user goes off only while all of them are off at once, which is not assured (each comes back as soon as \
                 its own members were seen off)",
            );
        }
        text
    }

    /// What is to be changed in a declaration; none where there is none, or it is well enough.
    fn to_declare(&self, one: &Giving) -> Option<String> {
        let (group, asked) = (one.group.short(), self.asked);
        match one.standing {
            Standing::NoDate => {
                Some(format!("give the declaration of {group} `toggleIfEnabledBefore: {asked}`"))
            }
            Standing::Earlier(date) => {
                Some(format!("give the declaration of {group} a date at or after {asked} (it has {date})"))
            }
            Standing::Undeclared | Standing::InTime => None,
        }
    }
}

/// What turns a user on whom groups turn off, and nothing else: any one of them is enough.
pub fn to_turn_on(hidden: &[Hidden]) -> String {
    let by_groups = by_any_group(hidden);
    let is_to_declare = hidden.iter().all(|one| one.already == Already::Nothing);
    if is_to_declare { format!("{by_groups}, or license the user directly") } else { by_groups }
}

/// Which of these groups to declare, or what is to happen with one of them.
pub fn by_any_group(hidden: &[Hidden]) -> String {
    let with = |already| hidden.iter().filter(move |one| one.already == already).map(|one| one.group.short());
    let on: Vec<String> = with(Already::On).collect();
    if !on.is_empty() {
        return format!(
            "wait: {} {} it on, and Graph has not brought that to this user yet; if it stays so, reprocess the \
             user's licenses",
            join(on.iter().cloned(), "and"),
            if on.len() == 1 { "has" } else { "have" }
        );
    }
    let in_flight: Vec<String> = with(Already::InFlight).collect();
    if let Some(group) = in_flight.first() {
        return format!("`advaudit heal`: {group} is off in an unfinished toggle of ours");
    }
    let declared: Vec<String> = with(Already::Declared).collect();
    let undeclared: Vec<String> = with(Already::Nothing).collect();
    match (undeclared.as_slice(), declared.as_slice()) {
        ([], declared) => {
            let which = join(declared.iter().cloned(), "and");
            format!("see to {which}: declared, and not turned on by this plan")
        }
        ([one], []) => format!("declare {one} under `groups`"),
        (several, []) => {
            format!("declare {} under `groups` (one of them is enough)", join(several.iter().cloned(), "or"))
        }
        (undeclared, declared) => format!(
            "declare {} under `groups`, or see to {}: declared, and not turned on by this plan",
            join(undeclared.iter().cloned(), "or"),
            join(declared.iter().cloned(), "and")
        ),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn join(words: impl Iterator<Item = String>, last: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}
