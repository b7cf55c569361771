//! The sample `sample/1` is announced on day 100 for a draw on day 101.

use std::sync::LazyLock;

use crate::{
    campaign::Campaign,
    command::{Command, CommandSignature, Since},
    event::{Because, Outcome, Verdict},
    testing::register::*,
    value::OwnedValue,
};

static PARISH: LazyLock<Campaign> = LazyLock::new(|| {
    let text = r#"
        name = "Parish"
        origin = "example.org/parish"
        timezone = "UTC"
        earliest = 2000-01-01
        [[areas]]
        id = "parish"
        from = 2000-01-01
        [[kinds]]
        id = "dwelling"
        key = "code"
        [kinds.fields]
        code = { type = "text", required = true }
        name = { type = "text", required = true, essential = true }
        [[kinds]]
        id = "resident"
        key = "id"
        [kinds.fields]
        id = { type = "text", required = true }
        name = { type = "text", essential = true }
        home = { type = "reference", kind = "dwelling" }
        [[indicators]]
        id = "right"
        of = "dwelling"
        measure = "accuracy"
        [[indicators]]
        id = "complete"
        of = "dwelling"
        measure = "share"
        complete = true
        [[indicators]]
        id = "met"
        of = "dwelling"
        measure = "roster"
        roster = { of = "resident.home", rate = "coverage" }
    "#;
    Campaign::parse(text).unwrap()
});

const SAMPLE: &str = "sample/1";

