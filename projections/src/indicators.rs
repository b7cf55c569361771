//! Indicators: what the campaign measures, by area and first collector, for every day on both axes, kept by contribution.
//!
//! Each indicator is a sum over cases: records, rows of a list, things that are inspected, keys of two extracts. What a
//! case contributes at the end of a day follows from the records that decide it, and changes only on days on which
//! something took effect on one of them, or on which a window ends. An event that takes effect on day t and is recorded
//! on day r moves, for each case that it may touch, the difference of the contributions without it and with it: on the
//! effective axis from t on, on the axis E = K from r on. An event that voids its record moves every day.
//!
//! A case costs the entries of the records that decide it, twice per event: a building with its hundred dwellings costs a
//! hundred records each time one of them changes.

mod agree;
mod collected;
mod figure;
mod frames;
mod links;
mod parts;
mod plan;
mod population;
mod reader;
mod scope;
mod share;
mod sum;
mod touched;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    rc::Rc,
};

use roaring::RoaringBitmap;
use shilu_model::{
    Action, Campaign, Day, EXTRACT_KIND, EXTRACT_SYSTEM, Event, FRAME_KIND, Frame, Measure, Position,
    Timestamp, Value,
};

pub(crate) use self::plan::Plan;
pub use self::{
    agree::Said,
    figure::{Clusters, Evidence, Reckoned, Reconciled, Split, Times, Wanted},
    frames::FrameVersion,
};
use self::{
    frames::Frames,
    links::{Link, Links, load_slots, save_set, text_of},
    parts::{Contribution, Part, Sums},
    plan::{Cases, Leads, Planned, Role},
    reader::{Moment, Reader, Subject},
    sum::Summed,
};
use crate::{
    bytes::{Loader, Saver, malformed},
    calendar::Calendar,
    names::{Name, Names},
    records::{Records, Site, Slot},
    tally::{Axis, Scope, Tally},
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
    /// Folds an event on a record.
    pub(crate) fn apply(
        &mut self,
        event: &Event<'_>,
        slot: Slot,
        campaign: &Campaign,
        plan: &Plan,
        (names, records): (&Names, &Records),
    ) {
        let (kind, _) = records.name(slot);
        self.note_links(event, kind, slot, plan, names);
        let roles = plan.roles.get(&kind).map_or(&[][..], Vec::as_slice);
        let of_frame = matches!(event.kind, FRAME_KIND | EXTRACT_KIND);
        if roles.is_empty() && !of_frame {
            return;
        }
        let end = event.position.next();
        let calendar = self
            .calendar
            .take()
            .unwrap_or_else(|| Calendar::new(campaign.zone));
        let reader = Reader::new((names, records), plan, &self.links, end, calendar);
        let recorded = reader.day_of(event.recorded);
        let subject = reader.subject(slot);
        if of_frame {
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
        }
        let change = Happened {
            position: event.position,
            effective: reader.day_of(event.effective),
            voids: event.because.is_some_and(|because| because.voids()),
        };
        let evaluation = Evaluation {
            reader: &reader,
            campaign,
            frames: &self.frames,
            first_rows: &self.first_rows,
        };
        let mut cases = BTreeSet::new();
        let lives = gives_life(event, &subject);
        for role in roles {
            if matters(role, event, lives, names) {
                evaluation.cases(role, &subject, &mut cases);
            }
        }
        for (indicator, case) in &cases {
            if let Some(planned) = plan.indicators.get(*indicator) {
                let moved = evaluation.moved(planned, case, &change);
                self.tally.move_all(planned, &moved, recorded);
            }
        }
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
    /// follows the new one. One pass over all records for each of the two.
    pub(crate) fn change_campaign(
        &mut self,
        event: &Event<'_>,
        (old, old_plan): (&Campaign, &Plan),
        (new, new_plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
    ) {
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
                self.tally.move_all(planned, &moved, recorded);
            }
        }
        self.calendar = Some(reader.into_calendar());
    }

    /// The kept sums of an indicator at the end of a day.
    fn sums(&self, indicator: Name, of: &Measure, scope: Scope, axis: Axis, day: Day) -> Sums {
        let mut sums = Sums::default();
        for part in Part::of(of) {
            sums.add(
                *part,
                self.tally.signed(measure(indicator, *part), scope, axis, day),
            );
        }
        sums
    }

    /// Every area in which an indicator ever had a case.
    fn areas(&self, indicator: Name, of: &Measure) -> Vec<Name> {
        let measures = Part::of(of).iter().map(|part| measure(indicator, *part));
        let mut areas: Vec<Name> = measures.flat_map(|measure| self.tally.areas(measure)).collect();
        areas.sort_unstable();
        areas.dedup();
        areas
    }

    /// Every actor for whom an indicator ever had a case.
    fn actors(&self, indicator: Name, of: &Measure) -> BTreeSet<Name> {
        let measures = Part::of(of).iter().map(|part| measure(indicator, *part));
        measures.flat_map(|measure| self.tally.actors(measure)).collect()
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

    /// Shows what every case of an indicator contributes at one pair of times: one pass over the records.
    fn pass(
        &self,
        indicator: Name,
        (campaign, plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
        (effective, end): (Timestamp, Position),
        mut show: impl FnMut(&Case, Contribution, Vec<Input>),
        with_inputs: bool,
    ) {
        let at = (effective, end);
        self.with_cases(
            indicator,
            (campaign, plan),
            (names, records),
            at,
            |evaluation, planned, case, moment| {
                let contribution = evaluation.contribution(planned, case, moment);
                if contribution == Contribution::default() {
                    return;
                }
                let inputs = if with_inputs {
                    evaluation.inputs_of(planned, case, moment)
                } else {
                    Vec::new()
                };
                show(case, contribution, inputs);
            },
        );
    }

    /// Shows every case of an indicator with what evaluates it, at one pair of times.
    fn with_cases(
        &self,
        indicator: Name,
        (campaign, plan): (&Campaign, &Plan),
        (names, records): (&Names, &Records),
        (effective, end): (Timestamp, Position),
        mut show: impl FnMut(&Evaluation<'_, '_>, &Planned, &Case, Moment),
    ) {
        let Some(planned) = plan.indicators.iter().find(|planned| planned.name == indicator) else {
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
        let moment = Moment {
            effective,
            day: reader.day_of(effective),
            end,
        };
        for case in evaluation.all_cases(planned, records) {
            reader.forget();
            show(&evaluation, planned, &case, moment);
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

/// What an event is to the cases that it may move.
struct Happened {
    position: Position,
    effective: Day,
    voids: bool,
}

/// What a case contributes without an event and with it, from a day on until the next one.
type Moved = (Day, Contribution, Contribution);

/// Evaluates cases of a campaign.
struct Evaluation<'r, 'a> {
    reader: &'r Reader<'a>,
    campaign: &'r Campaign,
    frames: &'r Frames,
    first_rows: &'r RoaringBitmap,
}

impl<'a> Evaluation<'_, 'a> {
    /// The cases that an event on a record may move in one of its roles.
    fn cases(&self, role: &Role, subject: &Rc<Subject<'a>>, out: &mut BTreeSet<(usize, Case)>) {
        let reader = self.reader;
        let based: Vec<Rc<Subject<'a>>> = match &role.leads {
            Leads::Own => vec![Rc::clone(subject)],
            Leads::Referrers(link) => {
                let name = format!("{}/{}", reader.names.text(subject.kind), subject.key);
                let slots = reader.links.of(*link, &name);
                slots.map(|slot| reader.subject(slot)).collect()
            }
            Leads::Targets { field, kind } => {
                let named = subject
                    .ever(reader.names.text(*field))
                    .filter_map(|value| match value {
                        Value::Reference(name) => reader.named(name),
                        _ => None,
                    });
                named.filter(|target| target.kind == *kind).collect()
            }
        };
        for base in based {
            let mut add = |case: Case| {
                out.insert((role.indicator, case));
            };
            let texts = |subject: &Subject<'a>, field: Option<Name>| -> Vec<String> {
                match field {
                    None => vec![subject.key.to_owned()],
                    Some(field) => {
                        let values = subject.ever(reader.names.text(field));
                        values.map(|value| text_of(value).into_owned()).collect()
                    }
                }
            };
            match &role.cases {
                Cases::Itself => add(Case::Record(base.slot)),
                Cases::Rows { by, rows } => {
                    for text in texts(&base, *by) {
                        reader
                            .links
                            .of(*rows, &text)
                            .for_each(|row| add(Case::Record(row)));
                    }
                }
                Cases::Value(field) => texts(&base, Some(*field))
                    .into_iter()
                    .for_each(|text| add(Case::Value(text))),
                Cases::Key => add(Case::Value(base.key.to_owned())),
                Cases::Beyond(field, second) => {
                    for value in base.ever(reader.names.text(*field)) {
                        let Value::Reference(name) = value else { continue };
                        let target = reader.named(name);
                        target
                            .iter()
                            .flat_map(|target| texts(target, *second))
                            .for_each(|text| add(Case::Value(text)));
                    }
                }
            }
        }
    }

    /// Every case of an indicator, in a fixed order.
    fn all_cases(&self, planned: &Planned, records: &Records) -> Vec<Case> {
        let reader = self.reader;
        let of_kinds = |kinds: &[&str]| -> Vec<Slot> {
            let wanted: Vec<Name> = kinds.iter().filter_map(|kind| reader.plan.kind(kind)).collect();
            let slots = records.slots(0);
            slots
                .filter(|slot| wanted.contains(&records.name(*slot).0))
                .collect()
        };
        let itself = |slots: Vec<Slot>| slots.into_iter().map(Case::Record).collect();
        match &planned.indicator.measure {
            Measure::Collected {
                of,
                frame: Frame::Count { .. },
            } => itself(of_kinds(&[&of.kind, FRAME_KIND])),
            Measure::Collected {
                frame: Frame::List(_),
                ..
            }
            | Measure::Share { list: Some(_), .. } => itself(of_kinds(&[EXTRACT_KIND])),
            Measure::Share { of, list: None, .. } | Measure::Sum { of, latest: None, .. } => {
                itself(of_kinds(&[&of.kind]))
            }
            Measure::Sum {
                of,
                latest: Some(latest),
                ..
            } => {
                let mut values = BTreeSet::new();
                for slot in of_kinds(&[&of.kind]) {
                    let subject = reader.subject(slot);
                    values.extend(subject.ever(&latest.per).map(|value| text_of(value).into_owned()));
                    reader.forget();
                }
                values.into_iter().map(Case::Value).collect()
            }
            Measure::Agree { left, right } => {
                let mut keys = BTreeSet::new();
                for side in [left, right] {
                    for slot in of_kinds(&[&side.of.kind]) {
                        keys.extend(reader.keys_of(side, &reader.subject(slot)));
                        reader.forget();
                    }
                }
                keys.into_iter().map(Case::Value).collect()
            }
            Measure::Accuracy { .. } | Measure::Roster { .. } => Vec::new(),
        }
    }

    /// What a case contributes at one pair of times.
    fn contribution(&self, planned: &Planned, case: &Case, moment: Moment) -> Contribution {
        let (reader, measure) = (self.reader, &planned.indicator.measure);
        match (measure, case) {
            (
                Measure::Collected {
                    of,
                    frame: Frame::Count { what },
                },
                Case::Record(slot),
            ) => {
                let subject = reader.subject(*slot);
                if reader.is_of(&subject, FRAME_KIND) {
                    let first_end = reader.first_area(what, &subject, self.area_field(FRAME_KIND));
                    let first_end = self.frames.first_end(what, first_end);
                    reader.frame(what, &subject, self.area_field(FRAME_KIND), (moment, first_end))
                } else {
                    reader.collected(of, &subject, self.area_field(&of.kind), moment)
                }
            }
            (
                Measure::Collected {
                    of,
                    frame: Frame::List(list),
                },
                Case::Record(slot),
            ) => self.row(of, None, list, *slot, moment),
            (
                Measure::Share {
                    of,
                    list: Some(list),
                    property,
                },
                Case::Record(slot),
            ) => self.row(of, Some(property), list, *slot, moment),
            (
                Measure::Share {
                    of,
                    list: None,
                    property,
                },
                Case::Record(slot),
            ) => {
                let subject = reader.subject(*slot);
                reader.share(of, property, &subject, self.area_field(&of.kind), moment)
            }
            (
                Measure::Sum {
                    of,
                    numerator,
                    denominator,
                    latest,
                },
                case,
            ) => {
                let fields = Summed {
                    numerator,
                    denominator,
                };
                let area_field = self.area_field(&of.kind);
                match (case, latest) {
                    (Case::Record(slot), _) => {
                        reader.sum(of, fields, &reader.subject(*slot), area_field, moment)
                    }
                    (Case::Value(per), Some(latest)) => {
                        reader.latest(of, fields, latest, per, area_field, moment)
                    }
                    (Case::Value(_), None) => Contribution::default(),
                }
            }
            (Measure::Agree { left, right }, Case::Value(key)) => {
                let areas = (self.area_field(&left.of.kind), self.area_field(&right.of.kind));
                reader.agree((left, right), key, areas, moment)
            }
            _ => Contribution::default(),
        }
    }

    fn row(
        &self,
        of: &shilu_model::Population,
        property: Option<&shilu_model::Property>,
        list: &shilu_model::ListFrame,
        slot: Slot,
        moment: Moment,
    ) -> Contribution {
        let row = self.reader.subject(slot);
        let how = (self.area_field(EXTRACT_KIND), self.first_rows.contains(slot.0));
        self.reader.row(of, property, list, &row, how, moment)
    }

    /// The records that decide what a case contributes; some may be there twice.
    fn inputs(&self, planned: &Planned, case: &Case) -> Vec<Rc<Subject<'a>>> {
        let (reader, mut inputs) = (self.reader, Vec::new());
        match (&planned.indicator.measure, case) {
            (
                Measure::Collected {
                    of,
                    frame: Frame::Count { .. },
                },
                Case::Record(slot),
            ) => {
                reader.share_inputs(of, None, &reader.subject(*slot), &mut inputs);
            }
            (
                Measure::Collected {
                    of,
                    frame: Frame::List(list),
                },
                Case::Record(slot),
            ) => {
                reader.row_inputs(of, None, list, &reader.subject(*slot), &mut inputs);
            }
            (
                Measure::Share {
                    of,
                    list: Some(list),
                    property,
                },
                Case::Record(slot),
            ) => {
                reader.row_inputs(of, Some(property), list, &reader.subject(*slot), &mut inputs);
            }
            (
                Measure::Share {
                    of,
                    list: None,
                    property,
                },
                Case::Record(slot),
            ) => {
                reader.share_inputs(of, Some(property), &reader.subject(*slot), &mut inputs);
            }
            (Measure::Sum { of, .. }, Case::Record(slot)) => {
                reader.share_inputs(of, None, &reader.subject(*slot), &mut inputs);
            }
            (
                Measure::Sum {
                    of,
                    latest: Some(latest),
                    ..
                },
                Case::Value(per),
            ) => {
                for slot in reader.linked(&of.kind, &latest.per, per) {
                    reader.share_inputs(of, None, &reader.subject(slot), &mut inputs);
                }
            }
            (Measure::Agree { left, right }, Case::Value(key)) => {
                reader.agree_inputs([left, right], key, &mut inputs);
            }
            _ => {}
        }
        inputs
    }

    fn inputs_of(&self, planned: &Planned, case: &Case, moment: Moment) -> Vec<Input> {
        let mut inputs: Vec<Input> = self
            .inputs(planned, case)
            .iter()
            .map(|subject| {
                let known = subject.known(moment.end).iter();
                let there = known.filter(|entry| entry.effective <= moment.effective);
                Input {
                    record: format!("{}/{}", self.reader.names.text(subject.kind), subject.key),
                    events: there.map(|entry| entry.position).collect(),
                }
            })
            .filter(|input| !input.events.is_empty())
            .collect();
        inputs.sort_by(|a, b| a.record.cmp(&b.record));
        inputs.dedup();
        inputs
    }

    /// The days on which what a case contributes may change.
    fn days(&self, planned: &Planned, case: &Case) -> BTreeSet<Day> {
        let mut days = BTreeSet::new();
        for subject in self.inputs(planned, case) {
            for entry in &subject.entries {
                let day = self.reader.day_of(entry.effective);
                days.insert(day);
                days.extend(planned.windows.iter().map(|window| {
                    let window = i32::try_from(*window).unwrap_or(i32::MAX);
                    Day::from_number(day.number().saturating_add(window))
                }));
            }
        }
        days
    }

    /// What a case contributes without an event and with it.
    fn moved(&self, planned: &Planned, case: &Case, event: &Happened) -> Vec<Moved> {
        let mut days = self.days(planned, case);
        if !event.voids {
            // Nothing that takes effect on a day changes the days before.
            days = days.split_off(&event.effective);
        }
        days.insert(event.effective);
        let at = |day, end| self.contribution(planned, case, self.reader.end_of(day, end));
        days.into_iter()
            .map(|day| (day, at(day, event.position), at(day, event.position.next())))
            .collect()
    }

    fn area_field(&self, kind: &str) -> Option<&str> {
        self.campaign.kind(kind).and_then(|kind| kind.area.as_deref())
    }
}

impl Tally {
    /// Moves a case on both axes: on the one of knowledge from the day on which the event was recorded.
    fn move_all(&mut self, planned: &Planned, moved: &[Moved], recorded: Day) {
        let mut last = None;
        for (day, without, with) in moved {
            let differs = (without != with).then_some((without, with));
            if differs != last {
                self.shift(planned.name, Axis::Effective, *day, last, differs);
                last = differs;
            }
        }
        let begun = moved.iter().take_while(|(day, ..)| *day <= recorded).last();
        let later = moved.iter().skip_while(|(day, ..)| *day <= recorded);
        let mut last = None;
        for (day, without, with) in begun.into_iter().chain(later) {
            let differs = (without != with).then_some((without, with));
            if differs != last {
                self.shift(planned.name, Axis::Known, (*day).max(recorded), last, differs);
                last = differs;
            }
        }
    }

    /// From a day on one replacement holds instead of another.
    fn shift(
        &mut self,
        indicator: Name,
        axis: Axis,
        day: Day,
        before: Option<(&Contribution, &Contribution)>,
        after: Option<(&Contribution, &Contribution)>,
    ) {
        let before = before
            .into_iter()
            .flat_map(|(without, with)| [(without, 1), (with, -1)]);
        let after = after
            .into_iter()
            .flat_map(|(without, with)| [(without, -1), (with, 1)]);
        for (told, sign) in before.chain(after) {
            for part in Part::ALL {
                let cases = told.parts.get(part) * sign;
                if cases != 0 {
                    let actor = Some(told.actor).filter(|actor| *actor != Name::NONE);
                    self.add(measure(indicator, part), told.area, actor, axis, day, cases);
                }
            }
        }
    }
}

/// Saved: never renumber without a new version of the projection.
fn measure(indicator: Name, part: Part) -> u32 {
    indicator.0.saturating_mul(16).saturating_add(part.number())
}

/// Whether an event may change whether its record is live, or who collected it first.
fn gives_life(event: &Event<'_>, subject: &Subject<'_>) -> bool {
    let mut earlier = subject.known(event.position).iter();
    match event.action {
        Action::Deregister => true,
        Action::Register => earlier.any(|entry| entry.action == Action::Deregister),
        Action::Collect => {
            !earlier.any(|entry| entry.action == Action::Collect && entry.effective <= event.effective)
        }
        _ => false,
    }
}

fn matters(role: &Role, event: &Event<'_>, lives: bool, names: &Names) -> bool {
    lives
        || role.trigger.actions.contains(&event.action)
        || role.trigger.sites && Site::of(event).is_some()
        || event.changes.iter().any(|change| {
            change.sets()
                && names
                    .find(change.field)
                    .is_some_and(|field| role.trigger.fields.contains(&field))
        })
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
