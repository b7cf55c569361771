//! The measure `roster`: who is found at a drawn place, against who is registered there, and the rates of it.
//!
//! A *place* is what was drawn: a dwelling, or a building. A *child* is who or what is listed there: a resident, or a
//! dwelling. A place is one cluster: the people of one dwelling are not independent.

use std::collections::{BTreeMap, BTreeSet};

use shilu_model::{Day, RosterRate, Verdict};

use crate::{
    estimate::Estimate,
    interval::{Cluster, Interval, RatioStratum, RatioSums, Share, ratio},
    number::count,
    state::{Basis, Counts},
};

/// How the register had a found child when it was frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Registered, at this place or at another.
    Registered,
    /// Only collected: live, and not registered.
    Collected,
    /// Not live: deregistered though it is there.
    Deregistered,
    /// The register did not know it: a visitor had to mint a key.
    Never,
}

/// A child whom the visitor found, listed before the register was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The key it was matched to, or the one minted for it.
    pub key: &'a str,
    /// How the frozen register had it.
    pub standing: Standing,
    /// Since when it is here, if that could be learned.
    pub arrived: Option<Day>,
    /// The verdict on each essential field; `None` for one that was not looked at.
    pub essential: Vec<Option<Verdict>>,
}

/// What the visitor answers, once shown a registered child who is not on the list, or a recent deregistration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Left on this day.
    Gone(Day),
    /// Nobody ever knew it here.
    UnknownHere,
    /// Could not be learned.
    NotSeen,
}

/// A deregistration from the place within the window before the freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure<'a> {
    /// Whose.
    pub key: &'a str,
    /// The day of the deregistration; the lag is the days from the confirmed leaving to it.
    pub deregistered: Day,
}

/// A place that was visited, with what the frozen register had of it and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing<'a> {
    /// Keys of the children registered here at the freeze: R(D).
    pub registered: Vec<&'a str>,
    /// Recent deregistrations from here.
    pub departures: Vec<Departure<'a>>,
    /// Step 1, blind.
    pub found: Vec<Found<'a>>,
    /// Step 2: an answer for each key that was shown. Without one a child is not seen.
    pub answers: Vec<(&'a str, Answer)>,
}

/// What a drawn place gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roster<'a> {
    /// Somebody answered.
    Listed(Listing<'a>),
    /// Nobody answered, the check was refused, or nobody has gone there yet: all registered here are unknown.
    Closed {
        /// Keys of the children registered here at the freeze.
        registered: Vec<&'a str>,
        /// How many were deregistered from here within the window: whether they have gone, nobody saw.
        departures: u64,
    },
}

/// What is common to all places of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterRule {
    /// The day of the freeze.
    pub freeze: Day,
    /// Days after arriving or leaving in which the register need not know.
    pub grace_days: u32,
}

impl RosterRule {
    /// For a rate, whose grace it takes; accuracy and coverage know none.
    pub const fn of(freeze: Day, rate: RosterRate) -> Self {
        let grace_days = match rate {
            RosterRate::Registration { grace_days }
            | RosterRate::Deregistration { grace_days, .. }
            | RosterRate::Consistency { grace_days } => grace_days,
            RosterRate::Accuracy | RosterRate::Coverage => 0,
        };
        RosterRule { freeze, grace_days }
    }
}

