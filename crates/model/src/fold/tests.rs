//! The laws of the fold, against a model that is written from the design's words and not from the code.

use std::collections::BTreeMap;

use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::TestRunner,
};

use super::*;
use crate::{
    command::{Command, Deed},
    event::Stated,
    testing::{any as arbitrary, register::*},
    value::OwnedValue,
};

// ---- the naive model

/// What a record is at (E, K), as a person would work it out with a pencil.
#[derive(Clone, Debug, PartialEq)]
struct Belief {
    status: Status,
    values: BTreeMap<String, OwnedValue>,
    collector: Option<String>,
    area: String,
    check: Option<Check>,
    tried: bool,
}

/// `known` are the record's events that were recorded by K.
fn believe(known: &[Event<'_>], effective: Timestamp) -> Belief {
    // "The greatest (effective, position) wins", among what took effect by E.
    let latest = |counts: &dyn Fn(&&Event<'_>) -> bool| {
        let there = known.iter().filter(|event| event.effective <= effective);
        there
            .filter(counts)
            .max_by_key(|event| (event.effective, event.position))
            .cloned()
    };
    let is = |action| move |event: &&Event<'_>| event.action == action;
    let unregistered = |event: &&Event<'_>| event.outcome == Some(Outcome::Unregistered);
    let moves = |event: &&Event<'_>| matches!(event.action, Action::Register | Action::Deregister);
    let collects = known
        .iter()
        .filter(|event| event.effective <= effective && is(Action::Collect)(event));
    let first = collects.min_by_key(|event| (event.effective, event.position));
    let told = match latest(&moves) {
        Some(event) if event.action == Action::Register => Status::Registered,
        Some(_) => Status::Deregistered,
        None if first.is_some() => Status::Collected,
        None if latest(&unregistered).is_some() => Status::Found,
        None => Status::Absent,
    };
    // "Void at every E, from the K that knows them": wherever there is a record at all.
    let void = known
        .iter()
        .any(|event| matches!(event.because, Some(Because::Erroneous | Because::DuplicateOf(_))));
    let values: BTreeMap<_, _> = FIELDS
        .iter()
        .filter_map(|field| Some((field.to_string(), value_of(known, effective, field)?)))
        .collect();
    let area = match values.get("area") {
        Some(OwnedValue::Text(area)) => area.clone(),
        _ if first.is_some() => String::new(),
        _ => latest(&unregistered).map_or(String::new(), |event| event.area.to_owned()),
    };
    let checks = |event: &&Event<'_>| event.action == Action::Verify;
    let blind = |event: &&Event<'_>| matches!(event.outcome, Some(Outcome::NoContact | Outcome::Refused));
    let differs = |event: &Event<'_>| event.observed.iter().any(|seen| seen.verdict == Verdict::Differs);
    Belief {
        status: if void && told != Status::Absent {
            Status::Void
        } else {
            told
        },
        values,
        collector: first.map(|event| event.actor.to_owned()),
        area,
        check: latest(&|event| checks(event) && !blind(event)).map(|event| Check {
            outcome: event.outcome.unwrap(),
            differs: differs(&event),
        }),
        tried: latest(&|event| checks(event) && blind(event)).is_some(),
    }
}

const FIELDS: [&str; 4] = ["name", "area", "rooms", "built"];

/// "Only changes with before ≠ after set a value."
fn value_of(known: &[Event<'_>], effective: Timestamp, field: &str) -> Option<OwnedValue> {
    let sets = known
        .iter()
        .filter(|event| event.effective <= effective)
        .flat_map(|event| {
            let own = event
                .changes
                .iter()
                .filter(|change| change.field == field && change.before != change.after);
            own.map(|change| ((event.effective, event.position), change.after))
        });
    sets.max_by_key(|(when, _)| *when)
        .and_then(|(_, after)| Some(after?.to_owned()))
}

/// The same of a folded state.
fn belief_of(state: &State<'_>) -> Belief {
    let held = state
        .fields
        .iter()
        .filter_map(|held| Some((held.field.to_owned(), held.value?.to_owned())));
    Belief {
        status: state.status,
        values: held.collect(),
        collector: state.collector.map(str::to_owned),
        area: state.area(Some("area")).to_owned(),
        check: state.check,
        tried: state.tried,
    }
}

// ---- random work on three records

/// One thing that somebody tries: some time passes, then a command is given, perhaps late.
#[derive(Clone, Debug)]
struct Attempt {
    micros: i64,
    late: Option<i64>,
    command: Command,
}

fn choice() -> impl Strategy<Value = Option<OwnedValue>> {
    prop_oneof![2 => Just(int(1)), 2 => Just(int(2)), 1 => Just(None)]
}

fn place() -> impl Strategy<Value = Option<OwnedValue>> {
    prop_oneof![2 => Just(text("north")), 2 => Just(text("south")), 1 => Just(None)]
}

fn some_fields() -> impl Strategy<Value = Vec<Given<'static>>> {
    let field = prop_oneof![
        (Just("rooms"), choice()),
        (Just("built"), choice()),
        (Just("area"), place()),
        (Just("name"), prop_oneof![Just(text("Mill")), Just(text("Barn"))]),
    ];
    vec(field, 0..3).prop_map(|fields| {
        fields
            .into_iter()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect()
    })
}

fn record() -> impl Strategy<Value = &'static str> {
    select(vec![MILL, MILL, "dwelling/2", "dwelling/3"])
}

