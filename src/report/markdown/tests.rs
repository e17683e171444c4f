//! What others wrote is shown and does nothing, drawn by a renderer that others wrote; and every text fits.

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use proptest::prelude::*;

use super::{BYTES, Line, plan, plans, run};
use crate::apply::outcome::{Outcome, Trouble};
use crate::model::{RunId, SubjectKind, UserId};
use crate::plan::change::Action;
use crate::report::json::v1::common::SubjectName;
use crate::report::json::v1::plan::{PersonDocument, PlanDocument};
use crate::report::json::v1::plans::{ErrorDocument, PlansSummaryDocument, TenantPlanDocument};
use crate::report::json::v1::run::{Compared, CostDocument, RunDocument, RunSummary, SubjectDocument};

/// A plan with one of everything.
fn mixed() -> PlanDocument {
    let text = include_str!("../../../tests/it/examples/mixed.plan.json");
    serde_json::from_str(text).expect("the kept plan")
}

/// The plan with everything that comes from outside replaced, each text once with another number behind it.
fn with_texts(text: &str) -> PlanDocument {
    let mut plan = mixed();
    let mut at = 0;
    let mut other = |own: &mut String| {
        at += 1;
        *own = format!("{text}{at}");
    };
    other(&mut plan.tenant.domain);
    plan.manifest.files.iter_mut().for_each(&mut other);
    for change in &mut plan.changes {
        other(&mut change.subject.name);
        other(&mut change.reason);
        change.people.iter_mut().for_each(|person| other(&mut person.name));
        change.assignments.iter_mut().for_each(|one| other(&mut one.license.part_number));
    }
    for one in &mut plan.blocked {
        for text in [&mut one.subject.name, &mut one.reason, &mut one.next_step, &mut one.place.file] {
            other(text);
        }
    }
    plan.manifest.only = vec![String::new(); 2];
    plan.manifest.only.iter_mut().for_each(&mut other);
    plan.limits[0].allowed = Some(String::new());
    plan.limits[0].allowed.iter_mut().for_each(&mut other);
    for one in &mut plan.findings {
        other(&mut one.message);
        one.help.iter_mut().for_each(&mut other);
        one.place.iter_mut().for_each(|place| other(&mut place.file));
    }
    plan
}

fn run_with(text: &str) -> RunDocument {
    let plan = mixed();
    let subject = |kind, at: usize| SubjectName { kind, id: None, name: format!("{text}{at}") };
    let subjects = (0..6).map(|at| SubjectDocument {
        subject: subject(if at < 3 { SubjectKind::User } else { SubjectKind::Group }, at),
        outcome: [Outcome::Failed, Outcome::Toggled, Outcome::Stuck][at % 3],
        off_at: Some(plan.created_at),
        on_at: None,
        due_at: None,
        off_user_minutes: Compared::default(),
        refreshed: false,
        error: (at % 3 != 1).then(|| Trouble {
            code: format!("{text}c{at}"),
            message: format!("{text}m{at}"),
            request_id: Some(format!("{text}r{at}")),
        }),
        members_in_error: Vec::new(),
        notes: vec![format!("{text}n{at}")],
    });
    RunDocument {
        format_version: "1.0".into(),
        run_id: RunId(uuid::Uuid::nil()),
        tenant: plan.tenant.clone(),
        plan_sha256: Some(plan.sha256.clone()),
        started_at: plan.created_at,
        finished_at: plan.expires_at,
        exit_code: 5,
        summary: RunSummary::default(),
        resume_after: Some(plan.expires_at),
        cost: CostDocument::default(),
        subjects: subjects.collect(),
        reprocessed: Vec::new(),
    }
}

/// Everything that GitHub's dialect has, and more.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let own = &mut options.extension;
    (own.table, own.autolink, own.strikethrough, own.tasklist, own.alerts) = (true, true, true, true, true);
    (own.footnotes, own.math_dollars, own.math_code, own.underline, own.spoiler) =
        (true, true, true, true, true);
    (own.superscript, own.subscript, own.wikilinks_title_after_pipe) = (true, true, true);
    options
}

