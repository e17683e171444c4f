//! Many users as a list: everybody, or whoever holds some license, in one lane or in several at once.
//!
//! One list comes page by page, each after the one before, so where an answer takes long the time goes into waiting.
//! Several lists side by side do not, and cost a few requests more: each ends with a page that is not full.

use std::cell::RefCell;

use futures_util::future::{ready, try_join};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::convert::Malformed;
use super::error::Failure;
use super::fields::Fields;
use super::page::{self, Step};
use super::permission::Needs;
use super::prefixes::Parted;
use super::read::{Listed, PAGE, Reader, give, holds};
use super::{AMONG_MAX, keys, wire};
use crate::model::{SignedDuration, SkuId};

/// Lanes where nobody says how many: more than that are rarely faster, since what comes has to be read too.
const LANES: usize = 8;

/// With dates a page has ten megabytes, and each lane holds one or two.
const LANES_WITH_DATES: usize = 2;

/// Below so many pages the requests that lanes cost are felt.
const PAGES_WORTH_LANES: u64 = 40;

/// The share of the pages that lanes may cost more.
const LANES_COST_MAX: f64 = 0.05;

/// An answer that takes less is not waited for: what takes time is to read it.
const WORTH_LANES: SignedDuration = SignedDuration::from_millis(20);

/// How many lists of users are read at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// As many as are worth it.
    #[default]
    Auto,
    /// So many, whatever it costs.
    Exactly(usize),
}

/// A list of users.
#[derive(Clone, Debug)]
pub struct Scan {
    /// How much is asked of each.
    pub fields: Fields,
    /// Only whoever holds one of these; everybody where none is named.
    pub holding: Vec<SkuId>,
    /// In how many lanes.
    pub lanes: Lanes,
    /// How many pages are expected.
    pub pages: u64,
}

/// How a list was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// Page after page, to the last one.
    InOneLane,
    /// In parts, while Graph counted so many, if it counts at all. What came is the whole where it is as many.
    InLanes(Option<u64>),
}

impl Scan {
    /// The most licenses that one filter can name.
    pub const HOLDING_MAX: usize = AMONG_MAX;

    /// The `$filter`, of everybody or of those whose UPN begins so; none where everybody is meant.
    fn filter(&self, beginnings: &[String]) -> Option<String> {
        let begins = |prefix: &String| format!("startsWith(userPrincipalName,{})", keys::literal(prefix));
        let holding = any(self.holding.iter().map(holds));
        let beginning = any(beginnings.iter().map(begins));
        match (holding, beginning) {
            (Some(holding), Some(beginning)) => Some(format!("({holding}) and ({beginning})")),
            (holding, beginning) => holding.or(beginning),
        }
    }

    /// The most beginnings that one list can name beside the licenses.
    fn beginnings_max(&self) -> usize {
        let licenses = if self.holding.len() > 1 { self.holding.len() } else { 0 };
        AMONG_MAX.saturating_sub(licenses)
    }

    /// In how many lanes it would be read at the most.
    pub fn lanes(&self) -> usize {
        let lanes = match self.lanes {
            Lanes::Exactly(lanes) => lanes,
            Lanes::Auto if self.pages < PAGES_WORTH_LANES => 1,
            Lanes::Auto if self.fields.dates => LANES_WITH_DATES,
            Lanes::Auto => LANES,
        };
        if self.beginnings_max() == 0 { 1 } else { lanes }
    }

    /// The lanes that are worth it, now that it is known how long an answer takes and how names begin.
    fn parted(&self, sample: &[Listed], lanes: usize, took: SignedDuration) -> Option<Parted> {
        let names = sample.iter().filter_map(|one| match one {
            Listed::User(read) => Some(read.upn.as_str()),
            Listed::Unreadable(_) | Listed::FromTheStart => None,
        });
        let names: Vec<&str> = names.collect();
        let halves = std::iter::successors(Some(lanes), |lanes| Some(lanes / 2));
        let mut parted = halves
            .take_while(|lanes| *lanes > 1)
            .map(|lanes| Parted::by(&names, lanes, self.beginnings_max()));
        parted.find(|parted| self.is_worth(parted, took))
    }

