//! Everybody in several lists at once: the users of a tenant parted by how their UPN begins. Pure.
//!
//! The beginnings of one part are a closed set: each character that a UPN may have in that place, whether somebody
//! was seen there or not. So together the parts hold everybody, unless Microsoft takes new characters into UPNs;
//! whoever uses them holds what came against Graph's own count.

/// Every character that the part of a UPN in front of the `@` may have. Capitals are the same (GRAPH 2.4).
const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789.-_'!#$%&*+/=?^`{|}~";

/// The beginning ends here: behind it is the domain, which many share.
const END: char = '@';

/// A lane that takes longer than that times its share is parted further; and so much more is put up with each
/// time, because each time costs some lists.
const LOPSIDED: f64 = 1.1;
const LOPSIDED_MORE: f64 = 0.03;

/// How often one beginning is parted into the next characters: each time costs a list of those that hold nobody.
const SPLITS_MAX: usize = 16;

/// One beginning, and how many of the sample have it.
#[derive(Clone, Debug)]
struct Leaf {
    prefix: String,
    seen: usize,
}

/// Lists that together hold everybody, lane by lane; each is some beginnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// What each lane goes through, one list after the other.
    pub lanes: Vec<Vec<Vec<String>>>,
}

impl Parted {
    /// So many lanes of about the same length, going by a sample of UPNs; no list of more than `most` beginnings.
    pub fn by(sample: &[&str], lanes: usize, most: usize) -> Parted {
        let names: Vec<String> = sample.iter().map(|name| name.to_lowercase()).collect();
        let mut leaves = below("", &names);
        let share = names.len() as f64 / lanes as f64;
        for splits in 0..SPLITS_MAX {
            let longest = dealt(&leaves, lanes).iter().map(|lane| seen(lane)).max().unwrap_or(0);
            if longest as f64 <= share * (LOPSIDED + LOPSIDED_MORE * splits as f64) {
                break;
            }
            let heaviest = (0..leaves.len()).max_by_key(|at| leaves[*at].seen);
            let Some(at) = heaviest.filter(|at| !leaves[*at].prefix.ends_with(END)) else { break };
            let heaviest = leaves.swap_remove(at);
            leaves.extend(below(&heaviest.prefix, &names));
        }
        let lists = |lane: Vec<Leaf>| {
            let prefixes: Vec<String> = lane.into_iter().map(|leaf| leaf.prefix).collect();
            prefixes.chunks(most.max(1)).map(<[String]>::to_vec).collect()
        };
        Parted { lanes: dealt(&leaves, lanes).into_iter().map(lists).collect() }
    }

    /// How many lists there are. Each costs at least a request.
    pub fn lists(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }
}

/// What can follow a beginning.
fn below(prefix: &str, names: &[String]) -> Vec<Leaf> {
    let end = (!prefix.is_empty()).then_some(END);
    let leaf = |next: char| {
        let prefix = format!("{prefix}{next}");
        Leaf { seen: names.iter().filter(|name| name.starts_with(&prefix)).count(), prefix }
    };
    CHARACTERS.chars().chain(end).map(leaf).collect()
}

/// The longest first, each to the lane that has least.
fn dealt(leaves: &[Leaf], lanes: usize) -> Vec<Vec<Leaf>> {
    let mut sorted = leaves.to_vec();
    sorted.sort_by(|one, other| other.seen.cmp(&one.seen).then_with(|| one.prefix.cmp(&other.prefix)));
    let mut dealt: Vec<Vec<Leaf>> = vec![Vec::new(); lanes.max(1)];
    for leaf in sorted {
        // Those in which nobody was seen fill up the lists that there are.
        let key = |lane: &Vec<Leaf>| if leaf.seen > 0 { (seen(lane), lane.len()) } else { (0, lane.len()) };
        if let Some(lane) = dealt.iter_mut().min_by_key(|lane| key(lane)) {
            lane.push(leaf);
        }
    }
    dealt
}

fn seen(lane: &[Leaf]) -> usize {
    lane.iter().map(|leaf| leaf.seen).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn parted(names: &[String], lanes: usize) -> Parted {
        Parted::by(&names.iter().map(String::as_str).collect::<Vec<_>>(), lanes, 15)
    }

    /// How many of those names come in each lane.
    fn loads(parted: &Parted, names: &[String]) -> Vec<usize> {
        let is_in = |lane: &Vec<Vec<String>>, name: &str| {
            lane.iter().flatten().filter(|prefix| name.to_lowercase().starts_with(prefix.as_str())).count()
        };
        parted.lanes.iter().map(|lane| names.iter().map(|name| is_in(lane, name)).sum()).collect()
    }

    proptest! {
        #[test]
        fn whoever_there_is_comes_in_exactly_one_list(
            names in prop::collection::vec("[a-zA-Z0-9.'_#$-]{1,12}@[a-z]{1,5}\\.com", 1..60),
            others in prop::collection::vec("[a-z0-9!%^~{}]{1,9}@x.com", 1..20),
            lanes in 1_usize..9,
        ) {
            let parted = parted(&names, lanes);
            let mut in_lists: BTreeMap<&String, usize> = BTreeMap::new();
            for name in names.iter().chain(&others) {
                let lists = parted.lanes.iter().flatten();
                let holding = lists.filter(|list| list.iter().any(|prefix| name.to_lowercase().starts_with(prefix.as_str())));
                in_lists.insert(name, holding.count());
            }
            prop_assert!(in_lists.values().all(|count| *count == 1), "{in_lists:?}");
            prop_assert!(parted.lanes.iter().flatten().all(|list| list.len() <= 15));
        }
    }

    #[test]
    fn names_that_all_begin_alike_are_told_apart_further_on() {
        let names: Vec<String> =
            (0..1000).map(|at| format!("user{:06}@contoso.com", at * 977 % 1_000_000)).collect();
        let parted = parted(&names, 8);
        let longest = loads(&parted, &names).into_iter().max().expect("lanes");
        assert!(longest <= 160, "{longest} of 1000");
        assert!(parted.lists() < 45, "{} lists", parted.lists());
    }

    #[test]
    fn names_of_people_take_few_lists_a_lane() {
        let firsts =
            ["adele", "alex", "megan", "lidia", "grady", "henri", "joni", "patti", "nestor", "isaiah"];
        let names: Vec<String> =
            (0..999).map(|at| format!("{}.{at}@contoso.com", firsts[at * 7 % firsts.len()])).collect();
        let parted = parted(&names, 4);
        assert!(parted.lists() <= 20, "{} lists", parted.lists());
        let longest = loads(&parted, &names).into_iter().max().expect("lanes");
        assert!(longest <= 310, "{longest}");
    }

    #[test]
    fn a_sample_that_says_nothing_still_holds_everybody() {
        let one = ["same@contoso.com".to_owned()];
        let parted = parted(&one, 8);
        assert_eq!(loads(&parted, &one).iter().sum::<usize>(), 1);
        assert_eq!(loads(&parted, &["zoe@x.com".to_owned()]).iter().sum::<usize>(), 1);
    }
}
