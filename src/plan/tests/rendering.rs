//! Plans of 1, 100 and 100,000 changes in every format: within the limits of those who read them, and how long
//! drawing takes beside planning.

use super::*;
use crate::plan::resolve::Protected;
use crate::report::json::v1::common;
use crate::report::json::v1::plan::{EXPIRES_IN, MadeFrom, PlanDocument};
use crate::report::{gitlab, human, junit, markdown, sarif};

/// So many users to toggle, and as many who are blocked.
fn many(count: usize) -> Tenant {
    (0..count).fold(tenant(), |tenant, number| {
        let (due, blocked) = (format!("u{number}"), format!("b{number}"));
        let tenant = tenant.user(&due, &[on()]).names(&due, Some(ASKED));
        tenant.user(&blocked, &[]).names(&blocked, None)
    })
}

fn document(plan: &Plan) -> PlanDocument {
    let protected = Protected::default();
    PlanDocument::new(
        plan,
        MadeFrom { file: "m.yaml", text: "", only: &[], protected: &protected, expires_in: EXPIRES_IN },
    )
}

/// Every format by its name.
type Render = fn(&PlanDocument) -> String;
const FORMATS: [(&str, Render); 6] = [
    ("human", |plan| human::plan::render(plan, human_view())),
    ("json", |plan| common::text(plan)),
    ("markdown", markdown::plan),
    ("sarif", sarif::of_plan),
    ("junit", junit::of_plan),
    ("gitlab", gitlab::render),
];

fn human_view() -> human::plan::View {
    human::plan::View { style: crate::report::plain_style(), width: 100, verbose: false }
}

#[test]
fn the_digest_of_a_file_covers_every_field_of_it() {
    let plan = document(&many(3).plan());
    let mut value = serde_json::to_value(&plan).expect("JSON");
    value.as_object_mut().expect("an object").remove("file_sha256").expect("a digest");
    assert_eq!(crate::plan::digest::of(&value), plan.file_sha256);
}

#[test]
fn every_format_keeps_its_limits_for_any_number_of_changes() {
    for count in [1, 100, 20_000] {
        let plan = document(&many(count).plan());
        assert_eq!((plan.changes.len(), plan.blocked.len()), (count, count));
        let text = |name: &str| {
            let (_, render) = FORMATS.iter().find(|(own, _)| *own == name).expect("a format");
            render(&plan)
        };
        assert!(text("markdown").len() < 65_536);
        assert!(text("human").lines().count() < 60, "{}", text("human"));
        assert!(text("junit").len() < 30_000_000, "GitLab reads no more");
        let sarif: serde_json::Value = serde_json::from_str(&text("sarif")).expect("JSON");
        let results = sarif["runs"][0]["results"].as_array().expect("results").len();
        let findings = plan.findings.len();
        assert_eq!(results, (count + findings).min(5_000), "GitHub shows no more");
        let told =
            sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str();
        let left = count + findings - results;
        assert_eq!(told.is_some_and(|told| told.contains("more results are left out")), left > 0);
        assert_eq!(text("junit").contains("every case is listed"), left > 0);
    }
}

/// `cargo test --release --lib rendering -- --ignored --nocapture`
#[test]
#[ignore = "prints how long things take"]
#[expect(clippy::disallowed_methods, reason = "how long drawing takes is about real time")]
fn how_long_each_format_takes_beside_the_plan() {
    for count in [1, 100, 100_000] {
        let tenant = many(count);
        let seconds = |work: &mut dyn FnMut() -> usize| {
            let mut all: Vec<f64> = (0..5)
                .map(|_| {
                    let began = std::time::Instant::now();
                    std::hint::black_box(work());
                    began.elapsed().as_secs_f64()
                })
                .collect();
            all.sort_by(f64::total_cmp);
            all[2]
        };
        let planning = seconds(&mut || tenant.plan().changes.len());
        let plan = tenant.plan();
        let making = seconds(&mut || document(&plan).changes.len());
        let plan = document(&plan);
        let mut table = format!("{count} changes: deciding {:.4} s, the document {making:.4} s\n", planning);
        for (name, render) in FORMATS {
            let took = seconds(&mut || render(&plan).len());
            let bytes = render(&plan).len();
            let ratio = took / (planning + making);
            table.push_str(&format!("  {name:8} {took:.4} s, {ratio:.2} of that, {bytes} bytes\n"));
        }
        #[expect(clippy::disallowed_macros, reason = "it is there to print")]
        {
            print!("{table}");
        }
    }
}
