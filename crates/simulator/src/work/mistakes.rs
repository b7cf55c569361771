//! Taking things down, with the mistakes that honest people make, and putting right what somebody noticed.

use shilu_model::{Command, Correction, Deed, EventId, OwnedValue, Reason, Since};

use super::{
    Task,
    round::{Entry, Round},
};
use crate::{
    book::Status,
    calendar::{day_of, plus},
    simulation::Simulation,
    table::Id,
    town::{Person, Thing, fields_of, texts::record},
    truth::essential,
};

/// Fields that are easily misheard or misread.
const EASILY_WRONG: [&str; 9] = [
    "text", "room", "rooms", "use", "name", "citizen", "phone", "status", "trade",
];

impl Simulation {
    /// The first entry of a thing; `later` are fields that cannot be told yet.
    pub(super) fn first_collect(
        &mut self,
        round: &Round,
        entry: Entry,
        thing: Thing,
        later: &[&str],
    ) -> Command {
        let at = self.town.snapshot(thing, self.today);
        let kept = &mut self.book[thing];
        (kept.status, kept.turned, kept.at) = (Status::Collected, entry.entered, at);
        for field in later {
            kept.lacks.add(thing, field);
        }
        let now: Vec<_> = fields_of(thing)
            .iter()
            .copied()
            .filter(|field| !later.contains(field))
            .collect();
        let fields = self.observe(thing, &now);
        self.command(round, entry, self.town.record(thing), Deed::Collect(fields))
    }

    /// Takes fields down for the first time, perhaps wrong, perhaps not at all.
    pub(super) fn observe(&mut self, thing: Thing, fields: &[&str]) -> Vec<(String, Option<OwnedValue>)> {
        let mistakes = self.town.habits(self.town.village(thing)).mistakes;
        for field in fields {
            let nowhere = self.is_nowhere(thing, field);
            let kept = &mut self.book[thing];
            kept.lacks.remove(thing, field);
            let missing = match (thing, *field) {
                (Thing::Person(_), "citizen") => 28,
                (Thing::Person(_), "phone") => 90,
                (Thing::Dwelling(_), "owner") => 70,
                (Thing::Unit(_), "credit") => 60,
                // Who works there is known, and which resident that is, is not.
                (Thing::Worker(_), "resident") => 14,
                _ => 0,
            };
            if nowhere || self.random.chance(missing) {
                kept.lacks.add(thing, field);
            } else if EASILY_WRONG.contains(field)
                && self.random.chance(mistakes)
                && self.town.mistaken(thing, field, kept.at).is_some()
            {
                kept.wrong.add(thing, field);
            }
        }
        let kept = self.book[thing];
        let values = fields
            .iter()
            .map(|field| ((*field).to_owned(), kept.value(&self.town, thing, field)));
        values.filter(|(_, value)| value.is_some()).collect()
    }

    /// What follows an entry that brought something new: registration, and a second look.
    pub(super) fn after_collect(&mut self, thing: Thing) {
        let habits = self.town.habits(self.town.village(thing));
        if self.random.chance(habits.registered) {
            self.plan_in(1, 3, Task::Register(thing));
        } else if self.random.chance(600) {
            self.plan_in(15, 40, Task::Register(thing));
        }
        self.look_again(thing);
    }

    /// Some mistakes are noticed.
    pub(super) fn look_again(&mut self, thing: Thing) {
        let noticed = self.town.habits(self.town.village(thing)).noticed;
        if self.book[thing].wrong.first(thing).is_some() && self.random.chance(noticed) {
            self.plan_in(2, 30, Task::Correct(thing, None));
        }
    }

    /// Puts one field right.
    pub(super) fn correct(&mut self, round: &mut Round, thing: Thing, cause: Option<EventId>) {
        if !self.is_settled(thing, Task::Correct(thing, cause)) {
            return;
        }
        let Some(field) = self
            .amiss(thing, cause.is_some())
            .filter(|_| self.book[thing].is_live())
        else {
            return;
        };
        if let (Thing::Worker(id), true) = (thing, self.is_nowhere(thing, field)) {
            self.ask_at_home(id);
            self.plan_in(3, 6, Task::Correct(thing, cause));
            return;
        }
        self.go_to(round, thing);
        let before = self.book[thing].value(&self.town, thing, field);
        let kept = &mut self.book[thing];
        kept.wrong.remove(thing, field);
        kept.lacks.remove(thing, field);
        if field == "use" {
            kept.at = self.town.snapshot(thing, self.today);
        }
        let after = self.book[thing].value(&self.town, thing, field);
        if before == after {
            return;
        }
        let entry = self.entry(round, 30, 150);
        let before = self.random.chance(330).then_some(before);
        let change = Correction {
            field: field.to_owned(),
            before,
            after,
        };
        let mut command = self.command(round, entry, self.town.record(thing), Deed::Correct(vec![change]));
        // Mostly it was never true.
        if self.random.chance(700) {
            command.effective = Since::Origin;
        }
        command.reason = Some(self.why(field, cause.is_some()).to_owned());
        command.cause = cause;
        self.send(round, vec![command], &[thing]);
        self.look_again(thing);
    }

