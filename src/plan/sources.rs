//! The whole picture of one user: each assignment of a license with the service plan, what comes of it,
//! and what turning it off or on there would do to the user.
//!
//! The union rule itself is `observe::effect`'s; nothing is decided here. A change is always one that
//! advaudit can make: of all the user's own licenses together, or of all licenses of one group.

use std::collections::BTreeSet;
use std::fmt;

use super::why::GroupRef;
use crate::model::{AssignedBy, Assignment, AssignmentState, Catalog, GroupId, SERVICE_PLAN, SkuId};
use crate::observe::effect::is_in_error;
use crate::observe::observed::{Observed, User};

/// What one assignment does to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// In force, and leaves the service plan on.
    Gives,
    /// The same, but the tenant has not provisioned the service plan in that license: it is on, and of no
    /// use until that is done.
    GivesUnprovisioned(String),
    /// In force, and turns the service plan off. Gives nothing, and takes nothing that another gives.
    Hides,
    /// In error, and so not in force.
    InError,
    /// Not in force, and nobody says why.
    NotInForce,
    /// Of a license that the tenant may not use, with its status.
    NotUsable(String),
}

impl Role {
    /// Whether the user is on because of it.
    pub fn gives(&self) -> bool {
        matches!(self, Role::Gives | Role::GivesUnprovisioned(_))
    }

    /// The stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Role::Gives => "gives",
            Role::GivesUnprovisioned(_) => "not_provisioned",
            Role::Hides => "hides",
            Role::InError => "in_error",
            Role::NotInForce => "not_in_force",
            Role::NotUsable(_) => "license_not_usable",
        }
    }
}

/// A license and where it comes from: what keeps somebody on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Through {
    /// Part number.
    pub license: String,
    /// The group; none for a license of the user's own.
    pub group: Option<GroupRef>,
}

impl fmt::Display for Through {
    /// `its own SPE_E5`, `SPE_E5 of group "E5 Legal"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            None => write!(f, "its own {}", self.license),
            Some(group) => write!(f, "{} of {}", self.license, group.short()),
        }
    }
}

/// What keeps somebody on, joined: `its own SPE_E5 and SPE_E5 of group "E5 Legal"`.
pub fn joined(all: &[Through]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// One assignment, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// As it was read.
    pub assignment: &'a Assignment,
    /// The license, and the group that it comes from.
    pub through: Through,
    /// What it does.
    pub role: Role,
}

/// All assignments of licenses with the service plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources<'a> {
    /// In a fixed order: the user's own first.
    pub all: Vec<Source<'a>>,
    has_usage_location: bool,
}

/// Which way the service plan is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Off, as a toggle begins.
    Off,
    /// On, as an enable does.
    On,
}

/// Why turning it on there cannot help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The assignment is in error or not in force; the text says how, and the remedy.
    NotInForce(String, &'static str),
    /// The tenant may not use the license.
    NotUsable(String, String),
    /// The tenant has not provisioned the service plan in it.
    NotProvisioned(String, String),
    /// Graph refuses direct licenses of a user without one.
    NoUsageLocation,
}

/// What a change of one source would do to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// On to off: this source is the only one.
    TurnsOff,
    /// The same, if Graph applies it: its last change could not be applied.
    MayTurnOff,
    /// Nothing: these keep the user on.
    StaysOn(Vec<Through>),
    /// Off to on.
    TurnsOn,
    /// Nothing: the user is on through these.
    IsOnAnyway(Vec<Through>),
    /// Nothing more than what comes anyway: the group has it so already, and Graph has not brought that to
    /// the user yet.
    OnItsWay,
    /// Nothing, because of that.
    Nothing(Obstacle),
}

/// One change that somebody could make, and what it would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where: on the user itself, or at a group.
    pub by: AssignedBy,
    /// The group's name.
    pub group: Option<GroupRef>,
    /// The licenses that it is about, by part number.
    pub licenses: Vec<String>,
    /// Off or on.
    pub turn: Turn,
    /// What it does to the user.
    pub effect: Effect,
}

