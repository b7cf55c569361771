//! Every rule of the actions, one case each, with the nearest command that is taken.
//!
//! Unless a case says otherwise: it is day 100, and MILL was collected since day 10 by anna, with the name Mill, the
//! area north and 3 rooms; a command is anna's and takes effect now, a verification is bob's.

use super::{Moment, decide};
use crate::{
    campaign::Role,
    command::{Command, CommandSignature, Deed, NAME_BYTES_MAX, REASON_BYTES_MAX, Since},
    event::{Action, Because, Event, Outcome, Stated, Verdict},
    fold::Status,
    position::Position,
    rejection::Rejection,
    testing::register::*,
    value::Value,
};

const MOVED: Because<'static> = Because::MovedOut;
const ERRONEOUS: Because<'static> = Because::Erroneous;

fn first_change(event: &Event<'_>) -> (Option<i64>, Option<i64>) {
    let number = |value| match value {
        Some(Value::Integer(number)) => Some(number),
        None => None,
        other => panic!("not an integer: {other:?}"),
    };
    (number(event.changes[0].before), number(event.changes[0].after))
}

fn rooms(register: &Register, day: i64) -> Option<i64> {
    match register.on_day(day).value("rooms") {
        Some(Value::Integer(number)) => Some(number),
        _ => None,
    }
}

// ---- what an event says

#[test]
fn an_event_repeats_its_command_and_adds_place_time_version_and_area() {
    let mut register = Register::with_mill();
    let mut command = correct(&[("rooms", int(4))])
        .since(20)
        .expecting(1)
        .caused_by(event_id(0));
    command.device = Some("tablet-3".to_owned());
    let event = register.takes(command);
    assert_eq!(
        (event.position.get(), event.id, event.version),
        (1, event_id(1), 2)
    );
    assert_eq!((event.recorded, event.effective), (day(100), day(20)));
    assert_eq!(
        (event.kind, event.key, event.area, event.actor),
        ("dwelling", "1", "north", "anna")
    );
    assert_eq!(
        (event.action, event.device, event.reason),
        (Action::Correct, Some("tablet-3"), Some("misread"))
    );
    assert_eq!(event.cause, Some(event_id(0)));
    assert_eq!(
        event.stated,
        Stated::EFFECTIVE.with(Stated::EXPECTED_VERSION, true)
    );
}

#[test]
fn an_id_of_the_clients_own_is_kept() {
    let mut register = Register::empty();
    let mut command = collect_mill();
    command.id = Some(event_id(200));
    let event = register.takes(command);
    assert_eq!((event.id, event.stated), (event_id(200), Stated::ID));
}

#[test]
fn the_kind_must_be_the_campaigns() {
    Register::empty().refuses("NO_KIND", collect_mill().on("castle/1"));
    Register::empty().takes(collect_mill());
}

// ---- collect

#[test]
fn the_first_collect_creates_the_record() {
    let mut register = Register::empty();
    register.takes(collect_mill().since(10));
    assert_eq!(register.on_day(9).status, Status::Absent);
    assert_eq!(register.on_day(10).status, Status::Collected);
    assert_eq!(register.on_day(10).collector, Some("anna"));
}

#[test]
fn the_first_collect_gives_every_required_field_but_the_key() {
    let mut register = Register::empty();
    register.refuses("FIELD_MISSING", collect(&[("rooms", int(3))]));
    register.refuses("FIELD_MISSING", collect(&[("name", None)]));
    register.takes(collect(&[("name", text("Mill"))]));
    register.takes(collect(&[("rooms", int(3))]));
}

#[test]
fn a_later_collect_adds_and_confirms() {
    let mut register = Register::with_mill();
    let event = register.takes(collect(&[("rooms", int(3)), ("built", None)]));
    assert!(event.changes.iter().all(|change| !change.sets()));
    assert_eq!((event.changes.len(), event.version), (2, 2));
    register.takes(collect(&[]));
    let mut register = Register::empty();
    register.takes(collect_mill());
    assert_eq!(
        first_change(&register.takes(collect(&[("rooms", int(3))]))),
        (None, Some(3))
    );
}

#[test]
fn a_different_value_is_not_collected() {
    let mut register = Register::with_mill();
    register.refuses("VALUE_DIFFERS", collect(&[("rooms", int(4))]));
    register.refuses("VALUE_DIFFERS", collect(&[("rooms", None)]));
    register.refuses("VALUE_DIFFERS", collect(&[("rooms", text("3"))]));
    register.takes(collect(&[("rooms", int(3))]));
}

