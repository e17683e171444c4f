//! Plan files: whatever the bytes, they are the plan that says all of it, or a clear refusal.

use advaudit::plan::digest;
use advaudit::report::json::v1::plan_file::{self, NoPlan};
use serde_json::{Value, json};

use super::mutate::{self, Choices};
use super::play;
use crate::common::examples;
use crate::common::site::Site;

const SEED: &str = include_str!("../examples/mixed.plan.json");
const WORDS: [&str; 10] =
    ["{", "}", "[", "]", "\"", ",", "\"complete\":true,", "\u{feff}", "null", "\"format_version\":\"1.1\","];

/// Makes the digest fit again, so that it is not what refuses everything.
fn sign(plan: &mut Value) {
    if let Value::Object(fields) = plan {
        fields.remove("file_sha256");
        let sha256 = digest::of(plan);
        plan["file_sha256"] = json!(sha256);
    }
}

#[test]
fn target() {
    let seed: Value = serde_json::from_str(SEED).expect("a plan");
    play("plan file", move |choices| {
        let mut plan = seed.clone();
        mutate::nodes(&mut plan, choices);
        if choices.below(4) > 0 {
            sign(&mut plan);
        }
        let mut bytes = plan.to_string().into_bytes();
        if choices.rarely(3) {
            mutate::bytes(&mut bytes, &WORDS, choices);
        }
        match plan_file::read(&bytes) {
            Ok((document, _)) => {
                let written: Value = serde_json::from_slice(&bytes).expect("it was read");
                assert_eq!(serde_json::to_value(&document).expect("JSON"), written, "something was lost");
            }
            Err(refusal) => {
                let text = refusal.to_string();
                assert!(text.len() < 1000 && !text.contains(char::is_control), "{text:?}");
            }
        }
    });
}

fn changed(change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut plan: Value = serde_json::from_str(SEED).expect("a plan");
    change(&mut plan);
    plan.to_string().into_bytes()
}

#[test]
fn the_plan_of_every_example_reads_back_to_itself() {
    for example in examples() {
        let site = Site::example(&example);
        let ran = site.run(&format!("plan {} --json", site.manifest()));
        let (document, _) = plan_file::read(ran.stdout.as_bytes()).expect("a plan");
        assert_eq!(serde_json::to_value(&document).expect("JSON"), ran.json(), "{example}");
    }
}

#[test]
fn what_is_not_this_plan_is_refused_with_its_reason() {
    let read = |bytes: &[u8]| plan_file::read(bytes).expect_err("refused");
    let renamed = |plan: &mut Value| plan["tenant"]["domain"] = json!("evil.example");
    assert_eq!(read(&changed(renamed)), NoPlan::Altered("file_sha256"));
    let signed = |change: fn(&mut Value)| {
        read(&changed(|plan| {
            change(plan);
            sign(plan);
        }))
    };
    let elsewhere = |plan: &mut Value| plan["tenant"]["id"] = json!("8a9b0c1d-0000-4000-8000-00000000ffff");
    assert_eq!(signed(elsewhere), NoPlan::Altered("sha256"));
    assert_eq!(signed(|plan| plan["limits"][0]["written"] = json!("99%")), NoPlan::Altered("sha256"));
    let nobody = |plan: &mut Value| plan["changes"][0]["subject"]["id"] = Value::Null;
    assert!(matches!(signed(nobody), NoPlan::Contradicts(why) if why.contains("has no id")));
    assert_eq!(
        read(&changed(|plan| plan["format_version"] = json!("1.1"))),
        NoPlan::OtherVersion("1.1".into())
    );
    let known = |plan: &mut Value| {
        plan["changes"][0]["and"] = json!("more");
        sign(plan);
    };
    assert_eq!(read(&changed(known)), NoPlan::Unknown);
    let missing = |plan: &mut Value| drop(plan.as_object_mut().expect("a plan").remove("expires_at"));
    assert!(matches!(read(&changed(missing)), NoPlan::NotAPlan(why) if why.contains("expires_at")));
    let twice = SEED.replacen("\"complete\"", "\"complete\": false, \"complete\"", 1);
    assert!(matches!(read(twice.as_bytes()), NoPlan::NotAPlan(why) if why.contains("duplicate field")));
    assert!(matches!(read("[".repeat(1_000_000).as_bytes()), NoPlan::NotAPlan(_)));
    for odd in ["", "null", "[]", "{}", "7", "\u{feff}{}", "\u{1b}"] {
        assert!(matches!(read(odd.as_bytes()), NoPlan::NotAPlan(_)), "{odd:?}");
    }
}

#[test]
fn no_choices_change_nothing() {
    let mut plan: Value = serde_json::from_str(SEED).expect("a plan");
    mutate::nodes(&mut plan, &mut Choices::new(&[]));
    sign(&mut plan);
    assert!(plan_file::read(plan.to_string().as_bytes()).is_ok());
}
