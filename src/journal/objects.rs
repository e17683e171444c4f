//! The few things that a shared journal asks of an object store: read an object, write it only if it is
//! still as expected, list a folder. Small, so that a test can put a store there that loses answers,
//! does work late, or is not reached at all; the real one is [`bucket`](super::bucket).

use super::store::Later;

/// Objects by name, as `c0450000-…/lease.json`, below the address that `--state` gives.
///
/// What a reader sees is what was written last (S3, Azure and GCS have promised that for years), and a
/// put is whole or not at all.
pub trait Objects {
    /// Where they are, for messages: `az://container/prefix`.
    fn place(&self) -> String;

    /// The object and its version; none where there is none.
    fn get<'a>(&'a self, name: &'a str) -> Later<'a, Option<Object>>;

    /// Writes the object, if it is as expected when the store gets to it. An error says nothing of whether
    /// it was written: the answer may have been lost, and the work may even be done later.
    ///
    /// One call may ask more than once, so `Conflict` can be the answer to a write that was done: who
    /// needs to know reads back.
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>, expect: Expect) -> Later<'a, Put>;

    /// The names of what lies directly in a folder (`""` is the topmost): objects and folders, each
    /// without its path, in any order.
    fn list<'a>(&'a self, folder: &'a str) -> Later<'a, Vec<String>>;
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Which version of it.
    pub version: Version,
}

/// A version of an object, in words of the store: an ETag, or a generation. The same bytes may have the
/// same version again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// What a put expects to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No object of that name.
    Absent,
    /// That version of it.
    Version(Version),
}

/// What came of a put that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is written, and durable; the version that it has now.
    Done(Version),
    /// The object is not as expected.
    Conflict,
}
