//! What the machine knows → the journal's records. Pure.

use std::collections::BTreeSet;

use super::job::Job;
use super::outcome::{End, Trouble};
use crate::graph::{Direction, edited};
use crate::journal::record::{Entry, List, Who};
use crate::model::{Catalog, Licensed, Subject, Timestamp, UserId};
use crate::plan::change::Action;
use crate::plan::running::{InFlight, Phase};

pub(super) fn off_intent(
    job: &Job,
    fresh: &[Licensed],
    members: &BTreeSet<UserId>,
    catalog: &Catalog,
) -> Entry {
    Entry::OffIntent {
        subject: who(&job.subject),
        lists: lists(fresh, Direction::Off, catalog),
        wait_seconds: job.wait.as_secs(),
        gate_seconds: job.gate.as_secs(),
        people: job.people,
        members: members.iter().copied().collect(),
        reason: job.reason.clone(),
        asked: job.asked,
        change: job.change.clone(),
    }
}

pub(super) fn off_done(job: &Job, off_at: Timestamp, request_id: Option<String>) -> Entry {
    Entry::OffDone { subject: who(&job.subject), off_at, request_id }
}

pub(super) fn off_refused(job: &Job, trouble: &Trouble) -> Entry {
    Entry::OffRefused {
        subject: who(&job.subject),
        message: trouble.message.clone(),
        request_id: trouble.request_id.clone(),
    }
}

pub(super) fn off_verified(job: &Job, due: Timestamp, complete: bool) -> Entry {
    Entry::OffVerified { subject: who(&job.subject), due, complete }
}

pub(super) fn adopted(job: &Job, own: &InFlight, catalog: &Catalog) -> Entry {
    let fresh: Vec<Licensed> =
        own.edits.iter().map(|edit| Licensed { sku: edit.sku, disabled: edit.before.clone() }).collect();
    Entry::Adopted {
        subject: who(&job.subject),
        lists: lists(&fresh, Direction::Off, catalog),
        wait_seconds: job.wait.as_secs(),
        gate_seconds: job.gate.as_secs(),
        off_at: own.off_at(),
        people: own.people,
        due: match own.phase {
            Phase::Waiting { due, .. } => Some(due),
            Phase::InDoubt { .. } | Phase::Off { .. } | Phase::OnSent { .. } | Phase::Gone { .. } => None,
        },
        reason: job.reason.clone(),
        asked: job.asked,
    }
}

pub(super) fn on_intent(job: &Job, fresh: &[Licensed], catalog: &Catalog) -> Entry {
    Entry::OnIntent {
        subject: who(&job.subject),
        lists: lists(fresh, Direction::On, catalog),
        reason: job.reason.clone(),
        // The on of a toggle ends what its off began.
        change: job.change.clone().filter(|_| job.action == Action::Enable),
    }
}

pub(super) fn on_done(job: &Job, on_at: Timestamp, renews: bool, request_id: Option<String>) -> Entry {
    Entry::OnDone { subject: who(&job.subject), on_at, renews, request_id }
}

pub(super) fn closed(job: &Job, end: &End) -> Entry {
    Entry::Closed {
        subject: who(&job.subject),
        outcome: end.outcome.as_str().to_owned(),
        message: end.trouble.as_ref().map(|trouble| trouble.message.clone()),
        action: Some(job.action.as_str().to_owned()),
        off: None, // the machine knows it when it has ended
    }
}

fn who(subject: &Subject) -> Who {
    Who::from(subject)
}

/// The lists as they were read and as they are sent.
fn lists(fresh: &[Licensed], direction: Direction, catalog: &Catalog) -> Vec<List> {
    let (sent, _) = edited(fresh, direction, catalog);
    fresh
        .iter()
        .zip(sent)
        .map(|(before, after)| List {
            license: before.sku,
            part_number: catalog.name(before.sku),
            before: before.disabled.clone(),
            after: after.disabled,
        })
        .collect()
}