#[test]
fn a_collect_is_compared_with_its_own_day() {
    let mut register = Register::with_mill();
    register.takes(correct(&[("rooms", int(4))]).since(50));
    register.refuses("VALUE_DIFFERS", collect(&[("rooms", int(4))]).since(49));
    register.takes(collect(&[("rooms", int(3))]).since(49));
    register.takes(collect(&[("rooms", int(4))]).since(50));
}

#[test]
fn a_collect_before_the_first_one_is_a_first_one() {
    let mut register = Register::with_mill();
    register.refuses("FIELD_MISSING", collect(&[("rooms", int(5))]).since(9));
    register.takes(collect(&[("name", text("Old mill"))]).by("chen").since(9));
    assert_eq!(register.on_day(9).value("name"), Some(Value::Text("Old mill")));
    assert_eq!(register.on_day(10).value("name"), Some(Value::Text("Mill")));
    assert_eq!(register.on_day(10).collector, Some("chen"));
}

#[test]
fn a_deregistered_record_may_be_collected_and_stays_deregistered() {
    let mut register = Register::with_mill();
    register.takes(register_since(20));
    register.takes(deregister(MOVED).since(30));
    register.takes(collect(&[("rooms", int(3))]).since(40));
    assert_eq!(register.on_day(40).status, Status::Deregistered);
}

fn register_since(number: i64) -> Command {
    register().since(number)
}

#[test]
fn a_void_record_is_not_collected() {
    let mut register = Register::with_mill();
    register.takes(deregister(ERRONEOUS).since(30));
    register.refuses("RECORD_VOID", collect(&[]).since(20));
    register.refuses("RECORD_VOID", collect_mill().since(5));
    register.takes(collect_mill().on("dwelling/2"));
}

#[test]
fn a_collect_moves_the_area_of_the_event_with_its_field() {
    let mut register = Register::empty();
    assert_eq!(register.takes(collect_mill()).area, "");
    assert_eq!(register.takes(collect(&[("area", text("north"))])).area, "north");
    assert_eq!(register.takes(collect(&[])).area, "north");
    assert_eq!(register.takes(correct(&[("area", text("south"))])).area, "south");
    assert_eq!(register.takes(correct(&[("area", None)])).area, "");
}

// ---- correct

#[test]
fn a_correction_changes_a_field_from_its_day_on() {
    let mut register = Register::with_mill();
    let event = register.takes(correct(&[("rooms", int(4))]).since(50));
    assert_eq!(first_change(&event), (Some(3), Some(4)));
    assert_eq!((rooms(&register, 49), rooms(&register, 50)), (Some(3), Some(4)));
}

#[test]
fn a_correction_and_a_deregistration_need_a_reason() {
    let mut register = Register::with_mill();
    register.takes(register_since(10));
    for command in [
        correct(&[("rooms", int(4))]),
        deregister(MOVED),
        deregister(ERRONEOUS),
    ] {
        let silent = Command {
            reason: None,
            ..command.clone()
        };
        register.refuses("REASON_MISSING", silent);
        register.refuses("BAD_VALUE", command.because(" \n"));
    }
    register.takes(verify(Outcome::Present));
    register.takes(correct(&[("rooms", int(4))]).because("x"));
}

#[test]
fn a_correction_clears_an_optional_field_and_no_required_one() {
    let mut register = Register::with_mill();
    register.refuses("FIELD_MISSING", correct(&[("name", None)]));
    register.takes(correct(&[("rooms", None)]));
    assert_eq!(rooms(&register, 100), None);
    // A cleared field is free again.
    register.takes(collect(&[("rooms", int(7))]));
    assert_eq!(rooms(&register, 100), Some(7));
}

#[test]
fn the_key_field_never_changes() {
    let mut register = Register::with_mill();
    register.refuses("KEY_CHANGES", correct(&[("code", text("2"))]));
    register.refuses("KEY_CHANGES", correct(&[("rooms", int(4)), ("code", text("1"))]));
    register.takes(correct(&[("name", text("2"))]));
}

