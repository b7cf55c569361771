//! Counts as floating point numbers, without a cast.

/// The number nearest to a count; exact up to 2^53.
pub fn float(count: u64) -> f64 {
    const LOW: u64 = 0xffff_ffff;
    // Both halves fit 32 bits; where one of the two is missing the other is all.
    let half = |half: u64| u32::try_from(half).map_or(f64::INFINITY, f64::from);
    half(count >> 32) * 4_294_967_296.0 + half(count & LOW)
}

/// The number nearest to a sum of squares or products; exact up to 2^53, else within 2^-52 of it.
pub fn float_wide(sum: i128) -> f64 {
    let size = sum.unsigned_abs();
    let half = |half: u128| u64::try_from(half).map_or(f64::INFINITY, float);
    let size_float = half(size >> 64) * 18_446_744_073_709_551_616.0 + half(size & u128::from(u64::MAX));
    if sum < 0 { -size_float } else { size_float }
}

/// How many there are.
pub fn count(items: usize) -> u64 {
    u64::try_from(items).expect("an address space of at most 64 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        #[allow(clippy::as_conversions)]
        fn are_what_a_cast_gives(number: u64, wide in -(1_i128 << 100)..(1_i128 << 100)) {
            prop_assert_eq!(float(number), number as f64);
            prop_assert_eq!(float_wide(i128::from(number >> 11)), (number >> 11) as f64);
            prop_assert!((float_wide(wide) / wide as f64 - 1.0).abs() < 1e-15);
        }
    }
}
