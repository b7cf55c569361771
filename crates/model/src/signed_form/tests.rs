//! The signed form: by example, and as a function of the command alone that forgets nothing.

use proptest::prelude::*;

use super::*;
use crate::{
    command::{Command, Deed, Origin, Since},
    event::{Action, Place, Visit},
    testing::{any, commands::*, register::*},
    time::Timestamp,
};

/// The form of a command that this register takes.
#[track_caller]
fn form(register: &mut Register, command: Command) -> String {
    signed_form(&register.takes(command)).unwrap()
}

fn named(mut command: Command) -> Command {
    command.id = Some(event_id(200));
    command
}

#[test]
fn a_collect() {
    let mut command = named(collect(&[
        ("name", text("磨坊 \"老\"")),
        ("rooms", int(3)),
        ("built", None),
    ]))
    .since(10)
    .expecting(0);
    command.device = Some("平板三号".to_owned());
    command.visit = Some(Visit {
        begun: Some(Timestamp::parse("2015-04-07T09:30:00.5+08:00").unwrap()),
        entered: Some(Timestamp::parse("2015-04-07T09:31:00+08:00").unwrap()),
        seq: Some(17),
        place: Some(Place {
            lat_e7: 399_042_000,
            lon_e7: -1_164_074_001,
            accuracy_m: 12,
        }),
    });
    let expected = concat!(
        r#"{"action":"collect","actor":"anna","begun":"2015-04-07T01:30:00.500Z","device":"平板三号","#,
        r#""effective":"2000-01-11T00:00:00Z","entered":"2015-04-07T01:31:00Z","expected_version":0,"#,
        r#""fields":{"built":null,"name":"磨坊 \"老\"","rooms":3},"id":"019a0000-0000-7000-8000-0000000000c8","#,
        r#""place":{"accuracy_m":12,"lat":39.9042,"lon":-116.4074001},"record":"dwelling/1","seq":17}"#,
    );
    assert_eq!(form(&mut Register::empty(), command), expected);
}

#[test]
fn a_collect_of_an_imported_row() {
    let mut command = collect_mill();
    command.source = Origin::Import {
        sha256: [0xa0; 32],
        file: "户籍.csv".into(),
        row: 2,
    };
    let expected = format!(
        r#"{{"action":"collect","actor":"anna","fields":{{"name":"Mill"}},"record":"dwelling/1","source":{{"file":"户籍.csv","row":2,"sha256":"{}","type":"import"}}}}"#,
        "a0".repeat(32),
    );
    assert_eq!(form(&mut Register::empty(), command), expected);
}

