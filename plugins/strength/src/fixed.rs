//! Decay and logarithm in whole numbers. Qn is a number times 2^n. Errors are at most a few units
//! of the last place, and the same everywhere.

/// ln 2 in Q60, to the nearest.
const LN_2: u128 = 0x0b17_217f_7d1c_f79b;

/// How many half-lives a contact counts: then 2^-32 is less than the last bit.
const HALF_LIVES: u32 = 32;

/// What is left of a contact, by its age.
#[derive(Debug)]
pub(crate) struct Decay {
    /// 2^(-d / half-life) in Q32, for ages of 0 to 32 half-lives.
    left: Vec<u64>,
}

impl Decay {
    /// The table of a half-life in days, at least 1.
    pub(crate) fn new(half_life: u32) -> Self {
        let fractions: Vec<u128> = (0..half_life).map(|days| exp2_minus(days, half_life)).collect();
        let mut left: Vec<u64> = (0..HALF_LIVES)
            .flat_map(|halvings| fractions.iter().map(move |fraction| q32(*fraction, halvings)))
            .collect();
        left.push(1);
        Self { left }
    }

    /// The age, in days, up to which a contact counts.
    pub(crate) fn days(&self) -> i64 {
        i64::try_from(self.left.len() - 1).expect("32 half-lives of at most a year")
    }

    /// What is left of a unit (Q24) at an age, in Q32, rounded down.
    pub(crate) fn left_of(&self, unit: u32, age: i64) -> u64 {
        let age = usize::try_from(age).ok();
        let left = age.and_then(|age| self.left.get(age)).copied().unwrap_or(0);
        (u64::from(unit) * left) >> 24
    }

    /// What is left, in Q32, if a unit (Q24) came on every day up to now.
    pub(crate) fn sum_of_every_day(&self, unit: u32) -> u64 {
        (0..=self.days()).map(|age| self.left_of(unit, age)).sum()
    }
}

/// A number of at most 1 in Q60, halved so often, in Q32, to the nearest.
fn q32(value: u128, halvings: u32) -> u64 {
    let shift = 28 + halvings;
    let nearest = (value + (1 << (shift - 1))) >> shift;
    u64::try_from(nearest).expect("at most 1 in Q32")
}

/// 2^(-days / half-life) in Q60, for days below the half-life: the series of e^-x, x = ln 2 days / half-life.
fn exp2_minus(days: u32, half_life: u32) -> u128 {
    let x = LN_2 * u128::from(days) / u128::from(half_life);
    let mut term = 1_u128 << 60;
    let (mut plus, mut minus) = (0, 0);
    let mut n = 0;
    while term > 0 {
        if n % 2 == 0 {
            plus += term;
        } else {
            minus += term;
        }
        n += 1;
        term = (term * x / n) >> 60;
    }
    plus - minus
}

/// The binary logarithm, in Q32, of a number of at least 1 in Q32: one bit a squaring.
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
    fn the_table_is_exact_to_its_last_bit() {
        for half_life in [1, 2, 7, 30, 60, 365] {
            let decay = Decay::new(half_life);
            assert_eq!(decay.days(), i64::from(32 * half_life));
            for (days, left) in (0_u32..).zip(&decay.left) {
                let exact = (-f64::from(days) / f64::from(half_life)).exp2() * 2_f64.powi(32);
                assert!((float(*left) - exact).abs() <= 0.5001, "2^-({days}/{half_life})");
            }
        }
    }

    #[test]
    fn known_values() {
        assert_eq!([log2(1 << 32), log2(1 << 33), log2(1 << 63)], [0, 1 << 32, 31 << 32]);
        let decay = Decay::new(60);
        let ages = [0, 60, 120, 1920, 1921, i64::MAX].map(|age| decay.left_of(1 << 24, age));
        assert_eq!(ages, [1 << 32, 1 << 31, 1 << 30, 1, 0, 0]);
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
