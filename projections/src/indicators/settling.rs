//! Settling: the cases that events have touched are evaluated, each once as known before the first of these events and
//! once as known now, and the kept series move by the difference.
//!
//! Within one recorded day the differences of single events add up to that one: on the effective axis because each
//! replaces what is known now, on the axis E = K because that axis has one step per day. So it makes no difference how
//! often it is done between two days, and the events of a day cost one evaluation of each case that they touch.
//!
//! Evaluating only reads. Many cases are shared among threads, and what they find is added up: the result is the same
//! for any number of them.

use std::{num::NonZero, rc::Rc, thread};

use roaring::RoaringBitmap;
use shilu_model::{Action, Campaign, Day, Entry, Position, Value};

use super::{
    Case,
    evaluation::Evaluation,
    frames::Frames,
    links::{Links, text_of},
    measure,
    parts::{Contribution, Part},
    plan::{Cases, Leads, Plan, Planned, Role},
    reader::{Reader, Subject},
};
use crate::{
    calendar::Calendar,
    names::{Name, Names},
    records::{Records, Slot},
    tally::{Axis, Move, Moves, Tally},
};

/// The records that events have touched since the cases were last settled.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsettled {
    /// In the order of their events; some are there twice.
    slots: Vec<Slot>,
    /// The first of these events, and the day on which all of them were recorded.
    first: Option<(Position, Day)>,
}

/// Most touched records that are kept before they are settled: what was read of them then stays below some 100 MB.
const UNSETTLED_MAX: usize = 1 << 16;

/// Fewer than so many touched records are settled before a thread has started.
const SHARED_MIN: usize = 1 << 10;

/// More threads than this only wait for memory.
const THREADS_MAX: usize = 8;

/// Subjects that one thread keeps at a time.
const SUBJECTS_MAX: usize = 1 << 13;

impl Unsettled {
    /// Whether another event must wait until all is settled: it is of another day, or there is enough.
    pub fn is_due(&self, day: Day) -> bool {
        self.first.is_some_and(|(_, other)| other != day) || self.slots.len() >= UNSETTLED_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub fn note(&mut self, slot: Slot, position: Position, day: Day) {
        self.first.get_or_insert((position, day));
        self.slots.push(slot);
    }

    fn take(&mut self) -> Option<(Vec<Slot>, Position, Day)> {
        let (since, day) = self.first.take()?;
        let mut slots = std::mem::take(&mut self.slots);
        slots.sort_unstable();
        slots.dedup();
        Some((slots, since, day))
    }
}

/// What evaluating reads; the same for every thread.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub campaign: &'a Campaign,
    pub plan: &'a Plan,
    pub names: &'a Names,
    pub records: &'a Records,
    pub links: &'a Links,
    pub frames: &'a Frames,
    pub first_rows: &'a RoaringBitmap,
    pub calendar: &'a Calendar,
    /// Nothing at this position or later is read.
    pub end: Position,
}

/// A case that events may have moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    case: Case,
    indicator: usize,
    /// The first day that they may have moved; all days, where one of them voids a record.
    from: Option<Day>,
}

/// Settles what is unsettled.
pub(super) fn settle(unsettled: &mut Unsettled, basis: Basis<'_>, tally: &mut Tally) {
    let Some((slots, since, recorded)) = unsettled.take() else {
        return;
    };
    let mut marks = shared(&slots, |slots| basis.marks(slots, since));
    marks.sort_unstable();
    // Of two marks of a case the one that begins earlier stands first.
    marks.dedup_by(|later, earlier| (&later.case, later.indicator) == (&earlier.case, earlier.indicator));
    let moves = shared(&marks, |marks| [basis.moves(marks, since, recorded)].into());
    add_to(&moves, tally);
}

/// Lets threads work on parts of some items, and puts what they give together.
fn shared<I: Sync, O: Send>(items: &[I], work: impl Fn(&[I]) -> Vec<O> + Sync) -> Vec<O> {
    let threads = match items.len() {
        SHARED_MIN.. => thread::available_parallelism().map_or(1, NonZero::get),
        _ => 1,
    };
    let part = items.len().div_ceil(threads.min(THREADS_MAX)).max(1);
    let mut parts = items.chunks(part);
    let own = parts.next_back().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| work(part))).collect();
        let own = work(own);
        let others = others.into_iter().flat_map(|other| {
            other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        others.chain(own).collect()
    })
}

