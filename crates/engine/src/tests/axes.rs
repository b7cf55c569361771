//! Both axes and late truth: whatever is asked of a random history at any (E, K), a naive model that folds all
//! events from the start says the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shilu_model::{Action, Day, OwnedValue, Position, RecordName, Status, Timestamp, Verdict};

use super::{
    history::{AREAS, Annals, CHECKERS, DEVICES, Dice, FIELDS, WORKERS},
    naive::{Known, Naive, Pair, Seen},
    name,
};
use crate::{AsOf, At, By, ChangesQuery, DiffQuery, Engine, FigureQuery, ListQuery};

const SPLITS: [By; 3] = [By::Whole, By::Area, By::Actor];

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_the_naive_one(seed: u64, commands in 30usize..320) {
        let annals = Annals::told(seed, commands);
        agrees(annals.engine(), &mut Dice::new(!seed), 1);
        log_is_sound(&annals);
    }
}

/// The histories above are worth asking about: they hold everything that can happen, and late events in plenty.
#[test]
fn histories_hold_everything() {
    let (mut late, mut events, mut reopened) = (0, 0, 0);
    let mut seen = BTreeSet::new();
    for seed in 0..4 {
        let annals = Annals::told(seed, 250);
        let naive = Naive::of(annals.engine());
        for (place, event) in naive.events.iter().enumerate() {
            late += usize::from(naive.events[..place].iter().any(|earlier| {
                (&earlier.kind, &earlier.key) == (&event.kind, &event.key)
                    && earlier.effective > event.effective
            }));
            seen.insert(event.action.word().to_owned());
            seen.extend(event.outcome.map(|outcome| outcome.word().to_owned()));
            seen.extend(
                event
                    .observed
                    .iter()
                    .map(|(_, _, verdict)| verdict.word().to_owned()),
            );
        }
        for event in naive.events.iter().skip(1) {
            let pair = Pair {
                effective: event.effective,
                known: Known::Through(event.position),
            };
            let status = naive
                .state(&RecordName::new(&event.kind, &event.key).unwrap(), pair)
                .status;
            seen.insert(status.word().to_owned());
        }
        seen.extend(annals.refused.iter().map(|code| (*code).to_owned()));
        reopened += annals.reopened;
        events += naive.events.len();
    }
    assert!(
        late > 60 && events > 300 && reopened > 4,
        "{late} of {events}, {reopened}"
    );
    for word in [
        "collect",
        "correct",
        "register",
        "deregister",
        "verify",
        "present",
        "gone",
        "unregistered",
        "unknown-here",
        "no-contact",
        "refused",
        "equal",
        "differs",
        "not-seen",
        "found",
        "collected",
        "registered",
        "deregistered",
        "void",
        "BEFORE_COLLECTED",
        "VALUE_DIFFERS",
        "OWN_WORK",
        "EFFECTIVE_IN_FUTURE",
        "EFFECTIVE_TOO_EARLY",
        "ALREADY_REGISTERED",
        "NOT_REGISTERED",
        "RECORD_VOID",
        "VERSION_CONFLICT",
        "NOTHING_CHANGES",
    ] {
        assert!(seen.contains(word), "{word} is not in {seen:?}");
    }
}

