//! The median of durations of which some are not over: Kaplan and Meier, "Nonparametric estimation from incomplete
//! observations", Journal of the American Statistical Association 53 (1958).
//!
//! ```text
//! S(t) = product over days d <= t of (1 - over on d / still open before d)
//! median = the first day with S <= 1/2
//! V(t) = sum over days d <= t of over / (open * (open - over))                   Greenwood (1926)
//! S low, high(t) = S(t) ^ exp(+-z * sqrt(V(t)) / ln S(t))                        Kalbfleisch and Prentice (1980)
//! interval = the first days on which the lower and the upper bound are <= 1/2    Brookmeyer and Crowley (1982)
//! ```
//!
//! Invariant: the order of the outcomes does not matter. Logarithms are libm's, so that bits agree on every machine.

use std::f64::consts::LN_2;

/// The 97.5 % quantile of the normal distribution, for a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;
/// What rounding may add to a product of shares that is exactly 1/2.
const ROUNDING: f64 = 1e-9;

/// How long something took, or has been open for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Days.
    pub days: u32,
    /// Whether it is over; otherwise it has taken at least that long.
    pub is_over: bool,
}

/// The median in days, and the ends of its 95 % interval; `None` where it is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Median {
    /// The median.
    pub days: Option<u32>,
    /// The lower end.
    pub low: Option<u32>,
    /// The upper end.
    pub high: Option<u32>,
}

/// The median of the outcomes, which are sorted in place.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub fn median(outcomes: &mut [Outcome]) -> Median {
    outcomes.sort_unstable();
    let (mut found, mut share, mut variance, mut open) = (Median::default(), 1.0, 0.0, outcomes.len());
    for of_day in outcomes.chunk_by(|one, other| one.days == other.days) {
        let over = of_day.iter().filter(|outcome| outcome.is_over).count();
        let (over_f, open_f) = (over as f64, open as f64);
        open -= of_day.len();
        if over == 0 {
            continue;
        }
        share *= 1.0 - over_f / open_f;
        variance += over_f / (open_f * (open_f - over_f));
        let day = Some(of_day[0].days);
        let is_half = Halves::of(share, variance);
        found.low = found.low.or(day.filter(|_| is_half.low));
        found.days = found.days.or(day.filter(|_| is_half.share));
        found.high = found.high.or(day.filter(|_| is_half.high));
    }
    found
}

/// Whether the share that is still open, and the bounds of its interval, are a half or less.
struct Halves {
    low: bool,
    share: bool,
    high: bool,
}

impl Halves {
    fn of(share: f64, variance: f64) -> Self {
        // If nothing is open any more there is no upper bound.
        if share <= 0.0 {
            return Self { low: true, share: true, high: false };
        }
        let depth = -libm::log(share);
        let spread = libm::exp(Z * variance.sqrt() / depth);
        let is_half = |depth: f64| depth >= LN_2 - ROUNDING;
        Self { low: is_half(depth * spread), share: is_half(depth), high: is_half(depth / spread) }
    }
}
