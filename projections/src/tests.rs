//! The set of projections on histories that nothing has judged: whatever events a log holds, in whatever order, the
//! kept figures are those of one pass, and saving makes no difference. What is loaded may be any bytes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::BTreeSet,
    sync::Arc,
};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use shilu_model::{
    Action, Because, Campaign, Change, Day, Event, EventId, Observed, Outcome, Position, Source, Stated,
    Status, Timestamp, Value, Verdict,
};

use crate::{
    Axis, BuiltIn, Changes, Counts, Dimension, Figure, Ids, Indicators, LoadError, Names, Projection,
    Projections, Rates, Records, Scope, Settings, Times, load_file,
};

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text" }
rooms = { type = "integer" }
[[kinds]]
id = "shop"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
in = { type = "reference", kinds = ["dwelling"] }
[[indicators]]
id = "fresh"
of = "dwelling"
measure = "share"
touched = { days = 2, actions = ["collect", "correct", "verify"] }
[[indicators]]
id = "with-a-shop"
of = "dwelling"
measure = "share"
referred = { by = "shop.in", at_least = 1 }
[[indicators]]
id = "housed"
of = "shop"
measure = "share"
having = { in = { live = true } }
"#;

const DAY_MICROS: i64 = 86_400_000_000;

/// Random choices that make one event.
#[derive(Clone, Debug)]
struct Seed {
    later_hours: u8,
    back_hours: u8,
    on_the_edge: bool,
    action: u8,
    record: u8,
    actor: u8,
    area: u8,
    outcome: u8,
    flags: u8,
}

fn seed() -> impl Strategy<Value = Seed> {
    let times = (0u8..30, 0u8..250, prop::bool::weighted(0.1));
    (times, 0u8..20, 0u8..6, 0u8..3, 0u8..4, 0u8..6, any::<u8>()).prop_map(
        |((later_hours, back_hours, on_the_edge), action, record, actor, area, outcome, flags)| Seed {
            later_hours,
            back_hours,
            on_the_edge,
            action,
            record,
            actor,
            area,
            outcome,
            flags,
        },
    )
}

const RECORDS: [(&str, &str); 6] = [
    ("dwelling", "1"),
    ("dwelling", "2"),
    ("dwelling", "north"),
    ("shop", "1"),
    ("shop", "2"),
    ("dwelling", "3"),
];
const ACTORS: [&str; 3] = ["anna", "bo", "north"];
const IN: [Option<&str>; 4] = [
    Some("dwelling/1"),
    Some("dwelling/north"),
    Some("dwelling/none"),
    None,
];
const AREAS: [&str; 4] = ["north", "south", "rooms", ""];

