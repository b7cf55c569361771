//! The fold: what a record is at any (effective, recorded) pair, from its events alone.

use crate::{
    event::{Action, Because, Event, Outcome, Verdict},
    position::Position,
    time::Timestamp,
    value::Value,
};

/// What the fold needs of one event, borrowed from the event or from a compact store of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where the event stands.
    pub position: Position,
    /// Since when it holds.
    pub effective: Timestamp,
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: &'a str,
    /// The area that the event names; it counts only for a record that nobody has collected.
    pub area: &'a str,
    /// The fields that it sets: confirmations are left out.
    pub sets: Vec<(&'a str, Option<Value<'a>>)>,
    /// What a verification found.
    pub check: Option<Check>,
    /// Set where a deregistration says that the record was never true.
    pub void: Option<Because<'a>>,
}

/// What a verification found, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The verdict on the record.
    pub outcome: Outcome,
    /// Whether a field differed.
    pub differs: bool,
}

impl<'a> Entry<'a> {
    /// The entry of an event; `None` for an event on the register itself.
    pub fn of(event: &Event<'a>) -> Option<Self> {
        if event.is_administrative() {
            return None;
        }
        let sets = event
            .changes
            .iter()
            .filter(|change| change.sets())
            .map(|change| (change.field, change.after));
        Some(Entry {
            position: event.position,
            effective: event.effective,
            action: event.action,
            actor: event.actor,
            area: event.area,
            sets: sets.collect(),
            check: event.outcome.map(|outcome| Check {
                outcome,
                differs: event
                    .observed
                    .iter()
                    .any(|observed| observed.verdict == Verdict::Differs),
            }),
            void: event.because.filter(|because| because.voids()),
        })
    }
}

/// The status of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing is known of it.
    Absent,
    /// A check met it; nobody has collected it.
    Found,
    /// Collected, and not registered since.
    Collected,
    /// Registered.
    Registered,
    /// Deregistered.
    Deregistered,
    /// It was never true.
    Void,
}

impl Status {
    /// Every status that a record in a list can have.
    pub const SHOWN: [Status; 5] = [
        Status::Found,
        Status::Collected,
        Status::Registered,
        Status::Deregistered,
        Status::Void,
    ];

    /// The word for it on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Absent => "absent",
            Status::Found => "found",
            Status::Collected => "collected",
            Status::Registered => "registered",
            Status::Deregistered => "deregistered",
            Status::Void => "void",
        }
    }

    /// Reads the word of a status that a record in a list can have.
    pub fn parse(word: &str) -> Option<Self> {
        Self::SHOWN.into_iter().find(|status| status.word() == word)
    }

    /// Live: collected or registered.
    pub const fn is_live(self) -> bool {
        matches!(self, Status::Collected | Status::Registered)
    }
}

/// The latest value of a field, and the event that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<'a> {
    /// The field's id.
    pub field: &'a str,
    /// The value; `None` where it was cleared.
    pub value: Option<Value<'a>>,
    /// Since when.
    pub effective: Timestamp,
    /// By which event.
    pub position: Position,
}

/// A record at one (effective, recorded) pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// Its status.
    pub status: Status,
    /// The values, in the order in which fields were first set.
    pub fields: Vec<Held<'a>>,
    /// The actor of the earliest collect.
    pub collector: Option<&'a str>,
    /// The area that a check gave a record that nobody has collected.
    pub found_area: &'a str,
    /// The latest check that saw enough to judge.
    pub check: Option<Check>,
    /// Whether there were checks, though none that saw enough.
    pub tried: bool,
}

