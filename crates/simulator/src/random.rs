//! Numbers from a seed (SplitMix64; Steele, Lea, Flood 2014): twelve lines, the same on every machine for ever.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed. Different purposes take different streams, so that one more draw in one of them leaves the
    /// others as they are.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Random(seed);
        random.0 = random.next() ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        random.0 = random.next();
        random
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit; 0 for the limit 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        from + i64::try_from(self.below(span + 1)).unwrap_or(0)
    }

    /// The same for the small numbers of rooms, floors and doors.
    pub fn small(&mut self, from: u16, to: u16) -> u16 {
        u16::try_from(self.between(from.into(), to.into())).unwrap_or(from)
    }

    /// True in `per_mille` of 1,000 cases.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of several, each as likely as the others.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let count = u64::try_from(from.len()).unwrap_or(u64::MAX);
        let place = usize::try_from(self.below(count)).unwrap_or(0);
        *from.get(place).expect("nothing is picked from nothing")
    }

    /// One of several, by weight.
    pub fn weighted<T: Copy>(&mut self, from: &[(u64, T)]) -> T {
        let mut left = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in from {
            if left < *weight {
                return *one;
            }
            left -= weight;
        }
        from.last().expect("nothing is picked from nothing").1
    }
}

/// A number of its own for several numbers taken together, without a stream: what depends on a thing and a day alone.
pub fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |mixed, part| Random(mixed ^ part).next())
}
