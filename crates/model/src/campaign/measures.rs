//! Measures: which keys belong to each, and what they must be.

use std::ops::Range;

use toml::Spanned;

use super::{
    check::{Checked, whole, wrong},
    conditions::{Context, Found, Reach},
    file::{IndicatorFile, LatestFile, ReferredFile, RosterFile, SideFile, TestFile, TouchedFile},
    frames,
    indicator::{
        Children, Frame, Gone, Indicator, Latest, Measure, Needed, Number, Part, Population, Property,
        Referred, RosterRate, Side, Touched,
    },
    kinds::Kind,
    targets,
};
use crate::{event::Action, field_type::FieldType};

/// The days of grace where a roster does not say: the notice's three.
const GRACE_DAYS_DEFAULT: u32 = 3;
/// Longest window: a century.
const DAYS_MAX: u32 = 36_500;
/// Most records that a campaign may ask to refer to one.
const NEEDED_MAX: u32 = 1_000_000;

/// The measures and their own keys.
const MEASURES: [(&str, &[&str]); 6] = [
    ("collected", &["of", "where", "count", "list"]),
    (
        "share",
        &["of", "where", "list", "having", "referred", "touched", "complete"],
    ),
    ("sum", &["of", "where", "numerator", "denominator", "latest"]),
    ("agree", &["left", "right"]),
    ("accuracy", &["of", "where", "gone"]),
    ("roster", &["of", "where", "roster"]),
];

impl IndicatorFile {
    pub(super) fn compile(&self, context: &Context<'_>) -> Checked<Indicator> {
        self.check_keys()?;
        Ok(Indicator {
            id: self.id.get_ref().clone(),
            title: self.title.clone(),
            measure: self.compile_measure(context)?,
            targets: targets::check(&self.targets)?,
        })
    }

