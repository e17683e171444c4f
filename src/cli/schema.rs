//! `advaudit schema`: the JSON Schema of what people write and pipelines read.

use super::options::Global;
use super::{Exit, Failure};
use crate::report::json::schema::{Which, text};

/// Print the JSON Schema of the manifest, or of a document
#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value = "manifest")]
    which: Which,
}

pub(super) fn schema(args: &SchemaArgs, global: &Global) -> Result<Exit, Failure> {
    global.output().result(&text(args.which));
    Ok(Exit::Done)
}