fn command() -> impl Strategy<Value = Command> {
    let closes = select(vec![
        Because::MovedOut,
        Because::Closed,
        Because::AbsentFromExtract,
    ]);
    let named = |fields: Vec<Given<'static>>| {
        let mut fields: BTreeMap<_, _> = fields.into_iter().collect();
        fields.insert("name", text("Mill"));
        collect(&Vec::from_iter(fields))
    };
    let seen = (
        select(Outcome::ALL),
        some_fields(),
        option::of(select(vec!["north", "south"])),
        any::<bool>(),
    );
    prop_oneof![
        4 => some_fields().prop_map(named),
        2 => some_fields().prop_map(|fields| collect(&fields)),
        5 => (some_fields(), any::<bool>()).prop_map(|(fields, origin)| {
            if origin { correct(&fields).since_origin() } else { correct(&fields) }
        }),
        4 => Just(register()),
        4 => closes.prop_map(deregister),
        1 => prop_oneof![Just(deregister(Because::Erroneous)), record().prop_map(duplicate_of)],
        5 => seen.prop_map(|(outcome, fields, area, seen)| {
            let mut command = verify(outcome);
            command.check().area = area.map(str::to_owned);
            if seen { command.seeing(&fields) } else { command.not_seeing("built") }
        }),
    ]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    // Few different times, so that many are equal.
    let late = option::of(0..12_i64);
    (0..3_i64, late, record(), 0..10_usize, command()).prop_map(|(micros, late, record, who, command)| {
        let verifies = matches!(command.deed, Deed::Verify(_));
        let actor = match (verifies, who) {
            (true, 0) | (false, 2..) => "anna",
            (true, _) => "bob",
            (false, 0) => "bob",
            (false, _) => "chen",
        };
        Attempt {
            micros,
            late,
            command: command.on(record).by(actor),
        }
    })
}

/// All that was accepted, and how often each code refused.
fn work(
    attempts: &[Attempt],
    mut accepted: impl FnMut(&Register),
) -> (Register, BTreeMap<&'static str, u32>) {
    let mut register = Register::empty();
    let mut refused = BTreeMap::new();
    for attempt in attempts {
        register.now = register.now.plus_micros(attempt.micros);
        let mut command = attempt.command.clone();
        if let (Some(late), crate::Since::Recorded) = (attempt.late, command.effective) {
            command.effective = crate::Since::At(register.now.plus_micros(-late));
        }
        let taken = register.offer(&command).map(|_| ());
        match taken {
            Ok(()) => accepted(&register),
            Err(rejection) => *refused.entry(rejection.code()).or_default() += 1,
        }
    }
    (register, refused)
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    vec(attempt(), 0..60)
}

fn events_of<'a>(events: &[Event<'a>], record: &str) -> Vec<Event<'a>> {
    events
        .iter()
        .filter(|event| name_of(event) == record)
        .cloned()
        .collect()
}

fn entries_of<'a>(events: &[Event<'a>]) -> Vec<Entry<'a>> {
    events.iter().filter_map(Entry::of).collect()
}

const RECORDS: [&str; 3] = [MILL, "dwelling/2", "dwelling/3"];

