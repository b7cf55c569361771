//! The interval of a whole that was drawn stratum by stratum, such as a town from its areas.

use super::{Interval, Share, Stratum, clopper_pearson, hypergeometric};
use crate::number::float;

/// How many imagined records, as right as the whole, each stratum gets where its variance is estimated: a stratum of
/// which all drawn ones are right is not therefore known to be all right. Two is what a 95 % interval adds on each side
/// (A. Agresti and B. A. Coull, Am. Stat. 52 (1998) 119–126).
const IMAGINED: f64 = 2.0;

/// The share in all strata together, Σ (N_h/N) p̂_h, and its interval.
///
/// One stratum: the exact interval of the draw. Several: v = Σ (N_h/N)² p̃_h(1−p̃_h)/n_h · (N_h−n_h)/(N_h−1) (W. G.
/// Cochran, *Sampling Techniques*, 3rd ed. 1977, §5.3, §5.10), p̃_h with two imagined records as right as the whole;
/// n_eff = p̃(1−p̃)/v; then Clopper and Pearson's interval of p̂ n_eff among n_eff (E. L. Korn and B. I. Graubard, Survey
/// Methodology 24 (1998) 193–201). Wilson's formula with the same n_eff covers 91 % where errors are few. Its ends
/// are shares that are possible: of a whole number of records, from all others wrong to all others right. After a full check
/// of every stratum it is the share itself.
///
/// `None` if a stratum has a population but no draw, or if there is no population: the whole is unverified.
///
/// ```
/// use shilu_sampling::{Stratum, stratified};
/// let drawn = Stratum { population: 200, sampled: 20, right: 19 };
/// let share = stratified(&[drawn, drawn, drawn]).unwrap();
/// assert_eq!(format!("{:.3}", share.value), "0.950");
/// assert_eq!(stratified(&[drawn, Stratum { population: 9, sampled: 0, right: 0 }]), None);
/// ```
pub fn stratified(strata: &[Stratum]) -> Option<Share> {
    let strata: Vec<_> = strata.iter().filter(|stratum| stratum.population > 0).collect();
    if strata.is_empty() || !strata.iter().all(|stratum| stratum.is_drawn()) {
        return None;
    }
    let sum = |of: &dyn Fn(&Stratum) -> f64| strata.iter().map(|stratum| of(stratum)).sum::<f64>();
    let population = sum(&|stratum| float(stratum.population));
    let value = sum(&|stratum| float(stratum.population) * seen(stratum)) / population;
    let interval = match strata.as_slice() {
        [only] => hypergeometric(only)?,
        _ if strata.iter().all(|stratum| stratum.sampled == stratum.population) => Interval::exact(value),
        several => {
            let cases = effective(several, value);
            let interval = clopper_pearson(value * cases, cases).around(value);
            // The right ones are a whole number, and what was seen is known, whatever the rest is.
            let lower = (interval.lower * population).floor() / population;
            let upper = (interval.upper * population).ceil() / population;
            let right = sum(&|stratum| float(stratum.right));
            let wrong = sum(&|stratum| float(stratum.sampled - stratum.right));
            Interval {
                lower: lower.max(right / population),
                upper: upper.min((population - wrong) / population),
            }
        }
    };
    Some(Share { value, interval })
}

/// n_eff of a share of several strata.
fn effective(strata: &[&Stratum], value: f64) -> f64 {
    let sum = |of: &dyn Fn(&Stratum) -> f64| strata.iter().map(|stratum| of(stratum)).sum::<f64>();
    let population = sum(&|stratum| float(stratum.population));
    let sampled = sum(&|stratum| float(stratum.sampled));
    let middle = (value * sampled + IMAGINED / 2.0) / (sampled + IMAGINED);
    let adjusted = sum(&|stratum| float(stratum.population) * likely(stratum, middle)) / population;
    let variance = sum(&|stratum| {
        let weight = float(stratum.population) / population;
        weight * weight * variance(stratum, likely(stratum, middle))
    });
    adjusted * (1.0 - adjusted) / variance
}

fn seen(stratum: &Stratum) -> f64 {
    float(stratum.right) / float(stratum.sampled)
}

/// The share of right ones with the imagined records among them.
fn likely(stratum: &Stratum, middle: f64) -> f64 {
    (float(stratum.right) + IMAGINED * middle) / (float(stratum.sampled) + IMAGINED)
}

