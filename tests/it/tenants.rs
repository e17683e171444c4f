//! `plan` for several tenants, as a provider runs it: a folder of manifests, and what comes of each.

use serde_json::Value;

use super::common::authority::{Authority, CERTIFICATE, CLIENT, SECRET, Shows};
use super::common::served::{Served, TOKEN};
use super::common::tenants::{Tenants, id, manifest};
use super::common::{Ran, repository};

/// The lines by which a search finds the tenants.
fn heads(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter(|line| line.starts_with("== ")).collect()
}

/// The document, held against its schema.
#[track_caller]
fn document(ran: &Ran) -> Value {
    let schema = std::fs::read_to_string(repository("schema/plans.schema.json")).expect("a schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let document = ran.json();
    let wrong: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "no plans by the schema: {wrong:#?}\n{}", ran.told());
    assert_eq!(document["exit_code"].as_i64(), ran.code.map(i64::from), "{}", ran.told());
    document
}

#[test]
fn each_tenant_has_its_plan_in_the_order_of_the_manifests_and_a_sum_ends_it() {
    let tenants = Tenants::of("contoso:on+off adatum:on fabrikam:on+bare");
    let ran = tenants.plan("").exits(0);
    assert_eq!(
        heads(&ran),
        [
            "== adatum.com (manifests/adatum.yaml): nothing to do, 1 in sync",
            "== contoso.com (manifests/contoso.yaml)",
            "== fabrikam.com (manifests/fabrikam.yaml)",
            "== 3 tenants: 1 with something to do.",
        ],
        "{}",
        ran.told()
    );
    let ran = ran
        .shows("\n\n== contoso.com (manifests/contoso.yaml)\nTenant contoso.com (c0450000-0000-4000-8000-000000000001)")
        .shows("  + enable off@contoso.com\n")
        .shows("Plan: 1 to enable, 0 to toggle, 0 to resume, 1 in sync, 0 blocked.\n\n== fabrikam")
        .shows("  ! blocked bare@fabrikam.com\n")
        .shows("\nSum of 3 tenants: 1 to enable, 0 to toggle, 0 to resume, 3 in sync, 1 blocked.\n");
    let summaries = ran.stdout.lines().filter(|line| line.starts_with("Plan: ")).count();
    ran.holds("only plans have the summary of a plan", summaries == 2);
    let ran = tenants.plan("-v").exits(0).shows("Tenant adatum.com (");
    assert_eq!(heads(&ran)[0], "== adatum.com (manifests/adatum.yaml)");
}

#[test]
fn one_manifest_is_planned_as_ever_also_from_a_folder() {
    let tenants = Tenants::of("contoso:on+off");
    let alone = tenants.run("plan manifests/contoso.yaml --sandbox sandboxes/contoso.yaml").exits(0);
    for command in ["plan manifests --sandbox sandboxes/contoso.yaml", "plan manifests --sandbox sandboxes"] {
        let ran = tenants.run(&format!("{command} --sandbox-reset")).exits(0);
        assert_eq!((&ran.stdout, &ran.stderr), (&alone.stdout, &alone.stderr), "{}", ran.told());
    }
    let json = tenants.plan("--json --out plan.json").exits(0).json();
    assert_eq!(json["summary"]["enable"], 1);
    tenants.run("show plan.json").exits(0).shows("enable off@contoso.com");
    let out = "--out is in the folder of the simulated tenants";
    tenants
        .plan("--out sandboxes/contoso.yaml")
        .exits(64)
        .complains(&out[out.find("in the").expect("a part")..]);
}

