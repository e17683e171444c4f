//! The table of what an environment means.

use super::*;

const APP: &str = "AZURE_TENANT_ID=t AZURE_CLIENT_ID=c";
const SECRET: &str = "AZURE_CLIENT_SECRET=s3cret";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH=/app.pem";
const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE=/token";
const GITHUB: &str = "ACTIONS_ID_TOKEN_REQUEST_URL=https://u ACTIONS_ID_TOKEN_REQUEST_TOKEN=bearer";
const PIPELINES: &str = "SYSTEM_OIDCREQUESTURI=https://u SYSTEM_ACCESSTOKEN=bearer \
                         AZURESUBSCRIPTION_SERVICE_CONNECTION_ID=sc";

fn variables(text: &[&str]) -> Variables {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.iter().flat_map(|part| part.split(' ')).filter_map(pair).collect()
}

/// What was chosen, in a word or two.
fn word(choice: &Choice) -> String {
    match choice {
        Choice::Token(_) => "token".to_owned(),
        Choice::Application(Application { tenant, client, .. }, proof) => {
            let proof = match proof {
                Proof::Secret(_) => "secret".to_owned(),
                Proof::Certificate(path) => format!("certificate {}", path.display()),
                Proof::File(path) => format!("file {}", path.display()),
                Proof::GitHub { url, .. } => format!("github {url}"),
                Proof::Pipelines { connection, .. } => format!("pipelines {connection}"),
            };
            format!("{client}@{tenant} {proof}")
        }
        Choice::ManagedIdentity { client } => format!("machine {}", client.as_deref().unwrap_or("own")),
        Choice::AzureCli { tenant } => format!("cli {}", tenant.as_deref().unwrap_or("own")),
        Choice::Unnamed { tenant } => format!("unnamed {}", tenant.as_deref().unwrap_or("own")),
    }
}

#[track_caller]
fn auto(environment: &[&str]) -> String {
    match choose(None, &variables(environment)) {
        Ok(choice) => word(&choice),
        Err(lacking) => format!("error: {lacking}"),
    }
}

#[test]
fn the_first_that_the_environment_names_is_taken() {
    let all = [APP, SECRET, CERTIFICATE, GITHUB, PIPELINES, FILE, "IDENTITY_ENDPOINT=http://x"];
    let mut environment = vec!["ADVAUDIT_ACCESS_TOKEN=tok"];
    environment.extend(all);
    let expected = [
        "token",
        "c@t secret",
        "c@t certificate /app.pem",
        "c@t github https://u",
        "c@t pipelines sc",
        "c@t file /token",
        "machine c",
    ];
    for (taken, expected) in expected.iter().enumerate() {
        assert_eq!(auto(&environment), *expected);
        // The next one is seen when this one is gone; the application stays.
        environment.remove(usize::from(taken > 0));
    }
    assert_eq!(auto(&[]), "unnamed own");
    assert_eq!(auto(&["AZURE_TENANT_ID=t"]), "unnamed t");
    assert_eq!(auto(&["AZURE_CLIENT_ID=c"]), "machine c");
    assert_eq!(auto(&["MSI_ENDPOINT=http://x"]), "machine own");
}

