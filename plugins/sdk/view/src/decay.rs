//! Decay with a half-life, in whole numbers: the same on every machine. Qn is a number times 2^n.
//!
//! Invariant: everything is rounded to the nearest or down, and never in floating point.

/// ln 2 in Q60, to the nearest.
const LN_2: u128 = 0x0b17_217f_7d1c_f79b;

/// How many half-lives a contact counts: after that, 2^-32 is less than the last bit.
const HALF_LIVES: u32 = 32;

/// What is left of a contact, by its age.
#[derive(Debug)]
pub struct Decay {
    /// 2^(-d / half-life) in Q32, for ages of 0 to 32 half-lives.
    left: Vec<u64>,
}

impl Decay {
    /// The table of a half-life in days, at least 1; meant for 1 to 365.
    pub fn new(half_life: u32) -> Self {
        let fractions: Vec<u128> = (0..half_life).map(|days| exp2_minus(days, half_life)).collect();
        let mut left: Vec<u64> = (0..HALF_LIVES)
            .flat_map(|halvings| fractions.iter().map(move |fraction| q32(*fraction, halvings)))
            .collect();
        left.push(1);
        Self { left }
    }

    /// The age, in days, up to which a contact counts.
    pub fn days(&self) -> i64 {
        i64::try_from(self.left.len() - 1).expect("a table is much shorter than 2^63")
    }

    /// What is left of a unit (Q24) at an age, in Q32, rounded down.
    pub fn left_of(&self, unit: u32, age: i64) -> u64 {
        let age = usize::try_from(age).ok();
        let left = age.and_then(|age| self.left.get(age)).copied().unwrap_or(0);
        (u64::from(unit) * left) >> 24
    }

    /// What is left, in Q32, of a unit (Q24) on every day up to now.
    pub fn sum_of_every_day(&self, unit: u32) -> u64 {
        (0..=self.days()).map(|age| self.left_of(unit, age)).sum()
    }
}

/// A number of at most 1 in Q60, halved `halvings` times, in Q32, to the nearest.
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let decay = Decay::new(60);
        let ages = [0, 60, 120, 1920, 1921, i64::MAX].map(|age| decay.left_of(1 << 24, age));
        assert_eq!(ages, [1 << 32, 1 << 31, 1 << 30, 1, 0, 0]);
    }
}
