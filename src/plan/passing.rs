//! Of whom a plan has no word but that it is in sync, whatever else the manifest and the tenant say. Whoever reads
//! long lists asks this of each user, and keeps no more than the id of such a one: so the memory of a plan goes by
//! what must change, and not by how many users there are.

use std::collections::BTreeSet;

use super::dates::{Renewal, renewal};
use super::running::Running;
use crate::manifest::declared::Declared;
use crate::model::{Catalog, SubjectId, Timestamp, UserId, UserKey};
use crate::observe::effect::is_in_error;
use crate::observe::observed::{Account, User};

/// What makes somebody worth a look in spite of being in sync.
pub struct Passing<'a> {
    running: &'a Running,
    /// Guests and disabled accounts are told apart.
    asks_for_accounts: bool,
    /// Who is excepted or meant by `--only`; names in lower case.
    names: BTreeSet<String>,
    ids: BTreeSet<UserId>,
}

impl<'a> Passing<'a> {
    /// For a plan of that manifest, or of the part of it that `only` means.
    pub fn new(declared: &Declared, running: &'a Running, only: &[String]) -> Self {
        let excepted = declared.selectors().flat_map(|one| &one.except).map(|name| name.value.clone());
        let keys = excepted.chain(only.iter().map(|word| UserKey::parse(word)));
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for key in keys {
            match key {
                UserKey::Id(id) => _ = ids.insert(id),
                UserKey::Upn(_) => _ = names.insert(key.folded()),
            }
        }
        let asks_for_accounts = declared.selectors().any(|selector| selector.only_enabled);
        Passing { running, asks_for_accounts, names, ids }
    }

    /// Whether the plan says of that user that it is in sync and nothing else. `asked` is the newest date of the
    /// entries that select it. Who has an entry of its own is not asked about.
    pub fn passes_by(
        &self,
        user: &User,
        account: Option<Account>,
        asked: Option<Timestamp>,
        catalog: &Catalog,
    ) -> bool {
        let id = SubjectId::User(user.id);
        let is_meant = self.ids.contains(&user.id)
            || (!self.names.is_empty() && self.names.contains(&user.upn.to_lowercase()));
        if is_meant || self.running.in_flight.contains_key(&id) {
            return false;
        }
        if self.asks_for_accounts && account != Some(Account::Enabled) {
            return false;
        }
        if user.relevant(catalog).any(is_in_error) || !user.is_on(catalog) {
            return false;
        }
        asked.is_none_or(|asked| {
            let sources = user.sources(catalog);
            renewal(asked, self.running.own(id), &user.dates, &sources) == Renewal::Renewed
        })
    }
}
