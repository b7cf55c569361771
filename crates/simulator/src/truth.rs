//! The truth, kept aside: what is really there on a day, and what a verifier would see who goes and looks.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use shilu_model::{Day, Outcome, OwnedValue, RecordName};

use crate::{
    random::mix,
    table::Id,
    town::{Building, Dwelling, Person, Snapshot, Thing, Town, VillageNo, fields_of, texts::room_code},
};

/// What is really so in a simulated township.
#[derive(Clone)]
pub struct Truth {
    town: Arc<Town>,
}

/// One thing, over a time in which nothing about it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TruthRow {
    /// The kind of its record.
    pub kind: &'static str,
    /// The key that its record has, if there is one.
    pub key: String,
    /// The record of the same thing under its right key, where somebody takes it down twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    /// The day after the last one; none where it goes on.
    pub until: Option<String>,
    /// The true values, in the form of table cells.
    pub fields: BTreeMap<&'static str, String>,
}

/// What a verifier sees who looks for what a record names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What is there.
    pub outcome: Outcome,
    /// What was seen of it: the essential fields, and where a person lives.
    pub observed: Vec<(String, Option<OwnedValue>)>,
    /// Essential fields that could not be seen.
    pub not_seen: Vec<String>,
}

/// Somebody who is found in a dwelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// The record that this person has, if anybody made one.
    pub record: RecordName,
    /// The name.
    pub name: String,
    /// The citizen id.
    pub citizen: String,
    /// `permanent` or `migrant`.
    pub status: &'static str,
    /// Since when here.
    pub arrived: Day,
}

/// Visits of 1,000 at which nobody answers, or the door is shut again.
const NO_CONTACT: u64 = 85;
const REFUSED: u64 = 6;
/// Papers of 1,000 that are not at hand.
const NOT_AT_HAND: u64 = 70;

impl Truth {
    pub(crate) fn of(town: Arc<Town>) -> Self {
        Truth { town }
    }

