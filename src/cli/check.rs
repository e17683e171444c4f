//! `advaudit check`: parses, validates and lints manifests, offline.

use std::path::PathBuf;

use super::options::Global;
use super::{Exit, Failure, manifests};
use crate::clock::Clock;
use crate::diag::Finding;
use crate::report::human::finding;
use crate::report::json::v1::check::CheckDocument;
use crate::report::json::v1::common;
use crate::report::output::Format;
use crate::report::remarks::Unread;
use crate::report::{junit, sarif};

/// Check manifests without asking anybody: keys, types, times, names
///
/// Tells everything that is wrong in one run, each with its place. Exits 1 when there are errors;
/// warnings alone are no error. A folder stands for the .yaml and .yml files in it.
#[derive(clap::Args)]
pub(super) struct CheckArgs {
    /// Manifests, or folders of them
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
}

pub(super) fn check(args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    let output = global.output();
    let now = Clock::system().now();
    let (mut findings, mut unread): (Vec<Finding>, Vec<Unread>) = (Vec::new(), Vec::new());
    let files = manifests::files(&args.manifests)?;
    for file in &files {
        match manifests::source(file) {
            Ok(source) => match manifests::parse(source, now) {
                Ok((_, told)) | Err(told) => findings.extend(told),
            },
            Err(failure) => {
                failure.show(&output);
                let (message, help) = (failure.to_string(), failure.hint());
                unread.push(Unread { file: file.display().to_string(), message, help });
            }
        }
    }
    let valid = unread.is_empty() && !findings.iter().any(Finding::is_error);
    let findings = common::findings(&findings);
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    match output.format {
        Format::Json => {
            output.result(&common::text(&CheckDocument { format_version: "1.0".into(), valid, findings }));
        }
        Format::Sarif => output.result(&sarif::of_findings(&findings, &unread, &names)),
        Format::Junit => output.result(&junit::of_findings(&findings, &unread, &names, now)),
        // No other format is let through to this command.
        Format::Human | Format::Markdown | Format::Gitlab => {
            output.result(&finding::render(&findings, output.style().colour, output.width()));
            if valid && findings.is_empty() {
                let count =
                    if files.len() == 1 { "1 manifest".into() } else { format!("{} manifests", files.len()) };
                output.result(&format!("{count} checked, nothing to say."));
            }
        }
    }
    Ok(if valid { Exit::Done } else { Exit::Error })
}
