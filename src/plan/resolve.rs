//! Declared + observed → desired: names become ids of this tenant, selections are frozen.
//!
//! A named entry beats a selector; of several entries with a date the latest counts. What becomes of a
//! selector is in `selected`.

use std::collections::{BTreeMap, BTreeSet};

use super::digest;
use super::limits::Allowance;
use super::planned::{Named, Unknown};
use super::running::Running;
use super::why::WhyNot;
use crate::diag::{Code, Finding, Place};
use crate::manifest::declared::{Declared, GroupEntry, Limits, Located, Toggle, UserEntry, Who, Wish};
use crate::model::{GroupId, SkuId, SubjectKind, Timestamp, UserId, UserKey};
use crate::observe::observed::{Lookup, Observed};

/// What must be so, in ids of this tenant.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Declared users that exist.
    pub users: BTreeMap<UserId, Want>,
    /// Who is declared by a selector only and in sync, whatever else is; in order, and nobody of `users`.
    pub passed_by: Vec<UserId>,
    /// Declared groups that exist.
    pub groups: BTreeMap<GroupId, Want>,
    /// Entries that lead nowhere, and why.
    pub blocked: Vec<(Named, WhyNot, Place)>,
    /// Entries of which nobody knows where they lead.
    pub unknown: Vec<Unknown>,
    /// Declared users that are left out of this plan (`--only`).
    pub left_out: BTreeSet<UserId>,
    /// Who is never turned off.
    pub protected: Protected,
    /// How a toggle runs.
    pub toggle: Toggle,
    /// What one run may start.
    pub limits: Limits,
    /// Which of them are not the manifest's own.
    pub allowed: Vec<Allowance>,
    /// Things to tell about names and selectors.
    pub findings: Vec<Finding>,
    /// The digest of the manifest's text.
    pub manifest_sha256: String,
}

/// What is wanted of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The service plan must have been turned on at or after this.
    pub asked: Option<Timestamp>,
    /// Why, in the administrator's words.
    pub reason: Option<String>,
    /// An enable is narrowed to these licenses, named so in the manifest.
    pub license: Option<(String, BTreeSet<SkuId>)>,
    /// The entry.
    pub place: Place,
    /// Whether the entry names the subject; otherwise it is a selector.
    pub is_named: bool,
}

/// Who is never turned off. Names are kept beside ids: a name that could not be resolved still
/// protects a member who answers to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protected {
    ids: BTreeSet<UserId>,
    names: BTreeSet<String>,
}

impl Protected {
    /// Whether that user must never go off.
    pub fn covers(&self, id: UserId, upn: &str) -> bool {
        self.ids.contains(&id) || self.names.contains(&upn.to_lowercase())
    }

    /// Ids and names as text, as a saved plan keeps them.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.ids.iter().map(ToString::to_string).chain(self.names.iter().cloned())
    }

    /// Whoever these ids and names mean.
    pub fn named<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut protected = Protected::default();
        for word in words {
            match word.parse() {
                Ok(id) => _ = protected.ids.insert(UserId(id)),
                Err(_) => _ = protected.names.insert(word.to_lowercase()),
            }
        }
        protected
    }
}

impl Desired {
    /// Whether that user has an entry under `users`, of its own or by a selector.
    pub fn declares(&self, id: UserId) -> bool {
        self.users.contains_key(&id)
            || self.left_out.contains(&id)
            || self.passed_by.binary_search(&id).is_ok()
    }

