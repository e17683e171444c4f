//! The options of a request: `$select`, `$filter`, `$top`, `$count`, `$skiptoken`. Everything
//! else is refused rather than ignored, so that a client finds out.

use super::filter::Filter;
use super::properties::Properties;
use super::refusal::Refusal;
use super::url::Url;

/// Users a page, where the request does not say (GRAPH 2.2).
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 999;

/// What a request asks for beyond its path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Only these properties.
    pub select: Option<Vec<String>>,
    /// Only objects like this.
    pub filter: Option<Filter>,
    /// At most that many in one page.
    pub top: Option<usize>,
    /// `$count=true`.
    pub count: bool,
    /// Where the page before ended.
    pub skip: Option<String>,
}

impl Options {
    /// Reads the options that the endpoint knows.
    pub fn read(url: &Url, known: &[&str]) -> Result<Self, Refusal> {
        let mut options = Options::default();
        let mut seen = Vec::new();
        for (name, value) in url.query.iter().filter(|(name, _)| name.starts_with('$')) {
            if seen.contains(&name) {
                return Err(Refusal::misread(format!("Query option '{name}' was specified more than once.")));
            }
            seen.push(name);
            if !known.contains(&name.as_str()) {
                return Err(unknown(name));
            }
            options.set(name, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "$select" => self.select = Some(value.split(',').map(|name| name.trim().to_owned()).collect()),
            "$filter" => self.filter = Some(Filter::read(value)?),
            "$top" => self.top = Some(page_size(value)?),
            "$count" => self.count = value.eq_ignore_ascii_case("true"),
            "$skiptoken" => self.skip = Some(read_token(value)?),
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    /// How many objects a page holds.
    pub fn page(&self) -> usize {
        self.top.unwrap_or(DEFAULT_PAGE)
    }

    /// Refuses properties that the type does not have; in a list also those that only single
    /// objects show.
    pub fn check_select(&self, properties: &Properties, in_a_list: bool) -> Result<(), Refusal> {
        for name in self.select.iter().flatten() {
            if !properties.has(name) {
                let kind = properties.kind;
                return Err(Refusal::misread(format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind}'."
                )));
            }
            if in_a_list && properties.single_only.contains(&name.as_str()) {
                return Err(Refusal::not_in_a_list(name));
            }
        }
        Ok(())
    }
}

fn unknown(name: &str) -> Refusal {
    match name {
        "$skip" | "$orderby" | "$search" | "$expand" | "$filter" | "$top" | "$count" => {
            Refusal::unsupported(format!("'{name}' is not supported for this request."))
        }
        _ => Refusal::misread(format!(
            "The query parameter '{name}' is not supported. Query parameters that begin with '$' are reserved."
        )),
    }
}

fn page_size(value: &str) -> Result<usize, Refusal> {
    match value.parse() {
        Ok(size) if (1..=LARGEST_PAGE).contains(&size) => Ok(size),
        Ok(_) | Err(_) => Err(Refusal::unsupported(format!(
            "Invalid page size specified: '{value}'. Must be between 1 and 999 inclusive."
        ))),
    }
}

/// Looks like something that means nothing to a client.
const TOKEN: &str = "RFNwdAIAAQAAAB";

/// A place in a list, as a token.
pub fn token(place: &str) -> String {
    let hex: String = place.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{TOKEN}{hex}")
}

fn read_token(token: &str) -> Result<String, Refusal> {
    let place = || {
        let hex = token.strip_prefix(TOKEN)?;
        let pairs = hex.as_bytes().chunks(2);
        let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        String::from_utf8(bytes.collect::<Option<_>>()?).ok()
    };
    place().ok_or_else(|| Refusal::misread("The $skiptoken is not valid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[&str] = &["$select", "$filter", "$top", "$count", "$skiptoken"];

    fn read(query: &str) -> Result<Options, Refusal> {
        Options::read(&Url::read(&format!("/v1.0/users?{query}"))?, ALL)
    }

    #[test]
    fn a_page_holds_a_hundred_unless_told_otherwise_and_never_a_thousand() {
        assert_eq!(read("").expect("fine").page(), 100);
        assert_eq!(read("$top=999").expect("fine").page(), 999);
        for wrong in ["1000", "0", "-1", "many"] {
            let refusal = read(&format!("$top={wrong}")).expect_err("refused");
            assert_eq!(refusal.status, 400);
            assert_eq!(
                refusal.message,
                format!("Invalid page size specified: '{wrong}'. Must be between 1 and 999 inclusive.")
            );
        }
    }

    #[test]
    fn other_options_are_refused() {
        for other in
            ["$skip=1", "$orderby=id", "$search=x", "$expand=manager", "$frobnicate=1", "$top=1&$top=2"]
        {
            assert_eq!(read(other).expect_err("refused").status, 400, "{other}");
        }
        assert!(read("tracking=1").is_ok());
    }

    #[test]
    fn a_token_leads_back_to_its_place() {
        assert_eq!(read_token(&token("x-1")), Ok("x-1".to_owned()));
        assert!(read_token("guessed").is_err());
    }
}
