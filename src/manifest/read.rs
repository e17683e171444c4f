//! Text in, the valid manifest or everything that is wrong with it out.

use std::sync::Arc;

use super::declared::{Declared, Limits, Located, Toggle};
use super::keys::{Block, MANIFEST};
use super::node::{Node, Value};
use super::review::Review;
use super::syntax::ManifestFile;
use super::tree;
use super::{entries, settings, values};
use crate::diag::{Code, Finding, Source, quoted};
use crate::model::Timestamp;

/// The only version of the manifest so far.
const API_VERSION: &str = "advaudit/v1";

/// Reads a manifest. `now` decides which times are in the future.
///
/// All findings are told in one run, in the order of the text: warnings and notes beside a valid
/// manifest, or else at least one error among them.
pub fn read(source: Arc<Source>, now: Timestamp) -> Result<(Declared, Vec<Finding>), Vec<Finding>> {
    let mut review = Review::new(source, now);
    let declared = tree::grow(&mut review).and_then(|root| manifest(&mut review, &root));
    if let Some(declared) = declared.filter(|_| !review.failed()) {
        match ManifestFile::from_yaml(review.text()) {
            Ok(file) if file.has_the_names_of(&declared) => return Ok((declared, review.into_findings())),
            Ok(_) => {
                tell_disagreement(&mut review, 0..1, "two YAML readers understand this text differently")
            }
            Err(error) => tell_refusal(&mut review, &error),
        }
    }
    Err(review.into_findings())
}

/// The whole manifest; none when something without which there is none is missing or wrong.
fn manifest(review: &mut Review, root: &Node) -> Option<Declared> {
    let block = Block::open(review, root, "a manifest", &MANIFEST)?;
    check_version(review, root, &block);
    block.tell_missing(review, root, "tenant", "write `tenant:` with the tenant's id or a verified domain");
    let tenant = block.value("tenant").and_then(|node| {
        Some(Located { value: values::tenant(review, node)?, place: review.place(node.range.clone()) })
    });
    let toggle = block.value("toggle").map_or_else(Toggle::default, |node| settings::toggle(review, node));
    let limits = block.value("limits").map_or_else(Limits::default, |node| settings::limits(review, node));
    let protect = block.value("protect").map(|node| entries::people(review, node, "`protect`"));
    let users = block.value("users").map(|node| entries::users(review, node));
    let groups = block.value("groups").map(|node| entries::groups(review, node));
    tell_nobody(review, root, &block);
    Some(Declared {
        source: Arc::clone(&review.source),
        tenant: tenant?,
        toggle,
        limits,
        protect: protect.unwrap_or_default(),
        users: users.unwrap_or_default(),
        groups: groups.unwrap_or_default(),
    })
}

fn check_version(review: &mut Review, root: &Node, block: &Block<'_>) {
    block.tell_missing(review, root, "apiVersion", "write `apiVersion: advaudit/v1` as the first line");
    let Some(node) = block.value("apiVersion") else { return };
    if let Some(version) = values::word(review, node, "`apiVersion`", "`advaudit/v1`")
        && version != API_VERSION
    {
        let message = format!("{} is no version that this advaudit reads", quoted(version));
        values::bad(review, node, message, "write `apiVersion: advaudit/v1`");
    }
}

/// Warns when the lists of users and groups are absent or empty. A list that is wrong is not empty.
fn tell_nobody(review: &mut Review, root: &Node, block: &Block<'_>) {
    let lists = ["users", "groups"];
    let nobody = lists.iter().all(|key| match block.field(key) {
        None => block.misses(key),
        Some(field) => matches!(&field.value.value, Value::List(items) if items.is_empty()),
    });
    if nobody {
        let field = lists.iter().find_map(|key| block.field(key));
        let range = field.map_or_else(|| block.head(root), |field| field.key_range.clone());
        let finding = review.finding(Code::NobodyDeclared, range, "the manifest declares nobody");
        review.tell(
            finding.help("name somebody under `users` or `groups`; what is not mentioned is not touched"),
        );
    }
}

/// Tells that the second YAML reader refuses what the first has taken. What two readers do not
/// agree on is not something to change a tenant by.
fn tell_refusal(review: &mut Review, error: &serde_yaml::Error) {
    let at = error.location().map_or(0, |at| review.byte(at.line(), at.column()));
    let message = format!("this is not YAML to every reader: {}", quoted(&error.to_string()));
    tell_disagreement(review, at..at + 1, message);
}

fn tell_disagreement(review: &mut Review, range: std::ops::Range<usize>, message: impl Into<String>) {
    let finding = review.finding(Code::Syntax, range, message);
    review
        .tell(finding.help(
            "write it more plainly: spaces for indentation, one entry a line, quotes around odd texts",
        ));
}

#[cfg(test)]
mod tests;
