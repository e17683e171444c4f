//! Makes what differs from run to run the same.

/// What stands in the place of an id: as long as one, so that lines break where they did.
const AN_ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// Hides ids of runs, which are chance, and of requests, which only count them.
pub fn without_chance(text: &str) -> String {
    ["request id", "\"request_id\": \"", "\"run_id\": \""]
        .iter()
        .fold(text.to_owned(), |text, before| without_ids(&text, before))
}

/// Hides each GUID that follows that text, be it on the next line.
fn without_ids(text: &str, before: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let after = &rest[at + before.len()..];
        let id = after.trim_start();
        let start = rest.len() - id.len();
        out.push_str(&rest[..start]);
        rest = match id.get(..AN_ID.len()) {
            Some(own) if is_guid(own) => {
                out.push_str(AN_ID);
                &id[AN_ID.len()..]
            }
            Some(_) | None => id,
        };
    }
    out + rest
}

fn is_guid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[test]
fn only_ids_of_runs_and_requests_are_hidden() {
    let guid = "2f442157-a11c-46b9-ae5b-6e39ff4e5849";
    let text = format!("group {guid} (request id\n  {guid}), request id none");
    assert_eq!(without_chance(&text), format!("group {guid} (request id\n  {AN_ID}), request id none"));
}
