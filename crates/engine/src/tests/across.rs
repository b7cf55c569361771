//! What a command asks about other records: it is seen whether they are folded, in flight, or in the same list.

use std::path::Path;

use shilu_model::{
    Because, Check, Command, Deed, EventId, LIST_COMMANDS_MAX, Outcome, OwnedValue, Reason, Verdict,
};

use super::{code, command, settable, submit};
use crate::{AsOf, Engine, Init, ListQuery, Options};

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "UTC"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
name = { type = "text", required = true, essential = true }
beside = { type = "reference", kind = "dwelling" }
[[kinds]]
id = "plate"
key = "number"
[kinds.fields]
number = { type = "text", required = true }
on = { type = "reference", kind = "dwelling" }
state = { type = "choice", values = ["printed", "active", "retired"], required = true }
[[indicators]]
id = "right"
of = "dwelling"
measure = "accuracy"
"#;

fn open(dir: &Path, options: &Options) -> Engine {
    if !dir.join("register.toml").exists() {
        let init = Init {
            campaign: CAMPAIGN,
            actor: "mayor",
            simulated: false,
        };
        Engine::init(dir, &init, options).unwrap();
    }
    Engine::open(dir, options.clone()).unwrap()
}

fn text(text: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Text(text.to_owned()))
}

fn collect(record: &str, fields: &[(&str, Option<OwnedValue>)]) -> Command {
    let fields = fields
        .iter()
        .map(|(field, value)| ((*field).to_owned(), value.clone()));
    command(record, "anna", Deed::Collect(fields.collect()))
}

fn announce(number: u8) -> Command {
    let fields = [
        ("indicator", text("right")),
        ("size", Some(OwnedValue::Integer(3))),
        ("strata", text("none")),
        ("draw_at", text("2026-02-01T00:00:00Z")),
        ("entropy", text("none")),
    ];
    Command {
        id: Some(event_id(number)),
        ..collect(&format!("sample/{number}"), &fields)
    }
}

fn event_id(number: u8) -> EventId {
    EventId::parse(&format!("019ad09e-9a3c-7000-8000-0000000000{number:02x}")).unwrap()
}

fn visit(name: &str, cause: u8) -> Command {
    let check = Check {
        outcome: Outcome::Present,
        observed: vec![("name".to_owned(), text(name))],
        not_seen: Vec::new(),
        area: None,
    };
    Command {
        cause: Some(event_id(cause)),
        ..command("dwelling/1", "bob", Deed::Verify(check))
    }
}

fn rename(to: &str) -> Command {
    let correction = shilu_model::Correction {
        field: "name".to_owned(),
        before: None,
        after: text(to),
    };
    command("dwelling/1", "anna", Deed::Correct(vec![correction]))
}

/// The verdict of the visit that was taken at the end of a list.
fn verdict(engine: &Engine, list: Vec<Command>) -> Verdict {
    let last = submit(engine, list).unwrap().pop().unwrap();
    let stored = engine.event(last.id).unwrap();
    stored.event().observed[0].verdict
}

/// How many records a list has.
fn listed(engine: &Engine, kind: Option<&str>) -> usize {
    let query = ListQuery {
        kind: kind.map(str::to_owned),
        area: None,
        status: None,
        found_too: false,
        text: None,
        at: engine.at(AsOf::Now, None).unwrap(),
        after: None,
        limit: 9,
    };
    engine.records(&query).unwrap().items.len()
}

#[test]
fn a_visit_is_judged_by_its_announcement_wherever_that_is() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    let mill = collect("dwelling/1", &[("name", text("Mill"))]);
    // In the same list.
    let list = vec![mill, announce(1), rename("Hall"), visit("Mill", 1)];
    assert_eq!(verdict(&engine, list), Verdict::Equal);
    assert_eq!(verdict(&engine, vec![visit("Hall", 1)]), Verdict::Differs);
    // Announced again, after the name was put right.
    assert_eq!(
        verdict(&engine, vec![announce(2), visit("Hall", 2)]),
        Verdict::Equal
    );
    let known = vec![Command {
        record: super::name("sample/3"),
        id: None,
        ..announce(3)
    }];
    assert_eq!(code(submit(&engine, vec![visit("Hall", 9)])), "NO_CAUSE");
    assert!(submit(&engine, known).is_ok());
    // Whoever asks for samples sees all of them; a list of everything has none.
    assert_eq!((listed(&engine, Some("sample")), listed(&engine, None)), (3, 1));
    engine.close().unwrap();
    drop(engine);
    // From the log.
    let engine = open(dir.path(), &options);
    assert_eq!(verdict(&engine, vec![visit("Mill", 1)]), Verdict::Equal);
    assert_eq!(verdict(&engine, vec![visit("Mill", 2)]), Verdict::Differs);
    engine.close().unwrap();
}