/// What a place, or several together, count. The letters are those of `docs/sampling.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RosterCounts {
    /// a: found, and registered anywhere.
    pub registered: u64,
    /// c: found and not registered, though arrived more than the grace before the freeze.
    pub unregistered: u64,
    /// Found and not registered, since when is not known: registration's unknown.
    pub arrival_unknown: u64,
    /// here: found, and registered here.
    pub here: u64,
    /// here, every essential field equal.
    pub here_equal: u64,
    /// here, a field differs, all seen.
    pub here_differs: u64,
    /// b: registered here, gone or never known, and not within the grace.
    pub stale: u64,
    /// Of b, whom nobody ever knew.
    pub unknown_here: u64,
    /// d: gone and deregistered, the lag within the grace.
    pub in_time: u64,
    /// late: the same, the lag longer.
    pub late: u64,
    /// Deregistered, and whether gone could not be learned.
    pub departure_unknown: u64,
    /// Registered here, and neither found nor answered for.
    pub not_seen: u64,
    /// n₂: found, without arrivals after the freeze.
    pub found: u64,
    /// m: of these, live when frozen.
    pub found_live: u64,
    /// Registered at places that did not open.
    pub closed_registered: u64,
    /// The same, at least one of each place: it may hold somebody who is on no list.
    pub closed_people: u64,
    /// Deregistered from places that did not open, within the window.
    pub closed_departures: u64,
    /// Places that did not open.
    pub closed: u64,
}

/// Counts a visited place.
///
/// Arrivals after the freeze are left out of everything. A child who is found twice counts once.
///
/// ```
/// use shilu_model::Day;
/// use shilu_sampling::{Answer, Found, Listing, Roster, RosterRule, Standing, roster};
/// let rule = RosterRule { freeze: Day::parse("2015-06-01").unwrap(), grace_days: 3 };
/// let left = Day::parse("2015-05-20").unwrap();
/// let found = |key, standing, arrived| Found {
///     key,
///     standing,
///     arrived: Day::parse(arrived).ok(),
///     essential: Vec::new(),
/// };
/// let visit = Roster::Listed(Listing {
///     registered: vec!["li", "wang"],
///     found: vec![
///         found("li", Standing::Registered, "2014-02-01"),
///         found("zhao", Standing::Never, "2015-05-01"),
///         found("zhou", Standing::Never, "2015-05-30"),
///     ],
///     answers: vec![("wang", Answer::Gone(left))],
///     ..Listing::default()
/// });
/// let counts = roster(&visit, rule);
/// // Zhou came two days before the freeze and need not be registered yet.
/// assert_eq!((counts.registered, counts.unregistered, counts.here, counts.stale), (1, 1, 1, 1));
/// assert_eq!((counts.found_live, counts.found), (1, 3));
/// ```
pub fn roster(visit: &Roster<'_>, rule: RosterRule) -> RosterCounts {
    let listing = match visit {
        Roster::Listed(listing) => listing,
        Roster::Closed {
            registered,
            departures,
        } => {
            let registered: BTreeSet<_> = registered.iter().collect();
            return RosterCounts {
                closed: 1,
                closed_registered: count(registered.len()),
                closed_people: count(registered.len()).max(1),
                closed_departures: *departures,
                ..RosterCounts::default()
            };
        }
    };
    let mut counts = RosterCounts::default();
    let registered: BTreeSet<_> = listing.registered.iter().copied().collect();
    let answers: BTreeMap<_, _> = listing.answers.iter().copied().collect();
    let mut listed = BTreeSet::new();
    for found in &listing.found {
        if listed.insert(found.key) {
            counts.add_found(found, registered.contains(found.key), rule);
        }
    }
    for key in registered.difference(&listed) {
        counts.add_missing(answers.get(key).copied(), rule);
    }
    let departures: BTreeMap<_, _> = listing
        .departures
        .iter()
        .map(|left| (left.key, left.deregistered))
        .collect();
    for (key, deregistered) in departures {
        if !listed.contains(key) && !registered.contains(key) {
            counts.add_departure(answers.get(key).copied(), deregistered, rule);
        }
    }
    counts
}

/// Days from one to another; negative where the other is earlier.
fn days(from: Day, to: Day) -> i64 {
    i64::from(to.number()) - i64::from(from.number())
}

