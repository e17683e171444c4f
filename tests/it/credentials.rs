//! Signing in, as a pipeline meets it: the real binary, a login authority on loopback and a Graph that
//! takes its tokens only. Real sockets, hence real time.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::common::authority::{Authority, BEARER, CERTIFICATE, CLIENT, SECRET, Shows};
use super::common::served::{Running, until};
use super::common::site::{MANIFEST, T, TENANT, TENANT_ID};
use super::common::{Ran, advaudit, repository};

/// b is turned on, a is toggled.
const PEOPLE: &str = "\
users:
  - {upn: a@contoso.com, licenses: [SPE_E5]}
  - {upn: b@contoso.com, licenses: [{license: SPE_E5, off: [M365_ADVANCED_AUDITING]}]}
";

struct Place {
    authority: Authority,
    folder: TempDir,
    /// What the environment says.
    environment: Vec<(&'static str, String)>,
}

impl Place {
    fn new(shows: Shows, wait: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let tenant = folder.path().join("tenant.yaml");
        std::fs::write(&tenant, format!("{TENANT}{PEOPLE}")).expect("written");
        let manifest = format!(
            "{MANIFEST}toggle: {{wait: {wait}}}\nusers:\n  - b@contoso.com\n  - {{user: a@contoso.com, \
             toggleIfEnabledBefore: {T}}}\n"
        );
        std::fs::write(folder.path().join("manifest.yaml"), manifest).expect("written");
        let authority = Authority::start(&tenant, shows);
        let mut environment = vec![
            ("AZURE_TENANT_ID", TENANT_ID.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT.to_owned()),
            ("AZURE_AUTHORITY_HOST", authority.url.clone()),
        ];
        match shows {
            Shows::Secret => environment.push(("AZURE_CLIENT_SECRET", SECRET.to_owned())),
            Shows::Certificate => {
                let path = repository(CERTIFICATE).to_str().expect("UTF-8").to_owned();
                environment.push(("AZURE_CLIENT_CERTIFICATE_PATH", path));
            }
            Shows::Federated => {}
        }
        Place { authority, folder, environment }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Place {
        self.environment.retain(|(own, _)| *own != name);
        self.environment.push((name, value.into()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, command: &str) -> Command {
        let manifest = self.path("manifest.yaml");
        let text = command.replace("MANIFEST", manifest.to_str().expect("UTF-8"));
        let state = self.path("state");
        let mut args: Vec<&str> = text.split(' ').collect();
        args.extend(["--graph-url", &self.authority.url, "--state", state.to_str().expect("UTF-8")]);
        let mut command = advaudit(&args);
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Runs a command; whatever it wrote holds no secret.
    #[track_caller]
    fn run(&self, command: &str) -> Ran {
        let ran = Ran::of(&mut self.command(command));
        self.is_silent(&ran);
        ran
    }

    /// What a run wrote, on both streams and in its folder, holds no secret.
    #[track_caller]
    fn is_silent(&self, ran: &Ran) {
        let secrets = self.authority.secrets();
        let mut texts = vec![("its output".to_owned(), ran.told())];
        files(&self.path("state"), &mut texts);
        for (what, text) in &texts {
            for secret in &secrets {
                assert!(!text.contains(secret), "{what} holds {secret}:\n{text}");
                let encoded =
                    secret.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D").replace('~', "%7E");
                assert!(!text.contains(&encoded), "{what} holds {encoded}:\n{text}");
            }
        }
    }

    /// Nothing happened that must not.
    #[track_caller]
    fn is_clean(&self) {
        let wrongs = self.authority.world().wrongs.clone();
        assert!(wrongs.is_empty(), "{wrongs:#?}");
    }

    fn asked(&self) -> usize {
        self.authority.world().asked.len()
    }

    fn journal(&self) -> String {
        std::fs::read_to_string(self.path("state").join(TENANT_ID).join("journal.jsonl")).unwrap_or_default()
    }
}

fn files(folder: &Path, texts: &mut Vec<(String, String)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files(&path, texts);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

#[test]
fn a_secret_signs_in_and_one_token_serves_a_whole_run() {
    let place = Place::new(Shows::Secret, "1s");
    let signed_in = format!("signed in as application {CLIENT} of tenant {TENANT_ID} by client secret\n");
    place.run("plan MANIFEST -v").exits(0).shows("1 to enable, 1 to toggle").complains(&signed_in);
    assert_eq!(place.asked(), 1);
    let ran = place.run("apply MANIFEST --auto-approve -v").exits(0).shows("1 enabled, 1 toggled");
    ran.holds("said once", place.asked() == 2);
    let quiet = place.run("plan MANIFEST -q").exits(0);
    assert!(!quiet.stderr.contains("signed in"), "{}", quiet.told());
    place.is_clean();
}

#[test]
fn a_certificate_signs_in_by_a_statement_of_its_own() {
    let place = Place::new(Shows::Certificate, "1s");
    place.run("plan MANIFEST").exits(0).complains("by the certificate in");
    place.run("plan MANIFEST --auth client-certificate").exits(0);
    let world = place.authority.world();
    let shown: Vec<&String> = world.asked.iter().filter_map(|form| form.get("client_assertion")).collect();
    assert!(shown.len() == 2 && shown[0] != shown[1], "{shown:?}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_with_the_way_out_and_nobody_is_asked() {
    let place = Place::new(Shows::Certificate, "1s");
    let encrypted = repository("tests/it/keys/app.encrypted.pem");
    let place = place.with("AZURE_CLIENT_CERTIFICATE_PATH", encrypted.to_str().expect("UTF-8"));
    let place = place.with("AZURE_CLIENT_CERTIFICATE_PASSWORD", "secret");
    place.run("plan MANIFEST").exits(7).complains("openssl rsa").complains("app.encrypted.pem");
    let place = place.with("AZURE_CLIENT_CERTIFICATE_PATH", "/no/such.pem");
    place.run("plan MANIFEST").exits(7).complains("/no/such.pem cannot be read");
    assert_eq!(place.asked(), 0);
}

#[test]
fn a_token_file_is_read_anew_for_every_token_and_its_line_break_is_not_sent() {
    let place = Place::new(Shows::Federated, "4s");
    let file = place.path("federated");
    let place = place.with("AZURE_FEDERATED_TOKEN_FILE", file.to_str().expect("UTF-8"));
    let put = |name: &str| {
        let token = format!("eyJhbGciOiJSUzI1NiJ9.a-federated-token-{name}.c2lnbmF0dXJl");
        std::fs::write(&file, format!("{token}\n")).expect("written");
        place.authority.world().trusted = vec![token];
    };
    put("first");
    place.authority.world().life = 3;
    let run = Running::start(place.command("apply MANIFEST --auto-approve"));
    until("a is off", || place.journal().contains("off_done"));
    put("second");
    let ran = run.end().exits(0).complains("by the token in");
    place.is_silent(&ran);
    assert!(place.asked() >= 2);
    place.is_clean();
    // Whom the token is about is told when it does not fit.
    std::fs::write(&file, "e30.eyJpc3MiOiJodHRwczovL2kiLCJzdWIiOiJteS1zdWJqZWN0IiwiYXVkIjoieCJ9.c2ln")
        .expect("written");
    place.run("plan MANIFEST").exits(7).complains("AADSTS700213").complains("subject `my-subject`");
}

#[test]
fn github_mints_an_assertion_for_every_token() {
    let place = Place::new(Shows::Federated, "4s");
    let url = format!("{}/github?api-version=2.0", place.authority.url);
    let place = place.with("ACTIONS_ID_TOKEN_REQUEST_URL", url);
    let place = place.with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER);
    place.authority.world().life = 3;
    place.run("apply MANIFEST --auto-approve").exits(0).complains("by the id token of this GitHub job");
    let (asked, minted) = (place.asked(), place.authority.world().minted);
    assert!(asked >= 2 && asked == minted, "{asked} requests, {minted} assertions");
    place.is_clean();
    let place = place.with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another-bearer");
    place.run("plan MANIFEST").exits(7).complains("id-token: write");
}

#[test]
fn azure_pipelines_shows_its_service_connection() {
    let place = Place::new(Shows::Federated, "1s");
    let uri = format!("{}/pipelines", place.authority.url);
    let place = place.with("SYSTEM_OIDCREQUESTURI", uri);
    let place = place.with("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "the-connection");
    place.run("plan MANIFEST").exits(7).complains("SYSTEM_ACCESSTOKEN is not set");
    let place = place.with("SYSTEM_ACCESSTOKEN", BEARER);
    place.run("plan MANIFEST").exits(0).complains("by service connection the-connection");
    place.is_clean();
}

#[test]
fn tokens_that_live_for_seconds_are_renewed_in_time_through_a_whole_run() {
    let place = Place::new(Shows::Secret, "9s");
    place.authority.world().life = 4;
    place.run("apply MANIFEST --auto-approve").exits(0).shows("1 enabled, 1 toggled");
    let (asked, answered) = (place.asked(), place.authority.world().answered);
    assert!(asked >= 2 && asked < answered, "{asked} tokens for {answered} answers");
    place.is_clean();
}

#[test]
fn a_401_now_and_then_is_answered_with_another_token() {
    let place = Place::new(Shows::Secret, "1s");
    place.authority.world().refusals = 1;
    place.run("plan MANIFEST").exits(0);
    assert_eq!(place.asked(), 2);
    place.authority.world().refusals = 1;
    place.run("apply MANIFEST --auto-approve").exits(0);
    place.is_clean();
}

#[test]
fn code_7_when_every_token_is_refused() {
    let place = Place::new(Shows::Secret, "1s");
    place.authority.world().refusals = 99;
    place.run("plan MANIFEST").exits(7).complains("401 InvalidAuthenticationToken");
    assert_eq!(place.asked(), 2, "asked once more, and not again");
    place.is_clean();
}

#[test]
fn code_7_tokens_are_refused_in_the_middle_and_who_is_off_is_in_the_journal() {
    let place = Place::new(Shows::Secret, "4s");
    let run = Running::start(place.command("apply MANIFEST --auto-approve"));
    until("a is seen to be off", || place.journal().contains("off_verified"));
    place.authority.world().refusals = 99;
    let ran = run.end().exits(7).complains("advaudit heal");
    place.is_silent(&ran);
    place.authority.world().refusals = 0;
    place.run("heal").exits(0).shows("1 resumed");
    place.is_clean();
}

#[test]
fn an_authority_in_trouble_in_the_middle_leaves_nobody_off() {
    let place = Place::new(Shows::Secret, "5s");
    place.authority.world().life = 3;
    let run = Running::start(place.command("apply MANIFEST --auto-approve"));
    until("a is seen to be off", || place.journal().contains("off_verified"));
    let busy = || (503, "text/html", "<html>busy</html>".to_owned());
    place.authority.world().instead = (0..3).map(|_| busy()).collect();
    let ran = run.end().exits(0).shows("1 toggled").complains("the request for an access token: status 503");
    place.is_silent(&ran);
    assert!(place.authority.world().instead.is_empty());
    place.is_clean();
}

#[test]
fn a_claims_challenge_is_answered_with_a_token_that_brings_them() {
    let place = Place::new(Shows::Secret, "1s");
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1763805600"}}}"#;
    {
        let mut world = place.authority.world();
        (world.refusals, world.challenge) = (1, Some(claims.to_owned()));
    }
    place.run("plan MANIFEST").exits(0);
    let world = place.authority.world();
    assert_eq!(world.asked.len(), 2);
    assert_eq!((world.asked[0].get("claims"), &world.challenge), (None, &None));
}

#[test]
fn code_7_a_wrong_secret_is_told_with_its_hint_and_not_shown() {
    let place = Place::new(Shows::Secret, "1s").with("AZURE_CLIENT_SECRET", "wr0ng~secret/+=of.mine");
    // The authority repeats the whole form.
    let ran = place.run("plan MANIFEST -v").exits(7).complains("AADSTS7000215").complains("not its id");
    let ran = ran.complains("request id 0a0b");
    assert!(!ran.told().contains("wr0ng") && !ran.told().contains("of.mine"), "{}", ran.told());
    assert_eq!(place.asked(), 1, "a refusal is not asked for twice");
    let unknown = place.with("AZURE_CLIENT_ID", "22222222-0000-4000-8000-000000000002");
    unknown.run("plan MANIFEST").exits(7).complains("AADSTS700016").complains("--cloud");
}

#[test]
fn an_authority_that_is_none_is_told_and_nothing_is_followed() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = Place::new(Shows::Secret, "1s");
    let target = format!("http://{}/token", elsewhere.local_addr().expect("an address"));
    place.authority.world().instead = [(307, "redirect", target)].into();
    place.run("plan MANIFEST").exits(1).complains("redirect, which is not followed");
    elsewhere.set_nonblocking(true).expect("a socket");
    assert!(elsewhere.accept().is_err(), "somebody went there");
    place.authority.world().instead = [(403, "text/html", "<html>proxy</html>".to_owned())].into();
    let ran = place.run("plan MANIFEST").exits(1).complains("text/html").complains("proxy in between");
    assert!(!ran.stderr.contains("<html>"), "{}", ran.told());
    let page = || (200, "text/html", "<html>sign in to this airport</html>".to_owned());
    place.authority.world().instead = [page(), (503, "text/plain", String::new())].into();
    place.run("plan MANIFEST").exits(0).complains("status 200").complains("status 503");
    let long = (200, "application/json", " ".repeat(2 << 20));
    place.authority.world().instead = [long].into();
    place.run("plan MANIFEST").exits(0).complains("asking again");
}

#[test]
fn a_bad_authority_is_a_usage_error() {
    for bad in
        ["http://login.example", "https://me:hunter2@login.example", "https://login.example/contoso", "x y"]
    {
        let place = Place::new(Shows::Secret, "1s").with("AZURE_AUTHORITY_HOST", bad);
        let ran = place.run("plan MANIFEST").exits(64).complains("AZURE_AUTHORITY_HOST");
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.told());
    }
}

#[test]
fn half_an_environment_says_what_is_missing_and_asks_nobody() {
    let place = Place::new(Shows::Secret, "1s").with("AZURE_TENANT_ID", "");
    place.run("plan MANIFEST").exits(7).complains("AZURE_TENANT_ID is not set");
    place.run("plan MANIFEST --auth certificate").exits(7).complains("AZURE_CLIENT_CERTIFICATE_PATH");
    assert_eq!(place.asked(), 0);
    place.run("plan MANIFEST --auth magic").exits(64).complains("workload-identity");
}

#[test]
fn a_cloud_and_a_root_go_together_and_two_clouds_do_not() {
    let place = Place::new(Shows::Secret, "1s");
    // The scope is the cloud's, which this authority does not know.
    place.run("plan MANIFEST --cloud usgov").exits(7).complains("https://graph.microsoft.us/.default");
    let mut command = advaudit(&[
        "plan",
        "examples/ticked/manifest.yaml",
        "--cloud",
        "china",
        "--graph-url",
        "https://graph.microsoft.us",
    ]);
    Ran::of(&mut command).exits(64).complains("the Graph of usgov");
}

#[cfg(unix)]
#[test]
fn the_azure_cli_is_asked_where_it_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(Shows::Secret, "1s");
    let bin = place.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    let az = |script: &str| {
        let path = bin.join("az");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    };
    let run = |place: &Place, command: &str| {
        let mut command = place.command(command);
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let ran = Ran::of(command.env("PATH", path));
        place.is_silent(&ran);
        ran
    };
    az("echo 'ERROR: Please run az login to setup account.' >&2; exit 1");
    run(&place, "plan MANIFEST --auth az").exits(7).complains("Please run az login");
    // A token of the authority, by way of a file that only this az knows.
    place.run("plan MANIFEST").exits(0);
    let token = place.authority.secrets().into_iter().find(|one| one.contains("a-token")).expect("given");
    let answer =
        format!("{{\"accessToken\":\"{token}\",\"expires_on\":4102444800,\"tokenType\":\"Bearer\"}}");
    std::fs::write(bin.join("answer"), answer).expect("written");
    az(&format!(
        "[ \"$*\" = 'account get-access-token -o json --scope https://graph.microsoft.com/.default --tenant {TENANT_ID}' ] || exit 9; cat {}/answer",
        bin.display()
    ));
    run(&place, "plan MANIFEST --auth az").exits(0).complains("signed in as the Azure CLI is");
    // It gives the same token again, whatever Graph says of it.
    place.authority.world().refusals = 1;
    run(&place, "plan MANIFEST --auth az").exits(7).complains("the Azure CLI gives the token again");
    assert_eq!(place.asked(), 1);
}

#[test]
fn a_managed_identity_of_an_app_is_asked_on_its_own_endpoint() {
    // The authority plays the endpoint badly: it refuses, and that is final.
    let place = Place::new(Shows::Secret, "1s").with("AZURE_CLIENT_SECRET", "");
    let endpoint = format!("{}/msi/token", place.authority.url);
    let place = place.with("IDENTITY_ENDPOINT", endpoint).with("IDENTITY_HEADER", BEARER);
    place.run("plan MANIFEST").exits(7).complains("is an identity assigned");
    assert_eq!(place.asked(), 0, "and no other identity is tried");
}

/// Answers each TLS connection with an error of Graph's; how many there were is not counted.
fn behind_tls() -> String {
    use std::io::{Read, Write};
    use std::sync::Arc;
    let pem = |name: &str| std::fs::read(repository(&format!("tests/it/keys/{name}"))).expect("a file");
    use rustls::pki_types::pem::PemObject;
    let chain = rustls::pki_types::CertificateDer::pem_slice_iter(&pem("server.crt"))
        .collect::<Result<Vec<_>, _>>()
        .expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&pem("server.key")).expect("a key");
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let config = Arc::new(config.expect("a configuration"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let Ok(mut connection) = rustls::ServerConnection::new(config.clone()) else { continue };
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut buffer = [0; 8192];
            if tls.read(&mut buffer).is_err() {
                continue;
            }
            let body = "{\"error\":{\"code\":\"BehindTls\",\"message\":\"seen\"}}";
            let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close";
            _ = tls.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
            tls.conn.send_close_notify();
            _ = tls.flush();
        }
    });
    url
}

#[test]
fn an_authority_of_ssl_cert_file_is_believed_and_no_other() {
    let url = behind_tls();
    let folder = tempfile::tempdir().expect("a folder");
    let run = |file: Option<&str>| {
        let state = folder.path().join("state");
        let state = state.to_str().expect("UTF-8");
        let mut command =
            advaudit(&["plan", "examples/ticked/manifest.yaml", "--graph-url", &url, "--state", state]);
        command.env("ADVAUDIT_ACCESS_TOKEN", "a-ready-made-token");
        if let Some(file) = file {
            command.env("SSL_CERT_FILE", file);
        }
        Ran::of(&mut command)
    };
    run(Some("tests/it/keys/ca.pem")).exits(7).complains("BehindTls");
    run(Some("tests/it/keys/app.pem")).exits(1).complains("UnknownIssuer");
    run(Some("/no/such/file.pem")).exits(1).complains("SSL_CERT_FILE").complains("/no/such/file.pem");
    run(Some("README.md")).exits(1).complains("README.md holds no certificate");
}