fn beside(record: &str, other: &str) -> Command {
    let beside = Some(OwnedValue::Reference(other.to_owned()));
    collect(record, &[("name", text("Mill")), ("beside", beside)])
}

#[test]
fn a_reference_names_what_is_there_wherever_that_is() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    let mill = |record: &str| collect(record, &[("name", text("Mill"))]);
    // In the same list, only before it.
    let list = vec![beside("dwelling/2", "dwelling/1"), mill("dwelling/1")];
    assert_eq!(code(submit(&engine, list.clone())), "NO_SUCH_REFERENCE");
    assert!(submit(&engine, list.into_iter().rev().collect()).is_ok());
    assert_eq!(
        code(submit(&engine, vec![beside("dwelling/1", "dwelling/2")])),
        "REFERENCE_CYCLE"
    );
    assert_eq!(
        code(submit(&engine, vec![beside("dwelling/3", "dwelling/9")])),
        "NO_SUCH_REFERENCE"
    );
    engine.close().unwrap();
    drop(engine);
    // From the log.
    let engine = open(dir.path(), &options);
    assert_eq!(
        code(submit(&engine, vec![beside("dwelling/1", "dwelling/2")])),
        "REFERENCE_CYCLE"
    );
    assert!(submit(&engine, vec![beside("dwelling/3", "dwelling/2")]).is_ok());
    assert_eq!(
        code(submit(&engine, vec![beside("dwelling/1", "dwelling/3")])),
        "REFERENCE_CYCLE"
    );
    let void = Deed::Deregister(Reason::Plain(Because::Erroneous));
    let list = vec![
        command("dwelling/3", "anna", void),
        beside("dwelling/4", "dwelling/3"),
    ];
    assert_eq!(code(submit(&engine, list)), "NO_SUCH_REFERENCE");
    assert!(submit(&engine, vec![beside("dwelling/4", "dwelling/3")]).is_ok());
    engine.close().unwrap();
}

fn fix(plate: &str, dwelling: &str) -> Command {
    let on = Some(OwnedValue::Reference(dwelling.to_owned()));
    collect(plate, &[("on", on), ("state", text("active"))])
}

fn retire(plate: &str) -> Command {
    let correction = shilu_model::Correction {
        field: "state".to_owned(),
        before: None,
        after: text("retired"),
    };
    command(plate, "anna", Deed::Correct(vec![correction]))
}

#[test]
fn a_plate_is_active_wherever_that_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = open(dir.path(), &options);
    let mill = |record: &str| collect(record, &[("name", text("Mill"))]);
    let taken = |engine: &Engine, list| assert_eq!(code(submit(engine, list)), "PLATE_TAKEN");
    assert!(submit(&engine, vec![mill("dwelling/1"), mill("dwelling/2")]).is_ok());
    // In the same list; what was not taken leaves nothing behind.
    taken(
        &engine,
        vec![fix("plate/A", "dwelling/1"), fix("plate/B", "dwelling/1")],
    );
    assert!(submit(&engine, vec![fix("plate/B", "dwelling/1")]).is_ok());
    taken(
        &engine,
        vec![
            retire("plate/B"),
            fix("plate/A", "dwelling/1"),
            fix("plate/C", "dwelling/1"),
        ],
    );
    taken(&engine, vec![fix("plate/A", "dwelling/1")]);
    // Nor does a list that is refused before it is judged take anything back.
    let long = vec![fix("plate/C", "dwelling/2"); LIST_COMMANDS_MAX + 1];
    assert_eq!(code(submit(&engine, long)), "LIST_TOO_LONG");
    taken(&engine, vec![fix("plate/A", "dwelling/1")]);
    assert!(submit(&engine, vec![retire("plate/B"), fix("plate/A", "dwelling/1")]).is_ok());
    engine.close().unwrap();
    drop(engine);
    // From the log.
    let engine = open(dir.path(), &options);
    taken(&engine, vec![fix("plate/C", "dwelling/1")]);
    assert!(submit(&engine, vec![fix("plate/C", "dwelling/2")]).is_ok());
    taken(&engine, vec![fix("plate/D", "dwelling/2")]);
    engine.close().unwrap();
}
