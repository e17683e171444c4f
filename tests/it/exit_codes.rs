//! Every exit code that can be reached, and which one wins where several hold.

use std::net::TcpListener;

use advaudit::cli::Exit;

use super::common::served::{Running, on};
use super::common::site::{MANIFEST, Site, T};
use super::common::{Ran, advaudit};

const TENANT: &str = "\
users:
  - {upn: on@contoso.com, licenses: [SPE_E5]}
  - {upn: on.too@contoso.com, licenses: [SPE_E5]}
  - {upn: off@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: refused@contoso.com, restricted: true, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
  - {upn: unread@contoso.com, unreadable: 403, licenses: [SPE_E5]}
  - bare@contoso.com
";

/// Users of [`TENANT`]: `toggle` stands before those that are to be toggled.
fn users(words: &str) -> String {
    let entry = |word: &str| match word.strip_prefix("toggle:") {
        Some(name) => format!("  - {{user: {name}@contoso.com, toggleIfEnabledBefore: {T}}}\n"),
        None => format!("  - {word}@contoso.com\n"),
    };
    format!("users:\n{}", words.split(' ').map(entry).collect::<String>())
}

fn site(words: &str) -> Site {
    Site::new(&users(words), TENANT)
}

#[test]
fn code_0_done_or_nothing_to_do() {
    let site = site("on off");
    site.run(&format!("check {}", site.manifest()));
    site.plan().exits(0).shows("Plan: 1 to enable, 0 to toggle, 0 to resume, 1 in sync, 0 blocked.\n");
    site.apply().exits(0).shows("Done: 1 enabled.");
    site.apply().exits(0).shows("2 in sync");
    site.run("heal").exits(0);
    Ran::of(&mut advaudit(&["--version"])).exits(0).shows(env!("CARGO_PKG_VERSION"));
    Ran::of(&mut advaudit(&["apply", "--help"])).exits(0).shows("--auto-approve");
}

#[test]
fn code_0_blocked_subjects_alone_do_not_fail() {
    let site = site("on bare");
    site.plan().exits(0).shows("1 blocked.");
    site.apply().exits(0).shows("1 blocked.");
}

#[test]
fn code_1_a_plan_that_is_incomplete() {
    let site = Site::example("unreadable");
    site.plan().exits(1).shows(", 3 unknown.");
}

#[test]
fn code_1_a_manifest_that_cannot_be_used() {
    let site = site("on");
    site.declare("usres: [on@contoso.com]\n");
    site.plan()
        .exits(1)
        .complains("did you mean `users`")
        .holds("nothing is shown", site.plan().stdout.is_empty());
    site.apply().exits(1).complains("usres");
    Ran::of(&mut advaudit(&["check", site.manifest()])).exits(1).shows("usres");
    site.run("plan no/such/file.yaml").exits(1).complains("no/such/file.yaml");
}

/// Against a real tenant too everything is told at once, and nobody is asked.
#[test]
fn code_1_a_manifest_that_cannot_be_used_is_told_whole_before_anybody_is_asked() {
    let site = site("on");
    let future = "users: [{user: on@contoso.com, toggleIfEnabledBefore: 2999-01-01T00:00:00Z}]\n";
    site.declare(&format!("usres: [on@contoso.com]\n{future}"));
    let nobody = ["plan", site.manifest(), "--graph-url", "http://127.0.0.1:9"];
    Ran::of(&mut advaudit(&nobody)).exits(1).complains("did you mean `users`").complains("2999-01-01");
}

#[test]
fn code_1_another_tenant_answers() {
    let site = site("off");
    site.write_manifest(
        &format!("{MANIFEST}{}", users("off")).replace("contoso.onmicrosoft.com", "fabrikam.com"),
    );
    site.plan().exits(1).complains("[wrong-tenant]");
    site.apply().exits(1).complains("fabrikam.com");
    assert!(site.writes().is_empty());
}

#[test]
fn code_1_a_link_to_another_origin_ends_the_run() {
    let site = Site::new("users: [{all: licensed}]\n", &format!("{TENANT}faults: [{FOREIGN}]\n"));
    site.plan().exits(1);
    site.apply().exits(1);
    assert!(site.writes().is_empty());
}

/// Every page of every collection links elsewhere.
const FOREIGN: &str = "{request: 1, times: 1000, answer: foreignLink}";

#[test]
fn code_1_nothing_is_known_here() {
    let site = site("on");
    site.run("status").exits(1).complains("nothing is known here");
    site.run("heal").exits(1).complains("nothing is known here");
}

#[test]
fn code_2_a_write_would_happen() {
    let site = site("on off");
    let plan = format!("plan {} --detailed-exitcode", site.manifest());
    site.run(&plan).exits(2);
    site.apply().exits(0);
    site.run(&plan).exits(0);
}

#[test]
fn code_3_stopped_by_a_limit() {
    let site = site("toggle:on toggle:on.too off");
    site.declare(&format!("limits: {{toggle: 1}}\n{}", users("toggle:on toggle:on.too off")));
    site.plan().exits(0).shows("2 to toggle");
    site.apply().exits(3).shows("1 to enable, 2 to toggle");
    assert!(site.writes().is_empty(), "nothing new was started: {:?}", site.writes());
}

#[test]
fn code_4_pending() {
    let site = site("toggle:on off");
    site.apply_and_leave().exits(4).shows("1 enabled");
    assert!(!site.people().is_on("on@contoso.com"));
    site.run("heal --no-wait").exits(4);
    site.later(61);
    site.run("heal --no-wait").exits(0);
    assert!(site.people().is_on("on@contoso.com"));
}

#[test]
fn code_5_a_planned_change_failed() {
    let site = site("off refused");
    site.plan().exits(0).shows("2 to enable");
    site.apply().exits(5).shows("1 enabled, 1 failed");
    assert!(site.people().is_on("off@contoso.com"), "the rest is done");
}

#[test]
fn code_5_part_of_the_plan_was_unknown() {
    let site = site("off unread");
    site.apply().exits(5).shows("1 enabled");
}

#[test]
fn code_5_blocked_when_that_is_asked_for() {
    let site = site("off bare");
    site.run(&format!("plan {} --fail-on blocked", site.manifest())).exits(5);
    site.run(&format!("apply {} --auto-approve --fail-on blocked", site.manifest()))
        .exits(5)
        .shows("1 enabled");
}

#[test]
fn code_7_no_token() {
    let state = tempfile::tempdir().expect("a folder");
    let site = site("off");
    let state = state.path().to_str().expect("UTF-8");
    for command in ["plan", "apply"] {
        let mut args = vec![command, site.manifest(), "--state", state];
        args.extend(["--auto-approve"].iter().filter(|_| command == "apply"));
        Ran::of(&mut advaudit(&args)).exits(7).complains("ADVAUDIT_ACCESS_TOKEN");
    }
}

#[test]
fn code_7_a_token_that_is_empty_or_none() {
    for token in ["", "two words"] {
        let mut command = advaudit(&["heal", "--graph-url", "http://127.0.0.1:9"]);
        Ran::of(command.env("ADVAUDIT_ACCESS_TOKEN", token)).exits(7).complains("ADVAUDIT_ACCESS_TOKEN");
    }
}

#[test]
fn code_7_the_token_is_refused() {
    let site =
        Site::new(&users("off"), &format!("{TENANT}faults: [{{request: 1, answer: 401, times: 99}}]\n"));
    site.plan().exits(7).complains("ADVAUDIT_ACCESS_TOKEN");
    site.apply().exits(7);
}

#[test]
fn code_64_no_terminal_to_ask_on() {
    let site = site("off");
    let ran = site.run(&format!("apply {}", site.manifest())).exits(64).complains("--auto-approve");
    assert!(ran.stdout.is_empty(), "at once: {}", ran.told());
    assert!(!site.state().exists(), "before anything is touched");
}

#[test]
fn code_64_words_that_are_not_known() {
    let site = site("off");
    for command in [
        "plan MANIFEST --no-such-option",
        "no-such-command",
        "plan",
        "plan MANIFEST --format yaml",
        "plan MANIFEST --only nobody@contoso.com",
        "plan MANIFEST --graph-url http://127.0.0.1:1",
        "plan MANIFEST --cloud usgov",
        "plan MANIFEST --expires-in 0s",
        "plan MANIFEST --allow toggle=3",
        "plan MANIFEST --allow maxOff=3 --reason why",
        "apply",
        "apply MANIFEST --plan plan.json",
        "apply --plan plan.json --only on@contoso.com",
        "apply MANIFEST --plan-sha256 abc",
        "plan MANIFEST --break-lease",
        "apply MANIFEST --auto-approve --lock-timeout 90",
        "heal --lock-timeout=-90s",
    ] {
        site.run(&command.replace("MANIFEST", site.manifest())).exits(64);
    }
    assert!(site.writes().is_empty());
    let plain = ["plan", site.manifest(), "--graph-url", "http://graph.microsoft.com"];
    Ran::of(&mut advaudit(&plain)).exits(64).complains("--graph-url");
}

#[test]
fn code_64_a_lease_is_not_broken_unasked() {
    let site = site("off");
    site.run("heal --break-lease").exits(64).complains("--auto-approve");
    let asked = format!("apply {} --break-lease", site.manifest());
    site.run(&asked).exits(64).complains("--auto-approve");
    assert!(!site.state().exists(), "before anything is touched");
}

#[test]
fn code_64_a_state_that_is_no_place() {
    let site = site("off");
    for (state, why) in [
        ("https://audit.blob.core.windows.net/c", "az://container/prefix"),
        ("az:///prefix", "the name of a container"),
        ("s3://bucket/a//b", "single slashes"),
        ("file://relative", "file:///srv/advaudit"),
    ] {
        for command in [vec!["status"], vec!["heal"], vec!["apply", site.manifest(), "--auto-approve"]] {
            let args = [&command[..], &["--state", state]].concat();
            Ran::of(&mut advaudit(&args)).exits(64).complains("--state").complains(why);
        }
    }
    let args = ["plan", site.manifest(), "--sandbox", site.tenant(), "--state", "az://audit/prod"];
    Ran::of(&mut advaudit(&args)).exits(64).complains("--state DIR");
}

#[test]
fn code_1_a_shared_state_that_the_environment_does_not_describe() {
    let status = |state: &str, variables: &[(&str, &str)]| {
        let mut command = advaudit(&["status", "--state", state]);
        Ran::of(command.envs(variables.iter().copied())).exits(1)
    };
    status("az://audit/prod", &[]).complains("AZURE_STORAGE_ACCOUNT_NAME is not set");
    let plain = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ACCESS_KEY_ID", "a")];
    status("s3://audit/prod", &plain).complains("set AWS_ALLOW_HTTP=true");
    let half = [("AWS_ACCESS_KEY_ID", "a")];
    status("s3://audit/prod", &half).complains("s3://audit/prod").complains("AWS_SECRET_ACCESS_KEY");
    let file = [("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")];
    status("gs://audit", &file).complains("gs://audit").complains("/nowhere.json");
}

#[test]
fn a_folder_can_be_named_by_its_address() {
    let site = site("off");
    let state = format!("file://{}", site.state().display());
    let args = ["apply", site.manifest(), "--sandbox", site.tenant(), "--state", &state, "--auto-approve"];
    Ran::of(&mut advaudit(&args)).exits(0);
    assert_eq!(site.writes().len(), 1);
}

#[test]
fn breaking_a_lease_that_nobody_holds_is_harmless() {
    let site = site("off");
    let apply = format!("apply {} --auto-approve --break-lease", site.manifest());
    site.run(&apply).exits(0).complains("there was nothing to break").shows("1 enabled");
    assert!(site.journal().iter().all(|record| record["entry"]["kind"] != "lease_broken"));
}

/// A Graph that never answers must not hold a terminal or a runner.
#[cfg(unix)]
#[test]
fn code_130_before_graph_has_answered_at_all() {
    for signal in ["INT", "TERM"] {
        for command in ["apply MANIFEST --auto-approve", "heal"] {
            let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}", silent.local_addr().expect("an address"));
            let folder = tempfile::tempdir().expect("a folder");
            let run = Running::start(on(&url, folder.path(), command));
            let asked = silent.accept().expect("a request");
            run.signal(signal);
            run.end().exits(130).complains("interrupted");
            drop(asked);
        }
    }
}