impl<'a> Sources<'a> {
    /// The picture of a user.
    pub fn of(user: &'a User, observed: &'a Observed) -> Self {
        let catalog = &observed.catalog;
        let one = |assignment: &'a Assignment| Source {
            assignment,
            through: through(assignment, observed),
            role: role(user, assignment, catalog),
        };
        let mut all: Vec<Source<'a>> = user.relevant(catalog).map(one).collect();
        all.sort_by(|one, other| {
            (&one.through.group, &one.through.license).cmp(&(&other.through.group, &other.through.license))
        });
        Sources { all, has_usage_location: user.usage_location.is_some() }
    }

    /// What keeps the user on; empty when the user is off.
    pub fn giving(&self) -> Vec<Through> {
        let giving = self.all.iter().filter(|one| one.role.gives());
        giving.map(|one| one.through.clone()).collect()
    }

    /// Each change that could be made, in the order of the assignments.
    pub fn changes(&self, observed: &Observed) -> Vec<Change> {
        let mut seen = BTreeSet::new();
        let places = self.all.iter().map(|one| one.assignment.by).filter(|by| seen.insert(*by));
        places.map(|by| self.change(by, observed)).collect()
    }

    /// What the one change at that place would do: off where it gives, on where it does not.
    pub fn change(&self, by: AssignedBy, observed: &Observed) -> Change {
        let own: Vec<&Source<'_>> = self.all.iter().filter(|one| one.assignment.by == by).collect();
        let gives = own.iter().any(|one| one.role.gives());
        let hides = own.iter().any(|one| one.role == Role::Hides);
        let is_meant = |one: &&&Source<'_>| match (gives, hides) {
            (true, _) => one.role.gives(),
            (false, true) => one.role == Role::Hides,
            (false, false) => true,
        };
        let licenses = own.iter().filter(is_meant).map(|one| one.through.license.clone()).collect();
        let (turn, effect) = match gives {
            true => (Turn::Off, self.off_at(by, &own, observed)),
            false => (Turn::On, self.on_at(by, &own, observed)),
        };
        let group = own.first().and_then(|one| one.through.group.clone());
        Change { by, group, licenses, turn, effect }
    }

    fn off_at(&self, by: AssignedBy, own: &[&Source<'_>], observed: &Observed) -> Effect {
        // What is of no use keeps nobody on, nor does what its group has off by now.
        let lasts = |one: &&Source<'_>| {
            one.role == Role::Gives && group_has_it_on(one.assignment, observed) != Some(false)
        };
        let others = self.all.iter().filter(|one| one.assignment.by != by).filter(lasts);
        let others: Vec<Through> = others.map(|one| one.through.clone()).collect();
        if !others.is_empty() {
            return Effect::StaysOn(others);
        }
        let mut giving = own.iter().filter(|one| one.role.gives());
        if giving.all(|one| group_has_it_on(one.assignment, observed) == Some(false)) {
            return Effect::OnItsWay;
        }
        match own.iter().any(|one| one.role.gives() && is_in_error(one.assignment)) {
            true => Effect::MayTurnOff,
            false => Effect::TurnsOff,
        }
    }

    fn on_at(&self, by: AssignedBy, own: &[&Source<'_>], observed: &Observed) -> Effect {
        let others = self.giving();
        let hidden = own.iter().find(|one| one.role == Role::Hides);
        let Some(hidden) = hidden else {
            return own.first().map_or(Effect::IsOnAnyway(others), |one| Effect::Nothing(obstacle(one)));
        };
        if let Some(status) = unprovisioned(hidden.assignment.sku, &observed.catalog) {
            return Effect::Nothing(Obstacle::NotProvisioned(hidden.through.license.clone(), status));
        }
        if by == AssignedBy::Direct && !self.has_usage_location {
            return Effect::Nothing(Obstacle::NoUsageLocation);
        }
        if !others.is_empty() {
            return Effect::IsOnAnyway(others);
        }
        match group_has_it_on(hidden.assignment, observed) {
            Some(true) => Effect::OnItsWay,
            Some(false) | None => Effect::TurnsOn,
        }
    }
}

/// The license and the group of an assignment.
pub fn through(assignment: &Assignment, observed: &Observed) -> Through {
    let group = |id: GroupId| GroupRef { id, name: observed.group_name(id) };
    Through {
        license: observed.catalog.name(assignment.sku),
        group: match assignment.by {
            AssignedBy::Direct => None,
            AssignedBy::Group(id) => Some(group(id)),
        },
    }
}

fn role(user: &User, one: &Assignment, catalog: &Catalog) -> Role {
    let status = catalog.get(one.sku).map(|license| &license.status);
    if let Some(status) = status.filter(|status| !status.is_usable()) {
        return Role::NotUsable(status.as_str().to_owned());
    }
    if !user.in_force(one, catalog) {
        return if is_in_error(one) { Role::InError } else { Role::NotInForce };
    }
    match (one.leaves_on(), unprovisioned(one.sku, catalog)) {
        (false, _) => Role::Hides,
        (true, None) => Role::Gives,
        (true, Some(status)) => Role::GivesUnprovisioned(status),
    }
}