/// The elements of a text in their order, without their words and without code, which does nothing whatever it
/// holds; and the words outside of code.
fn drawn(text: &str) -> (Vec<String>, String) {
    let arena = Arena::new();
    let (mut elements, mut words) = (Vec::new(), String::new());
    for node in parse_document(&arena, text, &options()).descendants() {
        match &node.data.borrow().value {
            NodeValue::Text(own) => words.push_str(own),
            // A code span that cannot be one is written as its element, and a dollar sign in one of its own.
            NodeValue::Code(_) => {}
            NodeValue::HtmlInline(tag)
                if ["<code>", "</code>", "<span>", "</span>"].contains(&tag.as_str()) => {}
            NodeValue::HtmlInline(tag) => elements.push(tag.clone()),
            NodeValue::HtmlBlock(block) => elements.push(block.literal.clone()),
            NodeValue::CodeBlock(_) => elements.push("code block".to_owned()),
            other => {
                let name = format!("{other:?}");
                elements
                    .push(name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned());
            }
        }
        words.push('\n');
    }
    (elements, words)
}

#[track_caller]
fn does_nothing(hostile: &str, harmless: &str) {
    let (elements, words) = drawn(hostile);
    assert!(elements == drawn(harmless).0, "something became an element:\n{hostile}");
    for (at, _) in words.match_indices(['@', '#', '!', '~', '%', '^']) {
        let next = words[at + 1..].chars().next();
        let is_apart = next.is_none_or(|next| next.is_whitespace() || next == '\u{200b}');
        assert!(is_apart, "a reference at {:?}", words[at..].chars().take(20).collect::<String>());
    }
    assert!(!hostile.contains(|c: char| c.is_control() && c != '\n'), "{hostile:?}");
    assert!(!hostile.contains(['\u{202e}', '\u{2066}']), "{hostile:?}");
}

/// Bits that mean something to Markdown, HTML, GitHub or GitLab.
fn nasty() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "|",
        "`",
        "``",
        "<",
        ">",
        "<!--",
        "-->",
        "\n",
        "\r\n",
        "\n\n",
        "# ",
        "- ",
        "1. ",
        "> ",
        "**",
        "__",
        "~~",
        "[x](y)",
        "![x](y)",
        "[x]",
        "@octocat",
        "@org/team",
        "#12",
        "GH-12",
        "a/b#1",
        "!3",
        "$x$",
        "$`x`$",
        ":+1:",
        "www.a.com",
        "https://a.com",
        "a@b.com",
        "mailto:a@b.c",
        "\\",
        "\\|",
        "&amp;",
        "&#64;x",
        "<b>",
        "</details>",
        "<script>",
        "</code>",
        "\u{202e}",
        "\u{2066}",
        "\u{0}",
        "\u{1b}[2J",
        "\t",
        " ",
        "[^1]",
        "[[x]]",
        "---",
        "===",
        "||x||",
        "/close",
        "a",
        "ü",
        "👩‍💻",
        "{",
        "}",
        "%",
        "^2^",
        "~x",
        "&1",
        "x",
        "*",
        "_",
    ]);
    prop::collection::vec(
        prop_oneof![4 => bits.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)],
        0..12,
    )
    .prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_others_wrote_is_shown_and_does_nothing(text in nasty()) {
        does_nothing(&plan(&with_texts(&text)), &plan(&with_texts("x")));
        does_nothing(&run(&run_with(&text), "done"), &run(&run_with("x"), "done"));
        does_nothing(&plans_with(&text, 3), &plans_with("x", 3));
    }
}

/// A plan and an error for each of so many tenants.
fn plans_with(text: &str, many: usize) -> String {
    let (mut summary, mut lines) = (PlansSummaryDocument::default(), Vec::new());
    for at in 0..many {
        let error = ErrorDocument { message: format!("{text}e{at}"), hint: None, findings: Vec::new() };
        for (plan, error, exit_code) in [(Some(mixed()), None, 0), (None, Some(error), 7)] {
            let (manifest, tenant) = (format!("{text}m{at}"), Some(format!("{text}t{at}")));
            let own = TenantPlanDocument { manifest, tenant, plan, error, exit_code };
            summary.add(&PlansSummaryDocument::of(&own));
            lines.extend(Line::of(&own));
        }
    }
    plans(&summary, &lines)
}

