//! The samples of a simulated campaign, taken through the register as its office would: announced, drawn with what the
//! auditors reveal, assigned by the seed, visited blind. The simulation says when, and what is there; whom a visit is to,
//! and what it counts as, is the register's.

use std::collections::{BTreeMap, BTreeSet};

use shilu_engine::{
    Announcement, Because, EngineError, FoundChild, RosterAnswer, SampleError, SampleSize, Strata,
    VisitEntry, Visited, sampling::Plan,
};
use shilu_model::{Outcome, Percent, RecordName, Since, Timestamp};
use shilu_simulator::{Draw, DrawSize, PlannedVisit, Simulation, Visitors, Whereabouts};

use super::writing::Writing;
use crate::{Done, error::CliError};

/// How likely a draw shall show its target, if so much is right as it is planned for.
const POWER: f64 = 0.8;
/// The crew is named as soon as a sample is announced: who names it after the draw could choose who goes where.
const NAMED_AFTER_MICROS: i64 = 120 * 1_000_000;

/// What is still to be done for the samples, in the order of time.
pub(super) struct Draws {
    crew: String,
    visitors: Visitors,
    plans: Vec<Draw>,
    /// Those of which places are drawn.
    places: BTreeSet<usize>,
    /// Who checks a visit again, by sample and record.
    thirds: BTreeMap<(usize, RecordName), String>,
    steps: BTreeMap<(Timestamp, u64), Step>,
    planned: u64,
}

/// One thing to do for a sample, which is a place in the list of plans.
enum Step {
    Announce(usize),
    Name(usize),
    Draw(usize),
    Visit(usize, PlannedVisit),
}

impl Draws {
    pub fn of(simulation: &Simulation) -> Self {
        let mut draws = Draws {
            crew: simulation.crew(),
            visitors: Visitors::of(simulation),
            plans: simulation.draws(),
            places: BTreeSet::new(),
            thirds: BTreeMap::new(),
            steps: BTreeMap::new(),
            planned: 0,
        };
        for number in 0..draws.plans.len() {
            let announced = draws.plan(number).announced;
            draws.then(announced, Step::Announce(number));
        }
        draws
    }

    /// When the next step is due.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.steps.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next step, at its time.
    pub fn step(&mut self, writing: &mut Writing<'_>, simulation: &mut Simulation) -> Done {
        let Some(((now, _), step)) = self.steps.pop_first() else {
            return Ok(());
        };
        // Whoever draws looks at all that was recorded before.
        writing.settle()?;
        writing.set_clock(now);
        match step {
            Step::Announce(number) => self.announce(number, writing),
            Step::Name(number) => self.name(number, writing),
            Step::Draw(number) => self.draw(number, writing),
            Step::Visit(number, visit) => {
                writing.written.visits += 1;
                let outcome = match self.places.contains(&number) {
                    true => self.visit_place(number, &visit, writing)?,
                    false => self.visit_record(number, &visit, writing, simulation)?,
                };
                self.after(number, &visit, outcome);
                Ok(())
            }
        }
    }

    fn announce(&mut self, number: usize, writing: &mut Writing<'_>) -> Done {
        let plan = self.plan(number).clone();
        let size = match plan.size {
            DrawSize::Of(size) => SampleSize::Of(size),
            DrawSize::Planned(planned) => SampleSize::For(Plan {
                target: target(writing, plan.indicator),
                planned,
                power: POWER,
            }),
        };
        let announcement = Announcement {
            id: plan.id.clone(),
            indicator: plan.indicator.to_owned(),
            area: None,
            size,
            strata: Strata::Area,
            draw_at: plan.draw_at,
            entropy: plan.entropy(),
            actor: plan.actor.clone(),
            reason: Some("按方案抽查，各村同数".to_owned()),
        };
        match writing.engine.announce(&announcement) {
            // A small township may have none of what is drawn.
            Err(EngineError::Sample(SampleError::NothingToDraw { .. })) => return Ok(()),
            announced => drop(announced?),
        }
        // Whoever wants to hold it against the office later can have it from now on.
        writing.engine.publish()?;
        writing.written.samples += 1;
        self.then(plan.announced.plus_micros(NAMED_AFTER_MICROS), Step::Name(number));
        if plan.revealed().is_some() {
            self.then(plan.draw_at, Step::Draw(number));
        }
        Ok(())
    }

    /// Names who may visit; who goes where is for the seed to say.
    fn name(&self, number: usize, writing: &Writing<'_>) -> Done {
        let Draw { id, actor, .. } = self.plan(number);
        writing
            .engine
            .assign(id, &self.crew, because(actor, "各村交叉核查"))?;
        Ok(())
    }