#[test]
fn a_correction_changes_something() {
    let mut register = Register::with_mill();
    register.refuses("NOTHING_CHANGES", correct(&[("rooms", int(3))]));
    register.refuses("NOTHING_CHANGES", correct(&[("built", None)]));
    register.refuses("NOTHING_CHANGES", correct(&[]));
    register.refuses("NOTHING_CHANGES", correct(&[]).since_origin());
    let event = register.takes(correct(&[("rooms", int(3)), ("name", text("Water mill"))]));
    assert_eq!((event.changes[0].sets(), event.changes[1].sets()), (false, true));
}

#[test]
fn a_stated_before_is_the_value_on_the_corrections_own_day() {
    let mut register = Register::with_mill();
    register.takes(correct(&[("rooms", int(4))]).since(50));
    register.refuses("STALE_BEFORE", correct_from("rooms", int(3), int(5)));
    register.refuses("STALE_BEFORE", correct_from("rooms", None, int(5)));
    register.refuses("STALE_BEFORE", correct_from("built", int(3), int(5)));
    register.refuses("STALE_BEFORE", correct_from("rooms", int(4), int(5)).since(49));
    register.takes(correct_from("rooms", int(3), int(5)).since(49));
    let event = register.takes(correct_from("rooms", int(4), int(5)));
    assert!(event.changes[0].before_stated);
    assert!(!register.takes(correct(&[("rooms", int(6))])).changes[0].before_stated);
    register.takes(correct_from("built", None, int(1)));
}

#[test]
fn a_correction_since_the_origin_takes_effect_with_the_value_that_was_never_true() {
    let mut register = Register::with_mill();
    register.takes(correct(&[("rooms", int(4))]).since(50));
    let event = register.takes(correct(&[("rooms", int(5))]).since_origin());
    assert_eq!((event.effective, event.stated), (day(50), Stated::ORIGIN));
    assert_eq!(first_change(&event), (Some(4), Some(5)));
    assert_eq!((rooms(&register, 49), rooms(&register, 50)), (Some(3), Some(5)));
}

#[test]
fn a_confirmation_is_no_origin() {
    let mut register = Register::with_mill();
    register.takes(collect(&[("rooms", int(3))]).since(60));
    assert_eq!(
        register
            .takes(correct(&[("rooms", int(4))]).since_origin())
            .effective,
        day(10)
    );
}

#[test]
fn the_origin_of_a_missing_value_is_its_clearing_or_the_first_collect() {
    let mut register = Register::with_mill();
    register.takes(correct(&[("rooms", None)]).since(30));
    assert_eq!(
        register
            .takes(correct(&[("built", int(1))]).since_origin())
            .effective,
        day(10)
    );
    assert_eq!(
        register
            .takes(correct(&[("rooms", int(2))]).since_origin())
            .effective,
        day(30)
    );
}

#[test]
fn the_first_collect_is_the_earliest_and_not_the_one_that_came_first() {
    let mut register = Register::with_mill();
    register.takes(collect_mill().since(5));
    register.takes(collect(&[]).since(30));
    let rejection = register.refuses("BEFORE_COLLECTED", register_since(4));
    assert_eq!(
        rejection,
        Rejection::BeforeCollected {
            effective: day(4),
            collected: day(5)
        }
    );
    let event = register.takes(correct(&[("built", int(1))]).since_origin());
    assert_eq!(event.effective, day(5));
}

#[test]
fn the_origin_is_one_time_for_all_fields() {
    let mut register = Register::with_mill();
    let both = correct(&[("name", text("Water mill")), ("rooms", int(5))]).since_origin();
    register.takes(correct(&[("rooms", int(4))]).since(50));
    let rejection = register.refuses("ORIGIN_DIFFERS", both.clone());
    assert_eq!(rejection.field(), Some("rooms"));
    let mut register = Register::with_mill();
    assert_eq!(register.takes(both).effective, day(10));
}

#[test]
fn only_a_correction_has_an_origin() {
    let mut register = Register::with_mill();
    for command in [
        collect(&[]),
        register_since(20),
        verify(Outcome::Present),
        deregister(ERRONEOUS),
    ] {
        let rejection = register.refuses("BAD_VALUE", command.since_origin());
        assert_eq!(rejection.field(), Some("effective"));
    }
}

// ---- register and deregister

