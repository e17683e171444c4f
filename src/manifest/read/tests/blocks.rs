//! Keys, types and empty values.

use snapbox::str;

use super::*;

#[test]
fn version_and_tenant_are_required_and_checked() {
    check(
        findings("apiVersion: advaudit/v2\ntenant: https://contoso.com\nusers: [a@contoso.com]\n"),
        str![[r#"
1:13 <advaudit/v2> bad-value: `advaudit/v2` is no version that this advaudit reads
    write `apiVersion: advaudit/v1`
2:9 <https://contoso.com> bad-value: `https://contoso.com` is neither a tenant id nor a domain
    write the tenant's id, or a verified domain such as `contoso.onmicrosoft.com`

"#]],
    );
    check(
        findings("apiVersion: 1\ntenant:\nusers: [a@contoso.com]\n"),
        str![[r#"
1:13 <1> bad-value: `1` is no version that this advaudit reads
    write `apiVersion: advaudit/v1`
2:1 <tenant> bad-value: `tenant` has no value
    write a value after the colon, or remove the line

"#]],
    );
}

#[test]
fn unknown_keys_are_told_with_what_was_probably_meant() {
    check(
        findings_in(
            "Users: [a@contoso.com]
colour: red
wait: 60m
toggle:
  groupGtae: 2h
users:
  - user: b@contoso.com
    toggleIfEnabledbefore: 2026-11-20T00:00:00Z
groups:
  - user: c@contoso.com
",
        ),
        str![[r#"
3:1 <Users> unknown-key: unknown key `Users`
    did you mean `users`?
4:1 <colour> unknown-key: unknown key `colour`
    keys at the top of the manifest: apiVersion, tenant, toggle, limits, protect, users, groups
5:1 <wait> unknown-key: unknown key `wait`
    `wait` belongs under `toggle`
7:3 <groupGtae> unknown-key: unknown key `groupGtae`
    did you mean `groupGate`?
10:5 <toggleIfEnabledbefore> unknown-key: unknown key `toggleIfEnabledbefore`
    did you mean `toggleIfEnabledBefore`?
12:5 <user> unknown-key: unknown key `user`
    `user` belongs in an entry of `users`
12:5 <user> missing-key: `group` is missing
    write `group:` with a display name or an object id

"#]],
    );
}

#[test]
fn a_misspelt_required_key_is_not_missed_as_well() {
    check(
        findings("apiversion: advaudit/v1\ntennant: contoso.com\nuser: [a@contoso.com]\n"),
        str![[r#"
1:1 <apiversion> unknown-key: unknown key `apiversion`
    did you mean `apiVersion`?
2:1 <tennant> unknown-key: unknown key `tennant`
    did you mean `tenant`?
3:1 <user> unknown-key: unknown key `user`
    `user` belongs in an entry of `users`

"#]],
    );
}

#[test]
fn a_key_given_twice_is_told_with_its_first_place_and_both_values_are_checked() {
    check(
        findings_in("users: [a@contoso.com]\nusers:\n  - A@contoso.com\n  - nobody\ntenant: x.com\n"),
        str![[r#"
4:1 <users> duplicate-key: `users` is given twice
    first given in line 3
    keep one of the two
5:5 <A@contoso.com> duplicate-subject: the user `A@contoso.com` is named twice
    first named in line 3
    keep one of the two entries
6:5 <nobody> bad-value: `nobody` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens
7:1 <tenant> duplicate-key: `tenant` is given twice
    first given in line 2
    keep one of the two

"#]],
    );
}

#[test]
fn empty_values_are_told_where_their_key_is() {
    check(
        findings_in("toggle:\n  wait:\nlimits: ~\nusers:\n  -\n  - user: ''\n  - all:\n  - ' '\n"),
        str![[r#"
4:3 <wait> bad-value: `wait` has no value
    write a value after the colon, or remove the line
5:1 <limits> bad-value: `limits` has no value
    write a value after the colon, or remove the line
7:4 <> bad-value: the name of a user is empty
    write a value, or remove it
8:11 <''> bad-value: the name of a user is empty
    write a value, or remove it
9:5 <all> bad-value: `all` has no value
    write a value after the colon, or remove the line
10:5 <' '> bad-value: the name of a user is empty
    write a value, or remove it

"#]],
    );
}

#[test]
fn wrong_types_are_told_with_the_right_one() {
    check(
        findings_in(
            "toggle: 60m
limits: [5]
protect: ceo@contoso.com
users:
  user: a@contoso.com
groups:
  - [E5]
  - group: {name: E5}
",
        ),
        str![[r#"
3:9 <60m> wrong-type: `toggle` must be a block of `key: value` lines, and this is a single value
4:9 <[5]> wrong-type: `limits` must be a block of `key: value` lines, and this is a list
5:10 <ceo@contoso.com> wrong-type: `protect` must be a list, and this is a single value
    write a list: `[ceo@contoso.com]`, or lines that begin with `- `
7:3 <user: a@contoso.com> wrong-type: `users` must be a list, and this is a block of keys
    begin each entry with `- `
9:5 <[E5]> wrong-type: the name of a group must be a text, and this is a list
10:12 <{name: E5}> wrong-type: the name of a group must be a text, and this is a block of keys

"#]],
    );
}

#[test]
fn what_yaml_takes_for_something_else_must_be_quoted() {
    check(
        findings_in(
            "groups: [on, Yes, true, 5, 0x1F, 1_000, 1e3, -.5, .inf, 'on', \"5\", 5 years, e5, v1.2, 007]\n",
        ),
        str![[r#"
3:10 <on> wrong-type: the name of a group must be a text, and YAML takes `on` for a truth value
    quote it: "on"
3:14 <Yes> wrong-type: the name of a group must be a text, and YAML takes `Yes` for a truth value
    quote it: "Yes"
3:19 <true> wrong-type: the name of a group must be a text, and YAML takes `true` for a truth value
    quote it: "true"
3:25 <5> wrong-type: the name of a group must be a text, and YAML takes `5` for a number
    quote it: "5"
3:28 <0x1F> wrong-type: the name of a group must be a text, and YAML takes `0x1F` for a number
    quote it: "0x1F"
3:34 <1_000> wrong-type: the name of a group must be a text, and YAML takes `1_000` for a number
    quote it: "1_000"
3:41 <1e3> wrong-type: the name of a group must be a text, and YAML takes `1e3` for a number
    quote it: "1e3"
3:46 <-.5> wrong-type: the name of a group must be a text, and YAML takes `-.5` for a number
    quote it: "-.5"
3:51 <.inf> wrong-type: the name of a group must be a text, and YAML takes `.inf` for a number
    quote it: ".inf"
3:87 <007> wrong-type: the name of a group must be a text, and YAML takes `007` for a number
    quote it: "007"

"#]],
    );
}
