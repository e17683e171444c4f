//! What the headers of an answer say about quotas (GRAPH 8.4).

use http::HeaderMap;

use super::super::headers::header;

/// What a refusal is about, from `x-ms-throttle-scope`: `Tenant_Application/ReadWrite/<app>/<tenant>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Reading.
    Reads,
    /// Writing.
    Writes,
    /// Everything.
    Both,
}

impl Scope {
    /// The scope that the headers name; without one, the kind of the request that was refused.
    pub fn of(headers: &HeaderMap, is_write: bool) -> Scope {
        let own = if is_write { Scope::Writes } else { Scope::Reads };
        let Some(text) = header(headers, "x-ms-throttle-scope") else { return own };
        match text.split('/').nth(1).unwrap_or_default().to_ascii_lowercase().as_str() {
            "read" => Scope::Reads,
            "write" => Scope::Writes,
            "readwrite" => Scope::Both,
            _ => own,
        }
    }
}

/// `x-ms-throttle-limit-percentage`: 0.8 to 1.8, sent from 0.8 on; 1 is where refusing starts.
pub(super) fn used_share(headers: &HeaderMap) -> Option<f64> {
    let share: f64 = header(headers, "x-ms-throttle-limit-percentage")?.parse().ok()?;
    // Some write per cent where others write a share.
    let share = if share > 10.0 { share / 100.0 } else { share };
    (share.is_finite() && share >= 0.0).then_some(share.min(2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        headers
    }

    #[test]
    fn a_refusal_says_what_it_is_about() {
        let scope = |text: &str, is_write| Scope::of(&headers("x-ms-throttle-scope", text), is_write);
        assert_eq!(scope("Tenant_Application/ReadWrite/a/t", false), Scope::Both);
        assert_eq!(scope("Tenant_Application/Write/a/t", false), Scope::Writes);
        assert_eq!(scope("Tenant/Read/a/t", true), Scope::Reads);
        assert_eq!(scope("odd", true), Scope::Writes);
        assert_eq!(Scope::of(&HeaderMap::new(), false), Scope::Reads);
    }

    #[test]
    fn a_used_up_share_is_a_number_or_nothing() {
        let share = |text: &str| used_share(&headers("x-ms-throttle-limit-percentage", text));
        assert_eq!(share("0.85"), Some(0.85));
        assert_eq!(share("95"), Some(0.95));
        for odd in ["", "NaN", "inf", "-1", "much"] {
            assert_eq!(share(odd), None, "{odd}");
        }
    }
}
