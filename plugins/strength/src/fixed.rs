//! The logarithm in whole numbers. Qn is a number times 2^n. Errors are at most a few units in the
//! last place, and the same everywhere.

/// The binary logarithm, in Q32, of a number of at least 1 in Q32: one bit per squaring.
pub(crate) fn log2(value: u64) -> u64 {
    let zeros = value.leading_zeros();
    let whole = u64::from(31 - zeros);
    let mut mantissa = value << zeros;
    let mut log = whole;
    for _ in 0..32 {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let bit = u64::from(square >= 1 << 64);
        log = log << 1 | bit;
        mantissa = u64::try_from(square >> bit).expect("below 2 in Q63");
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[allow(clippy::cast_precision_loss, reason = "below 2^53, so exact")]
    fn float(value: u64) -> f64 {
        value as f64
    }

    #[test]
    fn known_values() {
        assert_eq!([log2(1 << 32), log2(1 << 33), log2(1 << 63)], [0, 1 << 32, 31 << 32]);
    }

    proptest! {
        #[test]
        fn log2_is_exact_to_a_few_bits(value in (1_u64 << 32)..(1 << 46)) {
            let exact = (float(value) / 2_f64.powi(32)).log2() * 2_f64.powi(32);
            prop_assert!((float(log2(value)) - exact).abs() < 2.0);
        }

        #[test]
        fn log2_never_falls(value in (1_u64 << 32)..(1 << 46), more in 0_u64..1000) {
            prop_assert!(log2(value) <= log2(value + more));
        }
    }
}
