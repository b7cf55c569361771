//! The population of a draw: every record in scope at one pair of times, in one pass over the records.

use shilu_model::{Population, Position, RecordName, Timestamp};

use super::{
    links::Links,
    plan::Plan,
    reader::{Moment, Reader},
};
use crate::{calendar::Calendar, projection::Subjects};

impl Subjects {
    /// Every record in scope at a pair of times, with its area then, in the order of their first events. The campaign is
    /// the one in force at K.
    pub fn population(
        &self,
        of: &Population,
        (effective, end): (Timestamp, Position),
    ) -> Vec<(RecordName, String)> {
        let campaign = self.campaign(end);
        let plan = Plan::of_everything(campaign, &self.names);
        let Some(kind) = plan.kind(&of.kind) else {
            return Vec::new();
        };
        let area_field = campaign.kind(&of.kind).and_then(|kind| kind.area.as_deref());
        let links = Links::default();
        let calendar = Calendar::new(campaign.zone);
        let reader = Reader::new((&self.names, &self.records), &plan, &links, end, calendar);
        let moment = Moment {
            effective,
            day: reader.day_of(effective),
            end,
        };
        let mut population = Vec::new();
        for slot in self.records.slots(0) {
            let (of_kind, key) = self.records.name(slot);
            if of_kind != kind {
                continue;
            }
            reader.forget();
            let subject = reader.subject(slot);
            let state = subject.state(moment);
            if reader.in_scope(of, &subject, &state, moment) {
                let name = RecordName::new(&of.kind, key)
                    .expect("the key was checked when the record's first event was taken");
                population.push((name, state.area(area_field).to_owned()));
            }
        }
        population
    }
}
