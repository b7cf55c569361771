//! The simulation as a whole: the same again, allowed by the rules, and with nothing in it that must not be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use shilu_model::{
    Action, ActivePlates, Announced, Campaign, Command, Deed, Entry, EventId, Input, Known,
    LIST_COMMANDS_MAX, Moment, Outcome, OwnedValue, PlateMove, Position, RecordName, Since, Standing, State,
    Status, Value, decide, decode, encode, fold_address,
};

use crate::{
    Batch, Options, Simulation, TruthRow,
    calendar::{ADDRESSES_BY, FIRST, LAST, at, day_of, plus},
    numbers,
    town::{Thing, VillageNo, fields_of},
    truth::essential,
    villages::VILLAGES,
};

pub(crate) static CAMPAIGN: LazyLock<Campaign> = LazyLock::new(|| {
    Campaign::parse(include_str!("../../../projections/campaigns/three-reals.toml")).unwrap()
});

pub(crate) fn simulation(seed: u64, scale: &str) -> Simulation {
    Simulation::new(Options {
        seed,
        scale: scale.parse().unwrap(),
    })
}

/// A small one, simulated once for all tests that only look.
static SMALL: LazyLock<Vec<Batch>> = LazyLock::new(|| simulation(1, "0.1").collect());

fn commands() -> impl Iterator<Item = &'static Command> {
    SMALL.iter().flat_map(|batch| &batch.list)
}

/// The fields that a command states, with their values.
fn stated(command: &Command) -> Vec<(&str, Option<&OwnedValue>)> {
    match &command.deed {
        Deed::Collect(fields) => fields
            .iter()
            .map(|(field, value)| (field.as_str(), value.as_ref()))
            .collect(),
        Deed::Correct(all) => all
            .iter()
            .map(|one| (one.field.as_str(), one.after.as_ref()))
            .collect(),
        Deed::Verify(check) => check
            .observed
            .iter()
            .map(|(field, value)| (field.as_str(), value.as_ref()))
            .collect(),
        Deed::Register | Deed::Deregister(_) => Vec::new(),
    }
}

#[test]
fn the_same_options_give_the_same_commands_and_another_seed_others() {
    let again: Vec<_> = simulation(1, "0.1").collect();
    assert!(*SMALL == again);
    assert!(*SMALL != simulation(2, "0.1").collect::<Vec<_>>());
    let truth = |seed| simulation(seed, "0.1").truth().rows().collect::<Vec<TruthRow>>();
    assert!(truth(1) == truth(1) && truth(1) != truth(2));
}

#[test]
fn time_goes_on_and_no_fact_is_of_the_future() {
    let mut last = at(FIRST, 0);
    let mut ids = BTreeSet::new();
    let (mut late, mut count) = (0, 0);
    for batch in SMALL.iter() {
        assert!(
            batch.recorded >= last && batch.recorded < at(plus(LAST, 1), 0),
            "{}",
            batch.recorded
        );
        last = batch.recorded;
        assert!((1..=LIST_COMMANDS_MAX).contains(&batch.list.len()));
        for command in &batch.list {
            let id = command.id.unwrap();
            assert_eq!(EventId::parse(&id.to_string()), Ok(id));
            assert!(ids.insert(id), "{id} twice");
            if let Since::At(effective) = command.effective {
                assert!(
                    effective <= batch.recorded,
                    "{effective} is after {}",
                    batch.recorded
                );
                late += usize::from(day_of(effective) < day_of(batch.recorded));
            }
            count += 1;
        }
    }
    assert!(
        count > 20_000 && late > count / 50 && late < count / 2,
        "{late} of {count} late"
    );
}

/// A register in memory: `decide` on the events so far.
#[derive(Default)]
struct Register {
    events: BTreeMap<RecordName, Vec<Vec<u8>>>,
    ids: BTreeSet<EventId>,
    plates: ActivePlates,
    end: u64,
}

impl Register {
    fn entries(&self, name: &RecordName) -> Vec<Entry<'_>> {
        let events = self.events.get(name).into_iter().flatten();
        events
            .filter_map(|bytes| Entry::of(&decode(bytes).unwrap()))
            .collect()
    }

    fn take(&mut self, batch: &Batch, command: &Command) {
        let moment = Moment {
            position: Position::new(self.end),
            recorded: batch.recorded,
            fresh_id: EventId::from_bytes([0; 16]),
        };
        let entries = self.entries(&command.record);
        let event = decide(&CAMPAIGN, command, &entries, self, moment)
            .unwrap_or_else(|rejection| panic!("{rejection}: {command:?} after {entries:?}"));
        let moved = (event.kind == "plate")
            .then(|| PlateMove::by(&event, &entries))
            .flatten();
        let moved = moved.map(|moved| (moved.from.map(str::to_owned), moved.to.map(str::to_owned)));
        let mut bytes = Vec::new();
        encode(&event, &mut bytes).unwrap();
        let id = event.id;
        if let Some((from, to)) = moved {
            let (from, to) = (from.as_deref(), to.as_deref());
            self.plates.moves(command.record.as_str(), PlateMove { from, to });
        }
        self.ids.insert(id);
        self.end += 1;
        self.events.entry(command.record.clone()).or_default().push(bytes);
    }
}

