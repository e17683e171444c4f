//! Documents for machines. Each version has structs of its own, so that inner types can change
//! without breaking whoever reads them; `schema/` is generated from these.

pub mod schema;
pub mod v1;
