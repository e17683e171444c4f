//! The files of `examples/ci`, played: each shell block that calls advaudit runs as it stands there, with the
//! environment that its file gives it, on a machine of its own. It signs in as it would there, at an authority that
//! plays GitHub's, Azure's and GitLab's part; only where Graph is has to be added to each command.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use advaudit::model::SignedDuration;
use serde_json::Value;
use tempfile::TempDir;

use super::common::authority::{Authority, BEARER, CLIENT, Shows};
use super::common::elsewhen::Elsewhen;
use super::common::site::{MANIFEST, T, TENANT, TENANT_ID};
use super::common::{BINARY, Ran, repository};

const PEOPLE: &str = "\
users:
  - {upn: megan@contoso.com, licenses: [SPE_E5]}
  - {upn: adele@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

/// A token that GitLab gave to the job.
const ID_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.of-a-job.c2lnbmF0dXJl";

/// Texts by name.
type Texts = BTreeMap<String, String>;

/// A block of a pipeline: its shell, and the environment that its file gives it.
struct Block {
    shell: String,
    environment: Texts,
}

/// A tenant, who lets people in, a repository and what its settings say.
struct Project {
    graph: Elsewhen,
    authority: Authority,
    folder: TempDir,
    /// By the words of the files, as `vars.ADVAUDIT_STATE` or `state`.
    settings: Texts,
}

/// A machine that lives for one job.
struct Machine<'a> {
    project: &'a Project,
    folder: TempDir,
}

impl Project {
    fn new(settings: &[(&str, &str)]) -> Project {
        let folder = tempfile::tempdir().expect("a folder");
        let (tenant, manifest) = (folder.path().join("tenant-file.yaml"), folder.path().join("tenant.yaml"));
        std::fs::write(&tenant, format!("{TENANT}{PEOPLE}")).expect("written");
        let declared = "users:\n  - adele@contoso.com\n  - {user: megan@contoso.com, toggleIfEnabledBefore: ";
        std::fs::write(manifest, format!("{MANIFEST}{declared}{T}}}\n")).expect("written");
        let project = Project {
            graph: Elsewhen::start(PEOPLE, SignedDuration::ZERO),
            authority: Authority::start(&tenant, Shows::Federated),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            folder,
        };
        project.authority.world().trusted.push(ID_TOKEN.to_owned());
        project.program("advaudit", &format!("exec '{BINARY}' \"$@\" --graph-url '{}'\n", project.graph.url));
        // Remembers that there is one comment.
        project.program("gh", &format!("cd '{}'\n{GH}", project.folder.path().display()));
        project
    }

    fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join("bin").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, format!("#!/bin/sh\n{text}")).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a program");
    }

    fn state(&self) -> String {
        self.folder.path().join("state").to_str().expect("UTF-8").to_owned()
    }

    /// A fresh machine, with the manifest checked out.
    fn machine(&self) -> Machine<'_> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(self.folder.path().join("tenant.yaml"), folder.path().join("tenant.yaml"))
            .expect("copied");
        Machine { project: self, folder }
    }

    fn an_hour_later(&self) {
        self.graph.is_ahead(SignedDuration::from_mins(65));
    }

    /// Who has the service plan now, and that nothing happened at the authority that must not.
    #[track_caller]
    fn on(&self) -> Vec<String> {
        assert_eq!(self.authority.world().wrongs, Vec::<String>::new());
        let truth = self.graph.truth();
        let mut names: Vec<_> =
            truth.users.values().filter(|user| user.is_on).map(|user| user.upn.clone()).collect();
        names.sort();
        names
    }
}

const GH: &str = r#"printf '%s\n' "$*" >>gh.log
case "$*" in
    *--jq*) [ ! -e comment ] || cat comment ;;
    *POST*) echo 4711 >comment ;;
esac
"#;

