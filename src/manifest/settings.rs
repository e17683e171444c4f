//! The `toggle:` and `limits:` blocks.

use super::declared::{Limits, Toggle};
use super::keys::{Block, LIMITS, TOGGLE};
use super::node::Node;
use super::review::Review;
use super::values;
use crate::diag::{Code, quoted};
use crate::model::{Amount, Rollout, SignedDuration};

/// The wait of Microsoft's published remedy.
const PUBLISHED_WAIT: SignedDuration = SignedDuration::from_mins(60);

/// The `toggle:` block; what is absent or wrong keeps its default, and the wrong is told.
pub(super) fn toggle(review: &mut Review, node: &Node) -> Toggle {
    let mut toggle = Toggle::default();
    let Some(block) = Block::open(review, node, "`toggle`", &TOGGLE) else { return toggle };
    set_duration(review, &block, "wait", &mut toggle.wait);
    set_duration(review, &block, "groupWait", &mut toggle.group_wait);
    set_duration(review, &block, "groupGate", &mut toggle.group_gate);
    set_amount(review, &block, "maxOff", &mut toggle.max_off);
    toggle.rollout = rollout(review, &block);
    let timed = block.field("mustBeOnBy").or_else(|| block.field("window"));
    toggle.rollout_place = timed.map(|field| review.place(field.key_range.clone()));
    if let Some(value) = block.value("wait").filter(|_| toggle.wait < PUBLISHED_WAIT) {
        let wait = quoted(&review.source.text[value.range.clone()]);
        let message = format!("{wait} is shorter than the 60 minutes of Microsoft's remedy");
        let finding = review.finding(Code::ShortWait, value.range.clone(), message);
        review.tell(finding.help("a toggle with a shorter wait may change nothing: write `wait: 60m`"));
    }
    toggle
}

/// The `limits:` block; what is absent or wrong keeps its default, and the wrong is told.
pub(super) fn limits(review: &mut Review, node: &Node) -> Limits {
    let mut limits = Limits::default();
    let Some(block) = Block::open(review, node, "`limits`", &LIMITS) else { return limits };
    set_amount(review, &block, "enable", &mut limits.enable);
    set_amount(review, &block, "toggle", &mut limits.toggle);
    let members = "groupMembers";
    if let Some(number) = block.value(members).and_then(|value| values::positive(review, value, members)) {
        limits.group_members = number;
    }
    limits
}

/// What spreads toggles over time and people.
fn rollout(review: &mut Review, block: &Block<'_>) -> Rollout {
    let count =
        |review: &mut Review, key| block.value(key).and_then(|value| values::positive(review, value, key));
    Rollout {
        canary: count(review, "canary"),
        max_failures: count(review, "maxFailures"),
        windows: block.value("window").map(|value| values::windows(review, value)).unwrap_or_default(),
        must_be_on_by: block.value("mustBeOnBy").and_then(|value| values::deadline(review, value)),
    }
}

fn set_duration(review: &mut Review, block: &Block<'_>, key: &str, to: &mut SignedDuration) {
    if let Some(duration) = block.value(key).and_then(|value| values::duration(review, value, key)) {
        *to = duration;
    }
}

fn set_amount(review: &mut Review, block: &Block<'_>, key: &str, to: &mut Amount) {
    if let Some(amount) = block.value(key).and_then(|value| values::amount(review, value, key)) {
        *to = amount;
    }
}
