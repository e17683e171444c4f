//! How many people may be off at once, and whose toggle may start. Pure.

/// The room under `maxOff`.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// How many people may be off at the same time.
    pub max_off: u64,
    /// How many are, by unfinished toggles of ours.
    pub off: u64,
}

impl Room {
    /// Whether a toggle of that many people may start now. A group cannot be split: one that is
    /// larger than `maxOff` goes alone, with nothing else off meanwhile (DESIGN 4).
    pub fn fits(self, people: u64) -> bool {
        self.off == 0 || self.off.saturating_add(people) <= self.max_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toggles_start_until_the_room_is_full() {
        assert!(Room { max_off: 10, off: 9 }.fits(1));
        assert!(!Room { max_off: 10, off: 10 }.fits(1));
    }

    #[test]
    fn a_group_larger_than_the_room_goes_alone() {
        assert!(Room { max_off: 10, off: 0 }.fits(40));
        assert!(!Room { max_off: 10, off: 1 }.fits(40));
        assert!(!Room { max_off: 10, off: 40 }.fits(1));
    }

    #[test]
    fn with_no_room_at_all_one_goes_at_a_time() {
        assert!(Room { max_off: 0, off: 0 }.fits(1));
        assert!(!Room { max_off: 0, off: 1 }.fits(1));
    }
}
