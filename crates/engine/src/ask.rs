//! Questions: state, history, differences and figures, each exact for one (effective, recorded) pair.
//!
//! A question about one record folds that record's events. A question about the whole register at some pair passes once
//! over the records, a slice at a time, so that nobody waits long for the lock; what arrives meanwhile is beyond K.

use std::collections::BTreeMap;

use shilu_model::{EventId, Kind, OwnedValue, Position, RecordName, State, Status, Timestamp, Value, decode};
use shilu_projections::{Axis, BuiltIn, Dimension, Figure, Name, Projections, Scope, Slot, Wanted};

use crate::{
    engine::Engine,
    error::EngineError,
    query::{
        AsOf, At, Blame, By, ChangesQuery, Count, DiffItem, DiffQuery, FigureQuery, Figures, ListQuery, Page,
        Rate, RecordView, StoredEvent,
    },
};

/// Records looked at before the lock is given back: a millisecond or so.
const SLICE_RECORDS: usize = 2_048;

impl Engine {
    /// Resolves a pair of times; `effective` defaults to K.
    ///
    /// # Errors
    /// `NO_POSITION`, and what the log says.
    pub fn at(&self, as_of: AsOf, effective: Option<Timestamp>) -> Result<At, EngineError> {
        let (known, known_end) = match as_of {
            AsOf::Now => {
                let projections = self.read();
                (
                    (self.shared.clock)().max(projections.last_recorded()),
                    projections.end(),
                )
            }
            AsOf::Time(time) => (time, self.end_at(time)?),
            AsOf::Position(position) => {
                let event = self
                    .at_position(position)?
                    .ok_or(EngineError::NoPosition { position })?;
                (event.event().recorded, position.next())
            }
        };
        let now = as_of == AsOf::Now;
        Ok(At {
            effective: effective.unwrap_or(known),
            known,
            known_end,
            now,
        })
    }

    /// The position after the last event recorded up to and including an instant.
    fn end_at(&self, time: Timestamp) -> Result<Position, EngineError> {
        let (from, to, end) = {
            let projections = self.read();
            if time >= projections.last_recorded() {
                return Ok(projections.end());
            }
            let (from, to) = projections.trail.times.range_after(time);
            (from, to, projections.end())
        };
        for chunk in self.shared.log.scan(from, to.min(end)) {
            for (position, bytes) in chunk?.iter() {
                if decode_stored(position, bytes)?.recorded > time {
                    return Ok(position);
                }
            }
        }
        Ok(to.min(end))
    }

    fn at_position(&self, position: Position) -> Result<Option<StoredEvent>, EngineError> {
        if position >= self.read().end() {
            return Ok(None);
        }
        let Some(bytes) = self.shared.log.read(position)? else {
            return Ok(None);
        };
        StoredEvent::check(position, bytes.to_vec()).map(Some)
    }

    fn stored(&self, position: Position) -> Result<StoredEvent, EngineError> {
        self.at_position(position)?
            .ok_or(EngineError::NoPosition { position })
    }

    /// One record.
    ///
    /// # Errors
    /// `NO_KIND`; `NO_RECORD` where nothing is known of it at that pair.
    pub fn record(&self, name: &RecordName, at: At) -> Result<RecordView, EngineError> {
        let campaign = self.campaign();
        let kind = self.kind(&campaign, name.kind())?;
        let projections = self.read();
        let view = find(&projections, name).and_then(|slot| view(&projections, kind, slot, at));
        view.ok_or_else(|| EngineError::NoRecord { name: name.clone() })
    }

