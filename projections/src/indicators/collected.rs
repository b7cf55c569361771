//! Collections against a count frame: the cases are the records in scope, and the frames. That an area counts no more
//! than is expected of it is settled when a figure is made.

use shilu_model::{FRAME_EXPECTED, FRAME_WHAT, Population, State, Value};

use super::{
    parts::{Contribution, Part},
    reader::{Moment, Reader, Subject},
};

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

    /// What a frame contributes: what it expects, and what it expected first.
    pub fn frame(
        &self,
        what: &str,
        frame: &Subject<'a>,
        area_field: Option<&str>,
        moment: Moment,
    ) -> Contribution {
        let state = frame.state(moment);
        if state.value(FRAME_WHAT) != Some(Value::Text(what)) {
            return Contribution::default();
        }
        let (area, _) = self.place(&state, area_field);
        let mut case = Contribution {
            area,
            ..Contribution::default()
        };
        if state.status.is_live() {
            case = case.with(Part::Denominator, expected(&state));
        }
        let known = frame.known(moment.end).iter();
        let first = known
            .flat_map(|entry| entry.sets.iter().map(move |set| (entry.effective, set)))
            .find(|(_, (field, _))| *field == FRAME_EXPECTED);
        match first {
            Some((since, (_, Some(Value::Integer(number))))) if since <= moment.effective => {
                case.with(Part::FirstDenominator, (*number).clamp(0, EXPECTED_MAX))
            }
            _ => case,
        }
        .or_none()
    }
}

fn expected(state: &State<'_>) -> i64 {
    match state.value(FRAME_EXPECTED) {
        Some(Value::Integer(number)) => number.clamp(0, EXPECTED_MAX),
        _ => 0,
    }
}
