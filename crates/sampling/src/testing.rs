//! What the simulations share: a seeded generator and draws without replacement.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the seed alone decides what follows.
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `end` − 1.
    pub fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).unwrap()
    }

    /// 0 to 1.
    pub fn unit(&mut self) -> f64 {
        crate::number::float(self.next() >> 11) / 9_007_199_254_740_992.0
    }

    /// How many of `right` among `population` are in a draw of `sampled`.
    pub fn hypergeometric(&mut self, population: u64, sampled: u64, right: u64) -> u64 {
        let (mut left, mut good, mut hits) = (population, right, 0);
        for _ in 0..sampled {
            if self.below(left) < good {
                good -= 1;
                hits += 1;
            }
            left -= 1;
        }
        hits
    }

    /// The first `sampled` of a shuffled list.
    pub fn choose<T: Copy>(&mut self, items: &mut [T], sampled: usize) -> Vec<T> {
        for i in 0..sampled {
            let rest = crate::number::count(items.len() - i);
            items.swap(i, i + usize::try_from(self.below(rest)).unwrap());
        }
        items[..sampled].to_vec()
    }
}