impl Standing for Register {
    fn stands(&self, name: &str) -> bool {
        let entries = self.entries(&RecordName::parse(name).unwrap());
        let collected = entries.iter().any(|entry| entry.action == Action::Collect);
        collected && entries.iter().all(|entry| entry.void.is_none())
    }

    fn reference(&self, name: &str, field: &str) -> Option<String> {
        match State::latest(&self.entries(&RecordName::parse(name).unwrap())).value(field) {
            Some(Value::Reference(target)) => Some(target.to_owned()),
            _ => None,
        }
    }
}

impl Known for Register {
    fn has_event(&self, id: EventId) -> bool {
        self.ids.contains(&id)
    }

    fn is_collected(&self, name: &str) -> bool {
        let entries = self.entries(&RecordName::parse(name).unwrap());
        entries.iter().any(|entry| entry.action == Action::Collect)
    }

    fn duplicate_of(&self, _: &str) -> Option<String> {
        None
    }

    fn active_plate(&self, thing: &str) -> Option<String> {
        self.plates.on(thing).map(str::to_owned)
    }

    fn announced(&self, _: EventId) -> Option<Announced> {
        None
    }
}

#[test]
fn every_command_is_allowed_and_every_kind_of_work_is_done() {
    let mut register = Register::default();
    let mut done: BTreeMap<String, u32> = BTreeMap::new();
    for batch in SMALL.iter() {
        for command in &batch.list {
            register.take(batch, command);
            let what = match &command.deed {
                Deed::Verify(check) => check.outcome.word(),
                deed => deed.action().word(),
            };
            let because = match &command.deed {
                Deed::Deregister(reason) => reason.borrow().word(),
                _ => "",
            };
            let visit = command.visit.map_or("desk", |visit| {
                if visit.place.is_some() {
                    "placed"
                } else {
                    "unplaced"
                }
            });
            let kind = command.record.kind();
            for part in [format!("{kind}/{what}"), because.to_owned(), visit.to_owned()] {
                *done.entry(part).or_default() += 1;
            }
            if command.cause.is_some() {
                *done.entry("caused".to_owned()).or_default() += 1;
            }
            if command.effective == Since::Origin {
                *done.entry("origin".to_owned()).or_default() += 1;
            }
        }
    }
    for needed in [
        "address/collect",
        "address/register",
        "dwelling/correct",
        "resident/deregister",
        "resident/present",
        "resident/unregistered",
        "dwelling/no-contact",
        "unit/register",
        "worker/collect",
        "plate/correct",
        "inspection/collect",
        "frame/correct",
        "extract/correct",
        "moved-out",
        "closed",
        "duplicate-of",
        "placed",
        "unplaced",
        "desk",
        "caused",
        "origin",
    ] {
        assert!(done.contains_key(needed), "no {needed}: {done:#?}");
    }
    // What is registered is so in truth, mostly; and the truth knows every record but rooms that are none.
    let truth = simulation(1, "0.1").truth();
    let (mut right, mut registered) = (0, 0);
    for name in register.events.keys() {
        if !["address", "dwelling", "resident", "unit", "worker"].contains(&name.kind()) {
            continue;
        }
        assert!(
            truth.find(name).is_some() || name.key().ends_with("-99"),
            "{name}"
        );
        let entries = register.entries(name);
        if State::fold(&entries, at(LAST, 86_000)).status == Status::Registered {
            registered += 1;
            right += u32::from(matches!(
                truth.visit(name, LAST).outcome,
                Outcome::Present | Outcome::NoContact
            ));
        }
    }
    assert!(
        registered > 1_000 && right > registered * 95 / 100 && right < registered,
        "{right} of {registered}"
    );
}

#[test]
fn a_township_has_about_the_sizes_of_the_notice() {
    let simulation = simulation(7, "1");
    let town = &simulation.town;
    let near = |count: usize, wanted: usize| count.abs_diff(wanted) * 100 <= wanted * 6;
    assert!(
        near(town.dwellings.len(), 20_000),
        "{} dwellings",
        town.dwellings.len()
    );
    assert!(near(town.units.len(), 1_500), "{} units", town.units.len());
    let residents = town
        .people
        .rows()
        .filter(|(_, person)| person.stay_on(plus(FIRST, 60)).is_some())
        .count();
    assert!(near(residents, 45_000), "{residents} residents");
    assert!(
        (55..=65).contains(&simulation.actors()),
        "{} actors",
        simulation.actors()
    );
    // Two buildings are never at one place, so that nobody seems to have entered two of them from one chair.
    let spots: BTreeSet<_> = town
        .buildings
        .rows()
        .map(|(_, building)| (building.spot.north_m, building.spot.east_m))
        .collect();
    assert_eq!(spots.len(), town.buildings.len());
    let addresses: BTreeSet<_> = town
        .buildings
        .ids()
        .map(|id| fold_address(&town.address(id)))
        .collect();
    assert_eq!(
        addresses.len(),
        town.buildings.len(),
        "two buildings have one address"
    );
}