    /// Whether these lanes cost little enough, and save waiting.
    fn is_worth(&self, parted: &Parted, took: SignedDuration) -> bool {
        // Of each list the last page is half empty, and the sample and the count are requests too.
        let more = parted.lists() as f64 / 2.0 + 2.0;
        match self.lanes {
            Lanes::Exactly(_) => true,
            Lanes::Auto => took >= WORTH_LANES && more <= self.pages as f64 * LANES_COST_MAX,
        }
    }
}

fn any(clauses: impl Iterator<Item = String>) -> Option<String> {
    let clauses: Vec<String> = clauses.collect();
    (!clauses.is_empty()).then(|| clauses.join(" or "))
}

impl Reader {
    /// The users of that list, as [`Reader::each_user`] gives all of them; in lanes some may be given twice.
    pub async fn scan(&self, scan: &Scan, each: &mut dyn FnMut(Listed)) -> Result<Scanned, Failure> {
        let lanes = scan.lanes();
        if lanes < 2 {
            return self.in_one_lane(scan, each).await;
        }
        let began = self.client().ticks();
        let mut first = Vec::new();
        let ask = self.list(&query(scan, scan.filter(&[]).as_deref()));
        let mut take = |users| give(users, &mut |one| first.push(one));
        if !page::first(self.client(), &ask, "user", &mut take).await? {
            first.into_iter().for_each(each);
            return Ok(Scanned::InOneLane);
        }
        let took = self.client().ticks().saturating_sub(began);
        let Some(parted) = scan.parted(&first, lanes, took) else {
            return self.in_one_lane(scan, each).await;
        };
        match self.in_lanes(scan, &parted, each).await {
            // What Graph does not take as a filter or cannot count, it lists.
            Err(failure) if failure.is_not_taken() => {
                each(Listed::FromTheStart);
                self.in_one_lane(scan, each).await
            }
            scanned => scanned,
        }
    }

    async fn in_one_lane(&self, scan: &Scan, each: &mut dyn FnMut(Listed)) -> Result<Scanned, Failure> {
        self.each_listed(&query(scan, scan.filter(&[]).as_deref()), each).await?;
        Ok(Scanned::InOneLane)
    }

    async fn in_lanes(
        &self,
        scan: &Scan,
        parted: &Parted,
        each: &mut dyn FnMut(Listed),
    ) -> Result<Scanned, Failure> {
        let each = RefCell::new(each);
        let give = |users: Vec<Result<wire::User, Malformed>>| give(users, &mut **each.borrow_mut());
        let lane = |lists: &Vec<Vec<String>>| {
            let asks: Vec<_> =
                lists.iter().map(|list| self.list(&query(scan, scan.filter(list).as_deref()))).collect();
            async move {
                for ask in asks {
                    // Whoever comes again is the same, or disputed.
                    page::each_page(self.client(), ask, "user", &mut |step| {
                        if let Step::Page(_, users) = step {
                            give(users);
                        }
                        Ok(())
                    })
                    .await?;
                }
                Ok::<(), Failure>(())
            }
        };
        let lanes: Vec<_> = parted.lanes.iter().map(lane).collect();
        let at_once = lanes.len();
        let done = stream::iter(lanes).buffer_unordered(at_once).try_for_each(|()| ready(Ok(())));
        let (counted, ()) = try_join(self.count(scan), done).await?;
        Ok(Scanned::InLanes(counted))
    }

    /// How many users such a list has, by the index that can count. It lags (GRAPH 2.3): a number to compare with,
    /// and to choose by. None where the answer does not say.
    pub async fn count(&self, scan: &Scan) -> Result<Option<u64>, Failure> {
        let mut query = vec![("$count", "true"), ("$top", "1"), ("$select", "id")];
        let filter = scan.filter(&[]);
        query.extend(filter.as_deref().map(|filter| ("$filter", filter)));
        let ask = self.client().get(&keys::with_query("/users", &query), Needs::Users).eventual();
        let counted =
            self.client().read_as(&ask, |answer| answer.json::<wire::Object<wire::Counted>>()).await?;
        let (_, wire::Object(counted)) = counted;
        Ok(counted.count.and_then(|count| count.parse().ok()))
    }
}

fn query<'q>(scan: &Scan, filter: Option<&'q str>) -> Vec<(&'static str, &'q str)> {
    let mut query = vec![PAGE, ("$select", scan.fields.select())];
    query.extend(filter.map(|filter| ("$filter", filter)));
    query
}
