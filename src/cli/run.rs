//! What `apply` and `heal` share on the command line: the interrupt, the lease that is kept beside the
//! work, and the end of a run as a document and an exit code.

use std::ops::ControlFlow;
use std::rc::Rc;

use super::connect::Connection;
use super::locking::Start;
use super::options::Global;
use super::plan::{self, Asked, Made};
use super::{Exit, Failure, step_summary};
use crate::apply::driver::Stopped;
use crate::apply::event::Told;
use crate::apply::interrupt::{Interrupt, Interrupter};
use crate::apply::outcome::{Outcome, Retried, Trouble};
use crate::diag::Code;
use crate::graph::{Needs, OffWriter};
use crate::journal::lease::Lease;
use crate::report::json::v1::common::{self, TenantDocument};
use crate::report::json::v1::plan::{EXPIRES_IN, PlanDocument};
use crate::report::json::v1::run::{
    Compared, CostDocument, ReprocessedDocument, RunDocument, RunSummary, SubjectDocument, minutes_off,
};
use crate::report::output::{Format, Output};
use crate::report::progress::Progress;
use crate::report::{human, markdown};
use crate::run::{Cost, Ended, Run, Way, tenant};

/// Drives a command on the tenant that answers to its end: with the interrupt that Ctrl-C sets, and the
/// lease that is kept meanwhile.
pub(super) fn drive<W>(
    connection: &Connection,
    global: &Global,
    start: &Start<'_>,
    off: Option<OffWriter>,
    work: impl FnOnce(Run, Interrupt) -> W,
) -> Result<Exit, Failure>
where
    W: Future<Output = Result<Exit, Failure>>,
{
    let (interrupter, interrupt) = Interrupt::pair();
    connection.drive(async {
        tokio::select! {
            biased;
            // First, so that it is heard from the first request on.
            never = listen(interrupter) => never,
            exit = on_tenant(connection, global, start, off, interrupt, work) => exit,
        }
    })
}

async fn on_tenant<W>(
    connection: &Connection,
    global: &Global,
    start: &Start<'_>,
    off: Option<OffWriter>,
    interrupt: Interrupt,
    work: impl FnOnce(Run, Interrupt) -> W,
) -> Result<Exit, Failure>
where
    W: Future<Output = Result<Exit, Failure>>,
{
    let output = global.output();
    let own = tokio::select! {
        biased;
        () = interrupt.set() => return Ok(interrupted_at_once(&output)),
        own = tenant(&connection.client) => own?,
    };
    let store = connection.state().store(own.id);
    let clock = connection.clock.clone();
    let lease = Rc::new(Lease::new(store.clone(), clock.clone()));
    let mut progress = Progress::new(output, &clock);
    let pipeline = connection.pipeline.clone();
    let way = Way {
        client: connection.client.clone(),
        clock,
        store,
        lease: lease.clone(),
        interrupt: interrupt.clone(),
        tell: Box::new(move |told: &Told| {
            progress.tell(told);
            pipeline.tell(told);
        }),
    };
    let begins = async {
        let begin = start.begin(&*way.store, &way.clock, output, &interrupt).await?;
        Ok::<Run, Failure>(Run::begin(own, way, begin, off).await?)
    };
    let whole = async {
        let run = tokio::select! {
            biased;
            () = interrupt.set() => return Ok(interrupted_at_once(&output)),
            run = begins => run?,
        };
        if run.torn() > 0 {
            output.complain(&format!(
                "the last record of the journal was torn ({} bytes) and is cut off; what it announced never began",
                run.torn()
            ));
        }
        work(run, interrupt.clone()).await
    };
    let exit = tokio::select! {
        biased;
        exit = whole => exit,
        never = lease.keep() => match never {},
    };
    lease.release().await;
    exit
}

/// Sets the interrupt at Ctrl-C, or when the system asks to stop. Never ends by itself.
async fn listen(interrupter: Interrupter) -> Result<Exit, Failure> {
    while asked_to_stop().await.is_ok() {
        interrupter.interrupt();
    }
    std::future::pending().await
}

