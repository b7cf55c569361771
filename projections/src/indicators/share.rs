//! Shares: how many records have a property. The cases are the records in scope or, with a list, its rows.

use std::rc::Rc;

use shilu_model::{
    EXTRACT_SYSTEM, EXTRACT_THEIRS, ListFrame, Needed, Number, Part as RecordPart, Population, Property,
    Referred, State, Value,
};

use super::{
    parts::{Contribution, Part},
    reader::{Moment, Reader, Subject},
    scope::part_of,
};
/// Whether a record has what is asked; `None` where nobody can say.
type Answer = Option<bool>;

impl<'a> Reader<'a> {
    /// What a record contributes to a share of all records in scope.
    pub fn share(
        &self,
        of: &Population,
        property: &Property,
        subject: &Subject<'a>,
        area_field: Option<&str>,
        moment: Moment,
    ) -> Contribution {
        let state = subject.state(moment);
        let (area, actor) = self.place(&state, area_field);
        let case = Contribution {
            area,
            actor,
            ..Contribution::default()
        };
        if !self.in_scope(of, subject, &state, moment) {
            let left = self.is_of(subject, &of.kind) && self.has_left(of, subject, moment);
            return case.with(Part::Left, i64::from(left)).or_none();
        }
        case.answered(self.has(property, subject, &state, moment))
    }

    /// What a row of a list contributes: a case, in the numerator if it is matched by a record in scope that has the
    /// property. Without a property, being there is enough.
    pub fn row(
        &self,
        of: &Population,
        property: Option<&Property>,
        list: &ListFrame,
        row: &Subject<'a>,
        (area_field, first): (Option<&str>, bool),
        moment: Moment,
    ) -> Contribution {
        let state = row.state(moment);
        let listed = state.value(EXTRACT_SYSTEM) == Some(Value::Text(&list.system));
        let Some(Value::Text(theirs)) = state.value(EXTRACT_THEIRS).filter(|_| listed) else {
            return Contribution::default();
        };
        let (area, _) = self.place(&state, area_field);
        let case = Contribution {
            area,
            ..Contribution::default()
        };
        let answer = self.matched(of, property, list, theirs, moment);
        let case = match (state.status.is_live(), answer) {
            (true, answer) => case.answered(answer),
            (false, _) => case,
        };
        // A row of the first list stays one, whatever becomes of it later.
        match first {
            true => case
                .with(Part::FirstDenominator, 1)
                .with(Part::FirstNumerator, i64::from(answer == Some(true)))
                .or_none(),
            false => case.or_none(),
        }
    }

    fn matched(
        &self,
        of: &Population,
        property: Option<&Property>,
        list: &ListFrame,
        theirs: &str,
        moment: Moment,
    ) -> Answer {
        let mut answer = Some(false);
        for subject in self.with_part(&of.kind, &list.by, theirs) {
            let state = subject.state(moment);
            let same = part_of(&list.by, &subject, &state) == Some(Value::Text(theirs));
            if !same || !self.in_scope(of, &subject, &state, moment) {
                continue;
            }
            match property.map_or(Some(true), |property| {
                self.has(property, &subject, &state, moment)
            }) {
                Some(true) => return Some(true),
                None => answer = None,
                Some(false) => {}
            }
        }
        answer
    }

    /// The records of a kind that ever had a text as their key or in a field, and perhaps some others.
    pub fn with_part(&self, kind: &str, part: &RecordPart, text: &str) -> Vec<Rc<Subject<'a>>> {
        match part {
            RecordPart::Key => self.keyed(kind, text).into_iter().collect(),
            RecordPart::Field(field) => {
                let slots = self.linked(kind, field, text);
                slots.into_iter().map(|slot| self.subject(slot)).collect()
            }
        }
    }

    /// Whether a record has a property: all parts that are asked.
    fn has(&self, property: &Property, subject: &Subject<'a>, state: &State<'a>, moment: Moment) -> Answer {
        let complete = property.complete.iter().all(|field| state.value(field).is_some());
        let touched = property
            .touched
            .as_ref()
            .is_none_or(|touched| self.is_touched(touched, subject, subject, moment));
        if !complete || !touched || !self.meets(&property.having, subject, state, moment) {
            return Some(false);
        }
        match &property.referred {
            None => Some(true),
            Some(referred) => self.is_referred_to(referred, subject, state, moment),
        }
    }

    fn is_referred_to(
        &self,
        referred: &Referred,
        subject: &Subject<'a>,
        state: &State<'a>,
        moment: Moment,
    ) -> Answer {
        let (Needed::Exactly(number) | Needed::AtLeast(number)) = &referred.needed;
        let needed = match number {
            Number::Fixed(needed) => i64::from(*needed),
            Number::Field(field) => match state.value(field) {
                Some(Value::Integer(needed)) => needed,
                _ => return None,
            },
        };
        let mut found = 0i64;
        for referrer in self.referrers(referred, subject) {
            let state = referrer.state(moment);
            let refers = match state.value(&referred.field) {
                Some(Value::Reference(name)) => subject.is_named_by(name, self.names),
                _ => false,
            };
            if !refers
                || !state.status.is_live()
                || !self.meets(&referred.conditions, &referrer, &state, moment)
            {
                continue;
            }
            let touched = referred
                .touched
                .as_ref()
                .is_none_or(|touched| self.is_touched(touched, &referrer, subject, moment));
            if !touched {
                return Some(false);
            }
            found += 1;
        }
        Some(match referred.needed {
            Needed::Exactly(_) => found == needed,
            Needed::AtLeast(_) => found >= needed,
        })
    }

    fn referrers(
        &self,
        referred: &Referred,
        subject: &Subject<'a>,
    ) -> impl Iterator<Item = Rc<Subject<'a>>> + use<'_, 'a> {
        let slots = self.referring(subject, &referred.kind, &referred.field);
        (0..slots.len()).filter_map(move |place| slots.get(place).map(|slot| self.subject(*slot)))
    }

    /// The records that decide what a record in scope contributes: itself, what it ever referred to, and what ever
    /// referred to it.
    pub fn share_inputs(
        &self,
        of: &Population,
        property: Option<&Property>,
        subject: &Rc<Subject<'a>>,
        out: &mut Vec<Rc<Subject<'a>>>,
    ) {
        out.push(Rc::clone(subject));
        self.reached(&of.conditions, subject, out);
        if let Some(property) = property {
            self.reached(&property.having, subject, out);
            if let Some(referred) = &property.referred {
                out.extend(self.referrers(referred, subject));
            }
        }
    }

    /// The records that decide what a row contributes.
    pub fn row_inputs(
        &self,
        of: &Population,
        property: Option<&Property>,
        list: &ListFrame,
        row: &Rc<Subject<'a>>,
        out: &mut Vec<Rc<Subject<'a>>>,
    ) {
        out.push(Rc::clone(row));
        for value in row.ever(EXTRACT_THEIRS) {
            if let Value::Text(theirs) = value {
                for subject in self.with_part(&of.kind, &list.by, theirs) {
                    self.share_inputs(of, property, &subject, out);
                }
            }
        }
    }
}

impl Contribution {
    /// One case with its answer. One of which nobody can say is in neither number.
    fn answered(self, answer: Answer) -> Self {
        match answer {
            None => self.with(Part::Unknown, 1),
            Some(yes) => self
                .with(Part::Denominator, 1)
                .with(Part::Numerator, i64::from(yes)),
        }
    }
}