#[test]
fn a_registration_opens_and_closes_on_its_days() {
    let mut register = Register::with_mill();
    register.takes(register_since(20));
    register.takes(deregister(MOVED).since(30));
    register.takes(register_since(40));
    let status = |day| register.on_day(day).status;
    assert_eq!((status(19), status(20)), (Status::Collected, Status::Registered));
    assert_eq!(
        (status(29), status(30)),
        (Status::Registered, Status::Deregistered)
    );
    assert_eq!(
        (status(39), status(40)),
        (Status::Deregistered, Status::Registered)
    );
}

#[test]
fn a_registered_record_is_not_registered_again() {
    let mut register = Register::with_mill();
    register.takes(register_since(20));
    register.refuses("ALREADY_REGISTERED", register_since(20));
    register.refuses("ALREADY_REGISTERED", register_since(50));
    register.takes(register_since(19));
    assert_eq!(register.on_day(100).status, Status::Registered);
}

#[test]
fn only_a_registered_record_is_deregistered() {
    let mut register = Register::with_mill();
    register.refuses("NOT_REGISTERED", deregister(MOVED));
    register.takes(register_since(20));
    register.refuses("NOT_REGISTERED", deregister(MOVED).since(19));
    register.takes(deregister(MOVED).since(20));
    register.refuses("NOT_REGISTERED", deregister(MOVED).since(30));
}

#[test]
fn every_reason_closes_a_registration_and_is_kept() {
    let plain = [
        Because::MovedOut,
        Because::Demolished,
        Because::Closed,
        Because::Deceased,
        Because::AbsentFromExtract,
    ];
    for because in plain {
        let mut register = Register::with_mill();
        register.refuses("NOT_REGISTERED", deregister(because));
        register.takes(register_since(20));
        assert_eq!(register.takes(deregister(because)).because, Some(because));
        assert_eq!(register.on_day(100).status, Status::Deregistered);
        assert_eq!(register.on_day(99).status, Status::Registered);
    }
}

#[test]
fn a_late_deregistration_leaves_a_later_one_as_it_is() {
    let mut register = Register::with_mill();
    register.takes(register_since(20));
    register.takes(deregister(MOVED).since(50));
    register.takes(deregister(Because::Demolished).since(40));
    let status = |day| register.on_day(day).status;
    assert_eq!(
        (status(39), status(40)),
        (Status::Registered, Status::Deregistered)
    );
    assert_eq!(status(50), Status::Deregistered);
}

#[test]
fn nothing_takes_effect_before_the_first_collect() {
    let mut register = Register::with_mill();
    for command in [
        correct(&[("rooms", int(4))]),
        register_since(0),
        deregister(ERRONEOUS),
    ] {
        register.refuses("BEFORE_COLLECTED", command.since(9));
    }
    register.takes(correct(&[("rooms", int(4))]).since(10));
    register.takes(register_since(10));
    register.takes(deregister(ERRONEOUS).since(10));
}

#[test]
fn what_nobody_knows_is_neither_corrected_nor_registered() {
    let mut register = Register::empty();
    for command in [
        correct(&[("rooms", int(4))]),
        register_since(50),
        deregister(ERRONEOUS),
    ] {
        register.refuses("NO_RECORD", command);
    }
    register.refuses("NO_RECORD", correct(&[("rooms", int(4))]).since_origin());
}

#[test]
fn what_was_only_found_is_neither_corrected_nor_registered() {
    let mut register = Register::empty();
    register.takes(verify(Outcome::Unregistered).since(20));
    for command in [
        correct(&[("rooms", int(4))]),
        register_since(0),
        deregister(ERRONEOUS),
    ] {
        register.refuses("NOT_COLLECTED", command.clone().since(19));
        register.refuses("NOT_COLLECTED", command.since(20));
    }
    register.takes(collect_mill().since(20));
    register.takes(register_since(20));
}

// ---- void

#[test]
fn an_error_voids_the_record_on_every_day() {
    for registered in [false, true] {
        let mut register = Register::with_mill();
        if registered {
            register.takes(register_since(20));
        }
        register.takes(deregister(ERRONEOUS).since(50));
        let status = |day| register.on_day(day).status;
        assert_eq!(
            (status(10), status(49), status(50)),
            (Status::Void, Status::Void, Status::Void)
        );
        assert_eq!(status(9), Status::Absent);
    }
}