impl Machine<'_> {
    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Runs a block as the pipeline would, with what the file and the runner say.
    fn play(&self, block: &Block, runner: &[(&str, &str)]) -> Ran {
        let own = self.folder.path().to_str().expect("UTF-8");
        let known = |name: &str| match name {
            "Agent.TempDirectory" | "CI_PROJECT_DIR" => Some(own.to_owned()),
            name => self.project.settings.get(name).cloned(),
        };
        let mut command = Command::new("bash");
        let path = std::env::var("PATH").expect("a path");
        let bin = self.project.folder.path().join("bin");
        command
            .args(["--noprofile", "--norc", "-c", &block.shell])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("CI", "true")
            .env("AZURE_AUTHORITY_HOST", &self.project.authority.url)
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("GITHUB_STEP_SUMMARY", self.path("summary.md"))
            .envs(runner.iter().copied());
        for (name, value) in &block.environment {
            command.env(name, replaced(value, &known));
        }
        let output = command.output().expect("bash runs");
        Ran::from(block.shell.clone(), &output)
    }

    /// What advaudit or the block wrote down under that name.
    #[track_caller]
    fn output(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path("output")).expect("outputs");
        let last = text.lines().rev().find_map(|line| line.strip_prefix(&format!("{name}=")));
        last.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
    }

    fn receives(&self, from: &Machine<'_>, file: &str) {
        std::fs::copy(from.path(file), self.path(file)).expect("handed over");
    }
}

/// A value of a file with the settings in the places that name them: `${{ name }}`, `$(name)`, `$NAME`.
#[track_caller]
fn replaced(value: &str, known: &impl Fn(&str) -> Option<String>) -> String {
    let Some(at) = value.find('$') else { return value.to_owned() };
    let rest = &value[at..];
    let (name, end) = if let Some(own) = rest.strip_prefix("${{") {
        let end = own.find("}}").expect("an end");
        (own[..end].trim(), end + 5)
    } else if let Some(own) = rest.strip_prefix("$(") {
        let end = own.find(')').expect("an end");
        (&own[..end], end + 3)
    } else {
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let end = rest[1..].find(|sign| !is_name(sign)).map_or(rest.len(), |end| end + 1);
        (&rest[1..end], end)
    };
    let setting = known(name).unwrap_or_else(|| panic!("nobody set `{name}` of `{value}`"));
    format!("{}{setting}{}", &value[..at], replaced(&rest[end..], known))
}

fn read(file: &str) -> Value {
    let text = std::fs::read_to_string(repository("examples/ci").join(file)).expect("a pipeline");
    serde_yaml::from_str(&text).expect("YAML")
}

fn texts(value: &Value) -> Texts {
    let own = value.as_object().into_iter().flatten();
    own.map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// A step of a workflow of GitHub, with the environments of workflow, job and step.
fn github(file: &str, job: &str, step: &str) -> Block {
    let workflow = read(&format!("github/{file}"));
    let job = &workflow["jobs"][job];
    let steps = job["steps"].as_array().expect("steps");
    let own =
        steps.iter().find(|own| own["name"] == step).unwrap_or_else(|| panic!("no step {step} in {file}"));
    let mut environment = texts(&workflow["env"]);
    environment.extend(texts(&job["env"]));
    environment.extend(texts(&own["env"]));
    // As GitHub runs a block without a `shell`.
    Block { shell: format!("set -e\n{}", own["run"].as_str().expect("a shell block")), environment }
}

/// The block of a task AzureCLI@2 with that name; there it does not stop at a failure.
fn azure(display_name: &str) -> Block {
    fn find<'a>(node: &'a Value, name: &str) -> Option<&'a Value> {
        match node {
            Value::Object(own)
                if own.get("inputs").is_some() && own.get("displayName") == Some(&name.into()) =>
            {
                Some(node)
            }
            Value::Object(own) => own.values().find_map(|node| find(node, name)),
            Value::Array(own) => own.iter().find_map(|node| find(node, name)),
            _ => None,
        }
    }
    let pipeline = read("azure-pipelines.yml");
    let task = find(&pipeline, display_name).unwrap_or_else(|| panic!("no task {display_name}"));
    let shell = task["inputs"]["inlineScript"].as_str().expect("a shell block").to_owned();
    Block { shell, environment: texts(&task["env"]) }
}

/// A job of GitLab, with what it extends.
fn gitlab(job: &str) -> Block {
    let pipeline = read("gitlab-ci.yml");
    let mut chain = vec![&pipeline[job]];
    while let Some(parent) = chain.last().and_then(|own| own["extends"].as_str()) {
        chain.push(&pipeline[parent]);
    }
    let mut environment = texts(&pipeline["variables"]);
    chain.iter().rev().for_each(|own| environment.extend(texts(&own["variables"])));
    let lines = |key: &str| {
        let own = chain.iter().find_map(|own| own[key].as_array()).expect("shell blocks");
        own.iter().map(|line| line.as_str().expect("a shell block").to_owned() + "\n").collect::<String>()
    };
    Block { shell: format!("set -eo pipefail\n{}{}", lines("before_script"), lines("script")), environment }
}

