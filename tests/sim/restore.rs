//! The restore of an old backup: the log's files as they were, under a new incarnation, as an operator would accept.

use crate::{server, world::World};
use kith_core::checkpoint::Checkpoint;
use kith_core::tree::{Frontier, leaf_hash};
use kith_log::{AcceptError, Clock};
use std::sync::Arc;

/// A backup: what the server's disks showed between two commits.
pub(crate) struct Kept {
    images: Vec<Vec<u8>>,
    entries: usize,
}

/// Makes a backup.
pub(crate) fn keep(world: &World) -> Kept {
    Kept { images: world.server.machine.images(), entries: world.history().seen_count() }
}

impl Kept {
    /// Whether the log went on since.
    pub(crate) fn is_behind(&self, world: &World) -> bool {
        self.entries < world.history().seen_count()
    }

    /// Puts it onto the server's disks; nobody may use them.
    pub(crate) fn restore(&self, world: &World) -> Result<(), AcceptError> {
        let machine = &world.server.machine;
        machine.put(self.images.clone());
        let lost: Vec<_> = last_checkpoint(world).into_iter().collect();
        let config = server::config(world.folder.clone());
        let place = world.server.clone();
        let clock: Clock = Arc::new(move || place.clock.now());
        let (log, keys) = (machine.handle(0), machine.handle(1));
        let restarted = kith_log::restart_on(log, keys, &world.server.secrets, &config.log, clock, &lost)?;
        assert_eq!(restarted.len(), lost.len(), "the log goes on under a new incarnation");
        machine.end_process();
        Ok(())
    }
}

/// The newest checkpoint that the server can have signed.
fn last_checkpoint(world: &World) -> Option<Checkpoint> {
    let history = world.history();
    let log = history.logs.last()?;
    let mut tree = Frontier::new();
    for entry in &log.entries {
        // Subtrees that become complete are not kept here.
        let _ = tree.push(leaf_hash(entry));
    }
    Some(Checkpoint { origin: log.origin.clone(), size: tree.size(), root: tree.root() })
}