impl<'a> Basis<'a> {
    pub fn reader(&self) -> Reader<'a> {
        let calendar = self.calendar.clone();
        Reader::new(
            (self.names, self.records),
            self.plan,
            self.links,
            self.end,
            calendar,
        )
    }

    pub fn evaluation<'r>(&self, reader: &'r Reader<'a>) -> Evaluation<'r, 'a>
    where
        'a: 'r,
    {
        Evaluation {
            reader,
            campaign: self.campaign,
            frames: self.frames,
            first_rows: self.first_rows,
        }
    }

    /// The cases that the events since a position on some records may have moved.
    fn marks(&self, slots: &[Slot], since: Position) -> Vec<Mark> {
        let reader = self.reader();
        let mut marks = Vec::with_capacity(slots.len());
        for slot in slots {
            reader.forget_beyond(SUBJECTS_MAX);
            let subject = reader.subject(*slot);
            let touched = Touched::of(&subject, since, &reader);
            let roles = self.plan.roles.get(&subject.kind).into_iter().flatten();
            for role in roles.filter(|role| touched.matters_to(role)) {
                let (indicator, from) = (role.indicator, touched.from);
                let mut add = |case| {
                    marks.push(Mark {
                        case,
                        indicator,
                        from,
                    });
                };
                cases(&reader, role, &subject, &mut add);
            }
        }
        marks
    }

    /// How the cases have moved since a position, on both axes.
    fn moves(&self, marks: &[Mark], since: Position, recorded: Day) -> Moves {
        let reader = self.reader();
        let evaluation = self.evaluation(&reader);
        let mut moves = Moves::default();
        for mark in marks {
            reader.forget_beyond(SUBJECTS_MAX);
            if let Some(planned) = self.plan.indicators.get(mark.indicator) {
                let moved = evaluation.moved(planned, mark, (since, self.end));
                replace(&mut moves, planned, &moved, recorded);
            }
        }
        moves
    }
}

/// What a case contributes as known before and as known now, from a day on until the next one.
pub(super) type Moved = (Day, Contribution, Contribution);

impl Evaluation<'_, '_> {
    fn moved(&self, planned: &Planned, mark: &Mark, (since, end): (Position, Position)) -> Vec<Moved> {
        let inputs = self.inputs(planned, &mark.case);
        let is_new = inputs.iter().all(|subject| subject.known(since).is_empty());
        let mut days = self.days_of(planned, &inputs);
        if let Some(from) = mark.from {
            // Nothing that takes effect on a day changes the days before.
            let earlier = days.partition_point(|day| *day < from);
            days.drain(..earlier);
        }
        let at = |day, end| self.contribution(planned, &mark.case, self.reader.end_of(day, end));
        let before = |day| match is_new {
            true => Contribution::default(),
            false => at(day, since),
        };
        days.into_iter()
            .map(|day| (day, before(day), at(day, end)))
            .collect()
    }
}

/// Adds what it takes to replace what a case contributed: on the axis of knowledge from the day on which that was
/// recorded.
pub(super) fn replace(moves: &mut Moves, planned: &Planned, moved: &[Moved], recorded: Day) {
    let mut replace = |axis: Axis, moved: &[Moved]| {
        let mut last = None;
        for (day, before, now) in moved {
            let differs = (before != now).then_some((before, now));
            if differs == last {
                continue;
            }
            let from = match axis {
                Axis::Effective => *day,
                Axis::Known => (*day).max(recorded),
            };
            for (told, sign) in [(last, -1), (differs, 1)] {
                if let Some((before, now)) = told {
                    add(moves, planned.name, (axis, from), before, -sign);
                    add(moves, planned.name, (axis, from), now, sign);
                }
            }
            last = differs;
        }
    };
    replace(Axis::Effective, moved);
    let later = moved.partition_point(|(day, ..)| *day <= recorded);
    replace(
        Axis::Known,
        moved.get(later.saturating_sub(1)..).unwrap_or_default(),
    );
}

fn add(moves: &mut Moves, indicator: Name, (axis, day): (Axis, Day), told: &Contribution, sign: i64) {
    for part in Part::ALL {
        let cases = told.parts.get(part) * sign;
        if cases != 0 {
            let at = Move {
                measure: measure(indicator, part),
                area: told.area,
                actor: Some(told.actor).filter(|actor| *actor != Name::NONE),
                axis,
                day,
            };
            *moves.entry(at).or_default() += cases;
        }
    }
}

/// Moves the kept series.
pub(super) fn add_to(moves: &[Moves], tally: &mut Tally) {
    let moves = moves.iter().flatten();
    moves.for_each(|(at, cases)| tally.add(*at, *cases));
    tally.settle();
}

/// What the events since a position have done to a record.
struct Touched {
    actions: Vec<Action>,
    fields: Vec<Name>,
    /// Whether one of them may change whether it is live, or who collected it first.
    lives: bool,
    /// Whether one of them tells where it is.
    sites: bool,
    from: Option<Day>,
}

