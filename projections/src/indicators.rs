//! Indicators: what the campaign measures, by area and first collector, for every day on both axes, kept by contribution.
//!
//! Each indicator is a sum over cases: records, rows of a list, things that are inspected, keys of two extracts. What a
//! case contributes at the end of a day follows from the records that decide it, and changes only on days on which
//! something took effect on one of them, or on which a window ends. An event that takes effect on day t and is recorded
//! on day r moves, for each case that it may touch, the difference of the contributions without it and with it: on the
//! effective axis from t on, on the axis E = K from r on. An event that voids its record moves every day. The events of one
//! day are settled together: see `settling`.
//!
//! A case costs the entries of the records that decide it, twice per settling: a building with its hundred dwellings costs
//! a hundred records on each day on which one of them changes, and in each commit as it is folded.

mod agree;
mod collected;
mod evaluation;
mod figure;
mod frames;
mod links;
mod parts;
mod plan;
mod population;
mod reader;
mod scope;
mod settling;
mod share;
mod sum;
mod touched;

use std::{collections::BTreeMap, io};

use roaring::RoaringBitmap;
use shilu_model::{
    Campaign, Day, EXTRACT_KIND, EXTRACT_SYSTEM, Event, FRAME_KIND, Frame, Measure, Position, Timestamp,
    Value,
};

pub(crate) use self::plan::Plan;
pub use self::{
    agree::Said,
    figure::{Clusters, Evidence, Reckoned, Reconciled, Split, Times, Wanted},
    frames::FrameVersion,
};
use self::{
    evaluation::Evaluation,
    frames::Frames,
    links::{Link, Links, load_slots, save_set},
    parts::{Contribution, Part, Sums},
    plan::Planned,
    reader::{Moment, Reader, Subject},
    settling::{Basis, Unsettled},
};
use crate::{
    bytes::{Loader, Saver, malformed},
    calendar::Calendar,
    names::{Name, Names},
    records::{Records, Slot},
    tally::{Axis, Moves, Tally},
};

/// The campaign's indicators.
#[derive(Clone, Debug, Default)]
pub struct Indicators {
    tally: Tally,
    links: Links,
    frames: Frames,
    /// Rows that a system's list had on the first day on which it had any.
    first_rows: RoaringBitmap,
    list_starts: BTreeMap<String, Day>,
    /// Made anew when it is of another zone; not saved.
    calendar: Option<Calendar>,
    /// Empty whenever something is asked or saved.
    unsettled: Unsettled,
}

/// What an indicator is a sum of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    /// A record.
    Record(Slot),
    /// Something that records say: the name of what they refer to, or a key.
    Value(String),
}

impl Indicators {
    /// Folds an event on a record. What it moves shows when it is settled.
    pub(crate) fn apply(
        &mut self,
        event: &Event<'_>,
        slot: Slot,
        (campaign, plan): (&Campaign, &Plan),
        kept: (&Names, &Records),
    ) {
        let (kind, _) = kept.1.name(slot);
        if plan.roles.contains_key(&kind) {
            let recorded = self.calendar(campaign).day_of(event.recorded);
            if self.unsettled.is_due(recorded) {
                self.settle((campaign, plan), kept, event.position);
            }
            self.unsettled.note(slot, event.position, recorded);
        }
        if matches!(event.kind, FRAME_KIND | EXTRACT_KIND) {
            self.note_frame(event, slot, (campaign, plan), kept);
        }
        self.note_links(event, kind, slot, plan, kept.0);
    }

