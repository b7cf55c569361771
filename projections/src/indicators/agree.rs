//! Agreement: the cases are the keys that either of two extracts has.

use std::rc::Rc;

use shilu_model::{Part as RecordPart, Side, Value};

use super::{
    links::text_of,
    parts::{Contribution, Part},
    reader::{Moment, Reader, Subject},
};
use crate::names::Name;

/// What one side says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The records that say it, by name.
    pub records: Vec<String>,
    /// The area of the first of them.
    pub(super) area: Name,
    /// The value as written; where two records of the side conflict, all that they say, between [`CONFLICT`]s.
    pub value: Option<String>,
    /// Its normal form; none where records conflict.
    pub normal: Option<String>,
    /// Whether two records of the side conflict.
    conflicts: bool,
}

/// Between values of one side that should be one.
const CONFLICT: &str = " ≠ ";

/// What two records of a side say, each once; one that says nothing has a dash.
fn both(told: Option<String>, more: Option<String>) -> String {
    let [told, more] = [told, more].map(|value| value.unwrap_or_else(|| "-".to_owned()));
    if told.split(CONFLICT).any(|other| other == more) {
        told
    } else {
        [told, more].join(CONFLICT)
    }
}

impl<'a> Reader<'a> {
    /// What a key contributes: it counts where both sides have it with equal normal forms.
    pub fn agree(
        &self,
        (left, right): (&Side, &Side),
        key: &str,
        areas: (Option<&str>, Option<&str>),
        moment: Moment,
    ) -> Contribution {
        let said = (
            self.said(left, key, areas.0, moment),
            self.said(right, key, areas.1, moment),
        );
        let Some(area) = said.0.as_ref().or(said.1.as_ref()).map(|said| said.area) else {
            return Contribution::default();
        };
        let agrees = match &said {
            (Some(left), Some(right)) => left.normal.is_some() && left.normal == right.normal,
            _ => false,
        };
        Contribution {
            area,
            ..Contribution::default()
        }
        .with(Part::Denominator, 1)
        .with(Part::Numerator, i64::from(agrees))
    }

    /// What a side says of a key, if it has it.
    pub fn said(&self, side: &Side, key: &str, area_field: Option<&str>, moment: Moment) -> Option<Said> {
        let mut said: Option<Said> = None;
        for subject in self.with_key(side, key) {
            let state = subject.state(moment);
            let own = self.value_at(&side.key, &subject, &state, moment);
            if own.is_none_or(|own| text_of(own) != key) || !self.in_scope(&side.of, &subject, &state, moment)
            {
                continue;
            }
            let value = self.value_at(&side.value, &subject, &state, moment);
            let value = value.map(|value| text_of(value).into_owned());
            let normal = value.as_deref().map(|value| side.normal.fold(value));
            let name = format!("{}/{}", self.names.text(subject.kind), subject.key);
            match &mut said {
                None => {
                    said = Some(Said {
                        records: vec![name],
                        area: self.place(&state, area_field).0,
                        value,
                        normal,
                        conflicts: false,
                    });
                }
                Some(said) => {
                    said.records.push(name);
                    if said.conflicts || said.normal != normal {
                        said.conflicts = true;
                        said.normal = None;
                        said.value = Some(both(said.value.take(), value));
                    }
                }
            }
        }
        said
    }

    /// The records of a side that ever had a key, and perhaps some others, in the order of their keys.
    fn with_key(&self, side: &Side, key: &str) -> Vec<Rc<Subject<'a>>> {
        let mut found = match &side.key.via {
            None => self.with_part(&side.of.kind, &side.key.part, key),
            Some(hop) => {
                let mut found = Vec::new();
                for kind in &hop.kinds {
                    for target in self.with_part(kind, &side.key.part, key) {
                        let name = format!("{kind}/{}", target.key);
                        found.extend(self.with_part(
                            &side.of.kind,
                            &RecordPart::Field(hop.field.clone()),
                            &name,
                        ));
                    }
                }
                found
            }
        };
        found.sort_by(|a, b| a.key.cmp(b.key));
        found.dedup_by_key(|subject| subject.slot);
        found
    }

    /// The records that decide what a key contributes.
    pub fn agree_inputs(&self, sides: [&Side; 2], key: &str, out: &mut Vec<Rc<Subject<'a>>>) {
        for side in sides {
            for subject in self.with_key(side, key) {
                self.reached(&side.of.conditions, &subject, out);
                self.reached_by(&side.key, &subject, out);
                self.reached_by(&side.value, &subject, out);
                out.push(subject);
            }
        }
    }

    /// Every key that a record of a side ever had.
    pub fn keys_of(&self, side: &Side, subject: &Subject<'a>) -> Vec<String> {
        let texts = |subject: &Subject<'a>| -> Vec<String> {
            match &side.key.part {
                RecordPart::Key => vec![subject.key.to_owned()],
                RecordPart::Field(field) => subject
                    .ever(field)
                    .map(|value: Value<'_>| text_of(value).into_owned())
                    .collect(),
            }
        };
        if side.key.via.is_none() {
            return texts(subject);
        }
        let mut reached = Vec::new();
        self.reached_by(&side.key, subject, &mut reached);
        reached.iter().flat_map(|target| texts(target)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicting_records_are_told_with_all_that_they_say() {
        let said = ["一号", "二号", "一号", ""];
        let told = said.iter().fold(None, |told: Option<Option<String>>, value| {
            let value = (!value.is_empty()).then(|| (*value).to_owned());
            Some(match told {
                None => value,
                Some(told) => Some(both(told, value)),
            })
        });
        assert_eq!(told.flatten().as_deref(), Some("一号 ≠ 二号 ≠ -"));
    }
}
