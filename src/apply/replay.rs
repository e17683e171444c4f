//! Journal records → what is running: a pure fold.

use std::collections::BTreeMap;

use super::outcome::Outcome;
use crate::journal::record::{Entry, List, Record, Who};
use crate::model::{GroupId, SignedDuration, Subject, SubjectId, SubjectKind, Timestamp, UserId};
use crate::plan::change::Action;
use crate::plan::edit::Edit;
use crate::plan::rolled::Rolled;
use crate::plan::running::{Baseline, InFlight, Phase, Running, Runs};

/// How long a subject that was deleted while it was off is looked for: Entra keeps deleted users
/// for 30 days, and a restored one comes back off.
const LOOK_FOR_DELETED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the records say is unfinished at `now`, and what our runs did last.
pub fn replay(records: &[Record], now: Timestamp) -> Running {
    let mut running = Running::default();
    for record in records {
        note(&mut running, record);
    }
    running.in_flight.retain(|_, own| match own.phase {
        Phase::Gone { since, .. } => now.duration_since(since) < LOOK_FOR_DELETED,
        Phase::InDoubt { .. } | Phase::Off { .. } | Phase::Waiting { .. } | Phase::OnSent { .. } => true,
    });
    running
}

/// Takes one more record in.
pub fn note(running: &mut Running, record: &Record) {
    note_run(&mut running.runs, record);
    note_rolled(&mut running.rolled, record, &running.in_flight);
    let Some(who) = record.entry.subject() else { return };
    let id = id(who);
    if let (SubjectId::User(user), true) = (id, who.name.contains('@')) {
        running.names.insert(who.name.to_lowercase(), user);
    }
    match &record.entry {
        Entry::RunStarted { .. }
        | Entry::LeaseBroken { .. }
        | Entry::ReprocessIntent { .. }
        | Entry::Reprocessed { .. }
        | Entry::RunFinished { .. } => {}
        Entry::OffIntent { .. } => intent(running, id, record),
        Entry::Adopted { .. } => adopted(running, id, record),
        // Nothing happened, so nothing is unfinished, unless something else was before.
        Entry::OffRefused { .. } => {
            if running.in_flight.get(&id).is_some_and(|own| matches!(own.phase, Phase::InDoubt { .. })) {
                running.in_flight.remove(&id);
            }
        }
        Entry::OffDone { off_at, .. } => {
            set(running, id, |_| Phase::Off { at: *off_at });
            change(running, id, |own| own.on_lost = false);
        }
        Entry::OffVerified { due, complete, .. } => {
            set(running, id, |own| Phase::Waiting { off_at: own.off_at(), due: *due });
            change(running, id, |own| own.verified = *complete);
        }
        // Until an on is done it is still to be done; but who finds it on now need not be surprised.
        Entry::OnIntent { .. } => change(running, id, |own| own.on_lost = true),
        Entry::OnDone { on_at, renews, .. } => {
            set(running, id, |own| Phase::OnSent { off_at: own.off_at(), on_at: *on_at });
            let ons = if *renews { &mut running.last_on } else { &mut running.null_on };
            ons.insert(id, *on_at);
        }
        Entry::Closed { outcome, .. } if outcome == "subject_gone" => {
            set(running, id, |own| match own.phase {
                gone @ Phase::Gone { .. } => gone,
                // The intent is older than the off, and the wait never runs from it (DESIGN 9).
                Phase::InDoubt { .. } => Phase::Gone { off_at: record.at, since: record.at },
                Phase::Off { .. } | Phase::Waiting { .. } | Phase::OnSent { .. } => {
                    Phase::Gone { off_at: own.off_at(), since: record.at }
                }
            })
        }
        Entry::Closed { outcome, .. } => {
            running.in_flight.remove(&id);
            if outcome != Outcome::Skipped.as_str() && outcome != Outcome::Failed.as_str() {
                running.settled.insert(id, record.at);
            }
        }
    }
}

/// What a record says of its run: which plan it carries out, what of that is begun, whether it settled
/// what the manifest declares.
fn note_run(runs: &mut Runs, record: &Record) {
    runs.began = runs.began.or(Some(record.at));
    match &record.entry {
        Entry::RunStarted { command, plan_sha256: Some(plan), manifest_sha256, out_of_sync, .. }
            if command == "apply" =>
        {
            runs.carry_out(record.run, plan, record.at);
            let base = |manifest: &String| Baseline {
                at: record.at,
                manifest: manifest.clone(),
                out_of_sync: out_of_sync.as_ref().map(|out| out.iter().cloned().collect()),
            };
            runs.open = manifest_sha256.as_ref().map(|manifest| (record.run, base(manifest)));
        }
        Entry::OffIntent { change: Some(change), subject, .. }
        | Entry::OnIntent { change: Some(change), subject, .. } => {
            runs.begin(record.run, id(subject), change, record.at);
        }
        Entry::RunFinished { exit_code: 0 | 4 | 5 } => {
            let open = runs.open.take().filter(|(run, _)| *run == record.run);
            runs.baseline = open.map(|(_, base)| base).or(runs.baseline.take());
        }
        _ => {}
    }
}