#[test]
fn half_of_a_way_names_the_other_half_and_is_given_up_for_nothing() {
    let cases: [(&[&str], &[&str]); 7] = [
        (&[SECRET], &["AZURE_TENANT_ID and AZURE_CLIENT_ID are not set", "secret"]),
        (&[SECRET, "AZURE_CLIENT_ID=c"], &["AZURE_TENANT_ID is not set"]),
        (&[SECRET, "AZURE_TENANT_ID=t AZURE_CLIENT_ID="], &["AZURE_CLIENT_ID is not set"]),
        (&[CERTIFICATE, "AZURE_TENANT_ID=t", "IDENTITY_ENDPOINT=http://x"], &["AZURE_CLIENT_ID is not set"]),
        (&[FILE, "AZURE_CLIENT_ID=c"], &["AZURE_TENANT_ID is not set", "workload-identity"]),
        (&[GITHUB, "AZURE_CLIENT_ID=c"], &["AZURE_TENANT_ID is not set", "github"]),
        (&[APP], &["nothing shows", "AZURE_CLIENT_SECRET", "--auth azure-cli"]),
    ];
    for (environment, words) in cases {
        let told = auto(environment);
        assert!(told.starts_with("error: "), "{environment:?}: {told}");
        for word in words {
            assert!(told.contains(word), "{environment:?}: `{word}` is not in: {told}");
        }
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn a_pipeline_names_its_application_in_variables_of_its_own() {
    let own = "AZURESUBSCRIPTION_CLIENT_ID=pc AZURESUBSCRIPTION_TENANT_ID=pt";
    assert_eq!(auto(&[PIPELINES, own]), "pc@pt pipelines sc");
    assert_eq!(auto(&[PIPELINES, own, APP]), "pc@pt pipelines sc");
    let without_token = PIPELINES.replace("SYSTEM_ACCESSTOKEN=bearer", "");
    let told = auto(&[&without_token, own]);
    assert!(
        told.contains("SYSTEM_ACCESSTOKEN is not set") && told.contains("$(System.AccessToken)"),
        "{told}"
    );
    // Variables that each job has do not name a service connection.
    assert_eq!(auto(&["SYSTEM_OIDCREQUESTURI=https://u SYSTEM_ACCESSTOKEN=x"]), "unnamed own");
}

#[test]
fn a_job_that_may_ask_for_id_tokens_may_have_signed_in_to_the_cli_with_one() {
    assert_eq!(auto(&[GITHUB]), "unnamed own");
}

#[test]
fn a_way_that_is_named_is_taken_whatever_else_is_there() {
    let environment = variables(&[APP, SECRET, CERTIFICATE, GITHUB, FILE, "ADVAUDIT_ACCESS_TOKEN=tok"]);
    let by = |way| word(&choose(Some(way), &environment).expect("chosen"));
    assert_eq!(by(Way::Secret), "c@t secret");
    assert_eq!(by(Way::Certificate), "c@t certificate /app.pem");
    assert_eq!(by(Way::WorkloadIdentity), "c@t file /token");
    assert_eq!(by(Way::GitHub), "c@t github https://u");
    assert_eq!(by(Way::ManagedIdentity), "machine c");
    assert_eq!(by(Way::AzureCli), "cli t");
    assert_eq!(by(Way::Token), "token");
}

#[test]
fn a_way_of_which_nothing_is_there_says_all_it_needs() {
    for (way, words) in [
        (Way::Token, vec!["ADVAUDIT_ACCESS_TOKEN"]),
        (Way::Secret, vec!["AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"]),
        (Way::Certificate, vec!["AZURE_CLIENT_CERTIFICATE_PATH"]),
        (Way::WorkloadIdentity, vec!["AZURE_FEDERATED_TOKEN_FILE"]),
        (Way::GitHub, vec!["ACTIONS_ID_TOKEN_REQUEST_URL", "id-token: write"]),
        (Way::AzurePipelines, vec!["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "SYSTEM_ACCESSTOKEN"]),
    ] {
        let told = choose(Some(way), &Variables::new()).expect_err("nothing is there").to_string();
        for word in words.into_iter().chain([way.as_str()]) {
            assert!(told.contains(word), "`{word}` is not in: {told}");
        }
    }
}

#[test]
fn a_token_that_is_none_is_told_and_nothing_else_is_tried() {
    let told = auto(&["ADVAUDIT_ACCESS_TOKEN=", APP, SECRET]);
    assert_eq!(told, "error: ADVAUDIT_ACCESS_TOKEN: the access token is empty");
    let mut environment = variables(&[APP, SECRET]);
    environment.insert(ACCESS_TOKEN.to_owned(), "tok\n".to_owned());
    assert!(matches!(choose(None, &environment), Err(Lacking::Token(BadToken::Character))));
}

#[test]
fn debug_of_a_choice_shows_no_secret() {
    for environment in [[APP, SECRET], [APP, GITHUB], [APP, PIPELINES], [APP, "ADVAUDIT_ACCESS_TOKEN=s3cret"]]
    {
        let shown = format!("{:?}", choose(None, &variables(&environment)).expect("chosen"));
        assert!(!shown.contains("s3cret") && !shown.contains("bearer\""), "{shown}");
    }
}

/// The way into a tenant that a manifest names, in an environment that may name another.
#[track_caller]
fn into_fabrikam(environment: &[&str]) -> String {
    match choose_for_several(None, &variables(environment)) {
        Ok(choice) => word(&choice.into_tenant("fabrikam.com")),
        Err(lacking) => format!("error: {lacking}"),
    }
}

#[test]
fn of_several_manifests_each_names_the_tenant_and_the_environment_need_not() {
    const CLIENT: &str = "AZURE_CLIENT_ID=c";
    assert_eq!(into_fabrikam(&[CLIENT, SECRET]), "c@fabrikam.com secret");
    assert_eq!(into_fabrikam(&[APP, CERTIFICATE]), "c@fabrikam.com certificate /app.pem");
    assert_eq!(into_fabrikam(&[CLIENT, GITHUB]), "c@fabrikam.com github https://u");
    let own = "AZURESUBSCRIPTION_TENANT_ID=t AZURESUBSCRIPTION_CLIENT_ID=s";
    assert_eq!(into_fabrikam(&[PIPELINES, own]), "s@fabrikam.com pipelines sc");
    assert_eq!(into_fabrikam(&[CLIENT, FILE]), "c@fabrikam.com file /token");
    assert_eq!(into_fabrikam(&[]), "unnamed fabrikam.com");
    assert_eq!(into_fabrikam(&["AZURE_TENANT_ID=t"]), "unnamed fabrikam.com");
    assert_eq!(into_fabrikam(&["ADVAUDIT_ACCESS_TOKEN=tok"]), "token");
    assert_eq!(into_fabrikam(&[CLIENT]), "machine c");
    let told = into_fabrikam(&[SECRET]);
    assert!(told.contains("AZURE_CLIENT_ID is not set") && !told.contains("AZURE_TENANT_ID"), "{told}");
}

#[test]
fn a_way_that_leads_into_one_tenant_only_says_so() {
    let is_bound = |environment: &[&str]| {
        let choice = choose_for_several(None, &variables(environment)).expect("chosen");
        choice.is_of_one_tenant().is_some()
    };
    for bound in ["ADVAUDIT_ACCESS_TOKEN=tok", "IDENTITY_ENDPOINT=http://x", "AZURE_TENANT_ID=t"] {
        assert!(is_bound(&[bound]), "{bound}");
    }
    assert!(!is_bound(&[APP, SECRET]) && !is_bound(&[APP, FILE]));
}
