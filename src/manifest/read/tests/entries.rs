//! Who is named, twice, or not at all.

use snapbox::str;

use super::*;

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
    write `user:` with a name, or `all: licensed`
7:5 <{}> missing-key: `user` is missing
    write `user:` with a name, or `all: licensed`
8:10 <true> bad-value: `all` cannot be `true`
    write `all: licensed`: each user who holds a license with the service plan
10:5 <except> bad-value: `except` belongs to an entry that selects many users
    remove it, or select with `all: licensed`
11:5 <usr> unknown-key: unknown key `usr`
    did you mean `user`?

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