/// What a record says of the rollout: who goes off, and how that ends.
fn note_rolled(rolled: &mut Rolled, record: &Record, in_flight: &BTreeMap<SubjectId, InFlight>) {
    let of = record.entry.subject().map(id);
    match (&record.entry, of) {
        (Entry::RunStarted { .. }, _) => rolled.run_begins(record.at),
        (Entry::OffIntent { .. }, Some(of)) => rolled.goes_off(of, record.at),
        (Entry::OnDone { renews: true, .. }, Some(of)) => rolled.is_renewed(of),
        (Entry::OffRefused { .. }, Some(of)) => rolled.is_over(of),
        (Entry::Closed { outcome, action, off, .. }, Some(of)) => {
            let is_toggle = action.as_deref().is_some_and(|action| action != Action::Enable.as_str());
            let own = in_flight.get(&of);
            if let Some(off) = off {
                rolled.time_off.add(record.run, off.seconds.saturating_mul(off.people));
            }
            let people = off.map(|off| off.people).or(own.map(|own| own.people)).unwrap_or(0);
            match Outcome::named(outcome) {
                Some(ended) if ended.came_back() => rolled.came_back(of, record.at, people),
                Some(ended) if ended.went_wrong() && (is_toggle || own.is_some()) => {
                    rolled.went_wrong(of, record.at);
                }
                Some(_) | None => rolled.is_over(of),
            }
        }
        _ => {}
    }
}

fn intent(running: &mut Running, id: SubjectId, record: &Record) {
    let Entry::OffIntent {
        subject, lists, wait_seconds, gate_seconds, people, members, reason, asked, ..
    } = &record.entry
    else {
        return;
    };
    // An off that is sent again because its answer was lost: the first intent is the older doubt.
    let since = match running.in_flight.get(&id).map(|own| own.phase) {
        Some(Phase::InDoubt { since }) => since,
        Some(Phase::Off { .. } | Phase::Waiting { .. } | Phase::OnSent { .. } | Phase::Gone { .. })
        | None => record.at,
    };
    let own = InFlight {
        subject: named(subject),
        edits: edits(lists),
        phase: Phase::InDoubt { since },
        wait: SignedDuration::from_secs(*wait_seconds),
        gate: SignedDuration::from_secs(*gate_seconds),
        members: members.clone(),
        people: *people,
        reason: reason.clone(),
        asked: *asked,
        verified: false,
        on_lost: false,
        recorded: true,
    };
    running.in_flight.insert(id, own);
}

fn adopted(running: &mut Running, id: SubjectId, record: &Record) {
    let Entry::Adopted { subject, lists, wait_seconds, gate_seconds, off_at, people, due, reason, asked } =
        &record.entry
    else {
        return;
    };
    let phase = match due {
        Some(due) => Phase::Waiting { off_at: *off_at, due: *due },
        None => Phase::Off { at: *off_at },
    };
    let own = InFlight {
        subject: named(subject),
        edits: edits(lists),
        phase,
        wait: SignedDuration::from_secs(*wait_seconds),
        gate: SignedDuration::from_secs(*gate_seconds),
        members: Vec::new(),
        people: *people,
        reason: reason.clone(),
        asked: *asked,
        verified: due.is_some(),
        on_lost: false,
        recorded: true,
    };
    running.in_flight.insert(id, own);
}

fn set(running: &mut Running, id: SubjectId, phase: impl FnOnce(&InFlight) -> Phase) {
    if let Some(own) = running.in_flight.get_mut(&id) {
        own.phase = phase(own);
    }
}

fn change(running: &mut Running, id: SubjectId, how: impl FnOnce(&mut InFlight)) {
    if let Some(own) = running.in_flight.get_mut(&id) {
        how(own);
    }
}

fn named(who: &Who) -> Subject {
    Subject { id: id(who), name: who.name.clone() }
}

fn id(who: &Who) -> SubjectId {
    match who.kind {
        SubjectKind::User => SubjectId::User(UserId(who.id)),
        SubjectKind::Group => SubjectId::Group(GroupId(who.id)),
    }
}

fn edits(lists: &[List]) -> Vec<Edit> {
    let one =
        |list: &List| Edit { sku: list.license, before: list.before.clone(), after: list.before.clone() };
    lists.iter().map(one).collect()
}