impl Touched {
    fn of(subject: &Subject<'_>, since: Position, reader: &Reader<'_>) -> Self {
        let earlier = subject.known(since).len();
        let mut touched = Touched {
            actions: Vec::new(),
            fields: Vec::new(),
            lives: false,
            sites: subject.sites.iter().skip(earlier).any(Option::is_some),
            from: None,
        };
        let mut voids = false;
        for (place, entry) in subject.entries.iter().enumerate().skip(earlier) {
            touched.actions.push(entry.action);
            let fields = entry
                .sets
                .iter()
                .filter_map(|(field, _)| reader.names.find(field));
            touched.fields.extend(fields);
            touched.lives |= gives_life(subject, place);
            let day = reader.day_of(entry.effective);
            touched.from = Some(touched.from.map_or(day, |from| from.min(day)));
            voids |= entry.void.is_some();
        }
        touched.from = touched.from.filter(|_| !voids);
        touched
    }

    fn matters_to(&self, role: &Role) -> bool {
        let trigger = &role.trigger;
        self.lives
            || (self.sites && trigger.sites)
            || self.actions.iter().any(|action| trigger.actions.contains(action))
            || self.fields.iter().any(|field| trigger.fields.contains(field))
    }
}

/// Whether an event may change whether its record is live, or who collected it first.
fn gives_life(subject: &Subject<'_>, place: usize) -> bool {
    let Some((entry, earlier)) = subject.entries.get(..=place).and_then(<[_]>::split_last) else {
        return false;
    };
    let collected = |other: &Entry<'_>| other.action == Action::Collect && other.effective <= entry.effective;
    match entry.action {
        Action::Deregister => true,
        // Whoever was collected is live already, unless it was deregistered.
        Action::Register => {
            earlier.iter().any(|other| other.action == Action::Deregister) || !earlier.iter().any(collected)
        }
        Action::Collect => !earlier.iter().any(collected),
        _ => false,
    }
}

/// The cases that events on a record may move in one of its roles; some may come twice.
fn cases<'a>(reader: &Reader<'a>, role: &Role, subject: &Rc<Subject<'a>>, add: &mut impl FnMut(Case)) {
    let mut lead = |base: &Subject<'a>| cases_of(reader, &role.cases, base, add);
    match &role.leads {
        Leads::Own => lead(subject),
        Leads::Referrers(link) => {
            let name = format!("{}/{}", reader.names.text(subject.kind), subject.key);
            for slot in reader.links.of(*link, &name) {
                match role.cases {
                    // Nothing needs to be read of it to know its cases.
                    Cases::Itself => lead(&reader.unread(slot)),
                    _ => lead(&reader.subject(slot)),
                }
            }
        }
        Leads::Targets { field, kind } => {
            for value in subject.ever(reader.names.text(*field)) {
                let Value::Reference(name) = value else { continue };
                if let Some(target) = reader.named(name).filter(|target| target.kind == *kind) {
                    lead(&target);
                }
            }
        }
    }
}

/// The cases that a record of an indicator's population leads to.
fn cases_of<'a>(reader: &Reader<'a>, cases: &Cases, base: &Subject<'a>, add: &mut impl FnMut(Case)) {
    let texts = |subject: &Subject<'_>, field: Option<Name>| -> Vec<String> {
        match field {
            None => vec![subject.key.to_owned()],
            Some(field) => {
                let values = subject.ever(reader.names.text(field));
                values.map(|value| text_of(value).into_owned()).collect()
            }
        }
    };
    match cases {
        Cases::Itself => add(Case::Record(base.slot)),
        Cases::Rows { by, rows } => {
            for text in texts(base, *by) {
                let rows = reader.links.of(*rows, &text);
                rows.for_each(|row| add(Case::Record(row)));
            }
        }
        Cases::Value(field) => texts(base, Some(*field))
            .into_iter()
            .for_each(|text| add(Case::Value(text))),
        Cases::Key => add(Case::Value(base.key.to_owned())),
        Cases::Beyond(field, second) => {
            for value in base.ever(reader.names.text(*field)) {
                let Value::Reference(name) = value else { continue };
                let target = reader.named(name);
                target
                    .iter()
                    .flat_map(|target| texts(target, *second))
                    .for_each(|text| add(Case::Value(text)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_give_stays_in_order_and_whole() {
        for count in [0, 1, SHARED_MIN - 1, SHARED_MIN, 10 * SHARED_MIN + 7] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(shared(&items, <[usize]>::to_vec), items, "{count}");
        }
    }
}
