//! A user in a tenant of its own that lags, loses answers and is edited by other people, and a run that
//! dies now and then. Whatever happens, what we turned off we turn on.
//!
//! The world is a list of how things stood and since when; a read picks a moment of the last minute.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// How long a replica may lag.
const LAG_SECONDS: i64 = 60;

/// How the user stood from a moment on.
#[derive(Clone, Debug)]
struct Stood {
    since: Timestamp,
    /// The list of the direct license; none when it is taken away.
    disabled: Option<BTreeSet<ServicePlanId>>,
    /// It is off, and it was our write that did it.
    off_by_us: bool,
    /// Deleted; it may come back as it was.
    is_deleted: bool,
}

/// What comes, one byte for each decision; when they are used up, all is calm.
struct Fate(VecDeque<u8>);

impl Fate {
    fn next(&mut self) -> Option<u8> {
        self.0.pop_front()
    }

    fn is_calm(&self) -> bool {
        self.0.is_empty()
    }
}

struct Tenant {
    stood: Vec<Stood>,
    fate: Fate,
    /// Whether other people edit.
    edited: bool,
}

/// The run died.
struct Died;

impl Tenant {
    fn new(fate: Vec<u8>, edited: bool) -> Self {
        let disabled = Some([OTHER].into());
        let long_ago = later(start(), SignedDuration::from_hours(-24));
        let stood = vec![Stood { since: long_ago, disabled, off_by_us: false, is_deleted: false }];
        Tenant { stood, fate: Fate(fate.into()), edited }
    }

    fn now(&self) -> &Stood {
        self.stood.last().expect("it stood somehow")
    }

    fn becomes(&mut self, now: Timestamp, disabled: Option<BTreeSet<ServicePlanId>>, ours: bool) {
        let off = disabled.as_ref().is_some_and(|list| list.contains(&SERVICE_PLAN));
        let was_off = self.now().disabled.as_ref().is_some_and(|list| list.contains(&SERVICE_PLAN));
        let off_by_us = off && if was_off { self.now().off_by_us || ours } else { ours };
        self.stood.push(Stood { since: now, disabled, off_by_us, is_deleted: false });
    }

    fn is_deleted(&mut self, now: Timestamp, is_deleted: bool) {
        let stood = Stood { since: now, is_deleted, ..self.now().clone() };
        self.stood.push(stood);
    }

    /// Other people at work, now and then; whoever was deleted is restored and nothing else.
    fn edits(&mut self, now: Timestamp) {
        if !self.edited {
            return;
        }
        if self.now().is_deleted {
            if self.fate.next().is_none_or(|byte| byte < 64) {
                self.is_deleted(now, false);
            }
            return;
        }
        let list = self.now().disabled.clone();
        let mut list = list.unwrap_or_else(|| [OTHER].into());
        match self.fate.next() {
            Some(1) => _ = list.insert(SERVICE_PLAN),
            Some(2) => _ = list.remove(&SERVICE_PLAN),
            Some(3) => return self.becomes(now, None, false),
            Some(7) => return self.is_deleted(now, true),
            Some(4..=6) => _ = list.insert(ServicePlanId(Uuid::from_u128(77))),
            Some(_) | None => return,
        }
        self.becomes(now, Some(list), false);
    }

    fn read(&mut self, now: Timestamp) -> Event {
        let lag = match self.fate.next() {
            Some(255) => return Event::Unreadable(trouble("unreadable")),
            Some(byte) => i64::from(byte) % (LAG_SECONDS + 1),
            None => 0,
        };
        let moment = later(now, SignedDuration::from_secs(-lag));
        let stood = self.stood.iter().rev().find(|one| one.since <= moment).expect("it stood somehow");
        if stood.is_deleted {
            return Event::Seen(Live::Gone);
        }
        let direct = stood.disabled.clone().map(|disabled| Assignment {
            disabled,
            updated: Some(stood.since),
            ..e5(AssignedBy::Direct, true)
        });
        Event::Seen(Live::User(person(ADELE, direct.into_iter().collect())))
    }

    fn write(&mut self, fresh: &[Licensed], direction: Direction, story: &Story) -> Result<Event, Died> {
        if self.now().is_deleted {
            return Ok(Event::Refused(trouble("not found")));
        }
        let (sent, _) = edited(fresh, direction, &story.catalog);
        let fate = self.fate.next().map_or(7, |byte| byte % 12);
        let done = !matches!(fate, 1..=4);
        if done && self.now().disabled.is_some() {
            self.becomes(story.now, Some(sent[0].disabled.clone()), direction == Direction::Off);
        }
        match fate {
            0 | 1 => Ok(Event::InDoubt { retry_after: SignedDuration::ZERO, trouble: trouble("lost") }),
            2 => Ok(Event::Busy { retry_after: SignedDuration::from_secs(3), trouble: trouble("busy") }),
            3 => Ok(Event::Refused(trouble("refused"))),
            4 | 5 => Err(Died),
            _ => Ok(Event::Wrote { request_id: None, sent }),
        }
    }
}

