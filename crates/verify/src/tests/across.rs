//! What one record's events say of another record: samples, references and plates. The operator writes what `decide`
//! refuses; whoever audits the register finds it.

use shilu_model::{Change, Command, Event, Value};

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
