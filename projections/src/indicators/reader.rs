//! The reader: records as an evaluation sees them, each read once however many indicators look at it.

use std::{cell::RefCell, rc::Rc};

use rustc_hash::FxHashMap;
use shilu_model::{Day, Entry, Position, State, Timestamp, Value};

use super::{
    links::{Link, Links},
    plan::Plan,
};
use crate::{
    calendar::Calendar,
    names::{Name, Names},
    records::{Records, Site, Slot},
};

/// One pair of times at which a case is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// E.
    pub effective: Timestamp,
    /// The day of E.
    pub day: Day,
    /// K: the first position that is left out.
    pub end: Position,
}

/// Reads records for one event or one question.
pub(crate) struct Reader<'a> {
    pub names: &'a Names,
    pub plan: &'a Plan,
    pub links: &'a Links,
    records: &'a Records,
    /// Nothing at this position or later is read.
    end: Position,
    calendar: RefCell<Calendar>,
    subjects: RefCell<FxHashMap<Slot, Rc<Subject<'a>>>>,
}

/// A record's entries with the fields that indicators look at.
pub(crate) struct Subject<'a> {
    pub slot: Slot,
    pub kind: Name,
    pub key: &'a str,
    /// In the order of the log.
    pub entries: Vec<Entry<'a>>,
    /// Where each of them took place.
    pub sites: Vec<Option<Site>>,
}

impl<'a> Reader<'a> {
    pub fn new(
        (names, records): (&'a Names, &'a Records),
        plan: &'a Plan,
        links: &'a Links,
        end: Position,
        calendar: Calendar,
    ) -> Self {
        Reader {
            names,
            plan,
            links,
            records,
            end,
            calendar: RefCell::new(calendar),
            subjects: RefCell::default(),
        }
    }

    pub fn into_calendar(self) -> Calendar {
        self.calendar.into_inner()
    }

    /// Forgets what was read: for questions about many records, one after the other.
    pub fn forget(&self) {
        self.subjects.borrow_mut().clear();
    }

    /// Forgets what was read if it is more than so many records.
    pub fn forget_beyond(&self, most: usize) {
        if self.subjects.borrow().len() > most {
            self.forget();
        }
    }

    pub fn day_of(&self, time: Timestamp) -> Day {
        self.calendar.borrow_mut().day_of(time)
    }

    /// The end of a day, as known before a position.
    pub fn end_of(&self, day: Day, end: Position) -> Moment {
        Moment {
            effective: self.calendar.borrow_mut().end_of(day),
            day,
            end,
        }
    }

    pub fn subject(&self, slot: Slot) -> Rc<Subject<'a>> {
        if let Some(subject) = self.subjects.borrow().get(&slot) {
            return Rc::clone(subject);
        }
        let (kind, key) = self.records.name(slot);
        let (mut entries, mut sites) = (Vec::with_capacity(4), Vec::with_capacity(4));
        let wanted = self.plan.wanted(kind);
        self.records
            .read(slot, self.end, wanted, self.names, |entry, site| {
                entries.push(entry);
                sites.push(site);
            });
        let subject = Rc::new(Subject {
            slot,
            kind,
            key,
            entries,
            sites,
        });
        self.subjects.borrow_mut().insert(slot, Rc::clone(&subject));
        subject
    }

    /// A record of which nothing is read but its name.
    pub fn unread(&self, slot: Slot) -> Subject<'a> {
        let (kind, key) = self.records.name(slot);
        Subject {
            slot,
            kind,
            key,
            entries: Vec::new(),
            sites: Vec::new(),
        }
    }

    /// The record of a name, if the log has one.
    pub fn named(&self, name: &str) -> Option<Rc<Subject<'a>>> {
        let (kind, key) = name.split_once('/')?;
        let kind = self.plan.kind(kind)?;
        let slot = self.records.find(kind, key)?;
        Some(self.subject(slot))
    }

    /// The record of a kind with a key.
    pub fn keyed(&self, kind: &str, key: &str) -> Option<Rc<Subject<'a>>> {
        let slot = self.records.find(self.plan.kind(kind)?, key)?;
        Some(self.subject(slot))
    }

    /// Records that ever had a value in a field, and perhaps some others.
    pub fn linked(&self, kind: &str, field: &str, value: &str) -> Vec<Slot> {
        let link = self.plan.kind(kind).zip(self.names.find(field));
        link.map_or_else(Vec::new, |(kind, field)| {
            self.links.of(Link { kind, field }, value).collect()
        })
    }

    pub fn is_of(&self, subject: &Subject<'_>, kind: &str) -> bool {
        self.names.text(subject.kind) == kind
    }

    /// The area and the first collector of a record.
    pub fn place(&self, state: &State<'_>, area_field: Option<&str>) -> (Name, Name) {
        let name = |text: &str| self.names.find(text).unwrap_or(Name::NONE);
        let actor = state.collector.map_or(Name::NONE, name);
        (name(state.area(area_field)), actor)
    }
}

impl<'a> Subject<'a> {
    /// The entries that are known before a position.
    pub fn known(&self, end: Position) -> &[Entry<'a>] {
        let known = self.entries.partition_point(|entry| entry.position < end);
        self.entries.get(..known).unwrap_or_default()
    }

    pub fn state(&self, moment: Moment) -> State<'a> {
        State::fold(self.known(moment.end), moment.effective)
    }

    /// Whether a reference names this record.
    pub fn is_named_by(&self, reference: &str, names: &Names) -> bool {
        reference
            .strip_prefix(names.text(self.kind))
            .and_then(|rest| rest.strip_prefix('/'))
            == Some(self.key)
    }

    /// Every value that a field ever had, as far as it was read.
    pub fn ever<'s>(&'s self, field: &'s str) -> impl Iterator<Item = Value<'a>> + use<'a, 's> {
        let sets = self.entries.iter().flat_map(|entry| entry.sets.iter());
        sets.filter(move |(set, _)| *set == field)
            .filter_map(|(_, value)| *value)
    }
}
