//! The words of a `$filter`.

use super::super::refusal::Refusal;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name, a path, an operator, a number, a GUID.
    Word(String),
    /// `'x'`, its apostrophes halved.
    Text(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
}

/// Splits a filter into its words.
pub fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, left) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            ',' => (Token::Comma, &rest[1..]),
            '\'' => quoted(&rest[1..])?,
            _ => {
                let end = rest.find([' ', '(', ')', ',', '\'']).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
        };
        tokens.push(token);
        rest = left.trim_start();
    }
    Ok(tokens)
}

/// The text up to the first apostrophe that is not doubled, and what follows.
fn quoted(rest: &str) -> Result<(Token, &str), Refusal> {
    let mut text = String::new();
    let mut parts = rest;
    loop {
        let Some((part, left)) = parts.split_once('\'') else {
            return Err(Refusal::misread("There is an unterminated string literal in the filter clause."));
        };
        text.push_str(part);
        match left.strip_prefix('\'') {
            Some(left) => {
                text.push('\'');
                parts = left;
            }
            None => return Ok((Token::Text(text), left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_apostrophe_is_one() {
        assert_eq!(tokens("'o''brien'"), Ok(vec![Token::Text("o'brien".to_owned())]));
        assert!(tokens("'o'brien'").is_err());
    }
}