#[test]
fn a_correction_with_and_without_what_it_was() {
    let stated = correct_from("rooms", int(3), int(4))
        .since_origin()
        .caused_by(event_id(0));
    let expected = r#"{"action":"correct","actor":"anna","cause":"019a0000-0000-7000-8000-000000000000","changes":{"rooms":{"after":4,"before":3}},"effective":"origin","reason":"misread","record":"dwelling/1"}"#;
    assert_eq!(form(&mut Register::with_mill(), stated), expected);
    let unstated = correct(&[("rooms", None), ("area", text("南"))]);
    let expected = r#"{"action":"correct","actor":"anna","changes":{"area":{"after":"南"},"rooms":{"after":null}},"reason":"misread","record":"dwelling/1"}"#;
    assert_eq!(form(&mut Register::with_mill(), unstated), expected);
    let was_empty = correct_from("built", None, int(1));
    assert!(form(&mut Register::with_mill(), was_empty).contains(r#"{"built":{"after":1,"before":null}}"#));
}

#[test]
fn a_registration_and_its_end() {
    let mut mill = Register::with_mill();
    assert_eq!(
        form(&mut mill, register().since(20)),
        r#"{"action":"register","actor":"anna","effective":"2000-01-21T00:00:00Z","record":"dwelling/1"}"#
    );
    let end = r#"{"action":"deregister","actor":"anna","because":"moved-out","reason":"seen on site","record":"dwelling/1"}"#;
    assert_eq!(form(&mut mill, deregister(Because::MovedOut)), end);
    mill.takes(collect_mill().on("dwelling/2"));
    let end = r#"{"action":"deregister","actor":"anna","because":"duplicate-of","duplicate_of":"dwelling/2","reason":"the same house","record":"dwelling/1"}"#;
    assert_eq!(form(&mut mill, duplicate_of("dwelling/2")), end);
}

#[test]
fn a_verification() {
    let check = verify(Outcome::Present)
        .seeing(&[("rooms", int(3)), ("built", None)])
        .not_seeing("name")
        .not_seeing("area");
    let expected = r#"{"action":"verify","actor":"bob","area":"north","not_seen":["name","area"],"observed":{"built":null,"rooms":3},"outcome":"present","record":"dwelling/1"}"#;
    assert_eq!(form(&mut Register::with_mill(), check.in_area("north")), expected);
    let bare = r#"{"action":"verify","actor":"bob","outcome":"gone","record":"dwelling/1"}"#;
    assert_eq!(form(&mut Register::with_mill(), verify(Outcome::Gone)), bare);
}

#[test]
fn events_on_the_register_itself_have_none() {
    let mut mill = Register::with_mill();
    let event = mill.takes(register());
    assert_eq!(
        signed_form(&Event {
            kind: "",
            key: "",
            action: Action::Configure,
            ..event
        }),
        None
    );
}

/// The command with one part, by number, as another one has it.
fn with_part_of(own: &Command, other: &Command, part: u8) -> Command {
    let (mut command, other) = (own.clone(), other.clone());
    match part {
        0 => command.id = other.id,
        1 => command.record = other.record,
        2 => command.deed = other.deed,
        3 => command.actor = other.actor,
        4 => command.effective = other.effective,
        5 => command.device = other.device,
        6 => command.reason = other.reason,
        7 => command.source = other.source,
        8 => command.visit = other.visit,
        9 => command.expected_version = other.expected_version,
        10 => command.cause = other.cause,
        _ => {}
    }
    command.signature = None;
    command
}

/// What of a command is signed: the order of fields is not, and the signature itself is not.
fn stated(command: &Command) -> Command {
    let mut stated = command.clone();
    stated.signature = None;
    match &mut stated.deed {
        Deed::Collect(fields) => fields.sort_by(|a, b| a.0.cmp(&b.0)),
        Deed::Correct(corrections) => corrections.sort_by(|a, b| a.field.cmp(&b.field)),
        Deed::Verify(check) => check.observed.sort_by(|a, b| a.0.cmp(&b.0)),
        Deed::Register | Deed::Deregister(_) => {}
    }
    stated
}

/// A register that takes most commands; with the id of `named` free.
fn two_mills() -> Register {
    let both = ["dwelling/1", "dwelling/2"].map(|record| {
        let fields = [("name", text("磨坊")), ("area", text("north")), ("rooms", int(3))];
        collect(&fields).on(record).since(1).by("zoe")
    });
    register_of(&both)
}

fn form_if_taken(mut register: Register, command: &Command) -> Option<String> {
    register
        .offer(command)
        .ok()
        .map(|event| signed_form(&event).unwrap())
}

#[test]
fn each_part_shows() {
    let mut own = named(correct_from("rooms", int(3), int(4)))
        .since(20)
        .expecting(1)
        .caused_by(event_id(0));
    own.device = Some("one".to_owned());
    own.visit = Some(Visit {
        seq: Some(1),
        ..Visit::default()
    });
    let mut other = correct_from("rooms", int(3), int(5))
        .on("dwelling/2")
        .by("小月")
        .because("二")
        .since(21)
        .caused_by(event_id(1));
    other.id = Some(event_id(201));
    other.device = Some("二".to_owned());
    other.source = Origin::Import {
        sha256: [1; 32],
        file: "a.csv".into(),
        row: 1,
    };
    other.visit = Some(Visit {
        seq: Some(2),
        ..Visit::default()
    });
    let forms: Vec<_> = (0..=11)
        .map(|part| form_if_taken(two_mills(), &with_part_of(&own, &other, part)).unwrap())
        .collect();
    let bare = Command {
        effective: Since::Recorded,
        ..correct_from("rooms", int(3), int(4))
    };
    for (part, changed) in forms.iter().enumerate().take(11) {
        // Part 9 is stated by one command and not by the other; all others differ in what they state.
        assert_ne!(Some(changed), forms.last(), "part {part}");
        let part = u8::try_from(part).unwrap();
        let absent = form_if_taken(two_mills(), &with_part_of(&own, &bare, part)).unwrap();
        assert!(
            matches!(part, 1 | 2 | 3 | 6 | 7) || Some(&absent) != forms.last(),
            "part {part}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn two_forms_are_equal_only_if_the_commands_are(own in command(), other in command(), part in 0..11_u8) {
        let changed = with_part_of(&own, &other, part);
        let forms = [&own, &changed].map(|command| form_if_taken(two_mills(), command));
        if let [Some(own_form), Some(changed_form)] = forms {
            prop_assert_eq!(own_form == changed_form, stated(&own) == stated(&changed), "{}", own_form);
        }
    }

    #[test]
    fn the_register_does_not_show(command in command(), register in registers()) {
        let forms = [two_mills(), register].map(|register| {
            let taken = register.events().iter().any(|event| Some(event.id) == command.id);
            if taken { None } else { form_if_taken(register, &command) }
        });
        if let [Some(here), Some(there)] = forms {
            prop_assert_eq!(here, there);
        }
    }

    #[test]
    fn the_command_behind_has_the_same_form(register in registers()) {
        for event in register.events() {
            let mut again = event.clone();
            (again.position, again.recorded, again.version) = (crate::Position::new(9), Timestamp::MAX, event.version);
            (again.signature, again.area) = (None, if event.stated.has(Stated::AREA) { event.area } else { "else" });
            again.changes.iter_mut().filter(|change| !change.before_stated).for_each(|change| change.before = None);
            prop_assert_eq!(signed_form(&again), signed_form(&event));
        }
    }

    #[test]
    fn every_event_s_form_is_canonical_json(event in any::event()) {
        if let Some(form) = signed_form(&event) {
            let read: Json = serde_json::from_str(&form).unwrap();
            prop_assert_eq!(serde_json_canonicalizer::to_string(&read).unwrap(), form);
        }
    }
}
