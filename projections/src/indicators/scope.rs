//! Scope: which records an indicator is about, and the conditions that decide it.

use std::rc::Rc;

use shilu_model::{Condition, Entry, Part, Path, Population, State, Test, Value};

use super::reader::{Moment, Reader, Subject, Told};

impl<'a> Reader<'a> {
    /// Whether a record is in scope: live, of the kind, and every condition true.
    pub fn in_scope(
        &self,
        of: &Population,
        subject: &Subject<'a>,
        state: &State<'a>,
        moment: Moment,
    ) -> bool {
        state.status.is_live()
            && self.is_of(subject, &of.kind)
            && self.meets(&of.conditions, subject, state, moment)
    }

    /// Whether every condition is true.
    pub fn meets(
        &self,
        conditions: &[Condition],
        subject: &Subject<'a>,
        state: &State<'a>,
        moment: Moment,
    ) -> bool {
        conditions
            .iter()
            .all(|condition| self.is_true(condition, subject, state, moment))
    }

    fn is_true(
        &self,
        condition: &Condition,
        subject: &Subject<'a>,
        state: &State<'a>,
        moment: Moment,
    ) -> bool {
        let Some(value) = self.value_at(&condition.path, subject, state, moment) else {
            return false;
        };
        match &condition.test {
            Test::AnyOf(values) => values.iter().any(|one| one.borrow() == value),
            Test::Live { kinds } => self.live(value, kinds, moment).is_some(),
        }
    }

    /// The value at the end of a path; none where a reference on the way names nothing that is live.
    pub fn value_at(
        &self,
        path: &Path,
        subject: &Subject<'a>,
        state: &State<'a>,
        moment: Moment,
    ) -> Option<Value<'a>> {
        match &path.via {
            None => part_of(&path.part, subject, state),
            Some(hop) => {
                let (target, state) = self.live(state.value(&hop.field)?, &hop.kinds, moment)?;
                part_of(&path.part, &target, &state)
            }
        }
    }

    /// The live record of one of some kinds that a reference names, with its state.
    fn live(
        &self,
        value: Value<'a>,
        kinds: &[String],
        moment: Moment,
    ) -> Option<(Rc<Subject<'a>>, Rc<Told<'a>>)> {
        let Value::Reference(name) = value else {
            return None;
        };
        let target = self.named(name)?;
        let state = target.state(moment);
        let fits = state.status.is_live() && kinds.iter().any(|kind| self.is_of(&target, kind));
        fits.then_some((target, state))
    }

    /// Whether a record that is not in scope was so at an earlier instant, or was taken to be so now before it was
    /// corrected back to its origin, or voided: a scope that shrank shows, however it was done. Scope changes only with
    /// events on the record and on what it ever referred to.
    pub fn has_left(&self, of: &Population, subject: &Subject<'a>, moment: Moment) -> bool {
        let mut reached = Vec::new();
        self.reached(&of.conditions, subject, &mut reached);
        let all = || std::iter::once(subject).chain(reached.iter().map(|reached| &**reached));
        let known = || all().flat_map(|subject| subject.known(moment.end));
        let earlier = known().map(|entry| entry.effective);
        let mut earlier = earlier.filter(|effective| *effective < moment.effective);
        let was_there = |moment| self.in_scope(of, subject, &subject.state(moment), moment);
        earlier.any(|effective| {
            was_there(Moment {
                effective,
                day: self.day_of(effective),
                end: moment.end,
            })
        }) || ((!reached.is_empty() || tells_more_than_its_days(subject.known(moment.end)))
            && known().any(|entry| {
                was_there(Moment {
                    end: entry.position.next(),
                    ..moment
                })
            }))
    }

    /// The records that a record ever referred to on the way of conditions.
    pub fn reached(&self, conditions: &[Condition], subject: &Subject<'a>, out: &mut Vec<Rc<Subject<'a>>>) {
        for condition in conditions {
            self.reached_by(&condition.path, subject, out);
            if let (Test::Live { .. }, Part::Field(field)) = (&condition.test, &condition.path.part) {
                self.referred_to(field, subject, out);
            }
        }
    }

    /// The records that a record ever referred to on a path.
    pub fn reached_by(&self, path: &Path, subject: &Subject<'a>, out: &mut Vec<Rc<Subject<'a>>>) {
        if let Some(hop) = &path.via {
            self.referred_to(&hop.field, subject, out);
        }
    }

    fn referred_to(&self, field: &str, subject: &Subject<'a>, out: &mut Vec<Rc<Subject<'a>>>) {
        for value in subject.ever(field) {
            if let Value::Reference(name) = value {
                out.extend(self.named(name));
            }
        }
    }
}

/// Whether what was known of a record earlier may differ from what is known now of its earlier days: where something
/// came late or voids it.
fn tells_more_than_its_days(known: &[Entry<'_>]) -> bool {
    known.iter().any(|entry| entry.void.is_some())
        || !known.is_sorted_by(|earlier, later| earlier.effective < later.effective)
}

/// A part of a record: its key, or the value of a field.
pub(crate) fn part_of<'a>(part: &Part, subject: &Subject<'a>, state: &State<'a>) -> Option<Value<'a>> {
    match part {
        Part::Key => Some(Value::Text(subject.key)),
        Part::Field(field) => state.value(field),
    }
}