#[test]
fn a_tenant_that_fails_says_why_and_stops_no_other() {
    let tenants = Tenants::of("adatum:on contoso:off fabrikam:on northwind:unread zava:off");
    tenants.write(
        "manifests/bad.yaml",
        "apiVersion: advaudit/v1\ntenant: contoso.com\nusres: [on@contoso.com]\n",
    );
    tenants.write("manifests/latin.yaml", "");
    std::fs::write(tenants.path("manifests/latin.yaml"), b"tenant: caf\xe9.com\n").expect("written");
    tenants.write("manifests/nobody.yaml", &manifest("nobody.com", "  - on@nobody.com\n"));
    tenants.write("sandboxes/fabrikam.yaml", "tenant: {id: 1}\n");
    let ran = tenants.plan("").exits(1);
    assert_eq!(
        heads(&ran),
        [
            "== adatum.com (manifests/adatum.yaml): nothing to do, 1 in sync",
            "== manifests/bad.yaml: failed, exit 1",
            "== contoso.com (manifests/contoso.yaml)",
            "== fabrikam.com (manifests/fabrikam.yaml): failed, exit 1",
            "== manifests/latin.yaml: failed, exit 1",
            "== nobody.com (manifests/nobody.yaml): failed, exit 1",
            "== northwind.com (manifests/northwind.yaml)",
            "== zava.com (manifests/zava.yaml)",
            "== 8 tenants: 2 with something to do, 1 not read to the end, 4 failed.",
        ],
        "{}",
        ran.told()
    );
    ran.shows("did you mean `users`?")
        .shows("error: there is no simulated tenant fabrikam.com in sandboxes\nhint: is it the one that cannot be read?")
        .shows("is not UTF-8 text: byte 12")
        .shows("hint: save it as UTF-8")
        .shows("  + enable off@zava.com\n")
        .shows("\nFailed: manifests/bad.yaml (exit 1), fabrikam.com (manifests/fabrikam.yaml, exit 1),\n")
        .shows("\nSum of 4 tenants: 2 to enable, 0 to toggle, 0 to resume, 1 in sync, 0 blocked, 1 unknown.\n");
}

#[test]
fn the_document_has_a_plan_or_an_error_for_each_manifest() {
    let tenants = Tenants::of("adatum:on contoso:off");
    tenants.write(
        "manifests/bad.yaml",
        "apiVersion: advaudit/v1\ntenant: contoso.com\nusres: [on@contoso.com]\n",
    );
    tenants.write("manifests/nobody.yaml", &manifest("nobody.com", "  - on@nobody.com\n"));
    let ran =
        tenants.plan("--json").exits(1).complains("error: failed: manifests/bad.yaml (exit 1), nobody.com (");
    let plans = document(&ran);
    assert_eq!(plans["format_version"], "1.0");
    let all = plans["tenants"].as_array().expect("a list");
    let of = |key: &str| all.iter().map(|one| one[key].clone()).collect::<Vec<_>>();
    let files = ["adatum", "bad", "contoso", "nobody"].map(|name| format!("manifests/{name}.yaml"));
    assert_eq!(of("manifest"), files);
    assert_eq!(of("exit_code"), [0, 1, 0, 1]);
    assert_eq!(
        of("tenant"),
        [Value::from("adatum.com"), Value::Null, "contoso.com".into(), "nobody.com".into()]
    );
    assert_eq!(all[0]["plan"]["tenant"]["id"], id(1));
    assert_eq!(all[1]["error"]["findings"][0]["code"], "unknown-key");
    assert_eq!(all[2]["plan"]["changes"][0]["subject"]["name"], "off@contoso.com");
    assert!(all[2]["error"].is_null() && all[3]["plan"].is_null());
    assert!(all[3]["error"]["hint"].as_str().expect("a hint").contains("`tenant`"));
    let summary = &plans["summary"];
    let counts = ["tenants", "with_changes", "incomplete", "failed"].map(|key| summary[key].clone());
    assert_eq!(counts, [4, 1, 0, 2]);
    assert_eq!(summary["subjects"]["enable"], 1);
    // The plan is the same that the manifest has alone.
    let alone = tenants.run("plan manifests/contoso.yaml --sandbox sandboxes --json").exits(0).json();
    assert_eq!(alone["sha256"], all[2]["plan"]["sha256"]);
}

