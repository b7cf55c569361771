//! What one record's events say of another record: samples, references and plates. The operator writes what `decide`
//! refuses; whoever audits the register finds it.

use shilu_model::{Because, Change, Command, Event, Outcome, OwnedValue, Value, Verdict};

use super::register::*;

const REFUSED: &str = "AGAINST_THE_RULES";

/// The code of the rule that a register breaks at a position.
#[track_caller]
fn broken(register: &mut Register, position: u64, rule: &str) {
    let finding = expect(
        by_bundles(&register.publish(), &pinned()),
        REFUSED,
        Some(position),
    );
    match finding.damage {
        crate::Damage::AgainstTheRules(rejection) => assert_eq!(rejection.code(), rule, "{rejection}"),
        other => panic!("{other}"),
    }
}

fn good(register: &mut Register) {
    if let Err(finding) = by_bundles(&register.publish(), &pinned()) {
        panic!("{finding}");
    }
}

/// Takes a command, and then says that it was another one.
fn forge(register: &mut Register, command: &Command, edit: impl FnOnce(&mut Event<'_>)) {
    let position = register.log.len();
    register.takes(command);
    register.edit(position, edit);
}

const SAMPLE: &str = "sample/1";

fn announce() -> Command {
    collect(
        SAMPLE,
        &[
            ("indicator", text("right")),
            ("size", int(3)),
            ("strata", text("none")),
            ("draw_at", text("2000-04-11T00:00:00Z")),
            ("entropy", text("none")),
        ],
    )
}

/// With a sample announced at position 1, on day 100 for day 101.
fn announced() -> Register {
    let mut register = Register::new();
    register.takes(&announce());
    register
}

fn add(field: &str, value: &str) -> Command {
    collect(SAMPLE, &[(field, text(value))])
}

#[test]
fn a_sample_stays_as_it_was_announced() {
    let mut register = announced();
    register.now = day(101);
    register.takes(&add("checkpoint", "a note"));
    register.takes(&add("revealed", "4711"));
    good(&mut register);
    let change = |field: &'static str, after: Value<'static>| Change {
        field,
        before: None,
        after: Some(after),
        before_stated: false,
    };
    let mut redrawn = register.clone();
    forge(&mut redrawn, &add("verifiers", "bob,north,1"), |event| {
        event.changes = vec![change("checkpoint", Value::Text("another"))];
    });
    broken(&mut redrawn, 4, "SAMPLE_FIXED");
    let mut known = announced();
    known.edit(1, |event| {
        event.changes[3].after = Some(Value::Text("2000-04-10T00:00:00Z"))
    });
    broken(&mut known, 1, "SEED_KNOWABLE");
    let mut early = register.clone();
    early.edit(2, |event| {
        (event.recorded, event.effective) = (day(100), day(100))
    });
    broken(&mut early, 2, "DRAW_NOT_DUE");
    let mut late = announced();
    late.edit(1, |event| {
        event.effective = day(99);
        event.stated = event.stated.with(shilu_model::Stated::EFFECTIVE, true);
    });
    broken(&mut late, 1, "SAMPLE_BACKDATED");
}

/// A visit to a dwelling, for the event at a position.
fn visit(record: &str, name: &str, cause: u64) -> Command {
    Command {
        cause: Some(event_id(cause)),
        ..verify(record, Outcome::Present, &[("name", text(name))])
    }
}

#[test]
fn visits_are_judged_as_the_record_stood_at_the_announcement() {
    let mut register = Register::new();
    register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    register.takes(&announce());
    register.takes(&collect("dwelling/2", &[("name", text("Barn"))]));
    register.takes(&correct("dwelling/1", &[("name", text("Hall"))]));
    for cause in [1, 2] {
        for name in ["Mill", "Hall"] {
            register.takes(&visit("dwelling/1", name, cause));
            register.takes(&visit("dwelling/2", name, cause));
        }
    }
    good(&mut register);
    let verdicts: Vec<_> = register.events()[5..]
        .iter()
        .map(|event| event.observed[0].verdict == Verdict::Equal)
        .collect();
    assert_eq!(verdicts, [false, false, true, false, true, false, false, false]);
    // A verdict by what was put right later; and an announcement that comes after the visit.
    let mut kinder = register.clone();
    kinder.edit(11, |event| event.observed[0].verdict = Verdict::Equal);
    expect(
        by_bundles(&kinder.publish(), &pinned()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(11),
    );
    let mut later = register.clone();
    later.takes(&Command {
        record: name("sample/2"),
        ..announce()
    });
    later.edit(9, |event| event.cause = Some(event_id(13)));
    expect(
        by_bundles(&later.publish(), &pinned()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(9),
    );
    // A sample that says that it is announced again.
    let mut again = register;
    let position = again.log.len();
    again.takes(&add("verifiers", "bob,north,1"));
    again.edit(position, |event| event.version = 1);
    expect(
        by_bundles(&again.publish(), &pinned()),
        "NOT_WHAT_THE_RULES_GIVE",
        Some(13),
    );
}

fn to(record: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Reference(record.to_owned()))
}

/// Three dwellings at positions 1 to 3, the third beside the second and that beside the first; 4 and 5 say so.
fn row() -> Register {
    let mut register = Register::new();
    for record in ["dwelling/1", "dwelling/2", "dwelling/3"] {
        register.takes(&collect(record, &[("name", text("Mill"))]));
    }
    register.takes(&correct("dwelling/2", &[("beside", to("dwelling/1"))]));
    register.takes(&correct("dwelling/3", &[("beside", to("dwelling/2"))]));
    register
}

/// Says of the last change of the last event that it set another reference.
fn leads_to(register: &mut Register, target: &'static str) {
    let last = register.log.len() - 1;
    register.edit(last, |event| {
        event.changes.last_mut().unwrap().after = Some(Value::Reference(target));
    });
}

#[test]
fn references_to_nothing_are_found() {
    let mut register = row();
    register.takes(&collect("resident/7", &[("home", to("dwelling/3"))]));
    // Void afterwards: that changes nothing.
    register.takes(&collect("resident/8", &[("home", to("dwelling/1"))]));
    register.takes(&deregister("dwelling/1", Because::Erroneous));
    good(&mut register);
    let moved = |target| {
        let mut register = register.clone();
        register.takes(&correct("resident/7", &[("home", to("dwelling/2"))]));
        leads_to(&mut register, target);
        register
    };
    good(&mut moved("dwelling/2"));
    // Never collected, void, and collected only afterwards.
    broken(&mut moved("dwelling/9"), 9, "NO_SUCH_REFERENCE");
    broken(&mut moved("dwelling/1"), 9, "NO_SUCH_REFERENCE");
    let mut late = moved("dwelling/9");
    late.takes(&collect("dwelling/9", &[("name", text("Mill"))]));
    broken(&mut late, 9, "NO_SUCH_REFERENCE");
    // Of two, the first is named.
    let mut both = moved("dwelling/9");
    both.takes(&correct("resident/7", &[("home", to("dwelling/2"))]));
    leads_to(&mut both, "dwelling/1");
    broken(&mut both, 9, "NO_SUCH_REFERENCE");
}

#[test]
fn references_that_lead_back_are_found() {
    let first = |target| {
        let mut register = row();
        register.takes(&correct(
            "dwelling/1",
            &[("name", text("Hall")), ("beside", None)],
        ));
        register.edit(6, |event| {
            event.changes[1].after = Some(Value::Reference(target));
        });
        register
    };
    for target in ["dwelling/1", "dwelling/2", "dwelling/3"] {
        broken(&mut first(target), 6, "REFERENCE_CYCLE");
    }
    // The way as it was then: what ends it later does not mend it, and what ended it before does.
    let mut mended = first("dwelling/3");
    mended.takes(&correct("dwelling/2", &[("beside", None)]));
    broken(&mut mended, 6, "REFERENCE_CYCLE");
    let mut ended = row();
    ended.takes(&correct("dwelling/2", &[("beside", None)]));
    ended.takes(&correct("dwelling/1", &[("beside", to("dwelling/3"))]));
    good(&mut ended);
}

#[test]
fn ways_of_more_than_64_records_are_found() {
    let mut register = Register::new();
    for number in 1..=66 {
        register.takes(&collect(&format!("dwelling/{number}"), &[("name", text("Mill"))]));
    }
    for number in 2..=65 {
        let beside = to(&format!("dwelling/{}", number - 1));
        register.takes(&correct(&format!("dwelling/{number}"), &[("beside", beside)]));
    }
    register.takes(&correct("dwelling/66", &[("beside", to("dwelling/64"))]));
    good(&mut register);
    leads_to(&mut register, "dwelling/65");
    broken(&mut register, 131, "REFERENCE_CYCLE");
}

/// Fixes a plate to a dwelling.
fn fix(plate: &str, dwelling: &str) -> Command {
    collect(plate, &[("on", to(dwelling)), ("state", text("active"))])
}

/// Two dwellings at positions 1 and 2, each with its plate at 3 and 4.
fn plated() -> Register {
    let mut register = Register::new();
    for record in ["dwelling/1", "dwelling/2"] {
        register.takes(&collect(record, &[("name", text("Mill"))]));
    }
    register.takes(&fix("plate/A", "dwelling/1"));
    register.takes(&fix("plate/B", "dwelling/2"));
    register
}

#[test]
fn a_second_active_plate_is_found() {
    let mut register = plated();
    register.takes(&correct("plate/A", &[("state", text("retired"))]));
    register.takes(&correct("plate/B", &[("on", to("dwelling/1"))]));
    register.takes(&fix("plate/C", "dwelling/2"));
    register.takes(&super::register::register("plate/C"));
    register.takes(&deregister("plate/C", Because::Closed));
    register.takes(&fix("plate/D", "dwelling/2"));
    good(&mut register);
    let mut second = plated();
    second.edit(4, |event| {
        event.changes[0].after = Some(Value::Reference("dwelling/1"))
    });
    broken(&mut second, 4, "PLATE_TAKEN");
    // What is put right afterwards was wrong all the same.
    second.takes(&correct("plate/A", &[("state", text("retired"))]));
    broken(&mut second, 4, "PLATE_TAKEN");
    let mut again = register.clone();
    forge(&mut again, &collect("plate/A", &[]), |event| {
        event.action = shilu_model::Action::Correct;
        event.changes = vec![Change {
            field: "state",
            before: Some(Value::Text("retired")),
            after: Some(Value::Text("active")),
            before_stated: false,
        }];
    });
    broken(&mut again, 11, "PLATE_TAKEN");
    // Void, a plate leaves room; live again, it takes it.
    let mut back = register.clone();
    back.takes(&deregister("plate/D", Because::Erroneous));
    back.takes(&super::register::register("plate/C"));
    good(&mut back);
    // Registered again, where another one is.
    let mut back = register;
    let position = back.log.len();
    back.takes(&verify("plate/C", Outcome::Present, &[]));
    back.edit(position, |event| {
        (event.action, event.outcome, event.actor) = (shilu_model::Action::Register, None, "bob");
    });
    broken(&mut back, 11, "PLATE_TAKEN");
}

#[test]
fn a_wrong_number_of_a_plate_is_found() {
    let mut register = plated();
    let number = shilu_model::PlateNumber::new(7).unwrap().to_string();
    register.takes(&collect(
        &format!("plate/{number}"),
        &[("state", text("printed"))],
    ));
    good(&mut register);
    register.edit(5, |event| event.key = "SL-0000008-0");
    broken(&mut register, 5, "BAD_VALUE");
}
