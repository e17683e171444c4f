//! Journals: whatever the bytes, they are records or a clear error; what was read is reckoned with
//! without a panic, and shows nothing that a terminal obeys.

use advaudit::apply::replay::replay;
use advaudit::journal::chain::parse;
use advaudit::model::{TenantId, Timestamp};
use advaudit::report::human::status;
use advaudit::report::json::v1::{common, status::StatusDocument};
use advaudit::report::output::Output;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::mutate::{self, Choices};
use super::play;

const TENANT: &str = "c0450000-0000-4000-8000-000000000001";
const WORDS: [&str; 14] = [
    "\n",
    "\r\n",
    "\u{feff}",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    "\"v\":2",
    "\\u001b",
    "null",
    "\0",
    "{\"v\":1}\n",
];

/// One entry of each kind, in an order that a run could write.
fn entries() -> Value {
    let who = |kind: &str, nth: u8| json!({ "kind": kind, "id": format!("aaaaaaaa-0000-4000-8000-{nth:012}"), "name": "a@x.com" });
    let lists = json!([{
        "license": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "part_number": "SPE_E5", "before": [],
        "after": ["2f442157-a11c-46b9-ae5b-6e39ff4e5849"]
    }]);
    let off = |subject: Value| {
        json!({
            "kind": "off_intent", "subject": subject, "lists": lists, "wait_seconds": 3600, "gate_seconds": 7200,
            "people": 1, "members": ["aaaaaaaa-0000-4000-8000-000000000009"], "reason": "r", "asked": "2026-11-20T00:00:00Z"
        })
    };
    json!([
        { "kind": "run_started", "command": "apply", "tool_version": "0.1.0", "tenant": TENANT, "plan_sha256": null },
        off(who("user", 1)),
        { "kind": "off_done", "subject": who("user", 1), "off_at": "2026-11-22T09:00:01Z", "request_id": null },
        off(who("user", 2)),
        { "kind": "off_refused", "subject": who("user", 2), "message": "no", "request_id": "r" },
        { "kind": "off_verified", "subject": who("user", 1), "due": "2026-11-22T10:00:01Z", "complete": true },
        { "kind": "adopted", "subject": who("group", 3), "lists": lists, "wait_seconds": 0, "gate_seconds": 60,
          "off_at": "2026-11-22T08:00:00Z", "people": 3, "due": null, "reason": "r", "asked": null },
        { "kind": "lease_broken", "owner": "somebody" },
        { "kind": "on_intent", "subject": who("user", 1), "lists": lists, "reason": "r" },
        { "kind": "on_done", "subject": who("user", 1), "on_at": "2026-11-22T10:00:02Z", "renews": true, "request_id": "r" },
        { "kind": "closed", "subject": who("user", 1), "outcome": "toggled", "message": null },
        { "kind": "run_finished", "exit_code": 4 },
    ])
}

/// Entries in a chain that holds, so that what is behind it is reached.
fn chained(entries: &Value, choices: &mut Choices<'_>) -> Vec<u8> {
    let (mut bytes, mut prev) = (Vec::new(), String::new());
    for (at, entry) in entries.as_array().into_iter().flatten().enumerate() {
        let mut record = json!({
            "v": 1, "seq": at + 1, "at": "2026-11-22T09:00:00Z", "run": "00000000-0000-4000-8000-000000000001",
            "prev": prev, "entry": entry
        });
        if choices.rarely(12) {
            mutate::nodes(&mut record, choices);
        }
        let line = record.to_string();
        prev = Sha256::digest(line.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn target() {
    let tenant: TenantId = TENANT.parse().unwrap();
    let all = entries();
    let output = Output { no_colour: true, ..Output::default() };
    play("journal", move |choices| {
        let mut entries = all.clone();
        mutate::nodes(&mut entries, choices);
        let mut bytes = chained(&entries, choices);
        if choices.rarely(3) {
            mutate::bytes(&mut bytes, &WORDS, choices);
        }
        match parse("journal", &bytes, Some(tenant)) {
            Ok(loaded) => {
                let now: Timestamp = "2026-11-22T09:30:00Z".parse().unwrap();
                let running = replay(&loaded.records, now);
                let document = StatusDocument::new(tenant, &running, None, now);
                let shown = status::render(&document, now, output.style(), 80);
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
                assert!(!common::text(&document).is_empty());
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.len() < 2000 && text.contains("nothing was written"), "{text}");
                assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
            }
        }
    });
}

#[test]
fn the_seed_is_a_journal() {
    let loaded = parse("journal", &chained(&entries(), &mut Choices::new(&[])), None).unwrap();
    assert_eq!(loaded.records.len(), entries().as_array().unwrap().len());
}