/// Shows the events that the seeds make, in the order of the log.
fn each(seeds: &[Seed], mut show: impl FnMut(&Event<'_>)) {
    let mut now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap().micros();
    for (place, seed) in (0u64..).zip(seeds) {
        now += i64::from(seed.later_hours) * DAY_MICROS / 24;
        let mut effective = now - i64::from(seed.back_hours / 4) * DAY_MICROS / 10;
        if seed.on_the_edge {
            // The last instant of a day in Shanghai.
            effective = effective - effective.rem_euclid(DAY_MICROS) + 16 * DAY_MICROS / 24 - 1 - DAY_MICROS;
        }
        let (kind, key) = RECORDS[usize::from(seed.record)];
        let area = AREAS[usize::from(seed.area)];
        let mut event = bare(place, now, effective.min(now));
        (event.kind, event.key, event.area) = (kind, key, area);
        event.actor = ACTORS[usize::from(seed.actor)];
        event.device = (seed.flags & 1 == 1).then_some("tablet");
        let value = (!area.is_empty()).then_some(Value::Text(area));
        let sets = match kind {
            "dwelling" => ("area", value),
            _ => ("in", IN[usize::from(seed.area)].map(Value::Reference)),
        };
        let sets = Change {
            field: sets.0,
            before: None,
            after: sets.1,
            before_stated: false,
        };
        match seed.action {
            0..5 => event.changes = vec![sets],
            5..8 => (event.action, event.changes) = (Action::Correct, vec![sets]),
            8..12 => event.action = Action::Register,
            12..15 => (event.action, event.because) = (Action::Deregister, Some(Because::MovedOut)),
            15 if seed.flags < 40 => {
                (event.action, event.because) = (Action::Deregister, Some(Because::Erroneous))
            }
            15 if seed.flags < 60 => {
                (event.kind, event.key, event.area, event.action) = ("", "", "", Action::Configure);
                event.changes = vec![Change {
                    field: "motto",
                    ..sets
                }];
            }
            _ => {
                (event.action, event.outcome) =
                    (Action::Verify, Some(Outcome::ALL[usize::from(seed.outcome)]));
                let verdict = if seed.flags & 2 == 2 {
                    Verdict::Differs
                } else {
                    Verdict::Equal
                };
                event.observed = vec![Observed {
                    field: "rooms",
                    value: Some(Value::Integer(1)),
                    verdict,
                }];
            }
        }
        show(&event);
    }
}

fn bare(position: u64, recorded: i64, effective: i64) -> Event<'static> {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&position.to_be_bytes());
    Event {
        position: Position::new(position),
        id: EventId::from_bytes(id),
        recorded: Timestamp::from_micros(recorded),
        effective: Timestamp::from_micros(effective),
        action: Action::Collect,
        kind: "dwelling",
        key: "1",
        version: 1,
        area: "",
        actor: "anna",
        device: None,
        source: Source::Field,
        reason: None,
        changes: Vec::new(),
        outcome: None,
        observed: Vec::new(),
        because: None,
        cause: None,
        stated: Stated::default(),
        visit: None,
        signature: None,
    }
}

fn folded(seeds: &[Seed]) -> Projections {
    folded_settling(seeds, |_| false)
}

