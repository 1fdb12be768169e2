//! Memory for views that are far behind: two places of equal size, so that few work at once, and each with much. Five at
//! once would not be faster, and would write twice as much.

use super::{
    cancel::Cancel,
    one_place::{OnePlace, Taken},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How often a view that waits checks the other place, and whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The places. Clones are handles to the same places.
#[derive(Clone)]
pub(crate) struct RunPlaces {
    bytes: usize,
    places: Arc<[OnePlace; 2]>,
}

/// Holds a place until dropped.
pub(crate) struct RunPlace {
    bytes: usize,
    _taken: Taken,
}

impl RunPlaces {
    /// Places that have this much memory together.
    pub(crate) fn of(whole: usize) -> Self {
        Self { bytes: whole / 2, places: Arc::default() }
    }

    /// Takes a place once one is free, or returns `None` after `patience` or when cancelled.
    pub(crate) fn take_within(&self, patience: Duration, cancel: &Cancel) -> Option<RunPlace> {
        if self.bytes == 0 {
            return None;
        }
        let until = Instant::now() + patience;
        let mut taken = self.places.iter().find_map(OnePlace::try_take);
        for place in self.places.iter().cycle() {
            if taken.is_some() || cancel.is_cancelled() {
                break;
            }
            let left = until.checked_duration_since(Instant::now())?;
            taken = place.take_within(left.min(LOOK));
        }
        taken.map(|taken| RunPlace { bytes: self.bytes, _taken: taken })
    }
}

impl RunPlace {
    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_have_half_each_and_others_wait_for_a_while() {
        let (places, cancel) = (RunPlaces::of(100), Cancel::default());
        let take = |patience| places.take_within(patience, &cancel);
        let (one, other) = (take(Duration::ZERO).unwrap(), take(Duration::ZERO).unwrap());
        assert_eq!((one.bytes(), other.bytes()), (50, 50));
        assert!(take(Duration::ZERO).is_none());
        assert!(take(Duration::from_millis(10)).is_none());
        let waiting = std::thread::spawn({
            let (places, cancel) = (places.clone(), cancel.clone());
            move || places.take_within(Duration::from_mins(1), &cancel).is_some()
        });
        drop(other);
        assert!(waiting.join().unwrap());
        let other = take(Duration::ZERO).unwrap();
        cancel.cancel();
        assert!(take(Duration::from_mins(1)).is_none(), "nobody needs it any more");
        drop((one, other));
        assert!(RunPlaces::of(0).take_within(Duration::from_mins(1), &Cancel::default()).is_none(), "there is none");
    }
}
