//! "Stop starting": set once by Ctrl-C, seen by the driver between two requests and in every wait.

use tokio::sync::watch;

/// The side that is watched.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// The side that is set.
pub struct Interrupter(watch::Sender<bool>);

impl Interrupt {
    /// A pair of both sides, not set.
    pub fn pair() -> (Interrupter, Interrupt) {
        let (sender, receiver) = watch::channel(false);
        (Interrupter(sender), Interrupt(receiver))
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it is set; never when the other side is gone.
    pub async fn set(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Interrupter {
    /// Sets it.
    pub fn interrupt(&self) {
        self.0.send_replace(true);
    }
}
