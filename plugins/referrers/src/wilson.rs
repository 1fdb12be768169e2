//! The score interval of a share, after Wilson, "Probable inference, the law of succession, and statistical
//! inference", Journal of the American Statistical Association 22 (1927).
//!
//! Invariant: only addition, multiplication, division and square root, which IEEE 754 defines to the last bit.

/// The 97.5 % quantile of the normal distribution, for a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// A share, and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) point: f64,
    pub(crate) high: f64,
}

/// The interval of a share; `None` for a share of nothing.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn interval(part: u64, whole: u64) -> Option<Interval> {
    if whole == 0 {
        return None;
    }
    let (n, z2) = (whole as f64, Z * Z);
    let point = part as f64 / n;
    let centre = point + z2 / (2.0 * n);
    let reach = Z * (point * (1.0 - point) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // Rounding may miss the ends, and the share itself, by the last bit.
    let (low, high) = (((centre - reach) / scale).clamp(0.0, point), ((centre + reach) / scale).clamp(point, 1.0));
    Some(Interval { low, point, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Known values: Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
    /// (1998), table I, method 3.
    #[test]
    fn intervals_are_those_of_the_literature() {
        let known = [
            ((81, 263), (0.2553, 0.3662)),
            ((15, 148), (0.0624, 0.1605)),
            ((0, 20), (0.0, 0.1611)),
            ((1, 29), (0.0061, 0.1718)),
        ];
        for ((part, whole), (low, high)) in known {
            let found = interval(part, whole).unwrap();
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{part}/{whole}: {found:?}");
        }
        assert_eq!(interval(0, 0), None);
    }

    #[test]
    fn nothing_of_many_begins_at_nothing_and_all_of_them_ends_at_all() {
        for whole in 1..2_000 {
            assert!(interval(0, whole).unwrap().low <= 0.0, "0 of {whole}");
            assert!(interval(whole, whole).unwrap().high >= 1.0, "{whole} of {whole}");
        }
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_narrows_with_more_of_it(part in 0..1_000_u64, more in 0..1_000_u64) {
            let whole = part + more + 1;
            let (few, many) = (interval(part, whole).unwrap(), interval(part * 10, whole * 10).unwrap());
            prop_assert!(0.0 <= few.low && few.low <= few.point && few.point <= few.high && few.high <= 1.0);
            prop_assert!(many.high - many.low < few.high - few.low);
            let other = interval(whole - part, whole).unwrap();
            prop_assert!((other.low - (1.0 - few.high)).abs() < 1e-12, "what failed is the rest");
        }
    }
}
