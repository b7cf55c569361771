//! Addresses and the dwellings that a building has by its plan, before anybody was visited.

use shilu_model::{Because, Command, Deed, OwnedValue, Reason};

use super::{Task, round::Round};
use crate::{
    book::Status,
    calendar::{day_of, plus},
    simulation::Simulation,
    table::Id,
    town::{Building, Sort, Thing, texts::record},
};

impl Simulation {
    /// A building, its doors, and its dwellings: two lists.
    pub(super) fn survey(&mut self, round: &mut Round, id: Id<Building>) {
        let building = self.town.buildings.at(id).clone();
        if !building.stands(self.today) || self.book[Thing::Building(id)].status != Status::Unknown {
            return;
        }
        round.go(building.spot, &mut self.random);
        let doors = building
            .doors
            .clone()
            .map(|door| Thing::Door(self.town.doors.id(door)));
        let addresses: Vec<_> = std::iter::once(Thing::Building(id)).chain(doors).collect();
        let mut list = Vec::new();
        for thing in addresses.iter().copied() {
            let entry = self.entry(round, 40, 120);
            let mut command = self.first_collect(round, entry, thing, &[]);
            command.expected_version = Some(0);
            list.push(command);
        }
        self.send(round, list, &addresses);
        let dwellings: Vec<_> = building.dwellings().map(Thing::Dwelling).collect();
        let list: Vec<_> = dwellings
            .iter()
            .map(|thing| {
                // A form that is filled in for many like rooms.
                let entry = self.entry(round, 8, 25);
                self.first_collect(round, entry, *thing, &["use", "intensive", "rooms", "owner"])
            })
            .collect();
        self.send(round, list, &dwellings);
        for thing in addresses.into_iter().chain(dwellings) {
            self.after_collect(thing);
            if let Some(until) = building.until.filter(|_| !matches!(thing, Thing::Door(_))) {
                let later = i32::from(self.random.small(1, 12));
                self.plan_for(plus(until, later), Task::Deregister(thing));
            }
        }
    }

    /// A room that is none: a store room taken for a dwelling.
    pub(super) fn phantom(&mut self, round: &mut Round, id: Id<Building>) {
        let building = self.town.buildings.at(id).clone();
        if self.book[Thing::Building(id)].status == Status::Unknown || building.sort == Sort::Dormitory {
            return;
        }
        round.go(building.spot, &mut self.random);
        let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
        let fields = vec![
            ("area".to_owned(), text(building.village.village().area)),
            (
                "address".to_owned(),
                Some(self.town.reference(Thing::Building(id))),
            ),
            ("room".to_owned(), text("99室")),
        ];
        let entry = self.entry(round, 20, 60);
        let command = self.command(round, entry, self.phantom_record(id), Deed::Collect(fields));
        let recorded = self.send(round, vec![command], &[]);
        if self.random.chance(750) {
            let later = i32::from(self.random.small(2, 25));
            self.plan_for(plus(day_of(recorded), later), Task::VoidPhantom(id));
        }
    }

    /// Somebody noticed: it was never true.
    pub(super) fn void_phantom(&mut self, round: &mut Round, id: Id<Building>) {
        round.go(self.town.buildings.at(id).spot, &mut self.random);
        let entry = self.entry(round, 20, 60);
        let deed = Deed::Deregister(Reason::Plain(Because::Erroneous));
        let command = Command {
            reason: Some("现场复看：系储藏间，不是房屋".to_owned()),
            ..self.command(round, entry, self.phantom_record(id), deed)
        };
        self.send(round, vec![command], &[]);
    }

    fn phantom_record(&self, id: Id<Building>) -> shilu_model::RecordName {
        record("dwelling", &format!("{}-99", self.town.key(Thing::Building(id))))
    }
}
