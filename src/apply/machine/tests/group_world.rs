//! The same for a group: its members follow one by one, and "complete" may be that of the run before.
//! Nobody edits here, so the promise is about the gate: the on is not sent before every member was off,
//! unless the gate ran out.

use proptest::prelude::*;

use super::*;

/// How the tenant is: how long each member takes, how long "complete" stays stale, and what comes.
#[derive(Clone, Debug)]
struct Fate {
    members: [i64; 2],
    stale_complete: i64,
    bytes: Vec<u8>,
}

/// A group with two members, and the writes that reached it.
struct Tenant {
    fate: Fate,
    writes: Vec<(Timestamp, bool)>,
}

struct Died;

fn passed(from: Timestamp, seconds: i64, now: Timestamp) -> bool {
    now >= later(from, SignedDuration::from_secs(seconds))
}

impl Tenant {
    fn next(&mut self) -> Option<u8> {
        self.fate.bytes.pop()
    }

    fn list_is_on(&self, moment: Timestamp) -> bool {
        self.writes.iter().rev().find(|(at, _)| *at <= moment).is_none_or(|(_, on)| *on)
    }

    fn member_is_on(&self, member: usize, moment: Timestamp) -> bool {
        let arrived = |at: &Timestamp| passed(*at, self.fate.members[member], moment);
        self.writes.iter().rev().find(|(at, _)| arrived(at)).is_none_or(|(_, on)| *on)
    }

    fn processing(&self, moment: Timestamp) -> Processing {
        let Some((at, _)) = self.writes.iter().rev().find(|(at, _)| *at <= moment) else {
            return Processing::Complete;
        };
        let takes = self.fate.members.into_iter().max().unwrap_or(0);
        if !passed(*at, self.fate.stale_complete, moment) || passed(*at, takes, moment) {
            return Processing::Complete;
        }
        Processing::InProgress
    }

    /// The group and each member may come from replicas of their own.
    fn read(&mut self, now: Timestamp, members: bool) -> Event {
        let mut moment = || {
            let lag = self.next().map_or(0, |byte| i64::from(byte) % 61);
            later(now, SignedDuration::from_secs(-lag))
        };
        let (group, first, second) = (moment(), moment(), moment());
        let has = |on: bool| if on { Has::On } else { Has::Off };
        let shown = [has(self.member_is_on(0, first)), has(self.member_is_on(1, second))];
        Event::Seen(legal(self.list_is_on(group), self.processing(group), members.then_some(&shown)))
    }

    fn write(&mut self, fresh: &[Licensed], direction: Direction, story: &Story) -> Result<Event, Died> {
        let fate = self.next().map_or(7, |byte| byte % 12);
        if !matches!(fate, 1..=3) {
            self.writes.push((story.now, direction == Direction::On));
        }
        match fate {
            0 | 1 => Ok(Event::InDoubt { retry_after: SignedDuration::ZERO, trouble: trouble("lost") }),
            2 => Ok(Event::Busy { retry_after: SignedDuration::ZERO, trouble: trouble("busy") }),
            3 | 4 => Err(Died),
            _ => Ok(Event::Wrote { request_id: None, sent: edited(fresh, direction, &story.catalog).0 }),
        }
    }
}

fn check(story: &Story, before: usize, tenant: &Tenant) {
    let closed = story.records[before..].iter().any(|record| matches!(record.entry, Entry::Closed { .. }));
    assert!(!closed || tenant.list_is_on(story.now), "closed while the group is off");
    let first_on =
        story.records.iter().filter(|record| matches!(record.entry, Entry::OnIntent { .. })).count() == 1;
    let turns_on = story.last.iter().any(|command| matches!(command, Command::TurnOn(_)));
    let off_at = story.records.iter().find_map(|record| match record.entry {
        Entry::OffDone { off_at, .. } => Some(off_at),
        _ => None,
    });
    let Some(off_at) = off_at.filter(|_| turns_on && first_on) else { return };
    let all_off = (0..2).all(|member| !tenant.member_is_on(member, story.now));
    let gate_ran_out = story.now >= later(off_at, story.machine.job().gate);
    assert!(all_off || gate_ran_out, "the on was sent before every member was off");
}

fn run(story: &mut Story, tenant: &mut Tenant) -> Result<(), Died> {
    let mut event = Event::Start;
    for _ in 0..3_000 {
        let before = story.records.len();
        story.happens(event);
        check(story, before, tenant);
        event = match story.last.last().cloned() {
            None | Some(Command::Record(_)) => return Ok(()),
            Some(Command::Read { at, members }) => {
                story.now = story.now.max(at);
                tenant.read(story.now, members)
            }
            Some(Command::Wake(at)) => {
                story.now = at;
                Event::Tick
            }
            Some(Command::TurnOff(fresh)) => tenant.write(&fresh, Direction::Off, story)?,
            Some(Command::TurnOn(fresh)) => tenant.write(&fresh, Direction::On, story)?,
        };
    }
    panic!("it goes on for ever");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_group_is_on_in_the_end_and_not_before_every_member_was_off(
        first in 0_i64..9_000,
        second in 0_i64..600,
        stale_complete in 0_i64..60,
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut tenant = Tenant { fate: Fate { members: [first, second], stale_complete, bytes }, writes: Vec::new() };
        let mut story = Story::group_toggle();
        for _ in 0..100 {
            let _ = run(&mut story, &mut tenant);
            let now = later(story.now, SignedDuration::from_secs(tenant.next().map_or(300, i64::from)));
            match story.resumed_after(story.records.len(), now) {
                Some(next) => story = next,
                None => break,
            }
        }
        prop_assert!(replay(&story.records, story.now).in_flight.is_empty(), "it comes to an end");
        prop_assert!(tenant.list_is_on(story.now));
    }
}