/// The announcement, with some fields changed or added.
fn announce(changed: &[Given<'_>]) -> Command {
    let mut fields = vec![
        ("indicator", text("right")),
        ("size", int(312)),
        ("strata", text("area")),
        ("draw_at", text("2000-04-11T00:00:00Z")),
        ("entropy", text("none")),
    ];
    for (field, value) in changed {
        fields.retain(|(other, _)| other != field);
        fields.push((field, value.clone()));
    }
    collect(&fields).on(SAMPLE)
}

fn add(field: &str, value: Option<OwnedValue>) -> Command {
    collect(&[(field, value)]).on(SAMPLE)
}

fn announced() -> Register {
    let mut register = Register::of(&PARISH);
    register.takes(announce(&[]));
    register
}

/// Signed the given number of microseconds before it is taken.
fn signed(mut command: Command, register: &Register, micros_before: i64) -> Command {
    command.id = Some(event_id(200));
    command.effective = Since::At(register.now.plus_micros(-micros_before));
    command.signature = Some(CommandSignature {
        key_id: 7,
        bytes: [0; 64],
    });
    command
}

const MINUTE: i64 = 60_000_000;

#[test]
fn a_sample_is_announced_under_every_campaign() {
    let mut register = Register::of(&PARISH);
    let event = register.takes(announce(&[("area", text("parish")), ("indicator", text("met"))]));
    assert_eq!(
        (event.kind, event.area, event.is_announcement()),
        ("sample", "parish", true)
    );
    assert_eq!(PARISH.kinds.len(), 2);
    assert_eq!(PARISH.kind("sample").unwrap().fields.len(), 11);
    let mut register = Register::of(&PARISH);
    register.refuses("BAD_VALUE", announce(&[("area", text("town"))]));
    register.refuses("FIELD_MISSING", announce(&[("draw_at", None)]));
    register.refuses("FIELD_MISSING", announce(&[("entropy", None)]));
}

#[test]
fn a_draw_whose_seed_could_be_known_is_refused() {
    let mut register = Register::of(&PARISH);
    let at = |time: &str| announce(&[("draw_at", text(time))]);
    let rejection = register.refuses("SEED_KNOWABLE", at("2000-04-10T00:00:00Z"));
    assert_eq!(rejection.field(), Some("draw_at"));
    register.refuses("SEED_KNOWABLE", at("2000-04-01T00:00:00Z"));
    // The same instant elsewhere.
    register.refuses("SEED_KNOWABLE", at("2000-04-10T08:00:00+08:00"));
    register.refuses("BAD_VALUE", at("2000-04-11"));
    register.takes(at("2000-04-10T08:00:00.000001+08:00"));
}

#[test]
fn an_announcement_says_what_is_drawn_for_an_indicator_that_needs_it() {
    let mut register = Register::of(&PARISH);
    for (field, value) in [
        ("indicator", text("wrong")),
        ("indicator", text("complete")),
        ("size", int(0)),
        ("size", int(-1)),
        ("entropy", text("the lottery")),
        ("witnessed", text("x")),
        ("checkpoint", text("x")),
        ("revealed", None),
        ("verifiers", text("bob,parish,1")),
    ] {
        let rejection = register.refuses("BAD_VALUE", announce(&[(field, value)]));
        assert_eq!(rejection.field(), Some(field));
    }
    register.takes(announce(&[
        ("size", int(1)),
        ("entropy", text("public:drand round 9")),
    ]));
}

#[test]
fn nothing_of_a_sample_is_back_dated() {
    let mut register = Register::of(&PARISH);
    register.refuses("SAMPLE_BACKDATED", announce(&[]).since(99));
    let late = signed(announce(&[]), &register, 10 * MINUTE + 1);
    register.refuses("SAMPLE_BACKDATED", late);
    let in_time = signed(announce(&[]), &register, 10 * MINUTE);
    register.takes(in_time);
    register.now = day(101);
    register.refuses("SAMPLE_BACKDATED", add("revealed", text("4711")).since(100));
    register.takes(add("revealed", text("4711")).since(101));
}

#[test]
fn what_seeds_the_draw_is_added_at_its_time() {
    let mut register = announced();
    let note = "example.org/parish\n7\nqqo=\n\n— example.org/parish AAAA\n".to_owned() + &"x".repeat(4_000);
    register.refuses("DRAW_NOT_DUE", add("checkpoint", text(&note)));
    register.refuses("DRAW_NOT_DUE", add("revealed", text("4711")));
    register.takes(add("witnessed", text("note")));
    register.refuses("SAMPLE_FIXED", add("witnessed", text("another")));
    register.takes(add("verifiers", text("bob,parish,1\ncara,parish,2")));
    register.now = day(101);
    register.takes(add("checkpoint", text(&note)));
    register.takes(add("revealed", text("4711")));
    register.takes(add("revealed", text("4711")));
}

#[test]
fn a_sample_stays_as_it_was_announced() {
    let mut register = announced();
    register.now = day(102);
    register.takes(add("revealed", text("4711")));
    let fixed = |register: &mut Register, part: &str, command: Command| {
        let rejection = register.refuses("SAMPLE_FIXED", command.on(SAMPLE));
        assert!(rejection.to_string().ends_with(part), "{rejection}");
    };
    fixed(&mut register, "correct", correct(&[("size", int(1))]));
    fixed(&mut register, "deregister", deregister(Because::Erroneous));
    fixed(&mut register, "deregister", duplicate_of("sample/2"));
    fixed(&mut register, "deregister", deregister(Because::Closed));
    fixed(&mut register, "register", register_it());
    fixed(&mut register, "verify", verify(Outcome::Present));
    fixed(&mut register, "size", collect(&[("size", int(312))]));
    fixed(&mut register, "indicator", announce(&[]));
    fixed(&mut register, "revealed", add("revealed", text("4712")));
    fixed(&mut register, "revealed", add("revealed", None));
    // Nor is another value put before the one that is there.
    let before = signed(add("revealed", text("4712")), &register, 5 * MINUTE);
    fixed(&mut register, "revealed", before);
    assert_eq!(register.events().len(), 2);
    register.takes(announce(&[("draw_at", text("2000-04-20T00:00:00Z"))]).on("sample/2"));
}

fn register_it() -> Command {
    register()
}

#[test]
fn verifiers_are_lines_of_actor_area_and_team() {
    let mut register = announced();
    for bad in [
        "bob",
        "bob,parish",
        "bob,parish,1,2",
        "bob,,1",
        "bob, parish,1",
        "bob,parish,1\n\ncara,parish,2",
        "bob,parish,1\nbob,parish,2",
    ] {
        let rejection = register.refuses("BAD_VALUE", add("verifiers", text(bad)));
        assert_eq!(rejection.field(), Some("verifiers"), "{bad}");
    }
    register.takes(add("verifiers", text("bob,parish,1\n小月,parish,2\n")));
}

// ---- visits

/// [`MILL`] collected on day 10 and called Mill, renamed to Hall from day 50 on; the sample announced at position 2.
fn drawn() -> Register {
    let mut register = Register::of(&PARISH);
    register.takes(collect(&[("name", text("Mill"))]).since(10));
    register.takes(correct(&[("name", text("Hall"))]).since(50));
    register.takes(announce(&[]));
    register
}

/// A visit that sees a name, for the event with this id.
fn visit(name: &str, cause: u8) -> Command {
    verify(Outcome::Present)
        .seeing(&[("name", text(name)), ("code", text("1"))])
        .caused_by(event_id(cause))
}

#[track_caller]
fn sees(register: &mut Register, command: Command, verdict: Verdict) {
    let observed = register.takes(command).observed;
    assert_eq!(
        (observed[0].verdict, observed[1].verdict),
        (verdict, Verdict::Equal)
    );
}

#[test]
fn a_visit_is_judged_by_what_stood_in_the_log_at_the_announcement() {
    let mut register = drawn();
    // Put right before the visit, even as if it had always been so.
    register.now = day(103);
    register.takes(correct(&[("name", text("House"))]));
    register.takes(correct(&[("name", text("House"))]).since(60));
    sees(&mut register, visit("Hall", 2), Verdict::Equal);
    sees(&mut register, visit("House", 2), Verdict::Differs);
    // As of the announcement, whenever the visit was.
    sees(&mut register, visit("Hall", 2).since(30), Verdict::Equal);
    sees(&mut register, visit("Mill", 2).since(30), Verdict::Differs);
    // Nor does a void change what is compared.
    register.takes(deregister(Because::Erroneous));
    sees(&mut register, visit("Hall", 2), Verdict::Equal);
}

#[test]
fn any_other_cause_judges_as_of_the_visit() {
    let mut register = drawn();
    register.now = day(103);
    register.takes(add("revealed", text("4711")));
    register.takes(correct(&[("name", text("House"))]));
    for cause in [0, 3] {
        sees(&mut register, visit("House", cause), Verdict::Equal);
        sees(&mut register, visit("Hall", cause), Verdict::Differs);
    }
}

#[test]
fn what_was_not_there_at_the_announcement_is_found_otherwise_than_known() {
    let mut register = Register::of(&PARISH);
    register.takes(announce(&[]));
    register.takes(collect(&[("name", text("Mill"))]).since(10));
    sees(&mut register, visit("Mill", 0), Verdict::Differs);
}

#[test]
fn a_visit_is_taken_by_the_same_rules_as_any_check() {
    let mut register = drawn();
    register.refuses("OWN_WORK", visit("Hall", 2).by("anna"));
    register.refuses("NO_RECORD", visit("Hall", 2).on("dwelling/2"));
    register.takes(register_it());
    let mut unregistered = visit("Hall", 2);
    unregistered.check().outcome = Outcome::Unregistered;
    register.refuses("ALREADY_REGISTERED", unregistered);
}
