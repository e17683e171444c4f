//! What real stores answer, in words. The bodies are theirs, shortened.

use super::*;

/// Somebody's answer, nested as the crate nests it.
#[derive(Debug, thiserror::Error)]
#[error(
    "Error performing PUT https://audit.blob.core.windows.net/c/p?sig=geheim in 5ms - Server returned non-2xx status code: {0}"
)]
struct Answered(&'static str);

fn words(kind: Kind) -> Words {
    let variables = [("AWS_SECRET_ACCESS_KEY", "geheimgeheim"), ("AWS_REGION", "eu-west-1")];
    Words::new(kind, &variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn already(answer: &'static str) -> Error {
    Error::AlreadyExists { path: "c/p".into(), source: Box::new(Answered(answer)) }
}

#[test]
fn a_condition_that_is_refused_is_a_conflict() {
    for answer in [
        "409 Conflict: <Error><Code>BlobAlreadyExists</Code><Message>The specified blob already exists.</Message></Error>",
        "409 Conflict: <Error><Code>ConditionalRequestConflict</Code></Error>",
        "412 Precondition Failed: ",
    ] {
        assert!(words(Kind::Azure).tell(&already(answer)).is_conflict(), "{answer}");
    }
}

#[test]
fn a_policy_that_forbids_writing_again_is_no_conflict() {
    let told = words(Kind::Azure).tell(&already(
        "409 Conflict: <Error><Code>BlobImmutableDueToPolicy</Code><Message>This operation is not permitted as the \
         blob is immutable due to a policy.\nRequestId:1</Message></Error>",
    ));
    assert!(!told.is_conflict() && !told.is_silence());
    let text = told.to_string();
    assert!(text.starts_with("BlobImmutableDueToPolicy: This operation is not permitted"), "{text}");
    assert!(!text.contains("RequestId") && !text.contains("geheim"), "{text}");
}

#[test]
fn a_container_that_is_not_there_is_no_missing_object() {
    let error = |answer| Error::NotFound { path: "c/p".into(), source: Box::new(Answered(answer)) };
    let told = words(Kind::Amazon).tell(&error(
        "404 Not Found: <Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>",
    ));
    assert!(!told.is_absence() && told.to_string().contains("create it"), "{told}");
    assert!(
        words(Kind::Amazon).tell(&error("404 Not Found: <Error><Code>NoSuchKey</Code></Error>")).is_absence()
    );
}

#[test]
fn a_refusal_names_the_variables_and_no_secret() {
    let answer = "403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we \
                  calculated does not match geheimgeheim</Message><StringToSign>x</StringToSign></Error>";
    let error = Error::PermissionDenied { path: "c/p".into(), source: Box::new(Answered(answer)) };
    let text = words(Kind::Amazon).tell(&error).to_string();
    assert!(text.contains("SignatureDoesNotMatch") && text.contains("AWS_SECRET_ACCESS_KEY"), "{text}");
    assert!(!text.contains("geheim") && !text.contains("StringToSign"), "{text}");
}

#[test]
fn a_store_that_is_overloaded_counts_as_silent() {
    let error = Error::Generic { store: "S3", source: Box::new(Answered("503 Service Unavailable: ")) };
    let told = words(Kind::Amazon).tell(&error);
    assert!(told.is_silence() && told.to_string().contains("503 Service Unavailable"), "{told}");
}

#[test]
fn an_unreachable_store_names_what_leads_to_it() {
    let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "Connection refused");
    let error =
        Error::Generic { store: "S3", source: Box::new(HttpError::new(HttpErrorKind::Connect, refused)) };
    let told = words(Kind::Amazon).tell(&error);
    assert!(told.is_silence());
    assert_eq!(
        told.to_string(),
        "Connection refused; is the network there, and AWS_REGION (or AWS_ENDPOINT_URL) right?"
    );
}

#[test]
fn what_is_missing_is_named_before_anything_is_asked() {
    let missing = |kind, variables: &[(&str, &str)]| {
        let own: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Words::new(kind, &own).missing(&own)
    };
    let unnamed = missing(Kind::Azure, &[]).expect("no account");
    assert!(unnamed.starts_with("AZURE_STORAGE_ACCOUNT_NAME is not set"), "{unnamed}");
    let plain = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000");
    let refused = missing(Kind::Amazon, &[plain]).expect("plain http");
    assert!(
        refused.contains("AWS_ENDPOINT_URL is plain http") && refused.contains("AWS_ALLOW_HTTP=true"),
        "{refused}"
    );
    assert_eq!(missing(Kind::Amazon, &[plain, ("AWS_ALLOW_HTTP", "true")]), None);
    assert_eq!(missing(Kind::Google, &[]), None);
}
