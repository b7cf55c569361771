//! Frames: how many of everything there should be in each village. Last year's count, so never quite right.

use shilu_model::{Correction, Deed, OwnedValue, RecordName};

use super::round::Round;
use crate::{
    calendar::FIRST,
    simulation::Simulation,
    town::{Unit, Use, VillageNo, texts::record},
};

/// What frames count.
const WHATS: [&str; 5] = ["rental", "core-unit", "core-worker", "other-unit", "other-worker"];

impl Simulation {
    /// One frame for each village and each thing counted.
    pub(super) fn frames(&mut self, round: &mut Round) {
        let mut list = Vec::new();
        for village in self.villages() {
            let real = self.really(village);
            let expected = real.map(|real| {
                let off = self.random.between(-35, 30);
                u32::try_from((i64::from(real) * (1_000 + off) + 500) / 1_000)
                    .unwrap_or(0)
                    .max(1)
            });
            for (what, expected) in WHATS.into_iter().zip(expected) {
                let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
                let fields = vec![
                    ("area".to_owned(), text(village.village().area)),
                    ("what".to_owned(), text(what)),
                    ("expected".to_owned(), Some(OwnedValue::Integer(expected.into()))),
                    ("source".to_owned(), text("2014年度统计")),
                ];
                let entry = self.entry(round, 5, 20);
                for deed in [Deed::Collect(fields), Deed::Register] {
                    list.push(self.command(round, entry, frame(village, what), deed));
                }
            }
            self.frames.push(expected);
        }
        self.send(round, list, &[]);
    }

    /// Its author puts one right, and says why.
    pub(super) fn reframe(&mut self, round: &mut Round, village: VillageNo, what: u8) {
        let off = self.random.between(-40, 40);
        let why = self.random.pick(&[
            "年报漏计，据派出所台账更正",
            "两户合并，重复计入",
            "拆迁核减，见村委会公告",
        ]);
        let place = usize::from(what);
        let held = self
            .frames
            .get_mut(village.index())
            .and_then(|frames| frames.get_mut(place));
        let (Some(held), Some(name)) = (held, WHATS.get(place)) else {
            return;
        };
        let after = u32::try_from(i64::from(*held) * (1_000 + off) / 1_000)
            .unwrap_or(0)
            .max(1);
        if after == *held {
            return;
        }
        let before = std::mem::replace(held, after);
        let number = |number: u32| Some(OwnedValue::Integer(number.into()));
        let change = Correction {
            field: "expected".to_owned(),
            before: Some(number(before)),
            after: number(after),
        };
        let entry = self.entry(round, 60, 200);
        let mut command = self.command(round, entry, frame(village, name), Deed::Correct(vec![change]));
        command.reason = Some(why.to_owned());
        self.send(round, vec![command], &[]);
    }

    /// What there really is as the campaign begins.
    fn really(&self, village: VillageNo) -> [u32; 5] {
        let mut counts = [0_u32; 5];
        let mut add = |place: usize| {
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        };
        for dwelling in self.town.dwellings.rows().map(|(_, dwelling)| dwelling) {
            let building = self.town.buildings.at(dwelling.building);
            if building.village == village && building.stands(FIRST) && dwelling.used == Use::Rental {
                add(0);
            }
        }
        let units = self.town.units.rows().map(|(_, unit)| unit);
        for unit in units.filter(|unit: &&Unit| unit.village == village && unit.is_open(FIRST)) {
            let first = if unit.is_core() { 1 } else { 3 };
            add(first);
            for worker in unit
                .workers()
                .filter(|id| self.town.workers.at(*id).is_there(FIRST))
            {
                let _ = worker;
                add(first + 1);
            }
        }
        counts
    }
}

fn frame(village: VillageNo, what: &str) -> RecordName {
    record("frame", &format!("{what}@{}", village.village().area))
}
