//! What is not YAML, or more of it than a manifest may use.

use snapbox::str;

use super::*;

#[test]
fn an_empty_manifest_says_so() {
    for text in ["", "\n\n", "# nothing yet\n", "---\n", "---\n...\n", "~", "\u{feff}"] {
        let found = findings(text);
        assert!(found.starts_with("1:1 <> syntax: the manifest is empty\n"), "{text:?}: {found}");
    }
}

#[test]
fn something_else_than_a_manifest_is_refused_as_a_whole() {
    check(
        findings("- adele@contoso.com\n"),
        str![[r#"
1:1 <- adele@contoso.com> wrong-type: a manifest must be a block of `key: value` lines, and this is a list

"#]],
    );
    check(
        findings("{\"users\": []}"),
        str![[r#"
1:2 <"users"> missing-key: `apiVersion` is missing
    write `apiVersion: advaudit/v1` as the first line
1:2 <"users"> missing-key: `tenant` is missing
    write `tenant:` with the tenant's id or a verified domain
1:2 <"users"> nobody-declared: the manifest declares nobody
    name somebody under `users` or `groups`; what is not mentioned is not touched

"#]],
    );
}

#[test]
fn parts_of_yaml_that_hide_what_is_said_are_refused() {
    check(
        findings_in(
            "protect: &people [a@contoso.com]
users: *people
groups:
  - !secret E5
  - {<<: *other, group: E3}
? [complex]
: key
: no key
---
apiVersion: advaudit/v1
",
        ),
        str![[r#"
3:10 <&people> syntax: the anchor `&people` is not allowed
    remove it: a manifest has no references, so that it reads as it is
4:8 <*people> syntax: the alias `*people` is not allowed
    write the value out: a manifest has no references, so that it reads as it is
6:5 <!secret> syntax: the tag `!secret` is not allowed
    remove the tag; quote the value to make it a text
7:6 <<<> syntax: merge keys are not allowed
    write the keys out, each in its place
7:10 <*other> syntax: the alias `*other` is not allowed
    write the value out: a manifest has no references, so that it reads as it is
8:3 <[complex]> syntax: a key must be a word
    write it as `key: value`
10:1 <> syntax: a key is missing before the colon
    write it as `key: value`
11:1 <---> syntax: a second document begins here
    a manifest is one document: give the other one its own file

"#]],
    );
}

#[test]
fn what_is_not_yaml_is_told_in_plain_words() {
    check(
        findings_in("users:\n\t- a@contoso.com\n"),
        str![[r#"
4:1 <\u{9}> syntax: a tab stands where YAML takes only spaces
    replace each tab with spaces

"#]],
    );
    check(
        findings("\tapiVersion: advaudit/v1\n\ttenant: c.com\n\tusers: [a@c.com]\n"),
        str![[r#"
1:1 <\u{9}> syntax: a tab stands where YAML takes only spaces
    replace each tab with spaces

"#]],
    );
    check(
        findings_in("users:\n  - a@contoso.com\n - b@contoso.com\n"),
        str![[r#"
5:2 <-> syntax: the indentation does not fit the lines above
    align it with the other lines of its list or block

"#]],
    );
    check(
        findings_in("users:\n  - a@contoso.com\n  -b@contoso.com\n"),
        str![[r#"
5:3 <-> syntax: this line is neither `key: value` nor `- item`
    put a space after the dash or the colon, or align the line with its block

"#]],
    );
    check(
        findings_in("users: [a@contoso.com\n"),
        str![[r#"
3:8 <[> syntax: a bracket is never closed
    close it, or write the list as lines with `- `

"#]],
    );
    check(
        findings_in("groups: ['E5]\n"),
        str![[r#"
3:10 <'> syntax: this quote is never closed
    close it with the same quote

"#]],
    );
    check(
        findings_in("groups: [@E5]\n"),
        str![[r#"
3:10 <@> syntax: a text cannot begin with this character
    quote the whole text

"#]],
    );
    check(
        findings_in("users:\n  - user: a@contoso.com\n     reason: x\n"),
        str![[r#"
5:12 <:> syntax: a second `key: value` cannot stand here
    align the key with the keys of its block; quote a text that holds `: `

"#]],
    );
    check(
        findings_in("groups:\n  - \"a\\q\"\n"),
        str![[r#"
4:5 <"> syntax: YAML knows no such escape with a backslash
    use 'single quotes' for a text with backslashes

"#]],
    );
    check(
        findings_in("groups: [a\u{0}b, \u{7}]\n"),
        str![[r#"
3:11 <\u{0}> syntax: this is not YAML: unexpected character: `\u{0}'

"#]],
    );
}

#[test]
fn what_only_one_yaml_reader_takes_is_refused() {
    let text = format!("%YAML 1.3\n---\n{HEAD}users: [a@contoso.com]\n");
    check(
        findings(&text),
        str![[r#"
1:1 <%> syntax: this is not YAML to every reader: `found incompatible YAML document`
    write it more plainly: spaces for indentation, one entry a line, quotes around odd texts

"#]],
    );
    check(
        findings("\t{apiVersion: advaudit/v1, tenant: c.com, users: [a@c.com]}\n"),
        str![[r#"
1:1 <\u{9}> syntax: this is not YAML to every reader: `found character that cannot start any token, while scanning …`
    write it more plainly: spaces for indentation, one entry a line, quotes around odd texts

"#]],
    );
}

#[test]
fn what_windows_editors_write_is_fine() {
    let text = format!("\u{feff}{HEAD}users:\n  - a@contoso.com\n  - nobody\n").replace('\n', "\r\n");
    check(
        findings(&text),
        str![[r#"
5:5 <nobody> bad-value: `nobody` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens

"#]],
    );
    let text = text.replace("  - nobody\r\n", "");
    assert!(outcome(&text).is_ok());
}

#[test]
fn hostile_texts_end_in_a_finding() {
    let deep = [
        format!("a: {}", "[".repeat(20_000)),
        format!("a: {}", "{b: ".repeat(20_000)),
        "- ".repeat(20_000),
        (0..20_000).map(|level| format!("{}a:\n", " ".repeat(level % 500))).collect(),
        "? ".repeat(20_000),
    ];
    for text in deep {
        assert!(findings(&text).contains("syntax"), "{}", &text[..40]);
    }
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..40 {
        let below = level - 1;
        bomb += &format!("a{level}: &a{level} [*a{below}, *a{below}]\n");
    }
    assert!(findings(&bomb).contains("the alias `*a38` is not allowed"));
}
