//! Many users by few filters: `in` takes fifteen of them for the price of one (GRAPH 2.3, 8.2), and a batch twenty
//! such filters.
//!
//! What a filter does not show is not known to be absent: whoever is missing has to be asked for by itself,
//! which is another index.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::batch::{self, Found, Outcome};
use super::convert::Malformed;
use super::error::Failure;
use super::fields::Fields;
use super::live::{ServicePlanEntry, UserRead};
use super::permission::Needs;
use super::read::Reader;
use super::root::origin_of;
use super::wire::{Object, Page};
use super::{convert, keys, page};
use crate::model::{UserId, UserKey};

/// The most values that Graph takes in one `in`; the ceiling of `or`, which is the only one that was seen.
pub const AMONG_MAX: usize = 15;

/// What a filter says of one of those it was asked about.
pub type Among<T> = Result<Option<T>, Failure>;

impl Reader {
    /// Those users in the order of `keys`, by filters; none for one whom the filter does not show. A filter
    /// that failed is the failure of each of its users.
    pub async fn users_among(&self, keys: &[UserKey], fields: Fields) -> Vec<Among<UserRead>> {
        let mut parts = of_one_kind(keys, |key| matches!(key, UserKey::Id(_)), "id");
        parts.extend(of_one_kind(keys, |key| matches!(key, UserKey::Upn(_)), "userPrincipalName"));
        let own = |entries: &[UserRead], at: usize| the_one(entries, &keys[at]).cloned();
        self.shown(keys.len(), parts, fields.select(), convert::user, own).await
    }

    /// Those users, by filters, and by themselves whom those do not show; none for one that Graph does not know.
    pub async fn users_anyhow(
        &self,
        keys: &[UserKey],
        fields: Fields,
    ) -> Vec<Result<Option<UserRead>, Failure>> {
        if keys.len() < 2 {
            return self.users_with(keys, fields).await;
        }
        let mut answers = self.users_among(keys, fields).await;
        let alone: Vec<usize> = (0..keys.len()).filter(|at| is_to_be_asked_alone(&answers[*at])).collect();
        let keys: Vec<UserKey> = alone.iter().map(|at| keys[*at].clone()).collect();
        for (at, answer) in alone.into_iter().zip(self.users_with(&keys, fields).await) {
            answers[at] = answer;
        }
        answers
    }

    /// What `assignedPlans` says about *the* service plan for those users, in their order, by filters; none for
    /// a user whom the filter does not show.
    pub async fn dates_among(&self, ids: &[UserId]) -> Vec<Among<Vec<ServicePlanEntry>>> {
        let parts = of_one_kind(ids, |_| true, "id");
        let own = |entries: &[(UserId, Vec<ServicePlanEntry>)], at: usize| {
            let mut own = entries.iter().filter(|(id, _)| *id == ids[at]);
            let (_, dates) = own.next()?;
            own.next().is_none().then(|| dates.clone())
        };
        self.shown(ids.len(), parts, "id,assignedPlans", convert::service_plan_entries, own).await
    }

    /// What the filters of these parts show of each of so many; `own` finds the entry of one among those of its
    /// part.
    async fn shown<W: DeserializeOwned, T, V>(
        &self,
        count: usize,
        parts: Vec<Part>,
        select: &str,
        convert: impl Fn(W) -> Result<T, Malformed>,
        own: impl Fn(&[T], usize) -> Option<V>,
    ) -> Vec<Among<V>> {
        let mut answers: Vec<Among<V>> = (0..count).map(|_| Ok(None)).collect();
        for (part, outcome) in self.ask(&parts, select).await {
            let listed = outcome.and_then(|found| self.entries(&found, &convert));
            for &at in &part.places {
                answers[at] = match &listed {
                    Ok(Whole { entries, is_whole }) => match own(entries, at) {
                        None if !is_whole => Err(part.cut_short()),
                        shown => Ok(shown),
                    },
                    Err(failure) => Err(failure.clone()),
                };
            }
        }
        answers
    }

    /// What a filter shows. A link to another origin ends the reading here as well (P6).
    fn entries<W: DeserializeOwned, T>(
        &self,
        found: &Found,
        convert: impl Fn(W) -> Result<T, Malformed>,
    ) -> Result<Whole<T>, Failure> {
        let page: Result<Object<Page<Box<RawValue>>>, _> = serde_json::from_str(found.body.get());
        let Object(page) = page.map_err(|error| found.unreadable(error.to_string()))?;
        let entries = page.value.ok_or_else(|| found.unreadable("it is not a page: `value` is missing"))?;
        if let Some(link) = page.next_link.as_ref().filter(|link| !self.client().root().holds(link)) {
            let (asked, request_id) = (found.asked.clone(), found.request_id.clone());
            return Err(Failure::OtherOrigin { asked, origin: origin_of(link), request_id });
        }
        let entries = entries.iter().filter_map(|entry| page::fit("user", entry).and_then(&convert).ok());
        Ok(Whole { entries: entries.collect(), is_whole: page.next_link.is_none() })
    }

    /// Asks each part; outcomes beside their parts.
    async fn ask<'p>(&self, parts: &'p [Part], select: &str) -> Vec<(&'p Part, Outcome)> {
        let path = |part: &Part| {
            keys::with_query("/users", &[("$filter", part.filter.as_str()), ("$select", select)])
        };
        let paths: Vec<String> = parts.iter().map(path).collect();
        let outcomes = batch::get_all(self.client(), &paths, Needs::Users).await;
        parts.iter().zip(outcomes).collect()
    }
}