    /// Every key that the file may have, with its place where it has it.
    fn keys(&self) -> [(&'static str, Option<Range<usize>>); 15] {
        fn at<T>(key: &Option<Spanned<T>>) -> Option<Range<usize>> {
            key.as_ref().map(Spanned::span)
        }
        [
            ("of", at(&self.of)),
            ("where", at(&self.conditions)),
            ("count", at(&self.count)),
            ("list", at(&self.list)),
            ("having", at(&self.having)),
            ("referred", at(&self.referred)),
            ("touched", at(&self.touched)),
            ("complete", at(&self.complete)),
            ("numerator", at(&self.numerator)),
            ("denominator", at(&self.denominator)),
            ("latest", at(&self.latest)),
            ("left", at(&self.left)),
            ("right", at(&self.right)),
            ("gone", at(&self.gone)),
            ("roster", at(&self.roster)),
        ]
    }

    fn check_keys(&self) -> Checked<()> {
        let measure = self.measure.get_ref().as_str();
        let Some((_, own)) = MEASURES.iter().find(|(word, _)| *word == measure) else {
            let problem = "the measures are collected, share, sum, agree, accuracy and roster";
            return wrong(&self.measure, problem);
        };
        for (key, place) in self.keys() {
            if let Some(place) = place.filter(|_| !own.contains(&key)) {
                return Err((place, format!("the measure {measure:?} has no {key:?}")));
            }
        }
        Ok(())
    }

    fn compile_measure(&self, context: &Context<'_>) -> Checked<Measure> {
        if self.measure.get_ref() == "agree" {
            return self.agree(context);
        }
        let kind = context.kind(self.needs(&self.of, "of")?)?;
        let of = context.population(kind, self.conditions.as_ref().map(Spanned::get_ref))?;
        match self.measure.get_ref().as_str() {
            "collected" => self.collected(context, kind, of),
            "share" => self.share(context, kind, of),
            "sum" => self.sum(context, kind, of),
            "accuracy" => self.accuracy(kind, of),
            _ => {
                let roster = self.needs(&self.roster, "roster")?.get_ref();
                Ok(Measure::Roster {
                    of,
                    children: roster.children(context, kind)?,
                    rate: roster.rate()?,
                })
            }
        }
    }

    fn needs<'f, T>(&self, key: &'f Option<Spanned<T>>, name: &str) -> Checked<&'f Spanned<T>> {
        match key {
            Some(value) => Ok(value),
            None => wrong(
                &self.measure,
                format!("the measure {:?} needs {name:?}", self.measure.get_ref()),
            ),
        }
    }

    fn collected(&self, context: &Context<'_>, kind: &Kind, of: Population) -> Checked<Measure> {
        let frame = match (&self.count, &self.list) {
            (Some(count), None) => Frame::Count {
                what: frames::count(context, kind, count)?,
            },
            (None, Some(list)) => Frame::List(frames::list(context, kind, list)?),
            (None, None) => {
                return wrong(
                    &self.measure,
                    "the measure \"collected\" needs \"count\" or \"list\"",
                );
            }
            (Some(_), Some(list)) => return wrong(list, "there is a count already; one frame is enough"),
        };
        Ok(Measure::Collected { of, frame })
    }

    fn share(&self, context: &Context<'_>, kind: &Kind, of: Population) -> Checked<Measure> {
        let list = self.list.as_ref();
        let list = list.map(|list| frames::list(context, kind, list)).transpose()?;
        let having = self.having.as_ref();
        let having = having.map(|tests| context.conditions(kind, tests.get_ref(), Reach::OneHop));
        let complete = match &self.complete {
            Some(complete) if *complete.get_ref() => essential(kind, complete.span())?,
            _ => Vec::new(),
        };
        let referred = self.referred.as_ref();
        let property = Property {
            having: having.transpose()?.unwrap_or_default(),
            referred: referred
                .map(|referred| referred.get_ref().compile(context, kind, referred.span()))
                .transpose()?,
            touched: self
                .touched
                .as_ref()
                .map(|touched| touched.get_ref().compile())
                .transpose()?,
            complete,
        };
        if property == Property::default() {
            let problem = "the measure \"share\" needs \"having\", \"referred\", \"touched\" or \"complete\"";
            return wrong(&self.measure, problem);
        }
        Ok(Measure::Share { of, list, property })
    }

    fn sum(&self, context: &Context<'_>, kind: &Kind, of: Population) -> Checked<Measure> {
        let latest = self.latest.as_ref();
        Ok(Measure::Sum {
            of,
            numerator: integer_field(context, kind, self.needs(&self.numerator, "numerator")?)?,
            denominator: integer_field(context, kind, self.needs(&self.denominator, "denominator")?)?,
            latest: latest
                .map(|latest| latest.get_ref().compile(context, kind))
                .transpose()?,
        })
    }

    fn agree(&self, context: &Context<'_>) -> Checked<Measure> {
        let (left, right) = (self.needs(&self.left, "left")?, self.needs(&self.right, "right")?);
        let (left_side, left_key, left_value) = left.get_ref().compile(context)?;
        let (side, key, value) = right.get_ref().compile(context)?;
        if key != left_key {
            return wrong(&right.get_ref().key, "the two keys are of different types");
        }
        if value != left_value {
            return wrong(&right.get_ref().value, "the two values are of different types");
        }
        if side.normal != left_side.normal {
            return wrong(
                &right.get_ref().value,
                "the two values have different normal forms",
            );
        }
        Ok(Measure::Agree {
            left: left_side,
            right: side,
        })
    }

    fn accuracy(&self, kind: &Kind, of: Population) -> Checked<Measure> {
        let gone = match &self.gone {
            None => Gone::Wrong,
            Some(word) if word.get_ref() == "aside" => Gone::Aside,
            Some(word) => return wrong(word, "the only word here is \"aside\""),
        };
        let place = self.of.as_ref().map_or(self.measure.span(), Spanned::span);
        Ok(Measure::Accuracy {
            of,
            essential: essential(kind, place)?,
            gone,
        })
    }
}

fn essential(kind: &Kind, place: Range<usize>) -> Checked<Vec<String>> {
    let fields = kind.essential();
    if fields.is_empty() {
        return Err((place, format!("the kind {:?} has no essential field", kind.id)));
    }
    Ok(fields)
}

/// A field of the record itself that holds integers.
fn integer_field(context: &Context<'_>, kind: &Kind, id: &Spanned<String>) -> Checked<String> {
    let Found { path, ends } = context.path(kind, id, Reach::Own)?;
    match (path.part, ends.first().map(|end| &end.field_type)) {
        (Part::Field(field), Some(FieldType::Integer)) => Ok(field),
        _ => wrong(id, format!("{:?} is no integer field", id.get_ref())),
    }
}

