//! Plates: printed in the office, fixed at the door, scanned there at intervals.

use shilu_model::{Correction, Day, Deed, OwnedValue, PlateNumber, RecordName, Since};

use super::{Task, round::Round};
use crate::{
    calendar::day_of,
    simulation::Simulation,
    table::Id,
    town::{Thing, texts::record},
};

/// A plate.
#[derive(Clone, Copy, Debug)]
pub struct Plate {
    /// What it is fixed to, or will be.
    pub on: Thing,
    /// The day on which its last event is recorded, if it has any.
    settled: Option<Day>,
    fixed: bool,
}

impl Simulation {
    /// Plans a plate for something that has none: soon, late or never, as the village works.
    pub(super) fn plan_plate(&mut self, on: Thing) {
        if self.plated.contains(&on) {
            return;
        }
        let plated = self.town.habits(self.town.village(on)).plated;
        let later = match self.random.below(1_000) {
            luck if luck < plated => 1,
            luck if luck < plated + (1_000 - plated) / 2 => i64::from(self.random.small(25, 45)),
            // Asked again at the next visit, if there is one.
            _ => return,
        };
        self.plated.insert(on);
        let plate = self.plates.push(Plate {
            on,
            settled: None,
            fixed: false,
        });
        self.plan_in(later, later, Task::Print(plate));
    }

    pub(super) fn print(&mut self, round: &mut Round, id: Id<Plate>) {
        let area = self.town.village(self.plates.at(id).on).village().area;
        let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
        let fields = vec![
            ("area".to_owned(), text(area)),
            ("state".to_owned(), text("printed")),
        ];
        let entry = self.entry(round, 1, 3);
        let mut command = self.command(round, entry, self.plate_record(id), Deed::Collect(fields));
        command.effective = Since::Recorded;
        command.reason = Some("制作二维码门牌".to_owned());
        let recorded = self.send(round, vec![command], &[]);
        self.plates.at_mut(id).settled = Some(day_of(recorded));
        self.plan_in(2, 8, Task::Fix(id));
    }

    /// Fixes it: the state changes, and whoever fixed it stood there.
    pub(super) fn fix(&mut self, round: &mut Round, id: Id<Plate>) {
        let plate = *self.plates.at(id);
        if plate.settled.is_none_or(|settled| settled >= self.today) {
            return self.plan_in(1, 1, Task::Fix(id));
        }
        // A plate is fixed to what is on record.
        if plate.fixed || !self.book[plate.on].is_live() {
            return;
        }
        self.go_to(round, plate.on);
        let on = Some(self.town.reference(plate.on));
        let active = || Some(OwnedValue::Text("active".to_owned()));
        let entry = self.entry(round, 50, 130);
        let changes = [("state", active()), ("on", on)];
        let changes = changes.map(|(field, after)| Correction {
            field: field.to_owned(),
            before: None,
            after,
        });
        let mut fixed = self.command(
            round,
            entry,
            self.plate_record(id),
            Deed::Correct(changes.to_vec()),
        );
        fixed.reason = Some("上墙".to_owned());
        let scanned = Deed::Collect(vec![("state".to_owned(), active())]);
        let scanned = self.command(round, entry, self.plate_record(id), scanned);
        let registered = self.command(round, entry, self.plate_record(id), Deed::Register);
        let recorded = self.send(round, vec![fixed, scanned, registered], &[]);
        let plate = self.plates.at_mut(id);
        (plate.settled, plate.fixed) = (Some(day_of(recorded)), true);
        self.plan_in(24, 45, Task::Scan(id));
    }

    /// Scans it; a few are damaged, and replaced.
    pub(super) fn scan(&mut self, round: &mut Round, id: Id<Plate>) {
        let plate = *self.plates.at(id);
        if plate.settled.is_none_or(|settled| settled >= self.today) {
            return self.plan_in(1, 1, Task::Scan(id));
        }
        self.go_to(round, plate.on);
        let entry = self.entry(round, 12, 35);
        if self.random.chance(8) {
            let after = Some(OwnedValue::Text("retired".to_owned()));
            let change = Correction {
                field: "state".to_owned(),
                before: None,
                after,
            };
            let mut command = self.command(round, entry, self.plate_record(id), Deed::Correct(vec![change]));
            command.reason = Some("损坏，换新".to_owned());
            self.send(round, vec![command], &[]);
            let new = self.plates.push(Plate {
                on: plate.on,
                settled: None,
                fixed: false,
            });
            return self.plan_in(1, 2, Task::Print(new));
        }
        let deed = Deed::Collect(vec![(
            "state".to_owned(),
            Some(OwnedValue::Text("active".to_owned())),
        )]);
        let command = self.command(round, entry, self.plate_record(id), deed);
        let recorded = self.send(round, vec![command], &[]);
        self.plates.at_mut(id).settled = Some(day_of(recorded));
        self.plan_in(26, 50, Task::Scan(id));
    }

    fn plate_record(&self, id: Id<Plate>) -> RecordName {
        let number = PlateNumber::new(u64::from(id.number()) + 1);
        let number = number.expect("a plate has a number of 32 bits, and there are 36⁷ numbers");
        record("plate", &number.to_string())
    }
}