    fn kind<'a>(&self, campaign: &'a shilu_model::Campaign, kind: &str) -> Result<&'a Kind, EngineError> {
        campaign.kind(kind).ok_or_else(|| EngineError::NoKind {
            kind: kind.to_owned(),
        })
    }

    /// Records in the order of kind and key.
    ///
    /// # Errors
    /// `NO_KIND`.
    pub fn records(&self, query: &ListQuery) -> Result<Page<RecordView, RecordName>, EngineError> {
        let mut items = Vec::new();
        let next = self.walk(
            query.kind.as_deref(),
            query.after.as_ref(),
            |projections, kind, slot| {
                let Some(view) = view(projections, kind, slot, query.at) else {
                    return Walk::On;
                };
                if !query.takes(&view) {
                    return Walk::On;
                }
                if items.len() == query.limit {
                    return Walk::Stop;
                }
                items.push(view);
                Walk::On
            },
        )?;
        let next = next.and_then(|()| items.last().map(|view: &RecordView| view.name.clone()));
        Ok(Page { items, next })
    }

    /// Shows every record of the kinds that are asked for, in the order of kind and key, after a name.
    /// `Some` if it was stopped.
    fn walk(
        &self,
        only: Option<&str>,
        after: Option<&RecordName>,
        mut show: impl FnMut(&Projections, &Kind, Slot) -> Walk,
    ) -> Result<Option<()>, EngineError> {
        let campaign = self.campaign();
        if let Some(only) = only {
            self.kind(&campaign, only)?;
        }
        let asked = campaign
            .kinds
            .iter()
            .filter(|kind| only.is_none_or(|only| only == kind.id));
        let kinds = asked.skip_while(|kind| after.is_some_and(|after| after.kind() != kind.id));
        for kind in kinds {
            let mut key = after
                .filter(|after| after.kind() == kind.id)
                .map(|after| after.key().to_owned());
            loop {
                let projections = self.sorted();
                let Some(name) = projections.subjects.names.find(&kind.id) else {
                    break;
                };
                let mut last = None;
                let mut seen = 0;
                for slot in projections
                    .subjects.records
                    .after(name, key.as_deref())
                    .take(SLICE_RECORDS)
                {
                    if show(&projections, kind, slot) == Walk::Stop {
                        return Ok(Some(()));
                    }
                    last = Some(slot);
                    seen += 1;
                }
                key = last.map(|slot| projections.subjects.records.name(slot).1.to_owned());
                if seen < SLICE_RECORDS {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// The projections with every record in its place.
    fn sorted(&self) -> std::sync::RwLockReadGuard<'_, Projections> {
        loop {
            let projections = self.read();
            if projections.subjects.records.is_sorted() {
                return projections;
            }
            drop(projections);
            let mut projections = self
                .shared
                .projections
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            projections.subjects.records.sort();
        }
    }

    /// A record's events from a position on, oldest first.
    ///
    /// # Errors
    /// `NO_KIND`, `NO_RECORD`, and what the log says.
    pub fn history(
        &self,
        name: &RecordName,
        from: Position,
        limit: usize,
    ) -> Result<Page<StoredEvent, Position>, EngineError> {
        self.kind(&self.campaign(), name.kind())?;
        let positions = {
            let projections = self.read();
            let slot =
                find(&projections, name).ok_or_else(|| EngineError::NoRecord { name: name.clone() })?;
            projections
                .subjects
                .records
                .positions(slot, &projections.subjects.names)
        };
        let mut rest = positions.into_iter().filter(|position| *position >= from);
        let items = rest
            .by_ref()
            .take(limit)
            .map(|position| self.stored(position))
            .collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            next: rest.next(),
        })
    }

    /// Per field: its value, and the event that set it; in the campaign's order.
    ///
    /// # Errors
    /// `NO_KIND`, `NO_RECORD`, and what the log says.
    pub fn blame(&self, name: &RecordName, at: At) -> Result<Vec<Blame>, EngineError> {
        let campaign = self.campaign();
        let kind = self.kind(&campaign, name.kind())?;
        let held: Vec<(String, Option<OwnedValue>, Position)> = {
            let projections = self.read();
            let no_record = || EngineError::NoRecord { name: name.clone() };
            let slot = find(&projections, name).ok_or_else(no_record)?;
            let entries =
                projections
                    .subjects.records
                    .entries(slot, at.known_end, Wanted::All, &projections.subjects.names);
            let state = State::fold(&entries, at.effective);
            if state.status == Status::Absent {
                return Err(no_record());
            }
            let fields = kind.fields.iter().filter_map(|field| state.held(&field.id));
            fields
                .map(|held| {
                    (
                        held.field.to_owned(),
                        held.value.map(Value::to_owned),
                        held.position,
                    )
                })
                .collect()
        };
        let blame = |(field, value, position)| {
            Ok(Blame {
                field,
                value,
                event: self.stored(position)?,
            })
        };
        held.into_iter().map(blame).collect()
    }

    /// Who changed what: events, newest first.
    ///
    /// # Errors
    /// What the log says.
    pub fn changes(&self, query: &ChangesQuery) -> Result<Page<StoredEvent, Position>, EngineError> {
        let mut from = match query.from {
            Some(from) => self.end_at(from.plus_micros(-1))?,
            None => Position::ZERO,
        };
        let mut to = match query.to {
            Some(to) => self.end_at(to)?,
            None => self.read().end(),
        };
        to = query.before.map_or(to, |before| to.min(before));
        from = from.min(to);
        let wanted = query.limit.saturating_add(1);
        let mut positions = self.positions(query, from, to, wanted);
        let next = if positions.len() > query.limit {
            positions.pop().map(Position::next)
        } else {
            None
        };
        let items = positions
            .into_iter()
            .map(|position| self.stored(position))
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    fn positions(&self, query: &ChangesQuery, from: Position, to: Position, limit: usize) -> Vec<Position> {
        let projections = self.read();
        let names = &projections.subjects.names;
        let texts = [
            (Dimension::Actor, query.actor.as_deref()),
            (Dimension::Action, query.action.map(shilu_model::Action::word)),
            (Dimension::Kind, query.kind.as_deref()),
            (Dimension::Area, query.area.as_deref()),
            (Dimension::Field, query.field.as_deref()),
            (Dimension::Device, query.device.as_deref()),
            (Dimension::Source, query.source.as_deref()),
        ];
        let mut filters = Vec::new();
        for (dimension, text) in texts
            .into_iter()
            .filter_map(|(dimension, text)| Some((dimension, text?)))
        {
            match projections.trail.changes.filter(dimension, text) {
                Some(filter) => filters.push(filter),
                None => return Vec::new(),
            }
        }
        let Some(record) = &query.record else {
            return projections.trail.changes.newest(&filters, from, to, limit);
        };
        let Some(slot) = find(&projections, record) else {
            return Vec::new();
        };
        let positions = projections.subjects.records.positions(slot, names);
        let in_range = positions
            .into_iter()
            .rev()
            .filter(|position| (from..to).contains(position));
        let matching = in_range.filter(|position| {
            filters.is_empty()
                || !projections
                    .trail.changes
                    .newest(&filters, *position, position.next(), 1)
                    .is_empty()
        });
        matching.take(limit).collect()
    }

    /// How records differ between two pairs.
    ///
    /// # Errors
    /// `NO_KIND`.
    pub fn diff(&self, query: &DiffQuery) -> Result<Page<DiffItem, RecordName>, EngineError> {
        let mut items = Vec::new();
        let next = self.walk(
            query.kind.as_deref(),
            query.after.as_ref(),
            |projections, kind, slot| {
                let Some(item) = difference(projections, kind, slot, query) else {
                    return Walk::On;
                };
                if items.len() == query.limit {
                    return Walk::Stop;
                }
                items.push(item);
                Walk::On
            },
        )?;
        let next = next.and_then(|()| items.last().map(|item: &DiffItem| item.name.clone()));
        Ok(Page { items, next })
    }

    /// How many records there are.
    ///
    /// # Errors
    /// What the log says.
    pub fn counts(&self, query: &FigureQuery) -> Result<Figures<Count>, EngineError> {
        let (at, kept) = {
            let projections = self.read();
            let at = self.freshen(&projections, query.at);
            (
                at,
                self.kept_axis(&projections, at)
                    .map(|(axis, day)| kept_counts(&projections, query, axis, day)),
            )
        };
        let items = match kept {
            Some(items) => items,
            None => self
                .pass(at, |sums: &mut BTreeMap<_, u64>, names, kind, class| {
                    if let Some((area, actor)) = query.split(names.0, class.area, class.actor)
                        && class.status != Status::Absent
                    {
                        *sums
                            .entry((kind.to_owned(), class.status, area, actor))
                            .or_default() += 1;
                    }
                })?
                .into_iter()
                .map(|((kind, status, area, actor), count)| Count {
                    kind,
                    status,
                    area,
                    actor,
                    count,
                })
                .collect(),
        };
        Ok(Figures {
            items: self.in_campaign_order(items, |count: &Count| &count.kind),
            at,
        })
    }

    /// Every indicator.
    ///
    /// # Errors
    /// What the log says.
    pub fn rates(&self, query: &FigureQuery) -> Result<Figures<Rate>, EngineError> {
        let (at, kept) = {
            let projections = self.read();
            let at = self.freshen(&projections, query.at);
            (
                at,
                self.kept_axis(&projections, at)
                    .map(|(axis, day)| self.kept_rates(&projections, query, axis, day)),
            )
        };
        let items = match kept {
            Some(items) => items,
            None => self.passed_rates(query, at)?,
        };
        Ok(Figures { items, at })
    }

    /// Asked as of now, a figure is given as of the moment of the answer.
    fn freshen(&self, projections: &Projections, at: At) -> At {
        if !at.now || at.known_end == projections.end() {
            return at;
        }
        let known = at.known.max(projections.last_recorded());
        let effective = if at.effective == at.known {
            known
        } else {
            at.effective
        };
        At {
            effective,
            known,
            known_end: projections.end(),
            now: true,
        }
    }

    /// The kept axis and day on which a pair lies, if it lies on one.
    fn kept_axis(&self, projections: &Projections, at: At) -> Option<(Axis, shilu_model::Day)> {
        let zone = self.shared.campaign.zone;
        let day = zone.day_of(at.effective);
        let all_known = at.known_end == projections.end();
        if all_known && at.effective >= projections.last_recorded() {
            // Nothing takes effect after it was recorded, so this is the end of the last day.
            return Some((Axis::Effective, zone.day_of(projections.last_recorded())));
        }
        match at.effective == zone.end_of(day) {
            true if all_known => Some((Axis::Effective, day)),
            true if at.effective == at.known => Some((Axis::Known, day)),
            _ => None,
        }
    }

    /// One pass over all records at a pair, a slice at a time.
    fn pass<S: Default>(
        &self,
        at: At,
        mut add: impl FnMut(&mut S, (&shilu_projections::Names, &Projections), &str, &shilu_projections::Class),
    ) -> Result<S, EngineError> {
        let mut sums = S::default();
        let mut from = 0;
        loop {
            let projections = self.read();
            let slots: Vec<Slot> = projections
                .subjects
                .records
                .slots(from)
                .take(SLICE_RECORDS)
                .collect();
            if slots.is_empty() {
                return Ok(sums);
            }
            from += slots.len();
            for slot in slots {
                let class = projections.subjects.class_at(slot, at.effective, at.known_end);
                let kind = projections
                    .subjects
                    .names
                    .text(projections.subjects.records.name(slot).0);
                add(
                    &mut sums,
                    (&projections.subjects.names, &projections),
                    kind,
                    &class,
                );
            }
        }
    }

    fn kept_rates(
        &self,
        projections: &Projections,
        query: &FigureQuery,
        axis: Axis,
        day: shilu_model::Day,
    ) -> Vec<Rate> {
        let names = &projections.subjects.names;
        let asked_area = query.area.as_deref().map(|area| names.find(area));
        let campaign = self.campaign();
        let mut rates = Vec::new();
        for kind in &campaign.kinds {
            let known = names.find(&kind.id);
            for indicator in BuiltIn::ALL {
                let figure = |scope| {
                    known.map_or_else(Figure::default, |kind| {
                        projections.subjects.rates.at(kind, indicator, scope, axis, day)
                    })
                };
                for scope in scopes(query.by, asked_area, known, |area| match (query.by, known) {
                    (By::Area, Some(kind)) => projections.subjects.rates.areas(kind, indicator),
                    (By::Actor, Some(kind)) => projections.subjects.rates.actors(kind, indicator, area),
                    _ => Vec::new(),
                }) {
                    let figure = match scope {
                        Ok(scope) => figure(scope),
                        Err(Unknown) => Figure::default(),
                    };
                    let (area, actor) = match scope {
                        Ok(scope) => (
                            scope.area.map(|area| names.text(area)),
                            scope.actor.map(|actor| names.text(actor)),
                        ),
                        Err(Unknown) => (query.area.as_deref(), None),
                    };
                    if query.by == By::Whole || figure != Figure::default() {
                        rates.push(rate(kind, indicator, area, actor, figure));
                    }
                }
            }
        }
        sort_rates(&mut rates);
        rates
    }

    fn passed_rates(&self, query: &FigureQuery, at: At) -> Result<Vec<Rate>, EngineError> {
        type Sums = BTreeMap<(String, BuiltIn, Option<String>, Option<String>), Figure>;
        let sums: Sums = self.pass(at, |sums: &mut Sums, names, kind, class| {
            if let Some((area, actor)) = query.split(names.0, class.area, class.actor) {
                for indicator in BuiltIn::ALL {
                    let figure = indicator.of(class);
                    if figure != Figure::default() {
                        let sum = sums
                            .entry((kind.to_owned(), indicator, area.clone(), actor.clone()))
                            .or_default();
                        *sum = sum.plus(figure);
                    }
                }
            }
        })?;
        let campaign = self.campaign();
        let mut rates = Vec::new();
        for kind in &campaign.kinds {
            for indicator in BuiltIn::ALL {
                let own = sums
                    .iter()
                    .filter(|((id, other, ..), _)| *id == kind.id && *other == indicator);
                let before = rates.len();
                rates.extend(own.map(|((_, _, area, actor), figure)| {
                    rate(kind, indicator, area.as_deref(), actor.as_deref(), *figure)
                }));
                if query.by == By::Whole && rates.len() == before {
                    rates.push(rate(
                        kind,
                        indicator,
                        query.area.as_deref(),
                        None,
                        Figure::default(),
                    ));
                }
            }
        }
        sort_rates(&mut rates);
        Ok(rates)
    }

    fn in_campaign_order<T: Ord>(&self, mut items: Vec<T>, kind: impl Fn(&T) -> &String) -> Vec<T> {
        let campaign = self.campaign();
        let place = |id: &str| campaign.kinds.iter().position(|kind| kind.id == id);
        items.sort_unstable_by(|a, b| (place(kind(a)), a).cmp(&(place(kind(b)), b)));
        items
    }

    /// One event by its id.
    ///
    /// # Errors
    /// `NO_EVENT`, and what the log says.
    pub fn event(&self, id: EventId) -> Result<StoredEvent, EngineError> {
        let candidates = self.read().trail.ids.candidates(id);
        for position in candidates {
            let stored = self.stored(position)?;
            if stored.event().id == id {
                return Ok(stored);
            }
        }
        Err(EngineError::NoEvent { id: id.to_string() })
    }

    /// Events in the order of the log, as far as they are folded.
    ///
    /// # Errors
    /// What the log says.
    pub fn events(&self, from: Position, limit: usize) -> Result<Vec<StoredEvent>, EngineError> {
        let end = self.read().end();
        let to = from
            .plus(
                u64::try_from(limit)
                    .unwrap_or(u64::MAX)
                    .min(Position::LIMIT.get()),
            )
            .min(end);
        let mut events = Vec::new();
        if from < to {
            for chunk in self.shared.log.scan(from, to) {
                for (position, bytes) in chunk?.iter() {
                    events.push(StoredEvent::check(position, bytes.to_vec())?);
                }
            }
        }
        Ok(events)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    On,
    Stop,
}

/// A name that the log has never used.
#[derive(Clone, Copy)]
struct Unknown;

impl ListQuery {
    fn takes(&self, view: &RecordView) -> bool {
        let status = match self.status {
            Some(status) => view.status == status,
            None => self.found_too || view.status != Status::Found,
        };
        let contains = |text: &str| {
            let in_value = |value: &OwnedValue| match value {
                OwnedValue::Text(value) | OwnedValue::Reference(value) => value.contains(text),
                _ => false,
            };
            view.name.key().contains(text) || view.fields.iter().any(|(_, value)| in_value(value))
        };
        status
            && self.area.as_ref().is_none_or(|area| *area == view.area)
            && self.text.as_deref().is_none_or(contains)
    }
}

impl FigureQuery {
    /// The area and actor under which a record counts; `None` where it is not asked for.
    fn split(
        &self,
        names: &shilu_projections::Names,
        area: Name,
        actor: Name,
    ) -> Option<(Option<String>, Option<String>)> {
        let (area, actor) = (names.text(area), names.text(actor));
        if self.area.as_ref().is_some_and(|asked| asked != area) {
            return None;
        }
        let split_area = self.by == By::Area || self.area.is_some();
        Some((
            split_area.then(|| area.to_owned()),
            (self.by == By::Actor).then(|| actor.to_owned()),
        ))
    }
}

fn find(projections: &Projections, name: &RecordName) -> Option<Slot> {
    let kind = projections.subjects.names.find(name.kind())?;
    projections.subjects.records.find(kind, name.key())
}

fn view(projections: &Projections, kind: &Kind, slot: Slot, at: At) -> Option<RecordView> {
    let (_, key) = projections.subjects.records.name(slot);
    let entries = projections
        .subjects.records
        .entries(slot, at.known_end, Wanted::All, &projections.subjects.names);
    let state = State::fold(&entries, at.effective);
    if state.status == Status::Absent {
        return None;
    }
    let fields = kind.fields.iter().filter_map(|field| {
        let value = if field.id == kind.key && state.status != Status::Found {
            Some(OwnedValue::Text(key.to_owned()))
        } else {
            state.value(&field.id).map(Value::to_owned)
        };
        Some((field.id.clone(), value?))
    });
    Some(RecordView {
        name: RecordName::new(&kind.id, key)
            .expect("the key was checked when the record's first event was taken"),
        area: state.area(kind.area.as_deref()).to_owned(),
        status: state.status,
        version: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        fields: fields.collect(),
    })
}

fn difference(projections: &Projections, kind: &Kind, slot: Slot, query: &DiffQuery) -> Option<DiffItem> {
    let (_, key) = projections.subjects.records.name(slot);
    let area_field = kind.area.as_deref();
    let entries_from = projections.subjects.records.entries(
        slot,
        query.from.known_end,
        Wanted::All,
        &projections.subjects.names,
    );
    let entries_to =
        projections
            .subjects.records
            .entries(slot, query.to.known_end, Wanted::All, &projections.subjects.names);
    let before = State::fold(&entries_from, query.from.effective);
    let after = State::fold(&entries_to, query.to.effective);
    let in_area = |state: &State<'_>| {
        query
            .area
            .as_deref()
            .is_none_or(|area| state.area(area_field) == area)
    };
    if !in_area(&before) && !in_area(&after) {
        return None;
    }
    let changes = kind.fields.iter().filter_map(|field| {
        let (before, after) = (before.value(&field.id), after.value(&field.id));
        (before != after).then(|| {
            (
                field.id.clone(),
                before.map(Value::to_owned),
                after.map(Value::to_owned),
            )
        })
    });
    let changes: Vec<_> = changes.collect();
    if before.status == after.status && changes.is_empty() {
        return None;
    }
    let name =
        RecordName::new(&kind.id, key).expect("the key was checked when the record's first event was taken");
    Some(DiffItem {
        name,
        status: (before.status, after.status),
        changes,
    })
}

/// The scopes of an answer: one, or one per area or actor. An area that the log has never used has no scope.
fn scopes(
    by: By,
    asked_area: Option<Option<Name>>,
    kind: Option<Name>,
    split: impl Fn(Option<Name>) -> Vec<Name>,
) -> Vec<Result<Scope, Unknown>> {
    let area = match asked_area {
        Some(None) => return vec![Err(Unknown)],
        Some(Some(area)) => Some(area),
        None => None,
    };
    match (by, kind) {
        (By::Whole, _) | (By::Area, None) | (By::Actor, None) => vec![Ok(Scope { area, actor: None })],
        (By::Area, Some(_)) => {
            let areas = split(area)
                .into_iter()
                .filter(|other| area.is_none_or(|area| area == *other));
            areas
                .map(|area| {
                    Ok(Scope {
                        area: Some(area),
                        actor: None,
                    })
                })
                .collect()
        }
        (By::Actor, Some(_)) => split(area)
            .into_iter()
            .map(|actor| {
                Ok(Scope {
                    area,
                    actor: Some(actor),
                })
            })
            .collect(),
    }
}

fn kept_counts(
    projections: &Projections,
    query: &FigureQuery,
    axis: Axis,
    day: shilu_model::Day,
) -> Vec<Count> {
    let names = &projections.subjects.names;
    let asked_area = query.area.as_deref().map(|area| names.find(area));
    let counts = &projections.subjects.counts;
    let mut items = Vec::new();
    for (kind, status) in counts.measures() {
        let scopes = scopes(query.by, asked_area, Some(kind), |area| match query.by {
            By::Area => counts.areas(kind, status).collect(),
            By::Actor => counts.actors(kind, status, area),
            By::Whole => Vec::new(),
        });
        for scope in scopes.into_iter().flatten() {
            let count = counts.at(kind, status, scope, axis, day);
            if count > 0 {
                items.push(Count {
                    kind: names.text(kind).to_owned(),
                    status,
                    area: scope.area.map(|area| names.text(area).to_owned()),
                    actor: scope.actor.map(|actor| names.text(actor).to_owned()),
                    count,
                });
            }
        }
    }
    items
}

fn rate(kind: &Kind, indicator: BuiltIn, area: Option<&str>, actor: Option<&str>, figure: Figure) -> Rate {
    let en = kind.title.en.as_deref().unwrap_or(&kind.id);
    let zh = kind.title.zh().unwrap_or(&kind.id);
    let (en_of, zh_of) = match indicator {
        BuiltIn::RegisterShare => ("registered", "登记率"),
        BuiltIn::DeregisterShare => ("deregistered", "注销率"),
        BuiltIn::Accuracy => ("accuracy", "准确率"),
    };
    Rate {
        indicator: format!("{}.{}", kind.id, indicator.id()),
        title: (format!("{en}: {en_of}"), format!("{zh}{zh_of}")),
        area: area.map(str::to_owned),
        actor: actor.map(str::to_owned),
        numerator: figure.numerator,
        denominator: figure.denominator,
        unknown: figure.unknown,
        value: figure.value(),
        interval: if indicator.rests_on_checks() {
            figure.wilson()
        } else {
            None
        },
    }
}

/// Within an indicator by area and actor; the indicators keep their order.
fn sort_rates(rates: &mut [Rate]) {
    for group in rates.chunk_by_mut(|a, b| a.indicator == b.indicator) {
        group.sort_by(|a, b| (&a.area, &a.actor).cmp(&(&b.area, &b.actor)));
    }
}

fn decode_stored(position: Position, bytes: &[u8]) -> Result<shilu_model::Event<'_>, EngineError> {
    decode(bytes).map_err(|error| EngineError::Undecodable {
        position,
        problem: error.to_string(),
    })
}

impl StoredEvent {
    /// Bytes that were checked to be an event.
    fn check(position: Position, bytes: Vec<u8>) -> Result<Self, EngineError> {
        decode_stored(position, &bytes)?;
        Ok(StoredEvent(bytes))
    }
}