#[test]
fn a_void_record_takes_nothing_but_checks() {
    let mut register = Register::with_mill();
    register.takes(register_since(20));
    register.takes(deregister(ERRONEOUS).since(50));
    for command in [
        correct(&[("rooms", int(4))]),
        register_since(0),
        deregister(MOVED),
        duplicate_of("dwelling/2"),
    ] {
        for number in [5, 30, 60] {
            register.refuses("RECORD_VOID", command.clone().since(number));
        }
    }
    register.takes(verify(Outcome::Present));
    register.takes(verify(Outcome::Unregistered));
}

fn three_mills() -> Register {
    let mut register = Register::with_mill();
    register.takes(collect_mill().on("dwelling/2"));
    register.takes(collect_mill().on("dwelling/3"));
    register
}

#[test]
fn a_duplicate_names_another_collected_record_of_its_kind() {
    let mut register = three_mills();
    register.takes(collect(&[]).on("resident/2"));
    register.takes(verify(Outcome::Unregistered).on("dwelling/found"));
    register.refuses("BAD_DUPLICATE", duplicate_of("resident/2"));
    register.refuses("BAD_DUPLICATE", duplicate_of(MILL));
    register.refuses("BAD_DUPLICATE", duplicate_of("dwelling/9"));
    register.refuses("BAD_DUPLICATE", duplicate_of("dwelling/found"));
    let event = register.takes(duplicate_of("dwelling/2"));
    assert_eq!(event.because, Some(Because::DuplicateOf("dwelling/2")));
    assert_eq!(register.on_day(10).status, Status::Void);
}

#[test]
fn duplicates_make_no_circle_of_two() {
    let mut register = three_mills();
    register.takes(duplicate_of("dwelling/2"));
    register.refuses("BAD_DUPLICATE", duplicate_of(MILL).on("dwelling/2"));
    register.takes(duplicate_of("dwelling/3").on("dwelling/2"));
}

#[test]
fn duplicates_make_no_circle_of_three() {
    let mut register = three_mills();
    register.takes(duplicate_of("dwelling/2"));
    register.takes(duplicate_of("dwelling/3").on("dwelling/2"));
    register.refuses("BAD_DUPLICATE", duplicate_of(MILL).on("dwelling/3"));
    register.takes(collect_mill().on("dwelling/4"));
    register.takes(duplicate_of("dwelling/4").on("dwelling/3"));
}

// ---- verify

#[test]
fn a_check_keeps_its_verdicts_and_changes_no_field() {
    let mut register = Register::with_mill();
    register.takes(correct(&[("rooms", int(4))]).since(50));
    let seen = [
        ("rooms", int(3)),
        ("name", text("Mill")),
        ("built", None),
        ("code", text("1")),
        ("area", None),
    ];
    let early = register.takes(
        verify(Outcome::Present)
            .seeing(&seen)
            .not_seeing("built2")
            .since(49),
    );
    let verdicts: Vec<_> = early
        .observed
        .iter()
        .map(|seen| (seen.field, seen.verdict))
        .collect();
    let expected = [
        ("rooms", Verdict::Equal),
        ("name", Verdict::Equal),
        ("built", Verdict::Equal),
        ("code", Verdict::Equal),
        ("area", Verdict::Differs),
        ("built2", Verdict::NotSeen),
    ];
    assert_eq!(verdicts, expected);
    assert_eq!((early.outcome, early.changes.len()), (Some(Outcome::Present), 0));
    let late = register.takes(verify(Outcome::Present).seeing(&[("rooms", int(3)), ("code", text("2"))]));
    assert!(late.observed.iter().all(|seen| seen.verdict == Verdict::Differs));
    assert_eq!(rooms(&register, 100), Some(4));
}

#[test]
fn a_field_is_not_both_seen_and_not_seen() {
    let mut register = Register::with_mill();
    let seen = verify(Outcome::Present).seeing(&[("rooms", int(3))]);
    let rejection = register.refuses("BAD_VALUE", seen.clone().not_seeing("rooms"));
    assert_eq!(rejection.field(), Some("rooms"));
    register.takes(seen.not_seeing("name"));
}