    /// Moves what the events before a position have touched and is not settled yet. All of them were judged by the same
    /// campaign.
    pub(crate) fn settle(
        &mut self,
        (campaign, plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
        end: Position,
    ) {
        if self.unsettled.is_empty() {
            return;
        }
        self.calendar(campaign);
        let basis = Basis {
            campaign,
            plan,
            names,
            records,
            links: &self.links,
            frames: &self.frames,
            first_rows: &self.first_rows,
            calendar: self.calendar.as_ref().expect("made just now"),
            end,
        };
        settling::settle(&mut self.unsettled, basis, &mut self.tally);
    }

    fn calendar(&mut self, campaign: &Campaign) -> &mut Calendar {
        self.calendar.get_or_insert_with(|| Calendar::new(campaign.zone))
    }

    fn note_frame(
        &mut self,
        event: &Event<'_>,
        slot: Slot,
        (campaign, plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
    ) {
        let end = event.position.next();
        let calendar = self
            .calendar
            .take()
            .unwrap_or_else(|| Calendar::new(campaign.zone));
        let reader = Reader::new((names, records), plan, &self.links, end, calendar);
        let recorded = reader.day_of(event.recorded);
        let subject = reader.subject(slot);
        let moment = Moment {
            effective: event.effective,
            day: reader.day_of(event.effective),
            end,
        };
        let area_field = campaign.kind(event.kind).and_then(|kind| kind.area.as_deref());
        let state = subject.state(moment);
        let (area, _) = reader.place(&state, area_field);
        self.frames.note(event, (area, &state), recorded, names);
        note_first_row(
            &mut self.list_starts,
            &mut self.first_rows,
            (&subject, moment),
            recorded,
        );
        self.calendar = Some(reader.into_calendar());
    }

    fn note_links(&mut self, event: &Event<'_>, kind: Name, slot: Slot, plan: &Plan, names: &Names) {
        let Some(linked) = plan.links.get(&kind) else {
            return;
        };
        for change in event.changes.iter().filter(|change| change.sets()) {
            let field = names.find(change.field).filter(|field| linked.contains(field));
            if let (Some(field), Some(value)) = (field, change.after) {
                self.links.note(Link { kind, field }, value, slot);
            }
        }
    }

    /// The campaign is another one from an event on: what was known before keeps its day, what is asked as known now
    /// follows the new one. One pass over all records for each of the two, after what is unsettled.
    pub(crate) fn change_campaign(
        &mut self,
        event: &Event<'_>,
        (old, old_plan): (&Campaign, &Plan),
        (new, new_plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
    ) {
        self.settle((old, old_plan), (names, records), event.position);
        let end = event.position.next();
        self.sweep((old, old_plan), (names, records), event.recorded, end, -1);
        self.calendar = None;
        for slot in records.slots(0) {
            let (kind, _) = records.name(slot);
            let Some(linked) = new_plan.links.get(&kind) else {
                continue;
            };
            let links = &mut self.links;
            let wanted = crate::records::Wanted::These(linked);
            records.read(slot, end, wanted, names, |entry, _| {
                for (field, value) in entry.sets {
                    if let (Some(field), Some(value)) = (names.find(field), value) {
                        links.note(Link { kind, field }, value, slot);
                    }
                }
            });
        }
        self.sweep((new, new_plan), (names, records), event.recorded, end, 1);
    }

    /// Adds or takes away all that every case contributes.
    fn sweep(
        &mut self,
        (campaign, plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
        recorded: Timestamp,
        end: Position,
        sign: i64,
    ) {
        let calendar = self
            .calendar
            .take()
            .unwrap_or_else(|| Calendar::new(campaign.zone));
        let reader = Reader::new((names, records), plan, &self.links, end, calendar);
        let recorded = reader.day_of(recorded);
        let evaluation = Evaluation {
            reader: &reader,
            campaign,
            frames: &self.frames,
            first_rows: &self.first_rows,
        };
        let mut moves = Moves::default();
        for planned in &plan.indicators {
            for case in evaluation.all_cases(planned, records) {
                reader.forget();
                let days = evaluation.days(planned, &case);
                let moved = days.into_iter().map(|day| {
                    let told = evaluation.contribution(planned, &case, reader.end_of(day, end));
                    match sign {
                        1 => (day, Contribution::default(), told),
                        _ => (day, told, Contribution::default()),
                    }
                });
                let moved: Vec<_> = moved.collect();
                settling::replace(&mut moves, planned, &moved, recorded);
            }
        }
        settling::add_to(&[moves], &mut self.tally);
        self.calendar = Some(reader.into_calendar());
    }

    /// The kept sums of an indicator at the end of a day, by area or by actor, in the order of names.
    fn sums(
        &self,
        indicator: Name,
        of: &Measure,
        by_actor: bool,
        (axis, day): (Axis, Day),
    ) -> Vec<(Name, Sums)> {
        let mut sums: Vec<(Name, Sums)> = Vec::new();
        let mut totals: Vec<(Name, Part, i64)> = Vec::new();
        for part in Part::of(of) {
            let each = self.tally.each(measure(indicator, *part), by_actor, axis, day);
            totals.extend(each.map(|(name, total)| (name, *part, total)));
        }
        totals.sort_unstable_by_key(|(name, ..)| *name);
        for (name, part, total) in totals {
            match sums.last_mut() {
                Some((last, sums)) if *last == name => sums.add(part, total),
                _ => {
                    let mut fresh = Sums::default();
                    fresh.add(part, total);
                    sums.push((name, fresh));
                }
            }
        }
        sums
    }

    fn frame(&self, measure: &Measure, areas: &[Name], end: Position, names: &Names) -> Option<FrameVersion> {
        match measure {
            Measure::Collected {
                frame: Frame::Count { what },
                ..
            } => self.frames.count(what, areas, end, names),
            Measure::Collected {
                frame: Frame::List(list),
                ..
            }
            | Measure::Share { list: Some(list), .. } => self.frames.list(&list.system, areas, end, names),
            _ => None,
        }
    }

    /// Shows every case of an indicator with what evaluates it, at some pairs of times: one pass over the records.
    fn with_cases(
        &self,
        indicator: Name,
        (campaign, plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
        pairs: &[(Timestamp, Position)],
        mut show: impl FnMut(&Evaluation<'_, '_>, &Planned, &Case, &[Moment]),
    ) {
        let Some(planned) = plan.indicators.iter().find(|planned| planned.name == indicator) else {
            return;
        };
        let Some(end) = pairs.iter().map(|(_, end)| *end).max() else {
            return;
        };
        let calendar = Calendar::new(campaign.zone);
        let reader = Reader::new((names, records), plan, &self.links, end, calendar);
        let evaluation = Evaluation {
            reader: &reader,
            campaign,
            frames: &self.frames,
            first_rows: &self.first_rows,
        };
        let moments = pairs.iter().map(|(effective, end)| Moment {
            effective: *effective,
            day: reader.day_of(*effective),
            end: *end,
        });
        let moments: Vec<Moment> = moments.collect();
        for case in evaluation.all_cases(planned, records) {
            reader.forget();
            show(&evaluation, planned, &case, &moments);
        }
    }

    pub(crate) fn save(&self, ranks: &[u32], saver: &mut Saver<'_>) -> io::Result<()> {
        self.tally.save(saver)?;
        self.links.save(ranks, saver)?;
        self.frames.save(saver)?;
        save_set(&self.first_rows, ranks, saver)?;
        saver.count(self.list_starts.len())?;
        self.list_starts.iter().try_for_each(|(system, day)| {
            saver.bytes(system.as_bytes())?;
            saver.signed(i64::from(day.number()))
        })
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut loaded = Indicators {
            tally: Tally::load(loader)?,
            links: Links::load(loader)?,
            frames: Frames::load(loader)?,
            first_rows: load_slots(loader)?.into_iter().collect(),
            ..Indicators::default()
        };
        for _ in 0..loader.count()? {
            let system = String::from_utf8(loader.bytes()?).map_err(|_| malformed())?;
            let day = i32::try_from(loader.signed()?).map_err(|_| malformed())?;
            loaded.list_starts.insert(system, Day::from_number(day));
        }
        Ok(loaded)
    }
}

/// A record that decided what a case contributes, with the positions of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The record's name.
    pub record: String,
    /// Its events up to the pair of times, oldest first.
    pub events: Vec<Position>,
}

/// Saved: never renumber without a new version of the projection.
fn measure(indicator: Name, part: Part) -> u32 {
    indicator.0.saturating_mul(16).saturating_add(part.number())
}

/// A row that came on the first day on which its list had any belongs to the first list for ever.
fn note_first_row(
    starts: &mut BTreeMap<String, Day>,
    rows: &mut RoaringBitmap,
    (subject, moment): (&Subject<'_>, Moment),
    recorded: Day,
) {
    if subject.entries.len() != 1 {
        return;
    }
    let state = subject.state(moment);
    let Some(Value::Text(system)) = state.value(EXTRACT_SYSTEM) else {
        return;
    };
    let start = *starts.entry(system.to_owned()).or_insert(recorded);
    if start == recorded {
        rows.insert(subject.slot.0);
    }
}
