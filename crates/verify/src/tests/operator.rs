//! The operator as the enemy: software of their own, the true keys, everything published and signed as it should be.
//! Only the rules can tell.

use shilu_merkle::{Algorithm, Checkpoint, Hash, SignedCheckpoint, SignerKey, VerifierKey};
use shilu_model::{
    Action, Because, Change, Command, Deed, Event, Observed, Outcome, OwnedValue, Place, Position, Since,
    Source, Stated, Value, Verdict, Visit, setting,
};

use super::register::*;
use crate::Options;

/// One event of the village is changed and everything is published anew; the code must be named at its position.
#[track_caller]
fn edited(index: usize, code: &str, edit: impl FnOnce(&mut Event<'_>)) {
    let mut register = village();
    register.edit(index, edit);
    let files = register.publish();
    let position = Some(u64::try_from(index).unwrap());
    expect(by_bundles(&files, &pinned()), code, position);
}

const DIFFERENT: &str = "NOT_WHAT_THE_RULES_GIVE";
const REFUSED: &str = "AGAINST_THE_RULES";

#[test]
fn every_part_of_an_event_is_what_the_rules_give() {
    edited(4, DIFFERENT, |event| event.version = 3);
    edited(4, DIFFERENT, |event| event.area = "south");
    edited(4, DIFFERENT, |event| event.outcome = Some(Outcome::Present));
    edited(4, DIFFERENT, |event| event.because = Some(Because::Closed));
    edited(4, DIFFERENT, |event| {
        event.stated = event.stated.with(Stated::AREA, true)
    });
    edited(4, DIFFERENT, |event| event.source = Source::System);
    edited(4, DIFFERENT, |event| event.action = Action::Configure);
    edited(4, DIFFERENT, |event| {
        event.stated = event
            .stated
            .with(Stated::EFFECTIVE, true)
            .with(Stated::ORIGIN, true);
    });
    edited(8, DIFFERENT, |event| {
        event.changes[0].before = Some(Value::Integer(7))
    });
    edited(9, DIFFERENT, |event| event.changes[0].before_stated = true);
    edited(8, DIFFERENT, |event| event.effective = day(109));
    edited(10, DIFFERENT, |event| {
        event.observed[0].verdict = Verdict::Differs
    });
    edited(10, DIFFERENT, |event| event.observed[1].verdict = Verdict::Equal);
    edited(18, DIFFERENT, |event| event.because = None);
    edited(18, DIFFERENT, |event| {
        event.because = Some(Because::DuplicateOf("3"))
    });
    edited(4, DIFFERENT, |event| event.effective = day(111));
}

#[test]
fn places_times_ids_and_causes_are_in_order() {
    edited(4, "OUT_OF_PLACE", |event| event.position = Position::new(5));
    edited(19, "TIME_WENT_BACK", |event| {
        (event.recorded, event.effective) = (day(109), day(109));
    });
    edited(19, "ID_REPEATED", |event| event.id = event_id(4));
    edited(19, "ID_REPEATED", |event| event.id = event_id(0));
    edited(19, REFUSED, |event| {
        event.id = shilu_model::EventId::from_bytes([0; 16])
    });
    edited(8, "NO_CAUSE", |event| event.cause = Some(event_id(8)));
    edited(8, "NO_CAUSE", |event| event.cause = Some(event_id(9)));
    edited(8, "NO_CAUSE", |event| event.cause = Some(event_id(99)));
}

#[test]
fn of_two_false_claims_the_first_is_named() {
    let mut register = village();
    register.edit(19, |event| event.id = event_id(4));
    register.edit(8, |event| event.cause = Some(event_id(99)));
    expect(by_bundles(&register.publish(), &pinned()), "NO_CAUSE", Some(8));
}

#[test]
fn the_rules_are_asked_again() {
    // Their own work.
    edited(10, REFUSED, |event| event.actor = "anna");
    // Another value than the register holds.
    edited(9, REFUSED, |event| {
        event.changes[0] = Change {
            field: "name",
            before: Some(Value::Text("Barn")),
            after: Some(Value::Text("Hall")),
            before_stated: false,
        };
    });
    edited(9, REFUSED, |event| event.version = 3);
    edited(9, REFUSED, |event| event.effective = day(111));
    edited(9, REFUSED, |event| event.effective = day(-1));
    edited(4, REFUSED, |event| event.kind = "palace");
    edited(4, REFUSED, |event| event.key = "9");
    edited(4, REFUSED, |event| event.actor = "");
    edited(8, REFUSED, |event| event.reason = None);
    edited(11, REFUSED, |event| {
        event.because = Some(Because::DuplicateOf("dwelling/9"))
    });
    edited(11, REFUSED, |event| {
        event.because = Some(Because::DuplicateOf("dwelling/2"))
    });
    edited(11, REFUSED, |event| {
        event.because = Some(Because::DuplicateOf("resident/7"))
    });
}

/// Each event obeys one of the two campaigns, and not the one that was in force at its position.
#[test]
fn events_obey_the_campaign_in_force_and_no_other() {
    let kept = Change {
        field: "kept",
        before: None,
        after: Some(Value::Text("well")),
        before_stated: false,
    };
    let barn = collect("dwelling/2", &[("name", text("Barn"))]);
    let mut register = Register::new();
    register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    register.change_campaign(&with_kept());
    register.takes(&barn);
    register.edit(3, |event| event.changes.push(kept));
    assert_eq!(by_bundles(&register.publish(), &pinned()).unwrap().campaigns, 2);
    register.edit(1, |event| event.changes.push(kept));
    expect(by_bundles(&register.publish(), &pinned()), REFUSED, Some(1));
    let mut register = Register::new();
    register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    let required = CAMPAIGN.replace("type = \"date\"", "type = \"date\", required = true");
    let before = register.size();
    register.takes(&barn);
    register.change_campaign(&required);
    assert!(by_bundles(&register.publish(), &pinned()).is_ok());
    // The same two the other way round.
    let mut register = Register::new();
    register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    register.change_campaign(&required);
    register.judged_by(CAMPAIGN);
    register.takes(&barn);
    expect(
        by_bundles(&register.publish(), &pinned()),
        REFUSED,
        Some(before + 1),
    );
}

#[test]
fn a_campaign_follows_only_what_the_past_can_bear() {
    for (from, to) in [
        ("rooms = { type = \"integer\" }", "rooms = { type = \"text\" }"),
        ("built = { type = \"date\" }", ""),
        ("\"printed\", ", ""),
        ("timezone = \"UTC\"", "timezone = \"Asia/Shanghai\""),
    ] {
        let mut register = village();
        let position = register.size();
        register.change_campaign(&with_kept().replace(from, to));
        expect(
            by_bundles(&register.publish(), &pinned()),
            "CAMPAIGN_CHANGE",
            Some(position),
        );
    }
}

#[test]
fn fields_and_values_are_those_of_the_campaign() {
    let set = |field, after| Change {
        field,
        before: None,
        after: Some(after),
        before_stated: false,
    };
    edited(2, REFUSED, |event| {
        event.changes.push(set("colour", Value::Text("red")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("code", Value::Text("2")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("name", Value::Text("Barn")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("rooms", Value::Text("3")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("rooms", Value::Integer(1 << 60)))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("size", Value::Decimal("01.50")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("area", Value::Text("")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("area", Value::Sealed(b"north")))
    });
    edited(2, REFUSED, |event| {
        event.changes.push(set("built", Value::Text("2000-01-01")))
    });
    edited(19, REFUSED, |event| {
        event.changes[0].after = Some(Value::Reference("street/1"))
    });
    // The campaign that was in force then, not the one before or after it.
    edited(17, REFUSED, |event| {
        event.changes[0].after = Some(Value::Integer(9))
    });
    edited(1, REFUSED, |event| {
        event.changes[2].after = Some(Value::Text("many"))
    });
    let seen = |field, value, verdict| Observed {
        field,
        value,
        verdict,
    };
    edited(10, REFUSED, |event| {
        event.observed.push(seen("colour", None, Verdict::NotSeen));
    });
    edited(10, REFUSED, |event| {
        event
            .observed
            .push(seen("area", Some(Value::Text("x")), Verdict::NotSeen));
    });
    edited(10, REFUSED, |event| {
        event.observed.push(seen("rooms", None, Verdict::NotSeen));
    });
}

#[test]
fn circumstances_are_possible_ones() {
    let import = |file, row| Source::Import {
        sha256: [0; 32],
        file,
        row,
    };
    edited(2, REFUSED, |event| event.source = import("a/b.csv", 1));
    edited(2, REFUSED, |event| event.source = import("", 1));
    edited(2, REFUSED, |event| event.source = import("b.csv", 0));
    edited(2, REFUSED, |event| event.visit = Some(Visit::default()));
    let place = |lat_e7, lon_e7| Visit {
        place: Some(Place {
            lat_e7,
            lon_e7,
            accuracy_m: 5,
        }),
        ..Visit::default()
    };
    edited(2, REFUSED, |event| event.visit = Some(place(900_000_001, 0)));
    edited(2, REFUSED, |event| event.visit = Some(place(0, i32::MIN)));
    let mut register = village();
    register.edit(2, |event| event.visit = Some(place(-900_000_000, 1_800_000_000)));
    register.edit(3, |event| event.source = import("b.csv", 2));
    assert!(by_bundles(&register.publish(), &untied()).is_ok());
}

/// Rotations are not vouched for once the log was edited before them: this auditor trusts the newest key.
fn untied() -> Options {
    Options {
        key: Some(key("example.org/village", 3).verifier().clone()),
        ..unpinned()
    }
}

#[test]
fn a_record_is_voided_once_and_duplicates_go_in_no_circle() {
    let three = || {
        let mut register = Register::new();
        for record in ["dwelling/1", "dwelling/2", "dwelling/3"] {
            register.takes(&collect(record, &[("name", text("Mill"))]));
        }
        register.takes(&duplicate("dwelling/1", "dwelling/2"));
        register.takes(&duplicate("dwelling/2", "dwelling/3"));
        register
    };
    let forge = |register: &mut Register, record: &str, target: &'static str| {
        // A register whose rules allow it: decided for another target, which is then put in its place.
        let position = register.log.len();
        register.takes(&deregister(record, Because::Erroneous));
        register.edit(position, |event| {
            event.because = Some(Because::DuplicateOf(target))
        });
        register.publish()
    };
    let circle = forge(&mut three(), "dwelling/3", "dwelling/1");
    expect(by_bundles(&circle, &pinned()), REFUSED, Some(6));
    let mut late = Register::new();
    late.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    let mut files = forge(&mut late, "dwelling/1", "dwelling/2");
    expect(by_bundles(&files, &pinned()), REFUSED, Some(2));
    // Collected later does not count.
    late.takes(&collect("dwelling/2", &[("name", text("Mill"))]));
    files = late.publish();
    expect(by_bundles(&files, &pinned()), REFUSED, Some(2));
    let mut twice = three();
    let again = twice.log[4].clone();
    twice.log.push(again);
    twice.edit(6, |event| {
        (event.position, event.id, event.version) = (Position::new(6), event_id(6), 3);
    });
    expect(by_bundles(&twice.publish(), &pinned()), REFUSED, Some(6));
}

#[test]
fn actors_signatures_are_by_their_own_keys_in_force() {
    let (anna, bob) = (key("anna", 7), key("bob", 8));
    let start = || {
        let mut register = Register::new();
        register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
        register.admit(bob.verifier());
        register
    };
    let work = register("dwelling/1");
    let bad = |mut register: Register, command: Command| {
        let position = register.size();
        register.takes(&command);
        expect(
            by_bundles(&register.publish(), &pinned()),
            "BAD_ACTOR_SIGNATURE",
            Some(position),
        );
    };
    let mut register = start();
    // Never admitted; another actor's; withdrawn; admitted only afterwards.
    bad(register.clone(), register.signed(&work, &anna));
    bad(register.clone(), register.signed(&work, &bob));
    register.admit(anna.verifier());
    let signed = register.signed(&work, &anna);
    let mut good = register.clone();
    good.takes(&signed);
    assert_eq!(by_bundles(&good.publish(), &pinned()).unwrap().signed, 1);
    let mut withdrawn = register.clone();
    withdrawn.withdraw(anna.verifier());
    bad(withdrawn.clone(), withdrawn.signed(&work, &anna));
    // Over another text, and without the two parts that a signed command must state.
    bad(
        register.clone(),
        Command {
            reason: Some("other".to_owned()),
            ..signed.clone()
        },
    );
    let mut forged = signed.clone();
    forged.signature.as_mut().unwrap().bytes[5] ^= 1;
    bad(register.clone(), forged);
    let position = register.log.len();
    register.takes(&signed);
    register.edit(position, |event| event.stated = Stated::default());
    expect(by_bundles(&register.publish(), &pinned()), REFUSED, Some(4));
}

#[test]
fn who_must_sign_does() {
    let mut register = Register::new();
    let strict = CAMPAIGN.replace("earliest", "signed_roles = [\"collector\"]\n    earliest");
    let hash = register.attach(&strict);
    // The register goes on by the old campaign, whatever its event says.
    register.configure(&[(setting::CAMPAIGN, Some(&hash))]);
    register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    expect(by_bundles(&register.publish(), &pinned()), REFUSED, Some(2));
}

#[test]
fn the_registers_own_events_change_what_they_may() {
    let bad = |name: &str, after: Option<&str>, code: &str| {
        let mut register = Register::new();
        register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
        register.configure(&[(name, after)]);
        expect(by_bundles(&register.publish(), &pinned()), code, Some(2));
    };
    let admitted = |name: &str, key: &VerifierKey| {
        let field = setting::actor_key(name, key.id());
        bad(&field, Some(&key.to_string()), "BAD_SETTING");
    };
    bad(setting::CLOCK, Some("simulated"), "BAD_SETTING");
    bad(setting::ORIGIN, Some("example.org/other"), "BAD_SETTING");
    bad(setting::KEY, None, "BAD_SETTING");
    bad(setting::KEY, Some("x"), "BAD_SETTING");
    bad(
        setting::KEY,
        Some(&key("example.org/other", 2).verifier().to_string()),
        "BAD_SETTING",
    );
    bad(setting::CLOCK_ACCEPTED, Some(&day(99).to_string()), "BAD_SETTING");
    bad(setting::CLOCK_ACCEPTED, None, "BAD_SETTING");
    bad(setting::CAMPAIGN, Some("../checkpoint"), "BAD_SETTING");
    bad(setting::CAMPAIGN, Some(&"0".repeat(64)), "CAMPAIGN_MISSING");
    bad("colour", Some("red"), "BAD_SETTING");
    admitted("anna", key("bob", 8).verifier());
    let witness = SignerKey::from_seed("anna", Algorithm::Cosignature, &[8; 32]).unwrap();
    admitted("anna", witness.verifier());
    bad(&setting::actor_key("anna", 7), None, "BAD_SETTING");
    let mut register = Register::new();
    let other = register.attach(&CAMPAIGN.replace("example.org/village", "example.org/town"));
    register.configure(&[(setting::CAMPAIGN, Some(&other))]);
    expect(by_bundles(&register.publish(), &pinned()), "BAD_SETTING", Some(1));
    let mut register = Register::new();
    let broken = register.attach("name = 1");
    register.configure(&[(setting::CAMPAIGN, Some(&broken))]);
    expect(
        by_bundles(&register.publish(), &pinned()),
        "CAMPAIGN_CHANGED",
        Some(1),
    );
    let mut register = Register::new();
    register.configure(&[]);
    expect(by_bundles(&register.publish(), &pinned()), "BAD_SETTING", Some(1));
}

#[test]
fn every_part_of_the_registers_own_events_is_what_it_must_be() {
    edited(7, DIFFERENT, |event| event.version = 9);
    edited(7, DIFFERENT, |event| event.changes[0].before = None);
    edited(7, DIFFERENT, |event| event.changes[0].before_stated = true);
    edited(7, DIFFERENT, |event| event.action = Action::Appoint);
    edited(7, DIFFERENT, |event| event.source = Source::Field);
    edited(7, DIFFERENT, |event| event.effective = day(1));
    edited(7, DIFFERENT, |event| event.device = Some("x"));
    edited(7, DIFFERENT, |event| event.key = "x");
    edited(7, DIFFERENT, |event| event.cause = Some(event_id(1)));
    edited(7, "BAD_SETTING", |event| event.changes.push(event.changes[0]));
    edited(7, "BAD_SETTING", |event| {
        event.changes[0].after = Some(Value::Integer(1))
    });
    edited(7, REFUSED, |event| event.actor = " ");
    edited(7, REFUSED, |event| event.actor = "a\nb");
    edited(7, REFUSED, |event| event.reason = Some(""));
    edited(7, REFUSED, |event| event.reason = None);
    edited(7, REFUSED, |event| {
        event.id = shilu_model::EventId::from_bytes([1; 16])
    });
}

#[test]
fn a_register_begins_as_one() {
    edited(0, "BAD_FIRST_EVENT", |event| event.changes.truncate(3));
    edited(0, "BAD_FIRST_EVENT", |event| event.changes.swap(0, 1));
    edited(0, "BAD_FIRST_EVENT", |event| {
        event.changes[0].after = Some(Value::Text("simulated"))
    });
    edited(0, "BAD_FIRST_EVENT", |event| {
        event.changes[0].after = Some(Value::Text("solar"))
    });
    edited(0, "BAD_FIRST_EVENT", |event| {
        event.changes[1].after = Some(Value::Text("village/simulated"))
    });
    edited(0, "BAD_SETTING", |event| {
        event.changes[1].after = Some(Value::Text("example.org/town"))
    });
    edited(0, REFUSED, |event| event.actor = "");
    edited(0, "BAD_FIRST_EVENT", |event| event.kind = "dwelling");
    edited(0, DIFFERENT, |event| event.version = 2);
    let mut empty = Register::new();
    empty.log.clear();
    expect(by_bundles(&empty.publish(), &pinned()), "BAD_FIRST_EVENT", None);
}

#[test]
fn bytes_have_one_form() {
    let mut register = village();
    let mut bytes = register.log[1].clone();
    bytes.push(0);
    register.log[1] = bytes;
    expect(
        by_bundles(&register.publish(), &pinned()),
        "NOT_AN_EVENT",
        Some(1),
    );
    for index in [0, 1, 7] {
        let mut register = village();
        // The position, written as a longer integer than it needs.
        let mut bytes = vec![1, 251, register.log[index][1], 0];
        bytes.extend(&register.log[index][2..]);
        register.log[index] = bytes;
        let position = Some(u64::try_from(index).unwrap());
        expect(
            by_bundles(&register.publish(), &pinned()),
            "NOT_CANONICAL",
            position,
        );
    }
    let mut register = village();
    register.log[2] = vec![1; Event::BYTES_MAX + 1];
    expect(
        by_bundles(&register.publish(), &pinned()),
        "NOT_AN_EVENT",
        Some(2),
    );
}

#[test]
fn a_long_history_of_one_record_is_remembered_in_full() {
    let mut register = Register::new();
    register.takes(&collect(
        "dwelling/1",
        &[("name", text("Mill")), ("area", text("north"))],
    ));
    for number in 0..30 {
        register.takes(&correct("dwelling/1", &[("rooms", int(number))]));
        register.takes(&correct("dwelling/1", &[("rooms", None)]));
    }
    let position = register.size();
    let late = Command {
        effective: Since::At(day(100)),
        ..correct(
            "dwelling/1",
            &[("size", Some(OwnedValue::Decimal("2".into()))), ("area", None)],
        )
    };
    register.takes(&late);
    assert!(by_bundles(&register.publish(), &pinned()).is_ok());
    register.edit(61, |event| event.changes[0].before = None);
    expect(
        by_bundles(&register.publish(), &pinned()),
        DIFFERENT,
        Some(position - 1),
    );
    assert!(matches!(late.deed, Deed::Correct(_)));
}

/// Events at day 100, a checkpoint cosigned at a time after that, and events at day 120.
fn cosigned(minutes: i64) -> (Register, Options, Files) {
    const MINUTE: i64 = 60_000_000;
    let mut register = Register::new();
    register.takes(&collect("dwelling/1", &[("name", text("Mill"))]));
    let mut earlier = register.publish();
    earlier.cosign_at(&witness(1), day(100).plus_micros(minutes * MINUTE));
    let trusted = Options {
        witnesses: vec![witness(1).verifier().clone()],
        since: Some(earlier.checkpoint()),
        ..pinned()
    };
    register.now = day(120);
    register.takes(&collect("dwelling/2", &[("name", text("Barn"))]));
    let files = register.publish();
    assert!(by_bundles(&files, &pinned()).is_ok());
    (register, trusted, files)
}

#[test]
fn nothing_is_dated_later_than_a_witness_saw_it() {
    for (minutes, code) in [(-4, None), (-6, Some("POST_DATED"))] {
        let (_, trusted, files) = cosigned(minutes);
        let nobody = Options {
            witnesses: Vec::new(),
            ..trusted.clone()
        };
        assert!(by_bundles(&files, &nobody).is_ok());
        match code {
            None => assert!(by_bundles(&files, &trusted).is_ok()),
            Some(code) => drop(expect(by_bundles(&files, &trusted), code, Some(0))),
        }
    }
    // The newest checkpoint itself, by any of its witnesses.
    let (register, trusted, mut files) = cosigned(0);
    let other = SignerKey::from_seed("other.example", Algorithm::Cosignature, &[2; 32]).unwrap();
    let witnesses = vec![witness(1).verifier().clone(), other.verifier().clone()];
    let both = Options { witnesses, ..trusted };
    files.cosign_at(&witness(1), day(121));
    assert!(by_bundles(&files, &both).is_ok());
    files.cosign_at(&other, day(119));
    let last = register.size() - 1;
    expect(by_bundles(&files, &both), "POST_DATED", Some(last));
}

#[test]
fn nothing_is_dated_earlier_than_the_checkpoint_that_lacks_it() {
    let twenty_days = 20 * 24 * 60;
    for (minutes, code) in [(twenty_days + 4, None), (twenty_days + 6, Some("BACK_DATED"))] {
        let (register, trusted, files) = cosigned(minutes);
        match code {
            None => assert!(by_bundles(&files, &trusted).is_ok()),
            Some(code) => {
                let last = register.size() - 1;
                expect(by_bundles(&files, &trusted), code, Some(last));
                expect(by_log(&register.log, &files, &trusted), code, Some(last));
            }
        }
    }
}

#[test]
fn a_simulated_clock_is_not_compared_with_a_witness() {
    let mut register = Register::with_clock(true);
    let mut files = register.publish();
    files.cosign_at(&witness(1), day(1));
    let options = Options {
        witnesses: vec![witness(1).verifier().clone()],
        quorum: 1,
        ..unpinned()
    };
    assert!(by_bundles(&files, &options).unwrap().simulated);
}

#[test]
fn an_earlier_checkpoint_accuses_nobody_unless_the_log_signed_it() {
    let mut register = village();
    let files = register.publish();
    let honest = files.checkpoint();
    let since = |checkpoint: SignedCheckpoint, key: Option<VerifierKey>| {
        let options = Options {
            key,
            since: Some(checkpoint),
            ..unpinned()
        };
        by_bundles(&files, &options)
    };
    let another = Checkpoint {
        root: Hash::leaf(b"another"),
        size: 12,
        ..honest.unchecked().clone()
    };
    let larger = Checkpoint {
        size: 99,
        ..another.clone()
    };
    for said in [&another, &larger] {
        let stranger = key("example.org/village", 9);
        expect(since(said.sign([&stranger]), None), "NOT_SIGNED", None);
        // The text changed under a true signature.
        let mut forged = said.sign([]);
        forged.add(honest.note().signatures.clone());
        expect(
            since(forged, Some(register.key.verifier().clone())),
            "FORGED_SIGNATURE",
            None,
        );
    }
    // By the key that was in force then, and not by one that came later or was gone.
    let code = |said: &Checkpoint, number| {
        let signed = said.sign([&key("example.org/village", number)]);
        since(signed, None).unwrap_err().code()
    };
    assert_eq!(
        [1, 2, 3].map(|number| code(&another, number)),
        ["NOT_SIGNED", "HISTORY_REWRITTEN", "NOT_SIGNED"]
    );
    assert_eq!(
        [1, 2, 3].map(|number| code(&larger, number)),
        ["NOT_SIGNED", "NOT_SIGNED", "CHECKPOINT_OLDER"]
    );
    // Nobody cosigned it in a witness's name either.
    let mut earlier = honest;
    let mut line = witness(1).sign_note(&earlier.note().text, 1_700_000_000);
    line.bytes[9] ^= 1;
    earlier.add([line]);
    let options = Options {
        witnesses: vec![witness(1).verifier().clone()],
        since: Some(earlier),
        ..pinned()
    };
    expect(by_bundles(&files, &options), "FORGED_SIGNATURE", None);
}

#[test]
fn whose_keys_were_admitted_is_told() {
    let files = village().publish();
    let report = by_bundles(&files, &pinned()).unwrap();
    let told: Vec<_> = report
        .actor_keys
        .iter()
        .map(|change| {
            (
                change.position,
                change.key.to_string(),
                change.admitted,
                change.by.as_str(),
            )
        })
        .collect();
    let anna = key("anna", 7).verifier().to_string();
    assert_eq!(told, [(5, anna.clone(), true, "root"), (14, anna, false, "root")]);
}

#[test]
fn a_setting_that_changes_nothing_is_none() {
    let mut register = Register::new();
    let vkey = register.key.verifier().to_string();
    register.configure(&[(setting::KEY, Some(&vkey))]);
    expect(by_bundles(&register.publish(), &pinned()), "BAD_SETTING", Some(1));
    let anna = key("anna", 7);
    let mut register = Register::new();
    register.admit(anna.verifier());
    register.admit(anna.verifier());
    expect(by_bundles(&register.publish(), &pinned()), "BAD_SETTING", Some(2));
}
