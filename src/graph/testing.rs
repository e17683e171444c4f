//! A tenant made of prepared answers, for the tests of this folder.