impl<'a> State<'a> {
    /// A record of which nothing is known.
    pub const ABSENT: State<'static> = State {
        status: Status::Absent,
        fields: Vec::new(),
        collector: None,
        found_area: "",
        check: None,
        tried: false,
    };

    /// Folds entries, in any order, as of an effective time.
    ///
    /// Per field and for the status the greatest (effective, position) wins. An entry that voids the record does so
    /// at every effective time at which the record is there. The caller leaves out what was recorded too late.
    pub fn fold(entries: &[Entry<'a>], effective: Timestamp) -> Self {
        let mut state = State::ABSENT;
        let order = |entry: &&Entry<'_>| (entry.effective, entry.position);
        if entries.is_sorted_by_key(|entry| order(&entry)) {
            entries
                .iter()
                .take_while(|entry| entry.effective <= effective)
                .for_each(|entry| state.apply(entry));
        } else {
            let mut sorted: Vec<_> = entries
                .iter()
                .filter(|entry| entry.effective <= effective)
                .collect();
            sorted.sort_unstable_by_key(order);
            sorted.into_iter().for_each(|entry| state.apply(entry));
        }
        if state.status != Status::Absent && entries.iter().any(|entry| entry.void.is_some()) {
            state.status = Status::Void;
        }
        state
    }

    /// Folds entries, in any order, as of the latest effective time: how things stand, as far as is known.
    pub fn latest(entries: &[Entry<'a>]) -> Self {
        State::fold(entries, Timestamp::from_micros(i64::MAX))
    }

    /// Shows the state from each effective time on at which something took effect, in the order of time: the record's
    /// whole story as known to the entries, which may come in any order.
    pub fn story(entries: &[Entry<'a>], mut show: impl FnMut(Timestamp, &Self)) {
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_unstable_by_key(|entry| (entry.effective, entry.position));
        let void = entries.iter().any(|entry| entry.void.is_some());
        let mut state = State::ABSENT;
        let mut rest = sorted.into_iter().peekable();
        while let Some(entry) = rest.next() {
            state.apply(entry);
            if rest.peek().is_some_and(|next| next.effective == entry.effective) {
                continue;
            }
            if void && state.status != Status::Absent {
                let told = std::mem::replace(&mut state.status, Status::Void);
                show(entry.effective, &state);
                state.status = told;
            } else {
                show(entry.effective, &state);
            }
        }
    }

    /// Applies the next entry in the order of (effective, position), voids aside.
    pub fn apply(&mut self, entry: &Entry<'a>) {
        match entry.action {
            Action::Collect => {
                if matches!(self.status, Status::Absent | Status::Found) {
                    self.status = Status::Collected;
                }
                self.collector = self.collector.or(Some(entry.actor));
            }
            Action::Register => self.status = Status::Registered,
            Action::Deregister => self.status = Status::Deregistered,
            Action::Verify => {
                if entry
                    .check
                    .is_some_and(|check| check.outcome == Outcome::Unregistered)
                    && self.status <= Status::Found
                {
                    self.status = Status::Found;
                    self.found_area = entry.area;
                }
                match entry.check {
                    Some(check) if check.outcome.is_decisive() => self.check = Some(check),
                    _ => self.tried = true,
                }
            }
            Action::Correct | Action::Configure | Action::Appoint | Action::Dismiss | Action::Erase => {}
        }
        for (field, value) in &entry.sets {
            let held = Held {
                field,
                value: *value,
                effective: entry.effective,
                position: entry.position,
            };
            match self.fields.iter_mut().find(|held| held.field == *field) {
                Some(old) => *old = held,
                None => self.fields.push(held),
            }
        }
    }

    /// What a field holds, and since which event; `None` if it was never set.
    pub fn held(&self, field: &str) -> Option<&Held<'a>> {
        self.fields.iter().find(|held| held.field == field)
    }

    /// The value of a field.
    pub fn value(&self, field: &str) -> Option<Value<'a>> {
        self.held(field).and_then(|held| held.value)
    }

    /// The record's area: the value of the kind's area field, or what a check said; empty where there is none.
    pub fn area(&self, area_field: Option<&str>) -> &'a str {
        match area_field.and_then(|field| self.value(field)) {
            Some(Value::Text(area)) => area,
            // Not the status: a record that is void was perhaps never collected on that day.
            _ if self.collector.is_none() => self.found_area,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests;
