//! How a request gets at the tenant: beside others as long as it only looks, alone for what it changes.

use std::sync::{PoisonError, RwLock};

use super::super::tenant::Tenant;

/// A way to the tenant.
pub trait Access {
    /// Looks at it, as others may at the same time.
    fn look<T>(&mut self, work: impl FnOnce(&Tenant) -> T) -> T;

    /// Changes it while nobody else looks.
    fn change<T>(&mut self, work: impl FnOnce(&mut Tenant) -> T) -> T;
}

/// Whoever has the tenant alone anyway.
pub struct Alone<'a>(pub &'a mut Tenant);

/// One of many.
pub struct Beside<'a>(pub &'a RwLock<Tenant>);

impl Access for Alone<'_> {
    fn look<T>(&mut self, work: impl FnOnce(&Tenant) -> T) -> T {
        work(self.0)
    }

    fn change<T>(&mut self, work: impl FnOnce(&mut Tenant) -> T) -> T {
        work(self.0)
    }
}

impl Access for Beside<'_> {
    fn look<T>(&mut self, work: impl FnOnce(&Tenant) -> T) -> T {
        // A poisoned lock only means that another thread panicked while it asked.
        work(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&mut self, work: impl FnOnce(&mut Tenant) -> T) -> T {
        work(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
