//! Manifests: whatever the text, there is a manifest or findings, each drawn without what a terminal obeys.

use std::sync::Arc;

use advaudit::diag::{Finding, Source};
use advaudit::manifest;
use advaudit::model::Timestamp;
use advaudit::report::human::finding;
use advaudit::report::json::v1::common;

use super::mutate::{self, Choices};
use super::play;

const SEEDS: [&str; 5] = [
    include_str!("../../../examples/selectors/manifest.yaml"),
    include_str!("../../../examples/mixed/manifest.yaml"),
    include_str!("../../../examples/organization/manifest.yaml"),
    include_str!("../../../examples/licensed-group/manifest.yaml"),
    "apiVersion: advaudit/v1\ntenant: contoso.com\ntoggle: {wait: 60m, groupWait: 0m, groupGate: 2h, maxOff: 10%}\n\
     limits: {enable: 100%, toggle: 25, groupMembers: 1000}\nprotect: [ceo@contoso.com]\nusers:\n  - a@contoso.com\n  \
     - {user: b@contoso.com, toggleIfEnabledBefore: 2026-11-20T00:00:00Z, reason: \"INC-1\", license: SPE_E5}\n  \
     - all: licensed\n    except: [c@contoso.com]\ngroups: [E5 Legal]\n",
];

const WORDS: [&str; 40] = [
    "\n",
    "\r\n",
    "\t",
    "  ",
    "- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    "&a ",
    "*a",
    "!t ",
    "<<: ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "\\x1b",
    "\u{1b}",
    "\u{9b}",
    "\u{feff}",
    "\u{202e}",
    "\u{85}",
    "\0",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "~",
    "null",
    "0x1f",
    "users:",
    "user:",
    "10%",
    "60m",
    "2026-11-20",
    "é",
];

#[test]
fn target() {
    play("manifest", |choices| {
        let text = text(choices);
        let source = Arc::new(Source::new("m.yaml", text.clone()));
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        match manifest::read(source, now) {
            Ok((declared, findings)) => {
                assert!(!findings.iter().any(Finding::is_error), "{text}");
                assert!(declared.users.len() + declared.groups.len() <= text.len(), "{text}");
            }
            Err(findings) => {
                assert!(findings.iter().any(Finding::is_error), "refused without a word: {text}");
                assert!(
                    findings.iter().all(|one| one.place.is_some() || one.code.as_str() == "more-findings")
                );
                let shown = finding::render(&common::findings(&findings), false, 80);
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
            }
        }
    });
}

/// A seed with some lines in other places, and some bytes changed.
fn text(choices: &mut Choices<'_>) -> String {
    let mut lines: Vec<&str> = choices.one(&SEEDS).lines().collect();
    for _ in 0..choices.below(4) {
        let from = choices.below(lines.len());
        let line = lines[from];
        if choices.rarely(3) {
            lines.remove(from);
        } else {
            lines.insert(choices.below(lines.len()), line);
        }
        if lines.is_empty() {
            break;
        }
    }
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    mutate::bytes(&mut bytes, &WORDS, choices);
    String::from_utf8_lossy(&bytes).into_owned()
}