#[test]
fn nobody_verifies_a_record_of_his_own() {
    let mut register = Register::empty();
    register.takes(collect_mill().by("collector"));
    register.takes(correct(&[("rooms", int(4))]).by("corrector"));
    register.takes(register_since(100).by("registrar"));
    register.takes(deregister(MOVED).by("closer"));
    for actor in ["collector", "corrector", "registrar", "closer"] {
        register.refuses("OWN_WORK", verify(Outcome::Present).by(actor));
    }
    register.takes(verify(Outcome::Present).by("bob"));
    register.takes(verify(Outcome::Present).by("bob"));
}

#[test]
fn own_work_is_own_on_every_day_and_only_on_that_record() {
    let mut register = Register::with_mill();
    register.takes(collect_mill().by("chen").on("dwelling/2"));
    register.takes(correct(&[("rooms", int(4))]).by("dora").since(90));
    register.refuses("OWN_WORK", verify(Outcome::Present).by("dora").since(20));
    register.takes(verify(Outcome::Present).by("chen"));
    // Who verified may work on the record afterwards.
    register.takes(collect(&[]).by("chen"));
    register.refuses("OWN_WORK", verify(Outcome::Present).by("chen"));
}

#[test]
fn an_absent_record_can_only_be_found_unregistered() {
    for outcome in Outcome::ALL
        .iter()
        .copied()
        .filter(|outcome| *outcome != Outcome::Unregistered)
    {
        Register::empty().refuses("NO_RECORD", verify(outcome));
        let mut register = Register::with_mill();
        register.refuses("NO_RECORD", verify(outcome).since(9));
        register.takes(verify(outcome).since(10));
    }
    let mut register = Register::empty();
    let event = register.takes(
        verify(Outcome::Unregistered)
            .in_area("north")
            .seeing(&[("rooms", int(3))]),
    );
    assert_eq!((event.area, event.version), ("north", 1));
    assert_eq!(event.observed[0].verdict, Verdict::Differs);
    let state = register.on_day(100);
    assert_eq!((state.status, state.area(Some("area"))), (Status::Found, "north"));
    assert_eq!((state.value("rooms"), state.collector), (None, None));
}

#[test]
fn a_registered_record_is_not_found_unregistered() {
    let mut register = Register::with_mill();
    register.takes(verify(Outcome::Unregistered));
    register.takes(register_since(50));
    register.refuses("ALREADY_REGISTERED", verify(Outcome::Unregistered));
    register.takes(verify(Outcome::Unregistered).since(49));
    register.takes(deregister(MOVED).since(90));
    register.takes(verify(Outcome::Unregistered));
    assert_eq!(register.on_day(100).status, Status::Deregistered);
}

#[test]
fn a_found_record_may_be_checked_again_and_collected() {
    let mut register = Register::empty();
    register.takes(verify(Outcome::Unregistered).in_area("north").since(20));
    assert_eq!(register.takes(verify(Outcome::Gone).since(30)).area, "north");
    assert_eq!(
        register
            .takes(verify(Outcome::Unregistered).in_area("south").since(40))
            .area,
        "south"
    );
    assert_eq!(register.on_day(39).area(Some("area")), "north");
    assert_eq!(register.on_day(40).area(Some("area")), "south");
    register.refuses("FIELD_MISSING", collect(&[]).since(50));
    register.takes(collect_mill().since(50));
    assert_eq!(
        (register.on_day(49).status, register.on_day(50).status),
        (Status::Found, Status::Collected)
    );
}

#[test]
fn a_collected_record_has_the_area_of_its_field_alone() {
    let mut register = Register::empty();
    register.takes(verify(Outcome::Unregistered).in_area("north"));
    assert_eq!(register.takes(collect_mill()).area, "");
    assert_eq!(register.on_day(100).area(Some("area")), "");
}

#[test]
fn a_check_gives_no_area_to_a_collected_record() {
    let mut register = Register::with_mill();
    let rejection = register.refuses("BAD_VALUE", verify(Outcome::Present).in_area("south"));
    assert_eq!(rejection.field(), Some("area"));
    let event = register.takes(verify(Outcome::Present).in_area("north"));
    assert_eq!((event.area, event.stated), ("north", Stated::AREA));
}

#[test]
fn a_found_record_gets_another_area_only_where_it_is_found_again() {
    let mut register = Register::empty();
    register.takes(verify(Outcome::Unregistered).in_area("north"));
    register.refuses("BAD_VALUE", verify(Outcome::Present).in_area("south"));
    register.takes(verify(Outcome::Present).in_area("north"));
    register.takes(verify(Outcome::Unregistered).in_area("south"));
}

