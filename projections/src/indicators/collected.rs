//! Collections against a count frame: the cases are the records in scope, and the frames. That an area counts no more
//! than is expected of it is settled when a figure is made.

use shilu_model::{FRAME_EXPECTED, FRAME_WHAT, Population, Position, State, Value};

use super::{
    parts::{Contribution, Part},
    reader::{Moment, Reader, Subject},
};
use crate::names::Name;

/// No frame expects more, so that sums stay numbers.
const EXPECTED_MAX: i64 = 1 << 32;

impl<'a> Reader<'a> {
    /// What a record in scope contributes.
    pub fn collected(
        &self,
        of: &Population,
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
        let (part, cases) = if self.in_scope(of, subject, &state, moment) {
            (Part::Numerator, 1)
        } else {
            (Part::Left, i64::from(self.has_left(of, subject, moment)))
        };
        case.with(part, cases).or_none()
    }

    /// What a frame contributes: what it expects, and what it expected on the first frame of its area, which stands as
    /// it was known before a position.
    pub fn frame(
        &self,
        what: &str,
        frame: &Subject<'a>,
        area_field: Option<&str>,
        (moment, first_end): (Moment, Position),
    ) -> Contribution {
        let state = frame.state(moment);
        if state.value(FRAME_WHAT) != Some(Value::Text(what)) {
            return Contribution::default();
        }
        let first = frame.state(Moment {
            end: moment.end.min(first_end),
            ..moment
        });
        let expected_if_live = |state: &State<'_>| {
            if state.status.is_live() {
                expected(state)
            } else {
                0
            }
        };
        let (area, _) = self.place(&state, area_field);
        Contribution {
            area,
            ..Contribution::default()
        }
        .with(Part::Denominator, expected_if_live(&state))
        .with(Part::FirstDenominator, expected_if_live(&first))
        .or_none()
    }

    /// The area in which a frame first expected so many of something.
    pub fn first_area(&self, what: &str, frame: &Subject<'a>, area_field: Option<&str>) -> Name {
        let mut states = frame.entries.iter().map(|entry| {
            frame.state(Moment {
                effective: entry.effective,
                day: self.day_of(entry.effective),
                end: entry.position.next(),
            })
        });
        let first = states.find(|state| state.value(FRAME_WHAT) == Some(Value::Text(what)));
        first.map_or(Name::NONE, |state| self.place(&state, area_field).0)
    }
}

fn expected(state: &State<'_>) -> i64 {
    match state.value(FRAME_EXPECTED) {
        Some(Value::Integer(number)) => number.clamp(0, EXPECTED_MAX),
        _ => 0,
    }
}
