//! Conditions and paths: from the file's texts to kinds, fields and values that exist and fit.

use std::ops::Range;

use toml::Spanned;

use super::{
    areas::Areas,
    check::{Checked, plain_day, wrong},
    file::{TestFile, TestsFile},
    indicator::{Condition, Hop, Part, Path, Population, Test},
    kinds::{Field, Kind},
    sets::Sets,
};
use crate::{
    field_type::FieldType,
    value::{Input, OwnedValue},
};

/// What the compiler of indicators may ask.
pub(super) struct Context<'a> {
    pub kinds: &'a [Kind],
    pub sets: &'a Sets,
    pub areas: &'a Areas,
}

/// How far a path may lead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the record's own fields.
    Own,
    /// Over one reference.
    OneHop,
}

/// A path, and the fields that it may end at: one for each kind.
pub(super) struct Found<'a> {
    pub path: Path,
    pub ends: Vec<&'a Field>,
}

impl<'a> Context<'a> {
    /// A kind that is named.
    pub fn kind(&self, id: &Spanned<String>) -> Checked<&'a Kind> {
        match self.find(id.get_ref()) {
            Some(kind) => Ok(kind),
            None => wrong(id, format!("there is no kind {:?}", id.get_ref())),
        }
    }

    pub fn find(&self, id: &str) -> Option<&'a Kind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// Records of a kind, and what must be so of them.
    pub fn population(&self, kind: &Kind, tests: Option<&TestsFile>) -> Checked<Population> {
        let conditions = tests.map_or_else(
            || Ok(Vec::new()),
            |tests| self.conditions(kind, tests, Reach::OneHop),
        );
        Ok(Population {
            kind: kind.id.clone(),
            conditions: conditions?,
        })
    }

    pub fn conditions(&self, kind: &Kind, tests: &TestsFile, reach: Reach) -> Checked<Vec<Condition>> {
        let conditions = tests.0.iter().map(|(path, test)| {
            let found = self.path(kind, path, reach)?;
            let test = match test.get_ref() {
                TestFile::Table(table) => live(&found, table, test.span(), reach)?,
                _ => Test::AnyOf(self.any_of(&found, test)?),
            };
            Ok(Condition {
                path: found.path,
                test,
            })
        });
        conditions.collect()
    }

    /// Follows a path from a kind: `field`, or `reference.field` where that is allowed.
    pub fn path<'k>(&'k self, kind: &'k Kind, written: &Spanned<String>, reach: Reach) -> Checked<Found<'k>> {
        let Some((reference, field)) = written.get_ref().split_once('.') else {
            let (part, end) = self.end(kind, written.get_ref(), written)?;
            return Ok(Found {
                path: Path { via: None, part },
                ends: vec![end],
            });
        };
        if reach == Reach::Own {
            return wrong(
                written,
                "no path is possible here: one reference is followed already",
            );
        }
        let (_, hop) = self.end(kind, reference, written)?;
        let FieldType::Reference(kinds) = &hop.field_type else {
            return wrong(written, format!("{reference:?} is no reference"));
        };
        if field.contains('.') {
            return wrong(written, "a path follows one reference, not more");
        }
        let reached = kinds.iter().filter_map(|kind| self.find(kind));
        let ends = reached
            .map(|kind| self.end(kind, field, written))
            .collect::<Checked<Vec<_>>>()?;
        let mut parts = ends.iter().map(|(part, _)| part);
        let part = parts.next().cloned().unwrap_or(Part::Key);
        if parts.any(|other| *other != part) {
            return wrong(
                written,
                format!("{field:?} is the key of one kind and a field of another"),
            );
        }
        let via = Hop {
            field: reference.to_owned(),
            kinds: kinds.clone(),
        };
        Ok(Found {
            path: Path { via: Some(via), part },
            ends: ends.into_iter().map(|(_, end)| end).collect(),
        })
    }

    fn end<'k>(&self, kind: &'k Kind, id: &str, written: &Spanned<String>) -> Checked<(Part, &'k Field)> {
        let Some(field) = kind.field(id) else {
            return wrong(written, format!("the kind {:?} has no field {id:?}", kind.id));
        };
        if field.personal {
            let problem = format!("{id:?} of {:?} is personal: no indicator reads it", kind.id);
            return wrong(written, problem);
        }
        let part = if kind.key == field.id {
            Part::Key
        } else {
            Part::Field(field.id.clone())
        };
        Ok((part, field))
    }

    fn any_of(&self, found: &Found<'_>, test: &Spanned<TestFile>) -> Checked<Vec<OwnedValue>> {
        let mut values = Vec::new();
        match test.get_ref() {
            TestFile::List(list) => {
                for item in list {
                    self.one(found, item, &mut values)?;
                }
            }
            _ => self.one(found, test, &mut values)?,
        }
        if values.is_empty() {
            return wrong(test, "there must be at least one value");
        }
        Ok(values)
    }

    /// Adds what one written value stands for, each in the form in which the field stores it.
    fn one(&self, found: &Found<'_>, item: &Spanned<TestFile>, values: &mut Vec<OwnedValue>) -> Checked<()> {
        let day;
        match item.get_ref() {
            TestFile::Text(text) => {
                let texts = self.sets.expand(text).map_err(|problem| (item.span(), problem))?;
                for text in &texts {
                    self.add(found, Input::Text(text), item, values)?;
                }
                Ok(())
            }
            TestFile::Integer(number) => self.add(found, Input::Integer(*number), item, values),
            TestFile::Boolean(truth) => self.add(found, Input::Boolean(*truth), item, values),
            TestFile::Date(date) => {
                let dates = found.ends.iter().all(|end| end.field_type == FieldType::Date);
                let Some(date) = plain_day(date).filter(|_| dates) else {
                    return wrong(item, "a date is compared with a field of type \"date\" alone");
                };
                day = date.to_string();
                self.add(found, Input::Text(&day), item, values)
            }
            TestFile::Float(_) => wrong(item, "write a decimal number as a text, such as \"12.5\""),
            TestFile::List(_) | TestFile::Table(_) => wrong(item, "a list holds values alone"),
        }
    }

    fn add(
        &self,
        found: &Found<'_>,
        input: Input<'_>,
        item: &Spanned<TestFile>,
        values: &mut Vec<OwnedValue>,
    ) -> Checked<()> {
        let mut problem = "an empty text is no value".to_owned();
        let mut held = false;
        let known = values.len();
        for end in &found.ends {
            match end.field_type.read(input) {
                Ok(Some(value)) => {
                    self.check_area(end, &value, item.span())?;
                    held = true;
                    match values.iter().position(|other| *other == value) {
                        Some(place) if place < known => {
                            return wrong(item, "this value is there twice");
                        }
                        Some(_) => {}
                        None => values.push(value),
                    }
                }
                Ok(None) => {}
                Err(other) => problem = other,
            }
        }
        if held {
            Ok(())
        } else {
            wrong(item, format!("the field can never hold this: {problem}"))
        }
    }

    fn check_area(&self, end: &Field, value: &OwnedValue, span: Range<usize>) -> Checked<()> {
        match value {
            OwnedValue::Text(id)
                if end.field_type == FieldType::Area
                    && !self.areas.is_empty()
                    && self.areas.get(id).is_none() =>
            {
                Err((span, format!("there is no area {id:?}")))
            }
            _ => Ok(()),
        }
    }
}

/// `{ live = true }` on a reference of the record itself.
fn live(found: &Found<'_>, table: &toml::Table, span: Range<usize>, reach: Reach) -> Checked<Test> {
    let mut keys = table.iter();
    let alone = matches!((keys.next(), keys.next()), (Some((key, value)), None) if key == "live" && value.as_bool() == Some(true));
    if !alone {
        let problem = "expected { live = true }; a path is written in quotes, such as \"unit.trade\"";
        return Err((span, problem.to_owned()));
    }
    if found.path.via.is_some() || reach == Reach::Own {
        return Err((span, "one reference is followed already".to_owned()));
    }
    match found.ends.first().map(|end| &end.field_type) {
        Some(FieldType::Reference(kinds)) => Ok(Test::Live { kinds: kinds.clone() }),
        _ => Err((span, "only a reference names a live record".to_owned())),
    }
}
