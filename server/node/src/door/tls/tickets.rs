//! Tickets with which a peer resumes a session.

use rustls::{Error, crypto::aws_lc_rs::Ticketer, server::ProducesTickets, ticketer::TicketRotator};
use std::sync::Arc;

/// Seconds after which tickets are made with a new key. Those of the key before are still good until the next one.
const ROTATION_S: u32 = 30 * 60;

/// Tickets that are good for an hour at the most.
pub(super) fn of_an_hour() -> Result<Arc<dyn ProducesTickets>, Error> {
    Ok(Arc::new(TicketRotator::new(ROTATION_S, || match Ticketer::new() {
        Ok(ticketer) => Ok(Box::new(OneKey(ticketer))),
        Err(_) => Err(rustls::crypto::GetRandomFailed),
    })?))
}

/// rustls's own tickets, whose key outlives the half hour that it is used for.
#[derive(Debug)]
struct OneKey(Arc<dyn ProducesTickets>);

impl ProducesTickets for OneKey {
    fn enabled(&self) -> bool {
        self.0.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(cipher)
    }
}
