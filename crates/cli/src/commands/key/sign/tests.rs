//! What is signed is what the register rebuilds from the event.

use shilu_merkle::VerifierKey;
use shilu_model::{
    Campaign, Check, Command, CommandSignature, Correction, Deed, Entry, EventId, Known, Moment, Origin,
    Outcome, OwnedValue, Place, Position, RecordName, Since, Timestamp, Visit, decide, signed_form,
};

use super::*;

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[kinds]]
id = "dwelling"
title = { en = "Dwelling", zh = "房屋" }
key = "code"
[kinds.fields]
code = { type = "text", required = true }
rooms = { type = "integer" }
rent = { type = "decimal" }
note = { type = "text" }
"#;
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

struct Nobody;

impl shilu_model::Standing for Nobody {
    fn stands(&self, _: &str) -> bool {
        true
    }
    fn reference(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

impl Known for Nobody {
    fn has_event(&self, _: EventId) -> bool {
        true
    }
    fn is_collected(&self, _: &str) -> bool {
        true
    }
    fn duplicate_of(&self, _: &str) -> Option<String> {
        None
    }
    fn active_plate(&self, _: &str) -> Option<String> {
        None
    }
    fn announced(&self, _: EventId) -> Option<shilu_model::Announced> {
        None
    }
}

fn key() -> SignerKey {
    SignerKey::from_seed("zhang", Algorithm::Ed25519, &[3; 32]).unwrap()
}

fn fresh() -> Fresh {
    Fresh {
        id: EventId::parse(ID).unwrap(),
        now: time("2020-01-01T00:00:00Z"),
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn signed(input: &str) -> Result<Vec<Value>, CliError> {
    let mut lines = Vec::new();
    sign_all(input.as_bytes(), &key(), fresh, |line| {
        lines.push(serde_json::from_str(&line).unwrap());
        Ok(())
    })?;
    Ok(lines)
}

/// The command that the service makes of a signed one, but for its deed.
fn command(signed: &Value, deed: Deed) -> Command {
    let text = |name: &str| signed[name].as_str().map(str::to_owned);
    let signature = &signed["signature"];
    Command {
        id: Some(EventId::parse(&text("id").unwrap()).unwrap()),
        record: RecordName::parse(&text("record").unwrap()).unwrap(),
        deed,
        actor: text("actor").unwrap(),
        effective: Since::At(time(&text("effective").unwrap())),
        device: text("device"),
        reason: text("reason"),
        source: Origin::Field,
        visit: None,
        expected_version: None,
        cause: None,
        signature: Some(CommandSignature {
            key_id: u32::from_str_radix(signature["key"].as_str().unwrap(), 16).unwrap(),
            bytes: STANDARD
                .decode(signature["value"].as_str().unwrap())
                .unwrap()
                .try_into()
                .unwrap(),
        }),
    }
}

/// Decides the command as the register does, and checks the signature as an auditor does.
fn verifies(command: &Command, entries: &[Entry<'_>], key: &VerifierKey) -> bool {
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let moment = Moment {
        position: Position::new(9),
        recorded: time("2020-06-01T00:00:00Z"),
        fresh_id: EventId::from_bytes([0; 16]),
    };
    let event = decide(&campaign, command, entries, &Nobody, moment).unwrap();
    let signature = event.signature.unwrap();
    assert_eq!(signature.key_id, key.id());
    key.verifies(signed_form(&event).unwrap().as_bytes(), signature.bytes)
}

#[test]
fn a_collect_in_any_form_is_signed_in_its_normal_form() {
    let input = r#"{"record": "dwelling/12-3", "action": "collect", "actor": "zhang", "device": null,
        "fields": {"rooms": 3, "rent": "12.5", "note": ""}, "effective": "2020-01-01T08:00:00+08:00",
        "begun": "2020-01-01T07:00:00.500+08:00", "seq": 4, "source": {"type": "field"},
        "place": {"lat": 30.123456789, "lon": 120.79, "accuracy_m": 7.2}, "signature": "an old one"}"#;
    let signed = signed(input).unwrap();
    assert_eq!(signed[0]["effective"], "2020-01-01T00:00:00Z");
    let value = |field: &str, value| (field.to_owned(), value);
    let fields = vec![
        value("rooms", Some(OwnedValue::Integer(3))),
        value("rent", Some(OwnedValue::Decimal("12.5".to_owned()))),
        value("note", None),
    ];
    let mut command = command(&signed[0], Deed::Collect(fields));
    command.visit = Some(Visit {
        begun: Some(time("2019-12-31T23:00:00.500Z")),
        entered: None,
        seq: Some(4),
        place: Some(Place {
            lat_e7: 301_234_568,
            lon_e7: 1_207_900_000,
            accuracy_m: 8,
        }),
    });
    let key = key();
    assert!(verifies(&command, &[], key.verifier()));
    command.device = Some("another".to_owned());
    assert!(!verifies(&command, &[], key.verifier()), "every part counts");
}

#[test]
fn what_must_be_stated_is_filled_in() {
    let input = r#"{"record": "dwelling/1", "action": "verify", "actor": "zhang", "outcome": "unregistered", "observed": {}}"#;
    let signed = signed(input).unwrap();
    assert_eq!(
        (&signed[0]["id"], &signed[0]["effective"]),
        (&json!(ID), &json!("2020-01-01T00:00:00Z"))
    );
    let check = Check {
        outcome: Outcome::Unregistered,
        observed: Vec::new(),
        not_seen: Vec::new(),
        area: None,
    };
    assert!(verifies(
        &command(&signed[0], Deed::Verify(check)),
        &[],
        key().verifier()
    ));
}

#[test]
fn a_correction_may_state_null() {
    let input = r#"{"record": "dwelling/1", "action": "correct", "actor": "zhang", "reason": "r", "changes":
        {"note": {"before": "old", "after": null}, "rooms": {"after": 4}}}"#;
    let correction_signed = signed(input).unwrap();
    let collected =
        r#"{"record": "dwelling/1", "action": "collect", "actor": "zhang", "fields": {"note": "old"}}"#;
    let collected = signed(collected).unwrap();
    let note = ("note".to_owned(), Some(OwnedValue::Text("old".to_owned())));
    let first = command(&collected[0], Deed::Collect(vec![note]));
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let moment = Moment {
        position: Position::new(8),
        recorded: time("2020-06-01T00:00:00Z"),
        fresh_id: EventId::from_bytes([0; 16]),
    };
    let first = decide(&campaign, &first, &[], &Nobody, moment).unwrap();
    let correction = |field: &str, before, after| Correction {
        field: field.to_owned(),
        before,
        after,
    };
    let corrections = vec![
        correction("note", Some(Some(OwnedValue::Text("old".to_owned()))), None),
        correction("rooms", None, Some(OwnedValue::Integer(4))),
    ];
    let command = command(&correction_signed[0], Deed::Correct(corrections));
    assert!(verifies(
        &command,
        &[Entry::of(&first).unwrap()],
        key().verifier()
    ));
}

#[test]
fn the_shape_stays() {
    let one = r#"{"record":"dwelling/1","action":"register","actor":"zhang"}"#;
    assert!(signed(one).unwrap()[0].is_object());
    let list = signed(&format!("[{one},{one}]")).unwrap();
    assert_eq!((list.len(), list[0].as_array().unwrap().len()), (1, 2));
    assert_eq!(signed(&format!("{one}\n{one}\n{one}\n")).unwrap().len(), 3);
}

#[test]
fn what_cannot_be_signed_is_refused_whole() {
    let refused = |more: &str| {
        let good = r#"{"record":"dwelling/1","action":"register","actor":"zhang"}"#;
        let bad = format!(r#"{{"record":"dwelling/1","action":"register","actor":"zhang"{more}}}"#);
        let mut written = 0;
        let error = sign_all(format!("{good}\n{bad}").as_bytes(), &key(), fresh, |_| {
            written += 1;
            Ok(())
        });
        let error = error.unwrap_err();
        assert_eq!(written, 0);
        assert!(
            error.text(Language::En).contains("line: 2"),
            "{}",
            error.text(Language::En)
        );
        (error.code().to_owned(), error.exit())
    };
    let malformed = |code: &str| (code.to_owned(), 2);
    for time in ["effective", "begun", "entered"] {
        assert_eq!(
            refused(&format!(r#","{time}":"2020-01-01""#)),
            malformed("BAD_TIME")
        );
    }
    assert_eq!(refused(r#","id":"7""#), malformed("BAD_ID"));
    assert_eq!(refused(r#","fields":{"rent":12.5}"#), malformed("BAD_JSON"));
    assert_eq!(refused(r#","actor":"wang""#), ("OTHER_ACTOR".to_owned(), 1));
    assert_eq!(signed("").unwrap_err().code(), "BAD_JSON");
    assert_eq!(signed("{").unwrap_err().code(), "BAD_JSON");
    assert_eq!(signed("7").unwrap_err().code(), "BAD_JSON");
}

#[test]
fn a_field_that_may_be_the_key_field_is_noted() {
    let input =
        r#"{"record":"dwelling/12-3","action":"collect","actor":"zhang","fields":{"code":"12-3","rooms":3}}"#;
    let notes = sign_all(input.as_bytes(), &key(), fresh, |_| Ok(())).unwrap();
    assert_eq!(notes, ["code"]);
}
