//! How much is searched: which subjects there are, and how much may go wrong.

/// What the manifest says of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A user that is on and has to be toggled.
    Toggle,
    /// A user that is off and has to be on.
    Enable,
    /// A group, on, that has to be toggled.
    GroupToggle,
}

/// How often each thing may happen on one way, and how often any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// All of the others together.
    pub all: u8,
    /// A process dies.
    pub crashes: u8,
    /// The answer to a write is lost, the write done or not.
    pub losses: u8,
    /// A read shows what is no longer so.
    pub stale: u8,
    /// An administrator does something. A restored subject is not counted: it was deleted before.
    pub edits: u8,
    /// A write is refused, or put off, or a read fails.
    pub refusals: u8,
    /// Writes wait so long for their turn that their read is too old.
    pub stalls: u8,
    /// A run loses its lease while it works.
    pub leases: u8,
    /// Graph takes longer to process a group than its gate waits.
    pub slow: u8,
}

/// A rule of the model, or a promise, that is wrong on purpose: what the search must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All as it is.
    Sound,
    /// A promise that no program could keep: nobody is ever off.
    NobodyIsEverOff,
    /// A disk that lies: the record of an intent is lost.
    IntentsAreLost,
    /// After a crash nobody starts a run again.
    NobodyComesBack,
}

/// What is searched.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Who is declared.
    pub roles: Vec<Role>,
    /// How much goes wrong.
    pub budget: Budget,
    /// Whether the tenant's own date for the service plan can be read, so that a run may know from it
    /// what its journal does not say.
    pub has_dates: bool,
    /// What is wrong with the model.
    pub rule: Rule,
    /// How many states are too many.
    pub most_states: usize,
}

impl Scope {
    /// These subjects, in a world in which so much goes wrong.
    pub fn of(roles: &[Role], budget: Budget) -> Self {
        let (roles, rule) = (roles.to_vec(), Rule::Sound);
        Scope { roles, budget, has_dates: false, rule, most_states: 20_000_000 }
    }
}

impl Budget {
    /// Anything may happen that often, all together that often.
    pub fn any(all: u8) -> Self {
        Budget {
            all,
            crashes: all,
            losses: all,
            stale: all,
            edits: all,
            refusals: all,
            stalls: all,
            leases: 1,
            slow: 1,
        }
    }

    /// One less of that kind, and of all.
    pub fn spend(&mut self, kind: impl FnOnce(&mut Budget) -> &mut u8) {
        self.all -= 1;
        *kind(self) -= 1;
    }

    /// Whether there is one left of that kind.
    pub fn has(&self, kind: u8) -> bool {
        self.all > 0 && kind > 0
    }
}
