//! What a seed makes: a small tenant, two manifests of it, and how they are run.

use std::fmt::Write as _;

use advaudit::model::{GroupId, SubjectId, UserId};

use super::chance::Chance;

/// A date before which everybody in the tenant got its licenses.
const T: &str = "2026-11-20T00:00:00Z";

/// How a subject stands in the manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Declared {
    No,
    On,
    Toggled,
}

/// A user or a group of the story.
#[derive(Clone, Debug)]
pub struct Subject {
    pub name: String,
    pub id: SubjectId,
    pub declared: Declared,
    /// Of a user: the groups that it is in, by number.
    pub groups: Vec<usize>,
}

/// A tenant and what is wanted of it.
pub struct Story {
    pub tenant: String,
    pub manifest: String,
    /// The same with some of the entries gone.
    pub shorter: String,
    pub users: Vec<Subject>,
    pub groups: Vec<Subject>,
    pub protected: Option<UserId>,
    pub max_off: u64,
    /// How many people one run may begin to turn off; none when that cannot be exceeded.
    pub limit: Option<u64>,
    /// How the toggles are spread.
    pub spread: Spread,
}

/// A rollout, in numbers that the watcher can reckon with: minutes of a day, UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    pub canary: Option<u64>,
    pub max_failures: Option<u64>,
    /// From and to, every day.
    pub window: Option<(i64, i64)>,
    /// Every day.
    pub must_be_on_by: Option<i64>,
}

const OFF: [&str; 8] = [
    "",
    "",
    "",
    "",
    ", off: [YAMMER_ENTERPRISE]",
    ", off: [M365_ADVANCED_AUDITING]",
    ", off: [YAMMER_ENTERPRISE]",
    ", off: [M365_ADVANCED_AUDITING, YAMMER_ENTERPRISE, SWAY]",
];

impl Story {
    pub fn of(seed: u64, chance: &mut Chance) -> Story {
        let mut groups: Vec<Subject> =
            (0..chance.between(0, 2)).map(|number| group(number, chance)).collect();
        let mut users: Vec<Subject> = (0..chance.between(2, 6)).map(|number| user(number, chance)).collect();
        let tenant = tenant(seed, &mut users, &groups, chance);
        for group in &mut groups {
            group.name = format!("E5 {}", group.name);
        }
        let protected = chance.percent(15).then(|| chance.below(users.len()));
        let max_off = chance.between(1, 4);
        let limit = chance.percent(6).then_some(1);
        let spread = Spread::of(chance);
        let mut head = format!(
            "apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\ntoggle: {{maxOff: {max_off}{spread}}}\n"
        );
        if let Some(limit) = limit {
            writeln!(head, "limits: {{toggle: {limit}}}").expect("a text");
        }
        if let Some(at) = protected {
            writeln!(head, "protect: [{}]", users[at].upn()).expect("a text");
        }
        let selects = seed.is_multiple_of(4);
        let manifest = head.clone() + &entries(&users, &groups, selects);
        let mut fewer = chance.split();
        let mut kept =
            |all: &[Subject]| -> Vec<Subject> { all.iter().filter(|_| fewer.percent(50)).cloned().collect() };
        let shorter = head + &entries(&kept(&users), &kept(&groups), selects);
        let protected = protected.and_then(|at| users[at].id.user());
        Story { tenant, manifest, shorter, users, groups, protected, max_off, limit, spread }
    }

    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.users.iter().chain(&self.groups)
    }
}

