//! Chance that can be repeated: the same seed and the same words give the same number.
//!
//! Nothing here remembers anything, so the order in which numbers are asked for does not matter
//! and a tenant that is replayed is the same tenant.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Where all chance of one tenant comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A number that depends on the seed and on `words` only.
    pub fn number(self, words: &[&str]) -> u64 {
        let digest = digest(&self.0.to_string(), words);
        u64::from_be_bytes(digest[..8].try_into().expect("a digest has more than 8 bytes"))
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(self, end: u64, words: &[&str]) -> u64 {
        self.number(words).checked_rem(end).unwrap_or(0)
    }

    /// A GUID that depends on the seed and on `words` only.
    pub fn guid(self, words: &[&str]) -> Uuid {
        guid(digest(&self.0.to_string(), words))
    }

    /// The same things in another order.
    pub fn shuffled<T>(self, things: impl IntoIterator<Item = T>, words: &[&str]) -> Vec<T> {
        let word = words.join("/");
        let numbered = things.into_iter().enumerate();
        let mut keyed: Vec<_> =
            numbered.map(|(at, thing)| (self.number(&[&word, &at.to_string()]), thing)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, thing)| thing).collect()
    }
}

/// The id of an object whose file gives none. It does not depend on the seed, so that ids stay
/// when somebody tries another one.
pub fn id_of(kind: &str, name: &str) -> Uuid {
    guid(digest(kind, &[&name.to_lowercase()]))
}

fn digest(first: &str, words: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(first.as_bytes());
    for word in words {
        hash.update([0]);
        hash.update(word.as_bytes());
    }
    hash.finalize().into()
}

/// Shaped like a random GUID, because some clients check the version digit.
fn guid(digest: [u8; 32]) -> Uuid {
    let bytes: [u8; 16] = digest[..16].try_into().expect("a digest has more than 16 bytes");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_give_the_same_number_and_another_seed_another() {
        assert_eq!(Seed(7).number(&["lag", "x"]), Seed(7).number(&["lag", "x"]));
        assert_ne!(Seed(7).number(&["lag", "x"]), Seed(8).number(&["lag", "x"]));
        assert_ne!(Seed(7).number(&["la", "gx"]), Seed(7).number(&["lag", "x"]));
    }

    #[test]
    fn shuffling_keeps_every_thing() {
        let mut shuffled = Seed(1).shuffled(0..20, &["batch"]);
        assert_ne!(shuffled, (0..20).collect::<Vec<_>>());
        shuffled.sort_unstable();
        assert_eq!(shuffled, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn an_id_is_stable_and_does_not_care_for_capitals() {
        assert_eq!(id_of("user", "Adele@Contoso.com"), id_of("user", "adele@contoso.com"));
        assert_ne!(id_of("user", "legal"), id_of("group", "legal"));
    }
}