/// `kind.reference`, where the reference may name records of a kind.
fn referrer<'a>(context: &Context<'a>, of: &Kind, path: &Spanned<String>) -> Checked<(&'a Kind, String)> {
    let Some((kind, field)) = path.get_ref().split_once('.') else {
        return wrong(
            path,
            "expected a kind and its reference, such as \"dwelling.address\"",
        );
    };
    let Some(kind) = context.find(kind) else {
        return wrong(path, format!("there is no kind {kind:?}"));
    };
    match kind.field(field).map(|field| &field.field_type) {
        None => wrong(path, format!("the kind {:?} has no field {field:?}", kind.id)),
        Some(FieldType::Reference(kinds)) if kinds.contains(&of.id) => Ok((kind, field.to_owned())),
        Some(_) => wrong(
            path,
            format!("{field:?} of {:?} does not refer to {:?}", kind.id, of.id),
        ),
    }
}

impl ReferredFile {
    fn compile(&self, context: &Context<'_>, of: &Kind, place: Range<usize>) -> Checked<Referred> {
        let (kind, field) = referrer(context, of, &self.by)?;
        let needed = match (&self.exactly, &self.at_least) {
            (Some(number), None) => Needed::Exactly(count(context, of, number, 0)?),
            (None, Some(number)) => Needed::AtLeast(count(context, of, number, 1)?),
            _ => return Err((place, "expected either \"exactly\" or \"at_least\"".to_owned())),
        };
        let touched = self.touched.as_ref();
        Ok(Referred {
            conditions: context.conditions(kind, &self.conditions, Reach::Own)?,
            kind: kind.id.clone(),
            field,
            needed,
            touched: touched.map(TouchedFile::compile).transpose()?,
        })
    }
}

/// A number, or an integer field of the record that is referred to.
fn count(context: &Context<'_>, of: &Kind, number: &Spanned<TestFile>, min: u32) -> Checked<Number> {
    match number.get_ref() {
        TestFile::Integer(fixed) => {
            let fixed = Spanned::new(number.span(), *fixed);
            Ok(Number::Fixed(whole(&fixed, min..=NEEDED_MAX, "the number")?))
        }
        TestFile::Text(field) => {
            let field = Spanned::new(number.span(), field.clone());
            Ok(Number::Field(integer_field(context, of, &field)?))
        }
        _ => wrong(number, "expected a whole number, or the name of an integer field"),
    }
}

impl TouchedFile {
    fn compile(&self) -> Checked<Touched> {
        let days = whole(&self.days, 1..=DAYS_MAX, "days")?;
        let mut actions = Vec::new();
        for word in self.actions.get_ref() {
            let mut all = Action::ALL
                .iter()
                .copied()
                .filter(|action| super::Role::of(*action).is_some());
            let Some(action) = all.find(|action| action.word() == word.get_ref()) else {
                let problem = "the actions are collect, correct, register, deregister and verify";
                return wrong(word, problem);
            };
            if actions.contains(&action) {
                return wrong(word, "this action is named twice");
            }
            actions.push(action);
        }
        if actions.is_empty() {
            return wrong(&self.actions, "there must be at least one action");
        }
        Ok(Touched {
            days,
            actions,
            on_site: self.on_site,
        })
    }
}

impl LatestFile {
    fn compile(&self, context: &Context<'_>, kind: &Kind) -> Checked<Latest> {
        let Found { path, ends } = context.path(kind, &self.per, Reach::Own)?;
        let reference = ends
            .iter()
            .all(|end| matches!(end.field_type, FieldType::Reference(_)));
        match path.part {
            Part::Field(per) if reference => Ok(Latest {
                per,
                days: whole(&self.days, 1..=DAYS_MAX, "days")?,
            }),
            _ => wrong(&self.per, format!("{:?} is no reference", self.per.get_ref())),
        }
    }
}