/// Every code has a test that reaches it, by its name: that of 6 is among the saved plans.
#[test]
fn every_code_has_a_test() {
    let own = concat!(include_str!("exit_codes.rs"), include_str!("saved_plans.rs"));
    for exit in Exit::PRECEDENCE {
        let name = format!("fn code_{}_", exit.code());
        assert!(own.contains(&name), "no test of code {}", exit.code());
    }
}

/// Where several hold, the first of [`Exit::PRECEDENCE`] is the code. What needs sockets stands there.
mod precedence {
    use super::*;

    #[test]
    fn code_7_before_4() {
        // The off is taken, the on is refused with 401.
        let faults = "faults: [{write: 2, answer: 401, times: 9}]\n";
        let site = Site::new(&users("toggle:on"), &format!("{TENANT}{faults}"));
        let ran = site.run(&format!("apply {} --auto-approve --json", site.manifest())).exits(7);
        assert!(!ran.json()["resume_after"].is_null(), "somebody is off: {}", ran.told());
        site.run("heal").exits(7);
    }

    const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    #[test]
    fn code_6_before_3_4_and_5() {
        let site = site("toggle:on");
        site.apply_and_leave().exits(4);
        site.declare(&format!("limits: {{enable: 0}}\n{}", users("off bare unread")));
        let command =
            format!("apply {} --plan-sha256 {NO_DIGEST} --no-wait --fail-on blocked --json", site.manifest());
        let ran = site.run(&command).exits(6);
        assert!(!ran.json()["resume_after"].is_null(), "the JSON tells all: {}", ran.told());
    }