impl Spread {
    /// Most stories have none of it.
    fn of(chance: &mut Chance) -> Spread {
        let mut own = chance.split();
        if own.percent(50) {
            return Spread::default();
        }
        // Stories begin at 09:00 and take a few hours.
        let mut minutes = |from: i64, to: u64| from + i64::try_from(own.between(0, to)).expect("small");
        let (opens, length, by) = (minutes(8 * 60, 180), minutes(1, 200), minutes(10 * 60, 300));
        Spread {
            canary: own.percent(75).then(|| own.between(1, 3)),
            max_failures: own.percent(40).then(|| own.between(1, 2)),
            window: own.percent(40).then_some((opens, opens + length)),
            must_be_on_by: own.percent(30).then_some(by),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        if let Some(canary) = self.canary {
            write!(f, ", canary: {canary}")?;
        }
        if let Some(failures) = self.max_failures {
            write!(f, ", maxFailures: {failures}")?;
        }
        if let Some((opens, closes)) = self.window {
            write!(f, ", window: 'daily {}-{} UTC'", clock(opens), clock(closes))?;
        }
        if let Some(by) = self.must_be_on_by {
            write!(f, ", mustBeOnBy: '{} UTC'", clock(by))?;
        }
        Ok(())
    }
}

impl Subject {
    pub fn upn(&self) -> String {
        format!("{}@contoso.com", self.name)
    }
}

fn declared(chance: &mut Chance) -> Declared {
    match chance.between(0, 9) {
        0 => Declared::No,
        1..=2 => Declared::On,
        _ => Declared::Toggled,
    }
}

fn user(number: u64, chance: &mut Chance) -> Subject {
    let id = uuid::Uuid::from_u128(0xa000_0000_0000_4000_8000_0000_0000_0000 + u128::from(number));
    let id = SubjectId::User(UserId(id));
    Subject { name: format!("user{number}"), id, declared: declared(chance), groups: Vec::new() }
}

fn group(number: u64, chance: &mut Chance) -> Subject {
    let id = uuid::Uuid::from_u128(0xb000_0000_0000_4000_8000_0000_0000_0000 + u128::from(number));
    let id = SubjectId::Group(GroupId(id));
    Subject { name: format!("group{number}"), id, declared: declared(chance), groups: Vec::new() }
}

fn tenant(seed: u64, users: &mut [Subject], groups: &[Subject], chance: &mut Chance) -> String {
    let lag = chance.one_of(&["0s", "0s", "1s", "7s", "20s"]);
    let processing = chance.one_of(&["0s", "20s", "90s", "10m"]);
    let dates = if chance.percent(15) { "planDates: stay\n" } else { "" };
    let mut text = format!(
        "tenant: {{id: c0450000-0000-4000-8000-000000000001, domain: contoso.onmicrosoft.com, domains: \
         [contoso.com]}}\nnow: 2026-11-22T09:00:00Z\nlicenses: [SPE_E5, ENTERPRISEPREMIUM]\nseed: {seed}\nlag: \
         {lag}\ngroupProcessing: {processing}\n{dates}users:\n"
    );
    for user in users.iter_mut() {
        let mut licenses = Vec::new();
        for (license, share) in [("SPE_E5", 80), ("ENTERPRISEPREMIUM", 25)] {
            if chance.percent(share) {
                licenses.push(format!("{{license: {license}{}}}", chance.one_of(&OFF)));
            }
        }
        let (upn, id, licenses) = (user.upn(), user.id.guid(), licenses.join(", "));
        writeln!(text, "  - {{upn: {upn}, id: {id}, licenses: [{licenses}]}}").expect("a text");
        user.groups = (0..groups.len()).filter(|_| chance.percent(25)).collect();
    }
    if !groups.is_empty() {
        text.push_str("groups:\n");
    }
    for (number, group) in groups.iter().enumerate() {
        let members = users.iter().filter(|user| user.groups.contains(&number));
        let members = members.map(Subject::upn).collect::<Vec<_>>().join(", ");
        let (name, id, off) = (&group.name, group.id.guid(), chance.one_of(&OFF));
        let licenses = format!("[{{license: SPE_E5{off}}}]");
        writeln!(text, "  - {{name: E5 {name}, id: {id}, licenses: {licenses}, members: [{members}]}}")
            .expect("a text");
    }
    text
}

/// The entries of a manifest; users by name, or the same users by selectors.
fn entries(users: &[Subject], groups: &[Subject], selects: bool) -> String {
    let block = |key: &str, word: &str, all: &[Subject], name: fn(&Subject) -> String| {
        let entries = all.iter().filter_map(|one| match one.declared {
            Declared::No => None,
            Declared::On => Some(format!("  - {word}: {}\n", name(one))),
            Declared::Toggled => Some(format!("  - {{{word}: {}, toggleIfEnabledBefore: {T}}}\n", name(one))),
        });
        let entries = entries.collect::<String>();
        if entries.is_empty() { String::new() } else { format!("{key}:\n{entries}") }
    };
    // By id: somebody may rename them meanwhile.
    let id = |one: &Subject| one.id.guid().to_string();
    let users = if selects { selectors(users) } else { block("users", "user", users, id) };
    users + &block("groups", "group", groups, id)
}

/// One selector for those who must be on, one for those to be toggled. All of the first may be deleted
/// meanwhile.
fn selectors(users: &[Subject]) -> String {
    let selected = |declared: Declared, more: &str| {
        let ids = users.iter().filter(|user| user.declared == declared);
        let ids: Vec<String> = ids.map(|user| format!("'{}'", user.id.guid())).collect();
        match ids.is_empty() {
            true => String::new(),
            false => format!("  - {{filter: \"id in ({})\"{more}}}\n", ids.join(",")),
        }
    };
    let toggled = format!(", toggleIfEnabledBefore: {T}, members: enabled");
    let entries = selected(Declared::On, ", allowEmpty: true") + &selected(Declared::Toggled, &toggled);
    if entries.is_empty() { entries } else { format!("users:\n{entries}") }
}
