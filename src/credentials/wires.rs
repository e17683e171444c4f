//! How whoever gives tokens is reached. Sign-ins to any number of tenants share it: a client for HTTP reads
//! the machine's certificates and keeps connections, and a thousand of them would be too many.

use std::sync::Arc;
use std::time::Duration;

use crate::graph::{HttpTransport, Trust};

/// Off Azure nothing answers there; on it, the machine does at once.
const PROBE: Duration = Duration::from_secs(1);

/// The transports for tokens. Clones share them.
#[derive(Clone, Debug)]
pub struct Wires {
    /// To the login authority, and to those who mint the tokens of jobs.
    pub(super) http: Arc<HttpTransport>,
    /// To the machine that this one runs on.
    pub(super) machine: Arc<HttpTransport>,
    /// The same, to see whether anybody is there.
    pub(super) probe: Arc<HttpTransport>,
}

impl Wires {
    /// Transports that believe those authorities. Nothing is opened or read before the first request.
    pub fn new(trust: &Trust) -> Wires {
        Wires {
            http: Arc::new(HttpTransport::for_tokens(trust.clone())),
            machine: Arc::new(HttpTransport::for_managed_identity(trust.clone(), None)),
            probe: Arc::new(HttpTransport::for_managed_identity(trust.clone(), Some(PROBE))),
        }
    }
}
