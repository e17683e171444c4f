//! Breadth first search of everything that can happen in a model: each state once, the shortest way to a
//! broken promise, and states from which a calm world does not come to a good end.
//!
//! A state is remembered by 128 bits of hash and by the action that led to it, so that millions fit; a
//! way is told by taking its actions again from the start.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// What is searched.
pub trait Model {
    /// All that decides what may happen next.
    type State;
    /// One thing that may happen.
    type Action: Copy;

    /// Where it begins.
    fn start(&self) -> Self::State;
    /// All that may happen next.
    fn actions(&self, state: &Self::State) -> Vec<Self::Action>;
    /// What comes of it, or the promise that it breaks.
    fn next(&self, state: &Self::State, action: Self::Action) -> Result<Self::State, String>;
    /// What tells this state from all others.
    fn fingerprint(&self, state: &Self::State) -> u128;
    /// Whether it happens also when nothing goes wrong any more.
    fn is_calm(&self, action: Self::Action) -> bool;
    /// Whether nothing is left to do and all is as it was promised to be in the end.
    fn is_good_end(&self, state: &Self::State) -> bool;
}

/// What a search found.
#[derive(Debug)]
pub struct Found<A> {
    /// How many states there are.
    pub states: usize,
    /// How many actions were tried.
    pub transitions: usize,
    /// How many actions the farthest state is away.
    pub depth: usize,
    /// What is to be said of them.
    pub verdict: Verdict<A>,
}

/// What is to be said of all that can happen.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<A> {
    /// No promise breaks, and whatever happened, a calm world comes to a good end.
    Holds,
    /// An action breaks a promise; no shorter way does.
    Broken {
        /// Which.
        what: String,
        /// All actions, from the start.
        way: Vec<A>,
    },
    /// A calm world goes round in circles, or stands still short of a good end.
    NoGoodEnd {
        /// All actions up to there.
        way: Vec<A>,
        /// How many of them lead to where it can no longer be avoided.
        until: usize,
    },
    /// There are more states than allowed.
    TooMany,
}

/// How a state was reached first.
struct Reached<A> {
    from: u32,
    by: Option<A>,
    depth: u32,
}

struct Search<'a, M: Model> {
    model: &'a M,
    reached: Vec<Reached<M::Action>>,
    seen: HashMap<u128, u32, BuildHasherDefault<AsItIs>>,
    ahead: VecDeque<(u32, M::State)>,
    /// From where to where by calm actions, in the order of the first.
    calm: Vec<(u32, u32)>,
    good: Vec<u32>,
    transitions: usize,
}

/// Searches everything, or up to so many states.
pub fn search<M: Model>(model: &M, most_states: usize) -> Found<M::Action> {
    let mut search = Search {
        model,
        reached: Vec::new(),
        seen: HashMap::default(),
        ahead: VecDeque::new(),
        calm: Vec::new(),
        good: Vec::new(),
        transitions: 0,
    };
    search.reach(model.start(), 0, None);
    let verdict = search.run(most_states);
    Found {
        states: search.reached.len(),
        transitions: search.transitions,
        depth: search.reached.last().map_or(0, |last| last.depth as usize),
        verdict,
    }
}

impl<M: Model> Search<'_, M> {
    fn run(&mut self, most_states: usize) -> Verdict<M::Action> {
        while let Some((from, state)) = self.ahead.pop_front() {
            if self.model.is_good_end(&state) {
                self.good.push(from);
            }
            for action in self.model.actions(&state) {
                self.transitions += 1;
                match self.model.next(&state, action) {
                    Ok(next) => {
                        let to = self.reach(next, from, Some(action));
                        if self.model.is_calm(action) {
                            self.calm.push((from, to));
                        }
                    }
                    Err(what) => {
                        let mut way = self.way_to(from);
                        way.push(action);
                        return Verdict::Broken { what, way };
                    }
                }
            }
            if self.reached.len() > most_states {
                return Verdict::TooMany;
            }
        }
        self.judge_ends()
    }

    /// The number of a state; one that is new is looked at later.
    fn reach(&mut self, state: M::State, from: u32, by: Option<M::Action>) -> u32 {
        let next = u32::try_from(self.reached.len()).expect("fewer states than the bound");
        match self.seen.entry(self.model.fingerprint(&state)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                place.insert(next);
                let depth = if by.is_some() { self.reached[from as usize].depth + 1 } else { 0 };
                self.reached.push(Reached { from, by, depth });
                self.ahead.push_back((next, state));
                next
            }
        }
    }

    fn way_to(&self, state: u32) -> Vec<M::Action> {
        let mut way = Vec::new();
        let mut at = &self.reached[state as usize];
        while let Some(by) = at.by {
            way.push(by);
            at = &self.reached[at.from as usize];
        }
        way.reverse();
        way
    }

    /// Every calm way from every state has to end well: a state is sound when it is a good end, or when
    /// something calm can happen and all that can leads to sound states. What is left over goes round in
    /// circles or stands still.
    fn judge_ends(&mut self) -> Verdict<M::Action> {
        let states = self.reached.len();
        let mut open = vec![0_u32; states];
        self.calm.iter().for_each(|(from, _)| open[*from as usize] += 1);
        self.calm.sort_unstable_by_key(|(_, to)| *to);
        let mut sound = vec![false; states];
        let mut ahead = self.good.clone();
        while let Some(to) = ahead.pop() {
            if std::mem::replace(&mut sound[to as usize], true) {
                continue;
            }
            let first = self.calm.partition_point(|(_, other)| *other < to);
            for (from, _) in self.calm[first..].iter().take_while(|(_, other)| *other == to) {
                open[*from as usize] -= 1;
                if open[*from as usize] == 0 {
                    ahead.push(*from);
                }
            }
        }
        match sound.iter().position(|sound| !sound) {
            None => Verdict::Holds,
            Some(doomed) => self.doomed(u32::try_from(doomed).expect("a state's number"), &sound),
        }
    }

    /// The way to the first state that does not end well, and on until it comes round or stands still.
    fn doomed(&self, first: u32, sound: &[bool]) -> Verdict<M::Action> {
        let mut way = self.way_to(first);
        let until = way.len();
        let mut state = self.model.start();
        for action in &way {
            state = self.model.next(&state, *action).expect("it went well before");
        }
        let mut been = vec![first];
        'on: loop {
            for action in self.model.actions(&state) {
                if !self.model.is_calm(action) {
                    continue;
                }
                let next = self.model.next(&state, action).expect("it went well before");
                let number = self.seen[&self.model.fingerprint(&next)];
                if sound[number as usize] {
                    continue;
                }
                way.push(action);
                if been.contains(&number) {
                    break 'on;
                }
                been.push(number);
                state = next;
                continue 'on;
            }
            break;
        }
        Verdict::NoGoodEnd { way, until }
    }
}

/// Fingerprints are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are looked up");
    }

    #[expect(clippy::cast_possible_truncation, reason = "half of the bits are enough to find its place")]
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}
