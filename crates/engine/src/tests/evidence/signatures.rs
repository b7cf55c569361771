//! Actors' signatures and settings.

use shilu_merkle::{Algorithm, SignerKey};
use shilu_model::{Check, Command, CommandSignature, Deed, Outcome, Rejection, Since, Timestamp};

use super::{
    super::{code, command, history::event_id},
    *,
};

fn signer(actor: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(actor, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn with_signature(command: &Command, key: &SignerKey, form: &str) -> Command {
    let mut command = command.clone();
    command.signature = Some(CommandSignature {
        key_id: key.verifier().id(),
        bytes: key.sign(form.as_bytes()),
    });
    command
}

/// A command that states what a signature needs.
fn stated(number: u64, mut command: Command) -> Command {
    command.id = Some(event_id(number, number));
    command.effective = Since::At(Timestamp::parse(START).unwrap());
    command
}

/// The refusal of a bad signature shows what should have been signed.
fn form_of(engine: &Engine, command: &Command, key: &SignerKey) -> String {
    let refused = submit(engine, vec![with_signature(command, key, "")]).unwrap_err();
    match refused {
        EngineError::Rejected {
            rejection: Rejection::BadSignature { signed, .. },
            ..
        } => signed,
        other => panic!("{other}"),
    }
}

#[test]
fn signatures_are_taken_by_admitted_keys_alone() {
    let dir = tempfile::tempdir().unwrap();
    let engine = fresh(dir.path());
    let (key, ben) = (signer("anna", 1), signer("ben", 2));
    let send = stated(1, collect("dwelling/1", "north", 1));
    assert_eq!(
        code(submit(&engine, vec![with_signature(&send, &key, "")])),
        "UNKNOWN_KEY"
    );
    let text = key.verifier().to_string();
    assert_eq!(
        engine.withdraw_key(&text, WHY).unwrap_err().code(),
        "SETTING_UNCHANGED"
    );
    let witness = SignerKey::from_seed("w", Algorithm::Cosignature, &[9; 32]).unwrap();
    for bad in ["anna", &witness.verifier().to_string()] {
        assert_eq!(engine.admit_key(bad, WHY).unwrap_err().code(), "BAD_KEY");
    }
    engine.admit_key(&text, WHY).unwrap();
    engine.admit_key(&ben.verifier().to_string(), WHY).unwrap();
    assert_eq!(
        engine.admit_key(&text, WHY).unwrap_err().code(),
        "SETTING_UNCHANGED"
    );

    let form = form_of(&engine, &send, &key);
    let good = with_signature(&send, &key, &form);
    // Another's key, another's text, and a text that the log would have to complete.
    assert_eq!(
        code(submit(&engine, vec![with_signature(&send, &ben, &form)])),
        "UNKNOWN_KEY"
    );
    let mut forged = good.clone();
    forged.reason = Some("another".to_owned());
    assert_eq!(code(submit(&engine, vec![forged])), "BAD_SIGNATURE");
    let mut open = good.clone();
    open.effective = Since::Recorded;
    assert_eq!(code(submit(&engine, vec![open])), "SIGNATURE_INCOMPLETE");
    let mut nameless = good.clone();
    nameless.id = None;
    assert_eq!(code(submit(&engine, vec![nameless])), "SIGNATURE_INCOMPLETE");

    let first = submit(&engine, vec![good.clone()]).unwrap();
    let event = engine.event(first[0].id).unwrap();
    let stored = event.event().signature.unwrap();
    assert!(key.verifier().verifies(form.as_bytes(), stored.bytes));
    engine.withdraw_key(&text, WHY).unwrap();
    assert_eq!(
        submit(&engine, vec![good]).unwrap()[0].position,
        first[0].position
    );
    let next = stated(2, collect("dwelling/2", "north", 1));
    assert_eq!(
        code(submit(&engine, vec![with_signature(&next, &key, "")])),
        "UNKNOWN_KEY"
    );
    shut(engine);
}

#[test]
fn a_key_withdrawn_in_flight_signs_nothing_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, faults) = super::super::faults::gate();
    let (_, mut options) = settable(START);
    init(dir.path(), CAMPAIGN, &options);
    let engine = Engine::open(dir.path(), options.clone()).unwrap();
    let key = signer("anna", 1);
    engine.admit_key(&key.verifier().to_string(), WHY).unwrap();
    let send = stated(1, collect("dwelling/1", "north", 1));
    let good = with_signature(&send, &key, &form_of(&engine, &send, &key));
    shut(engine);
    options.log.faults = faults;
    let engine = Engine::open(dir.path(), options).unwrap();
    let (busy, text) = (engine.clone(), key.verifier().to_string());
    let withdrawing = std::thread::spawn(move || busy.withdraw_key(&text, WHY).unwrap());
    gate.wait_until_syncing();
    // Nothing is folded while the sync waits.
    let pending = engine.submit(vec![vec![good]]).unwrap();
    // Two settings in flight at once have consecutive versions.
    let admitting: Vec<_> = [3, 4]
        .map(|seed| {
            let (busy, text) = (engine.clone(), signer("anna", seed).verifier().to_string());
            std::thread::spawn(move || busy.admit_key(&text, WHY).unwrap())
        })
        .into();
    super::super::until(|| engine.queue_depth() == 0);
    gate.open();
    assert_eq!(code(pending.wait().pop().unwrap()), "UNKNOWN_KEY");
    withdrawing.join().unwrap();
    for one in admitting {
        one.join().unwrap();
    }
    let versions = entries(&engine)
        .iter()
        .map(|bytes| shilu_model::decode(bytes).unwrap().version)
        .collect::<Vec<_>>();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    shut(engine);
}

#[test]
fn a_campaign_may_ask_verifiers_to_sign() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable(START);
    init(
        dir.path(),
        &format!("signed_roles = [\"verifier\"]\n{CAMPAIGN}"),
        &options,
    );
    let engine = Engine::open(dir.path(), options).unwrap();
    submit(&engine, vec![collect("dwelling/1", "north", 1)]).unwrap();
    let check = Check {
        outcome: Outcome::Present,
        observed: Vec::new(),
        not_seen: Vec::new(),
        area: None,
    };
    let send = stated(1, command("dwelling/1", "ben", Deed::Verify(check)));
    assert_eq!(code(submit(&engine, vec![send.clone()])), "SIGNATURE_MISSING");
    let key = signer("ben", 1);
    engine.admit_key(&key.verifier().to_string(), WHY).unwrap();
    let form = form_of(&engine, &send, &key);
    submit(&engine, vec![with_signature(&send, &key, &form)]).unwrap();
    shut(engine);
}