/// Ctrl-C, or SIGTERM, by which runners and containers cancel a job.
#[cfg(unix)]
async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Plans in the middle of a run; breaks with its end where that cannot be.
pub(super) async fn plan_within(
    mut run: Run,
    asked: &Asked<'_>,
    connection: &Connection,
    output: &Output,
    interrupt: &Interrupt,
) -> ControlFlow<Result<Exit, Failure>, (Run, Made)> {
    let (own, running) = (run.tenant().clone(), run.running().clone());
    let made = tokio::select! {
        biased;
        () = interrupt.set() => {
            run.interrupted();
            return ControlFlow::Break(Ok(end(run, None, connection, &[]).await));
        }
        made = plan::make(asked, EXPIRES_IN, own, run.reader(), &running, connection) => made,
    };
    match made {
        Ok(made) => ControlFlow::Continue((run, made)),
        // What was turned on before is still told.
        Err(failure) if run.has_worked() => {
            failure.show(output);
            connection.pipeline.failed(&failure);
            ControlFlow::Break(Ok(end(run, None, connection, &[failure.exit()]).await))
        }
        Err(failure) => ControlFlow::Break(Err(failure)),
    }
}

/// Ends the run: the last record, the document, the exit code. `plan` was carried out, `also` are codes that hold beside what
/// the run itself shows.
pub(super) async fn end(
    run: Run,
    plan: Option<&PlanDocument>,
    connection: &Connection,
    also: &[Exit],
) -> Exit {
    let output = &connection.output;
    let judge = |ended: &Ended| {
        let document = document(ended, plan, also);
        (document.exit_code, document)
    };
    let (ended, document) = run.end(judge).await;
    connection.pipeline.ended(&document);
    let exit = exit(&ended, plan, &document.subjects, also);
    output.result(&match output.format {
        Format::Human => human::run::render(&document, output.style(), output.width()),
        Format::Markdown => markdown::run(&document, exit.meaning()),
        // No other format is let through to a run.
        Format::Json | Format::Sarif | Format::Junit | Format::Gitlab => common::text(&document),
    });
    step_summary::append(|| markdown::run(&document, exit.meaning()), output);
    say_what_stopped(&ended, output);
    if document.reprocessed.is_empty() && document.subjects.iter().any(|one| !one.members_in_error.is_empty())
    {
        output.explain(&offer(connection).await);
    }
    exit
}

/// How to have Graph try again what members could not get, and whether the token may.
async fn offer(connection: &Connection) -> String {
    let granted = connection.client.granted().await.ok().flatten();
    let needs = Needs::Reprocess.accepted().first().copied().unwrap_or_default();
    let may = match granted.map(|granted| granted.has(Needs::Reprocess.accepted()).is_empty()) {
        Some(true) => format!("; it needs {needs}, which the token lacks"),
        Some(false) => String::new(),
        None => format!("; it needs {needs}"),
    };
    format!(
        "Once the reason is removed, `advaudit apply --reprocess` has Graph try those members again{may}."
    )
}

fn document(ended: &Ended, plan: Option<&PlanDocument>, also: &[Exit]) -> RunDocument {
    let now = ended.finished_at;
    let subjects: Vec<SubjectDocument> =
        ended.machines.iter().map(|machine| SubjectDocument::new(machine, now)).collect();
    let left = ended.running.in_flight.values().filter(|own| own.counts_as_off());
    let come_back = left.map(|own| own.come_back(now)).min();
    let waits = subjects.iter().any(|one| one.outcome == Outcome::Pending);
    RunDocument {
        format_version: "1.0".to_owned(),
        run_id: ended.run,
        tenant: TenantDocument::from(&ended.tenant),
        plan_sha256: plan.map(|plan| plan.sha256.clone()),
        started_at: ended.started_at,
        finished_at: now,
        exit_code: exit(ended, plan, &subjects, also).code(),
        summary: RunSummary::of(&subjects, plan.map_or(0, |plan| plan.blocked.len())),
        resume_after: come_back.or(ended.starts_at).or(waits.then_some(now)),
        cost: cost(ended),
        reprocessed: ended.reprocessed.iter().map(ReprocessedDocument::from).collect(),
        subjects,
    }
}

