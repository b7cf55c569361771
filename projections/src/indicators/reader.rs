//! The reader: records as an evaluation sees them, each read once however many indicators look at it.

use std::{
    cell::{OnceCell, RefCell},
    ops::Deref,
    rc::Rc,
};

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
    /// Which records references name, by where their texts lie: these stay where they are as long as the records are read.
    named: RefCell<FxHashMap<(usize, usize), Option<Slot>>>,
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
    /// What it is at the pairs of times that were asked for.
    told: RefCell<Vec<Rc<Told<'a>>>>,
    /// Who ever referred to it, by the link that was asked for.
    referrers: RefCell<Vec<(Link, Rc<[Slot]>)>>,
}

/// What a record is at pairs of times that see the same of its entries.
pub(crate) struct Told<'a> {
    /// How many entries are known, and how many of these have taken effect.
    seen: (usize, usize),
    state: State<'a>,
    place: OnceCell<(Name, Name)>,
}

impl<'a> Deref for Told<'a> {
    type Target = State<'a>;

    fn deref(&self) -> &State<'a> {
        &self.state
    }
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
            named: RefCell::default(),
        }
    }

    pub fn into_calendar(self) -> Calendar {
        self.calendar.into_inner()
    }

    /// Forgets what was read: for questions about many records, one after the other.
    pub fn forget(&self) {
        self.subjects.borrow_mut().clear();
        self.named.borrow_mut().clear();
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
        let mut subject = self.unread(slot);
        let wanted = self.plan.wanted(subject.kind);
        self.records
            .read(slot, self.end, wanted, self.names, |entry, site| {
                subject.entries.push(entry);
                subject.sites.push(site);
            });
        let subject = Rc::new(subject);
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
            told: RefCell::default(),
            referrers: RefCell::default(),
        }
    }

    /// The record of a name, if the log has one.
    pub fn named(&self, name: &'a str) -> Option<Rc<Subject<'a>>> {
        let place = (name.as_ptr().addr(), name.len());
        let known = self.named.borrow().get(&place).copied();
        let slot = known.unwrap_or_else(|| {
            let found = name.split_once('/').and_then(|(kind, key)| {
                let kind = self.plan.kind(kind)?;
                self.records.find(kind, key)
            });
            self.named.borrow_mut().insert(place, found);
            found
        });
        slot.map(|slot| self.subject(slot))
    }

    /// The record of a kind with a key.
    pub fn keyed(&self, kind: &str, key: &str) -> Option<Rc<Subject<'a>>> {
        let slot = self.records.find(self.plan.kind(kind)?, key)?;
        Some(self.subject(slot))
    }

    /// Records that ever referred to a record in a field, and perhaps some others.
    pub fn referring(&self, subject: &Subject<'a>, kind: &str, field: &str) -> Rc<[Slot]> {
        let Some((kind, field)) = self.plan.kind(kind).zip(self.names.find(field)) else {
            return Rc::from([]);
        };
        let link = Link { kind, field };
        if let Some((_, slots)) = subject
            .referrers
            .borrow()
            .iter()
            .find(|(known, _)| *known == link)
        {
            return Rc::clone(slots);
        }
        let name = format!("{}/{}", self.names.text(subject.kind), subject.key);
        let slots: Rc<[Slot]> = self.links.of(link, &name).collect();
        subject.referrers.borrow_mut().push((link, Rc::clone(&slots)));
        slots
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

    /// The area and the first collector of a record; the field is the one of its kind.
    pub fn place(&self, told: &Told<'_>, area_field: Option<&str>) -> (Name, Name) {
        *told.place.get_or_init(|| {
            let name = |text: &str| self.names.find(text).unwrap_or(Name::NONE);
            let actor = told.collector.map_or(Name::NONE, name);
            (name(told.area(area_field)), actor)
        })
    }
}

impl<'a> Subject<'a> {
    /// The entries that are known before a position.
    pub fn known(&self, end: Position) -> &[Entry<'a>] {
        let known = self.entries.partition_point(|entry| entry.position < end);
        self.entries.get(..known).unwrap_or_default()
    }

    /// What it is at a pair of times.
    pub fn state(&self, moment: Moment) -> Rc<Told<'a>> {
        let known = self.known(moment.end);
        let in_effect = known.iter().filter(|entry| entry.effective <= moment.effective);
        // The fold depends on which entries it sees, and both numbers together say that.
        let seen = (known.len(), in_effect.count());
        let mut told = self.told.borrow_mut();
        if let Some(told) = told.iter().rfind(|told| told.seen == seen) {
            return Rc::clone(told);
        }
        let fresh = Rc::new(Told {
            seen,
            state: State::fold(known, moment.effective),
            place: OnceCell::new(),
        });
        told.push(Rc::clone(&fresh));
        fresh
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