const BOTH: [&str; 2] = ["adele@contoso.com", "megan@contoso.com"];

#[test]
fn github_plans_comments_applies_comes_back_and_looks_for_drift() {
    let mut project = Project::new(&[
        ("vars.AZURE_TENANT_ID", TENANT_ID),
        ("vars.ADVAUDIT_PLAN_CLIENT_ID", CLIENT),
        ("vars.ADVAUDIT_APPLY_CLIENT_ID", CLIENT),
        ("vars.AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("github.token", "of-the-job"),
        ("github.event.pull_request.number", "17"),
    ]);
    project.settings.insert("vars.ADVAUDIT_STATE".to_owned(), project.state());
    let url = format!("{}/github?api-version=2", project.authority.url);
    let runner = [
        ("GITHUB_REPOSITORY", "contoso/licenses"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER),
    ];

    // Two pushes to a pull request: one comment, kept up to date.
    for _ in 0..2 {
        let pull_request = project.machine();
        for step in ["check", "plan", "comment"] {
            pull_request.play(&github("plan.yml", "plan", step), &runner).exits(0);
        }
        let marker = format!("<!-- advaudit:plan tenant={TENANT_ID} -->\n");
        let comment = std::fs::read_to_string(pull_request.path("plan.md")).expect("a comment");
        assert!(comment.starts_with(&marker) && comment.contains("megan@contoso.com"), "{comment}");
        let sarif: Value =
            serde_json::from_slice(&std::fs::read(pull_request.path("plan.sarif")).expect("SARIF"))
                .expect("JSON");
        assert_eq!(sarif["version"], "2.1.0");
        project.settings.insert("steps.plan.outputs.verdict".to_owned(), pull_request.output("verdict"));
        let pull_request = project.machine();
        pull_request
            .play(&github("plan.yml", "plan", "verdict"), &runner)
            .exits(0)
            .shows("merging this changes licenses");
    }
    let log = std::fs::read_to_string(project.folder.path().join("gh.log")).expect("calls");
    let calls: Vec<&str> = log.lines().filter(|line| !line.contains("--jq")).collect();
    assert_eq!(
        calls,
        [
            "api --silent --method POST repos/contoso/licenses/issues/17/comments --field body=@plan.md",
            "api --silent --method PATCH repos/contoso/licenses/issues/comments/4711 --field body=@plan.md",
        ]
    );

    // The merge.
    let plan = project.machine();
    plan.play(&github("apply.yml", "plan", "plan"), &runner).exits(0);
    assert_eq!(plan.output("has_changes"), "true");
    let apply = project.machine();
    apply.receives(&plan, "plan.json");
    apply.play(&github("apply.yml", "apply", "apply"), &runner).exits(0).shows("::notice::pending");
    assert_ne!(apply.output("resume_after"), "");
    assert_eq!(project.on(), ["adele@contoso.com"]);

    // The hour. Too early, the net catches nobody and says so.
    project.machine().play(&github("drift.yml", "heal", "heal"), &runner).exits(0).shows("not due yet");
    project.an_hour_later();
    let finish = project.machine();
    finish.receives(&plan, "plan.json");
    finish.play(&github("apply.yml", "finish", "finish"), &runner).exits(0);
    assert_eq!(project.on(), BOTH);

    // From then on.
    project.machine().play(&github("drift.yml", "heal", "heal"), &runner).exits(0);
    let drift = project.machine();
    drift.play(&github("drift.yml", "drift", "plan"), &runner).exits(0);
    assert_eq!(drift.output("verdict"), "0");
}

#[test]
fn azure_pipelines_carries_a_digest_from_stage_to_stage() {
    let mut project = Project::new(&[("storageAccount", "account"), ("System.AccessToken", BEARER)]);
    project.settings.insert("state".to_owned(), project.state());
    let url = format!("{}/pipelines?api-version=7.1", project.authority.url);
    let runner = [
        ("BUILD_REASON", "IndividualCI"),
        ("SYSTEM_OIDCREQUESTURI", url.as_str()),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "the-connection"),
        ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT_ID),
    ];
    let on = |machine: &Machine<'_>, name: &str| machine.play(&azure(name), &runner);
    let set = |ran: &Ran, name: &str| {
        let begin = format!("##vso[task.setvariable variable={name};isOutput=true]");
        let value = ran.stdout.lines().rev().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned);
        value.unwrap_or_else(|| panic!("no {name}\n{}", ran.told()))
    };

    let plan = on(&project.machine(), "plan").exits(0).shows("##vso[task.uploadsummary]");
    assert_eq!(set(&plan, "has_changes"), "true");
    project.settings.insert("digest".to_owned(), set(&plan, "plan_sha256"));

    let apply = on(&project.machine(), "apply").exits(0).shows("pending: people are off");
    assert_ne!(set(&apply, "resume_after"), "");
    assert_eq!(project.on(), ["adele@contoso.com"]);

    on(&project.machine(), "heal").exits(0).shows("not due yet");
    project.an_hour_later();
    on(&project.machine(), "turn on who is due").exits(0);
    assert_eq!(project.on(), BOTH);
    on(&project.machine(), "plan").exits(0);
}