impl RosterCounts {
    fn add_found(&mut self, found: &Found<'_>, registered_here: bool, rule: RosterRule) {
        let before = found.arrived.map(|arrived| days(arrived, rule.freeze));
        if before.is_some_and(|days| days < 0) {
            return;
        }
        self.found += 1;
        let registered = registered_here || found.standing == Standing::Registered;
        self.found_live += u64::from(registered || found.standing == Standing::Collected);
        if registered {
            self.registered += 1;
        } else {
            match before {
                Some(days) => self.unregistered += u64::from(days > i64::from(rule.grace_days)),
                None => self.arrival_unknown += 1,
            }
        }
        if registered_here {
            self.here += 1;
            let fully_seen =
                |verdict: &Option<Verdict>| matches!(verdict, Some(Verdict::Equal | Verdict::Differs));
            if found
                .essential
                .iter()
                .all(|verdict| *verdict == Some(Verdict::Equal))
            {
                self.here_equal += 1;
            } else if found.essential.iter().all(fully_seen) {
                self.here_differs += 1;
            }
        }
    }

    fn add_missing(&mut self, answer: Option<Answer>, rule: RosterRule) {
        match answer {
            Some(Answer::Gone(left)) => {
                self.stale += u64::from(days(left, rule.freeze) > i64::from(rule.grace_days));
            }
            Some(Answer::UnknownHere) => {
                self.stale += 1;
                self.unknown_here += 1;
            }
            Some(Answer::NotSeen) | None => self.not_seen += 1,
        }
    }

    fn add_departure(&mut self, answer: Option<Answer>, deregistered: Day, rule: RosterRule) {
        match answer {
            Some(Answer::Gone(left)) if days(left, deregistered) <= i64::from(rule.grace_days) => {
                self.in_time += 1
            }
            Some(Answer::Gone(_)) => self.late += 1,
            // It was never here: there was nobody to deregister.
            Some(Answer::UnknownHere) => {}
            Some(Answer::NotSeen) | None => self.departure_unknown += 1,
        }
    }

    /// Adds those of another place.
    pub fn add(&mut self, other: &RosterCounts) {
        let RosterCounts {
            registered,
            unregistered,
            arrival_unknown,
            here,
            here_equal,
            here_differs,
            stale,
            unknown_here,
            in_time,
            late,
            departure_unknown,
            not_seen,
            found,
            found_live,
            closed_registered,
            closed_people,
            closed_departures,
            closed,
        } = other;
        self.registered += registered;
        self.unregistered += unregistered;
        self.arrival_unknown += arrival_unknown;
        self.here += here;
        self.here_equal += here_equal;
        self.here_differs += here_differs;
        self.stale += stale;
        self.unknown_here += unknown_here;
        self.in_time += in_time;
        self.late += late;
        self.departure_unknown += departure_unknown;
        self.not_seen += not_seen;
        self.found += found;
        self.found_live += found_live;
        self.closed_registered += closed_registered;
        self.closed_people += closed_people;
        self.closed_departures += closed_departures;
        self.closed += closed;
    }

    /// What they are for a rate: registration a / (a + c); deregistration d / (d + late + b); consistency
    /// here / (here + b); accuracy: here, every essential field equal / (here, fully seen, + unknown here); coverage m / n₂.
    ///
    /// Unknown are those who could count in the denominator, had they been seen; of a place that did not open all who are
    /// registered there, and for registration and coverage at least one.
    ///
    /// ```
    /// use shilu_model::RosterRate;
    /// use shilu_sampling::{Counts, RosterCounts};
    /// let all = RosterCounts { found: 940, found_live: 900, ..RosterCounts::default() };
    /// assert_eq!(all.rate(RosterRate::Coverage), Counts { right: 900, wrong: 40, unknown: 0 });
    /// ```
    pub fn rate(&self, rate: RosterRate) -> Counts {
        let closed = self.closed_registered;
        let (right, wrong, unknown) = match rate {
            RosterRate::Registration { .. } => (
                self.registered,
                self.unregistered,
                self.arrival_unknown + self.closed_people,
            ),
            RosterRate::Deregistration { .. } => (
                self.in_time,
                self.late + self.stale,
                self.departure_unknown + self.not_seen + closed + self.closed_departures,
            ),
            RosterRate::Consistency { .. } => (self.here, self.stale, self.not_seen + closed),
            RosterRate::Accuracy => {
                let partly_seen = self.here - self.here_equal - self.here_differs;
                (
                    self.here_equal,
                    self.here_differs + self.unknown_here,
                    partly_seen + self.not_seen + closed,
                )
            }
            RosterRate::Coverage => (self.found_live, self.found - self.found_live, self.closed_people),
        };
        Counts {
            right,
            wrong,
            unknown,
        }
    }
}

