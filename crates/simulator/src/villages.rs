//! The fifteen villages of the three-reals campaign, and how differently they work.

use crate::random::Random;

/// One village: a leaf area of the campaign.
#[derive(Clone, Copy, Debug)]
pub struct Village {
    /// The area's id.
    pub area: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Its share of the township, in hundredths.
    pub share: u32,
    /// Whether it has blocks of flats more than houses.
    pub urban: bool,
}

const fn rural(area: &'static str, name: &'static str, share: u32) -> Village {
    Village {
        area,
        name,
        share,
        urban: false,
    }
}

/// All of them.
pub const VILLAGES: [Village; 15] = [
    Village {
        area: "330604006001",
        name: "越兴社区",
        share: 14,
        urban: true,
    },
    rural("330604006200", "越北村", 7),
    rural("330604006206", "新宅村", 5),
    rural("330604006210", "建越村", 6),
    rural("330604006215", "小越村", 9),
    rural("330604006217", "越中村", 8),
    rural("330604006218", "倪梁村", 6),
    rural("330604006225", "越东村", 6),
    rural("330604006236", "小越湖村", 6),
    rural("330604006237", "冯柯山村", 5),
    rural("330604006238", "横山徐村", 5),
    rural("330604006239", "胜桥村", 6),
    rural("330604006240", "罗家村", 6),
    rural("330604006241", "双堰村", 6),
    rural("330604006242", "田家村", 5),
];

impl Village {
    /// The last three digits of its area, which tell the villages apart.
    pub fn short(&self) -> &'static str {
        self.area.get(9..).unwrap_or_default()
    }
}

/// How a village works: all of it honest, none of it perfect. In thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Buildings that are ever visited.
    pub buildings: u64,
    /// Dwellings whose households are ever visited.
    pub households: u64,
    /// Residents whom their household does not mention.
    pub unmentioned: u64,
    /// Essential values that are taken down wrong.
    pub mistakes: u64,
    /// Mistakes that are noticed and put right.
    pub noticed: u64,
    /// Rentals and units that get their plate at once.
    pub plated: u64,
    /// Records that are registered within days.
    pub registered: u64,
    /// People who moved out and are deregistered within the grace.
    pub prompt: u64,
    /// Units that are ever visited.
    pub units: u64,
    /// Days of work that upload at once.
    pub online: u64,
    /// How much work lies in the last days before a deadline, over the usual.
    pub rush: u64,
}

/// The habits of each village. Which of them works best is the seed's choice.
pub fn habits(seed: u64) -> Vec<Habits> {
    let mut random = Random::new(seed, 2);
    let mut ranks: Vec<u64> = (0..15).collect();
    // Fisher and Yates.
    for last in (1..ranks.len()).rev() {
        let other = random.below(u64::try_from(last + 1).unwrap_or(1));
        ranks.swap(last, usize::try_from(other).unwrap_or(0));
    }
    ranks.into_iter().map(|rank| of_rank(rank, &mut random)).collect()
}

/// From rank 0, the best, to rank 14; no village is good or bad at everything.
fn of_rank(rank: u64, random: &mut Random) -> Habits {
    let mut between = |best: i64, worst: i64| {
        let shifted = i64::try_from(rank).unwrap_or(0) + random.between(-3, 3);
        let value = best + (worst - best) * shifted.clamp(0, 14) / 14;
        u64::try_from(value).unwrap_or(0)
    };
    Habits {
        buildings: between(1_000, 968),
        households: between(995, 900),
        unmentioned: between(8, 75),
        mistakes: between(3, 26),
        noticed: between(800, 400),
        plated: between(992, 830),
        registered: between(997, 945),
        prompt: between(900, 560),
        units: between(1_000, 900),
        online: between(880, 520),
        rush: between(6, 26),
    }
}
