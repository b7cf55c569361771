//! Many at once: writers race, readers see only what some prefix of the log gives.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use shilu_model::{Deed, Position, Status};

use super::{axes::agrees, collect, command, history::Dice, naive::Naive, name, open, settable, submit};
use crate::{AsOf, By, Engine, FigureQuery, ListQuery};

const WRITERS: u64 = 8;
const COMMANDS: u64 = 200;

#[test]
fn writers_race_and_readers_see_prefixes() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    let records: Vec<String> = (0..4).map(|number| format!("dwelling/{number}")).collect();
    let wins: Mutex<BTreeMap<(usize, u32), u32>> = Mutex::default();
    let taken: Mutex<Vec<(u64, usize, u32)>> = Mutex::default();
    let done = AtomicBool::new(false);
    let looks = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = Vec::new();
            while !done.load(Ordering::SeqCst) {
                looks.push(look(&engine));
            }
            looks
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|seed| {
                let (engine, records, wins, taken) = (&engine, &records, &wins, &taken);
                scope.spawn(move || {
                    let mut dice = Dice::new(seed);
                    for _ in 0..COMMANDS {
                        let record = dice.below(records.len());
                        let expected = super::now(engine, &records[record]).map_or(0, |view| view.version);
                        // Collected first; afterwards confirmed, registered and deregistered in turns.
                        let mut one = match expected % 4 {
                            2 => command(&records[record], "anna", Deed::Register),
                            3 => super::clock::deregister(&records[record]),
                            _ => collect(&records[record], "north", 1),
                        };
                        one.expected_version = Some(expected);
                        match submit(engine, vec![one]) {
                            Ok(accepted) => {
                                *wins.lock().unwrap().entry((record, expected)).or_default() += 1;
                                assert_eq!(accepted[0].version, expected + 1);
                                let seen = super::now(engine, &records[record]).unwrap().version;
                                assert!(seen > expected, "whoever has an answer sees it");
                                taken.lock().unwrap().push((
                                    accepted[0].position.get(),
                                    record,
                                    accepted[0].version,
                                ));
                            }
                            Err(error) => assert_eq!(error.code(), "VERSION_CONFLICT", "{error}"),
                        }
                    }
                })
            })
            .collect();
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::SeqCst);
        ended.into_iter().for_each(|ended| ended.unwrap());
        reader.join().unwrap()
    });
    assert!(
        wins.lock().unwrap().values().all(|wins| *wins == 1),
        "each version has one winner"
    );
    let mut taken = taken.into_inner().unwrap();
    taken.sort_unstable();
    let positions: Vec<u64> = taken.iter().map(|(position, ..)| *position).collect();
    assert_eq!(positions, (1..engine.end().get()).collect::<Vec<_>>());
    for record in 0..records.len() {
        let versions = taken
            .iter()
            .filter(|(_, other, _)| *other == record)
            .map(|(.., version)| *version);
        let versions: Vec<u32> = versions.collect();
        assert_eq!(
            versions,
            (1..=u32::try_from(versions.len()).unwrap()).collect::<Vec<_>>()
        );
    }

    // What the reader saw is what the log gives up to the position that the answer named.
    let mut statuses = BTreeMap::new();
    let mut prefixes = vec![BTreeMap::new()];
    for event in Naive::of(&engine).events {
        match event.action.word() {
            "collect" => statuses.entry(event.key).or_insert(Status::Collected),
            "register" => statuses
                .entry(event.key)
                .insert_entry(Status::Registered)
                .into_mut(),
            "deregister" => statuses
                .entry(event.key)
                .insert_entry(Status::Deregistered)
                .into_mut(),
            _ => &mut Status::Absent,
        };
        prefixes.push(statuses.clone());
    }
    assert!(looks.len() > 10);
    for (end, listed, counted) in looks {
        let prefix = &prefixes[usize::try_from(end.get()).unwrap()];
        assert_eq!(listed, *prefix, "listed at {end}");
        let at = |end: Position| {
            let mut counts = BTreeMap::new();
            for status in prefixes[usize::try_from(end.get()).unwrap()].values() {
                *counts.entry(*status).or_insert(0) += 1;
            }
            counts
        };
        for (end, counts) in counted {
            assert_eq!(counts, at(end), "counted at {end}");
        }
    }
    agrees(&engine, &mut Dice::new(9), 12);
    engine.close().unwrap();
}

