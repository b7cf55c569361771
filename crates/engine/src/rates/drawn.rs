//! Rates that rest on draws. Draws are read from the log, and kept.

use shilu_model::{Day, Indicator, Target, Zone};

use super::{state, target_of, title};
use crate::{
    engine::Engine,
    error::EngineError,
    query::{At, AtDeadline, Behind, By, FigureQuery, Rate, Share},
    samples::DrawnFigure,
};

impl Engine {
    /// What the draws of an indicator say; nothing for one that is counted.
    pub(super) fn drawn_rates(
        &self,
        indicator: &Indicator,
        query: &FigureQuery,
        (at, zone): (At, Zone),
    ) -> Result<Vec<Rate>, EngineError> {
        let by_area = query.by == By::Area;
        let drawn = self.drawn(indicator, query.area.as_deref(), by_area, at)?;
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let (target, due) = target_of(&indicator.targets, |target| {
            zone.end_of(target.by) <= at.effective
        });
        let passed = target.filter(|target| due && zone.end_of(target.by) <= at.known);
        let (then_target, then) = match passed {
            Some(target) => self.drawn_at_deadline(indicator, query, (target.by, zone))?,
            None => (None, Vec::new()),
        };
        let rate = |figure: DrawnFigure| {
            let before = then.iter().find(|before| before.area == figure.area);
            let cautious = figure.estimate.cautious();
            Rate {
                indicator: indicator.id.clone(),
                title: title(indicator),
                share: of_estimate(&figure),
                bounds: cautious.map(|interval| (interval.lower, interval.upper)),
                population: figure.population,
                target: target.cloned(),
                due,
                state: state(&figure.estimate.basis, target),
                at_deadline: before.map(|before| AtDeadline {
                    share: of_estimate(before),
                    target: then_target.clone(),
                    state: state(&before.estimate.basis, then_target.as_ref()),
                }),
                frame: None,
                first_frame: None,
                excess: 0,
                left_scope: 0,
                sample: (figure.draws > 0).then_some(Behind {
                    id: figure.sample,
                    draws: figure.draws,
                    in_time: figure.in_time,
                    steerable: figure.steerable,
                    aside: figure.aside,
                    total: figure.total,
                }),
                area: figure.area,
                actor: None,
            }
        };
        Ok(drawn.into_iter().map(rate).collect())
    }

    /// What the draws of an indicator said at the end of a day as known then, by the campaign known then: with the target
    /// and the scope that it had.
    fn drawn_at_deadline(
        &self,
        indicator: &Indicator,
        query: &FigureQuery,
        (by, zone): (Day, Zone),
    ) -> Result<(Option<Target>, Vec<DrawnFigure>), EngineError> {
        let deadline = zone.end_of(by);
        let then = At {
            effective: deadline,
            known: deadline,
            known_end: self.end_at(deadline)?,
            now: false,
        };
        let campaign = self.campaign_at(then.known_end);
        let Some(known) = campaign.indicator(&indicator.id) else {
            return Ok((None, Vec::new()));
        };
        let target = known.targets.iter().find(|target| target.by == by);
        let drawn = self.drawn(known, query.area.as_deref(), query.by == By::Area, then)?;
        Ok((target.cloned(), drawn))
    }
}

fn of_estimate(figure: &DrawnFigure) -> Share {
    let estimate = &figure.estimate;
    Share {
        numerator: estimate.numerator(),
        denominator: estimate.denominator(),
        unknown: estimate.counts.unknown,
        value: estimate.value,
        // The one by which the state is judged: unknowns count as wrong below, and as right above.
        interval: estimate
            .cautious()
            .map(|interval| (interval.lower, interval.upper)),
    }
}