    #[test]
    fn code_7_and_64_before_6() {
        let faults = "faults: [{write: 2, answer: 401, times: 9}]\n";
        let site = Site::new(&users("toggle:on"), &format!("{TENANT}{faults}"));
        site.apply_and_leave().exits(4);
        site.later(61);
        site.run(&format!("apply {} --plan-sha256 {NO_DIGEST}", site.manifest())).exits(7);
        site.run(&format!("apply {} --plan-sha256 {NO_DIGEST} --no-such-option", site.manifest())).exits(64);
    }

    #[test]
    fn code_1_before_5_and_2() {
        let site = site("off bare unread");
        let command = format!("plan {} --fail-on blocked --detailed-exitcode", site.manifest());
        site.run(&command).exits(1);
    }

    #[test]
    fn code_3_before_4_and_5() {
        let site = site("toggle:on");
        site.apply_and_leave().exits(4);
        site.declare(&format!("limits: {{enable: 0}}\n{}", users("off bare")));
        let command = format!("apply {} --auto-approve --no-wait --fail-on blocked --json", site.manifest());
        let ran = site.run(&command).exits(3);
        assert!(!ran.json()["resume_after"].is_null(), "the JSON tells all: {}", ran.told());
    }

    #[test]
    fn code_4_before_5() {
        let site = site("toggle:on refused");
        site.apply_and_leave().exits(4).shows("1 failed");
    }

    #[test]
    fn code_5_before_2() {
        let site = site("off bare");
        site.run(&format!("plan {} --fail-on blocked --detailed-exitcode", site.manifest())).exits(5);
    }
}
