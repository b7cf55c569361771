//! Those who work in units: which resident each of them is, as soon as that one is recorded.

use std::collections::BTreeMap;

use shilu_model::{Command, Deed, EventId, OwnedValue, RecordName, Timestamp};

use crate::{
    Simulation,
    calendar::{FIRST, plus},
    tests::simulation,
    town::Thing,
};

/// The resident that a command about a worker names.
fn named(command: &Command) -> Option<&OwnedValue> {
    let fields: Vec<_> = match &command.deed {
        Deed::Collect(fields) => fields.iter().map(|(field, value)| (field, value)).collect(),
        Deed::Correct(all) => all.iter().map(|one| (&one.field, &one.after)).collect(),
        _ => Vec::new(),
    };
    let mut fields = fields.into_iter();
    fields.find_map(|(field, value)| value.as_ref().filter(|_| field == "resident"))
}

/// When each worker was recorded, and what links them to whom.
#[derive(Default)]
struct Workers(BTreeMap<RecordName, (Timestamp, Option<(Timestamp, OwnedValue)>)>);

impl Workers {
    fn take(&mut self, recorded: Timestamp, command: &Command) {
        if command.record.kind() == "worker" {
            let (_, link) = self.0.entry(command.record.clone()).or_insert((recorded, None));
            if let Some(resident) = named(command) {
                *link = Some((recorded, resident.clone()));
            }
        }
    }

    /// How many of those who really are residents were recorded by a time, and how many of these were linked by then.
    fn by(&self, time: Timestamp, simulation: &Simulation, core: bool) -> (usize, usize) {
        let town = &simulation.town;
        let (mut all, mut linked) = (0, 0);
        for (id, worker) in town.workers.rows() {
            let Some((first, link)) = self.0.get(&town.record(Thing::Worker(id))) else {
                continue;
            };
            let Some(person) = worker.person.filter(|_| *first <= time) else {
                assert!(worker.person.is_some() || link.is_none(), "linked to nobody");
                continue;
            };
            if let Some((_, resident)) = link {
                assert_eq!(*resident, town.reference(Thing::Person(person)));
            }
            if !core || town.units.at(worker.unit).is_core() {
                all += 1;
                linked += usize::from(link.as_ref().is_some_and(|(since, _)| *since <= time));
            }
        }
        (all, linked)
    }
}

#[test]
fn who_works_somewhere_is_linked_once_their_household_is_recorded() {
    let mut simulation = simulation(1, "0.3");
    let (mut workers, mut later) = (Workers::default(), 0);
    for batch in simulation.by_ref() {
        for command in &batch.list {
            let known = workers
                .0
                .get(&command.record)
                .is_some_and(|(_, link)| link.is_none());
            later += usize::from(known && named(command).is_some());
            workers.take(batch.recorded, command);
        }
    }
    let (all, linked) = workers.by(Timestamp::MAX, &simulation, false);
    assert!(
        all > 300 && linked * 100 >= all * 80 && linked < all,
        "{linked} of {all}"
    );
    assert!(later > 100, "{later} later");
    let drawn = simulation
        .draws()
        .into_iter()
        .find(|draw| draw.indicator == "core-worker-accuracy");
    let (all, linked) = workers.by(drawn.unwrap().announced, &simulation, true);
    assert!(all > 40 && linked * 100 >= all * 75, "{linked} of {all} in time");
}

#[test]
fn a_visit_that_finds_who_somebody_is_has_it_corrected_mostly() {
    let mut simulation = simulation(1, "0.3");
    let mut visits = BTreeMap::new();
    let mut corrected = 0;
    while let Some(batch) = simulation.next() {
        for command in &batch.list {
            let Some(record) = command.cause.and_then(|visit| visits.get(&visit)) else {
                continue;
            };
            assert_eq!(command.record, *record);
            assert!(named(command).is_some(), "{command:?}");
            corrected += 1;
        }
        if visits.is_empty() && simulation.today >= plus(FIRST, 40) {
            let town = std::sync::Arc::clone(&simulation.town);
            for (id, worker) in town.workers.rows() {
                let thing = Thing::Worker(id);
                let kept = simulation.book[thing];
                let asked = kept.is_live() && kept.lacks.has(thing, "resident") && worker.person.is_some();
                if asked && worker.until.is_none() {
                    let visit = EventId::from_bytes(u128::from(id.number()).to_be_bytes());
                    visits.insert(visit, town.record(thing));
                    simulation.learn(&town.record(thing), visit);
                }
            }
        }
    }
    let asked = visits.len();
    assert!(
        asked > 50 && corrected * 2 > asked && corrected < asked,
        "{corrected} of {asked}"
    );
}
