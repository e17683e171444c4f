//! What is made of answers that hold no token.

use serde_json::json;

use super::*;

fn seen(status: u16, headers: &[(&'static str, &str)], body: &str) -> Seen {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(body.as_bytes().to_vec()).expect("a response");
    Seen::new(Party::Authority, "https://login.example".to_owned(), response)
}

fn refused(code: u32, description: &str) -> Seen {
    let text =
        format!("AADSTS{code}: {description}\r\nTrace ID: 11-22\r\nCorrelation ID: 33\r\nTimestamp: now");
    let body = json!({
        "error": "invalid_client", "error_description": text, "error_codes": [code], "trace_id": "11-22",
        "correlation_id": "33"
    });
    seen(401, &[("content-type", "application/json")], &body.to_string())
}

fn asker(application: &Application) -> Asker<'_> {
    Asker { application: Some(application), presented: None, scope: "https://graph.example/.default" }
}

fn application() -> Application {
    Application {
        tenant: "the-tenant".to_owned(),
        named_by: NamedBy::Environment,
        client: "the-client".to_owned(),
    }
}

#[test]
fn a_refusal_has_the_code_the_text_the_trace_id_and_what_to_do() {
    let application = application();
    let NotFetched::Refused { reason, hint, request_id } =
        refused(7_000_215, "Invalid client secret provided.").judge(Some(&asker(&application)))
    else {
        panic!("not refused")
    };
    assert_eq!(reason, "https://login.example says AADSTS7000215: Invalid client secret provided.");
    assert!(hint.expect("a hint").contains("not its id"));
    assert_eq!(request_id.as_deref(), Some("11-22"));
}

#[test]
fn well_known_codes_have_a_next_step_of_their_own() {
    let application = application();
    let mut hints = Vec::new();
    for code in [7_000_215, 7_000_222, 700_016, 90_002, 700_027, 700_211, 500_011, 53_003, 700_024] {
        let NotFetched::Refused { hint, .. } = refused(code, "No.").judge(Some(&asker(&application))) else {
            panic!("{code} is not refused")
        };
        hints.push(hint.unwrap_or_else(|| panic!("{code} has no hint")));
    }
    let same: std::collections::BTreeSet<&String> = hints.iter().collect();
    assert_eq!(same.len(), hints.len(), "{hints:#?}");
    for (code, other) in [(900_023, 90_002), (70_021, 700_211), (700_213, 700_212), (1_002_012, 500_011)] {
        let judge = |code| match refused(code, "No.").judge(Some(&asker(&application))) {
            NotFetched::Refused { hint, .. } => hint,
            other => panic!("{other:?}"),
        };
        assert_eq!(judge(code), judge(other), "{code}");
    }
    let NotFetched::Refused { hint, .. } = refused(1, "No.").judge(None) else { panic!("not refused") };
    assert_eq!(hint, None);
}

#[test]
fn trouble_is_waited_out_and_nothing_is_taken_for_a_refusal_that_is_none() {
    let html = ("content-type", "text/html");
    for (seen, again) in [
        (seen(503, &[("retry-after", "7")], ""), true),
        (seen(502, &[html], "<html>bad gateway</html>"), true),
        (seen(429, &[], "{}"), true),
        (seen(200, &[html], "<html>please sign in to the airport</html>"), true),
        (seen(200, &[], "{\"token_type\":\"Bearer\"}"), true),
        (seen(400, &[], "{\"error\":\"temporarily_unavailable\"}"), true),
        (seen(302, &[("location", "https://evil.example/")], ""), false),
        (seen(403, &[html], "<html>the proxy says no</html>"), false),
        (seen(407, &[], ""), false),
    ] {
        let status = seen.status;
        let NotFetched::Lost { reason, again: so, .. } = seen.judge(None) else {
            panic!("{status} is refused")
        };
        assert_eq!(so, again, "{status}: {reason}");
        assert!(reason.starts_with("https://login.example answered"), "{reason}");
        assert!(!reason.contains("<html>") && !reason.contains("evil"), "{reason}");
    }
    let NotFetched::Lost { retry_after, .. } = seen(503, &[("retry-after", "7")], "").judge(None) else {
        panic!("refused")
    };
    assert_eq!(retry_after, Some(SignedDuration::from_secs(7)));
}

#[test]
fn errors_of_other_shapes_are_read_as_far_as_they_go() {
    let told = |body: &Value| match seen(400, &[], &body.to_string()).judge(None) {
        NotFetched::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&json!({ "error": "invalid_request" })), "https://login.example says invalid_request");
    let with_text = json!({ "error": "invalid_request", "error_description": "Identity not found" });
    assert_eq!(told(&with_text), "https://login.example says invalid_request: Identity not found");
    let code_only = json!({ "error": "invalid_client", "error_codes": [700_016] });
    assert_eq!(told(&code_only), "https://login.example says invalid_client (AADSTS700016)");
    let in_the_text = json!({ "error": "x", "error_description": "AADSTS700027: \u{1b}[31mno\nkey" });
    assert_eq!(told(&in_the_text), "https://login.example says AADSTS700027: [31mno key");
}

#[test]
fn a_lifetime_is_a_number_or_a_text() {
    let life = |body: &str| seen(200, &[], body).expires_in().map(|life| life.as_secs());
    assert_eq!(life(r#"{"expires_in":3599}"#), Some(3599));
    assert_eq!(life(r#"{"expires_in":"86400"}"#), Some(86400));
    assert_eq!(life(r#"{"expires_in":"soon"}"#), None);
    assert_eq!(life("<html>"), None);
}

#[test]
fn where_a_manifest_names_the_tenant_no_variable_is_blamed_for_it() {
    let of_a_manifest = Application { named_by: NamedBy::Manifest, ..application() };
    for code in [700_016, 90_002] {
        let NotFetched::Refused { hint, .. } = refused(code, "No.").judge(Some(&asker(&of_a_manifest)))
        else {
            panic!("{code} is not refused")
        };
        let hint = hint.unwrap_or_else(|| panic!("{code} has no hint"));
        assert!(hint.contains("the-tenant") && !hint.contains("AZURE_TENANT_ID"), "{hint}");
    }
}