/// The tenant's status of the service plan in that license, where it is not ready for use.
pub fn unprovisioned(sku: SkuId, catalog: &Catalog) -> Option<String> {
    let plan = catalog.get(sku)?.plans.get(&SERVICE_PLAN)?;
    (!plan.is_provisioned()).then(|| plan.provisioning.clone())
}

/// Whether the group's own list leaves it on in that very license by now; none for a license of the user's own,
/// and where the group, or the license on it, is not there to be seen.
pub fn group_has_it_on(assignment: &Assignment, observed: &Observed) -> Option<bool> {
    let group = observed.groups.get(&assignment.by.group()?)?;
    let own = group.licenses.iter().find(|license| license.sku == assignment.sku)?;
    Some(own.leaves_on())
}

fn obstacle(one: &Source<'_>) -> Obstacle {
    let license = one.through.license.clone();
    match &one.role {
        Role::NotUsable(status) => Obstacle::NotUsable(license, status.clone()),
        Role::GivesUnprovisioned(status) => Obstacle::NotProvisioned(license, status.clone()),
        Role::Gives | Role::Hides | Role::InError | Role::NotInForce => {
            let Assignment { state, error, .. } = one.assignment;
            match error {
                Some(error) => Obstacle::NotInForce(error.meaning().to_owned(), error.remedy()),
                None => Obstacle::NotInForce(state_in_words(state), LOOK),
            }
        }
    }
}

/// The next step where Graph does not say what is wrong.
pub const LOOK: &str = "look at the user's licenses in the Microsoft 365 admin center";

/// `its state is Error`.
fn state_in_words(state: &AssignmentState) -> String {
    format!("its state is {}", state.as_str())
}

impl fmt::Display for Effect {
    /// A clause that follows "turning it on there": `turns this user off`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::TurnsOff => write!(f, "turns this user off"),
            Effect::MayTurnOff => {
                write!(f, "turns this user off if Graph applies it: its last change could not be applied")
            }
            Effect::StaysOn(others) => write!(f, "changes nothing: still on through {}", joined(others)),
            Effect::TurnsOn => write!(f, "turns this user on"),
            Effect::IsOnAnyway(others) => write!(f, "changes nothing: on through {}", joined(others)),
            Effect::OnItsWay => {
                write!(f, "is done already: Graph has not brought the group's change to this user yet")
            }
            Effect::Nothing(obstacle) => write!(f, "changes nothing: {obstacle}"),
        }
    }
}

impl Effect {
    /// The stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Effect::TurnsOff => "turns_off",
            Effect::MayTurnOff => "may_turn_off",
            Effect::StaysOn(_) => "stays_on",
            Effect::TurnsOn => "turns_on",
            Effect::IsOnAnyway(_) => "is_on_anyway",
            Effect::OnItsWay => "on_its_way",
            Effect::Nothing(_) => "nothing",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NotInForce(why, remedy) => {
                write!(f, "the assignment is not in force, {why}; {remedy}")
            }
            Obstacle::NotUsable(license, status) => write!(f, "the tenant's {license} is {status}"),
            Obstacle::NotProvisioned(license, status) => {
                write!(f, "the tenant has not provisioned the service plan in {license} ({status})")
            }
            Obstacle::NoUsageLocation => {
                write!(f, "Graph refuses it for a user without usageLocation; set it first")
            }
        }
    }
}

impl Change {
    /// `turning it off in its own SPE_E5`, `turning it on at group "E5 Legal"`, `a change at group "E5 Legal"`.
    pub fn in_words(&self) -> String {
        let turn = match self.turn {
            Turn::Off => "turning it off",
            Turn::On => "turning it on",
        };
        let licenses = self.licenses.join(" and ");
        match (&self.effect, &self.group) {
            // There is nothing to turn.
            (Effect::Nothing(Obstacle::NotInForce(..) | Obstacle::NotUsable(..)), None) => {
                format!("a change of its own {licenses}")
            }
            (Effect::Nothing(Obstacle::NotInForce(..) | Obstacle::NotUsable(..)), Some(group)) => {
                format!("a change at {}", group.short())
            }
            (_, None) => format!("{turn} in its own {licenses}"),
            (_, Some(group)) => format!("{turn} at {}", group.short()),
        }
    }
}