/// The drawn places of one stratum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterStratum {
    /// Places in scope at the freeze.
    pub population: u64,
    /// What each drawn place counts.
    pub places: Vec<RosterCounts>,
}

/// The drawn places of all strata.
///
/// ```
/// use shilu_model::RosterRate;
/// use shilu_sampling::{RosterCounts, RosterStratum, Rosters};
/// let place = |here, stale| RosterCounts { here, stale, ..RosterCounts::default() };
/// let places = vec![place(3, 0), place(2, 1), place(4, 0), place(0, 2), place(5, 0), place(3, 0)];
/// let rosters = Rosters { strata: vec![RosterStratum { population: 80, places }] };
/// let consistency = rosters.estimate(RosterRate::Consistency { grace_days: 3 });
/// assert_eq!((consistency.numerator(), consistency.denominator()), (17, 20));
/// assert_eq!(consistency.value, Some(0.85));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rosters {
    /// One for each stratum, also those of which none was drawn.
    pub strata: Vec<RosterStratum>,
}

impl Rosters {
    /// All counts together.
    pub fn total(&self) -> RosterCounts {
        let mut total = RosterCounts::default();
        let places = self.strata.iter().flat_map(|stratum| &stratum.places);
        places.for_each(|place| total.add(place));
        total
    }

    /// A rate, with the variance between places ([`ratio`]). A stratum with places of which none was drawn leaves the
    /// whole unverified.
    pub fn estimate(&self, rate: RosterRate) -> Estimate {
        let counted = self
            .strata
            .iter()
            .flat_map(|stratum| &stratum.places)
            .map(|place| place.rate(rate));
        let counts = counted.fold(Counts::default(), |sum, counts| Counts {
            right: sum.right + counts.right,
            wrong: sum.wrong + counts.wrong,
            unknown: sum.unknown + counts.unknown,
        });
        let share = |cluster: fn(Counts) -> Cluster| self.share(rate, cluster);
        let known = share(|counts| Cluster {
            numerator: counts.right,
            denominator: counts.right + counts.wrong,
        });
        let lowest = share(|counts| Cluster {
            numerator: counts.right,
            denominator: counts.total(),
        });
        let highest = share(|counts| Cluster {
            numerator: counts.right + counts.unknown,
            denominator: counts.total(),
        });
        let drawn = |stratum: &RosterStratum| count(stratum.places.len());
        let basis = if self
            .strata
            .iter()
            .all(|stratum| drawn(stratum) == stratum.population)
        {
            Basis::Full(counts)
        } else if self
            .strata
            .iter()
            .any(|stratum| drawn(stratum) == 0 && stratum.population > 0)
        {
            Basis::Undrawn
        } else {
            let end = |share: Option<Share>| share.map_or(Interval::WHOLE, |share| share.interval);
            let cautious = Interval {
                lower: end(lowest).lower,
                upper: end(highest).upper,
            };
            Basis::Sample { counts, cautious }
        };
        Estimate {
            counts,
            aside: 0,
            value: known.map(|share| share.value),
            interval: known.map(|share| share.interval),
            basis,
        }
    }

    fn share(&self, rate: RosterRate, cluster: fn(Counts) -> Cluster) -> Option<Share> {
        let stratum = |stratum: &RosterStratum| RatioStratum {
            population: stratum.population,
            sums: stratum
                .places
                .iter()
                .map(|place| RatioSums::of(cluster(place.rate(rate))))
                .sum(),
        };
        ratio(&self.strata.iter().map(stratum).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests;
