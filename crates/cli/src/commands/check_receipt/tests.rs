//! Receipts that are checked, refused, and told in both languages.

use shilu_merkle::{Algorithm, Checkpoint, Hash, SignerKey};
use shilu_model::{
    Action, Change, Event, EventId, Position, Signature, Source, Stated, Timestamp, Value, encode,
    signed_form,
};

use super::*;

const ORIGIN: &str = "example.org/village";

fn log_key(origin: &str) -> SignerKey {
    SignerKey::from_seed(origin, Algorithm::Ed25519, &[1; 32]).unwrap()
}

fn witness_key(number: u8) -> SignerKey {
    SignerKey::from_seed(
        &format!("audit.example/w{number}"),
        Algorithm::Cosignature,
        &[number; 32],
    )
    .unwrap()
}

fn actor_key(seed: u8) -> SignerKey {
    SignerKey::from_seed("zhang", Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn event<'a>(signature: Option<Signature<'a>>) -> Event<'a> {
    let time = |text| Timestamp::parse(text).unwrap();
    Event {
        position: Position::new(1),
        id: EventId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
        recorded: time("2020-01-02T00:00:00Z"),
        effective: time("2019-12-31T16:00:00Z"),
        action: Action::Correct,
        kind: "dwelling",
        key: "12-3",
        version: 2,
        area: "east",
        actor: "zhang",
        device: Some("tablet-3"),
        source: Source::Field,
        reason: Some("counted again\u{1b}[2J"),
        changes: vec![
            change("rooms", Some(Value::Integer(3)), Some(Value::Integer(4))),
            change("note", Some(Value::Text("红砖")), None),
        ],
        outcome: None,
        observed: Vec::new(),
        because: None,
        cause: Some(EventId::parse("01890a5d-ac96-774b-bcce-b302099a8000").unwrap()),
        stated: Stated::default()
            .with(Stated::ID, true)
            .with(Stated::EFFECTIVE, true),
        visit: None,
        signature,
    }
}

fn change<'a>(field: &'a str, before: Option<Value<'a>>, after: Option<Value<'a>>) -> Change<'a> {
    Change {
        field,
        before,
        after,
        before_stated: true,
    }
}

/// A receipt for an event at position 1 of 3, cosigned by the first witness.
fn receipt_in(origin: &str, event: &Event<'_>) -> Receipt {
    let mut entry = Vec::new();
    encode(event, &mut entry).unwrap();
    let leaves = [Hash::leaf(b"first"), Hash::leaf(&entry), Hash::leaf(b"third")];
    let root = Hash::node(Hash::node(leaves[0], leaves[1]), leaves[2]);
    let key = log_key(origin);
    let origin = origin.to_owned();
    let mut checkpoint = Checkpoint {
        origin,
        size: 3,
        root,
    }
    .sign([&key]);
    let line = witness_key(1).sign_note(&checkpoint.note().text, 1_577_923_200);
    checkpoint.add([line]);
    Receipt {
        entry,
        index: 1,
        proof: vec![leaves[0], leaves[2]],
        checkpoint,
    }
}

fn args(witnesses: &[u8]) -> CheckReceiptArgs {
    CheckReceiptArgs {
        file: PathBuf::from("-"),
        key: log_key(ORIGIN).verifier().to_string(),
        witnesses: witnesses
            .iter()
            .map(|number| witness_key(*number).verifier().to_string())
            .collect(),
        quorum: None,
        actor_key: None,
        format: SummaryFormat::Table,
    }
}

fn tell(receipt: &Receipt, args: &CheckReceiptArgs, language: Language) -> String {
    words::lines(&Proof::of(receipt, &trust(args).unwrap()).unwrap(), language).join("\n")
}

fn refused(receipt: &Receipt, args: &CheckReceiptArgs) -> (String, u8) {
    let error = trust(args).and_then(|trust| Proof::of(receipt, &trust).map(|_| ()));
    let error = error.unwrap_err();
    (error.code().to_owned(), error.exit())
}