// ---- times, versions, causes and texts, for every action

#[test]
fn nothing_takes_effect_in_the_future_or_before_the_campaign() {
    let at = |time| Command {
        effective: Since::At(time),
        ..collect_mill()
    };
    let mut register = Register::empty();
    register.refuses("EFFECTIVE_IN_FUTURE", at(day(100).plus_micros(1)));
    register.refuses("EFFECTIVE_TOO_EARLY", at(day(0).plus_micros(-1)));
    register.takes(at(day(100)));
    register.takes(at(day(0)));
}

#[test]
fn an_effective_time_is_by_default_the_recorded_time() {
    let mut register = Register::empty();
    register.now = day(77);
    let event = register.takes(collect_mill());
    assert_eq!(
        (event.effective, event.recorded, event.stated),
        (day(77), day(77), Stated::default())
    );
}

#[test]
fn every_event_on_the_record_counts_as_a_version() {
    let mut register = Register::empty();
    register.refuses("VERSION_CONFLICT", collect_mill().expecting(1));
    register.takes(collect_mill().expecting(0));
    register.refuses("VERSION_CONFLICT", collect_mill().expecting(0));
    register.takes(verify(Outcome::NoContact).expecting(1));
    register.takes(collect_mill().on("dwelling/2").expecting(0));
    register.refuses("VERSION_CONFLICT", register_since(100).expecting(1));
    assert_eq!(register.takes(register_since(100).expecting(2)).version, 3);
}

#[test]
fn a_cause_is_an_event_of_the_log() {
    let mut register = Register::with_mill();
    register.refuses("NO_CAUSE", collect(&[]).caused_by(event_id(7)));
    register.takes(collect(&[]).caused_by(event_id(0)));
}

#[test]
fn texts_are_neither_empty_nor_long_nor_control() {
    type Set = fn(&mut Command, String);
    let parts: [(&str, usize, Set); 4] = [
        ("actor", NAME_BYTES_MAX, |command, text| command.actor = text),
        ("device", NAME_BYTES_MAX, |command, text| {
            command.device = Some(text)
        }),
        ("area", NAME_BYTES_MAX, |command, text| {
            command.check().area = Some(text)
        }),
        ("reason", REASON_BYTES_MAX, |command, text| {
            command.reason = Some(text)
        }),
    ];
    for (part, bytes_max, set) in parts {
        let with = |text: String| {
            let mut command = verify(Outcome::Unregistered);
            set(&mut command, text);
            command
        };
        let long = "长".repeat(bytes_max / 3) + &"x".repeat(bytes_max % 3 + 1);
        let lines = if part == "reason" { "" } else { "a\nb" };
        for bad in ["", "  ", "a\u{7}b", "a\u{85}b", lines, &long] {
            let rejection = Register::empty().refuses("BAD_VALUE", with(bad.to_owned()));
            assert_eq!(rejection.field(), Some(part));
        }
        Register::empty().takes(with(long[..bytes_max].to_owned()));
    }
}

// ---- signatures

/// What the village says of a command where these roles must sign.
fn decided(roles: &[Role], command: &Command) -> Result<(), &'static str> {
    let mut campaign = VILLAGE.clone();
    campaign.signed_roles = roles.iter().copied().collect();
    let register = Register::with_mill();
    let (entries, events) = (register.entries(MILL), register.events());
    let moment = Moment {
        position: Position::new(1),
        recorded: register.now,
        fresh_id: event_id(1),
    };
    let event = decide(&campaign, command, &entries, &View(&events), moment);
    match event {
        Ok(event) => {
            let signature = event
                .signature
                .map(|signature| (signature.key_id, signature.bytes));
            let given = command.signature.as_ref();
            assert_eq!(signature, given.map(|given| (given.key_id, &given.bytes[..])));
            Ok(())
        }
        Err(rejection) => Err(rejection.code()),
    }
}

fn signed(mut command: Command) -> Command {
    command.id = Some(event_id(200));
    command.signature = Some(CommandSignature {
        key_id: 7,
        bytes: [5; 64],
    });
    command
}

