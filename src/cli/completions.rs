//! `advaudit completions`: what a shell needs to complete our words.

use clap::CommandFactory;
use clap_complete::Shell;

use super::options::Global;
use super::{Args, Exit, Failure};

/// Print the completions for a shell
#[derive(clap::Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs, global: &Global) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "advaudit", &mut text);
    global.output().result(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}
