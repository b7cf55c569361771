//! What is written can be read for ever, has one form, and no bytes whatsoever do harm.

use std::collections::BTreeSet;

use bincode::error::DecodeError;
use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{
    event::{Action, Because, Change, Observed, Outcome, Place, Signature, Source, Stated, Verdict, Visit},
    id::EventId,
    position::Position,
    testing::any as arbitrary,
    time::{Day, Timestamp},
    value::Value,
};

const FIXTURE: &str = include_str!("../../fixtures/event-1.hex");

fn encoded(event: &Event<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(event, &mut bytes).unwrap();
    bytes
}

/// The shortest event there is.
fn least() -> Event<'static> {
    Event {
        position: Position::ZERO,
        id: EventId::from_bytes([0; 16]),
        recorded: Timestamp::from_micros(0),
        effective: Timestamp::from_micros(0),
        action: Action::Register,
        kind: "",
        key: "",
        version: 0,
        area: "",
        actor: "",
        device: None,
        source: Source::Field,
        reason: None,
        changes: Vec::new(),
        outcome: None,
        observed: Vec::new(),
        because: None,
        cause: None,
        stated: Stated::default(),
        visit: None,
        signature: None,
    }
}

/// Where the stored form of [`least`] has the number of changes.
const COUNT_OF_CHANGES: usize = 29;

#[test]
fn the_shortest_event_has_37_bytes() {
    let mut expected = vec![FORMAT];
    expected.extend([0; 19]); // position, id, recorded, effective
    expected.push(2); // register
    expected.extend([0; 16]);
    assert_eq!(encoded(&least()), expected);
    let mut one = least();
    one.changes = vec![tiny_change()];
    assert_eq!(encoded(&one)[COUNT_OF_CHANGES], 1);
}

fn tiny_change() -> Change<'static> {
    Change {
        field: "",
        before: None,
        after: None,
        before_stated: false,
    }
}

fn with_reason_of(bytes: usize) -> Event<'static> {
    Event {
        reason: Some("r".repeat(bytes).leak()),
        ..least()
    }
}

#[test]
fn an_event_of_6144_bytes_is_taken_and_one_of_6145_leaves_the_buffer_as_it_was() {
    // A text of more than 250 bytes is preceded by three bytes of length, an empty one by one.
    let room = 6_144 - encoded(&with_reason_of(0)).len() - 2;
    let largest = encoded(&with_reason_of(room));
    assert_eq!(largest.len(), 6_144);
    assert_eq!(decode_canonical(&largest).unwrap(), with_reason_of(room));

    let mut buffer = b"before".to_vec();
    let error = encode(&with_reason_of(room + 1), &mut buffer).unwrap_err();
    assert!(
        matches!(
            error,
            CodecError::TooLarge {
                bytes: 6_145,
                max: 6_144
            }
        ),
        "{error}"
    );
    assert_eq!(buffer, b"before");
}

#[test]
fn as_many_small_parts_as_fit_can_be_read_again() {
    let room = 6_144 - encoded(&least()).len() - 2;
    let changes = Event {
        changes: vec![tiny_change(); room / 4],
        ..least()
    };
    let seen = Observed {
        field: "",
        value: None,
        verdict: Verdict::NotSeen,
    };
    let observed = Event {
        observed: vec![seen; room / 3],
        ..least()
    };
    for event in [changes, observed] {
        let bytes = encoded(&event);
        assert!(bytes.len() > 6_144 - 4);
        assert_eq!(decode_canonical(&bytes).unwrap(), event);
    }
}

#[test]
fn a_forged_length_is_refused_before_memory_is_taken_for_it() {
    let bytes = encoded(&least());
    for (place, what) in [(COUNT_OF_CHANGES, "changes"), (COUNT_OF_CHANGES + 2, "observed")] {
        assert_eq!(bytes[place], 0);
        for count in [10_000, 1 << 20, 1 << 40, u64::MAX] {
            let mut forged = bytes[..place].to_vec();
            forged.push(253);
            forged.extend(count.to_le_bytes());
            forged.extend(&bytes[place + 1..]);
            let refused = decode(&forged);
            let limit = matches!(refused, Err(CodecError::Malformed(DecodeError::LimitExceeded)));
            assert!(limit, "{what} {count}: {refused:?}");
        }
    }
}