/// Asks everything at many pairs. `thrift` divides the number of pairs.
pub fn agrees(engine: &Engine, dice: &mut Dice, thrift: usize) {
    let naive = Naive::of(engine);
    assert_eq!(naive.events.len(), usize::try_from(engine.end().get()).unwrap());
    let zone = engine.campaign().zone;
    let last = naive.events.last().unwrap().recorded;
    let (first_day, last_day) = (zone.day_of(naive.events[0].recorded), zone.day_of(last));
    let day_end = |dice: &mut Dice| {
        let (first, last) = (i64::from(first_day.number()), i64::from(last_day.number()));
        // Late events reach back before the first; beyond the last nothing happens any more.
        zone.end_of(Day::from_number(
            i32::try_from(dice.range(first - 40, last + 2)).unwrap(),
        ))
    };
    let instant = |dice: &mut Dice| {
        let event = dice.pick(&naive.events);
        let near = dice.range(-1, 2);
        let time = if dice.percent(50) {
            event.effective
        } else {
            event.recorded
        };
        match dice.below(4) {
            0 => day_end(dice),
            1 => day_end(dice).plus_micros(near),
            _ => time.plus_micros(near),
        }
    };
    let mut pairs = vec![
        (AsOf::Now, None),
        (AsOf::Now, Some(last)),
        (AsOf::Now, Some(Timestamp::MAX)),
    ];
    for _ in 0..12 / thrift {
        pairs.push((AsOf::Now, Some(day_end(dice))));
        pairs.push((AsOf::Time(day_end(dice)), None));
        pairs.push((AsOf::Time(instant(dice)), Some(instant(dice))));
        pairs.push((AsOf::Time(instant(dice)), None));
        let position = Position::new(dice.next() % engine.end().get());
        pairs.push((AsOf::Position(position), None));
        pairs.push((AsOf::Position(position), Some(instant(dice))));
        pairs.push((AsOf::Now, Some(instant(dice))));
    }
    let mut earlier = None;
    for (as_of, effective) in pairs {
        let at = engine.at(as_of, effective).unwrap();
        let known = match as_of {
            AsOf::Now => Known::All,
            AsOf::Time(time) => Known::Until(time),
            AsOf::Position(position) => Known::Through(position.get()),
        };
        let default = match as_of {
            AsOf::Now => engine.now(),
            AsOf::Time(time) => time,
            AsOf::Position(position) => naive.events[usize::try_from(position.get()).unwrap()].recorded,
        };
        let pair = Pair {
            effective: effective.unwrap_or(default),
            known,
        };
        let asked = Asked {
            engine,
            naive: &naive,
            at,
            pair,
        };
        asked.figures(dice);
        asked.one_by_one();
        asked.listed(dice);
        if let Some(earlier) = earlier.replace((at, pair)) {
            asked.differs(earlier, dice);
        }
    }
    changes(engine, &naive, dice);
    for name in naive.names() {
        history(engine, &naive, &name, dice);
    }
}

struct Asked<'a> {
    engine: &'a Engine,
    naive: &'a Naive,
    at: At,
    pair: Pair,
}

