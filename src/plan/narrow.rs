//! A manifest narrowed to what can concern one subject: its own entries, the selectors that may select it,
//! and the groups that give it a license. What is decided from it about that subject is what is decided from
//! the whole, at the price of a few reads. Limits and numbers of people are not: they need the whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diag::{Place, Source};
use crate::manifest::declared::{
    Declared, GroupEntry, Limits, Located, Select, Selector, Toggle, UserEntry, Who, Wish,
};
use crate::model::{GroupId, GroupKey, TenantId, UserId, UserKey};
use crate::observe::observed::{Observed, User};
use crate::observe::selection::{Listing, Selection};

/// A manifest that declares nothing but one user or group, without a date: what is read for it is the
/// subject as it is.
pub fn alone(tenant: TenantId, user: Option<&UserKey>, group: Option<&GroupKey>) -> Declared {
    let source = Arc::new(Source::new("the command line", ""));
    let place = Place::new(&source, 0..0);
    let wish = Wish { toggle_if_enabled_before: None, reason: None, place: place.clone() };
    let named = |key: &UserKey| UserEntry { who: Who::User(key.clone()), license: None, wish: wish.clone() };
    Declared {
        tenant: Located { value: tenant.to_string(), place },
        toggle: Toggle::default(),
        limits: Limits::default(),
        protect: Vec::new(),
        users: user.map(named).into_iter().collect(),
        groups: group.map(|key| GroupEntry { group: key.clone(), wish: wish.clone() }).into_iter().collect(),
        source,
    }
}

/// What concerns one user: entries that name it, selectors, and the groups that it has licenses from.
pub fn to_user(declared: &Declared, user: &User, observed: &Observed) -> Declared {
    let groups: BTreeSet<GroupId> =
        user.relevant(&observed.catalog).filter_map(|one| one.by.group()).collect();
    let is_meant = |entry: &&UserEntry| match &entry.who {
        Who::User(key) => key.names(user.id, &user.upn),
        Who::Selected(_) => true,
    };
    Declared {
        users: declared.users.iter().filter(is_meant).cloned().collect(),
        groups: entries_of(declared, &groups, observed),
        ..declared.clone()
    }
}

/// What concerns one group: its entry, and those of other groups that its members have licenses from.
/// All entries of users stay, to tell who of the members is declared.
pub fn to_group(declared: &Declared, group: GroupId, observed: &Observed) -> Declared {
    let members = observed.groups.get(&group).map_or(&[][..], |group| group.members.ids());
    let members = members.iter().filter_map(|id| observed.users.get(id));
    let mut groups: BTreeSet<GroupId> =
        members.flat_map(|user| user.relevant(&observed.catalog)).filter_map(|one| one.by.group()).collect();
    groups.insert(group);
    Declared { groups: entries_of(declared, &groups, observed), ..declared.clone() }
}

fn entries_of(declared: &Declared, groups: &BTreeSet<GroupId>, observed: &Observed) -> Vec<GroupEntry> {
    let names: BTreeSet<String> = groups.iter().map(|id| observed.group_name(*id).to_lowercase()).collect();
    let is_meant = |entry: &&GroupEntry| match &entry.group {
        GroupKey::Id(id) => groups.contains(id),
        GroupKey::Name(name) => names.contains(&name.to_lowercase()),
    };
    declared.groups.iter().filter(is_meant).cloned().collect()
}

/// The selectors that have to be asked, without dates: those of everybody are answered by the user itself, and
/// a filter is asked about one user where one is meant. None where nothing has to be asked.
pub fn selectors(narrowed: &Declared, user: Option<UserId>) -> Option<Declared> {
    let asked = |entry: &UserEntry| {
        let Who::Selected(selector) = &entry.who else { return None };
        let mut selector = selector.clone();
        selector.select.value = about(&selector.select.value, user)?;
        let wish = Wish { toggle_if_enabled_before: None, ..entry.wish.clone() };
        Some(UserEntry { who: Who::Selected(selector), wish, license: None })
    };
    let users: Vec<UserEntry> = narrowed.users.iter().filter_map(asked).collect();
    let (protect, groups) = (Vec::new(), Vec::new());
    (!users.is_empty()).then(|| Declared { users, protect, groups, ..narrowed.clone() })
}

/// What is asked to know whether a selector selects one user, or everybody of whom it may be asked.
fn about(select: &Select, user: Option<UserId>) -> Option<Select> {
    match (select, user) {
        (Select::AllLicensed, _) => None,
        (Select::Filter(filter), Some(id)) => Some(Select::Filter(format!("({filter}) and id eq '{id}'"))),
        (Select::Filter(_) | Select::MembersOf(_), _) => Some(select.clone()),
    }
}

/// Takes the answers for those of the selectors as they are written, and the users that were read for all that
/// there are.
pub fn take_selections(observed: &mut Observed, narrowed: &Declared, user: Option<UserId>) {
    for selector in narrowed.selectors() {
        let select = &selector.select.value;
        let answer = match about(select, user) {
            None => Some(Selection::Read(everybody(observed))),
            Some(asked) => observed.selections.get(&asked).cloned(),
        };
        if let Some(answer) = answer {
            observed.selections.insert(select.clone(), answer);
        }
    }
}

fn everybody(observed: &Observed) -> Listing {
    let holds = |user: &&User| user.relevant(&observed.catalog).next().is_some();
    let ids = observed.users.values().filter(holds).map(|user| user.id).collect();
    Listing { ids, total: observed.users.len(), ..Listing::default() }
}

/// What has to be read for a narrowed manifest whose selectors are answered: the user by its name, with the
/// dates of whatever names or selects it.
pub fn to_read(narrowed: &Declared, user: Option<UserId>, observed: &Observed) -> Declared {
    let of = user.and_then(|id| observed.users.get(&id));
    let read = |entry: &UserEntry| {
        let user = of?;
        match &entry.who {
            Who::User(key) => key.names(user.id, &user.upn).then(|| entry.clone()),
            Who::Selected(selector) => selects(selector, user, observed)
                .then(|| UserEntry { who: Who::User(UserKey::Id(user.id)), ..entry.clone() }),
        }
    };
    let users = narrowed.users.iter().filter_map(read).collect();
    Declared { users, protect: Vec::new(), ..narrowed.clone() }
}

/// Whether a selector selects that user, as far as it alone goes.
pub fn selects(selector: &Selector, user: &User, observed: &Observed) -> bool {
    observed.chosen(selector).ids.contains(&user.id) && !selector.excepts(user.id, &user.upn)
}
