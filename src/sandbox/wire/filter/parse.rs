//! From the words of a `$filter` to its meaning: or, and, not, one test.

use super::super::refusal::Refusal;
use super::token::{Token, tokens};
use super::{Filter, Literal};
use crate::model::SkuId;

/// How many alternatives a filter may have (GRAPH 2.3; for `in` commonly reported).
const MOST_ALTERNATIVES: usize = 15;

/// Reads a whole filter.
pub fn filter(text: &str) -> Result<Filter, Refusal> {
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable() };
    let filter = reader.any_of()?;
    match reader.tokens.next() {
        None => Ok(filter),
        Some(token) => Err(wrong(Some(token))),
    }
}

struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

fn wrong(token: Option<Token>) -> Refusal {
    Refusal::misread(match token {
        Some(token) => format!("Invalid filter clause: {token:?} is not expected there."),
        None => "Invalid filter clause: it ends too early.".to_owned(),
    })
}

impl Reader {
    fn any_of(&mut self) -> Result<Filter, Refusal> {
        let mut any = vec![self.all_of()?];
        while self.take_word("or") {
            any.push(self.all_of()?);
        }
        check_alternatives(any.len())?;
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Or(any) })
    }

    fn all_of(&mut self) -> Result<Filter, Refusal> {
        let mut all = vec![self.one()?];
        while self.take_word("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn one(&mut self) -> Result<Filter, Refusal> {
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        match self.tokens.next() {
            Some(Token::Open) => {
                let inner = self.any_of()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if self.tokens.peek() == Some(&Token::Open) => self.call(&word),
            Some(Token::Word(path)) => self.comparison(path),
            other => Err(wrong(other)),
        }
    }

    /// `startsWith(path,'x')`, `path/any(a:a/x eq y)`
    fn call(&mut self, name: &str) -> Result<Filter, Refusal> {
        self.expect(&Token::Open)?;
        let filter = match name.to_lowercase().as_str() {
            "startswith" => {
                let (path, text) = self.path_and_text()?;
                Filter::StartsWith(path, text)
            }
            "endswith" => {
                let (path, text) = self.path_and_text()?;
                Filter::EndsWith(path, text)
            }
            _ => match name.strip_suffix("/any") {
                Some(path) => Filter::Any { path: path.to_owned(), entry: self.entry()? },
                None => {
                    return Err(Refusal::misread(format!(
                        "An unknown function with name '{name}' was found."
                    )));
                }
            },
        };
        self.expect(&Token::Close)?;
        Ok(filter)
    }

    fn path_and_text(&mut self) -> Result<(String, String), Refusal> {
        let path = self.word()?;
        self.expect(&Token::Comma)?;
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok((path, text)),
            other => Err(wrong(other)),
        }
    }

    /// `a:a/skuId eq x and a/other eq y`
    fn entry(&mut self) -> Result<Vec<(String, Literal)>, Refusal> {
        let first = self.word()?;
        let Some((variable, first)) = first.split_once(':') else {
            return Err(wrong(Some(Token::Word(first))));
        };
        let mut entry = Vec::new();
        let mut path = first.to_owned();
        if path.is_empty() {
            path = self.word()?; // `a: a/skuId`
        }
        loop {
            let name = path.strip_prefix(variable).and_then(|rest| rest.strip_prefix('/'));
            let Some(name) = name.map(str::to_owned) else { return Err(wrong(Some(Token::Word(path)))) };
            if !self.take_word("eq") {
                return Err(wrong(self.tokens.next()));
            }
            entry.push((name, self.literal()?));
            if !self.take_word("and") {
                return Ok(entry);
            }
            path = self.word()?;
        }
    }

    fn comparison(&mut self, path: String) -> Result<Filter, Refusal> {
        let operator = self.word()?;
        let not = match operator.as_str() {
            "eq" => false,
            "ne" => true,
            "in" => return Ok(Filter::In { path, values: self.values()? }),
            "ge" | "le" | "gt" | "lt" => {
                return Err(Refusal::unsupported(format!(
                    "Unsupported property filter clause operator '{operator}' for property '{path}'."
                )));
            }
            _ => return Err(wrong(Some(Token::Word(operator)))),
        };
        match path.strip_suffix("/$count") {
            Some(list) => {
                let number = self.word()?;
                let number = number.parse().map_err(|_| wrong(Some(Token::Word(number))))?;
                Ok(Filter::Count { path: list.to_owned(), not, number })
            }
            None => Ok(Filter::Compare { path, not, value: self.literal()? }),
        }
    }

    fn values(&mut self) -> Result<Vec<Literal>, Refusal> {
        self.expect(&Token::Open)?;
        let mut values = vec![self.literal()?];
        loop {
            match self.tokens.next() {
                Some(Token::Comma) => values.push(self.literal()?),
                Some(Token::Close) => break,
                other => return Err(wrong(other)),
            }
        }
        check_alternatives(values.len())?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => match (word.as_str(), word.parse::<SkuId>()) {
                ("true", _) => Ok(Literal::Bool(true)),
                ("false", _) => Ok(Literal::Bool(false)),
                ("null", _) => Ok(Literal::Null),
                (_, Ok(guid)) => Ok(Literal::Guid(guid.to_string())),
                (_, Err(_)) => Err(wrong(Some(Token::Word(word)))),
            },
            other => Err(wrong(other)),
        }
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(wrong(other)),
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(own) if own == word)).is_some()
    }

    fn expect(&mut self, expected: &Token) -> Result<(), Refusal> {
        match self.tokens.next() {
            Some(token) if token == *expected => Ok(()),
            other => Err(wrong(other)),
        }
    }
}

fn check_alternatives(count: usize) -> Result<(), Refusal> {
    if count <= MOST_ALTERNATIVES {
        return Ok(());
    }
    Err(Refusal::unsupported(format!(
        "Too many child clauses specified in search filter expression containing 'OR' operators: {count}. Max allowed: {MOST_ALTERNATIVES}."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let refusal = filter(text).expect_err("refused");
        assert_eq!(refusal.status, 400);
        refusal.message
    }

    #[test]
    fn fifteen_alternatives_are_enough() {
        let list = |count: usize| vec!["'x'"; count].join(",");
        assert!(filter(&format!("id in ({})", list(15))).is_ok());
        assert!(refused(&format!("id in ({})", list(16))).contains("Max allowed: 15."));
        let any = vec!["id eq 'x'"; 18].join(" or ");
        assert_eq!(
            refused(&any),
            "Too many child clauses specified in search filter expression containing 'OR' operators: 18. Max allowed: 15."
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in
            ["", "id", "id eq", "id eq x", "id eq 'x' and", "(id eq 'x'", "id eq 'x')", "contains(id,'x')"]
        {
            refused(text);
        }
        refused("assignedLicenses/any(a:b/skuId eq 06ebc4ee-1bb5-47dd-8120-11324bc54e06)");
        refused("displayName ge 'x'");
    }
}
