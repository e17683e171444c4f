//! The entries of `users:`, `groups:`, `protect:` and `except:`.

use std::collections::HashMap;
use std::fmt;

use super::declared::{GroupEntry, Located, Select, Selector, UserEntry, Who, Wish};
use super::filter;
use super::keys::{Block, GROUP_ENTRY, USER_ENTRY};
use super::licenses;
use super::node::{Node, Value};
use super::review::Review;
use super::values;
use crate::diag::{Code, quoted};
use crate::model::{GroupKey, UserKey};

/// The ways to say whom an entry of `users:` means. Exactly one of them must be there.
const SUBJECTS: [&str; 4] = ["user", "all", "filter", "membersOf"];

/// Keys that only make sense when an entry selects many.
const OF_SELECTORS: [&str; 3] = ["except", "allowEmpty", "members"];

/// The entries of `users:`; those with errors are left out, and told.
pub(super) fn users(review: &mut Review, node: &Node) -> Vec<UserEntry> {
    let mut named = Named::default();
    let items = values::list(review, node, "`users`").unwrap_or_default();
    items.iter().filter_map(|item| user_entry(review, &mut named, item)).collect()
}

/// The entries of `groups:`; those with errors are left out, and told.
pub(super) fn groups(review: &mut Review, node: &Node) -> Vec<GroupEntry> {
    let mut named = Named::default();
    let items = values::list(review, node, "`groups`").unwrap_or_default();
    items.iter().filter_map(|item| group_entry(review, &mut named, item)).collect()
}

/// A list of people, as under `protect:` and `except:`. Naming somebody twice harms nobody there.
pub(super) fn people(review: &mut Review, node: &Node, what: &str) -> Vec<Located<UserKey>> {
    let mut people = Vec::new();
    for item in values::list(review, node, what).unwrap_or_default() {
        if let Some(value) = user_key(review, item) {
            people.push(Located { value, place: review.place(item.range.clone()) });
        }
    }
    people
}

fn user_entry(review: &mut Review, named: &mut Named, node: &Node) -> Option<UserEntry> {
    let Value::Block(_) = &node.value else {
        let key = user_key(review, node)?;
        named.add(review, node, (key.folded(), &key), "user")?;
        let wish =
            Wish { toggle_if_enabled_before: None, reason: None, place: review.place(node.range.clone()) };
        return Some(UserEntry { who: Who::User(key), license: None, wish });
    };
    let block = Block::open(review, node, "an entry of `users`", &USER_ENTRY)?;
    let who = who(review, named, node, &block);
    let license = block.value("license").and_then(|value| license(review, value));
    let wish = wish(review, node, &block);
    Some(UserEntry { who: who?, license, wish })
}

fn group_entry(review: &mut Review, named: &mut Named, node: &Node) -> Option<GroupEntry> {
    let Value::Block(_) = &node.value else {
        let group = group_key(review, node)?;
        named.add(review, node, (group.folded(), &group), "group")?;
        let wish =
            Wish { toggle_if_enabled_before: None, reason: None, place: review.place(node.range.clone()) };
        return Some(GroupEntry { group, wish });
    };
    let block = Block::open(review, node, "an entry of `groups`", &GROUP_ENTRY)?;
    block.tell_missing(review, node, "group", "write `group:` with a display name or an object id");
    let value = block.value("group");
    let group = value.and_then(|value| group_key(review, value));
    let wish = wish(review, node, &block);
    let group = group?;
    named.add(review, value?, (group.folded(), &group), "group")?;
    Some(GroupEntry { group, wish })
}

/// Whom an entry of `users:` means.
fn who(review: &mut Review, named: &mut Named, node: &Node, block: &Block<'_>) -> Option<Who> {
    let mut given: Vec<_> = SUBJECTS.into_iter().filter_map(|key| block.field(key)).collect();
    given.sort_by_key(|field| field.key_range.start);
    match given[..] {
        [] if SUBJECTS.into_iter().all(|key| block.misses(key)) => {
            block.tell_missing(
                review,
                node,
                "user",
                "write `user:` with a name, or a selector: `all:`, `filter:` or `membersOf:`",
            );
            return None;
        }
        [] => return None,
        [_] => {}
        [first, second, ..] => {
            let message = format!("one entry has both `{}` and `{}`", first.key, second.key);
            let finding = review.finding(Code::BadValue, second.key_range.clone(), message);
            review.tell(finding.help("make two entries of it, each with its own `- `"));
        }
    }
    if given.iter().all(|field| field.key == "user") {
        tell_of_selectors(review, block);
    }
    let user = block.value("user").and_then(|value| Some((value, user_key(review, value)?)));
    let selector = selector(review, block);
    if let Some((value, key)) = user {
        named.add(review, value, (key.folded(), &key), "user")?;
        return Some(Who::User(key));
    }
    selector.map(Who::Selected)
}

