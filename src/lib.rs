//! advaudit keeps the service plan *Microsoft 365 Advanced Auditing* on for the users and groups that
//! a manifest declares.
//!
//! The library behind the command line, in reading order:
//!
//! 1. [`model`]: the shared words. Ids, subjects, licenses, the catalog of a tenant.
//! 2. [`diag`]: findings. What is wrong with a manifest or a tenant, and where.
//! 3. [`manifest`]: desired state. A YAML text becomes a valid manifest, or all its findings at once.
//! 4. [`graph`]: Microsoft Graph. One type reads, one turns on, one turns off.
//! 5. [`observe`]: live state. What the manifest needs of the tenant, read once, as a value.
//! 6. [`mod@plan`]: the decision. A pure function from those values to a [`plan::planned::Plan`].
//! 7. [`apply`]: the doing. A pure machine for each subject and one loop around them.
//! 8. [`journal`]: memory across restarts, and the lease.
//! 9. [`run`]: one run on one tenant, from the lease to the last record.
//! 10. [`report`]: values to text and JSON.
//! 11. [`cli`]: the commands.
//!
//! Beside them stand the [`clock`], Graph's or a virtual one, the [`credentials`], by which `cli` signs in, and
//! the [`sandbox`], a simulated tenant.
//!
//! `GRAPH 4.2` in a comment cites a section of the project's fact sheet on Microsoft Graph, where the
//! source of each fact is named; `DESIGN 5` cites the contract; P1 to P9 are its promises:
//!
//! | | |
//! | --- | --- |
//! | P1 | one service plan, nothing else |
//! | P2 | it always ends on |
//! | P3 | what is shown is what runs |
//! | P4 | looking cannot change |
//! | P5 | not mentioned is not touched |
//! | P6 | unknown is not off |
//! | P7 | no one is surprised: limits |
//! | P8 | any run can be explained afterwards |
//! | P9 | secrets stay secret |

pub mod model;

pub mod diag;

pub mod manifest;

pub mod graph;

pub mod observe;

pub mod plan;

pub mod apply;

pub mod journal;

pub mod run;

pub mod doctor;

pub mod report;

pub mod cli;

pub mod clock;
pub mod credentials;
pub mod sandbox;