impl SideFile {
    /// The side, and the types of its key and of its value.
    fn compile(&self, context: &Context<'_>) -> Checked<(Side, Stored, Stored)> {
        let kind = context.kind(&self.of)?;
        let of = context.population(kind, Some(&self.conditions))?;
        let (key, value) = (
            context.path(kind, &self.key, Reach::OneHop)?,
            context.path(kind, &self.value, Reach::OneHop)?,
        );
        let (key_type, value_type) = (same_type(&key, &self.key)?, same_type(&value, &self.value)?);
        let mut normals = value.ends.iter().map(|end| end.normal);
        let normal = normals.next().unwrap_or_default();
        if normals.any(|other| other != normal) {
            return wrong(
                &self.value,
                "the kinds that this may lead to have different normal forms",
            );
        }
        let side = Side {
            of,
            key: key.path,
            value: value.path,
            normal,
        };
        Ok((side, key_type, value_type))
    }
}

/// What is stored in a field, if it is the same for every end of a path.
fn same_type(found: &Found<'_>, written: &Spanned<String>) -> Checked<Stored> {
    let mut stored = found.ends.iter().map(|end| stored(&end.field_type));
    let first = stored.next().unwrap_or(Stored::Text);
    if stored.all(|other| other == first) {
        Ok(first)
    } else {
        wrong(
            written,
            "the kinds that this may lead to have different types for it",
        )
    }
}

/// What is stored in a field, whatever rules its values follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Text,
    Integer,
    Decimal,
    Boolean,
    Date,
    Reference,
}

const fn stored(field_type: &FieldType) -> Stored {
    match field_type {
        FieldType::Text
        | FieldType::LongText
        | FieldType::Choice(_)
        | FieldType::Area
        | FieldType::CitizenId
        | FieldType::CreditCode
        | FieldType::Phone
        | FieldType::DivisionCode => Stored::Text,
        FieldType::Integer => Stored::Integer,
        FieldType::Decimal => Stored::Decimal,
        FieldType::Boolean => Stored::Boolean,
        FieldType::Date => Stored::Date,
        FieldType::Reference(_) => Stored::Reference,
    }
}

impl RosterFile {
    fn children(&self, context: &Context<'_>, of: &Kind) -> Checked<Children> {
        let (kind, field) = referrer(context, of, &self.of)?;
        let typed = |wanted: &dyn Fn(&super::Field) -> bool| {
            let field = kind.fields.iter().find(|field| wanted(field));
            field.map(|field| field.id.clone())
        };
        let children = Children {
            kind: kind.id.clone(),
            field,
            citizen: typed(&|field| field.field_type == FieldType::CitizenId),
            arrived: typed(&|field| {
                field.id == "arrived" && field.field_type == FieldType::Date && !field.personal
            }),
            essential: kind.essential(),
        };
        if children.essential.is_empty() && (children.citizen.is_none() || self.rate.get_ref() == "accuracy")
        {
            return wrong(
                &self.of,
                format!("the kind {:?} has no essential field to compare", kind.id),
            );
        }
        if self.rate.get_ref() == "registration" && children.arrived.is_none() {
            let problem = format!(
                "the kind {:?} needs a field \"arrived\" of type \"date\", not personal",
                kind.id
            );
            return wrong(&self.of, problem);
        }
        Ok(children)
    }

    fn rate(&self) -> Checked<RosterRate> {
        let grace_days = match &self.grace_days {
            None => GRACE_DAYS_DEFAULT,
            Some(days) => whole(days, 0..=DAYS_MAX, "grace_days")?,
        };
        let rate = match self.rate.get_ref().as_str() {
            "registration" => RosterRate::Registration { grace_days },
            "deregistration" => {
                let Some(window) = &self.window_days else {
                    return wrong(&self.rate, "the rate \"deregistration\" needs \"window_days\"");
                };
                let window_days = whole(window, 1..=DAYS_MAX, "window_days")?;
                RosterRate::Deregistration {
                    grace_days,
                    window_days,
                }
            }
            "consistency" => RosterRate::Consistency { grace_days },
            "accuracy" => RosterRate::Accuracy,
            "coverage" => RosterRate::Coverage,
            _ => {
                let problem =
                    "the rates are registration, deregistration, consistency, accuracy and coverage";
                return wrong(&self.rate, problem);
            }
        };
        if let (Some(grace), RosterRate::Accuracy | RosterRate::Coverage) = (&self.grace_days, rate) {
            return wrong(grace, "this rate has no grace");
        }
        match &self.window_days {
            Some(window) if !matches!(rate, RosterRate::Deregistration { .. }) => {
                wrong(window, "only the rate \"deregistration\" has a window")
            }
            _ => Ok(rate),
        }
    }
}