fn cost(ended: &Ended) -> CostDocument {
    let Cost { planned, spent, took } = ended.cost;
    let compared = |planned, actual| Compared { planned, actual };
    let seconds = took.as_millis().unsigned_abs().div_ceil(1000);
    CostDocument {
        requests: compared(planned.requests, spent.requests),
        resource_units: compared(planned.resource_units, spent.resource_units),
        writes: compared(planned.writes, spent.writes),
        seconds: compared(planned.seconds, u64::try_from(seconds).unwrap_or(u64::MAX)),
        off_user_minutes: compared(planned.off_user_minutes, minutes_off(&ended.machines, ended.finished_at)),
    }
}

fn exit(ended: &Ended, plan: Option<&PlanDocument>, subjects: &[SubjectDocument], also: &[Exit]) -> Exit {
    let any = |wanted: &[Outcome]| subjects.iter().any(|one| wanted.contains(&one.outcome));
    let stopped = ended.stopped.as_ref().map(|stopped| match stopped {
        Stopped::Interrupted => Exit::Interrupted,
        Stopped::Graph(failure) if failure.is_credentials() => Exit::Credentials,
        Stopped::Graph(_) | Stopped::Outage(_) | Stopped::Journal(_) | Stopped::Lease(_) => Exit::Error,
    });
    let someone_is_off = ended.running.in_flight.values().any(|own| own.counts_as_off());
    let holding = [
        stopped,
        (someone_is_off || any(&[Outcome::Pending, Outcome::Stuck])).then_some(Exit::Pending),
        any(&[Outcome::Failed, Outcome::Skipped]).then_some(Exit::Partial),
        plan.is_some_and(|plan| !plan.complete).then_some(Exit::Partial),
        ended
            .reprocessed
            .iter()
            .any(|one| matches!(one.result, Retried::Refused(_)))
            .then_some(Exit::Partial),
    ];
    Exit::first(&holding.into_iter().flatten().chain(also.iter().copied()).collect::<Vec<_>>())
}

fn say_what_stopped(ended: &Ended, output: &Output) {
    if ended.date_does_not_move {
        output.explain(&format!(
            "stopped [{}]: the first toggle is back on, and 15 minutes later Graph still shows \
             its old date. Without that date a lost journal would toggle the same people again, so no further \
             toggle was started; those that were done stay done.",
            Code::DateDoesNotMove
        ));
    }
    if let Some(stop) = &ended.halted {
        let Trouble { code, message, .. } = stop.trouble();
        let text = message.trim_start_matches("not started: ");
        output.explain(&format!("stopped [{code}]: no further toggle was started: {text}."));
    }
    let off = ended.running.in_flight.values().any(|own| own.counts_as_off());
    let is_conflict = matches!(&ended.stopped, Some(Stopped::Journal(error)) if error.is_conflict());
    let next = if is_conflict || matches!(&ended.stopped, Some(Stopped::Lease(_))) {
        "Another run works on this tenant now: `advaudit status` says which, and who is off."
    } else if matches!(&ended.stopped, Some(Stopped::Journal(_))) {
        "See to it that the place can be written (is there room?), then run again with the same --state: whoever \
         could not be written down as on is looked at once more."
    } else if off {
        "Who is off is in the journal: `advaudit status` lists them, `advaudit heal` turns them on when they are due."
    } else {
        "Nobody is off because of us."
    };
    let bad = |text: String| output.error_style().error(&text);
    let wrong = match &ended.stopped {
        None => return,
        Some(Stopped::Interrupted) => "interrupted: nothing new was started.".to_owned(),
        Some(Stopped::Graph(failure)) => bad(format!("{failure}.")),
        Some(Stopped::Outage(last)) => bad(format!(
            "Graph gave no usable answer for a long time, and nothing new was started; the last one: {last}."
        )),
        Some(Stopped::Journal(error)) => {
            bad(format!("{error}. Nothing is turned off without a record of it; who was off was turned on."))
        }
        Some(Stopped::Lease(why)) => {
            bad(format!("the lease was lost: {why}. Nothing new was started; who was off was turned on."))
        }
    };
    output.explain(&format!("{wrong} {next}"));
}

/// Interrupted before anything was begun.
fn interrupted_at_once(output: &Output) -> Exit {
    output.explain("interrupted: nothing was begun.");
    Exit::Interrupted
}