    /// Leaves only the subjects with these names, ids or display names (`--only`). Returns the words
    /// that name nobody in the manifest.
    pub fn keep_only(&mut self, words: &[String], observed: &Observed) -> Vec<String> {
        let folded: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let mut met = BTreeSet::new();
        let mut keep = |names: &[String]| {
            let hits: Vec<_> = folded.iter().filter(|word| names.contains(word)).cloned().collect();
            met.extend(hits.iter().cloned());
            !hits.is_empty()
        };
        let all: Vec<UserId> = self.users.keys().copied().collect();
        self.users.retain(|id, _| {
            let upn = observed.users.get(id).map_or_else(String::new, |user| user.upn.to_lowercase());
            keep(&[id.to_string(), upn])
        });
        self.left_out.extend(all.into_iter().filter(|id| !self.users.contains_key(id)));
        // Whom a word means was not passed by.
        self.left_out.extend(std::mem::take(&mut self.passed_by));
        self.groups.retain(|id, _| keep(&[id.to_string(), observed.group_name(*id).to_lowercase()]));
        self.blocked.retain(|(named, _, _)| keep(&[named.name.to_lowercase()]));
        let unknown = std::mem::take(&mut self.unknown);
        let (kept, rest): (Vec<_>, Vec<_>) =
            unknown.into_iter().partition(|unknown| keep(&[unknown.subject.name.to_lowercase()]));
        self.unknown = kept;
        let missed: Vec<String> =
            words.iter().filter(|word| !met.contains(&word.to_lowercase())).cloned().collect();
        // Whom a selector selects that was not read is not known: it may be one of those.
        let selectors: Vec<_> = rest.into_iter().filter(|unknown| unknown.subject.is_selector()).collect();
        if missed.is_empty() || selectors.is_empty() {
            return missed;
        }
        self.unknown.extend(selectors);
        Vec::new()
    }
}

/// The users that have an entry of their own, whatever became of it: one that is blocked, or that
/// could not be read, is not taken up by a selector instead.
pub(super) struct NamedUsers {
    ids: BTreeSet<UserId>,
    keys: BTreeSet<String>,
}

impl NamedUsers {
    pub fn covers(&self, id: UserId, upn: &str) -> bool {
        self.ids.contains(&id)
            || self.keys.contains(&upn.to_lowercase())
            || self.keys.contains(&id.to_string())
    }
}

/// Lays what was observed beside what was declared.
pub fn resolve(declared: &Declared, observed: &Observed, running: &Running) -> Desired {
    let mut desired = Desired {
        users: BTreeMap::new(),
        passed_by: Vec::new(),
        groups: BTreeMap::new(),
        blocked: Vec::new(),
        unknown: Vec::new(),
        left_out: BTreeSet::new(),
        protected: Protected::default(),
        toggle: declared.toggle.clone(),
        limits: declared.limits.clone(),
        allowed: Vec::new(),
        findings: Vec::new(),
        manifest_sha256: digest::of_text(&declared.source.text),
    };
    desired.protected = protected(&declared.protect, observed, &mut desired.findings);
    for entry in &declared.groups {
        desired.add_group(entry, observed);
    }
    let named: Vec<&UserEntry> =
        declared.users.iter().filter(|entry| matches!(entry.who, Who::User(_))).collect();
    for entry in &named {
        desired.add_named(entry, observed, running);
    }
    let named = desired.named(&named);
    for entry in &declared.users {
        if let Who::Selected(selector) = &entry.who {
            desired.add_selected(entry, selector, &named, observed);
        }
    }
    let Desired { users, passed_by, .. } = &mut desired;
    passed_by.sort_unstable();
    passed_by.dedup();
    // Of hundreds of thousands; who has come by another entry is one of few.
    if users.keys().any(|id| passed_by.binary_search(id).is_ok()) {
        passed_by.retain(|id| !users.contains_key(id));
    }
    desired
}

impl Desired {
    fn add_group(&mut self, entry: &GroupEntry, observed: &Observed) {
        let named = |id: Option<GroupId>| Named {
            kind: SubjectKind::Group,
            id: id.map(|id| id.0),
            name: entry.group.to_string(),
        };
        let place = entry.wish.place.clone();
        match observed.group_key(&entry.group) {
            Lookup::Found(id) => {
                let want = want(&entry.wish, None);
                if let Some(earlier) = self.groups.insert(id, want) {
                    self.twice(&entry.group.to_string(), &earlier.place, &entry.wish.place);
                }
            }
            Lookup::NotFound => self.blocked.push((named(None), WhyNot::NotFound, place)),
            Lookup::Ambiguous(ids) => self.blocked.push((named(None), WhyNot::Ambiguous(ids), place)),
            Lookup::Unread(reason) => self.unknown.push(Unknown { subject: named(None), reason, place }),
        }
    }