    fn draw(&mut self, number: usize, writing: &mut Writing<'_>) -> Done {
        let Draw {
            id, draw_at, actor, ..
        } = self.plan(number).clone();
        let revealed = self.plan(number).revealed();
        writing.engine.draw(
            &id,
            revealed.as_deref(),
            because(&actor, "审计人员公布密数，抽签"),
        )?;
        if writing.engine.listed_kind(&id)?.is_some() {
            self.places.insert(number);
        }
        let mut visits = Vec::new();
        for visit in writing.engine.assignment(&id)?.visits {
            if let Some(third) = visit.recheck {
                self.thirds.insert((number, visit.record.clone()), third);
            }
            visits.push((visit.record, visit.verifier));
        }
        for visit in self.visitors.plan(draw_at, visits) {
            self.then(visit.recorded(), Step::Visit(number, visit));
        }
        Ok(())
    }

    /// What follows a visit: another try, or the check by a third person.
    fn after(&mut self, number: usize, visit: &PlannedVisit, outcome: Outcome) {
        let next = if matches!(outcome, Outcome::NoContact | Outcome::Refused) {
            self.visitors.retry(visit)
        } else {
            let third = self.thirds.remove(&(number, visit.record.clone()));
            third.map(|third| self.visitors.again(visit, &third))
        };
        if let Some(next) = next {
            self.then(next.recorded(), Step::Visit(number, next));
        }
    }

    fn visit_record(
        &mut self,
        number: usize,
        visit: &PlannedVisit,
        writing: &Writing<'_>,
        simulation: &mut Simulation,
    ) -> Result<Outcome, CliError> {
        let seen = self.visitors.record(&visit.record, visit.day());
        let outcome = seen.outcome;
        let what = Visited::Record {
            record: visit.record.clone(),
            outcome,
            observed: seen.observed,
            not_seen: seen.not_seen,
        };
        let entered = writing.engine.visit(&self.plan(number).id, &entry(visit, what))?;
        if let Some(event) = entered.events.first().filter(|_| outcome == Outcome::Present) {
            simulation.learn(&visit.record, event.id);
        }
        Ok(outcome)
    }

    fn visit_place(
        &mut self,
        number: usize,
        visit: &PlannedVisit,
        writing: &Writing<'_>,
    ) -> Result<Outcome, CliError> {
        let (day, place) = (visit.day(), &visit.record);
        let seen = self.visitors.place(place, day);
        let found = seen.found.into_iter().map(|child| FoundChild {
            observed: child.observed,
            not_seen: child.not_seen,
        });
        let blind = Visited::Blind {
            place: place.clone(),
            outcome: seen.outcome,
            found: found.collect(),
        };
        let id = &self.plan(number).id;
        let entered = writing.engine.visit(id, &entry(visit, blind))?;
        if entered.revealed.is_empty() {
            return Ok(seen.outcome);
        }
        let answers = entered.revealed.into_iter().map(|shown| {
            let answer = match self.visitors.whereabouts(&shown.record, place, day) {
                Whereabouts::Gone(day) => RosterAnswer::Gone(day),
                Whereabouts::UnknownHere => RosterAnswer::UnknownHere,
                Whereabouts::NotSeen => RosterAnswer::NotSeen,
            };
            (shown.record, answer)
        });
        let revealed = Visited::Revealed {
            place: place.clone(),
            answers: answers.collect(),
        };
        writing.engine.visit(id, &entry(visit, revealed))?;
        Ok(seen.outcome)
    }

    fn plan(&self, number: usize) -> &Draw {
        self.plans
            .get(number)
            .expect("steps are made for the plans that there are")
    }

    fn then(&mut self, at: Timestamp, step: Step) {
        self.planned += 1;
        self.steps.insert((at, self.planned), step);
    }
}

/// A visit as its visitor enters it.
fn entry(visit: &PlannedVisit, what: Visited) -> VisitEntry {
    VisitEntry {
        id: None,
        actor: visit.verifier.clone(),
        reason: None,
        device: None,
        effective: Since::At(visit.seen),
        visit: None,
        what,
    }
}

fn because<'a>(actor: &'a str, reason: &'a str) -> Because<'a> {
    Because { actor, reason }
}

/// The target that a draw is planned for: the indicator's first.
fn target(writing: &Writing<'_>, indicator: &str) -> Percent {
    let campaign = writing.engine.campaign();
    let targets = campaign
        .indicator(indicator)
        .map(|indicator| indicator.targets.as_slice());
    targets
        .and_then(<[_]>::first)
        .map_or(Percent::ALL, |target| target.value)
}