#[test]
fn gitlab_reports_counts_and_comes_back() {
    let mut project =
        Project::new(&[("ADVAUDIT_PLAN_CLIENT_ID", CLIENT), ("ADVAUDIT_APPLY_CLIENT_ID", CLIENT)]);
    let state = project.state();
    project.settings.insert("ADVAUDIT_STATE".to_owned(), state.clone());
    // Settings of the project are in the environment of each of its jobs.
    let runner = [
        ("AZURE_TENANT_ID", TENANT_ID),
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("ADVAUDIT_STATE", state.as_str()),
        ("AZURE_ID_TOKEN", ID_TOKEN),
    ];

    let plan = project.machine();
    plan.play(&gitlab("plan"), &runner).exits(0).shows("changes: the merge request shows how many");
    let counts: Value =
        serde_json::from_slice(&std::fs::read(plan.path("plan.gitlab.json")).expect("a report"))
            .expect("JSON");
    assert_eq!(counts, serde_json::json!({"create": 1, "update": 1, "delete": 0}));
    assert!(plan.path("plan.junit.xml").is_file() && plan.path("plan.md").is_file());

    let apply = project.machine();
    apply.receives(&plan, "plan.json");
    apply.play(&gitlab("apply"), &runner).exits(4);
    let report = std::fs::read_to_string(apply.path("advaudit.env")).expect("a report");
    assert!(report.contains("exit_code=4\n") && report.contains("resume_after=20"), "{report}");
    assert_eq!(project.on(), ["adele@contoso.com"]);

    project.machine().play(&gitlab("heal"), &runner).exits(4);
    project.an_hour_later();
    let finish = project.machine();
    finish.receives(&plan, "plan.json");
    finish.play(&gitlab("finish"), &runner).exits(0);
    assert_eq!(project.on(), BOTH);
    project.machine().play(&gitlab("drift"), &runner).exits(0);
}

/// Whoever adds a block that calls advaudit plays it above, and names it here.
#[test]
fn every_block_that_calls_advaudit_is_played() {
    fn calls(shell: &Value) -> bool {
        let is_call = |text: &str| text.lines().any(|line| line.trim_start().starts_with("advaudit "));
        shell.as_str().is_some_and(is_call) || shell.as_array().is_some_and(|own| own.iter().any(calls))
    }
    fn callers(node: &Value, name: &str, found: &mut Vec<String>) {
        let parts: Vec<(&str, &Value)> = match node {
            Value::Object(own) => own.iter().map(|(key, value)| (key.as_str(), value)).collect(),
            Value::Array(own) => own.iter().map(|value| (name, value)).collect(),
            _ => return,
        };
        let named = ["displayName", "name"].iter().find_map(|key| node.get(key)?.as_str());
        for (key, value) in parts {
            match key {
                "run" | "bash" | "inlineScript" | "script" if calls(value) => {
                    found.push(named.unwrap_or(name).to_owned());
                }
                "inputs" => callers(value, named.unwrap_or(name), found),
                key => callers(value, key, found),
            }
        }
    }
    let of = |file: &str| {
        let mut found = Vec::new();
        callers(&read(file), "", &mut found);
        found.sort();
        found
    };
    assert_eq!(of("github/plan.yml"), ["check", "plan"]);
    assert_eq!(of("github/apply.yml"), ["apply", "finish", "plan"]);
    assert_eq!(of("github/drift.yml"), ["heal", "plan"]);
    assert_eq!(of("azure-pipelines.yml"), ["apply", "check", "heal", "plan", "turn on who is due"]);
    assert_eq!(of("gitlab-ci.yml"), ["apply", "drift", "finish", "heal", "plan"]);
}
