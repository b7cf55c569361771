//! Quotients of sums: the cases are the records in scope or, where only the latest counts, what they refer to.

use std::rc::Rc;

use shilu_model::{Action, Entry, Latest, Population, Position, State, Timestamp, Value};

use super::{
    parts::{Contribution, Part},
    reader::{Moment, Reader, Subject, Told},
};

/// No count on an inspection is larger, so that sums stay numbers.
const COUNT_MAX: i64 = 1 << 32;
/// Nor is one in sums of squares, which only widen an interval.
const SQUARED_MAX: i64 = 1 << 20;

/// The two fields that are summed.
#[derive(Clone, Copy)]
pub(crate) struct Summed<'f> {
    pub numerator: &'f str,
    pub denominator: &'f str,
}

impl<'a> Reader<'a> {
    /// What a record contributes.
    pub fn sum(
        &self,
        of: &Population,
        fields: Summed<'_>,
        subject: &Subject<'a>,
        area_field: Option<&str>,
        moment: Moment,
    ) -> Contribution {
        let state = subject.state(moment);
        let case = self.case(&state, area_field);
        if self.in_scope(of, subject, &state, moment) {
            case.summed(&state, fields)
        } else {
            case.with(Part::Left, i64::from(self.has_left(of, subject, moment)))
                .or_none()
        }
    }

    fn case(&self, state: &Told<'_>, area_field: Option<&str>) -> Contribution {
        let (area, actor) = self.place(state, area_field);
        Contribution {
            area,
            actor,
            ..Contribution::default()
        }
    }

    /// What the last record in scope contributes that refers to something. Those that left the scope are counted with
    /// it or, where there is none, with the first of them by key.
    pub fn latest(
        &self,
        of: &Population,
        fields: Summed<'_>,
        latest: &Latest,
        per: &str,
        area_field: Option<&str>,
        moment: Moment,
    ) -> Contribution {
        let mut last: Option<((Timestamp, Position), Rc<Told<'a>>)> = None;
        let mut left: Vec<(&str, Contribution)> = Vec::new();
        for slot in self.linked(&of.kind, &latest.per, per) {
            let subject = self.subject(slot);
            let state = subject.state(moment);
            let refers = matches!(state.value(&latest.per), Some(Value::Reference(name)) if name == per);
            if !refers {
                continue;
            }
            if !self.in_scope(of, &subject, &state, moment) {
                if self.has_left(of, &subject, moment) {
                    left.push((subject.key, self.case(&state, area_field)));
                }
                continue;
            }
            let Some(at) = collected_at(subject.known(moment.end), moment) else {
                continue;
            };
            if last.as_ref().is_none_or(|(other, _)| *other < at) {
                last = Some((at, state));
            }
        }
        let last = last.filter(|((since, _), _)| {
            let age = i64::from(moment.day.number()) - i64::from(self.day_of(*since).number());
            age < i64::from(latest.days)
        });
        let summed = last.map(|(_, state)| self.case(&state, area_field).summed(&state, fields));
        let first = left.iter().min_by_key(|(key, _)| *key).map(|(_, case)| *case);
        let cases = i64::try_from(left.len()).unwrap_or(i64::MAX);
        summed.or(first).unwrap_or_default().with(Part::Left, cases)
    }
}

/// When a record was made: the effective time of its earliest collect. Correcting it later does not make it newer.
fn collected_at(known: &[Entry<'_>], moment: Moment) -> Option<(Timestamp, Position)> {
    let collects = known
        .iter()
        .filter(|entry| entry.action == Action::Collect && entry.effective <= moment.effective);
    collects.map(|entry| (entry.effective, entry.position)).min()
}

impl Contribution {
    /// One cluster: a record with its two numbers; unknown where one of them is missing.
    fn summed(self, state: &State<'_>, fields: Summed<'_>) -> Self {
        let number = |field: &str| match state.value(field) {
            Some(Value::Integer(number)) => Some(number.clamp(0, COUNT_MAX)),
            _ => None,
        };
        let (Some(n), Some(d)) = (number(fields.numerator), number(fields.denominator)) else {
            return self.with(Part::Unknown, 1);
        };
        let (small_n, small_d) = (n.min(SQUARED_MAX), d.min(SQUARED_MAX));
        self.with(Part::Numerator, n)
            .with(Part::Denominator, d)
            .with(Part::Clusters, i64::from(d > 0))
            .with(Part::NumeratorSquared, small_n * small_n)
            .with(Part::Product, small_n * small_d)
            .with(Part::DenominatorSquared, small_d * small_d)
    }
}