#[test]
fn the_worst_code_of_all_is_the_code() {
    let tenants = Tenants::of("adatum:on contoso:off fabrikam:bare");
    tenants.plan("").exits(0);
    tenants.plan("--detailed-exitcode").exits(2);
    tenants.plan("--fail-on blocked --detailed-exitcode").exits(5);
    tenants.add("northwind", "unread");
    tenants.plan("--fail-on blocked --detailed-exitcode").exits(1);
    let codes = document(&tenants.plan("--json --fail-on blocked --detailed-exitcode"));
    let codes: Vec<&Value> =
        codes["tenants"].as_array().expect("a list").iter().map(|one| &one["exit_code"]).collect();
    assert_eq!(codes, [0, 2, 5, 1]);
}

#[test]
fn only_leaves_those_who_are_meant_wherever_they_are_declared() {
    let tenants = Tenants::of("adatum:on contoso:on+off fabrikam:off");
    let ran = tenants.plan("--only OFF@contoso.com --only on@adatum.com").exits(0);
    assert_eq!(
        heads(&ran),
        [
            "== adatum.com (manifests/adatum.yaml): nothing to do, 1 in sync",
            "== contoso.com (manifests/contoso.yaml)",
            "== 3 tenants: 1 with something to do, 1 without anybody whom --only names (-v shows them).",
        ],
        "{}",
        ran.told()
    );
    ran.shows("Sum of 3 tenants: 1 to enable, 0 to toggle, 0 to resume, 1 in sync, 0 blocked.");
    let plans = document(&tenants.plan("--only off@contoso.com --json").exits(0));
    assert_eq!(plans["tenants"][2]["plan"]["summary"]["enable"], 0);
    // Nobody's name is a slip.
    tenants
        .plan("--only off@contoso.com --only of@contoso.com")
        .exits(64)
        .complains("--only: none of the manifests declares `of@contoso.com`;");
    document(&tenants.plan("--only of@contoso.com --json").exits(64));
    // Unless it may be declared where nobody could look.
    tenants.write("manifests/bad.yaml", "tenant: [\n");
    let ran = tenants.plan("--only of@contoso.com").exits(1);
    ran.clone().holds("it may be in bad.yaml", !ran.stderr.contains("--only"));
}

#[test]
fn what_several_manifests_cannot_have_is_a_usage_error() {
    let tenants = Tenants::of("adatum:on contoso:on");
    tenants.plan("--parallelism 0").exits(64);
    tenants
        .plan("--out plan.json")
        .exits(64)
        .complains("--out plan.json has room for the plan of one manifest");
    tenants.plan("--log-events events.json").exits(64).complains("--log-events");
    for format in ["sarif", "junit", "gitlab"] {
        tenants.plan(&format!("--format {format}")).exits(64).complains("plan each by itself");
    }
    let both = "manifests/adatum.yaml manifests/contoso.yaml --sandbox sandboxes/adatum.yaml";
    let one = "takes one manifest, and these are 2";
    tenants.run(&format!("apply {both} --auto-approve")).exits(64).complains(one);
    tenants.run(&format!("heal {both}")).exits(64).complains(one);
    assert!(!tenants.path("plan.json").exists());
}

#[test]
fn two_manifests_of_one_tenant_are_planned_with_a_warning() {
    let tenants = Tenants::of("adatum:on contoso:on");
    tenants.write("manifests/more.yaml", &manifest(&id(2), "  - off@contoso.com\n"));
    let warning = "warning: several manifests are for one tenant, and `apply` counts its limits for each alone: \
                   manifests/contoso.yaml and manifests/more.yaml\n";
    tenants.plan("").exits(0).complains(warning).shows("Sum of 3 tenants: 1 to enable");
    document(&tenants.plan("--json").exits(0).complains(warning));
}

#[test]
fn one_simulated_tenant_is_that_of_its_manifest_only() {
    let tenants = Tenants::of("adatum:on contoso:on");
    tenants
        .run("plan manifests --sandbox sandboxes/contoso.yaml")
        .exits(1)
        .shows("[wrong-tenant]")
        .shows("--sandbox sandboxes/contoso.yaml is one tenant")
        .shows("== contoso.com (manifests/contoso.yaml): nothing to do, 1 in sync\n");
    tenants.write(
        "sandboxes/copy.yaml",
        &std::fs::read_to_string(tenants.path("sandboxes/adatum.yaml")).unwrap(),
    );
    tenants
        .plan("")
        .exits(1)
        .shows("sandboxes/adatum.yaml, sandboxes/copy.yaml are all the tenant adatum.com");
}

