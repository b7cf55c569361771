//! A retry states the same content: nothing but `expected_version` and the order of fields may differ.

use proptest::{option, prelude::*, sample::select};

use super::*;
use crate::{event::Place, testing::register::*};

fn parts_of_a_visit() -> impl Strategy<Value = Visit> {
    let place = option::of((0..3_i32, 0..3_i32, 0..3_u32));
    let place = place.prop_map(|place| {
        place.map(|(lat_e7, lon_e7, accuracy_m)| Place {
            lat_e7,
            lon_e7,
            accuracy_m,
        })
    });
    let time = || option::of((0..3_i64).prop_map(Timestamp::from_micros));
    (time(), time(), option::of(0..3_u64), place).prop_map(|(begun, entered, seq, place)| Visit {
        begun,
        entered,
        seq,
        place,
    })
}

fn source() -> impl Strategy<Value = Origin> {
    prop_oneof![
        Just(Origin::Field),
        (0..3_u64).prop_map(|row| Origin::Import {
            sha256: [7; 32],
            file: "a.csv".into(),
            row
        }),
    ]
}

/// A command that a register with two mills takes.
fn taken() -> impl Strategy<Value = Command> {
    let seen = [("rooms", int(3)), ("built", None), ("name", text("Barn"))];
    let check = verify(Outcome::Present).seeing(&seen).not_seeing("area");
    let both = correct(&[("rooms", int(4)), ("built", int(1))]);
    let deeds = vec![
        collect(&[("rooms", int(3)), ("built", None)]),
        collect(&[]),
        both.clone(),
        both.since_origin(),
        correct_from("rooms", int(3), None),
        correct_from("built", None, int(1)),
        register(),
        deregister(Because::Erroneous),
        duplicate_of("dwelling/2"),
        check.clone(),
        check.in_area("north"),
        verify(Outcome::Unregistered).on("dwelling/9").in_area("south"),
        verify(Outcome::Refused),
    ];
    let text = || option::of(select(vec!["one".to_owned(), "two".to_owned()]));
    let how = (text(), text(), source(), option::of(parts_of_a_visit()));
    let when = (any::<bool>(), any::<bool>(), any::<bool>());
    (select(deeds), how, when).prop_map(|(mut command, how, (late, caused, named))| {
        command.device = how.0;
        command.reason = how.1.or(command.reason);
        command.source = how.2;
        command.visit = how.3;
        command.cause = caused.then(|| event_id(0));
        command.id = named.then(|| event_id(200));
        if late && command.effective == Since::Recorded {
            command.effective = Since::At(day(90));
        }
        command
    })
}

/// Every value of an optional part but its own.
fn others<T: Clone + PartialEq>(own: &Option<T>, values: &[T]) -> Vec<Option<T>> {
    let all = values.iter().cloned().map(Some).chain([None]);
    all.filter(|value| value != own).collect()
}

type Fields = Vec<(String, Option<OwnedValue>)>;

/// The fields with one changed, renamed, missing or more.
fn other_fields(fields: &Fields) -> Vec<Fields> {
    let mut all = Vec::new();
    let mut more = fields.clone();
    more.push(("else".to_owned(), None));
    all.push(more);
    for place in 0..fields.len() {
        let mut fewer = fields.clone();
        fewer.remove(place);
        all.push(fewer);
        let mut renamed = fields.clone();
        renamed[place].0.push('2');
        all.push(renamed);
        for value in others(
            &fields[place].1,
            &[OwnedValue::Integer(9), OwnedValue::Text("3".into())],
        ) {
            let mut changed = fields.clone();
            changed[place].1 = value;
            all.push(changed);
        }
    }
    all
}