/// The variance of the share seen in a draw without replacement; 0 after a full check.
fn variance(stratum: &Stratum, share: f64) -> f64 {
    let (population, sampled) = (float(stratum.population), float(stratum.sampled));
    if stratum.sampled == stratum.population {
        return 0.0;
    }
    share * (1.0 - share) / sampled * (population - sampled) / (population - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{interval::wilson, testing::SplitMix64};

    #[test]
    fn nothing_impossible_is_left_open() {
        // 194 right and 3 wrong of 198: one record was not drawn.
        let share = stratified(&[area(150, 150, 148), area(27, 27, 26), area(21, 20, 20)]).unwrap();
        let possible = Interval {
            lower: 194.0 / 198.0,
            upper: 195.0 / 198.0,
        };
        assert_eq!(share.interval, possible);
    }

    /// Areas, each with its population, its draw and its right ones.
    struct Setting {
        name: &'static str,
        areas: Vec<Stratum>,
    }

    fn area(population: u64, sampled: u64, right: u64) -> Stratum {
        Stratum {
            population,
            sampled,
            right,
        }
    }

    fn settings() -> Vec<Setting> {
        let unequal = |i: u64| 20 + i * i * 10;
        let all = [
            (
                "16 areas, 95 % right",
                (0..16).map(|_| area(200, 20, 190)).collect::<Vec<_>>(),
            ),
            (
                "16 areas, 80 to 99 %",
                (0..16).map(|i| area(200, 20, 160 + i * 38 / 15)).collect(),
            ),
            (
                "one of 16 areas is half wrong",
                (0..16)
                    .map(|i| area(200, 20, if i == 0 { 100 } else { 200 }))
                    .collect(),
            ),
            (
                "one error in 3,200 records",
                (0..16)
                    .map(|i| area(200, 20, if i == 0 { 199 } else { 200 }))
                    .collect(),
            ),
            (
                "one error in each of 16 areas",
                (0..16).map(|_| area(200, 20, 199)).collect(),
            ),
            (
                "unequal areas",
                (0..16)
                    .map(|i| area(unequal(i), 15, unequal(i) - unequal(i) / 15))
                    .collect(),
            ),
            (
                "errors in the largest area alone",
                (0..16)
                    .map(|i| {
                        area(
                            unequal(i),
                            15,
                            unequal(i) - if i == 15 { unequal(i) / 5 } else { 0 },
                        )
                    })
                    .collect(),
            ),
            (
                "3 areas, 5 drawn of each",
                (0..3).map(|_| area(100, 5, 90)).collect(),
            ),
            (
                "2 areas, nearly all drawn",
                (0..2).map(|_| area(40, 35, 37)).collect(),
            ),
            (
                "one large area, 10 small ones",
                (0..11)
                    .map(|i| {
                        if i == 0 {
                            area(5_000, 30, 4_850)
                        } else {
                            area(20, 10, 20)
                        }
                    })
                    .collect(),
            ),
        ];
        all.into_iter()
            .map(|(name, areas)| Setting { name, areas })
            .collect()
    }

    /// How often, of 1,000 campaigns, the interval holds the truth: ours, and Wilson's of all drawn records as one.
    fn coverage(setting: &Setting) -> (u32, u32) {
        let mut random = SplitMix64(20150630);
        let total = setting.areas.iter().map(|area| area.population).sum();
        let truth = float(setting.areas.iter().map(|area| area.right).sum()) / float(total);
        let (mut ours, mut naive) = (0, 0);
        for _ in 0..1_000 {
            let drawn: Vec<_> = setting
                .areas
                .iter()
                .map(|area| Stratum {
                    right: random.hypergeometric(area.population, area.sampled, area.right),
                    ..*area
                })
                .collect();
            let Share { interval, .. } = stratified(&drawn).unwrap();
            ours += u32::from(interval.contains(truth));
            let sampled = float(drawn.iter().map(|area| area.sampled).sum());
            let right = float(drawn.iter().map(|area| area.right).sum());
            naive += u32::from(wilson(right / sampled, sampled).contains(truth));
        }
        (ours, naive)
    }

    #[test]
    fn covers_in_every_setting() {
        for setting in settings() {
            let (ours, naive) = coverage(&setting);
            println!("{:34} {ours} {naive}", setting.name);
            assert!(ours >= 920, "{}: {ours} of 1000", setting.name);
        }
    }

    /// Why not Wilson's formula with the same effective number: one error in 3,200 records is found by one draw in ten, and
    /// then Wilson's interval ends below the truth.
    #[test]
    fn covers_where_wilson_with_the_same_number_does_not() {
        let setting = settings().swap_remove(3);
        assert_eq!(setting.name, "one error in 3,200 records");
        let mut random = SplitMix64(20150630);
        let mut held = 0;
        for _ in 0..1_000 {
            let draw = |area: &Stratum| Stratum {
                right: random.hypergeometric(area.population, area.sampled, area.right),
                ..*area
            };
            let drawn: Vec<_> = setting.areas.iter().map(draw).collect();
            let value = stratified(&drawn).unwrap().value;
            let cases = effective(&drawn.iter().collect::<Vec<_>>(), value);
            held += u32::from(wilson(value, cases).contains(1.0 - 1.0 / 3_200.0));
        }
        println!("Wilson's with the same number {held}");
        assert!(held < 920, "{held} of 1000");
    }

    #[test]
    fn one_stratum_is_exact_and_empty_ones_do_not_count() {
        let only = area(100, 80, 79);
        let share = stratified(&[only, area(0, 0, 0)]).unwrap();
        assert_eq!(Some(share.interval), hypergeometric(&only));
        assert_eq!(share.value, 79.0 / 80.0);
    }

    #[test]
    fn is_none_where_a_stratum_was_not_drawn() {
        assert_eq!(stratified(&[area(100, 80, 79), area(1, 0, 0)]), None);
        assert_eq!(stratified(&[]), None);
        assert_eq!(stratified(&[area(0, 0, 0)]), None);
        assert_eq!(stratified(&[area(10, 5, 6), area(10, 5, 5)]), None);
    }

    #[test]
    fn a_full_check_of_every_stratum_is_exact() {
        let share = stratified(&[area(10, 10, 9), area(30, 30, 30)]).unwrap();
        assert_eq!(
            share,
            Share {
                value: 0.975,
                interval: Interval::exact(0.975)
            }
        );
    }

    #[test]
    fn without_an_error_the_interval_is_no_point() {
        let share = stratified(&[area(200, 20, 20), area(200, 20, 20)]).unwrap();
        assert_eq!((share.value, share.interval.upper), (1.0, 1.0));
        assert!((0.88..0.93).contains(&share.interval.lower), "{share:?}");
    }
}
