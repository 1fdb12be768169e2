//! Looks up views and reports by name, as a principal sees them.

use super::{
    NetworkViews, NotKept, OpenViews, Served, ServedReport, ServedView, Slots,
    slot::{Kept, KeptReport, Slot},
};
use kith_core::{
    id::{NetworkName, OrganisationId},
    may::Principal,
    plugins::{PluginKey, PluginOwner},
};
use std::{collections::BTreeSet, sync::Arc};

impl OpenViews {
    fn look<T>(&self, look: impl FnOnce(&Slots) -> Option<T>) -> Option<T> {
        self.views.look(self.network.name(), |opened| look(&opened.slots))?
    }

    /// The active view of a name, if the principal may see it.
    pub fn find(&self, view: &str, principal: &Principal) -> Option<ServedView> {
        self.look(|slots| Seen::by(principal).slot(slots, view)?.1.view())
    }

    /// The active report of a name, if the principal may see it.
    pub(crate) fn report(&self, name: &str, principal: &Principal) -> Option<ServedReport> {
        self.look(|slots| {
            let (key, slot) = Seen::by(principal).slot(slots, name)?;
            Some(serve(slots, slot.report()?, &key.owner))
        })
    }

    /// The active version of an owner's plugin. The caller has checked that the principal may see the plugin.
    pub(crate) fn answering(&self, key: &PluginKey) -> Option<Served> {
        self.look(|slots| {
            let slot = slots.get(key)?;
            Some(served(slots, key, slot, slot.answering()?))
        })
    }

    /// The view that a report of this owner reads under a name.
    pub(crate) fn input(&self, view: &str, owner: &PluginOwner) -> Option<ServedView> {
        self.look(|slots| Seen::of(owner).slot(slots, view)?.1.view())
    }

    /// The views and reports that a principal may see, by name.
    pub(crate) fn list(&self, principal: &Principal) -> Vec<(String, Served)> {
        let seen = Seen::by(principal);
        let list = self.look(|slots| {
            let names: BTreeSet<&str> = slots.keys().map(|key| key.name.as_str()).collect();
            let found = names.into_iter().filter_map(|name| {
                let (key, slot) = seen.slot(slots, name)?;
                Some((name.to_owned(), served(slots, key, slot, slot.answering()?)))
            });
            Some(found.collect())
        });
        list.unwrap_or_default()
    }

    /// A version of a plugin, or why it is not running; `None` if it need not run. The caller has checked that the
    /// principal may see the plugin.
    pub(crate) fn version(&self, (key, version): (&PluginKey, &str)) -> Option<Result<Served, Arc<NotKept>>> {
        self.look(|slots| {
            let slot = slots.get(key)?;
            let kept = slot.versions.get(version)?.as_ref();
            Some(kept.map(|kept| served(slots, key, slot, kept)).map_err(Clone::clone))
        })
    }
}

impl NetworkViews {
    /// Every open view, with its network, owner and name, and version.
    pub(crate) fn all(&self) -> Vec<(NetworkName, PluginKey, String, ServedView)> {
        let mut all = Vec::new();
        for (network, opened) in self.opened().iter() {
            for (key, slot) in &opened.slots {
                let views = slot.views().map(|(version, view)| (version, view.clone().served(slot.paused)));
                all.extend(views.map(|(version, view)| (network.clone(), key.clone(), version.to_owned(), view)));
            }
        }
        all
    }
}

/// The plugins in which a name is looked up: first an organisation's own, then the network's.
struct Seen(Option<OrganisationId>);

impl Seen {
    fn by(principal: &Principal) -> Self {
        Self(principal.organisation.clone())
    }

    /// The lookup for an owner's plugins. The network's plugins see only the network's: they are the same for
    /// everybody.
    fn of(owner: &PluginOwner) -> Self {
        match owner {
            PluginOwner::Network => Self(None),
            PluginOwner::Organisation(organisation) => Self(Some(organisation.clone())),
        }
    }

    fn slot<'a>(&self, slots: &'a Slots, name: &str) -> Option<(&'a PluginKey, &'a Slot)> {
        PluginOwner::in_order_of_lookup(self.0.as_ref())
            .find_map(|owner| slots.get_key_value(&PluginKey::new(owner, name)))
    }
}

/// A version of a plugin, ready to answer.
fn served(slots: &Slots, key: &PluginKey, slot: &Slot, kept: &Kept) -> Served {
    match kept {
        Kept::View(view) => Served::View(view.clone().served(slot.paused)),
        Kept::Report(report) => Served::Report(serve(slots, report.clone(), &key.owner)),
    }
}

/// A report of an owner, with the views that it reads.
fn serve(slots: &Slots, kept: KeptReport, owner: &PluginOwner) -> ServedReport {
    let KeptReport { report, retired } = kept;
    let (mut views, mut missing) = (Vec::new(), None);
    for input in &report.manifest().inputs {
        match Seen::of(owner).slot(slots, &input.view).and_then(|(_, slot)| slot.view()) {
            Some(view) => views.push(view),
            None => missing = missing.or_else(|| Some(input.view.clone())),
        }
    }
    ServedReport { report, views, missing, retired }
}
