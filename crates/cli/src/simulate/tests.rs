//! The draws of a small simulated campaign against the truth that was kept aside.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use shilu_engine::{AsOf, At, Engine, ListQuery, Options, RecordView, Sample, SampleNotice, SampleState};
use shilu_model::{Outcome, OwnedValue, Status};
use shilu_simulator::{Simulation, Truth};

/// An indicator, the kind that is drawn, and which records of it, by their frozen values.
type Drawn = (&'static str, &'static str, fn(&RecordView) -> bool);

/// The indicators that rest on a draw of records.
const RECORDS: [Drawn; 3] = [
    ("building-address-accuracy", "address", |view| {
        is(view, "level", "building")
    }),
    ("core-unit-accuracy", "unit", |view| is_core(view)),
    ("permanent-accuracy", "resident", |view| {
        is(view, "status", "permanent")
    }),
];

fn value<'a>(view: &'a RecordView, field: &str) -> Option<&'a OwnedValue> {
    let mut fields = view.fields.iter();
    fields.find_map(|(id, value)| (id == field).then_some(value))
}

fn is(view: &RecordView, field: &str, text: &str) -> bool {
    value(view, field) == Some(&OwnedValue::Text(text.to_owned()))
}

fn is_core(view: &RecordView) -> bool {
    let core = "hazardous entertainment video-games sauna hairdressing foot-massage net-cafe chess-cards hotel pawn seal";
    core.split(' ').any(|trade| is(view, "trade", trade))
}

/// Whether a record is right in truth; nothing for who is aside or cannot be judged.
fn is_right(truth: &Truth, view: &RecordView, sample: &Sample) -> Option<bool> {
    let first = shilu_model::Zone::parse("Asia/Shanghai")
        .unwrap()
        .day_of(sample.draw_at);
    // Somebody opens on one of these days.
    let days = (0..30).map(|later| shilu_model::Day::from_number(first.number() + later));
    let seen = days.map(|day| truth.visit(&view.name, day)).find(|seen| {
        !matches!(seen.outcome, Outcome::NoContact | Outcome::Refused) && seen.not_seen.is_empty()
    })?;
    match seen.outcome {
        Outcome::Present => Some(
            seen.observed
                .iter()
                .filter(|(field, _)| field != "dwelling")
                .all(|(field, there)| value(view, field) == there.as_ref()),
        ),
        // Who is gone is aside; what is gone is wrong.
        Outcome::Gone => (view.name.kind() != "resident").then_some(false),
        _ => Some(false),
    }
}

#[test]
fn what_the_draws_say_holds_the_truth_in_most_villages() {
    let folder = tempfile::tempdir().unwrap();
    let simulation = Simulation::new(shilu_simulator::Options {
        seed: 3,
        scale: "0.05".parse().unwrap(),
    });
    let truth = simulation.truth();
    let dir = folder.path().join("register");
    let written = super::write(&dir, simulation, &ProgressBar::hidden()).unwrap();
    assert!(written.visits > 500, "{} visits", written.visits);
    let engine = Engine::open(&dir, Options::default()).unwrap();
    let (mut held, mut judged, mut errors) = (0, 0, 0);
    for (indicator, kind, in_scope) in RECORDS {
        let sample = engine.samples(Some(indicator)).unwrap().remove(0);
        assert_eq!(sample.state, SampleState::Complete, "{indicator}");
        let at = engine
            .at(AsOf::Position(sample.position), Some(sample.announced))
            .unwrap();
        let mut shares: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for view in all(&engine, kind, at) {
            let live = matches!(view.status, Status::Collected | Status::Registered);
            let Some(right) = is_right(&truth, &view, &sample).filter(|_| live && in_scope(&view)) else {
                continue;
            };
            let (good, of) = shares.entry(view.area.clone()).or_default();
            (*good, *of) = (*good + f64::from(u8::from(right)), *of + 1.0);
        }
        let now = engine.at(AsOf::Now, None).unwrap();
        let campaign = engine.campaign();
        let figures = engine
            .drawn(campaign.indicator(indicator).unwrap(), None, true, now)
            .unwrap();
        for figure in figures {
            let area = figure.area.unwrap();
            let (Some((good, of)), Some(interval)) = (shares.get(&area), figure.estimate.interval) else {
                continue;
            };
            judged += 1;
            errors += figure.estimate.counts.wrong;
            held += u32::from(interval.lower - 1e-9 <= good / of && good / of <= interval.upper + 1e-9);
        }
    }
    assert!(judged >= 30, "{judged} villages");
    assert!(held * 10 >= judged * 9, "{held} of {judged} hold the truth");
    assert!(errors > 10, "{errors} errors found");
    // Most workers are linked to their residents by the draw, and a visit that finds otherwise has it corrected.
    let workers = engine.samples(Some("core-worker-accuracy")).unwrap().remove(0);
    let counts = workers.estimate.unwrap().counts;
    let judged = counts.right + counts.wrong;
    assert!(
        counts.right * 10 >= judged * 7 && counts.right < judged,
        "{} of {judged}",
        counts.right
    );
    engine.close().unwrap();
}

fn all(engine: &Engine, kind: &str, at: At) -> Vec<RecordView> {
    let mut query = ListQuery {
        kind: Some(kind.to_owned()),
        area: None,
        status: None,
        found_too: false,
        text: None,
        at,
        after: None,
        limit: 1_000,
    };
    let mut all = Vec::new();
    loop {
        let page = engine.records(&query).unwrap();
        all.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

#[test]
fn one_seed_makes_one_log_and_every_visit_is_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let roots = ["one", "other"].map(|name| {
        let simulation = Simulation::new(shilu_simulator::Options {
            seed: 11,
            scale: "0.01".parse().unwrap(),
        });
        let dir = folder.path().join(name);
        super::write(&dir, simulation, &ProgressBar::hidden()).unwrap();
        std::fs::read_to_string(dir.join("public/checkpoint")).unwrap()
    });
    assert_eq!(roots[0], roots[1]);
    let engine = Engine::open(&folder.path().join("one"), Options::default()).unwrap();
    let (mut tried, mut again) = (0, 0);
    for sample in engine.samples(None).unwrap() {
        if sample.indicator == "virtual-dwelling-accuracy" {
            assert_eq!(sample.state, SampleState::Announced);
            continue;
        }
        assert_eq!(sample.state, SampleState::Complete, "{}", sample.id);
        assert!(!sample.steerable);
        // A third person may see otherwise; nothing else is to be said of a draw that everybody took honestly.
        let honest = |notice: &SampleNotice| matches!(notice, SampleNotice::Disagree(_));
        assert!(sample.notices.iter().all(honest), "{:?}", sample.notices);
        let within = sample.draw_at.plus_micros(14 * 86_400_000_000);
        assert!(sample.completed.unwrap() <= within, "{}", sample.id);
        let draw = sample.draw.unwrap();
        for visit in draw.visits {
            // Who keeps the desk of a village has the number of its place in the list.
            let own = engine
                .campaign()
                .areas
                .leaves()
                .position(|area| area.id == visit.drawn.area);
            let desk = format!("registrar-{:03}", own.unwrap() + 1);
            assert_ne!(visit.actor.as_deref(), Some(desk.as_str()));
            assert_eq!(visit.actor, visit.verifier);
            tried += usize::from(visit.attempts > 0);
            again += usize::from(visit.recheck_agrees.is_some());
        }
    }
    assert!(
        tried > 5 && again > 5,
        "{tried} tried again, {again} checked again"
    );
    engine.close().unwrap();
}