#[test]
fn a_step_is_told_the_code_and_whether_any_tenant_changes() {
    let tenants = Tenants::of("adatum:on contoso:off");
    let told = |options: &str| {
        let file = tenants.path("output");
        std::fs::write(&file, "").expect("written");
        let mut command = tenants.command(&format!("plan manifests --sandbox sandboxes{options}"));
        Ran::of(command.env("GITHUB_OUTPUT", &file));
        std::fs::read_to_string(&file).expect("outputs")
    };
    assert_eq!(told(" --detailed-exitcode"), "exit_code=2\nhas_changes=true\nplan_sha256=\nresume_after=\n");
    tenants.add("contoso", "on");
    assert!(told("").starts_with("exit_code=0\nhas_changes=false\n"));
    tenants.write("manifests/bad.yaml", "tenant: [\n");
    assert!(told("").starts_with("exit_code=1\nhas_changes=\n"), "what was not looked at is not known");
}

#[test]
fn markdown_is_a_table_of_who_failed_and_who_has_something_to_do() {
    let tenants = Tenants::of("adatum:on contoso:on+off");
    tenants.write("manifests/nobody.yaml", &manifest("nobody.com", "  - on@nobody.com\n"));
    let ran = tenants.plan("--format markdown").exits(1).complains("error: failed: nobody.com (");
    let ran = ran
        .shows("<!-- advaudit:plans -->\n### advaudit plan for 3 tenants\n\n**1 with something to do, 1 failed.**\n")
        .shows("Sum of 2 tenants: 1 to enable, 0 to toggle, 0 to resume, 2 in sync, 0 blocked.\n")
        .shows("| `nobody.com` | `manifests/nobody.yaml` | 1 | there is no simulated tenant nobody.com in sandboxes |\n")
        .shows("| `contoso.com` | `manifests/contoso.yaml` | 1 | 0 | 0 | 1 | 0 | 0 | 0 |\n");
    ran.clone().holds("who has nothing to do has no row", !ran.stdout.contains("adatum"));
    let page = tenants.path("summary");
    Ran::of(tenants.command("plan manifests --sandbox sandboxes").env("GITHUB_STEP_SUMMARY", &page)).exits(1);
    let page = std::fs::read_to_string(page).expect("a page");
    assert_eq!(page.trim_end(), ran.stdout.trim_end());
}

#[test]
fn a_thousand_tenants_are_planned_in_order() {
    let tenants = Tenants::new();
    for number in 0..1000 {
        tenants.add(&format!("t{number:03}"), if number % 100 == 7 { "off" } else { "on" });
    }
    let ran = tenants.plan("--parallelism 25").exits(0);
    let (last, all) = heads(&ran).split_last().map(|(last, all)| (*last, all.to_vec())).expect("heads");
    assert_eq!(last, "== 1,000 tenants: 10 with something to do.");
    let expected = |number: usize| {
        let end = if number % 100 == 7 { "" } else { ": nothing to do, 1 in sync" };
        format!("== t{number:03}.com (manifests/t{number:03}.yaml){end}")
    };
    assert_eq!(all, (0..1000).map(expected).collect::<Vec<_>>());
    let quiet = ran.stdout.lines().count();
    ran.holds("whoever has nothing to do has one line", quiet < 1300);
}

/// Plans all manifests on a Graph that takes the tokens of that authority, as an application that is in every
/// tenant. The environment names no tenant.
fn signed_in(tenants: &Tenants, authority: &Authority, options: &str) -> std::process::Command {
    let mut command = tenants.command(&format!("plan manifests --graph-url {}{options}", authority.url));
    command.env("AZURE_CLIENT_ID", CLIENT).env("AZURE_AUTHORITY_HOST", &authority.url);
    command
}

