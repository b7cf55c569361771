//! Questions: state, history and differences, each exact for one (effective, recorded) pair.
//!
//! A question about one record folds that record's events. A question about the whole register at some pair passes once
//! over the records, a slice at a time, so that nobody waits long for the lock; what arrives meanwhile is beyond K.

use shilu_model::{
    Areas, EventId, Kind, OwnedValue, Position, RecordName, State, Status, Timestamp, Value, decode,
};
use shilu_projections::{Dimension, Projections, Slot, Wanted};

use crate::{
    engine::Engine,
    error::EngineError,
    figures::{below, counts_in},
    query::{AsOf, At, Blame, ChangesQuery, DiffItem, DiffQuery, ListQuery, Page, RecordView, StoredEvent},
};

/// Records looked at before the lock is given back: a millisecond or so.
pub(crate) const SLICE_RECORDS: usize = 2_048;

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
    pub(crate) fn end_at(&self, time: Timestamp) -> Result<Position, EngineError> {
        let (from, to, end) = {
            let projections = self.read();
            if time >= projections.last_recorded() {
                return Ok(projections.end());
            }
            let (from, to) = projections.trail().times.range_after(time);
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

    pub(crate) fn stored(&self, position: Position) -> Result<StoredEvent, EngineError> {
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
        let campaign = self.campaign_at(query.at.known_end);
        let mut items = Vec::new();
        let next = self.walk(
            query.kind.as_deref(),
            query.after.as_ref(),
            |projections, kind, slot| {
                let Some(view) = view(projections, kind, slot, query.at) else {
                    return Walk::On;
                };
                if !query.takes(&view, &campaign.areas) {
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
        // The built-in kind is shown to whoever asks for it.
        let asked = match only {
            Some(only) => vec![self.kind(&campaign, only)?],
            None => campaign.kinds.iter().collect(),
        };
        let kinds = asked
            .into_iter()
            .skip_while(|kind| after.is_some_and(|after| after.kind() != kind.id));
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
                    .subjects
                    .records
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
    fn sorted(&self) -> crate::reading::Reading<'_> {
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
            let entries = projections.subjects.records.entries(
                slot,
                at.known_end,
                Wanted::All,
                &projections.subjects.names,
            );
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
        // Every page by the same areas: those known at the end of what is asked about.
        let campaign = self.campaign_at(to);
        to = query.before.map_or(to, |before| to.min(before));
        from = from.min(to);
        let wanted = query.limit.saturating_add(1);
        let mut positions = self.positions(query, &campaign.areas, (from, to), wanted);
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

    fn positions(
        &self,
        query: &ChangesQuery,
        areas: &Areas,
        (from, to): (Position, Position),
        limit: usize,
    ) -> Vec<Position> {
        let projections = self.read();
        let names = &projections.subjects.names;
        let texts = [
            (Dimension::Actor, query.actor.as_deref()),
            (Dimension::Action, query.action.map(shilu_model::Action::word)),
            (Dimension::Kind, query.kind.as_deref()),
            (Dimension::Field, query.field.as_deref()),
            (Dimension::Device, query.device.as_deref()),
            (Dimension::Source, query.source.as_deref()),
        ];
        let mut filters: Vec<_> = texts
            .into_iter()
            .filter_map(|(dimension, text)| Some((dimension, vec![text?])))
            .collect();
        if let Some(area) = &query.area {
            filters.push((Dimension::Area, below(areas, area)));
        }
        let Some(record) = &query.record else {
            return projections.trail().changes.newest(&filters, from, to, limit);
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
                    .trail()
                    .changes
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
        // Each pair by the areas that were known at it.
        let before = self.campaign_at(query.from.known_end);
        let after = self.campaign_at(query.to.known_end);
        let areas = (&before.areas, &after.areas);
        let mut items = Vec::new();
        let next = self.walk(
            query.kind.as_deref(),
            query.after.as_ref(),
            |projections, kind, slot| {
                let Some(item) = difference(projections, kind, slot, query, areas) else {
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

    /// One event by its id.
    ///
    /// # Errors
    /// `NO_EVENT`, and what the log says.
    pub fn event(&self, id: EventId) -> Result<StoredEvent, EngineError> {
        let candidates = self.read().trail().ids.candidates(id);
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

impl ListQuery {
    fn takes(&self, view: &RecordView, areas: &Areas) -> bool {
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
            && self
                .area
                .as_ref()
                .is_none_or(|area| counts_in(areas, &view.area, area))
            && self.text.as_deref().is_none_or(contains)
    }
}

fn find(projections: &Projections, name: &RecordName) -> Option<Slot> {
    let kind = projections.subjects.names.find(name.kind())?;
    projections.subjects.records.find(kind, name.key())
}

fn view(projections: &Projections, kind: &Kind, slot: Slot, at: At) -> Option<RecordView> {
    let (_, key) = projections.subjects.records.name(slot);
    let entries =
        projections
            .subjects
            .records
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

fn difference(
    projections: &Projections,
    kind: &Kind,
    slot: Slot,
    query: &DiffQuery,
    (areas_from, areas_to): (&Areas, &Areas),
) -> Option<DiffItem> {
    let (_, key) = projections.subjects.records.name(slot);
    let area_field = kind.area.as_deref();
    let entries_from = projections.subjects.records.entries(
        slot,
        query.from.known_end,
        Wanted::All,
        &projections.subjects.names,
    );
    let entries_to = projections.subjects.records.entries(
        slot,
        query.to.known_end,
        Wanted::All,
        &projections.subjects.names,
    );
    let before = State::fold(&entries_from, query.from.effective);
    let after = State::fold(&entries_to, query.to.effective);
    let in_area = |state: &State<'_>, areas: &Areas| {
        let asked = query.area.as_deref();
        asked.is_none_or(|asked| counts_in(areas, state.area(area_field), asked))
    };
    if !in_area(&before, areas_from) && !in_area(&after, areas_to) {
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
