//! `advaudit show`: a saved plan in any format. Asks nobody (P4).

use std::path::PathBuf;

use super::options::Global;
use super::saved_plan::SavedPlan;
use super::{Exit, Failure, plan};
use crate::report::human::plan::approval;
use crate::report::output::Format;

/// Print a saved plan
///
/// Nobody is asked, so it says nothing of what has changed in the tenant since. Exits 6 when the file was
/// altered.
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// The plan, as `plan --out` saved it
    #[arg(value_name = "PLANFILE")]
    file: PathBuf,
    /// Exit 2 when a write would happen
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn show(args: &ShowArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let saved = SavedPlan::read(&args.file)?;
    plan::show(&saved.document, &output);
    if output.format == Format::Human {
        output.result(&approval(&saved.document));
    }
    let writes = args.detailed_exitcode && !saved.document.changes.is_empty();
    Ok(if writes { Exit::Changes } else { Exit::Done })
}