    fn add_named(&mut self, entry: &UserEntry, observed: &Observed, running: &Running) {
        let Who::User(key) = &entry.who else { return };
        let named = |id: Option<UserId>| Named {
            kind: SubjectKind::User,
            id: id.map(|id| id.0),
            name: key.to_string(),
        };
        let place = entry.wish.place.clone();
        match observed.user_key(key) {
            Lookup::Found(now) => {
                let was = match key {
                    UserKey::Upn(_) => running.names.get(&key.folded()).copied(),
                    UserKey::Id(_) => None,
                };
                if let Some(was) = was.filter(|was| *was != now) {
                    self.blocked.push((named(Some(now)), WhyNot::NameMoved { was, now }, place));
                    return;
                }
                let license = self.licenses(entry, observed);
                if let Some(earlier) = self.users.insert(now, want(&entry.wish, license)) {
                    self.twice(&key.to_string(), &earlier.place, &entry.wish.place);
                }
            }
            // Users have unique names, so several cannot happen; not knowing which is not knowing.
            Lookup::NotFound | Lookup::Ambiguous(_) => {
                self.blocked.push((named(None), WhyNot::NotFound, place))
            }
            Lookup::Unread(reason) => self.unknown.push(Unknown { subject: named(None), reason, place }),
        }
    }

    fn named(&self, entries: &[&UserEntry]) -> NamedUsers {
        let blocked = self.blocked.iter().filter(|(named, _, _)| named.kind == SubjectKind::User);
        let blocked = blocked.filter_map(|(named, _, _)| named.id.map(UserId));
        let keys = entries.iter().filter_map(|entry| match &entry.who {
            Who::User(key) => Some(key.folded()),
            Who::Selected(_) => None,
        });
        NamedUsers { ids: self.users.keys().copied().chain(blocked).collect(), keys: keys.collect() }
    }

    /// The licenses that an entry narrows to.
    pub(super) fn licenses(
        &mut self,
        entry: &UserEntry,
        observed: &Observed,
    ) -> Option<(String, BTreeSet<SkuId>)> {
        let name = entry.license.as_ref()?;
        let ids: BTreeSet<SkuId> = observed.catalog.by_name(&name.value).map(|license| license.id).collect();
        if ids.is_empty() {
            let message = format!("the tenant owns no license `{}`", name.value);
            let owned: Vec<&str> = observed
                .catalog
                .licenses()
                .filter(|license| license.has_service_plan())
                .map(|license| license.part_number.as_str())
                .collect();
            let help = format!("with the service plan it owns: {}", owned.join(", "));
            self.findings.push(Finding::new(Code::UnknownLicense, message).at(&name.place).help(help));
        }
        Some((name.value.clone(), ids))
    }

    /// Two named entries turned out to be one subject (an id and a name, or two names).
    fn twice(&mut self, name: &str, first: &Place, second: &Place) {
        let (line, _) = first.line_column();
        self.findings.push(
            Finding::new(Code::DuplicateSubject, format!("`{name}` is the subject of another entry as well"))
                .at(second)
                .help(format!("the other entry is in line {line}; keep one of them")),
        );
    }
}

pub(super) fn want(wish: &Wish, license: Option<(String, BTreeSet<SkuId>)>) -> Want {
    Want {
        asked: wish.toggle_if_enabled_before,
        reason: wish.reason.clone(),
        license,
        place: wish.place.clone(),
        is_named: true,
    }
}

fn protected(names: &[Located<UserKey>], observed: &Observed, findings: &mut Vec<Finding>) -> Protected {
    let mut protected = Protected::default();
    for name in names {
        match &name.value {
            UserKey::Id(id) => _ = protected.ids.insert(*id),
            UserKey::Upn(upn) => _ = protected.names.insert(upn.to_lowercase()),
        }
        match observed.user_key(&name.value) {
            Lookup::Found(id) => _ = protected.ids.insert(id),
            Lookup::NotFound | Lookup::Ambiguous(_) => {
                let message = format!("no user is called `{}`: it protects nobody", name.value);
                findings.push(Finding::new(Code::UnknownName, message).at(&name.place));
            }
            Lookup::Unread(reason) => findings.push(
                Finding::new(Code::Unread, format!("`{}` could not be read: {reason}", name.value))
                    .at(&name.place)
                    .help("it is protected by this name all the same"),
            ),
        }
    }
    protected
}

#[cfg(test)]
impl Protected {
    /// These and nobody else.
    pub fn of(ids: impl IntoIterator<Item = UserId>) -> Self {
        Protected { ids: ids.into_iter().collect(), names: BTreeSet::new() }
    }
}