// ---- the laws

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_two_times_give_what_the_words_of_the_design_give(
        attempts in attempts(),
        asked in vec((any::<Index>(), -20..80_i64), 1..12),
        order in any::<u64>(),
    ) {
        let (register, _) = work(&attempts, |_| ());
        let events = register.events();
        for (end, since) in asked {
            let known = &events[..end.index(events.len() + 1)];
            let effective = day(100).plus_micros(since);
            for record in RECORDS {
                let own = events_of(known, record);
                let mut entries = entries_of(&own);
                let state = State::fold(&entries, effective);
                prop_assert_eq!(belief_of(&state), believe(&own, effective), "{} {:#?}", record, own);
                shuffle(&mut entries, order);
                prop_assert_eq!(State::fold(&entries, effective), state);
            }
        }
    }

    #[test]
    fn the_story_is_the_fold_at_every_time(attempts in attempts(), order in any::<u64>()) {
        let (register, _) = work(&attempts, |_| ());
        for record in RECORDS {
            let own = events_of(&register.events(), record);
            let mut entries = entries_of(&own);
            shuffle(&mut entries, order);
            let mut told = Vec::new();
            State::story(&entries, |effective, state| told.push((effective, state.clone())));
            let mut times: Vec<_> = own.iter().map(|event| event.effective).collect();
            times.sort();
            times.dedup();
            prop_assert_eq!(told.iter().map(|(effective, _)| *effective).collect::<Vec<_>>(), times);
            for (effective, state) in told {
                prop_assert_eq!(state, State::fold(&entries, effective));
            }
        }
    }

    #[test]
    fn an_accepted_event_repeats_what_was_believed_and_holds_on_its_day(attempts in attempts()) {
        let mut failed = Ok(());
        work(&attempts, |register| {
            if failed.is_ok() {
                failed = holds(&register.events());
            }
        });
        failed?;
    }

    #[test]
    fn any_entries_fold_and_their_order_does_not_matter(
        mut entries in vec(any_entry(), 0..12),
        effective in arbitrary::time(),
        order in any::<u64>(),
    ) {
        for (number, entry) in (0..).zip(&mut entries) {
            entry.position = Position::new(number);
        }
        let state = State::fold(&entries, effective);
        let mut told = Vec::new();
        State::story(&entries, |effective, state| told.push((effective, state.clone())));
        shuffle(&mut entries, order);
        prop_assert_eq!(&State::fold(&entries, effective), &state);
        let last = told.into_iter().rev().find(|(since, _)| *since <= effective);
        prop_assert_eq!(last.map_or(State::ABSENT, |(_, state)| state), state);
    }
}

/// What is true of the newest event, and of its record after it.
fn holds(events: &[Event<'_>]) -> Result<(), TestCaseError> {
    let newest = events.last().unwrap();
    let after = events_of(events, &name_of(newest));
    let before = &after[..after.len() - 1];
    let effective = newest.effective;
    prop_assert_eq!(usize::try_from(newest.version).unwrap(), after.len());
    for change in &newest.changes {
        let then = value_of(before, effective, change.field);
        prop_assert_eq!(change.before.map(Value::to_owned), then, "{:?}", newest);
        let now = value_of(&after, effective, change.field);
        prop_assert_eq!(change.after.map(Value::to_owned), now, "{:?}", newest);
    }
    for seen in newest
        .observed
        .iter()
        .filter(|seen| seen.verdict != Verdict::NotSeen)
    {
        let equal = value_of(before, effective, seen.field) == seen.value.map(Value::to_owned);
        prop_assert_eq!(equal, seen.verdict == Verdict::Equal);
    }
    let belief = believe(&after, effective);
    prop_assert_eq!(&belief.area, newest.area, "{:?}", newest);
    let status = match newest.action {
        Action::Register => Some(Status::Registered),
        Action::Deregister if newest.because.is_some_and(|because| because.voids()) => Some(Status::Void),
        Action::Deregister => Some(Status::Deregistered),
        _ => None,
    };
    prop_assert!(
        status.is_none_or(|status| belief.status == status),
        "{:?}",
        newest
    );
    if newest.action == Action::Verify {
        let own = |event: &Event<'_>| event.action != Action::Verify && event.actor == newest.actor;
        prop_assert!(!before.iter().any(own));
    }
    // Nothing but checks is there before the first collect, and a required field always has a value from then on.
    for event in &after {
        let belief = believe(&after, event.effective);
        let collected = belief.collector.is_some();
        prop_assert!(collected || event.action == Action::Verify, "{:?}", event);
        prop_assert_eq!(collected, belief.values.contains_key("name"));
    }
    Ok(())
}

/// A fixed permutation for each number (Fisher and Yates, with a congruential generator).
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for last in (1..items.len()).rev() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(seed >> 33).unwrap() % (last + 1);
        items.swap(last, other);
    }
}

/// Entries that no rule would let pass: registered before they were collected, void and then collected, and worse.
fn any_entry() -> impl Strategy<Value = Entry<'static>> {
    let time = prop_oneof![9 => (0..6_i64).prop_map(Timestamp::from_micros), 1 => arbitrary::time()];
    let sets = btree_map(
        select(vec!["a", "b", "area"]),
        option::of(arbitrary::value()),
        0..3,
    );
    let void = option::weighted(
        0.1,
        select(vec![Because::Erroneous, Because::DuplicateOf("street/2")]),
    );
    let check = option::of((select(Outcome::ALL), any::<bool>()));
    let names = (arbitrary::text(), arbitrary::text());
    (time, select(Action::ALL), names, sets, check, void).prop_map(
        |(effective, action, (actor, area), sets, check, void)| Entry {
            position: Position::ZERO,
            effective,
            action,
            actor,
            area,
            sets: sets.into_iter().collect(),
            check: check.map(|(outcome, differs)| Check { outcome, differs }),
            void,
        },
    )
}

