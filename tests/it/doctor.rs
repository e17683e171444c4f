//! `doctor`: what it sees of the way to Graph, of the permissions of a token, and of the state; and the
//! words that a 403 comes with.

use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::served::{Running, Served, on};
use super::common::site::Site;
use super::common::{Ran, advaudit, token};

const TENANT: &str = "tenant: {id: 8a9b0c1d-0000-4000-8000-0000000000aa, domain: contoso.onmicrosoft.com}\n\
                      licenses: [SPE_E5]\nusers: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n\
                      groups: [{name: E5 Legal, licenses: [SPE_E5]}]\n";
const READS: [&str; 3] = ["User.Read.All", "GroupMember.Read.All", "Organization.Read.All"];

/// A tenant that is served, and a state for it.
struct Ward {
    served: Served,
    folder: TempDir,
}

impl Ward {
    fn new() -> Ward {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tenant.yaml");
        std::fs::write(&file, TENANT).unwrap();
        Ward { served: Served::start(&file), folder }
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// Asks the doctor with a token that carries these permissions.
    fn doctor(&self, roles: &[&str], rest: &str) -> Ran {
        let line = format!("doctor {rest}");
        let mut command = on(&self.served.url, &self.state(), line.trim());
        Ran::of(command.env("ADVAUDIT_ACCESS_TOKEN", token(roles)))
    }
}

/// A token of the tenant with these permissions; the sandbox takes any.
fn token(roles: &[&str]) -> String {
    token::token("8a9b0c1d-0000-4000-8000-0000000000aa", roles)
}

fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let all = document["checks"].as_array().expect("checks");
    all.iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no check {name} in {document:#}"))
}

#[test]
fn with_everything_granted_nothing_is_in_the_way() {
    let ward = Ward::new();
    let all = [&READS[..], &["LicenseAssignment.ReadWrite.All"]].concat();
    ward.doctor(&all, "").exits(0).shows("contoso-audit").shows("Everything is as it should be.");
    let document = ward.doctor(&all, "--json").exits(0).json();
    assert_eq!(
        (&document["ok"], &document["identity"]["permissions"][1]),
        (&json!(true), &json!("LicenseAssignment.ReadWrite.All"))
    );
    for name in ["cloud", "dns", "tls", "clock", "token", "tenant", "permissions", "state", "lease", "quota"]
    {
        assert_eq!(check(&document, name)["status"], "ok", "{name}");
    }
    assert!(document["permissions"].as_array().unwrap().iter().all(|one| one["granted"] == true));
    assert!(!document.to_string().contains(&token(&all)));
}

#[test]
fn a_plan_identity_lacks_the_writes_of_apply_and_nothing_for_plan() {
    let ward = Ward::new();
    ward.doctor(&READS, "")
        .exits(7)
        .shows("missing: LicenseAssignment.ReadWrite.All for apply, heal (POST")
        .shows("grant LicenseAssignment.ReadWrite.All to application contoso-audit");
    ward.doctor(&READS, "--for plan").exits(0).shows("Everything is as it should be.");
}

#[test]
fn an_opaque_token_says_nothing_of_writes_and_that_is_said() {
    let ward = Ward::new();
    let ran = Ran::of(&mut on(&ward.served.url, &ward.state(), "doctor"));
    ran.exits(0).shows("warning").shows("the token does not say whether it may");
}

#[test]
fn nobody_there_and_no_credentials_are_different_things() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let state = tempfile::tempdir().unwrap();
    let ran = Ran::of(&mut on(&url, state.path(), "doctor --json")).exits(1);
    assert_eq!(check(&ran.json(), "tls")["status"], "failed");
    assert!(check(&ran.json(), "tls")["remedy"].as_str().unwrap().contains("--graph-url"));
    let mut command = on(&url, state.path(), "doctor --auth secret");
    let ran = Ran::of(command.env_remove("ADVAUDIT_ACCESS_TOKEN")).exits(7);
    ran.shows("AZURE_TENANT_ID");
}

#[test]
fn a_token_of_another_tenant_is_told() {
    let ward = Ward::new();
    let other = token::token("99999999-0000-4000-8000-000000000009", &READS);
    let mut command = on(&ward.served.url, &ward.state(), "doctor --for plan");
    let ran = Ran::of(command.env("ADVAUDIT_ACCESS_TOKEN", other));
    ran.exits(1)
        .shows("the token is of tenant 99999999-0000-4000-8000-000000000009")
        .shows("AZURE_TENANT_ID");
}

#[test]
fn a_state_that_cannot_be_used_and_a_lease_that_is_held_are_told() {
    let ward = Ward::new();
    std::fs::write(ward.state(), "no folder").unwrap();
    ward.doctor(&READS, "--for plan").exits(1).shows("failed   state").shows("--state has to name a place");
    std::fs::remove_file(ward.state()).unwrap();

    let manifest = ward.folder.path().join("manifest.yaml");
    let text = "apiVersion: advaudit/v1\ntenant: contoso.onmicrosoft.com\nusers:\n  - {user: a@contoso.com, toggleIfEnabledBefore: 2026-11-20T00:00:00Z}\n";
    std::fs::write(&manifest, text).unwrap();
    let path: &Path = &manifest;
    let mut run = Running::start(on(
        &ward.served.url,
        &ward.state(),
        &format!("apply {} --auto-approve", path.display()),
    ));
    while !ward.doctor(&READS, "--for plan").stdout.contains("works on this tenant now") {
        assert!(!run.has_ended(), "the run waits for an hour");
    }
    let ran = ward.doctor(&READS, "--for plan --json").exits(0);
    assert_eq!(check(&ran.json(), "lease")["status"], "warning");
    run.kill();
}

#[test]
fn the_sandbox_has_a_doctor_too() {
    let site =
        Site::new("users:\n  - a@contoso.com\n", "users: [{upn: a@contoso.com, licenses: [SPE_E5]}]\n");
    site.run("doctor").exits(0).shows("the tenant is simulated in this process");
}

#[test]
fn what_a_cloud_lacks_is_said_before_it_is_missed() {
    let state = tempfile::tempdir().unwrap();
    let mut command = advaudit(&[
        "doctor",
        "--cloud",
        "china",
        "--auth",
        "secret",
        "--state",
        state.path().to_str().unwrap(),
    ]);
    Ran::of(&mut command).exits(7).shows("no audit log search").shows("microsoftgraph.chinacloudapi.cn");
}

#[test]
fn a_403_says_what_protects_the_subject_or_which_permission_is_missing() {
    let off = "licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]";
    let site = Site::new(
        "users:\n  - a@contoso.com\ngroups: [E5 Legal]\n",
        &format!(
            "users: [{{upn: a@contoso.com, restricted: true, {off}}}]\ngroups: [{{name: E5 Legal, restricted: true, {off}}}]\n"
        ),
    );
    let ran = site.apply().exits(5);
    ran.shows("restricted management administrative unit");
}