#[test]
fn the_plans_of_any_number_of_tenants_fit_and_say_how_many_are_left_out() {
    let text = plans_with("a|tenant*", 3000);
    assert!(text.len() <= BYTES && text.chars().count() < 65_536, "{}", text.len());
    assert!(text.starts_with("<!-- advaudit:plans -->\n### advaudit plan for 6,000 tenants\n"));
    assert!(
        text.contains("tenants are left out below") && text.contains("#### Failed (3,000 tenants)"),
        "{text}"
    );
    assert!(!plans_with("a", 3).contains("left out"));
}

#[test]
fn a_reason_is_read_as_it_was_written() {
    let text = plan(&with_texts("INC-1 *not* a|b <b> `c` $5 @octocat #12 https://a.com "));
    let (_, words) = drawn(&text);
    let words = words.replace(['\u{200b}', '\n'], "");
    assert!(words.contains("INC-1 *not* a|b <b> `c` $5 @octocat #12 https://a.com 2"), "{words}");
}

#[test]
fn a_limit_that_is_exceeded_is_told_first_and_with_the_flag() {
    let mut plan = mixed();
    plan.limits[1].exceeded = true;
    plan.limits[1].actual = 4;
    plan.limits[1].limit = 2;
    let text = super::plan(&plan);
    let alert = text.find("> [!CAUTION]").expect("an alert");
    assert!(alert < text.find("#### Toggle").expect("a table"), "{text}");
    assert!(text.contains("advaudit apply examples/mixed/manifest.yaml --allow toggle=4 --reason"), "{text}");
}

#[test]
fn a_part_is_carried_out_as_a_part_and_with_what_was_allowed() {
    let mut plan = mixed();
    plan.manifest.files = vec!["of us/manifest.yaml".to_owned()];
    plan.manifest.only = vec!["adele@contoso.com".to_owned(), "Adele's group".to_owned()];
    plan.limits[1].allowed = Some("CHG-1".to_owned());
    plan.limits[1].written = "50%".to_owned();
    let text = super::plan(&plan);
    assert!(
        text.contains("**Only a part of the manifest** (`--only`): `adele@contoso.com`, `Adele's group`.")
    );
    let command = format!(
        "advaudit apply --plan-sha256 {} 'of us/manifest.yaml' --only adele@contoso.com --only 'Adele'\\''s group' \
         --allow toggle=50% --reason CHG-1\n",
        plan.sha256
    );
    assert!(text.contains(&command), "{text}");

    plan.manifest.only = vec!["a".repeat(99); 1000];
    let text = super::plan(&plan);
    assert!(text.contains("with the manifest and each `--only`") && text.len() <= BYTES, "{text}");

    plan.applyable = false;
    assert!(!super::plan(&plan).contains("--plan-sha256"), "it cannot be started");
}

#[test]
fn a_share_is_told_beside_its_number() {
    let mut plan = mixed();
    let limit = &mut plan.limits[1];
    (limit.exceeded, limit.actual, limit.limit, limit.written) = (true, 21, 20, "1%".to_owned());
    assert!(super::plan(&plan).contains("`limits.toggle` allows 20 (1%). If"));
}

#[test]
fn many_of_one_line_stand_at_that_line_and_most_come_first() {
    let mut plan = mixed();
    let mut one = plan.blocked[0].clone();
    one.reason = "it is so".to_owned();
    one.place.line = 4;
    plan.blocked.extend(vec![one; 300]);
    let text = super::plan(&plan);
    let row = text.lines().find(|line| line.contains("it is so")).expect("a row");
    assert!(row.starts_with("| 1 | **300 subjects**") && row.ends_with("| line 4 |"), "{row}");
}