#[test]
fn the_campaign_knows_every_village_field_and_value() {
    let leaves: Vec<_> = CAMPAIGN.areas.leaves().map(|area| area.id.as_str()).collect();
    assert_eq!(leaves, VILLAGES.map(|village| village.area));
    for command in commands() {
        let kind = CAMPAIGN.kind(command.record.kind()).unwrap();
        for (field, value) in stated(command) {
            let known = kind
                .field(field)
                .unwrap_or_else(|| panic!("{} has no {field}", kind.id));
            if let Some(OwnedValue::Text(text)) = value {
                assert_eq!(
                    known.field_type.read(Input::Text(text)).as_ref(),
                    Ok(&value.cloned()),
                    "{}",
                    command.record
                );
            }
        }
    }
    let simulation = simulation(1, "0.01");
    let town = &simulation.town;
    let one_of_each = [
        Thing::Building(town.buildings.id(0)),
        Thing::Dwelling(town.dwellings.id(0)),
        Thing::Person(town.people.id(0)),
        Thing::Unit(town.units.id(0)),
        Thing::Worker(town.workers.id(0)),
    ];
    for thing in one_of_each {
        let kind = CAMPAIGN.kind(town.kind(thing)).unwrap();
        assert_eq!(kind.essential(), essential(thing), "{}", kind.id);
        assert!(
            fields_of(thing).iter().all(|field| kind.field(field).is_some()),
            "{}",
            kind.id
        );
    }
}

/// No field, label or list about ethnicity, belief, health, petitions or criminal records: these words and no others
/// ever name something about a person.
#[test]
fn nothing_is_said_of_people_but_who_they_are_and_where_they_live() {
    let allowed = BTreeSet::from([
        "area",
        "name",
        "citizen",
        "phone",
        "status",
        "household",
        "dwelling",
        "arrived",
        "left",
    ]);
    let mut said = BTreeSet::new();
    for command in commands().filter(|command| command.record.kind() == "resident") {
        said.extend(stated(command).into_iter().map(|(field, _)| field));
    }
    assert!(said.is_subset(&allowed), "{said:?}");
    let rows: Vec<_> = simulation(1, "0.1").truth().rows().collect();
    for row in rows.iter().filter(|row| row.kind == "resident") {
        assert!(row.fields.keys().all(|field| allowed.contains(field)), "{row:?}");
        // Nobody real: the division that issued the number is none.
        assert!(
            row.fields
                .get("citizen")
                .is_none_or(|citizen| citizen.starts_with("99"))
        );
        assert!(
            row.fields
                .get("phone")
                .is_none_or(|phone| phone.starts_with("154"))
        );
    }
    assert!(!numbers::citizen_id(FIRST, 1).starts_with("33"));
}

#[test]
fn villages_differ() {
    let simulation = simulation(1, "0.1");
    let noticed: BTreeSet<_> = VillageNo::all()
        .map(|village| simulation.town.habits(village).plated)
        .collect();
    assert!(noticed.len() > 5, "{noticed:?}");
}

#[test]
fn the_truth_answers_for_a_day() {
    let simulation = simulation(1, "0.1");
    let (truth, town) = (simulation.truth(), &simulation.town);
    let mut leavers = 0;
    for (id, person) in town.people.rows() {
        let record = town.record(Thing::Person(id));
        let [stay] = person.stays.as_slice() else { continue };
        let Some(left) = stay.until else { continue };
        leavers += 1;
        assert_eq!(truth.visit(&record, left).outcome, Outcome::Gone, "{record}");
        assert_eq!(
            truth.visit(&record, plus(stay.from, -1)).outcome,
            Outcome::UnknownHere,
            "{record}"
        );
        let home = town.record(Thing::Dwelling(stay.dwelling));
        let there = |day| {
            truth
                .who_is_at(&home, day)
                .iter()
                .any(|occupant| occupant.record == record)
        };
        assert!(
            there(stay.from) && there(plus(left, -1)) && !there(left),
            "{record}"
        );
        // Somebody opens on one day or another.
        let seen = (0..20).map(|back| {
            truth.visit(
                &record,
                plus(left, -1 - back % (left.number() - stay.from.number())),
            )
        });
        let seen = seen.into_iter().rfind(|seen| seen.outcome == Outcome::Present);
        if let Some(seen) = seen {
            assert!(seen.observed.iter().any(|(field, _)| field == "name"), "{seen:?}");
        }
    }
    assert!(leavers > 10, "{leavers}");
    for unknown in [
        "resident/R215-99999",
        "dwelling/x",
        "address/330604006215-0001-999",
        "plate/1",
        "unit/U",
        "worker/W-",
    ] {
        let seen = truth.visit(&RecordName::parse(unknown).unwrap(), FIRST);
        assert_eq!(seen.outcome, Outcome::UnknownHere, "{unknown}");
    }
    let building = town
        .buildings
        .rows()
        .find(|(_, building)| building.dwellings.1 > 3)
        .unwrap()
        .0;
    let rooms = truth.what_is_at(&town.record(Thing::Building(building)), plus(FIRST, 40));
    assert!(rooms.len() > 3 && rooms.iter().all(|room| truth.find(room).is_some()));
}