type Look = (
    Position,
    BTreeMap<String, Status>,
    Vec<(Position, BTreeMap<Status, u64>)>,
);

/// One pair, asked several ways while everybody writes: page by page, by look-up and in one pass.
fn look(engine: &Engine) -> Look {
    let at = engine.at(AsOf::Now, None).unwrap();
    let mut listed = BTreeMap::new();
    let mut query = ListQuery {
        kind: None,
        area: None,
        status: None,
        found_too: true,
        text: None,
        at,
        after: None,
        limit: 1,
    };
    loop {
        let page = engine.records(&query).unwrap();
        listed.extend(
            page.items
                .into_iter()
                .map(|view| (view.name.key().to_owned(), view.status)),
        );
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let fixed = engine
        .at(AsOf::Position(Position::new(at.known_end.get() - 1)), None)
        .unwrap();
    let counted = [at, fixed].map(|at| {
        let counts = engine
            .counts(&FigureQuery {
                at,
                by: By::Whole,
                area: None,
            })
            .unwrap();
        let sums = counts.items.iter().map(|count| (count.status, count.count));
        (counts.at.known_end, sums.collect())
    });
    (at.known_end, listed, counted.to_vec())
}

/// More records than one slice of a walk, created in no order: listed and counted whole, in order, without repeats.
#[test]
fn a_walk_over_many_slices_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    let count = 5_000_u64;
    // 7919 is prime to 5,000: every key once.
    let keys: Vec<u64> = (0..count).map(|number| number * 7_919 % count).collect();
    let lists = keys.chunks(500).map(|keys| {
        keys.iter()
            .map(|key| {
                collect(
                    &format!("dwelling/{key:05}"),
                    if key % 3 == 0 { "north" } else { "south" },
                    1,
                )
            })
            .collect()
    });
    for answer in engine.submit(lists.collect()).unwrap().wait() {
        answer.unwrap();
    }
    let at = engine.at(AsOf::Now, None).unwrap();
    let page = |after: Option<u64>, limit: usize, area: Option<&str>| {
        let query = ListQuery {
            kind: Some("dwelling".to_owned()),
            area: area.map(str::to_owned),
            status: None,
            found_too: false,
            text: None,
            at,
            after: after.map(|key| name(&format!("dwelling/{key:05}"))),
            limit,
        };
        let page = engine.records(&query).unwrap();
        let keys: Vec<u64> = page
            .items
            .iter()
            .map(|view| view.name.key().parse().unwrap())
            .collect();
        (keys, page.next.is_some())
    };
    assert_eq!(page(None, 10_000, None), ((0..count).collect(), false));
    assert_eq!(page(None, 5_000, None), ((0..count).collect(), false));
    assert_eq!(page(None, 4_999, None), ((0..count - 1).collect(), true));
    assert_eq!(page(Some(2_047), 2, None), (vec![2_048, 2_049], true));
    assert_eq!(
        page(Some(100), 3_000, Some("north")),
        ((101..count).filter(|key| key % 3 == 0).collect(), false)
    );
    // Asked as of the last event but one, at an effective time that is on no kept axis: one pass over all slices.
    let known = engine.at(AsOf::Position(Position::new(count - 1)), None).unwrap();
    let counts = engine
        .counts(&FigureQuery {
            at: known,
            by: By::Area,
            area: None,
        })
        .unwrap()
        .items;
    let counts: Vec<_> = counts
        .into_iter()
        .map(|count| (count.area.unwrap(), count.count))
        .collect();
    let last_is_north = keys[4_999].is_multiple_of(3);
    let expected = [
        ("north".to_owned(), 1_667 - u64::from(last_is_north)),
        ("south".to_owned(), 3_333 - u64::from(!last_is_north)),
    ];
    assert_eq!(counts, expected);
    engine.close().unwrap();
}
