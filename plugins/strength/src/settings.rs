//! The settings of the view, checked. Bounds keep the arithmetic exact to 0.01 points and a state
//! under 64 KiB.

use serde::Deserialize;

/// The settings of the view.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What one event of a kind is worth.
    pub weights: Weights,
    /// Days after which a contact counts half: 1 to 365.
    pub half_life_days: u32,
    /// Whether an event is shared among the other people in it.
    pub divide: bool,
    /// Usual gaps of silence after which half of the score's sum is left: 1 to 64, or 0 to leave silence out.
    pub pace: u32,
    /// The smallest gap that a pair is taken to have, and the gap of one that was in contact on one day: 1 to 365
    /// days.
    pub gap_min_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { weights: Weights::default(), half_life_days: 60, divide: true, pace: 8, gap_min_days: 3 }
    }
}

/// What one event of a kind is worth: 0 to 10, the largest at least 0.1.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// People met.
    pub met: f64,
    /// One followed up with the other.
    pub followed_up: f64,
    /// One helped the other.
    pub helped: f64,
    /// One referred the other.
    pub referred: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { met: 1.0, followed_up: 0.5, helped: 1.5, referred: 1.5 }
    }
}

impl Settings {
    /// The weights in Q24, in the order of the routes.
    pub(crate) fn units(&self) -> Result<[u32; 4], String> {
        let Weights { met, followed_up, helped, referred } = self.weights;
        let weights = [met, followed_up, helped, referred];
        if !weights.iter().all(|weight| (0.0..=10.0).contains(weight)) {
            return Err("weights are from 0 to 10".into());
        }
        if weights.iter().all(|weight| *weight < 0.1) {
            return Err("the largest of the weights is at least 0.1".into());
        }
        Ok(weights.map(q24))
    }

    /// The half-life in days.
    pub(crate) fn half_life(&self) -> Result<u32, String> {
        if (1..=365).contains(&self.half_life_days) {
            return Ok(self.half_life_days);
        }
        Err("half_life_days is from 1 to 365".into())
    }

    /// Usual gaps of silence after which half is left.
    pub(crate) fn pace(&self) -> Result<u32, String> {
        if self.pace <= 64 { Ok(self.pace) } else { Err("pace is from 0 to 64".into()) }
    }

    /// The smallest gap in days.
    pub(crate) fn gap_min(&self) -> Result<u32, String> {
        if (1..=365).contains(&self.gap_min_days) {
            return Ok(self.gap_min_days);
        }
        Err("gap_min_days is from 1 to 365".into())
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10 * 2^24")]
fn q24(weight: f64) -> u32 {
    (weight * f64::from(1 << 24)).round() as u32
}
