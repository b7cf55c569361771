//! Inspections of hotels (four-real) and net-cafés: two counts, never a guest or customer.

use shilu_model::{Deed, OwnedValue};

use super::{Task, round::Round};
use crate::{
    simulation::Simulation,
    table::Id,
    town::{Thing, Unit, texts::record},
};

impl Simulation {
    /// Looks into the books of one evening.
    pub(super) fn inspect(&mut self, round: &mut Round, id: Id<Unit>) {
        let thing = Thing::Unit(id);
        let unit = self.town.units.at(id).clone();
        if !unit.is_open(self.today) {
            return;
        }
        if !self.book[thing].is_live() || self.book[thing].settled >= self.today {
            return self.plan_in(3, 6, Task::Inspect(id));
        }
        self.go_to(round, thing);
        let checked = i64::from(self.random.small(6, 40));
        // Each house has its own discipline.
        let slips = 20 + self.luck(27, id.number()) % 140;
        let missed = (0..checked).filter(|_| self.random.chance(slips)).count();
        let compliant = checked - i64::try_from(missed).unwrap_or(0);
        let what = if unit.trade == "hotel" {
            "four-real"
        } else {
            "net-cafe"
        };
        let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
        let fields = vec![
            ("area".to_owned(), text(unit.village.village().area)),
            ("unit".to_owned(), Some(self.town.reference(thing))),
            ("what".to_owned(), text(what)),
            ("checked".to_owned(), Some(OwnedValue::Integer(checked))),
            ("compliant".to_owned(), Some(OwnedValue::Integer(compliant))),
        ];
        let day = self.today.to_string().replace('-', "");
        let name = record("inspection", &format!("{}-{day}", self.town.key(thing)));
        let entry = self.entry(round, 900, 2_400);
        let list = vec![
            self.command(round, entry, name.clone(), Deed::Collect(fields)),
            self.command(round, entry, name, Deed::Register),
        ];
        self.send(round, list, &[]);
        self.plan_in(9, 17, Task::Inspect(id));
    }
}