/// Folds, and settles the figures after some of the events.
fn folded_settling(seeds: &[Seed], settles: impl Fn(&Event<'_>) -> bool) -> Projections {
    let mut projections = Projections::new(Arc::new(Campaign::parse(CAMPAIGN).unwrap()));
    each(seeds, |event| {
        let (subjects, figures, trail) = projections.groups();
        let slot = subjects.apply(event);
        figures.apply(event, slot, subjects);
        if settles(event) {
            figures.settle(subjects);
        }
        trail.apply(event);
    });
    projections.settle();
    projections
}

fn files(projections: &mut Projections) -> Vec<Vec<u8>> {
    projections.settle();
    let files = Projections::files().into_iter().map(|file| {
        let mut bytes = Vec::new();
        projections.save(&file, [7; 32], &mut bytes).unwrap();
        bytes
    });
    files.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn kept_figures_are_those_of_one_pass(seeds in prop::collection::vec(seed(), 1..60)) {
        let projections = folded(&seeds);
        let zone = Campaign::parse(CAMPAIGN).unwrap().zone;
        let mut recorded = Vec::new();
        each(&seeds, |event| recorded.push(event.recorded));
        let (first, last) = (zone.day_of(recorded[0]).number() - 8, zone.day_of(*recorded.last().unwrap()).number() + 1);
        let subjects = &projections.subjects;
        for day in (first..=last).map(Day::from_number) {
            let end = zone.end_of(day);
            let known = u64::try_from(recorded.iter().filter(|time| **time <= end).count()).unwrap();
            for (axis, known_end) in [(Axis::Known, Position::new(known)), (Axis::Effective, projections.end())] {
                let classes: Vec<_> = subjects
                    .records
                    .slots(0)
                    .map(|slot| (subjects.records.name(slot).0, subjects.class_at(slot, end, known_end)))
                    .collect();
                let names = ["", "north", "south", "rooms", "anna", "bo"];
                let names: Vec<_> = names.into_iter().filter_map(|text| subjects.names.find(text)).collect();
                let areas = names.iter().map(|name| Scope::Area(*name));
                let actors = names.iter().map(|name| Scope::Actor(*name));
                for scope in areas.chain(actors).chain([Scope::Whole]) {
                    let inside = |class: &crate::Class| match scope {
                        Scope::Whole => true,
                        Scope::Area(area) => class.area == area,
                        Scope::Actor(actor) => class.actor == actor,
                    };
                    for kind in ["dwelling", "shop"].into_iter().filter_map(|kind| subjects.names.find(kind)) {
                        let there = || classes.iter().filter(|(other, class)| *other == kind && inside(class));
                        for status in Status::SHOWN {
                            let expected = there().filter(|(_, class)| class.status == status).count();
                            let kept = projections.figures().counts.at(kind, status, scope, axis, day);
                            prop_assert_eq!(kept, u64::try_from(expected).unwrap(), "{:?} {:?} {:?}", status, scope, axis);
                        }
                        for indicator in BuiltIn::ALL {
                            let expected = there()
                                .map(|(_, class)| indicator.of(class))
                                .fold(Figure::default(), Figure::plus);
                            let kept = projections.figures().rates.at(kind, indicator, scope, axis, day);
                            prop_assert_eq!(kept, expected, "{:?} {:?} {:?}", indicator, scope, axis);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn it_makes_no_difference_how_often_figures_are_settled(
        seeds in prop::collection::vec(seed(), 1..60),
        after in prop::collection::vec(any::<bool>(), 60),
    ) {
        let once = files(&mut folded(&seeds));
        let each = files(&mut folded_settling(&seeds, |_| true));
        let some = files(&mut folded_settling(&seeds, |event| {
            after[usize::try_from(event.position.get()).unwrap()]
        }));
        prop_assert!(once == each && once == some);
    }

    #[test]
    fn a_saved_file_of_any_bytes_is_loaded_or_refused(
        seeds in prop::collection::vec(seed(), 0..40),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        any_body in prop::collection::vec(any::<u8>(), 0..64),
        number in any::<u64>(),
    ) {
        for (file, sound) in files(&mut folded(&seeds)).into_iter().enumerate() {
            prop_assert!(load(file, &sound).is_ok());
            let mut bytes = sound.clone();
            for (place, byte) in &noise {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            let end = cut.map_or(bytes.len(), |cut| cut.index(bytes.len()));
            bytes.truncate(end);
            if bytes != sound {
                prop_assert!(load(file, &bytes).is_err());
            }
            // Behind a right header, with a right checksum: only the decoder itself can refuse.
            let body = |body: &[u8]| {
                let mut forged = [&sound[..60], body].concat();
                forged.extend_from_slice(&Sha256::digest(&forged));
                let _ = load(file, &forged);
            };
            body(&any_body);
            body(bytes.get(60..).unwrap_or_default());
            // A forged count, alone or with a little behind it.
            let mut count = Vec::new();
            crate::bytes::put_varint(&mut count, number >> (number % 64));
            body(&count);
            body(&[&count[..], &any_body].concat());
        }
    }

    #[test]
    fn the_newest_changes_are_found_across_segments(
        gaps in prop::collection::vec((prop_oneof![1u64..5, 1u64..40_000], 0u8..3, 0u8..4), 1..120),
        asked in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..16, 0usize..9), 1..12),
    ) {
        let mut changes = Changes::default();
        let mut all = Vec::new();
        let mut position = 0;
        for (gap, actor, area) in gaps {
            position += gap;
            let mut event = bare(position, 0, 0);
            (event.actor, event.area) = (ACTORS[usize::from(actor)], AREAS[usize::from(area)]);
            changes.apply(&event);
            all.push((position, event.actor, event.area));
        }
        for (from, to, filters, limit) in asked {
            let (from, to) = (all[from.index(all.len())].0, all[to.index(all.len())].0 + u64::from(filters & 1));
            let mut by = Vec::new();
            by.extend((filters & 2 > 0).then(|| (Dimension::Actor, vec!["north"])));
            // One area or two, of which the page has whatever is in either.
            let areas = if filters & 8 > 0 { vec!["north", "south", "nowhere"] } else { vec!["north"] };
            by.extend((filters & 4 > 0).then(|| (Dimension::Area, areas.clone())));
            // Without any filter every position counts, also those that this test leaves out.
            by.extend((filters & 6 == 0).then(|| (Dimension::Action, vec!["collect"])));
            let expected = all.iter().rev().filter(|(position, actor, area)| {
                (from..to).contains(position)
                    && (filters & 2 == 0 || *actor == "north")
                    && (filters & 4 == 0 || areas.contains(area))
            });
            let expected: Vec<_> = expected.map(|(position, ..)| Position::new(*position)).take(limit).collect();
            prop_assert_eq!(changes.newest(&by, Position::new(from), Position::new(to), limit), expected);
        }
    }

    #[test]
    fn an_instant_is_looked_for_where_it_is(steps in prop::collection::vec(0i64..3, 1..400), near in any::<prop::sample::Index>(), at_a_stride: bool, off in -1i64..2) {
        let mut times = Times::default();
        let mut recorded = Vec::new();
        let mut now = 0;
        for (position, step) in (0u64..).zip(steps) {
            now += step;
            times.apply(Position::new(position), Timestamp::from_micros(now));
            recorded.push(now);
        }
        let near = near.index(recorded.len());
        let ask = recorded[if at_a_stride { near - near % 64 } else { near }] + off;
        let (from, to) = times.range_after(Timestamp::from_micros(ask));
        let after = u64::try_from(recorded.partition_point(|time| *time <= ask)).unwrap();
        let end = u64::try_from(recorded.len()).unwrap();
        prop_assert!(from.get() <= after && after <= to.get().min(end), "{after} is not in {from}..={to}");
        prop_assert!(to.get() - from.get() <= 64);
    }

    #[test]
    fn sorted_records_are_all_records_in_order(batches in prop::collection::vec(prop::collection::btree_set("[a-c]{1,3}", 0..9), 1..6)) {
        let mut records = Records::default();
        let mut names = Names::default();
        let mut known = BTreeSet::new();
        for batch in batches {
            for key in &batch {
                for kind in ["shop", "dwelling"] {
                    let mut event = bare(u64::try_from(known.len()).unwrap(), 0, 0);
                    (event.kind, event.key) = (kind, key);
                    records.apply(&event, &mut names);
                    known.insert((kind, key.clone()));
                }
            }
            records.sort();
            for (kind, after) in [("shop", None), ("dwelling", None), ("shop", Some("b")), ("dwelling", Some("cc"))] {
                let Some(name) = names.find(kind) else { continue };
                let listed: Vec<_> = records.after(name, after).map(|slot| records.name(slot).1.to_owned()).collect();
                let expected = known.iter().filter(|(other, key)| *other == kind && after.is_none_or(|after| &**key > after));
                prop_assert_eq!(listed, expected.map(|(_, key)| key.clone()).collect::<Vec<_>>());
            }
        }
    }
}

/// Loads the file of that place in the set, and asserts that this took no more memory than such a file may need.
fn load(file: usize, bytes: &[u8]) -> Result<(), LoadError> {
    fn one<P: Projection>(mut bytes: &[u8]) -> Result<(), LoadError> {
        let length = u64::try_from(bytes.len()).unwrap();
        load_file::<P>(&mut bytes, length).map(|_| ())
    }
    LARGEST.set(0);
    let loaded = match file {
        0 => one::<Names>(bytes),
        1 => one::<Records>(bytes),
        2 => one::<Ids>(bytes),
        3 => one::<Times>(bytes),
        4 => one::<Settings>(bytes),
        5 => one::<Changes>(bytes),
        6 => one::<crate::Samples>(bytes),
        7 => one::<Counts>(bytes),
        8 => one::<Rates>(bytes),
        _ => one::<Indicators>(bytes),
    };
    let largest = LARGEST.get();
    assert!(
        largest <= (1 << 18) + 64 * bytes.len(),
        "{largest} bytes at once for a file of {}",
        bytes.len()
    );
    loaded
}

thread_local! {
    /// The most bytes that this thread has asked for at once.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// Remembers the largest request.
struct Watched;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

#[allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; it hands everything on to the system's"
)]
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller keeps to the contract of `alloc`, which is the system's too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: it came from `alloc` above, and so from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