#[test]
fn the_sign_in_goes_to_the_tenant_of_each_manifest() {
    let tenants = Tenants::of("adatum:on contoso:off fabrikam:on");
    let authority = Authority::start(&tenants.sandbox("adatum"), Shows::Secret);
    authority.also(&tenants.sandbox("contoso"));
    let ran = Ran::of(signed_in(&tenants, &authority, "").env("AZURE_CLIENT_SECRET", SECRET)).exits(7);
    let ran = ran
        .shows("== adatum.com (manifests/adatum.yaml): nothing to do, 1 in sync\n")
        .shows("  + enable off@contoso.com\n")
        .shows("== fabrikam.com (manifests/fabrikam.yaml): failed, exit 7\n")
        .shows("AADSTS90002")
        .shows("hint: there is no tenant fabrikam.com: is `tenant` of the manifest right");
    let told = ran.told();
    assert!(!authority.secrets().iter().any(|secret| told.contains(secret)), "{told}");
    let mut asked = authority.world().asked_for.clone();
    asked.sort();
    assert_eq!(asked, ["adatum.com", "contoso.com", "fabrikam.com"], "once each");
    assert!(authority.world().wrongs.is_empty(), "{:?}", authority.world().wrongs);
    ran.holds("as whom is no news a thousand times", !told.contains("signed in"));
    let mut verbose = signed_in(&tenants, &authority, " -v");
    let as_whom = format!("signed in as application {CLIENT} of tenant contoso.com by client secret\n");
    // What the environment names is of one manifest, not of several.
    Ran::of(verbose.env("AZURE_CLIENT_SECRET", SECRET).env("AZURE_TENANT_ID", id(9))).complains(&as_whom);
}

#[test]
fn what_the_environment_lacks_is_told_once_and_nobody_is_asked() {
    let tenants = Tenants::of("adatum:on contoso:off");
    let authority = Authority::start(&tenants.sandbox("adatum"), Shows::Certificate);
    let mut command = signed_in(&tenants, &authority, "");
    command.env("AZURE_CLIENT_CERTIFICATE_PATH", "no/such.pem");
    let ran = Ran::of(&mut command).exits(7).complains("AZURE_CLIENT_CERTIFICATE_PATH: no/such.pem");
    ran.clone().holds("told once", ran.stdout.is_empty());
    let mut command = signed_in(&tenants, &authority, "");
    let pem = repository(CERTIFICATE);
    let ran =
        Ran::of(command.env("AZURE_CLIENT_CERTIFICATE_PATH", pem).env_remove("AZURE_CLIENT_ID")).exits(7);
    ran.complains("AZURE_CLIENT_ID is not set");
    assert!(authority.world().asked.is_empty());
}

#[test]
fn a_ready_made_token_is_used_for_all_and_is_one_tenants() {
    let tenants = Tenants::of("adatum:on contoso:off");
    let served = Served::start(&tenants.sandbox("contoso"));
    let mut command = tenants.command(&format!("plan manifests --graph-url {}", served.url));
    let ran = Ran::of(command.env("ADVAUDIT_ACCESS_TOKEN", TOKEN)).exits(1);
    ran.shows("== adatum.com (manifests/adatum.yaml): failed, exit 1\n")
        .shows("[wrong-tenant]")
        .shows("the ready-made token in ADVAUDIT_ACCESS_TOKEN is one tenant's")
        .shows("  + enable off@contoso.com\n");
}

#[test]
fn a_tenant_that_is_down_stops_no_other() {
    let tenants = Tenants::of("adatum:on contoso:off");
    // Graph answers each request for the users of one tenant with a fault.
    let text = std::fs::read_to_string(tenants.sandbox("adatum")).expect("a tenant");
    tenants.write(
        "sandboxes/adatum.yaml",
        &format!("{text}faults: [{{request: 1, times: 100000, answer: 503}}]\n"),
    );
    let ran = tenants.plan("").exits(1);
    ran.shows("== adatum.com (manifests/adatum.yaml): failed, exit 1\nerror: ")
        .shows("  + enable off@contoso.com\n")
        .complains("adatum.com: ");
}