#[test]
fn a_run_that_is_not_done_does_not_begin_with_done() {
    for (code, words) in
        [(0, "**Done: "), (3, "**Stopped by a limit: "), (4, "**Pending: "), (5, "**Partly done: ")]
    {
        let run = super::run(&RunDocument { exit_code: code, ..run_with("x") }, "with `--fail-on blocked`");
        assert!(
            run.contains(words) && run.contains(&format!("Exit code {code}: with `--fail-on blocked`.")),
            "{run}"
        );
    }
}

#[test]
fn words_of_ours_are_code_and_nothing_else_is() {
    use super::text::spoken;
    assert_eq!(spoken("correct `license`, or `toggle: x`"), "correct `license`, or `toggle: x`");
    assert_eq!(
        spoken("``a`` `@a` `a|b` ` a` `"),
        "&#96;&#96;a&#96;&#96; &#96;\\@&#8203;a&#96; &#96;a&#124;b&#96; &#96; a&#96; &#96;"
    );
}

/// So many changes, all of one kind or each another.
fn large(many: usize, are_alike: bool, name: &str) -> PlanDocument {
    let mut plan = mixed();
    let first =
        plan.changes.iter().find(|one| one.action == Action::Toggle && one.subject.kind == SubjectKind::User);
    let first = first.expect("a user to toggle").clone();
    let blocked = plan.blocked[0].clone();
    plan.changes = (0..many)
        .map(|at| {
            let mut one = first.clone();
            one.subject.name = format!("{at}{name}");
            one.reason = if are_alike { name.to_owned() } else { format!("{at}{name}") };
            one
        })
        .collect();
    plan.blocked = (0..many)
        .map(|at| {
            let mut one = blocked.clone();
            one.subject.name = format!("{at}{name}");
            one.reason = if are_alike { name.to_owned() } else { format!("{at}{name}") };
            one
        })
        .collect();
    let finding = plan.findings[0].clone();
    plan.findings = vec![finding; many];
    (plan.summary.toggle, plan.summary.blocked) = (many, many);
    plan
}

#[test]
fn a_plan_of_any_size_fits_and_says_what_it_left_out() {
    let long = "|@`ü👩‍💻$".repeat(1000).chars().take(990).collect::<String>();
    for name in ["@contoso.com", &long] {
        for many in [1, 100, 100_000] {
            for are_alike in [true, false] {
                let plan = large(many, are_alike, name);
                let text = super::plan(&plan);
                assert!(text.len() <= BYTES, "{} bytes of {many} changes", text.len());
                let is_whole = many == 1 || (many == 100 && are_alike && name.len() < 20);
                // A hundred different ones with short names are about as much as fits.
                if many != 100 || are_alike || name.len() > 20 {
                    let head: String = text.chars().take(3000).collect();
                    assert_eq!(text.contains("left out"), !is_whole, "{many} {are_alike}: {head}");
                }
                for told in ["#### Toggle", "#### Blocked", "#### Findings", "--plan-sha256", "| off for |"] {
                    assert!(text.contains(told), "{told} of {many} changes");
                }
            }
        }
    }
}

#[test]
fn a_group_of_fifty_thousand_fits() {
    let mut plan = mixed();
    let group = plan.changes.iter_mut().find(|one| one.people.len() > 1).expect("a group");
    let person =
        |at: usize| PersonDocument { id: UserId(uuid::Uuid::nil()), name: format!("{at}@contoso.com") };
    group.people = (0..50_000).map(person).collect();
    let text = super::plan(&plan);
    assert!(text.len() <= BYTES, "{}", text.len());
    assert!(text.contains("**50,000 people**") && text.contains("more, left out here"), "it is counted");
}

#[test]
fn a_run_of_any_size_fits() {
    let mut large = run_with("x|@");
    let one = large.subjects[0].clone();
    for many in [1, 100, 100_000] {
        large.subjects = (0..many)
            .map(|at| {
                let mut one = one.clone();
                one.error.iter_mut().for_each(|error| error.message = format!("{at} {}", "é|".repeat(400)));
                one
            })
            .collect();
        let text = run(&large, "done");
        assert!(text.len() <= BYTES && text.contains("failed"), "{} bytes of {many}", text.len());
    }
}