    /// A field that is wrong; after a check also an essential one that is missing.
    pub(crate) fn amiss(&self, thing: Thing, checked: bool) -> Option<&'static str> {
        let kept = self.book[thing];
        let lacking = || {
            essential(thing)
                .iter()
                .copied()
                .find(|field| kept.lacks.has(thing, field))
        };
        kept.wrong
            .first(thing)
            .or_else(|| checked.then(lacking).flatten())
    }

    fn why(&mut self, field: &str, checked: bool) -> &'static str {
        match field {
            _ if checked => "核查发现不一致，已现场复核",
            "rooms" => "数错了",
            "text" | "room" => "自查：与门牌不符",
            "citizen" => "自查：与证件不符",
            "name" | "phone" => "听错了，本人更正",
            _ => self.random.pick(&["录入时选错", "问错了人，户主更正"]),
        }
    }

    /// Adds what could not be told at first: the papers were not at hand.
    pub(super) fn complete(&mut self, round: &mut Round, id: Id<Person>) {
        let thing = Thing::Person(id);
        if !self.is_settled(thing, Task::Complete(id)) {
            return;
        }
        let kept = self.book[thing];
        if kept.is_live() && kept.lacks.has(thing, "citizen") {
            self.add(round, thing, "citizen");
        }
    }

    /// Adds a field that is lacking.
    pub(super) fn add(&mut self, round: &mut Round, thing: Thing, field: &str) {
        self.go_to(round, thing);
        self.book[thing].lacks.remove(thing, field);
        let value = self.book[thing].value(&self.town, thing, field);
        let entry = self.entry(round, 30, 90);
        let deed = Deed::Collect(vec![(field.to_owned(), value)]);
        let command = self.command(round, entry, self.town.record(thing), deed);
        self.send(round, vec![command], &[thing]);
    }

    /// The same person once more: asked at work, or by a colleague who covered for the first.
    pub(super) fn twin(&mut self, round: &mut Round, id: Id<Person>) {
        let thing = Thing::Person(id);
        if !self.is_settled(thing, Task::Twin(id)) || !self.book[thing].is_live() {
            return;
        }
        self.go_to(round, thing);
        let kept = self.book[thing];
        let with_papers = self.random.chance(500);
        let fields = fields_of(thing)
            .iter()
            .filter(|field| with_papers || !matches!(**field, "citizen" | "phone"));
        let fields = fields.map(|field| ((*field).to_owned(), kept.value(&self.town, thing, field)));
        let fields: Vec<_> = fields.filter(|(_, value)| value.is_some()).collect();
        let entry = self.entry(round, 60, 150);
        let command = self.command(round, entry, self.twin_record(id), Deed::Collect(fields));
        let recorded = self.send(round, vec![command], &[]);
        if self.random.chance(720) {
            let later = i32::from(self.random.small(3, 30));
            self.plan_for(plus(day_of(recorded), later), Task::VoidTwin(id));
        }
    }

    /// The desk notices.
    pub(super) fn void_twin(&mut self, round: &mut Round, id: Id<Person>) {
        let entry = self.entry(round, 20, 60);
        let original = self.town.record(Thing::Person(id));
        let deed = Deed::Deregister(Reason::DuplicateOf(original));
        let mut command = self.command(round, entry, self.twin_record(id), deed);
        command.reason = Some("同一人重复采集".to_owned());
        self.send(round, vec![command], &[]);
    }

    fn twin_record(&self, id: Id<Person>) -> shilu_model::RecordName {
        record("resident", &format!("{}-2", self.town.key(Thing::Person(id))))
    }

    /// Goes to where a thing is.
    pub(super) fn go_to(&mut self, round: &mut Round, thing: Thing) {
        if let Some(building) = self.town.building_of(thing) {
            round.go(self.town.buildings.at(building).spot, &mut self.random);
        }
    }
}