#[test]
fn a_proof_without_witnesses_says_what_it_leaves_open() {
    let receipt = receipt_in(ORIGIN, &event(None));
    insta::assert_snapshot!(tell(&receipt, &args(&[]), Language::En), @r"
    zhang corrected dwelling/12-3
      Recorded: 2020-01-02T00:00:00Z
      Effective: 2019-12-31T16:00:00Z
      Field: rooms 3 → 4
      Field: note 红砖 → (none)
      Reason: counted again\u{1b}[2J
      Source: field visit
      Device: tablet-3
      Caused by: 01890a5d-ac96-774b-bcce-b302099a8000
      Event: 01890a5d-ac96-774b-bcce-b302099a8057
      Signature: none by the actor

    Proved
      - The log example.org/village, at size 3, signed by its key e0367704, contains this event at position 1.

    Not proved
      - That what the event says is true: only that it was recorded so.
      - That this is the newest state of the record: later events may have changed it.
      - That the actor named said so: the register says it of them.
      - That all see the same history: no witness was named, so the operator could show somebody else another one.
    ");
    insta::assert_snapshot!(tell(&receipt, &args(&[]), Language::Zh), @r"
    zhang 对 dwelling/12-3 进行了纠错
      记录时间：2020-01-02T00:00:00Z
      生效时间：2019-12-31T16:00:00Z
      字段：rooms 3 → 4
      字段：note 红砖 → （无）
      原因：counted again\u{1b}[2J
      来源：现场走访
      设备：tablet-3
      起因事件：01890a5d-ac96-774b-bcce-b302099a8000
      事件：01890a5d-ac96-774b-bcce-b302099a8057
      签名：人员未签名

    已证明
      - 日志 example.org/village 在大小为 3 时（由其密钥 e0367704 签名），在位次 1 处含有此事件。

    未证明
      - 事件所述属实：只证明确曾如此记录。
      - 这是档案的最新状态：之后的事件可能已将其更改。
      - 所署人员确曾如此申报：这只是登记册的记载。
      - 所有人看到的是同一历史：未指定见证人，运营者可能向他人出示另一份历史。
    ");
}

#[test]
fn witnesses_and_the_actor_are_named() {
    let unsigned = event(None);
    let form = signed_form(&unsigned).unwrap();
    let bytes = actor_key(2).sign(form.as_bytes());
    let key_id = actor_key(2).verifier().id();
    let signed = event(Some(Signature {
        key_id,
        bytes: &bytes,
    }));
    let receipt = receipt_in(ORIGIN, &signed);
    let mut args = args(&[1, 2]);
    args.quorum = Some(1);
    insta::assert_snapshot!(tell(&receipt, &args, Language::En), @r"
    zhang corrected dwelling/12-3
      Recorded: 2020-01-02T00:00:00Z
      Effective: 2019-12-31T16:00:00Z
      Field: rooms 3 → 4
      Field: note 红砖 → (none)
      Reason: counted again\u{1b}[2J
      Source: field visit
      Device: tablet-3
      Caused by: 01890a5d-ac96-774b-bcce-b302099a8000
      Event: 01890a5d-ac96-774b-bcce-b302099a8057
      Signature: signed by key id d1d79af7 of actor zhang; checked only with --actor-key VKEY

    Proved
      - The log example.org/village, at size 3, signed by its key e0367704, contains this event at position 1.
      - Cosigned by audit.example/w1 at 2020-01-02T00:00:00Z, by its own clock.

    Not proved
      - That what the event says is true: only that it was recorded so.
      - That this is the newest state of the record: later events may have changed it.
      - That the actor named said so: the register says it of them.
      - Not cosigned by audit.example/w2.
    ");
    args.actor_key = Some(actor_key(2).verifier().to_string());
    insta::assert_snapshot!(tell(&receipt, &args, Language::Zh), @r"
    zhang 对 dwelling/12-3 进行了纠错
      记录时间：2020-01-02T00:00:00Z
      生效时间：2019-12-31T16:00:00Z
      字段：rooms 3 → 4
      字段：note 红砖 → （无）
      原因：counted again\u{1b}[2J
      来源：现场走访
      设备：tablet-3
      起因事件：01890a5d-ac96-774b-bcce-b302099a8000
      事件：01890a5d-ac96-774b-bcce-b302099a8057
      签名：由人员 zhang 的密钥 d1d79af7 签名；已核验

    已证明
      - 日志 example.org/village 在大小为 3 时（由其密钥 e0367704 签名），在位次 1 处含有此事件。
      - 由见证人 audit.example/w1 于 2020-01-02T00:00:00Z（按其自身时钟）连署。
      - zhang 的密钥 d1d79af7 签署了此事件的内容。

    未证明
      - 事件所述属实：只证明确曾如此记录。
      - 这是档案的最新状态：之后的事件可能已将其更改。
      - 见证人 audit.example/w2 未连署。
    ");
    let trust = trust(&args).unwrap();
    let json = Proof::of(&receipt, &trust).unwrap().json();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "actor_signature": {
        "checked": true,
        "key": "d1d79af7"
      },
      "cosigned": [
        {
          "time": "2020-01-02T00:00:00Z",
          "witness": "audit.example/w1"
        }
      ],
      "event": {
        "action": "correct",
        "actor": "zhang",
        "area": "east",
        "because": null,
        "cause": "01890a5d-ac96-774b-bcce-b302099a8000",
        "changes": [
          {
            "after": 4,
            "before": 3,
            "field": "rooms"
          },
          {
            "after": null,
            "before": "红砖",
            "field": "note"
          }
        ],
        "device": "tablet-3",
        "effective": "2019-12-31T16:00:00Z",
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "observed": [],
        "outcome": null,
        "position": 1,
        "reason": "counted again\u001b[2J",
        "record": "dwelling/12-3",
        "recorded": "2020-01-02T00:00:00Z",
        "signature": {
          "key": "d1d79af7",
          "value": "K+m/Cy4c82ezN6u1u6BRd2NzxrTuM5CwhkUuqywJecdNDG88e4V/f0IsaTDtfYF2UUnQiMuL4DqzNchqlSJmCQ=="
        },
        "source": {
          "type": "field"
        },
        "version": 2
      },
      "key": "e0367704",
      "log": "example.org/village",
      "not_cosigned": [
        "audit.example/w2"
      ],
      "not_proved": [
        "that-it-is-true",
        "that-it-is-the-newest"
      ],
      "position": 1,
      "root": "qleFw3bSbMW0lAN7XR9A4dJS6naLxSmeJ/V7rNjy1rs=",
      "simulated": false,
      "size": 3
    }
    "#);

    args.actor_key = Some(actor_key(3).verifier().to_string());
    assert_eq!(refused(&receipt, &args), ("UNKNOWN_KEY".to_owned(), 1));
    args.actor_key = Some(actor_key(2).verifier().to_string());
    let unsigned = receipt_in(ORIGIN, &event(None));
    assert_eq!(refused(&unsigned, &args), ("SIGNATURE_MISSING".to_owned(), 1));
    let mut wrong = bytes;
    wrong[0] ^= 1;
    let forged = receipt_in(
        ORIGIN,
        &event(Some(Signature {
            key_id,
            bytes: &wrong,
        })),
    );
    assert_eq!(refused(&forged, &args), ("BAD_SIGNATURE".to_owned(), 1));
}

#[test]
fn a_simulated_log_is_loud() {
    let origin = "example.org/village/simulated";
    let mut args = args(&[]);
    args.key = log_key(origin).verifier().to_string();
    let receipt = receipt_in(origin, &event(None));
    for language in [Language::En, Language::Zh] {
        let text = tell(&receipt, &args, language);
        assert!(
            text.starts_with(&format!("!!! {} !!!", language.say(Text::Simulated))),
            "{text}"
        );
    }
}

#[test]
fn what_is_forged_is_refused() {
    let good = receipt_in(ORIGIN, &event(None));
    assert_eq!(Receipt::parse(good.to_string().as_bytes()).unwrap(), good);
    let refuses = |change: &dyn Fn(&mut Receipt), code: &str| {
        let mut receipt = good.clone();
        change(&mut receipt);
        assert_eq!(refused(&receipt, &args(&[1])), (code.to_owned(), 1));
    };
    refuses(&|receipt| *receipt.entry.last_mut().unwrap() ^= 1, "NOT_INCLUDED");
    refuses(&|receipt| receipt.index = 0, "NOT_INCLUDED");
    refuses(&|receipt| receipt.proof.truncate(1), "BAD_PROOF");
    refuses(
        &|receipt| receipt.checkpoint = receipt_in("example.org/other", &event(None)).checkpoint,
        "OTHER_LOG",
    );
    let unsigned = good.checkpoint.unchecked().sign([&witness_key(1)]);
    refuses(&|receipt| receipt.checkpoint = unsigned.clone(), "NOT_SIGNED");
    let text = good.checkpoint.to_string().replace("\n3\n", "\n4\n");
    let forged = shilu_merkle::SignedCheckpoint::parse(text.as_bytes()).unwrap();
    refuses(&|receipt| receipt.checkpoint = forged.clone(), "FORGED_SIGNATURE");

    assert_eq!(refused(&good, &args(&[2])), ("QUORUM_MISSING".to_owned(), 1));
    assert_eq!(refused(&good, &args(&[1, 2])), ("QUORUM_MISSING".to_owned(), 1));
    let mut elsewhere = event(None);
    elsewhere.position = Position::new(2);
    assert_eq!(
        refused(&receipt_in(ORIGIN, &elsewhere), &args(&[])),
        ("POSITION_DIFFERS".to_owned(), 1)
    );
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let good = receipt_in(ORIGIN, &event(None));
    let mut bad = args(&[]);
    bad.key = "example.org/village+00000000+AQ==".to_owned();
    assert_eq!(refused(&good, &bad), ("BAD_KEY".to_owned(), 2));
    bad.key = witness_key(1).verifier().to_string();
    assert_eq!(refused(&good, &bad), ("BAD_KEY".to_owned(), 2));
    let twice = args(&[1, 1]);
    assert_eq!(refused(&good, &twice), ("USAGE".to_owned(), 2));
    let mut many = args(&[1]);
    many.quorum = Some(2);
    assert_eq!(refused(&good, &many), ("USAGE".to_owned(), 2));
    for (text, code) in [
        ("", "BAD_RECEIPT"),
        ("c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n\nx", "BAD_NOTE"),
    ] {
        let error = CliError::from(Receipt::parse(text.as_bytes()).unwrap_err());
        assert_eq!((error.code(), error.exit()), (code, 2));
    }
}