#[test]
fn other_formats_are_named() {
    for first in [None, Some(0), Some(2), Some(255)] {
        let bytes: Vec<u8> = first.into_iter().collect();
        let error = decode(&bytes).unwrap_err();
        assert!(
            matches!(error, CodecError::UnknownFormat { found } if found == first),
            "{error}"
        );
    }
}

#[test]
fn a_number_in_more_bytes_than_it_needs_is_read_but_not_canonical() {
    let bytes = encoded(&least());
    let mut long = vec![FORMAT, 251, 0, 0];
    long.extend(&bytes[2..]);
    assert_eq!(decode(&long).unwrap(), least());
    assert!(matches!(decode_canonical(&long), Err(CodecError::NotCanonical)));
}

#[test]
fn texts_are_utf_8_and_truths_are_0_or_1() {
    let mut event = least();
    event.key = "k";
    event.changes = vec![tiny_change()];
    let bytes = encoded(&event);
    let stated = COUNT_OF_CHANGES + 1 + 4;
    let key = bytes.iter().position(|byte| *byte == b'k').unwrap();
    assert_eq!(bytes[stated], 0);
    for (place, byte) in [(stated, 2), (key, 0xff)] {
        let mut bad = bytes.clone();
        bad[place] = byte;
        assert!(matches!(decode(&bad), Err(CodecError::Malformed(_))), "{place}");
    }
}

/// An event, the way it may be damaged, and where.
fn damaged() -> impl Strategy<Value = (Vec<u8>, usize, u8, u8)> {
    let storable = arbitrary::event().prop_filter_map("too large", |event| {
        let mut bytes = Vec::new();
        encode(&event, &mut bytes).ok().map(|_| bytes)
    });
    (storable, any::<Index>(), 0..3_u8, any::<u8>())
        .prop_map(|(bytes, place, how, byte)| (bytes.clone(), place.index(bytes.len()), how, byte))
}