/// One run, from its start to its end or its death.
fn run(story: &mut Story, tenant: &mut Tenant) -> Result<(), Died> {
    let mut event = Event::Start;
    for _ in 0..2_000 {
        let before = story.records.len();
        let from = match &event {
            Event::Seen(live) => Some(live.lists(&[E5].into())),
            _ => None,
        };
        story.happens(event);
        check_records(story, before, tenant);
        check_writes(story, from.as_deref());
        if story.last.iter().any(|command| matches!(command, Command::Record(_)))
            && tenant.fate.next().is_some_and(|byte| byte % 16 == 0)
        {
            return Err(Died);
        }
        tenant.edits(story.now);
        event = match story.last.last().cloned() {
            None | Some(Command::Record(_)) => return Ok(()),
            Some(Command::Read { at, .. }) => {
                story.now = story.now.max(at);
                tenant.read(story.now)
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

/// Nothing is closed while the user is off because of us.
fn check_records(story: &Story, before: usize, tenant: &Tenant) {
    for record in &story.records[before..] {
        if let Entry::Closed { outcome, .. } = &record.entry {
            let may_be_off = outcome == "subject_gone";
            assert!(!tenant.now().off_by_us || may_be_off, "closed as {outcome} while off");
        }
    }
}

/// A write comes from the read of the same step, after the record of its intent; no on comes before
/// the wait is over.
fn check_writes(story: &Story, from: Option<&[Licensed]>) {
    let at = story.last.iter().position(|one| matches!(one, Command::TurnOff(_) | Command::TurnOn(_)));
    let Some(at) = at else { return };
    let is_intent = |command: &Command| match &story.last[at] {
        Command::TurnOff(_) => matches!(command, Command::Record(Entry::OffIntent { .. })),
        _ => matches!(command, Command::Record(Entry::OnIntent { .. })),
    };
    assert!(at > 0 && is_intent(&story.last[at - 1]), "an intent before the write");
    let (Command::TurnOff(fresh) | Command::TurnOn(fresh)) = &story.last[at] else { return };
    assert_eq!(Some(fresh.as_slice()), from, "made from the read of this step");
    if matches!(story.last[at], Command::TurnOn(_)) {
        let off_at = story.records.iter().rev().find_map(|record| match record.entry {
            Entry::OffDone { off_at, .. } => Some(off_at),
            _ => None,
        });
        let wait = story.machine.job().wait;
        assert!(off_at.is_none_or(|off_at| story.now >= later(off_at, wait)), "an on before its time");
    }
}

/// Runs until nothing is unfinished; the gaps between runs come from fate as well.
fn live_through(fate: Vec<u8>, edited: bool) -> (Story, Tenant) {
    let mut tenant = Tenant::new(fate, edited);
    let mut story = Story::toggle();
    let mut calm_runs = 0;
    loop {
        calm_runs += u32::from(tenant.fate.is_calm());
        assert!(calm_runs < 5, "runs in a calm tenant do not come to an end");
        let _ = run(&mut story, &mut tenant);
        tenant.edits(story.now);
        let gap = tenant.fate.next().map_or(60, |byte| 20 * i64::from(byte));
        let now = later(story.now, SignedDuration::from_secs(gap));
        match story.resumed_after(story.records.len(), now) {
            Some(next) => story = next,
            None => return (story, tenant),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn what_we_turned_off_is_on_when_the_tenant_is_calm(
        fate in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let (_, tenant) = live_through(fate, false);
        prop_assert_eq!(tenant.now().disabled.clone(), Some([OTHER].into()), "on, and nothing else changed");
    }

    #[test]
    fn what_we_turned_off_is_on_whatever_other_people_do(
        fate in proptest::collection::vec(prop_oneof![any::<u8>(), 0_u8..8], 0..120),
    ) {
        let (_, tenant) = live_through(fate, true);
        prop_assert!(!tenant.now().off_by_us);
    }
}

#[test]
fn in_a_calm_tenant_a_toggle_is_two_writes_and_six_records() {
    let (story, tenant) = live_through(Vec::new(), false);
    assert_eq!(story.written.len(), 2);
    assert_eq!(story.records.len(), 6);
    assert_eq!(tenant.stood.len(), 3);
    assert_eq!(story.machine.end().map(|end| end.outcome), Some(Outcome::Toggled));
}
