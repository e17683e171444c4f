//! Tokens as Graph's are: claims that anybody can read, and a signature that nobody here checks.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The permissions that looking needs.
pub const READS: [&str; 4] =
    ["User.Read.All", "GroupMember.Read.All", "Organization.Read.All", "LicenseAssignment.Read.All"];
/// The permission that changes licenses.
pub const WRITES: &str = "LicenseAssignment.ReadWrite.All";

/// A token of an application of that tenant with these permissions.
pub fn token(tenant: &str, roles: &[&str]) -> String {
    let claims = json!({
        "tid": tenant, "appid": "11111111-0000-4000-8000-000000000001", "app_displayname": "contoso-audit",
        "roles": roles, "exp": 4_102_444_800_i64,
    });
    format!("eyJhbGciOiJub25lIn0.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The permissions in a token; none where it is not one of these.
pub fn roles(token: &str) -> Option<Vec<String>> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let roles = claims["roles"].as_array()?;
    Some(roles.iter().filter_map(|role| role.as_str().map(str::to_owned)).collect())
}