/// Bytes are refused, or are the one form of what they say.
fn harmless(bytes: &[u8]) -> Result<(), TestCaseError> {
    let event = decode(bytes);
    if let Ok(event) = &event {
        let size = size_of::<Change<'_>>();
        prop_assert!(event.changes.capacity() * size <= DECODE_LIMIT_BYTES);
        prop_assert!(event.observed.capacity() * size_of::<Observed<'_>>() <= DECODE_LIMIT_BYTES);
        prop_assert_eq!(encodes_to(event, bytes), decode_canonical(bytes).is_ok());
    }
    match decode_canonical(bytes) {
        Ok(canonical) => {
            prop_assert_eq!(&encoded(&canonical)[..], bytes);
            prop_assert_eq!(canonical, event.unwrap());
        }
        Err(CodecError::NotCanonical | CodecError::TooLarge { .. }) => prop_assert!(event.is_ok()),
        Err(_) => prop_assert!(event.is_err()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_written_is_read_back(event in arbitrary::event(), before in proptest::collection::vec(0..9_u8, 0..4)) {
        let mut buffer = before.clone();
        match encode(&event, &mut buffer) {
            Ok(length) => {
                let (left, bytes) = buffer.split_at(before.len());
                prop_assert_eq!(left, &before[..]);
                prop_assert_eq!(bytes.len(), length);
                prop_assert!(length <= Event::BYTES_MAX);
                prop_assert_eq!(&decode(bytes).unwrap(), &event);
                prop_assert_eq!(&decode_canonical(bytes).unwrap(), &event);
                prop_assert!(encodes_to(&event, bytes));
                prop_assert!(!encodes_to(&event, &bytes[..length - 1]));
                prop_assert!(!encodes_to(&event, &[bytes, &[0]].concat()));
            }
            Err(error) => {
                let too_large = matches!(error, CodecError::TooLarge { bytes, .. } if bytes > Event::BYTES_MAX);
                prop_assert!(too_large, "{error}");
                prop_assert_eq!(buffer, before);
            }
        }
    }

    #[test]
    fn a_part_of_an_event_is_no_event_and_neither_is_more_than_one((bytes, place, _, more) in damaged()) {
        prop_assert!(decode(&bytes[..place]).is_err());
        let mut longer = bytes.clone();
        longer.extend(vec![more; place % 3 + 1]);
        match decode(&longer) {
            Err(CodecError::TrailingBytes { extra }) => prop_assert_eq!(extra, place % 3 + 1),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_changed_added_or_lost_byte_does_no_harm((mut bytes, place, how, byte) in damaged()) {
        match how {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            _ => drop(bytes.remove(place)),
        }
        harmless(&bytes)?;
    }

    #[test]
    fn no_bytes_do_harm(mut bytes in proptest::collection::vec(prop_oneof![0..3_u8, 245..=255_u8, 0..=255_u8], 0..200), ours: bool) {
        if ours && let Some(first) = bytes.first_mut() {
            *first = FORMAT;
        }
        harmless(&bytes)?;
    }
}

// ---- the fixture of format 1

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fixture's events: hexadecimal digits over any number of lines, `#` begins a comment, a rule `--` ends an event.
fn stored() -> Vec<Vec<u8>> {
    let digits = |event: &str| {
        let lines = event.lines().map(|line| line.split('#').next().unwrap_or(""));
        lines.collect::<String>().split_whitespace().collect::<String>()
    };
    let bytes = |digits: String| {
        let pairs = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    FIXTURE
        .split("\n--\n")
        .map(digits)
        .filter(|digits| !digits.is_empty())
        .map(bytes)
        .collect()
}

/// What the fixture says, for ever.
fn expected() -> Vec<Event<'static>> {
    let id = |last| {
        EventId::from_bytes([
            0x01, 0x9a, 0xd0, 0x9e, 0x9a, 0x3c, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, last,
        ])
    };
    let change = |field, before, after, before_stated| Change {
        field,
        before,
        after,
        before_stated,
    };
    let base = Event {
        position: Position::new(0),
        id: id(1),
        recorded: Timestamp::from_micros(1_763_864_204_000_000),
        effective: Timestamp::from_micros(1_763_864_204_000_000),
        action: Action::Collect,
        kind: "street",
        key: "110101001",
        version: 1,
        area: "110101",
        actor: "officer-007",
        ..least()
    };
    let collect = Event {
        changes: vec![
            change("name", None, Some(Value::Text("东华门街道")), false),
            change("closed", None, None, false),
        ],
        stated: Stated::ID,
        ..base.clone()
    };
    let correct = Event {
        position: Position::new(250),
        id: id(2),
        effective: Timestamp::from_micros(-1),
        action: Action::Correct,
        version: 251,
        device: Some("tablet-3"),
        source: Source::Import {
            sha256: std::array::from_fn(|index| u8::try_from(index).unwrap()),
            file: "街道.csv",
            row: 65_536,
        },
        reason: Some("misread"),
        changes: vec![
            change("text", Some(Value::Text("a")), None, true),
            change(
                "integer",
                Some(Value::Integer(-1)),
                Some(Value::Integer(1 << 53)),
                true,
            ),
            change("decimal", None, Some(Value::Decimal("-0.5")), true),
            change(
                "boolean",
                Some(Value::Boolean(false)),
                Some(Value::Boolean(true)),
                false,
            ),
            change("date", None, Some(Value::Date(Day::from_number(-719_162))), false),
            change("reference", None, Some(Value::Reference("address/7")), false),
            change("sealed", None, Some(Value::Sealed(&[0, 255, 127])), false),
        ],
        cause: Some(id(1)),
        stated: Stated::ORIGIN.with(Stated::EXPECTED_VERSION, true),
        visit: Some(Visit::default()),
        signature: Some(Signature {
            key_id: 4_294_967_295,
            bytes: &[0xab; 64],
        }),
        ..base.clone()
    };
    let verify = Event {
        position: Position::new(65_536),
        id: id(3),
        action: Action::Verify,
        version: 65_535,
        outcome: Some(Outcome::Present),
        observed: vec![
            Observed {
                field: "name",
                value: Some(Value::Text("东华门街道")),
                verdict: Verdict::Equal,
            },
            Observed {
                field: "rooms",
                value: None,
                verdict: Verdict::Differs,
            },
            Observed {
                field: "owner",
                value: None,
                verdict: Verdict::NotSeen,
            },
        ],
        stated: Stated::EFFECTIVE.with(Stated::AREA, true),
        visit: Some(Visit {
            begun: Some(Timestamp::from_micros(1_763_864_000_000_000)),
            entered: Some(Timestamp::from_micros(1_763_864_100_000_000)),
            seq: Some(41),
            place: Some(Place {
                lat_e7: 301_200_000,
                lon_e7: -1_207_900_000,
                accuracy_m: 8,
            }),
        }),
        ..base.clone()
    };
    let outcomes = [
        Outcome::Gone,
        Outcome::Unregistered,
        Outcome::UnknownHere,
        Outcome::NoContact,
        Outcome::Refused,
    ];
    let checks = outcomes.map(|outcome| Event {
        action: Action::Verify,
        outcome: Some(outcome),
        ..base.clone()
    });
    let reasons = [
        Because::MovedOut,
        Because::Demolished,
        Because::Closed,
        Because::Deceased,
        Because::DuplicateOf("street/110101002"),
        Because::Erroneous,
        Because::AbsentFromExtract,
    ];
    let deregistrations = reasons.map(|because| Event {
        action: Action::Deregister,
        because: Some(because),
        ..base.clone()
    });
    let register = Event {
        position: Position::new(4_294_967_294),
        action: Action::Register,
        recorded: Timestamp::MAX,
        effective: Timestamp::MIN,
        ..base.clone()
    };
    let administrative = [Action::Configure, Action::Appoint, Action::Dismiss, Action::Erase];
    let administrative = administrative.map(|action| Event {
        action,
        kind: "",
        key: "",
        area: "",
        source: Source::System,
        ..base.clone()
    });
    [collect, correct, register, verify]
        .into_iter()
        .chain(checks)
        .chain(deregistrations)
        .chain(administrative)
        .collect()
}

#[test]
fn format_1_is_read_and_written_as_ever() {
    let stored = stored();
    let expected = expected();
    assert_eq!(stored.len(), expected.len());
    for (bytes, event) in stored.iter().zip(&expected) {
        assert_eq!(&decode_canonical(bytes).unwrap(), event);
        assert_eq!(hex(&encoded(event)), hex(bytes), "{event:?}");
    }
}

#[test]
fn the_fixture_has_every_word_of_format_1() {
    let events = expected();
    let words = |word: &dyn Fn(&Event<'static>) -> Vec<&'static str>| -> BTreeSet<&str> {
        events.iter().flat_map(word).collect()
    };
    let actions = words(&|event| vec![event.action.word()]);
    let outcomes = words(&|event| event.outcome.iter().map(|outcome| outcome.word()).collect());
    let verdicts = words(&|event| event.observed.iter().map(|seen| seen.verdict.word()).collect());
    let reasons = words(&|event| event.because.iter().map(|because| because.word()).collect());
    let values = words(&|event| {
        event
            .changes
            .iter()
            .filter_map(|change| change.after)
            .map(type_of)
            .collect()
    });
    let sources = words(&|event| {
        vec![match event.source {
            Source::Field => "field",
            Source::Import { .. } => "import",
            Source::System => "system",
        }]
    });
    assert_eq!(actions.len(), Action::ALL.len());
    assert_eq!(outcomes.len(), Outcome::ALL.len());
    assert_eq!(verdicts.len(), Verdict::ALL.len());
    assert_eq!(sources.len(), 3);
    assert_eq!(reasons.len(), 7);
    assert_eq!(values.len(), 7);
}

/// A new variant of [`Value`] stops this from compiling: put one into the fixture of the new format.
fn type_of(value: Value<'_>) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Integer(_) => "integer",
        Value::Decimal(_) => "decimal",
        Value::Boolean(_) => "boolean",
        Value::Date(_) => "date",
        Value::Reference(_) => "reference",
        Value::Sealed(_) => "sealed",
    }
}
