//! Durations, amounts, times, names.

use snapbox::str;

use super::*;

#[test]
fn durations_are_checked() {
    check(
        findings_in("users: [a@contoso.com]\ntoggle:\n  wait: 60\n  groupWait: -5m\n  groupGate: an hour\n"),
        str![[r#"
5:9 <60> bad-value: `60` is not a duration
    it has no unit: write `60m` for minutes
6:14 <-5m> bad-value: `groupWait` is negative
    write how long to wait, such as `60m`
7:14 <an hour> bad-value: `an hour` is not a duration
    write hours and minutes, such as `60m` or `1h 30m`

"#]],
    );
    check(
        findings_in(
            "users: [a@contoso.com]\ntoggle:\n  wait: 99999h\n  groupWait: [5m]\n  groupGate: 1h 30m\n",
        ),
        str![[r#"
5:9 <99999h> bad-value: `wait` is longer than 30 days
    nobody should be off that long
6:14 <[5m]> wrong-type: `groupWait` must be a duration such as `60m`, and this is a list

"#]],
    );
}

#[test]
fn a_short_wait_is_allowed_with_a_warning() {
    let body = "users: [a@contoso.com]\ntoggle: {wait: 15m}\n";
    check(
        findings_in(body),
        str![[r#"
4:16 <15m> short-wait: `15m` is shorter than the 60 minutes of Microsoft's remedy
    a toggle with a shorter wait may change nothing: write `wait: 60m`

"#]],
    );
    assert_eq!(valid(body).toggle.wait, SignedDuration::from_mins(15));
    check(findings_in("users: [a@contoso.com]\ntoggle: {wait: 1h}\n"), str![[""]]);
}

#[test]
fn amounts_are_checked() {
    check(
        findings_in(
            "users: [a@contoso.com]
toggle: {maxOff: 101%}
limits:
  enable: -5
  toggle: some
  groupMembers: 0
",
        ),
        str![[r#"
4:18 <101%> bad-value: `101%` is neither a count nor a share
    write a count such as `50`, or a share from `0%` to `100%`
6:11 <-5> bad-value: `-5` is neither a count nor a share
    write a count such as `50`, or a share from `0%` to `100%`
7:11 <some> bad-value: `some` is neither a count nor a share
    write a count such as `50`, or a share from `0%` to `100%`
8:17 <0> bad-value: `0` is not a whole number from 1
    write a number such as `1000`

"#]],
    );
    check(
        findings_in("users: [a@contoso.com]\nlimits: {groupMembers: '5', enable: 1.5, toggle: '5 %'}\n"),
        str![[r#"
4:24 <'5'> wrong-type: `groupMembers` must be a whole number, and this is a text
    remove the quotes
4:37 <1.5> bad-value: `1.5` is neither a count nor a share
    write a count such as `50`, or a share from `0%` to `100%`

"#]],
    );
}

#[test]
fn a_time_needs_a_zone_and_must_not_be_later_than_now() {
    check(
        findings_in(
            "groups:
  - {group: a, toggleIfEnabledBefore: 2026-11-20}
  - {group: b, toggleIfEnabledBefore: 2026-11-20T08:30:00}
  - {group: c, toggleIfEnabledBefore: 2026-11-22T12:00:01Z}
  - {group: d, toggleIfEnabledBefore: last week}
  - {group: e, toggleIfEnabledBefore: 2026-02-30T00:00:00Z}
  - {group: f, toggleIfEnabledBefore: 2026-11-22T12:00:00Z}
",
        ),
        str![[r#"
4:39 <2026-11-20> bad-time: `toggleIfEnabledBefore` has no time zone
    write `2026-11-20T00:00:00Z` for UTC, or your own zone such as `2026-11-20T00:00:00+01:00`
5:39 <2026-11-20T08:30:00> bad-time: `toggleIfEnabledBefore` has no time zone
    write `2026-11-20T08:30:00Z` for UTC, or your own zone such as `2026-11-20T08:30:00+01:00`
6:39 <2026-11-22T12:00:01Z> bad-time: `toggleIfEnabledBefore` is later than now, so it would ask for a toggle for ever
    write a time up to now, such as `2026-11-22T12:00:00Z`
7:39 <last week> bad-time: `last week` is not a time
    write date, time and zone, such as `2026-11-22T12:00:00Z`
8:39 <2026-02-30T00:00:00Z> bad-time: `2026-02-30T00:00:00Z` is not a time
    write date, time and zone, such as `2026-11-22T12:00:00Z`

"#]],
    );
}

#[test]
fn users_are_named_by_upn_or_object_id() {
    check(
        findings_in(
            "users:
  - adele
  - '@contoso.com'
  - a@b@c
  - Adele Vance <adele@contoso.com>
  - 8a9b0c1d000040008000000000000002
protect: [ceo]
",
        ),
        str![[r#"
4:5 <adele> bad-value: `adele` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens
5:5 <'@contoso.com'> bad-value: `@contoso.com` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens
6:5 <a@b@c> bad-value: `a@b@c` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens
7:5 <Adele Vance <adele@contoso.com>> bad-value: `Adele Vance <adele@contoso.com>` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens
8:5 <8a9b0c1d000040008000000000000002> bad-value: `8a9b0c1d000040008000000000000002` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens
9:11 <ceo> bad-value: `ceo` is neither a UPN nor an object id
    a user is named as `name@domain`, or by object id with its hyphens

"#]],
    );
}

#[test]
fn names_are_taken_exactly_as_they_are_written() {
    check(
        findings_in(
            "groups:
  - ' E5'
  - \"E5\\t\"
  - E5
    Legal
  - \"E5\u{200b}Legal\"
  - \"a\\nb\"
  - E5 Zürich \u{1f512}
",
        ),
        str![[r#"
4:5 <' E5'> bad-value: the name of a group begins or ends with a space
    remove the space
5:5 <"E5\t"> bad-value: the name of a group begins or ends with a space
    remove the space
6:5 <E5\u{a}    Legal> bad-value: the name of a group runs over two lines
    align the second line: it is read as part of the first
8:5 <"E5\u{200b}Legal"> bad-value: the name of a group holds a character that cannot be seen, U+200B
    type the name anew
9:5 <"a\nb"> bad-value: the name of a group holds a character that cannot be seen, U+000A
    type the name anew

"#]],
    );
}

#[test]
fn a_license_that_is_in_no_list_is_a_warning() {
    let body = "users:
  - {user: a@contoso.com, license: SPE_E55}
  - {user: b@contoso.com, license: spe_e5}
  - {user: c@contoso.com, license: Flow}
";
    check(
        findings_in(body),
        str![[r#"
4:36 <SPE_E55> unknown-license: `SPE_E55` is not a known license with the service plan
    did you mean `SPE_E5`?
6:36 <Flow> unknown-license: `Flow` is not a known license with the service plan
    write the part number that the tenant shows, such as `SPE_E5`

"#]],
    );
    assert_eq!(valid(body).users.len(), 3);
}

#[test]
fn a_reason_is_one_line_without_anything_that_a_terminal_would_obey() {
    let body = "users:
  - user: a@contoso.com
    reason: |
      INC-4711
      Plan: 0 to enable.
";
    assert_eq!(valid(body).users[0].wish.reason.as_deref(), Some("INC-4711 Plan: 0 to enable."));
    check(
        findings_in("users:\n  - {user: a@contoso.com, reason: \"x\\e[2J\"}\n"),
        str![[r#"
4:35 <"x\e[2J"> bad-value: `reason` holds a character that cannot be seen, U+001B
    type the text anew

"#]],
    );
}

#[test]
fn what_spreads_toggles_is_checked() {
    check(
        findings_in(
            "users: [a@contoso.com]
toggle:
  canary: 0
  maxFailures: many
  window:
    - Sat 22:00-04:00
    - Sat 22:00-04:00 Europe/Berln
    - Sat 22:00-26:00 UTC
  mustBeOnBy: tomorrow
",
        ),
        str![[r#"
5:11 <0> bad-value: `0` is not a whole number from 1
    write a number such as `1000`
6:16 <many> bad-value: `many` is not a whole number from 1
    write a number such as `1000`
8:7 <Sat 22:00-04:00> bad-value: `Sat 22:00-04:00` has no time zone
    write days, from, to and zone, such as `Sat 22:00-04:00 Europe/Berlin`
9:7 <Sat 22:00-04:00 Europe/Berln> bad-value: no time zone is called `Europe/Berln`
    did you mean `Europe/Berlin`?
10:7 <Sat 22:00-26:00 UTC> bad-value: `26:00` is no time of day
    write it as `22:00`
11:15 <tomorrow> bad-value: `tomorrow` is neither a time of day nor a moment
    write a time of day and its zone, such as `07:00 Europe/Berlin` or `Sun 07:00 Europe/Berlin`, or one moment such as `2026-11-29T07:00:00+01:00`

"#]],
    );
    check(
        findings_in("users: [a@contoso.com]\ntoggle: {window: []}\n"),
        str![[r#"
4:18 <[]> bad-value: `window` is an empty list
    name a window, or remove the line

"#]],
    );
    let rollout = valid(
        "users: [a@contoso.com]\ntoggle: {canary: 5, maxFailures: 3, window: [Sat 22:00-04:00 Europe/Berlin, daily \
         1:00-2:00 UTC], mustBeOnBy: 2026-11-29T07:00:00+01:00}\n",
    );
    let rollout = rollout.toggle.rollout;
    let windows: Vec<String> = rollout.windows.iter().map(ToString::to_string).collect();
    assert_eq!(windows, ["Sat 22:00-04:00 Europe/Berlin", "daily 01:00-02:00 UTC"]);
    assert_eq!((rollout.canary, rollout.max_failures), (Some(5), Some(3)));
    assert_eq!(rollout.must_be_on_by.map(|by| by.to_string()).as_deref(), Some("2026-11-29T06:00:00Z"));
}
