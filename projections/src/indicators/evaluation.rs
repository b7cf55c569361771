//! Evaluation: what a case contributes at one pair of times, and on which days that may change.

use std::{collections::BTreeSet, rc::Rc};

use roaring::RoaringBitmap;
use shilu_model::{Campaign, Day, EXTRACT_KIND, FRAME_KIND, Frame, Measure};

use super::{
    Case, Input,
    links::text_of,
    parts::Contribution,
    plan::Planned,
    reader::{Moment, Reader, Subject},
    sum::Summed,
};
use crate::{
    names::Name,
    records::{Records, Slot},
};

/// Evaluates cases of a campaign.
pub(super) struct Evaluation<'r, 'a> {
    pub reader: &'r Reader<'a>,
    pub campaign: &'r Campaign,
    pub first_rows: &'r RoaringBitmap,
}

impl<'a> Evaluation<'_, 'a> {
    /// Every case of an indicator, in a fixed order.
    pub fn all_cases(&self, planned: &Planned, records: &Records) -> Vec<Case> {
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
    pub fn contribution(&self, planned: &Planned, case: &Case, moment: Moment) -> Contribution {
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
                    reader.frame(what, &subject, self.area_field(FRAME_KIND), moment)
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
    pub fn inputs(&self, planned: &Planned, case: &Case) -> Vec<Rc<Subject<'a>>> {
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

    pub fn inputs_of(&self, planned: &Planned, case: &Case, moment: Moment) -> Vec<Input> {
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
    pub fn days(&self, planned: &Planned, case: &Case) -> Vec<Day> {
        self.days_of(planned, &self.inputs(planned, case))
    }

    /// The days on which what some records decide may change, in order.
    pub fn days_of(&self, planned: &Planned, inputs: &[Rc<Subject<'a>>]) -> Vec<Day> {
        let mut days = Vec::new();
        for entry in inputs.iter().flat_map(|subject| &subject.entries) {
            let day = self.reader.day_of(entry.effective);
            days.push(day);
            days.extend(planned.windows.iter().map(|window| {
                let window = i32::try_from(*window).unwrap_or(i32::MAX);
                Day::from_number(day.number().saturating_add(window))
            }));
        }
        days.sort_unstable();
        days.dedup();
        days
    }

    fn area_field(&self, kind: &str) -> Option<&str> {
        self.campaign.kind(kind).and_then(|kind| kind.area.as_deref())
    }
}
