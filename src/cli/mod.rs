//! The commands: what was typed → the modules below, and an exit code. One file a command; the
//! doc comments of the argument types are the help pages.

mod allowing;
mod apply;
mod ask;
mod check;
mod completions;
mod connect;
mod doctor;
mod exit;
mod explain;
mod failure;
mod files;
mod heal;
mod held;
mod in_order;
mod locking;
mod manifests;
mod options;
mod over_graph;
mod pipeline;
mod plan;
mod plans;
mod run;
mod sandbox;
mod saved_plan;
mod schema;
mod show;
mod status;
mod step_summary;
mod ways;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use exit::Exit;
use failure::Failure;
use options::Global;
use pipeline::Reports;

use crate::report::output::{Format, Output};

/// Keeps Microsoft 365 Advanced Auditing on for the users and groups that a manifest declares.
///
/// `plan` shows what would change, `apply` changes it; nothing else is touched, and whatever is
/// turned off for a toggle is turned on again by the next `apply` or `heal`, whatever happens.
#[derive(Parser)]
#[command(name = "advaudit", version, max_term_width = 100, disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Show(show::ShowArgs),
    Apply(apply::ApplyArgs),
    Explain(explain::ExplainArgs),
    Status(status::StatusArgs),
    Doctor(doctor::DoctorArgs),
    Heal(heal::HealArgs),
    Sandbox(sandbox::SandboxArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
}

/// The whole program.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let output = args.global.output();
    let pipeline = &args.global.pipeline;
    let begun = pipeline.open(args.command.reports(), args.global.log_events.as_deref(), output);
    let begun = begun.and_then(|()| can_print(&args.command, output.format));
    let exit = match begun.and_then(|()| dispatch(&args.command, &args.global)) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.show(&output);
            pipeline.failed(&failure);
            failure.exit()
        }
    };
    let exit = if Output::has_lost_a_result() { lost(exit, &output) } else { exit };
    pipeline.over(exit);
    exit.into()
}

/// The command did what it did, and whoever reads its result has only a part of it.
fn lost(exit: Exit, output: &Output) -> Exit {
    output.explain(&output.error_style().error(
        "the result could not be written to stdout (is the disk full?), and what is there is cut off; what was done is \
         done, and in the journal",
    ));
    Exit::first(&[exit, Exit::Error])
}

impl Command {
    /// Whether pipelines are told of it beside its result.
    fn reports(&self) -> Option<Reports> {
        match self {
            Command::Plan(_) => Some(Reports::Plan),
            Command::Apply(_) => Some(Reports::Apply),
            Command::Heal(_) => Some(Reports::Heal),
            _ => None,
        }
    }
}

/// A format that a command has no words for is an error, before anything is done.
fn can_print(command: &Command, format: Format) -> Result<(), Failure> {
    use Format::{Gitlab, Human, Json, Junit, Markdown, Sarif};
    let (name, can): (&str, &[Format]) = match command {
        Command::Check(_) => ("check", &[Human, Json, Sarif, Junit]),
        Command::Plan(_) => ("plan", &[Human, Json, Markdown, Sarif, Junit, Gitlab]),
        Command::Show(_) => ("show", &[Human, Json, Markdown, Sarif, Junit, Gitlab]),
        Command::Apply(_) => ("apply", &[Human, Json, Markdown]),
        Command::Heal(_) => ("heal", &[Human, Json, Markdown]),
        Command::Explain(_) => ("explain", &[Human, Json]),
        Command::Status(_) => ("status", &[Human, Json]),
        Command::Doctor(_) => ("doctor", &[Human, Json]),
        Command::Sandbox(_) => ("sandbox", &[Human, Json]),
        Command::Schema(_) => ("schema", &[Human, Json]),
        Command::Completions(_) => ("completions", &[Human, Json]),
    };
    if can.contains(&format) {
        return Ok(());
    }
    let word = |format: &Format| format.to_possible_value().map(|value| value.get_name().to_owned());
    let can: Vec<String> = can.iter().filter_map(word).collect();
    let own = word(&format).unwrap_or_default();
    Err(Failure::Usage(format!("`{name}` cannot print {own}; it prints {}", can.join(", "))))
}

fn dispatch(command: &Command, global: &Global) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::check(args, global),
        Command::Plan(args) => plan::plan(args, global),
        Command::Show(args) => show::show(args, global),
        Command::Apply(args) => apply::apply(args, global),
        Command::Explain(args) => explain::explain(args, global),
        Command::Status(args) => status::status(args, global),
        Command::Doctor(args) => doctor::doctor(args, global),
        Command::Heal(args) => heal::heal(args, global),
        Command::Sandbox(args) => sandbox::sandbox(args, global),
        Command::Schema(args) => schema::schema(args, global),
        Command::Completions(args) => completions::completions(args, global),
    }
}

/// Help and version are results; anything else that clap says is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    // Whoever reads the help may have gone away; there is nobody left to tell.
    _ = error.print();
    if !error.use_stderr() {
        return Exit::Done.into();
    }
    pipeline::not_understood(Exit::Usage);
    Exit::Usage.into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
