//! What the office announces and when: one draw for each indicator that rests on visits.

use sha2::{Digest, Sha256};
use shilu_model::{Day, Percent, Timestamp};

use crate::{
    calendar::{FIRST, HOUR, at, plus},
    random::Random,
    simulation::Simulation,
};

/// A draw that the office plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The sample's id.
    pub id: String,
    /// The indicator that it measures.
    pub indicator: &'static str,
    /// How many are drawn in each village.
    pub size: DrawSize,
    /// Who announces and draws it.
    pub actor: String,
    /// When it is announced: before the indicator's deadline.
    pub announced: Timestamp,
    /// When it is drawn.
    pub draw_at: Timestamp,
    /// What the auditors have committed themselves to; of one who loses it there is nothing to reveal.
    secrets: [String; 2],
    is_lost: bool,
}

/// How many are drawn in each village; never more at a larger scale than the exact tests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawSize {
    /// So many: at a target of 100 % no number shows it.
    Of(u64),
    /// What it takes to show the indicator's target, if so much is right.
    Planned(Percent),
}

impl Draw {
    /// The outside entropy that the announcement names: what the auditors commit themselves to.
    pub fn entropy(&self) -> String {
        let commitments = self.secrets.each_ref().map(|secret| {
            let hash = Sha256::digest(secret.as_bytes());
            hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        });
        format!("commitments:{}", commitments.join(","))
    }

    /// What they reveal at the draw. Without it there is none.
    pub fn revealed(&self) -> Option<String> {
        (!self.is_lost).then(|| self.secrets.join("\n"))
    }
}

/// Days between announcement and draw: so that everybody can hold a checkpoint with the announcement.
const NOTICE_DAYS: i32 = 1;

/// What is planned: the indicator, how many, the power of which is 80 %, and the day of April to June, from 1.
const PLAN: [(&str, Size, i32); 10] = [
    ("building-address-accuracy", Size::Of(20), 17),
    ("virtual-dwelling-accuracy", Size::Of(20), 17),
    ("core-unit-accuracy", Size::PerCent("99"), 37),
    ("core-worker-accuracy", Size::Of(15), 37),
    ("group-rental-registration", Size::PerCent("97"), 64),
    ("group-rental-deregistration", Size::PerCent("95"), 64),
    ("group-rental-consistency", Size::PerCent("95"), 64),
    ("group-rental-accuracy", Size::Of(12), 64),
    ("dwelling-coverage", Size::Of(12), 64),
    ("permanent-accuracy", Size::Of(20), 64),
];

/// The draw of which an auditor loses the secret, so that its indicator stays unverified.
const LOST: &str = "virtual-dwelling-accuracy";

enum Size {
    Of(u64),
    PerCent(&'static str),
}

impl Simulation {
    /// The draws of the campaign, in the order of their announcements.
    pub fn draws(&self) -> Vec<Draw> {
        let mut random = Random::new(self.town.seed, 6);
        let mut secret = || {
            let numbers = [random.next(), random.next()];
            numbers.map(|number| format!("{number:016x}")).concat()
        };
        let draws = PLAN.iter().zip(0_i64..).map(|((indicator, size, day), number)| {
            let day = plus(FIRST, day - 1);
            // One after the other, so that each has an hour of its own to be drawn at.
            let announced = at(day, 17 * HOUR + number * 300);
            let draw_at = at(plus(day, NOTICE_DAYS), 9 * HOUR + number * 600);
            Draw {
                id: format!("{indicator}-{}", month_day(day)),
                indicator,
                size: match size {
                    Size::Of(size) => DrawSize::Of(*size),
                    Size::PerCent(planned) => {
                        DrawSize::Planned(Percent::parse(planned).unwrap_or(Percent::ALL))
                    }
                },
                actor: self.staff.at(self.staff.sampler).name.clone(),
                announced,
                draw_at,
                secrets: [secret(), secret()],
                is_lost: *indicator == LOST,
            }
        });
        draws.collect()
    }

    /// Who may visit, as a register takes it: `actor,area,team` on each line. Each village sends who keeps its desk, and
    /// nobody visits their own village.
    pub fn crew(&self) -> String {
        let lines = self.villages().flat_map(|village| {
            let area = village.village();
            let names = self.staff.desk(village);
            names.map(move |name| format!("{name},{},{}", area.area, area.name))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Month and day, as in `0603`.
fn month_day(day: Day) -> String {
    day.to_string().split('-').skip(1).collect::<String>()
}
