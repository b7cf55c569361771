//! The plan of the campaign: which building, household and unit is visited when, given how each village works.

use shilu_model::Day;

use super::{System, Take, Task};
use crate::{
    calendar::{ADDRESSES_BY, FIRST, HOUSEHOLDS_BY, LAST, UNITS_BY, plus, weekday},
    simulation::Simulation,
    town::VillageNo,
};

/// How work is spread over days: little on Sundays, much before a deadline, some after it.
struct Curve {
    from: Day,
    /// The work of each day with all before it.
    until: Vec<u64>,
}

impl Curve {
    fn new(from: Day, by: Day, tail_days: i32, rush: u64) -> Self {
        let mut sum = 0;
        let mut until = Vec::new();
        for number in from.number()..=by.number() + tail_days {
            let day = Day::from_number(number);
            let usual = match weekday(day) {
                0 => 2,
                6 => 5,
                _ => 10,
            };
            let left = by.number() - number;
            sum += match left {
                ..0 => rush / 8,
                0..=5 => usual + rush * u64::try_from(6 - left).unwrap_or(0) / 3,
                _ => usual,
            };
            until.push(sum);
        }
        Curve { from, until }
    }

    /// The day on which so many thousandths of the work are done.
    fn day(&self, part: u64) -> Day {
        let wanted = self.until.last().copied().unwrap_or(0) * part.min(999) / 1_000;
        let place = self.until.partition_point(|sum| *sum <= wanted);
        plus(self.from, i32::try_from(place).unwrap_or(0))
    }
}

impl Simulation {
    /// Plans everything that is known at the beginning.
    pub(crate) fn plan(&mut self) {
        self.plan_for(FIRST, Task::Frames);
        for (day, system, take) in [
            (1, System::Permits, Take::First),
            (2, System::Hukou, Take::First),
            (2, System::Migrant, Take::First),
            (2, System::Police, Take::First),
            (16, System::Migrant, Take::Compared),
            (16, System::Police, Take::Compared),
            (75, System::Migrant, Take::Last),
            (75, System::Police, Take::Last),
        ] {
            self.plan_for(plus(FIRST, day), Task::Extract(system, take));
        }
        for village in self.villages() {
            self.plan_buildings(village);
            self.plan_units(village);
            for what in 0..5 {
                if self.random.chance(130) {
                    let day = self.random.small(40, 86);
                    self.plan_for(plus(FIRST, day.into()), Task::Reframe(village, what));
                }
            }
        }
        self.plan_arrivals();
    }

    fn plan_buildings(&mut self, village: VillageNo) {
        let habits = self.town.habits(village);
        let surveys = Curve::new(plus(FIRST, 4), ADDRESSES_BY, 6, habits.rush);
        let households = Curve::new(plus(FIRST, 8), HOUSEHOLDS_BY, 7, habits.rush);
        let town = std::sync::Arc::clone(&self.town);
        for (id, building) in town
            .buildings
            .rows()
            .filter(|(_, building)| building.village == village)
        {
            if !self.random.chance(habits.buildings) {
                continue;
            }
            let part = self.part_of_beat(id);
            let surveyed = surveys.day(self.near(part, 40));
            self.plan_for(surveyed, Task::Survey(id));
            if self.random.chance(6) {
                self.plan_for(plus(surveyed, 1), Task::Phantom(id));
            }
            for dwelling in building.dwellings() {
                if self.random.chance(habits.households) {
                    let intensive = town.dwellings.at(dwelling).intensive;
                    // Where people come and go, visits begin early.
                    let part = self.near(part, 60) / if intensive { 3 } else { 1 };
                    let day = households.day(part).max(plus(surveyed, 2));
                    self.plan_for(day, Task::Household(dwelling, 0));
                }
            }
        }
    }

    fn plan_units(&mut self, village: VillageNo) {
        let habits = self.town.habits(village);
        let curve = Curve::new(plus(FIRST, 6), UNITS_BY, 8, habits.rush);
        let town = std::sync::Arc::clone(&self.town);
        for (id, unit) in town.units.rows().filter(|(_, unit)| unit.village == village) {
            if self.random.chance(habits.units) {
                let part = self.near(self.part_of_beat(unit.building), 80);
                // Those with a deadline first: their plates must be up by then.
                let part = if unit.is_core() { part * 7 / 10 } else { part };
                let day = curve.day(part).max(plus(unit.from, 3));
                self.plan_for(day, Task::Unit(id));
            }
            if matches!(unit.trade, "hotel" | "net-cafe") {
                self.plan_in(12, 24, Task::Inspect(id));
            }
        }
    }

    /// Landlords tell of most who come.
    fn plan_arrivals(&mut self) {
        let town = std::sync::Arc::clone(&self.town);
        for (id, person) in town.people.rows() {
            for stay in &person.stays {
                let told = self.luck(23, id.number()) < 760;
                if stay.from > FIRST && stay.from <= LAST && told {
                    let later = i32::from(self.random.small(1, 14));
                    self.plan_for(plus(stay.from, later), Task::Household(stay.dwelling, 9));
                }
            }
        }
    }

    /// A part that is not far from another, in thousandths.
    fn near(&mut self, part: u64, off: i64) -> u64 {
        let part = i64::try_from(part).unwrap_or(0) + self.random.between(-off, off);
        u64::try_from(part.clamp(0, 999)).unwrap_or(0)
    }
}
