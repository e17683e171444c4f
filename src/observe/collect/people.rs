//! Users by name or id: by filters of fifteen, or from the list of license holders where that is cheaper; whoever
//! did not come with either, by itself.
//!
//! A user is missing only on two reads, of different indexes: a filter and the object itself.

use std::collections::{BTreeMap, HashMap};

use super::super::observed::Lookup;
use super::super::reading::fatal;
use super::super::user_list::Sorted;
use super::super::ways::{self, Chosen, Price, Way};
use super::{Collecting, Named};
use crate::graph::{Failure, Fields, UserRead, is_to_be_asked_alone};
use crate::manifest::declared::Who;
use crate::model::{SkuId, SubjectId, Timestamp, UserId, UserKey};

/// So many units by filters, and it is asked how many users there are.
const WORTH_COUNTING: u64 = 20;

impl Collecting<'_> {
    /// Whoever has an entry of its own, or is protected.
    pub(super) async fn named_users(&mut self) -> Result<(), Failure> {
        let known = |key: &UserKey| self.observed.user_keys.contains_key(&key.folded());
        let keys: Vec<UserKey> = self.keys().into_iter().filter(|key| !known(key)).collect();
        for (key, lookup) in self.people("declared by name", keys).await? {
            if let (UserKey::Id(id), Lookup::Unread(reason)) = (&key, &lookup) {
                self.observed.unread_users.insert(*id, reason.clone());
            }
            self.observed.user_keys.insert(key.folded(), lookup);
        }
        Ok(())
    }

    /// Those users; whoever is found is kept.
    pub(super) async fn people(
        &mut self,
        whom: &str,
        keys: Vec<UserKey>,
    ) -> Result<Vec<(UserKey, Lookup<UserId>)>, Failure> {
        let prices = ways::of_named(&keys, &self.observed.catalog);
        if keys.len() > 1 {
            let whom = format!("{} users {whom}", keys.len());
            self.observed.ways.push(Chosen { whom, prices: prices.clone() });
        }
        let mut found = Vec::with_capacity(keys.len());
        let mut rest = match prices.first() {
            Some(price) if price.way == Way::Holders => {
                let holding = ways::holding(&self.observed.catalog);
                self.take_listed(keys, holding, price.units, &mut found).await?
            }
            Some(_) | None => keys,
        };
        if let Some(pages) = self.pages_of_everyone(&rest).await {
            let left = Price { way: Way::Filters, units: ways::by_filters(&rest) };
            let prices = vec![Price { way: Way::Everyone, units: pages }, left];
            self.observed.ways.push(Chosen { whom: format!("{} of them", rest.len()), prices });
            rest = self.take_listed(rest, Vec::new(), pages, &mut found).await?;
        }
        let asked = self.asked_by_name();
        let (dated, plain): (Vec<UserKey>, Vec<UserKey>) = rest
            .into_iter()
            .partition(|key| asked.get(key).is_some_and(|asked| self.decides_by_date(key, *asked)));
        for (keys, dates) in [(plain, false), (dated, true)] {
            let fields = Fields { dates, ..self.fields() };
            match keys.as_slice() {
                [] => {}
                [_] => self.alone(keys, false, fields, &mut found).await?,
                _ => self.by_filters(keys, fields, &mut found).await?,
            }
        }
        Ok(found)
    }

    /// The dates that entries of their own ask for.
    fn asked_by_name(&self) -> HashMap<&UserKey, Timestamp> {
        let named = self.declared.users.iter().filter_map(|entry| match &entry.who {
            Who::User(key) => Some((key, entry.wish.toggle_if_enabled_before?)),
            Who::Selected(_) => None,
        });
        named.collect()
    }

    /// Whether the date of a user who is on decides: our journal has not turned it on since.
    fn decides_by_date(&self, key: &UserKey, asked: Timestamp) -> bool {
        match key {
            UserKey::Id(id) => self.last_on(*id).is_none_or(|on| on < asked),
            UserKey::Upn(_) => true,
        }
    }

    /// When our journal last turned that user on.
    pub(super) fn last_on(&self, id: UserId) -> Option<Timestamp> {
        self.knows.last_on.get(&SubjectId::User(id)).copied()
    }

    /// How many pages the list of all users has, where it is cheaper than filters for those users. To ask for that
    /// is worth its unit only where there are many.
    async fn pages_of_everyone(&self, keys: &[UserKey]) -> Option<u64> {
        let filters = ways::by_filters(keys);
        if filters < WORTH_COUNTING {
            return None;
        }
        let everyone = self.scan_of(Vec::new(), Fields::STATE, 0);
        // Whoever cannot be counted is asked for.
        let users = self.reader.count(&everyone).await.ok()??;
        Some(ways::pages(users)).filter(|pages| *pages < filters)
    }

    /// Keeps whoever of them is in the list of those who hold one of these licenses, or of all users; returns who
    /// did not come.
    async fn take_listed(
        &mut self,
        keys: Vec<UserKey>,
        holding: Vec<SkuId>,
        pages: u64,
        found: &mut Vec<(UserKey, Lookup<UserId>)>,
    ) -> Result<Vec<UserKey>, Failure> {
        let wanted = Named::of(&keys);
        let scan = self.scan_of(holding, self.fields(), pages);
        let sort =
            |user: &super::User, _| if wanted.has(user.id, &user.upn) { Sorted::Keep } else { Sorted::Leave };
        let outcome = self.users_of(&scan, &sort).await;
        // Where the list could not be had, each is asked for as if there were none.
        let Ok(ended) = self.listed(outcome)? else { return Ok(keys) };
        let mut came = BTreeMap::new();
        for (user, account) in ended.kept.into_values() {
            let names = [user.upn.to_lowercase(), user.id.to_string()];
            let id = self.keep(user, account);
            came.extend(names.map(|name| (name, id)));
        }
        let mut rest = Vec::new();
        for key in keys {
            match came.get(&key.folded()) {
                Some(id) => found.push((key, Lookup::Found(*id))),
                None => rest.push(key),
            }
        }
        Ok(rest)
    }

    async fn by_filters(
        &mut self,
        keys: Vec<UserKey>,
        fields: Fields,
        found: &mut Vec<(UserKey, Lookup<UserId>)>,
    ) -> Result<(), Failure> {
        let answers = self.reader.users_among(&keys, fields).await;
        let (mut not_shown, mut not_told) = (Vec::new(), Vec::new());
        for (key, answer) in keys.into_iter().zip(answers) {
            if is_to_be_asked_alone(&answer) {
                let rest = if answer.is_ok() { &mut not_shown } else { &mut not_told };
                rest.push(key);
                continue;
            }
            let lookup = match fatal(answer)? {
                Ok(Some(read)) => Lookup::Found(self.keep_user(read)),
                // Such a one is asked for alone.
                Ok(None) => continue,
                Err(reason) => Lookup::Unread(reason),
            };
            found.push((key, lookup));
        }
        self.alone(not_shown, true, fields, found).await?;
        self.alone(not_told, false, fields, found).await
    }

    /// Each by itself. Not knowing it is the second opinion where a filter has not shown it.
    async fn alone(
        &mut self,
        keys: Vec<UserKey>,
        is_second: bool,
        fields: Fields,
        found: &mut Vec<(UserKey, Lookup<UserId>)>,
    ) -> Result<(), Failure> {
        let answers = self.reader.users_with(&keys, fields).await;
        for (key, answer) in keys.into_iter().zip(answers) {
            let lookup = match fatal(answer)? {
                Ok(Some(read)) => Lookup::Found(self.keep_user(read)),
                Ok(None) if is_second => Lookup::NotFound,
                Ok(None) => self.second_opinion(&key).await?,
                Err(reason) => Lookup::Unread(reason),
            };
            found.push((key, lookup));
        }
        Ok(())
    }

    /// The second read, of another index where there is one.
    async fn second_opinion(&mut self, key: &UserKey) -> Result<Lookup<UserId>, Failure> {
        let second: Result<Option<UserRead>, Failure> = match key {
            UserKey::Upn(upn) => self.reader.users_by_filter(upn).await,
            UserKey::Id(_) => self.reader.users(std::slice::from_ref(key)).await.remove(0),
        };
        Ok(match self.one(second)? {
            Ok(Some(read)) => Lookup::Found(self.keep_user(read)),
            Ok(None) => Lookup::NotFound,
            Err(reason) => Lookup::Unread(reason),
        })
    }
}