/// The selection of an entry, with everything that is wrong in it told.
fn selector(review: &mut Review, block: &Block<'_>) -> Option<Selector> {
    let except = block.value("except").map(|value| people(review, value, "`except`"));
    let only_enabled = block.value("members").map(|value| members_enabled(review, value));
    let allow_empty = block.value("allowEmpty").and_then(|value| values::flag(review, value, "allowEmpty"));
    let mut select = None;
    for key in SUBJECTS {
        let Some(value) = block.value(key) else { continue };
        let among = match key {
            "all" => all_licensed(review, value),
            "filter" => filter::filter(review, value).map(Select::Filter),
            "membersOf" => group_key(review, value).map(Select::MembersOf),
            _ => None,
        };
        select =
            select.or(among.map(|among| Located { value: among, place: review.place(value.range.clone()) }));
    }
    Some(Selector {
        select: select?,
        except: except.unwrap_or_default(),
        only_enabled: only_enabled.unwrap_or_default(),
        allow_empty: allow_empty.unwrap_or_default(),
    })
}

/// Tells the keys that a named user cannot have.
fn tell_of_selectors(review: &mut Review, block: &Block<'_>) {
    for field in OF_SELECTORS.iter().filter_map(|key| block.field(key)) {
        let message = format!("`{}` belongs to an entry that selects many users", field.key);
        let finding = review.finding(Code::BadValue, field.key_range.clone(), message);
        review.tell(finding.help("remove it, or select with `all:`, `filter:` or `membersOf:`"));
    }
}

fn all_licensed(review: &mut Review, node: &Node) -> Option<Select> {
    let help = "write `all: licensed`: each user who holds a license with the service plan";
    only_word(review, node, ("all", "licensed"), help).then_some(Select::AllLicensed)
}

fn members_enabled(review: &mut Review, node: &Node) -> bool {
    let help = "write `members: enabled`: without guests and disabled accounts; or leave the line out";
    only_word(review, node, ("members", "enabled"), help)
}

/// Whether the value of a key is the one word that it can have; anything else is told.
fn only_word(review: &mut Review, node: &Node, (key, word): (&str, &str), help: &str) -> bool {
    let Value::Scalar(scalar) = &node.value else {
        review.tell_wrong_type(node, &format!("`{key}`"), &format!("the word `{word}`"), None);
        return false;
    };
    if scalar.text != word {
        values::bad(review, node, format!("`{key}` cannot be {}", quoted(&scalar.text)), help);
    }
    scalar.text == word
}

/// A user by UPN or object id.
fn user_key(review: &mut Review, node: &Node) -> Option<UserKey> {
    let key = UserKey::parse(values::name(review, node, "the name of a user")?);
    if let UserKey::Upn(upn) = &key {
        let named = upn.split_once('@');
        let right = |(name, domain): (&str, &str)| {
            !name.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !upn.contains(char::is_whitespace)
        };
        if !named.is_some_and(right) {
            let message = format!("{} is neither a UPN nor an object id", quoted(upn));
            values::bad(
                review,
                node,
                message,
                "a user is named as `name@domain`, or by object id with its hyphens",
            );
            return None;
        }
    }
    Some(key)
}

/// A group by display name or object id.
fn group_key(review: &mut Review, node: &Node) -> Option<GroupKey> {
    values::name(review, node, "the name of a group").map(GroupKey::parse)
}

/// A license by part number; an unknown one is only a warning, because Microsoft adds some each
/// year and the tenant knows its own.
fn license(review: &mut Review, node: &Node) -> Option<Located<String>> {
    let name = values::name(review, node, "`license`")?;
    let place = review.place(node.range.clone());
    if !licenses::is_known(name) {
        let message = format!("{} is not a known license with the service plan", quoted(name));
        let finding = review.finding(Code::UnknownLicense, node.range.clone(), message);
        let near = review.near(name, "licenses", licenses::PART_NUMBERS);
        review.tell(match near {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.help("write the part number that the tenant shows, such as `SPE_E5`"),
        });
    }
    Some(Located { value: name.to_owned(), place })
}

/// What is the same for every kind of entry.
fn wish(review: &mut Review, node: &Node, block: &Block<'_>) -> Wish {
    let time = "toggleIfEnabledBefore";
    let toggle_if_enabled_before = block.value(time).and_then(|value| values::time(review, value, time));
    let reason = block.value("reason").and_then(|value| values::sentence(review, value, "`reason`"));
    Wish { toggle_if_enabled_before, reason, place: review.place(node.range.clone()) }
}

/// The subjects named so far, by their folded names, each with its first byte.
#[derive(Default)]
struct Named(HashMap<String, usize>);

impl Named {
    /// Notes a name, given folded and as written; none when it has been named before, which is told.
    fn add(
        &mut self,
        review: &mut Review,
        node: &Node,
        (folded, name): (String, &dyn fmt::Display),
        kind: &str,
    ) -> Option<()> {
        let Some(first) = self.0.get(&folded) else {
            self.0.insert(folded, node.range.start);
            return Some(());
        };
        let line = review.line(*first);
        let message = format!("the {kind} {} is named twice", quoted(&name.to_string()));
        let finding = review.finding(Code::DuplicateSubject, node.range.clone(), message);
        review.tell(finding.label(format!("first named in line {line}")).help("keep one of the two entries"));
        None
    }
}