/// Whether somebody has to be asked for by itself: a filter did not show it, or was refused. After a failure that
/// was waited out patiently the next question would fail as well.
pub fn is_to_be_asked_alone<T>(answer: &Among<T>) -> bool {
    match answer {
        Ok(found) => found.is_none(),
        Err(failure) => !failure.is_transient() && !failure.ends_the_run(),
    }
}

/// One filter, and where its values stand among those that were asked for.
struct Part {
    filter: String,
    places: Vec<usize>,
}

impl Part {
    /// The list goes on, where it must not: nobody knows who would come.
    fn cut_short(&self) -> Failure {
        let reason = format!("of {} users the answer is not the whole", self.places.len());
        Failure::Unreadable { asked: "GET /users".to_owned(), reason, request_id: None }
    }
}

fn of_one_kind<K: ToString>(keys: &[K], is_it: impl Fn(&K) -> bool, property: &str) -> Vec<Part> {
    let places: Vec<usize> = (0..keys.len()).filter(|at| is_it(&keys[*at])).collect();
    let part = |places: &[usize]| {
        let values: Vec<String> = places.iter().map(|at| keys::literal(&keys[*at].to_string())).collect();
        let filter = match values.as_slice() {
            [value] => format!("{property} eq {value}"),
            values => format!("{property} in ({})", values.join(",")),
        };
        Part { filter, places: places.to_vec() }
    };
    places.chunks(AMONG_MAX).map(part).collect()
}

/// What a filter shows, without what of it cannot be understood: whoever that is, is asked for by itself.
struct Whole<T> {
    entries: Vec<T>,
    /// No page follows.
    is_whole: bool,
}

/// The one with that name; none where two that differ have it.
fn the_one<'e>(entries: &'e [UserRead], key: &UserKey) -> Option<&'e UserRead> {
    let mut own = entries.iter().filter(|read| key.names(read.id, &read.upn));
    let first = own.next()?;
    own.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::graph::testing::{ADELE, AUDITING, Bench, MEGAN, batch, user};

    fn key(text: &str) -> UserKey {
        UserKey::parse(text)
    }

    fn page(users: &[Value]) -> (u16, Value) {
        (200, json!({ "value": users }))
    }

    #[tokio::test]
    async fn fifteen_names_are_one_part_and_whoever_is_not_shown_is_none() {
        let keys: Vec<UserKey> =
            (0..20).map(|at| key(&format!("o'{at}@x.com"))).chain([key(MEGAN)]).collect();
        let bench = Bench::new([batch(&[
            page(&[user(MEGAN, "megan@x.com", &[])]),
            page(&[user(ADELE, "O'3@x.com", &[])]),
            page(&[]),
        ])]);
        let found = bench.run(bench.reader().users_among(&keys, Fields::STATE)).await;
        let shown: Vec<usize> = (0..keys.len()).filter(|at| matches!(found[*at], Ok(Some(_)))).collect();
        assert_eq!(shown, [3, 20]);
        assert!(found.iter().all(Result::is_ok));
        let urls = bench.urls();
        assert!(
            urls[0].starts_with(&format!("/users?$filter=id%20eq%20%27{MEGAN}%27&$select=id,")),
            "{urls:?}"
        );
        assert!(urls[1].contains("userPrincipalName%20in%20%28%27o%27%270@x.com%27,%27o%27%271@x.com%27,"));
        assert_eq!(
            (urls.len(), urls[1].matches("@x.com").count(), urls[2].matches("@x.com").count()),
            (3, 15, 5)
        );
    }

    #[tokio::test]
    async fn a_filter_that_fails_says_nothing_about_anybody_and_one_that_goes_on_only_about_whom_it_shows() {
        let more = json!({ "value": [user(ADELE, "adele@x.com", &[])], "@odata.nextLink": "https://graph.microsoft.com/v1.0/x" });
        let error = json!({ "error": { "code": "Authorization_RequestDenied", "message": "no" } });
        for (status, body, adele) in [(200, more, true), (403, error, false)] {
            let bench = Bench::new([batch(&[(status, body)])]);
            let keys = [key("adele@x.com"), key("megan@x.com")];
            let found = bench.run(bench.reader().users_among(&keys, Fields::STATE)).await;
            assert_eq!(matches!(found[0], Ok(Some(_))), adele);
            assert!(found[1].is_err());
        }
    }

    #[tokio::test]
    async fn what_cannot_be_understood_is_not_shown_and_two_that_differ_are_neither() {
        let twice = [user(ADELE, "adele@x.com", &[]), user(MEGAN, "adele@x.com", &[])];
        for users in [vec![json!({ "id": ADELE, "userPrincipalName": "adele@x.com" })], twice.to_vec()] {
            let bench = Bench::new([batch(&[page(&users)])]);
            let found = bench.run(bench.reader().users_among(&[key("adele@x.com")], Fields::STATE)).await;
            assert_eq!(found, [Ok(None)]);
        }
    }

    #[tokio::test]
    async fn dates_come_by_filters_too() {
        let plans = json!([{ "servicePlanId": AUDITING, "capabilityStatus": "Enabled" }]);
        let bench = Bench::new([batch(&[page(&[json!({ "id": ADELE, "assignedPlans": plans })])])]);
        let ids = [ADELE, MEGAN].map(|id| id.parse::<UserId>().expect("an id"));
        let found = bench.run(bench.reader().dates_among(&ids)).await;
        assert_eq!(found[0].as_ref().map(|dates| dates.as_ref().map(Vec::len)), Ok(Some(1)));
        assert_eq!(found[1], Ok(None));
        assert!(bench.urls()[0].ends_with("&$select=id,assignedPlans"));
    }
}
