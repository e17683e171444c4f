//! How many writes may be in flight at once. Directory writes conflict with each other in a whole
//! tenant (GRAPH 4.5), and how many it takes is not published, so it is found out: careful at first,
//! one more after a round without a conflict, half as many after one. A height that brought a conflict
//! is tried again later and later. Pure.

/// More would not help: at twenty writes a second (GRAPH 8.1) that many are in flight when each takes
/// more than a second and a half.
const MOST: u32 = 32;

/// How many writes have to go well after a conflict before one more is let in; doubled each time.
const CALM_AFTER_CONFLICT: u32 = 32;

/// The most of that.
const CALM_MAX: u32 = 1_024;

/// How many writes may be in flight.
#[derive(Debug)]
pub struct Window {
    allowed: u32,
    in_flight: u32,
    /// Writes that went well since the last change.
    calm: u32,
    /// How many are wanted before the next one is let in.
    calm_wanted: u32,
    /// Counts the times it was halved.
    halved: u32,
}

/// One write that left, to be handed back with what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    halved_before: u32,
    beside_others: bool,
}

impl Window {
    /// One at a time, to begin with.
    pub fn new() -> Self {
        Window { allowed: 1, in_flight: 0, calm: 0, calm_wanted: 1, halved: 0 }
    }

    /// Whether another one may leave now.
    pub fn is_open(&self) -> bool {
        self.in_flight < self.allowed
    }

    /// One leaves.
    pub fn leave(&mut self) -> Left {
        self.in_flight += 1;
        Left { halved_before: self.halved, beside_others: self.in_flight > 1 }
    }

    /// One is over, whatever became of it.
    pub fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// It went well.
    pub fn went_well(&mut self) {
        self.calm += 1;
        if self.calm >= self.calm_wanted && self.allowed < MOST {
            self.allowed += 1;
            self.calm = 0;
            let was_hurt = self.halved > 0;
            self.calm_wanted = if was_hurt { self.calm_wanted.max(self.allowed) } else { self.allowed };
        }
    }

    /// It met another write. One that was alone met somebody else's, which fewer of ours do not help.
    pub fn met_another(&mut self, left: Left) {
        if left.halved_before != self.halved || (self.allowed == 1 && !left.beside_others) {
            return;
        }
        self.halved += 1;
        self.allowed = (self.allowed / 2).max(1);
        self.calm = 0;
        let before = if self.halved > 1 { self.calm_wanted } else { CALM_AFTER_CONFLICT / 2 };
        self.calm_wanted = before.saturating_mul(2).clamp(CALM_AFTER_CONFLICT, CALM_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends rounds of as many writes as may be in flight to a tenant in which more than `most` at once
    /// meet; gives the share that met, and how many were in flight at the end.
    fn send(writes: u32, most: u32) -> (f64, u32) {
        let mut window = Window::new();
        let (mut sent, mut met) = (0, 0);
        while sent < writes {
            let mut round = Vec::new();
            while window.is_open() {
                round.push(window.leave());
            }
            for (at, left) in (1_u32..).zip(&round) {
                sent += 1;
                if at > most {
                    met += 1;
                    window.met_another(*left);
                } else {
                    window.went_well();
                }
                window.end();
            }
        }
        (f64::from(met) / f64::from(sent), window.allowed)
    }

    #[test]
    fn a_tenant_that_minds_nothing_gets_as_many_as_help() {
        assert_eq!(send(1_500, 1_000), (0.0, MOST));
    }

    #[test]
    fn a_tenant_that_refuses_what_overlaps_is_seldom_tried() {
        for (most, share) in [(1, 0.01), (3, 0.01), (8, 0.02)] {
            let (met, allowed) = send(1_500, most);
            assert!(met < share, "more than {most} at once: {met:.3} met");
            assert!(allowed <= most + 1, "{allowed} at the end");
        }
    }

    #[test]
    fn conflicts_of_writes_that_left_together_count_once() {
        let mut window = Window::new();
        while window.allowed < 8 {
            window.went_well();
        }
        let round: Vec<Left> = (0..8).map(|_| window.leave()).collect();
        round.into_iter().for_each(|left| window.met_another(left));
        assert_eq!(window.allowed, 4);
    }

    #[test]
    fn one_that_was_alone_met_somebody_elses() {
        let mut window = Window::new();
        let left = window.leave();
        window.met_another(left);
        window.end();
        window.went_well();
        assert_eq!(window.allowed, 2);
    }
}