#[test]
fn two_systems_write_one_address_in_two_ways() {
    let address = |system: &str| -> BTreeMap<String, String> {
        let rows = commands().filter(|command| command.record.key().starts_with(system));
        rows.filter_map(|command| {
            let (_, value) = stated(command)
                .into_iter()
                .find(|(field, _)| *field == "address")?;
            let theirs = command.record.key().split_once(':')?.1.to_owned();
            Some((theirs, value?.borrow().to_string()))
        })
        .collect()
    };
    let (migrant, police) = (address("migrant:"), address("police:"));
    let both = migrant
        .iter()
        .filter_map(|(theirs, one)| Some((one, police.get(theirs)?)));
    let same = both
        .clone()
        .filter(|(one, other)| fold_address(one) == fold_address(other))
        .count();
    let (both, alike) = (
        both.clone().count(),
        both.filter(|(one, other)| one == other).count(),
    );
    assert!(
        both > 50 && same * 100 > both * 85 && same < both && alike < both / 10,
        "{same} of {both}, {alike} alike"
    );
}

#[test]
fn what_looks_odd_and_is_honest_is_there() {
    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    let mut add = |what, yes: bool| *count.entry(what).or_default() += u32::from(yes);
    let mut last: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for batch in SMALL.iter() {
        let day = day_of(batch.recorded);
        for command in &batch.list {
            let Since::At(effective) = command.effective else {
                add("since the origin", true);
                continue;
            };
            let days = day.number() - day_of(effective).number();
            add("the next morning", days == 1 && command.visit.is_some());
            add("days later", days > 1 && command.visit.is_some());
            add(
                "deregistered late",
                days > 3 && matches!(command.deed, Deed::Deregister(_)),
            );
            let is_form = command.record.kind() == "dwelling" && command.visit.is_some();
            let seconds = command
                .visit
                .and_then(|visit| Some(visit.entered?.micros() - visit.begun?.micros()));
            add(
                "identical flats",
                is_form && seconds.is_some_and(|micros| micros < 25_000_000),
            );
            add(
                "a frame changed",
                command.record.kind() == "frame" && matches!(command.deed, Deed::Correct(_)),
            );
            add(
                "no place",
                command.visit.is_some_and(|visit| visit.place.is_none()),
            );
            add("taken down twice", command.record.key().ends_with("-2"));
            add("a room that is none", command.record.key().ends_with("-99"));
            let of_addresses = command.record.kind() == "address" && matches!(command.deed, Deed::Collect(_));
            let left = ADDRESSES_BY.number() - day.number();
            add("in the last six days", of_addresses && (0..6).contains(&left));
            add("in the six days before", of_addresses && (6..12).contains(&left));
            if let (Some(visit), Some(device)) = (command.visit, command.device.as_deref()) {
                let seq = visit.seq.unwrap_or(0);
                let (before, _) = *last.get(command.actor.as_str()).unwrap_or(&(0, device));
                assert!(
                    seq >= before || device.ends_with('b'),
                    "{device}: {seq} after {before}"
                );
                last.insert(&command.actor, (seq, device));
            }
        }
    }
    for (what, least) in [
        ("since the origin", 50),
        ("the next morning", 500),
        ("days later", 50),
        ("deregistered late", 10),
        ("identical flats", 500),
        ("a frame changed", 3),
        ("no place", 200),
        ("taken down twice", 5),
        ("a room that is none", 2),
    ] {
        assert!(
            count.get(what).is_some_and(|found| *found >= least),
            "{what}: {count:#?}"
        );
    }
    // Work piles up before a deadline.
    let of = |what| count.get(what).copied().unwrap_or(0);
    assert!(
        of("in the last six days") * 10 > of("in the six days before") * 13,
        "{count:#?}"
    );
}