fn other_deeds(deed: &Deed) -> Vec<Deed> {
    let mut all = vec![
        Deed::Collect(Vec::new()),
        Deed::Correct(Vec::new()),
        Deed::Register,
        Deed::Deregister(Reason::Plain(Because::Closed)),
        verify(Outcome::NoContact).deed,
    ];
    all.retain(|other| other != deed);
    match deed {
        Deed::Collect(fields) => all.extend(other_fields(fields).into_iter().map(Deed::Collect)),
        Deed::Correct(corrections) => {
            for place in 0..corrections.len() {
                let own = &corrections[place];
                let mut with = |correction: Option<Correction>| {
                    let mut other = corrections.clone();
                    other.splice(place..=place, correction);
                    all.push(Deed::Correct(other));
                };
                with(None);
                with(Some(Correction {
                    field: format!("{}2", own.field),
                    ..own.clone()
                }));
                for before in others(&own.before, &[None, int(3), int(9)]) {
                    with(Some(Correction {
                        before,
                        ..own.clone()
                    }));
                }
                for after in others(&own.after, &[OwnedValue::Integer(9)]) {
                    with(Some(Correction { after, ..own.clone() }));
                }
            }
        }
        Deed::Register => {}
        Deed::Deregister(_) => {
            let reasons = [
                Reason::Plain(Because::Erroneous),
                Reason::Plain(Because::MovedOut),
                Reason::DuplicateOf(name("dwelling/2")),
                Reason::DuplicateOf(name("dwelling/3")),
            ];
            let reasons = reasons.map(Deed::Deregister).into_iter();
            all.extend(reasons.filter(|other| other != deed));
        }
        Deed::Verify(own) => {
            let mut with = |check: Check| all.push(Deed::Verify(check));
            for outcome in Outcome::ALL
                .iter()
                .copied()
                .filter(|outcome| *outcome != own.outcome)
            {
                with(Check {
                    outcome,
                    ..own.clone()
                });
            }
            for observed in other_fields(&own.observed) {
                with(Check {
                    observed,
                    ..own.clone()
                });
            }
            for area in others(&own.area, &["".to_owned(), "north".to_owned(), "else".to_owned()]) {
                with(Check { area, ..own.clone() });
            }
            let mut more = own.clone();
            more.not_seen.push("else".to_owned());
            with(more);
            if !own.not_seen.is_empty() {
                with(Check {
                    not_seen: Vec::new(),
                    ..own.clone()
                });
                with(Check {
                    not_seen: vec!["else".to_owned()],
                    ..own.clone()
                });
                // Seen to be empty is not the same as not seen.
                let mut seen = own.clone();
                seen.observed.push((seen.not_seen.remove(0), None));
                with(seen);
            }
            if let Some(empty) = own.observed.iter().position(|(_, value)| value.is_none()) {
                let mut unseen = own.clone();
                let (field, _) = unseen.observed.remove(empty);
                unseen.not_seen.push(field);
                with(unseen);
            }
        }
    }
    all
}

/// The command with one stated part changed, in every way there is.
fn others_of(command: &Command, effective: Timestamp) -> Vec<Command> {
    let own = || command.clone();
    let mut all = vec![own().by("else"), own().on("resident/1"), own().on("dwelling/12")];
    let names = ["one".to_owned(), "two".to_owned(), String::new()];
    all.extend(
        others(&command.device, &names)
            .into_iter()
            .map(|device| Command { device, ..own() }),
    );
    all.extend(
        others(&command.reason, &names)
            .into_iter()
            .map(|reason| Command { reason, ..own() }),
    );
    let causes = others(&command.cause, &[event_id(0), event_id(9)]);
    all.extend(causes.into_iter().map(|cause| Command { cause, ..own() }));
    let times = [
        Since::Recorded,
        Since::Origin,
        Since::At(effective),
        Since::At(effective.plus_micros(1)),
        Since::At(effective.plus_micros(-1)),
    ];
    let times = times.into_iter().filter(|since| *since != command.effective);
    all.extend(times.map(|effective| Command { effective, ..own() }));
    let import = |first, file: &str, row| {
        let mut sha256 = [7; 32];
        sha256[31] = first;
        Origin::Import {
            sha256,
            file: file.into(),
            row,
        }
    };
    let sources = [
        Origin::Field,
        import(7, "a.csv", 0),
        import(7, "a.csv", 1),
        import(7, "a.csv", 2),
        import(7, "b.csv", 1),
        import(8, "a.csv", 1),
    ];
    let sources = sources.into_iter().filter(|source| *source != command.source);
    all.extend(sources.map(|source| Command { source, ..own() }));
    all.extend(
        other_visits(command.visit)
            .into_iter()
            .map(|visit| Command { visit, ..own() }),
    );
    all.extend(
        other_deeds(&command.deed)
            .into_iter()
            .map(|deed| Command { deed, ..own() }),
    );
    all
}

