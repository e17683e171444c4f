//! The people of a population who are members of one group: computed, never listed.

use std::sync::Arc;

use super::{Person, Population, Source};
use crate::model::{GroupId, UserId};

/// The people of a population that are members of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Crowd {
    population: Arc<Population>,
    group: GroupId,
    /// Which source it is, or which of the groups without licenses.
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Source(usize),
    Plain(usize),
}

impl Crowd {
    /// The members of that group; none where the population names no such group.
    pub fn of(population: &Arc<Population>, group: GroupId) -> Option<Self> {
        let is_it = |source: &Source| matches!(source, Source::Group(id, _) if *id == group);
        let source = population.sources.iter().position(|(_, source)| is_it(source)).map(Place::Source);
        let plain = || population.plain_groups.iter().position(|(id, _)| *id == group).map(Place::Plain);
        let place = source.or_else(plain)?;
        Some(Crowd { population: Arc::clone(population), group, place })
    }

    /// Whether that user is one of them.
    pub fn has(&self, id: UserId) -> bool {
        self.population.by_id(id).is_some_and(|person| self.takes(person))
    }

    fn takes(&self, person: Person<'_>) -> bool {
        match self.place {
            Place::Source(place) => person.source() == place,
            Place::Plain(place) => {
                let draw = person.draw_for(self.group);
                self.population.plain_groups[place].1.hits(draw)
            }
        }
    }

    /// Those from that number on.
    pub fn people_from(&self, number: u64) -> impl Iterator<Item = Person<'_>> {
        let all = (number..self.population.len()).map(|number| self.population.person(number));
        all.filter(|person| self.takes(*person))
    }
}