#[test]
fn a_role_that_signs_must_sign() {
    let refuses = |code, roles: &[Role], command: &Command| assert_eq!(decided(roles, command), Err(code));
    let all = [Role::Collector, Role::Registrar, Role::Verifier];
    let commands = [
        (Role::Collector, collect(&[])),
        (Role::Collector, correct(&[("rooms", int(4))])),
        (Role::Registrar, register()),
        (Role::Registrar, deregister(ERRONEOUS)),
        (Role::Verifier, verify(Outcome::Gone)),
    ];
    for (role, command) in commands {
        let command = command.since(50);
        refuses("SIGNATURE_MISSING", &[role], &command);
        refuses("SIGNATURE_MISSING", &all, &command);
        let others: Vec<_> = all.into_iter().filter(|other| *other != role).collect();
        assert_eq!(decided(&others, &command), Ok(()));
        assert_eq!(decided(&all, &signed(command.clone())), Ok(()));
        // Whoever need not sign may.
        assert_eq!(decided(&[], &signed(command)), Ok(()));
    }
}

#[test]
fn a_signed_command_states_its_id_and_effective_time() {
    let refuses = |code, command: Command| assert_eq!(decided(&[], &command), Err(code));
    let change = || correct(&[("rooms", int(4))]);
    refuses("SIGNATURE_INCOMPLETE", signed(change()));
    let mut nameless = signed(change().since(50));
    nameless.id = None;
    refuses("SIGNATURE_INCOMPLETE", nameless.clone());
    nameless.effective = Since::Recorded;
    refuses("SIGNATURE_INCOMPLETE", nameless);
    assert_eq!(decided(&[], &signed(change().since(50))), Ok(()));
    assert_eq!(decided(&[], &signed(change().since_origin())), Ok(()));
}

// ---- the codes themselves

/// Made where the command is read, its id and its key looked up and its event encoded, not by `decide`.
const MADE_ELSEWHERE: [&str; 5] = [
    "UNKNOWN_FIELD",
    "ID_REUSED",
    "UNKNOWN_KEY",
    "BAD_SIGNATURE",
    "EVENT_TOO_LARGE",
];

#[test]
fn every_code_is_refused_with_somewhere_above() {
    let after_arrow = |line: &'static str| line.split_once("=> \"")?.1.strip_suffix("\",");
    let codes = include_str!("../rejection.rs").lines().filter_map(after_arrow);
    let codes: Vec<_> = codes
        .filter(|code| code.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    assert_eq!(codes.len(), 35, "{codes:?}");
    let tests = [
        include_str!("plates/tests.rs"),
        include_str!("tests.rs"),
        include_str!("sample/tests.rs"),
        include_str!("references/tests.rs"),
    ];
    let sections = include_str!("../../../../docs/errors.md");
    for code in codes {
        let refused = format!("refuses(\"{code}\"");
        let tested = tests.iter().any(|tests| tests.contains(&refused));
        assert!(sections.contains(&format!("\n`{code}` · HTTP")), "{code}");
        assert_ne!(tested, MADE_ELSEWHERE.contains(&code), "{code}");
    }
}

#[test]
fn a_deed_knows_its_action() {
    for (command, word) in [
        (collect(&[]), "collect"),
        (correct(&[]), "correct"),
        (register_since(1), "register"),
        (deregister(MOVED), "deregister"),
        (verify(Outcome::Gone), "verify"),
    ] {
        assert_eq!(Deed::action(&command.deed).word(), word);
    }
}

// ---- keys

#[test]
fn a_new_record_s_key_is_a_value_of_the_key_field() {
    let campaign = crate::campaign::Campaign::parse(
        r#"
        name = "Divisions"
        origin = "example.org/divisions"
        timezone = "Asia/Shanghai"
        earliest = 2000-01-01
        [[kinds]]
        id = "street"
        key = "code"
        [kinds.fields]
        code = { type = "division-code", required = true }
        "#,
    )
    .unwrap();
    let mut command = register();
    command.deed = Deed::Collect(Vec::new());
    let moment = Moment {
        position: Position::ZERO,
        recorded: day(100),
        fresh_id: event_id(9),
    };
    for (key, code) in [
        ("990101001", None),
        ("12", Some("BAD_VALUE")),
        ("99010100x", Some("BAD_VALUE")),
    ] {
        command.record = crate::id::RecordName::new("street", key).unwrap();
        let decided = decide(&campaign, &command, &[], &View(&[]), moment);
        assert_eq!(decided.err().map(|rejection| rejection.code()), code, "{key}");
    }
}
