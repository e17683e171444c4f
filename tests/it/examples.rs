//! Each folder of `examples/` is a story: plan, apply, plan. What the administrator sees is kept in
//! `examples/<name>.txt` beside this file; `SNAPSHOTS=overwrite cargo test --test it examples` writes
//! it again.

use std::fmt::Write as _;

use snapbox::assert::DEFAULT_ACTION_ENV;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

use super::common::site::Site;
use super::common::text::without_chance;
use super::common::{Ran, examples, repository};

/// One test for each example, and one that none is missing.
macro_rules! stories {
    ($($test:ident: $example:literal,)*) => {
        $(#[test]
        fn $test() {
            tell($example);
        })*

        #[test]
        fn every_example_is_a_test_and_has_its_story() {
            assert_eq!(examples(), [$($example),*], "examples/ and the stories of this file");
            let folder = std::fs::read_dir(repository("tests/it/examples")).expect("a folder");
            let mut kept: Vec<_> = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
            kept.sort();
            let mut wanted: Vec<_> = examples().iter().map(|name| format!("{name}.txt")).collect();
            wanted.extend(MIXED.iter().map(|(_, file)| (*file).to_owned()));
            wanted.sort();
            assert_eq!(kept, wanted, "stories that are kept");
        }
    };
}

stories! {
    a_licensed_group_is_toggled_behind_its_gate: "licensed-group",
    one_of_each_is_planned_and_done: "mixed",
    a_box_that_is_not_ticked_is_ticked: "not-ticked",
    a_whole_organization_gets_what_it_pays_for: "organization",
    the_quick_start_enables_toggles_and_toggles_a_group: "quick-start",
    people_go_off_in_a_window_after_a_canary: "rollout",
    people_are_selected_by_what_the_directory_says: "selectors",
    a_ticked_box_is_toggled_with_an_hour_in_between: "ticked",
    what_cannot_be_read_is_unknown_and_the_rest_is_done: "unreadable",
}

/// Plays the story twice and compares it with what is kept.
fn tell(example: &str) {
    let files =
        ["manifest.yaml", "tenant.yaml"].map(|file| repository(&format!("examples/{example}/{file}")));
    let texts = || files.each_ref().map(|file| std::fs::read_to_string(file).expect("a text"));
    let before = texts();
    let story = play(example);
    assert_eq!(story, play(example), "the story of {example} goes differently the second time");
    assert!(texts() == before, "the files of {example} were changed");
    is_as_kept(story, &format!("{example}.txt"));
}

fn play(example: &str) -> String {
    let site = Site::example(example);
    let mut story = String::new();
    for ran in [site.plan(), site.apply(), site.plan()] {
        story.push_str(&transcript(&ran));
    }
    story
}

/// What a session looks like: `2>` stands before each line of stderr.
fn transcript(ran: &Ran) -> String {
    let mut text = format!("$ {}\n{}", ran.command, ran.stdout);
    for line in ran.stderr.lines() {
        writeln!(text, "2> {line}").expect("a text takes everything");
    }
    writeln!(text, "[exit code {}]\n", ran.code.expect("ended by itself")).expect("a text takes everything");
    without_chance(&text)
}

/// The plan with one of each, in every format for which it is kept.
const MIXED: [(&str, &str); 4] = [
    ("json", "mixed.plan.json"),
    ("markdown", "mixed.plan.md"),
    ("sarif", "mixed.sarif"),
    ("junit", "mixed.junit.xml"),
];

#[test]
fn the_plan_of_one_of_each_in_every_format() {
    for (format, file) in MIXED {
        let site = Site::example("mixed");
        let ran = site.run(&format!("plan {} --format {format}", site.manifest())).exits(0);
        is_as_kept(ran.stdout, file);
    }
}

/// Compares, as text, with what is kept beside this file.
fn is_as_kept(actual: String, file: &str) {
    let path = repository("tests/it/examples").join(file);
    let kept = Data::read_from(&path, Some(DataFormat::Text));
    Assert::new().action_env(DEFAULT_ACTION_ENV).eq(actual, kept.raw());
}
