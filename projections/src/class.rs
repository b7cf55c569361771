//! Classes: what counts and rates need to know of a record, and how an event moves it from one class to another.

use shilu_model::{Day, DayFinder, Entry, Outcome, State, Status, Timestamp};

use crate::names::{Name, Names};

/// What counts and rates need to know of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// Its status.
    pub status: Status,
    /// Its area.
    pub area: Name,
    /// Its first collector.
    pub actor: Name,
    /// What checks say of it.
    pub checked: Checked,
}

/// What the checks of a record say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checked {
    /// There was none.
    Never,
    /// None of them saw enough.
    Tried,
    /// The last one found it there, and nothing differed.
    Right,
    /// The last one found it otherwise, or unknown.
    Wrong,
    /// The last one found it gone.
    Gone,
}

impl Class {
    /// The class of a record of which nothing is known.
    pub const ABSENT: Class = Class {
        status: Status::Absent,
        area: Name::NONE,
        actor: Name::NONE,
        checked: Checked::Never,
    };

    /// The class of a state. Every name in it must have been interned.
    pub fn of(state: &State<'_>, area_field: Option<&str>, names: &Names) -> Self {
        Class::after(Class::ABSENT, state, area_field, names)
    }

    /// As [`Class::of`], given the class that the record had just before: most events leave area and actor alone, and
    /// comparing a text is quicker than looking it up.
    fn after(before: Class, state: &State<'_>, area_field: Option<&str>, names: &Names) -> Self {
        if state.status == Status::Absent {
            return Class::ABSENT;
        }
        let name = |before: Name, text: &str| match names.text(before) == text {
            true => before,
            false => names.find(text).unwrap_or(Name::NONE),
        };
        let checked = match state.check {
            None if state.tried => Checked::Tried,
            None => Checked::Never,
            Some(check) => match check.outcome {
                Outcome::Gone => Checked::Gone,
                Outcome::Present | Outcome::Unregistered if !check.differs => Checked::Right,
                _ => Checked::Wrong,
            },
        };
        Class {
            status: state.status,
            area: name(before.area, state.area(area_field)),
            actor: state
                .collector
                .map_or(Name::NONE, |collector| name(before.actor, collector)),
            checked,
        }
    }
}

/// From a day on a record is in another class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// From the end of this day on.
    pub day: Day,
    /// The class before.
    pub from: Class,
    /// The class after.
    pub to: Class,
}

/// How one event moves its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// On the axis E = K: on the day it was recorded.
    pub known: Transition,
    /// On the axis of effective time, as known now: what is no longer true …
    pub withdrawn: Vec<Transition>,
    /// … and what is true instead.
    pub stated: Vec<Transition>,
}

/// Works out the step of the newest of a record's entries, which are in the order of the log.
pub fn step(
    entries: &[Entry<'_>],
    recorded: Timestamp,
    area_field: Option<&str>,
    names: &Names,
    days: &mut DayFinder,
) -> Option<Step> {
    let (newest, earlier) = entries.split_last()?;
    let recorded_day = days.day_of(recorded);
    let in_order = entries.is_sorted_by_key(|entry| entry.effective);
    let void = |entries: &[Entry<'_>]| entries.iter().any(|entry| entry.void.is_some());
    if in_order && !void(entries) {
        let mut state = State::fold(earlier, newest.effective);
        let from = Class::of(&state, area_field, names);
        state.apply(newest);
        let to = Class::after(from, &state, area_field, names);
        let day = days.day_of(newest.effective);
        let stated = if from == to {
            Vec::new()
        } else {
            vec![Transition { day, from, to }]
        };
        return Some(Step {
            known: Transition {
                day: recorded_day,
                from,
                to,
            },
            withdrawn: Vec::new(),
            stated,
        });
    }
    let before = story(earlier, area_field, names, days);
    let after = story(entries, area_field, names, days);
    let last = |story: &[Transition]| story.last().map_or(Class::ABSENT, |transition| transition.to);
    let known = Transition {
        day: recorded_day,
        from: last(&before),
        to: last(&after),
    };
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let tail = |story: Vec<Transition>| story.into_iter().skip(same).collect();
    Some(Step {
        known,
        withdrawn: tail(before),
        stated: tail(after),
    })
}

/// The classes of a record over effective time.
fn story(
    entries: &[Entry<'_>],
    area_field: Option<&str>,
    names: &Names,
    days: &mut DayFinder,
) -> Vec<Transition> {
    let mut transitions: Vec<Transition> = Vec::new();
    State::story(entries, |effective, state| {
        let from = transitions
            .last()
            .map_or(Class::ABSENT, |transition| transition.to);
        let to = Class::after(from, state, area_field, names);
        if from != to {
            transitions.push(Transition {
                day: days.day_of(effective),
                from,
                to,
            });
        }
    });
    transitions
}

/// The class of a record at one (effective, recorded) pair, from its entries up to K.
pub fn class_at(
    entries: &[Entry<'_>],
    effective: Timestamp,
    area_field: Option<&str>,
    names: &Names,
) -> Class {
    Class::of(&State::fold(entries, effective), area_field, names)
}
