//! Arbitrary events, from the types alone: also such as `decide` would never make.

use proptest::{collection::vec, option, prelude::*};

use crate::{
    event::{
        Action, Because, Change, Event, Observed, Outcome, Place, Signature, Source, Stated, Verdict, Visit,
    },
    id::EventId,
    position::Position,
    time::{Day, Timestamp},
    value::Value,
};

/// Texts of up to 12 characters and, rarely, ones whose length takes more than a byte. Leaked: the events of a test
/// borrow from it for as long as it runs.
pub fn text() -> impl Strategy<Value = &'static str> {
    let text = prop_oneof![9 => ".{0,12}", 1 => "[a登]{240,300}"];
    text.prop_map(|text| &*text.leak())
}

fn bytes() -> impl Strategy<Value = &'static [u8]> {
    vec(any::<u8>(), 0..40).prop_map(|bytes| &*bytes.leak())
}

/// Numbers of every encoded width.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..300_u64,
        65_000..66_000_u64,
        any::<u32>().prop_map(u64::from),
        any::<u64>()
    ]
}

pub fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![-300..300_i64, any::<i64>()].prop_map(Timestamp::from_micros)
}

pub fn id() -> impl Strategy<Value = EventId> {
    any::<[u8; 16]>().prop_map(EventId::from_bytes)
}

pub fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        text().prop_map(Value::Text),
        prop_oneof![-300..300_i64, any::<i64>()].prop_map(Value::Integer),
        text().prop_map(Value::Decimal),
        any::<bool>().prop_map(Value::Boolean),
        any::<i32>().prop_map(|day| Value::Date(Day::from_number(day))),
        text().prop_map(Value::Reference),
        bytes().prop_map(Value::Sealed),
    ]
}

fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn source() -> impl Strategy<Value = Source<'static>> {
    let import = (any::<[u8; 32]>(), text(), number());
    prop_oneof![
        Just(Source::Field),
        import.prop_map(|(sha256, file, row)| Source::Import { sha256, file, row }),
        Just(Source::System),
    ]
}

fn because() -> impl Strategy<Value = Because<'static>> {
    prop_oneof![
        Just(Because::MovedOut),
        Just(Because::Demolished),
        Just(Because::Closed),
        Just(Because::Deceased),
        text().prop_map(Because::DuplicateOf),
        Just(Because::Erroneous),
        Just(Because::AbsentFromExtract),
    ]
}

fn change() -> impl Strategy<Value = Change<'static>> {
    let parts = (text(), option::of(value()), option::of(value()), any::<bool>());
    parts.prop_map(|(field, before, after, before_stated)| Change {
        field,
        before,
        after,
        before_stated,
    })
}

fn observed() -> impl Strategy<Value = Observed<'static>> {
    (text(), option::of(value()), word(Verdict::ALL)).prop_map(|(field, value, verdict)| Observed {
        field,
        value,
        verdict,
    })
}

/// The smallest changes, many of them: what takes most memory per stored byte.
fn many_changes() -> impl Strategy<Value = Vec<Change<'static>>> {
    let tiny = Change {
        field: "f",
        before: None,
        after: Some(Value::Boolean(true)),
        before_stated: false,
    };
    (0..900_usize).prop_map(move |count| vec![tiny; count])
}

fn visit() -> impl Strategy<Value = Visit> {
    let place = (any::<i32>(), any::<i32>(), any::<u32>());
    let place = place.prop_map(|(lat_e7, lon_e7, accuracy_m)| Place {
        lat_e7,
        lon_e7,
        accuracy_m,
    });
    let parts = (
        option::of(time()),
        option::of(time()),
        option::of(number()),
        option::of(place),
    );
    parts.prop_map(|(begun, entered, seq, place)| Visit {
        begun,
        entered,
        seq,
        place,
    })
}

fn stated() -> impl Strategy<Value = Stated> {
    let bits = [
        Stated::ID,
        Stated::EFFECTIVE,
        Stated::ORIGIN,
        Stated::EXPECTED_VERSION,
        Stated::AREA,
    ];
    any::<[bool; 5]>().prop_map(move |set| {
        let pairs = bits.into_iter().zip(set);
        pairs.fold(Stated::default(), |stated, (bit, set)| stated.with(bit, set))
    })
}

/// Any event. Few are too large to be stored.
pub fn event() -> impl Strategy<Value = Event<'static>> {
    let place = (number(), id(), time(), time(), word(Action::ALL));
    let record = (text(), text(), any::<u32>(), text(), text());
    let how = (
        option::of(text()),
        source(),
        option::of(text()),
        option::of(because()),
    );
    let signature = (any::<u32>(), bytes()).prop_map(|(key_id, bytes)| Signature { key_id, bytes });
    let rest = (
        option::of(id()),
        stated(),
        option::of(visit()),
        option::of(signature),
    );
    let found = (
        prop_oneof![9 => vec(change(), 0..8), 1 => many_changes()],
        option::of(word(Outcome::ALL)),
        vec(observed(), 0..8),
    );
    (place, record, how, found, rest).prop_map(|(place, record, how, found, rest)| Event {
        position: Position::new(place.0),
        id: place.1,
        recorded: place.2,
        effective: place.3,
        action: place.4,
        kind: record.0,
        key: record.1,
        version: record.2,
        area: record.3,
        actor: record.4,
        device: how.0,
        source: how.1,
        reason: how.2,
        changes: found.0,
        outcome: found.1,
        observed: found.2,
        because: how.3,
        cause: rest.0,
        stated: rest.1,
        visit: rest.2,
        signature: rest.3,
    })
}
