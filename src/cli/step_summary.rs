//! What a step of GitHub Actions shows on its page: Markdown, appended to the file that
//! `$GITHUB_STEP_SUMMARY` names. It never changes how a command ends.

use std::io::Write;

use crate::report::output::Output;

/// The variable.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// GitHub shows nothing of a summary above 1 MiB a step
/// (docs.github.com, "Workflow commands for GitHub Actions", step isolation and limits).
const BYTES: u64 = 1024 * 1024;

/// Appends what is drawn, where the variable is set.
pub(super) fn append(draw: impl FnOnce() -> String, output: &Output) {
    let Some(file) = std::env::var_os(VARIABLE).filter(|file| !file.is_empty()) else { return };
    let text = format!("{}\n", draw());
    let appended = std::fs::OpenOptions::new().append(true).create(true).open(&file).and_then(|mut file| {
        let bytes = file.metadata()?.len();
        if bytes + text.len() as u64 > BYTES {
            return Err(std::io::Error::other(format!("it holds {bytes} bytes, and GitHub shows 1 MiB")));
        }
        file.write_all(text.as_bytes())
    });
    if let Err(error) = appended {
        let file = file.display();
        output.complain(&format!("nothing was added to the step summary {file} (${VARIABLE}): {error}"));
    }
}