    /// Everything that ever is: buildings and doors, dwellings, people, units, workers; with what changes, a row for
    /// each time.
    pub fn rows(&self) -> impl Iterator<Item = TruthRow> + '_ {
        let town = &*self.town;
        let buildings = town.buildings.ids().flat_map(move |id| {
            let doors = town
                .buildings
                .at(id)
                .doors
                .clone()
                .map(move |door| Thing::Door(town.doors.id(door)));
            std::iter::once(Thing::Building(id)).chain(doors)
        });
        let things = buildings
            .chain(town.dwellings.ids().map(Thing::Dwelling))
            .chain(town.people.ids().map(Thing::Person))
            .chain(town.units.ids().map(Thing::Unit))
            .chain(town.workers.ids().map(Thing::Worker));
        things.flat_map(move |thing| rows_of(town, thing))
    }

    /// What a verifier would see on a day who looks for what a record names.
    ///
    /// Now and then nobody is at home, or will not talk: the same record on another day may answer.
    pub fn visit(&self, record: &RecordName, day: Day) -> Seen {
        let nothing = |outcome| Seen {
            outcome,
            observed: Vec::new(),
            not_seen: Vec::new(),
        };
        let Some(thing) = self.find(record) else {
            return nothing(Outcome::UnknownHere);
        };
        let outcome = self.outcome(thing, day);
        if outcome != Outcome::Present {
            return nothing(outcome);
        }
        let at = self.town.snapshot(thing, day);
        let mut seen = nothing(outcome);
        for field in essential(thing) {
            if *field == "citizen" && self.luck(thing, day, 2) < NOT_AT_HAND {
                seen.not_seen.push((*field).to_owned());
            } else {
                seen.observed
                    .push(((*field).to_owned(), self.town.value(thing, field, at)));
            }
        }
        if matches!(thing, Thing::Person(_)) {
            seen.observed
                .push(("dwelling".to_owned(), self.town.value(thing, "dwelling", at)));
        }
        seen
    }

    /// Everybody who stays in a dwelling on a day, whatever the register says.
    pub fn who_is_at(&self, dwelling: &RecordName, day: Day) -> Vec<Occupant> {
        let Some(Thing::Dwelling(id)) = self.find(dwelling) else {
            return Vec::new();
        };
        self.occupants(id, day)
            .into_iter()
            .filter_map(|id| {
                let at = self.town.snapshot(Thing::Person(id), day);
                let text = |field| {
                    self.town
                        .value(Thing::Person(id), field, at)
                        .map(|value| value.borrow().to_string())
                };
                let person = self.town.people.at(id);
                Some(Occupant {
                    record: self.town.record(Thing::Person(id)),
                    name: text("name")?,
                    citizen: text("citizen")?,
                    status: if person.permanent { "permanent" } else { "migrant" },
                    arrived: person.stay_on(day)?.1.from,
                })
            })
            .collect()
    }

    /// The dwellings of a building that stands on a day, whatever the register says.
    pub fn what_is_at(&self, address: &RecordName, day: Day) -> Vec<RecordName> {
        let Some(Thing::Building(id)) = self.find(address) else {
            return Vec::new();
        };
        let building = self.town.buildings.at(id);
        let dwellings = building.dwellings().filter(|_| building.stands(day));
        dwellings
            .map(|id| self.town.record(Thing::Dwelling(id)))
            .collect()
    }

    /// Whether somebody has their papers at hand on a day.
    pub(crate) fn has_papers(&self, person: &RecordName, day: Day) -> bool {
        let thing = self.find(person);
        thing.is_some_and(|thing| self.luck(thing, day, 2) >= NOT_AT_HAND)
    }

    /// A number of its own for a thing, a day and a purpose, in thousandths.
    fn luck(&self, thing: Thing, day: Day, purpose: u64) -> u64 {
        let day = u64::from(day.number().unsigned_abs());
        mix(&[self.town.seed, number_of(thing), day, purpose]) % 1_000
    }

    pub(crate) fn occupants(&self, dwelling: Id<Dwelling>, day: Day) -> Vec<Id<Person>> {
        let people = self.town.dwellings.at(dwelling).people.iter().copied();
        let there = people.filter(|id| {
            let stay = self.town.people.at(*id).stay_on(day);
            stay.is_some_and(|(_, stay)| stay.dwelling == dwelling)
        });
        there.collect()
    }

    fn outcome(&self, thing: Thing, day: Day) -> Outcome {
        let town = &*self.town;
        let over = |until: Option<Day>| until.is_some_and(|until| until <= day);
        let (from, until) = match thing {
            Thing::Person(id) => {
                let person = town.people.at(id);
                if person.stay_on(day).is_none() {
                    // Whoever is on the household register alone is known here, and not here.
                    let was_here =
                        person.stays.is_empty() || person.stays.iter().any(|stay| over(stay.until));
                    return if was_here {
                        Outcome::Gone
                    } else {
                        Outcome::UnknownHere
                    };
                }
                (Day::from_number(i32::MIN), None)
            }
            Thing::Unit(id) => (town.units.at(id).from, town.units.at(id).until),
            Thing::Worker(id) => (town.workers.at(id).from, town.workers.at(id).until),
            _ => match town.building_of(thing) {
                Some(id) => (town.buildings.at(id).from, town.buildings.at(id).until),
                None => return Outcome::UnknownHere,
            },
        };
        if over(until) {
            return Outcome::Gone;
        }
        if from > day {
            return Outcome::UnknownHere;
        }
        let inside = matches!(thing, Thing::Person(_) | Thing::Worker(_) | Thing::Dwelling(_));
        let luck = self.luck(thing, day, 1);
        match luck {
            _ if !inside => Outcome::Present,
            0..NO_CONTACT => Outcome::NoContact,
            NO_CONTACT.. if luck < NO_CONTACT + REFUSED => Outcome::Refused,
            _ => Outcome::Present,
        }
    }

    /// The thing that a record is about. A second record of the same person has `-2` at the end of its key.
    pub(crate) fn find(&self, record: &RecordName) -> Option<Thing> {
        let (town, key) = (&*self.town, record.key());
        match record.kind() {
            "address" | "dwelling" => {
                let (village, rest) = key.split_at_checked(12)?;
                let village = VillageNo::all().find(|one| one.village().area == village)?;
                let mut parts = rest.strip_prefix('-')?.split('-');
                let building = self.building(village, parts.next()?.parse().ok()?)?;
                let row = town.buildings.at(building);
                let thing = match (parts.next(), record.kind()) {
                    (None, "address") => Thing::Building(building),
                    (Some(number), "address") => {
                        let door = row
                            .doors
                            .start
                            .checked_add(number.parse::<u32>().ok()?.checked_sub(1)?)?;
                        row.doors
                            .contains(&door)
                            .then(|| Thing::Door(town.doors.id(door)))?
                    }
                    (Some(room), _) => {
                        let room: u32 = room.parse().ok()?;
                        let mut rooms = row.dwellings();
                        Thing::Dwelling(rooms.find(|id| room_code(town.dwellings.at(*id)) == room)?)
                    }
                    (None, _) => return None,
                };
                parts.next().is_none().then_some(thing)
            }
            "resident" | "unit" | "worker" => self.numbered(record.kind(), key),
            _ => None,
        }
    }

    fn numbered(&self, kind: &str, key: &str) -> Option<Thing> {
        let town = &*self.town;
        let mut parts = key.get(1..)?.split('-');
        let (short, number) = (parts.next()?, parts.next()?.parse::<u32>().ok()?.checked_sub(1)?);
        let village = VillageNo::all().find(|one| one.village().short() == short)?;
        let starts = town.starts.get(village.index())?;
        let thing = match kind {
            "resident" => Thing::Person(starts.person.plus(number)),
            "unit" => Thing::Unit(starts.unit.plus(number)),
            _ => Thing::Worker(starts.worker.plus(number)),
        };
        let there = match thing {
            Thing::Person(id) => town.people.get(id).is_some(),
            Thing::Unit(id) => town.units.get(id).is_some(),
            Thing::Worker(id) => town.workers.get(id).is_some(),
            _ => false,
        };
        (there && town.village(thing) == village).then_some(thing)
    }

    fn building(&self, village: VillageNo, number: u32) -> Option<Id<Building>> {
        let first = self.town.starts.get(village.index())?.building;
        let id = first.plus(number.checked_sub(1)?);
        let building = self.town.buildings.get(id)?;
        (building.village == village).then_some(id)
    }
}

