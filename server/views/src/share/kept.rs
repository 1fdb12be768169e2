//! A cache of tables for later questions: the most recently used ones of all views and reports of a host, within one
//! limit of bytes.

use crate::limits;
use std::{
    any::Any,
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// All cached tables, the most recently used one at the end.
#[derive(Default)]
pub(crate) struct Shelf {
    tables: Mutex<VecDeque<Kept>>,
    owners: AtomicU64,
}

struct Kept {
    owner: u64,
    bytes: usize,
    /// The key of the table, and the table.
    table: Box<dyn Any + Send + Sync>,
}

impl Shelf {
    fn tables(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cached tables of one view or report; dropped together with it.
pub(crate) struct Corner {
    shelf: Arc<Shelf>,
    owner: u64,
}

impl Corner {
    /// An empty corner.
    pub(crate) fn of(shelf: &Arc<Shelf>) -> Self {
        Self { shelf: Arc::clone(shelf), owner: shelf.owners.fetch_add(1, Ordering::Relaxed) }
    }

    /// The table of this key, if it is cached.
    pub(crate) fn find<K: PartialEq + 'static, T: 'static>(&self, of: &K) -> Option<Arc<T>> {
        let mut tables = self.shelf.tables();
        let table = |kept: &Kept| {
            let (known, table) = kept.table.downcast_ref::<(K, Arc<T>)>()?;
            (kept.owner == self.owner && known == of).then(|| Arc::clone(table))
        };
        let (index, found) = tables.iter().enumerate().find_map(|(index, kept)| Some((index, table(kept)?)))?;
        let used = tables.remove(index);
        tables.extend(used);
        Some(found)
    }

    /// Caches a table, and drops those that have not been used for longest. A table that exceeds the limit is not
    /// cached.
    pub(crate) fn keep<K, T>(&self, of: K, table: Arc<T>, bytes: usize)
    where
        K: Send + Sync + 'static,
        T: Send + Sync + 'static,
    {
        if bytes > limits::TABLES_KEPT_BYTES_MAX {
            return;
        }
        let mut tables = self.shelf.tables();
        tables.push_back(Kept { owner: self.owner, bytes, table: Box::new((of, table)) });
        let mut total: usize = tables.iter().map(|kept| kept.bytes).sum();
        while total > limits::TABLES_KEPT_BYTES_MAX || tables.len() > limits::TABLES_KEPT_MAX {
            let Some(oldest) = tables.pop_front() else { break };
            total -= oldest.bytes;
        }
    }

    /// Drops all of them.
    pub(crate) fn clear(&self) {
        self.shelf.tables().retain(|kept| kept.owner != self.owner);
    }
}

impl Drop for Corner {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_used_last_stay_within_one_limit_for_all() {
        let shelf = Arc::<Shelf>::default();
        let (one, other) = (Corner::of(&shelf), Corner::of(&shelf));
        let half = limits::TABLES_KEPT_BYTES_MAX / 2;
        one.keep(1, Arc::new("first"), half);
        other.keep(1, Arc::new("of another"), half);
        assert_eq!(one.find::<i32, &str>(&1).as_deref(), Some(&"first"), "now the one used last");
        other.keep(2, Arc::new("second"), half);
        assert_eq!(other.find::<i32, &str>(&1), None);
        assert_eq!(one.find::<i32, &str>(&1).as_deref(), Some(&"first"));
        one.keep(3, Arc::new("too large"), limits::TABLES_KEPT_BYTES_MAX + 1);
        assert_eq!(one.find::<i32, &str>(&3), None);
        assert_eq!(other.find::<i32, &str>(&2).as_deref(), Some(&"second"));
        drop(other);
        assert_eq!(shelf.tables().len(), 1, "tables go with their view");
    }
}
