//! Campaigns in which verifiers sign: visits are lists of signed commands, judged like those that the register enters.

use shilu_merkle::{Algorithm, SignerKey};
use shilu_model::{CommandSignature, Rejection};

use super::*;
use crate::{Shown, tests::history::event_id};

const NOW: &str = "2015-05-02T09:00:00+08:00";

/// One rented dwelling, two registered there and one elsewhere; both checks drawn.
fn signed() -> (Parish, SignerKey) {
    let parish = Parish::of(&format!("signed_roles = [\"verifier\"]\n{CAMPAIGN}"));
    parish.dwelling("1", "north", "rental");
    parish.dwelling("2", "south", "own");
    for key in ["li", "wang"] {
        parish.resident(key, vec![at_home("1")], true);
    }
    let zhao = text("citizen", &citizen("11010519491231002"));
    parish.resident("zhao", vec![at_home("2"), zhao], true);
    for id in ["consistency", "registration", "accuracy", "rooms"] {
        parish.announce(id, id, "2015-05-02T08:00");
    }
    parish.at("2015-05-02T08:00");
    for id in ["consistency", "registration", "accuracy", "rooms"] {
        parish.engine.draw(id, None, BECAUSE).unwrap();
    }
    parish.at("2015-05-02T09:00");
    let key = SignerKey::from_seed("vera", Algorithm::Ed25519, &[1; 32]).unwrap();
    parish
        .engine
        .admit_key(&key.verifier().to_string(), BECAUSE)
        .unwrap();
    (parish, key)
}

/// Signs what the register says is to be signed.
fn sign(parish: &Parish, key: &SignerKey, mut command: Command) -> Command {
    let signature = |form: &str| CommandSignature {
        key_id: key.verifier().id(),
        bytes: key.sign(form.as_bytes()),
    };
    command.signature = Some(signature(""));
    let Err(EngineError::Rejected {
        rejection: Rejection::BadSignature { signed, .. },
        ..
    }) = submit(&parish.engine, vec![command.clone()])
    else {
        panic!("{command:?}")
    };
    command.signature = Some(signature(&signed));
    command
}

/// A record, what was found, and the values seen.
type Seen<'a> = (&'a str, Outcome, Vec<(String, Option<OwnedValue>)>);

struct Sheet<'a> {
    parish: &'a Parish,
    key: &'a SignerKey,
    sample: &'a str,
}

impl Sheet<'_> {
    fn list(&self, checks: &[Seen<'_>]) -> Vec<Command> {
        let cause = self.parish.engine.sample(self.sample).unwrap().announcement;
        let from = self.parish.engine.end().get() * 1_000;
        let commands = checks
            .iter()
            .zip(from..)
            .map(|((record, outcome, observed), number)| {
                let check = Check {
                    outcome: *outcome,
                    observed: observed.clone(),
                    not_seen: Vec::new(),
                    area: None,
                };
                let mut command = command(record, "vera", Deed::Verify(check));
                command.cause = Some(cause);
                command.id = Some(event_id(1_430_000_000_000, number));
                command.effective = Since::At(Timestamp::parse(NOW).unwrap());
                sign(self.parish, self.key, command)
            });
        commands.collect()
    }
}

#[test]
fn a_visit_to_a_record_is_a_signed_command() {
    let (parish, key) = signed();
    let refusal = parish.saw("rooms", "vera", "dwelling/1", 3).unwrap_err();
    let announcement = parish.engine.sample("rooms").unwrap().announcement;
    assert_eq!(refusal.code(), "SIGNATURE_MISSING");
    assert!(refusal.to_string().contains(&announcement.to_string()));
    assert!(refusal.hint().contains("/api/v1/commands"));
    let sheet = Sheet {
        parish: &parish,
        key: &key,
        sample: "rooms",
    };
    let seen = sheet.list(&[("dwelling/1", Outcome::Present, vec![rooms(3)])]);
    submit(&parish.engine, seen).unwrap();
    assert_eq!(counts(&parish.figure("rooms")), (1, 0, 1));
}

#[test]
fn a_signed_list_at_a_place_is_matched_as_if_it_had_been_entered() {
    let (parish, key) = signed();
    for sample in ["consistency", "registration", "accuracy"] {
        let place = name("dwelling/1");
        assert_eq!(
            refused(parish.engine.revealed(sample, &place, "vera")),
            "STEP_MISSING"
        );
        let sheet = Sheet {
            parish: &parish,
            key: &key,
            sample,
        };
        // Each found person under a key of their own: the visitor knows no other.
        let own = |number: u32| format!("resident/{sample}-{number}");
        let (li, zhao, zhou) = (own(1), own(2), own(3));
        let here = |fields: &[(String, Option<OwnedValue>)]| {
            [&[at_home("1"), date("arrived", "2015-04-01")], fields].concat()
        };
        let id = text("citizen", &citizen("11010519491231002"));
        let list = sheet.list(&[
            ("dwelling/1", Outcome::Present, Vec::new()),
            (&li, Outcome::Unregistered, here(&[text("name", "ｌｉ")])),
            (&zhao, Outcome::Unregistered, here(&[text("name", "zhao"), id])),
            (&zhou, Outcome::Unregistered, here(&[text("name", "zhou")])),
        ]);
        submit(&parish.engine, list).unwrap();
        let shown = parish.engine.revealed(sample, &place, "vera").unwrap();
        let wang = Shown {
            record: name("resident/wang"),
            registered: true,
            fields: vec![text("name", "wang")]
                .into_iter()
                .map(|(field, value)| (field, value.unwrap()))
                .collect(),
        };
        assert_eq!(shown, [wang]);
        assert!(parish.engine.sample(sample).unwrap().draw.unwrap().visits[0].answers_missing);
        let answer = sheet.list(&[("resident/wang", Outcome::UnknownHere, Vec::new())]);
        submit(&parish.engine, answer).unwrap();
        assert_eq!(parish.engine.sample(sample).unwrap().state, SampleState::Complete);
    }
    // Li and Wang are registered here, Zhao elsewhere, Zhou nowhere; Wang nobody knows.
    assert_eq!(counts(&parish.figure("consistency")), (1, 1, 0));
    assert_eq!(counts(&parish.figure("registration")), (2, 1, 0));
    assert_eq!(counts(&parish.figure("accuracy")), (1, 1, 0));
}