// ---- the random work itself

#[test]
fn the_random_work_reaches_every_action_status_and_rule() {
    let mut runner = TestRunner::deterministic();
    let (mut actions, mut refusals) = (BTreeMap::<_, u32>::new(), BTreeMap::<_, u32>::new());
    let mut statuses = BTreeMap::<_, u32>::new();
    let mut reappeared = 0;
    for _ in 0..200 {
        let attempts = attempts().new_tree(&mut runner).unwrap().current();
        let (register, refused) = work(&attempts, |_| ());
        for (code, count) in refused {
            *refusals.entry(code).or_default() += count;
        }
        for event in register.events() {
            let late = event.effective < event.recorded;
            *actions
                .entry((event.action, late, event.stated.has(Stated::ORIGIN)))
                .or_default() += 1;
        }
        for record in RECORDS {
            let own = events_of(&register.events(), record);
            *statuses.entry(believe(&own, register.now).status).or_default() += 1;
            let moves = own.iter().map(|event| event.action);
            let moves: Vec<_> = moves
                .filter(|a| matches!(a, Action::Register | Action::Deregister))
                .collect();
            reappeared += u32::from(
                moves
                    .windows(2)
                    .any(|pair| pair == [Action::Deregister, Action::Register]),
            );
        }
    }
    let kinds = [
        (Action::Collect, false, false),
        (Action::Collect, true, false),
        (Action::Correct, false, false),
        (Action::Correct, true, false),
        (Action::Correct, true, true),
        (Action::Register, false, false),
        (Action::Register, true, false),
        (Action::Deregister, false, false),
        (Action::Deregister, true, false),
        (Action::Verify, false, false),
        (Action::Verify, true, false),
    ];
    for kind in kinds {
        assert!(
            actions.get(&kind).is_some_and(|count| *count >= 20),
            "{kind:?} in {actions:?}"
        );
    }
    assert!(reappeared >= 20, "{reappeared}");
    for status in Status::SHOWN {
        assert!(
            statuses.get(&status).is_some_and(|count| *count >= 5),
            "{status:?} in {statuses:?}"
        );
    }
    let codes = [
        "NO_RECORD",
        "FIELD_MISSING",
        "VALUE_DIFFERS",
        "NOTHING_CHANGES",
        "ORIGIN_DIFFERS",
        "BEFORE_COLLECTED",
        "NOT_COLLECTED",
        "NOT_REGISTERED",
        "ALREADY_REGISTERED",
        "RECORD_VOID",
        "BAD_DUPLICATE",
        "OWN_WORK",
        "BAD_VALUE",
    ];
    for code in codes {
        assert!(refusals.contains_key(code), "{code} in {refusals:?}");
    }
}

// ---- words and parts

#[test]
fn a_shown_status_has_a_word_that_is_read_back() {
    for status in Status::SHOWN {
        assert_eq!(Status::parse(status.word()), Some(status));
    }
    assert_eq!(Status::parse(Status::Absent.word()), None);
    assert_eq!(
        Status::SHOWN.map(Status::is_live),
        [false, true, true, false, false]
    );
}

proptest! {
    #[test]
    fn an_entry_is_the_part_of_an_event_that_the_fold_needs(event in arbitrary::event()) {
        let Some(entry) = Entry::of(&event) else {
            prop_assert!(event.kind.is_empty());
            return Ok(());
        };
        prop_assert!(!event.kind.is_empty());
        prop_assert_eq!((entry.position, entry.effective), (event.position, event.effective));
        prop_assert_eq!((entry.action, entry.actor, entry.area), (event.action, event.actor, event.area));
        let sets: Vec<_> = event.changes.iter().filter(|c| c.before != c.after).map(|c| (c.field, c.after)).collect();
        prop_assert_eq!(entry.sets, sets);
        let differs = event.observed.iter().any(|seen| seen.verdict == Verdict::Differs);
        prop_assert_eq!(entry.check, event.outcome.map(|outcome| Check { outcome, differs }));
        let voids = matches!(event.because, Some(Because::Erroneous | Because::DuplicateOf(_)));
        prop_assert_eq!(entry.void, if voids { event.because } else { None });
    }
}

#[test]
fn a_void_record_that_was_only_found_on_a_day_keeps_the_area_of_the_check() {
    let mut register = Register::empty();
    register.takes(verify(Outcome::Unregistered).in_area("north").since(10));
    register.takes(collect_mill().since(20));
    register.takes(deregister(Because::Erroneous).since(30));
    let area = |number| register.on_day(number).area(Some("area"));
    assert_eq!(
        (register.on_day(10).status, area(10), area(20)),
        (Status::Void, "north", "")
    );
}
