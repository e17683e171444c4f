//! Who is named, twice, or not at all.

use snapbox::str;

use super::*;
use crate::model::UserId;

#[test]
fn a_subject_named_twice_is_told_with_its_first_place() {
    check(
        findings_in(
            "users:
  - adele@contoso.com
  - user: Adele@Contoso.com
  - 8a9b0c1d-0000-4000-8000-000000000002
  - 8A9B0C1D-0000-4000-8000-000000000002
  - all: licensed
  - all: licensed
groups:
  - E5 Legal
  - group: e5 legal
protect: [adele@contoso.com, adele@contoso.com]
",
        ),
        str![[r#"
5:11 <Adele@Contoso.com> duplicate-subject: the user `Adele@Contoso.com` is named twice
    first named in line 4
    keep one of the two entries
7:5 <8A9B0C1D-0000-4000-8000-000000000002> duplicate-subject: the user `8a9b0c1d-0000-4000-8000-000000000002` is named twice
    first named in line 6
    keep one of the two entries
12:12 <e5 legal> duplicate-subject: the group `e5 legal` is named twice
    first named in line 11
    keep one of the two entries

"#]],
    );
}

#[test]
fn an_entry_of_users_means_exactly_one_thing() {
    check(
        findings_in(
            "users:
  - all: licensed
    user: a@contoso.com
  - reason: nobody
  - {}
  - all: true
  - user: b@contoso.com
    except: [c@contoso.com]
  - usr: d@contoso.com
",
        ),
        str![[r#"
5:5 <user> bad-value: one entry has both `all` and `user`
    make two entries of it, each with its own `- `
6:5 <reason> missing-key: `user` is missing
    write `user:` with a name, or a selector: `all:`, `filter:` or `membersOf:`
7:5 <{}> missing-key: `user` is missing
    write `user:` with a name, or a selector: `all:`, `filter:` or `membersOf:`
8:10 <true> bad-value: `all` cannot be `true`
    write `all: licensed`: each user who holds a license with the service plan
10:5 <except> bad-value: `except` belongs to an entry that selects many users
    remove it, or select with `all:`, `filter:` or `membersOf:`
11:5 <usr> unknown-key: unknown key `usr`
    did you mean `user`?

"#]],
    );
}

#[test]
fn selectors_are_read_with_whom_they_leave_out() {
    let declared = valid(
        "users:
  - filter: startsWith(department,'Legal') and surname ne 'O''Brien'
    members: enabled
    allowEmpty: true
    except: [svc-scan@contoso.com]
    toggleIfEnabledBefore: 2026-11-20T00:00:00Z
    license: SPE_E5
  - filter: >
      department eq 'Legal'
      and country eq 'CH'
  - filter: |
      department eq 'Legal'
      and country eq 'CH'
  - membersOf: Forensics Watchlist
  - {membersOf: 8a9b0c1d-0000-4000-8000-000000000002, allowEmpty: false}
  - membersOf: Forensics Watchlist
",
    );
    let selectors: Vec<_> = declared.selectors().collect();
    let texts: Vec<String> = selectors.iter().map(|one| one.select.value.to_string()).collect();
    assert_eq!(
        texts,
        [
            "filter: startsWith(department,'Legal') and surname ne 'O''Brien'",
            "filter: department eq 'Legal' and country eq 'CH'",
            "filter: department eq 'Legal' and country eq 'CH'",
            "membersOf: Forensics Watchlist",
            "membersOf: 8a9b0c1d-0000-4000-8000-000000000002",
            "membersOf: Forensics Watchlist",
        ]
    );
    let flags: Vec<_> = selectors.iter().map(|one| (one.only_enabled, one.allow_empty)).collect();
    assert_eq!(
        flags,
        [(true, true), (false, false), (false, false), (false, false), (false, false), (false, false)]
    );
    assert_eq!(selectors[0].select.place.to_string(), "m.yaml:4:13");
    assert!(selectors[0].excepts(UserId(uuid::Uuid::nil()), "SVC-Scan@contoso.com"));
    assert!(declared.users[0].license.is_some() && declared.asks_for_toggles());
}

#[test]
fn a_selector_that_is_wrong_is_told_with_the_next_step() {
    check(
        findings_in(
            "users:
  - filter: department eq 'Legal
  - filter: $filter=department eq 'Legal'
  - filter: department = 'Legal'
    members: all
  - filter: [department]
  - {membersOf: Watchlist, filter: department eq 'Legal'}
  - {membersOf: 007}
  - filter: assignedPlans/any(a:a/servicePlanId eq 2f442157-a11c-46b9-ae5b-6e39ff4e5849)
  - {all: licensed, allowEmpty: maybe, members: {}}
  - {all: licensed, allowEmpty: \"true\"}
  - {user: a@contoso.com, members: enabled, allowEmpty: true}
",
        ),
        str![[r#"
4:13 <department eq 'Legal> bad-value: a text in `filter` has no end: its quotes are odd in number
    close the quote; an apostrophe in a text is doubled: 'O''Brien'
5:13 <$filter=department eq 'Legal'> bad-value: `filter` begins with `$filter`
    write only what follows `$filter=`
6:13 <department = 'Legal'> bad-value: `filter` has `=`, which Graph writes as `eq`
    Graph's operators are words: eq, ne, not, and, or, in, startsWith(…), endsWith(…)
7:14 <all> bad-value: `members` cannot be `all`
    write `members: enabled`: without guests and disabled accounts; or leave the line out
8:13 <[department]> wrong-type: `filter` must be a text, and this is a list
9:28 <filter> bad-value: one entry has both `membersOf` and `filter`
    make two entries of it, each with its own `- `
10:17 <007> wrong-type: the name of a group must be a text, and YAML takes `007` for a number
    quote it: "007"
11:13 <assignedPlans/any(a:a/servicePlanId eq 2f442157-a11c-46b9-ae5b-6e39ff4e5849)> unsteady-filter: `filter` asks for the service plan itself: whoever is off is perhaps not meant
    a toggle changes what this selects, and with a lost journal who is off would not be found; ask for a license instead: assignedLicenses/any(a:a/skuId eq …), or write `all: licensed`
12:33 <maybe> bad-value: `maybe` is neither `true` nor `false`
    write `true`, or leave the line out
12:49 <{}> wrong-type: `members` must be the word `enabled`, and this is a block of keys
13:33 <"true"> wrong-type: `allowEmpty` must be `true` or `false`, and this is a text
    remove the quotes
14:27 <members> bad-value: `members` belongs to an entry that selects many users
    remove it, or select with `all:`, `filter:` or `membersOf:`
14:45 <allowEmpty> bad-value: `allowEmpty` belongs to an entry that selects many users
    remove it, or select with `all:`, `filter:` or `membersOf:`

"#]],
    );
}

#[test]
fn a_manifest_that_declares_nobody_is_a_warning() {
    check(
        findings_in(""),
        str![[r#"
1:1 <apiVersion> nobody-declared: the manifest declares nobody
    name somebody under `users` or `groups`; what is not mentioned is not touched

"#]],
    );
    check(
        findings_in("protect: [a@contoso.com]\nusers: []\ngroups: []\n"),
        str![[r#"
4:1 <users> nobody-declared: the manifest declares nobody
    name somebody under `users` or `groups`; what is not mentioned is not touched

"#]],
    );
}