/// The fields whose values decide whether a record is accurate, as the campaign says.
pub(crate) fn essential(thing: Thing) -> &'static [&'static str] {
    match thing {
        Thing::Building(_) | Thing::Door(_) => &["text"],
        Thing::Dwelling(_) => &["address", "room", "use"],
        Thing::Person(_) => &["name", "citizen", "status"],
        Thing::Unit(_) => &["name", "trade", "address"],
        Thing::Worker(_) => &["unit", "resident"],
    }
}

fn number_of(thing: Thing) -> u64 {
    let (kind, number) = match thing {
        Thing::Building(id) => (0_u64, id.number()),
        Thing::Door(id) => (1, id.number()),
        Thing::Dwelling(id) => (2, id.number()),
        Thing::Person(id) => (3, id.number()),
        Thing::Unit(id) => (4, id.number()),
        Thing::Worker(id) => (5, id.number()),
    };
    kind << 32 | u64::from(number)
}

fn rows_of(town: &Town, thing: Thing) -> Vec<TruthRow> {
    let row = |at: Snapshot, from: Day, until: Option<Day>| {
        let fields = fields_of(thing).iter().filter_map(|field| {
            let value = town.value(thing, field, at)?;
            Some((*field, value.borrow().to_string()))
        });
        TruthRow {
            kind: town.kind(thing),
            key: town.key(thing),
            same_as: None,
            from: from.to_string(),
            until: until.map(|until| until.to_string()),
            fields: fields.collect(),
        }
    };
    let still = Snapshot::default();
    match thing {
        Thing::Building(_) | Thing::Door(_) => {
            let building = town.building_of(thing).map(|id| town.buildings.at(id));
            building
                .map(|building| row(still, building.from, building.until))
                .into_iter()
                .collect()
        }
        Thing::Dwelling(id) => {
            let dwelling = town.dwellings.at(id);
            let building = town.buildings.at(dwelling.building);
            let used = |used| Snapshot {
                used: Some(used),
                stay: None,
            };
            match dwelling.later.filter(|(since, _)| building.stands(*since)) {
                Some((since, later)) => vec![
                    row(used(dwelling.used), building.from, Some(since)),
                    row(used(later), since, building.until),
                ],
                None => vec![row(used(dwelling.used), building.from, building.until)],
            }
        }
        Thing::Person(id) => {
            let person = town.people.at(id);
            let mut rows: Vec<_> = person
                .stays
                .iter()
                .enumerate()
                .map(|(place, stay)| {
                    row(
                        Snapshot {
                            used: None,
                            stay: Some(place),
                        },
                        stay.from,
                        stay.until,
                    )
                })
                .collect();
            if rows.is_empty() {
                rows.push(row(still, person.born, None));
            }
            if let Some(first) = rows.first().cloned().filter(|_| person.twin) {
                rows.push(TruthRow {
                    key: format!("{}-2", first.key),
                    same_as: Some(first.key),
                    ..first
                });
            }
            rows
        }
        Thing::Unit(id) => vec![row(still, town.units.at(id).from, town.units.at(id).until)],
        Thing::Worker(id) => vec![row(still, town.workers.at(id).from, town.workers.at(id).until)],
    }
}