fn other_visits(own: Option<Visit>) -> Vec<Option<Visit>> {
    let Some(own) = own else {
        let seq = Some(1);
        return vec![Some(Visit {
            seq,
            ..Visit::default()
        })];
    };
    let times = [0, 9].map(Timestamp::from_micros);
    // A visit of which nothing is said is none.
    let mut all = if own == Visit::default() {
        Vec::new()
    } else {
        vec![None]
    };
    all.extend(
        others(&own.begun, &times)
            .into_iter()
            .map(|begun| Some(Visit { begun, ..own })),
    );
    all.extend(
        others(&own.entered, &times)
            .into_iter()
            .map(|entered| Some(Visit { entered, ..own })),
    );
    all.extend(
        others(&own.seq, &[0, 9])
            .into_iter()
            .map(|seq| Some(Visit { seq, ..own })),
    );
    let place = own.place.unwrap_or(Place {
        lat_e7: 0,
        lon_e7: 0,
        accuracy_m: 0,
    });
    let places = [
        Place {
            lat_e7: place.lat_e7 + 1,
            ..place
        },
        Place {
            lon_e7: place.lon_e7 + 1,
            ..place
        },
        Place {
            accuracy_m: place.accuracy_m + 1,
            ..place
        },
    ];
    all.extend(
        others(&own.place, &places)
            .into_iter()
            .map(|place| Some(Visit { place, ..own })),
    );
    all
}

fn reversed(mut command: Command) -> Command {
    match &mut command.deed {
        Deed::Collect(fields) => fields.reverse(),
        Deed::Correct(corrections) => corrections.reverse(),
        Deed::Verify(check) => {
            check.observed.reverse();
            check.not_seen.reverse();
        }
        Deed::Register | Deed::Deregister(_) => {}
    }
    command
}

proptest! {
    #[test]
    fn an_event_is_repeated_by_its_own_command_alone(command in taken(), versions in any::<[bool; 2]>()) {
        let mut register = Register::with_mill();
        register.takes(collect_mill().on("dwelling/2"));
        let version = u32::from(command.record.key() == "1");
        let [expects, expects_again] = versions.map(|stated| stated.then_some(version));
        let first = Command { expected_version: expects, ..command.clone() };
        let event = register.takes(first.clone());
        for again in [first.clone(), reversed(first), Command { expected_version: expects_again, ..command.clone() }] {
            prop_assert!(again.is_retry_of(&event), "{:?}\n{:?}", again, event);
        }
        for other in others_of(&command, event.effective) {
            prop_assert_ne!(&other, &command);
            prop_assert!(!other.is_retry_of(&event), "{:?}\n{:?}", other, event);
        }
    }
}

#[test]
fn a_command_is_read_against_its_kind() {
    let kind = VILLAGE.kind("dwelling").unwrap();
    assert_eq!(kind.read("rooms", Input::Cell("3")), Ok(int(3)));
    assert_eq!(kind.read("rooms", Input::Cell("")), Ok(None));
    assert_eq!(
        kind.read("roof", Input::Cell("")).unwrap_err().code(),
        "UNKNOWN_FIELD"
    );
    assert_eq!(
        kind.read("rooms", Input::Cell("x")).unwrap_err().code(),
        "BAD_VALUE"
    );
}
