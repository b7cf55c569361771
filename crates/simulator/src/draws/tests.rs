//! The plan of the draws: in time for their deadlines, and nobody in two places at once.

use std::collections::BTreeSet;

use shilu_model::{Measure, RecordName};

use super::Visitors;
use crate::{
    calendar::{LAST, day_of, seconds_into},
    tests::{CAMPAIGN, simulation},
    villages::VILLAGES,
};

#[test]
fn draws_are_announced_before_the_deadline_and_visits_keep_to_their_hours() {
    let simulation = simulation(1, "1");
    let draws = simulation.draws();
    let wanted = CAMPAIGN.indicators.iter().filter(|indicator| {
        matches!(
            indicator.measure,
            Measure::Accuracy { .. } | Measure::Roster { .. }
        )
    });
    let wanted: BTreeSet<_> = wanted.map(|indicator| indicator.id.as_str()).collect();
    let planned: BTreeSet<_> = draws.iter().map(|draw| draw.indicator).collect();
    assert_eq!(planned, wanted);
    let ids: BTreeSet<_> = draws.iter().map(|draw| &draw.id).collect();
    assert_eq!(ids.len(), draws.len());
    let mut visitors = Visitors::of(&simulation);
    let mut last = None;
    for draw in &draws {
        let targets = &CAMPAIGN.indicator(draw.indicator).unwrap().targets;
        let by = targets.first().map_or(LAST, |target| target.by);
        assert!(
            draw.announced < draw.draw_at && day_of(draw.announced) <= by,
            "{draw:?}"
        );
        assert!(
            last.is_none_or(|last| last < draw.draw_at),
            "two draws at one time"
        );
        last = Some(draw.draw_at);
        assert!(draw.entropy().starts_with("commitments:"));
        assert_eq!(
            draw.revealed().is_none(),
            draw.indicator == "virtual-dwelling-accuracy"
        );
        let record = |number| RecordName::parse(&format!("unit/{number}")).unwrap();
        let assigned = (0..20).map(|number| (record(number), "registrar-001".to_owned()));
        let first = visitors.plan(draw.draw_at, assigned.collect());
        let mut before = draw.draw_at;
        for visit in first {
            assert!(visit.seen > before, "one at a time");
            before = visit.seen;
            let mut hours = BTreeSet::new();
            let mut next = Some(visit);
            while let Some(visit) = next {
                assert!(
                    hours.insert(seconds_into(visit.day(), visit.seen) / 3_600),
                    "{visit:?}"
                );
                assert!(
                    visit.recorded() < draw.draw_at.plus_micros(14 * 86_400_000_000),
                    "{visit:?}"
                );
                next = visitors.retry(&visit);
            }
            assert_eq!(hours.len(), 3);
        }
    }
    let crew = simulation.crew();
    let lines: BTreeSet<_> = crew.lines().collect();
    assert_eq!(lines.len(), VILLAGES.len());
    assert!(lines.iter().all(|line| line.split(',').count() == 3));
}
