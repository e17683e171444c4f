//! A manifest's text, and what is found in it: place, the text there, code, message, label, help.

use proptest::prelude::*;
use snapbox::data::Inline;

use super::super::declared::{Select, Who};
use super::*;
use crate::diag::is_invisible;
use crate::model::{Amount, GroupKey, SignedDuration, UserKey};

mod blocks;
mod entries;
mod values;
mod yaml;

const HEAD: &str = "apiVersion: advaudit/v1\ntenant: contoso.com\n";

fn outcome(text: &str) -> Result<(Declared, Vec<Finding>), Vec<Finding>> {
    let now = "2026-11-22T12:00:00.5Z".parse().expect("a time");
    read(Arc::new(Source::new("m.yaml", text)), now)
}

/// The findings of a whole text.
fn findings(text: &str) -> String {
    let found = match outcome(text) {
        Ok((_, findings)) => {
            assert!(!findings.iter().any(Finding::is_error), "a valid manifest has no errors");
            findings
        }
        Err(findings) => {
            assert!(findings.iter().any(Finding::is_error), "a refused manifest has an error");
            findings
        }
    };
    found.iter().map(line).collect()
}

/// The findings of what follows version and tenant; its first line is line 3.
fn findings_in(body: &str) -> String {
    findings(&format!("{HEAD}{body}"))
}

fn line(finding: &Finding) -> String {
    let place = finding.place.as_ref().map(|place| {
        let (line, column) = place.line_column();
        format!("{line}:{column} <{}> ", visible(&place.source.text[place.range()]))
    });
    let mut text = format!("{}{}: {}", place.unwrap_or_default(), finding.code, finding.message);
    for more in finding.label.iter().chain(&finding.help) {
        text += &format!("\n    {more}");
    }
    text + "\n"
}

/// The text with escapes for what cannot be seen.
fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() || is_invisible(c);
    text.chars().flat_map(|c| if hidden(c) { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// Compares without taking a backslash for a path of Windows.
fn check(found: String, expected: Inline) {
    snapbox::assert_data_eq!(found, snapbox::IntoData::raw(expected));
}

fn valid(body: &str) -> Declared {
    outcome(&format!("{HEAD}{body}")).expect("a valid manifest").0
}

#[test]
fn the_manifest_of_the_contract_is_read() {
    let declared = valid(
        "toggle: {wait: 90m, groupWait: 0m, groupGate: 2h, maxOff: 15}
limits:
  enable: 100%
  toggle: 30%
  groupMembers: 500
protect: [ceo@contoso.com, ceo@contoso.com]
users:
  - adele.vance@contoso.com
  - user: 8a9b0c1d-0000-4000-8000-000000000002
    toggleIfEnabledBefore: 2026-11-20T00:00:00+01:00
    reason: INC-4711 no MailItemsAccessed since October
    license: SPE_E5
  - all: licensed
    except: [svc-scan@contoso.com]
groups:
  - E5 Legal
  - group: 8A9B0C1D-0000-4000-8000-000000000003
    reason: |
      two
      lines
",
    );
    assert_eq!(declared.tenant.value, "contoso.com");
    assert_eq!(declared.toggle.wait, SignedDuration::from_mins(90));
    assert_eq!(declared.toggle.max_off, Amount::Count(15));
    assert_eq!(declared.limits.toggle, Amount::Share(30));
    assert_eq!(declared.limits.group_members, 500);
    assert_eq!(declared.protect.len(), 2);
    assert_eq!(declared.users[0].who, Who::User(UserKey::parse("adele.vance@contoso.com")));
    assert_eq!(declared.users[1].wish.toggle_if_enabled_before, "2026-11-19T23:00:00Z".parse().ok());
    assert_eq!(declared.users[1].license.as_ref().map(|license| license.value.as_str()), Some("SPE_E5"));
    let Who::Selected(selector) = &declared.users[2].who else { panic!("a selector") };
    assert_eq!(selector.select.value, Select::AllLicensed);
    assert_eq!(selector.except[0].place.to_string(), "m.yaml:16:14");
    assert_eq!(declared.users[2].wish.place.to_string(), "m.yaml:15:5");
    assert_eq!(declared.groups[0].group, GroupKey::Name("E5 Legal".to_owned()));
    assert!(matches!(declared.groups[1].group, GroupKey::Id(_)));
    assert_eq!(declared.groups[1].wish.reason.as_deref(), Some("two lines"));
}

#[test]
fn what_is_not_written_has_its_default() {
    let declared = valid("users: [a@contoso.com]\n");
    assert_eq!(declared.toggle, Toggle::default());
    assert_eq!(declared.limits, Limits::default());
}

#[test]
fn a_large_manifest_with_a_finding_in_each_line_is_read() {
    let mut body = String::from("users:\n");
    for number in 0..20_000 {
        body += &format!("  - {{user: u{number}@contoso.com, licence: SPE_E5}}\n");
    }
    let found = outcome(&format!("{HEAD}{body}")).expect_err("unknown keys");
    assert_eq!(found.len(), 1001, "a thousand of them, and how many more there are");
    assert_eq!(found[999].label.as_deref(), Some("did you mean `license`?"));
    assert_eq!(found[1000].message, "there are 19000 more of them, which are not listed");
}

/// Pieces of manifests, so that random texts get further than the first character.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("apiVersion: advaudit/v1\n".to_owned()),
        Just("tenant: contoso.com\n".to_owned()),
        prop::sample::select(vec![
            "users:", "groups:", "toggle:", "limits:", "protect:", "\n", "  ", "- ", "\t"
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec!["user: ", "all: licensed", "group: ", "except: ", "wait: ", "license: "])
            .prop_map(str::to_owned),
        prop::sample::select(vec![
            "a@b.c", "[", "]", "{", "}", "&a ", "*a", "!t ", "<<: ", "'", "\"", "|", "~"
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "60m",
            "10%",
            "2026-11-20T00:00:00Z",
            ": ",
            ", ",
            "#",
            "---\n",
            "\u{feff}",
            "é"
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic_and_a_refusal_has_an_error(text in prop_oneof![any::<String>(), pieces()]) {
        findings(&text);
        findings_in(&text);
    }
}