impl Asked<'_> {
    fn figures(&self, dice: &mut Dice) {
        let area = dice
            .pick(&["north", "south", "rooms", "", "nowhere", "anna"])
            .to_owned();
        for (by, area) in SPLITS
            .into_iter()
            .flat_map(|by| [(by, None), (by, Some(area.clone()))])
        {
            let query = FigureQuery {
                at: self.at,
                by,
                area: area.clone(),
            };
            // The same pair in a form that is on no kept axis: one pass over all records.
            let off_axis = At {
                known: self.at.known.plus_micros(1),
                now: false,
                ..self.at
            };
            for at in [self.at, off_axis] {
                let query = FigureQuery { at, ..query.clone() };
                let counts = self.engine.counts(&query).unwrap();
                assert_eq!(counts.at.known_end, self.at.known_end);
                let rows = counts.items.into_iter();
                let rows: Vec<_> = rows
                    .map(|row| (row.kind, row.status, row.area, row.actor, row.count))
                    .collect();
                assert_eq!(
                    rows,
                    self.naive.counts(self.pair, by, area.as_deref()),
                    "{:?} {query:?}",
                    self.pair
                );

                let rates = self.engine.rates(&query).unwrap().items;
                for rate in &rates {
                    let share = (rate.share.denominator > 0)
                        .then(|| float(rate.share.numerator) / float(rate.share.denominator));
                    assert_eq!(rate.share.value, share);
                    let checked = rate.indicator.ends_with(".accuracy") && share.is_some();
                    assert_eq!(rate.share.interval.is_some(), checked);
                    assert!(
                        rate.share
                            .interval
                            .is_none_or(|(low, high)| low <= share.unwrap() && share.unwrap() <= high)
                    );
                }
                let rows = rates.into_iter().map(|rate| {
                    let figure = (rate.share.numerator, rate.share.denominator, rate.share.unknown);
                    (rate.indicator, rate.area, rate.actor, figure)
                });
                let rows: Vec<_> = rows.collect();
                assert_eq!(
                    rows,
                    self.naive.rates(self.pair, by, area.as_deref()),
                    "{:?} {query:?}",
                    self.pair
                );
            }
        }
    }

    fn one_by_one(&self) {
        for name in self.naive.names() {
            let seen = self.naive.state(&name, self.pair);
            let (view, blame) = (
                self.engine.record(&name, self.at),
                self.engine.blame(&name, self.at),
            );
            if seen.status == Status::Absent {
                assert_eq!(
                    (view.unwrap_err().code(), blame.unwrap_err().code()),
                    ("NO_RECORD", "NO_RECORD")
                );
                continue;
            }
            let view = view.unwrap();
            assert_eq!(
                (view.status, &view.area, view.version, &view.fields),
                (
                    seen.status,
                    &seen.area,
                    seen.version,
                    &self.naive.shown(&name, &seen)
                ),
                "{name} {:?}",
                self.pair
            );
            let told = blame
                .unwrap()
                .into_iter()
                .map(|blame| (blame.field, blame.value, blame.event.event().position.get()));
            let campaign = self.engine.campaign();
            let fields = campaign.kind(name.kind()).unwrap().fields.iter();
            let expected = fields.filter_map(|field| {
                let (value, position) = seen.fields.get(&field.id)?;
                Some((field.id.clone(), value.clone(), *position))
            });
            assert_eq!(
                told.collect::<Vec<_>>(),
                expected.collect::<Vec<_>>(),
                "{name} {:?}",
                self.pair
            );
        }
    }

    fn listed(&self, dice: &mut Dice) {
        let some = |dice: &mut Dice, from: &[&str]| dice.percent(30).then(|| dice.pick(from).to_owned());
        let mut query = ListQuery {
            kind: some(dice, &["dwelling", "shop"]),
            area: some(dice, &AREAS),
            status: dice.percent(30).then(|| dice.pick(&Status::SHOWN)),
            found_too: dice.percent(50),
            text: some(dice, &["1", "anna", "东", "ooms", "dwelling/1"]),
            at: self.at,
            after: None,
            limit: 1 + dice.below(5),
        };
        let contains = |name: &RecordName, seen: &Seen, text: &str| {
            let mut shown = self.naive.shown(name, seen).into_iter();
            name.key().contains(text)
                || shown.any(|(_, value)| {
                    matches!(value, OwnedValue::Text(value) | OwnedValue::Reference(value) if value.contains(text))
                })
        };
        let expected = self.naive.all(self.pair).into_iter().filter(|(name, seen)| {
            query.kind.as_ref().is_none_or(|kind| kind == name.kind())
                && query.area.as_ref().is_none_or(|area| *area == seen.area)
                && match query.status {
                    Some(status) => seen.status == status,
                    None => query.found_too || seen.status != Status::Found,
                }
                && query.text.as_ref().is_none_or(|text| contains(name, seen, text))
        });
        let expected: Vec<_> = expected
            .map(|(name, seen)| (name, seen.status, seen.version))
            .collect();
        let mut listed = Vec::new();
        loop {
            let page = self.engine.records(&query).unwrap();
            assert!(page.items.len() == query.limit || page.next.is_none());
            listed.extend(
                page.items
                    .into_iter()
                    .map(|view| (view.name, view.status, view.version)),
            );
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        assert_eq!(listed, expected, "{query:?}");
    }

    fn differs(&self, (from, from_pair): (At, Pair), dice: &mut Dice) {
        let mut query = DiffQuery {
            from,
            to: self.at,
            area: dice.percent(40).then(|| dice.pick(&AREAS).to_owned()),
            kind: dice.percent(30).then(|| "dwelling".to_owned()),
            after: None,
            limit: 1 + dice.below(6),
        };
        let mut expected = Vec::new();
        for name in self.naive.names() {
            let (before, after) = (
                self.naive.state(&name, from_pair),
                self.naive.state(&name, self.pair),
            );
            let in_area = |area: &String| [&before, &after].iter().any(|seen| seen.area == *area);
            if query.kind.as_ref().is_some_and(|kind| kind != name.kind())
                || query.area.as_ref().is_some_and(|area| !in_area(area))
            {
                continue;
            }
            let campaign = self.engine.campaign();
            let value =
                |seen: &Seen, field: &str| seen.fields.get(field).and_then(|(value, _)| value.clone());
            let fields = campaign.kind(name.kind()).unwrap().fields.iter();
            let changes = fields.filter_map(|field| {
                let (old, new) = (value(&before, &field.id), value(&after, &field.id));
                (old != new).then(|| (field.id.clone(), old, new))
            });
            let changes: Vec<_> = changes.collect();
            if before.status != after.status || !changes.is_empty() {
                expected.push((name, (before.status, after.status), changes));
            }
        }
        let mut told = Vec::new();
        loop {
            let page = self.engine.diff(&query).unwrap();
            assert!(page.items.len() == query.limit || page.next.is_none());
            told.extend(
                page.items
                    .into_iter()
                    .map(|item| (item.name, item.status, item.changes)),
            );
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        assert_eq!(told, expected, "{from_pair:?} {:?} {query:?}", self.pair);
    }
}

fn changes(engine: &Engine, naive: &Naive, dice: &mut Dice) {
    let some = |dice: &mut Dice, from: &[&str]| dice.percent(20).then(|| dice.pick(from).to_owned());
    let files: [String; 2] = ["00".repeat(32), "01".repeat(32)];
    let mut found = 0;
    for _ in 0..60 {
        let recorded = |dice: &mut Dice| {
            let near = dice.range(-1, 2);
            dice.percent(25)
                .then(|| dice.pick(&naive.events).recorded.plus_micros(near))
        };
        let mut query = ChangesQuery {
            actor: some(dice, &[&WORKERS[..], &CHECKERS, &["mayor", "south"]].concat()),
            action: dice.percent(20).then(|| dice.pick(Action::ALL)),
            kind: some(dice, &["dwelling", "shop", "nothing"]),
            area: some(dice, &AREAS),
            field: some(dice, &FIELDS),
            record: dice
                .percent(20)
                .then(|| name(dice.pick(&["dwelling/1", "shop/东", "dwelling/rooms", "shop/0"]))),
            device: some(dice, &DEVICES),
            source: some(
                dice,
                &["field", "import", "system", &files[0], &files[1], "other"],
            ),
            from: recorded(dice),
            to: recorded(dice),
            before: None,
            limit: 1 + dice.below(8),
        };
        let mut told = Vec::new();
        loop {
            let page = engine.changes(&query).unwrap();
            assert!(page.items.len() == query.limit || page.next.is_none());
            told.extend(page.items.iter().map(|stored| stored.event().position.get()));
            match page.next {
                Some(next) => query.before = Some(next),
                None => break,
            }
        }
        query.before = None;
        assert_eq!(told, naive.changes(&query), "{query:?}");
        found += told.len();
    }
    assert!(found > 0);
}

fn history(engine: &Engine, naive: &Naive, name: &RecordName, dice: &mut Dice) {
    let mut from = Position::ZERO;
    let mut told = Vec::new();
    loop {
        let page = engine.history(name, from, 1 + dice.below(4)).unwrap();
        told.extend(page.items.iter().map(|stored| stored.event().position.get()));
        match page.next {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(told, naive.history(name));
}

/// What was answered is what the log holds, and every event was judged at (its effective time, then).
fn log_is_sound(annals: &Annals) {
    let engine = annals.engine();
    let naive = Naive::of(engine);
    let mut positions = BTreeSet::new();
    for (list, accepted) in &annals.taken {
        assert_eq!(list.len(), accepted.len());
        for ((command, one), place) in list.iter().zip(accepted).zip(0u64..) {
            assert_eq!(
                one.position,
                accepted[0].position.plus(place),
                "a list stands together"
            );
            let stored = engine.event(one.id).unwrap();
            let event = stored.event();
            assert!(command.is_retry_of(&event));
            assert_eq!(
                (
                    event.position,
                    event.version,
                    event.recorded,
                    event.kind,
                    event.key
                ),
                (
                    one.position,
                    one.version,
                    one.recorded,
                    one.record.kind(),
                    one.record.key()
                )
            );
            positions.insert(one.position.get());
        }
    }
    assert_eq!(
        positions,
        (1..engine.end().get()).collect(),
        "what was refused has left nothing"
    );

    for event in naive.events.iter().skip(1) {
        assert!(event.effective <= event.recorded);
        assert!(event.recorded >= naive.events[usize::try_from(event.position).unwrap() - 1].recorded);
        let name = RecordName::new(&event.kind, &event.key).unwrap();
        let at = |position| Pair {
            effective: event.effective,
            known: Known::Through(position),
        };
        let (before, after) = (
            naive.state(&name, at(event.position - 1)),
            naive.state(&name, at(event.position)),
        );
        assert_eq!(event.version, after.version, "versions have no gap");
        let held = |field: &String| before.fields.get(field).and_then(|(value, _)| value.clone());
        for (field, stored, _) in &event.changes {
            assert_eq!(*stored, held(field), "{event:?}");
        }
        for (field, value, verdict) in &event.observed {
            let held = if field == "code" {
                Some(OwnedValue::Text(event.key.clone()))
            } else {
                held(field)
            };
            let expected = match verdict {
                Verdict::NotSeen => Verdict::NotSeen,
                _ if *value == held => Verdict::Equal,
                _ => Verdict::Differs,
            };
            assert_eq!(*verdict, expected, "{event:?}");
        }
        assert_eq!(event.area, after.area, "{event:?}");
    }
}

fn float(cases: u64) -> f64 {
    u32::try_from(cases).unwrap().into()
}
