//! The simulation: one day after the other, each task by whoever it belongs to, and what comes out of it in the order
//! in which the register takes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shilu_model::{Command, Day, EventId, Timestamp};

use crate::{
    book::Book,
    calendar::{FIRST, LAST, at, plus},
    links::Links,
    options::Options,
    random::{Random, mix},
    staff::{ActorNo, Staff},
    table::{Id, Table},
    town::{Building, Thing, Town, VillageNo},
    truth::Truth,
    work::{Plate, Task},
};

/// A campaign being simulated: an iterator over the lists that a register takes.
pub struct Simulation {
    pub(crate) town: Arc<Town>,
    pub(crate) truth: Truth,
    pub(crate) staff: Staff,
    pub(crate) book: Book,
    pub(crate) plates: Table<Plate>,
    /// What has a plate, or will have.
    pub(crate) plated: BTreeSet<Thing>,
    /// What each village's frames say, in the order of what they count.
    pub(crate) frames: Vec<[u32; 5]>,
    pub(crate) random: Random,
    ids: Random,
    /// The tasks of each day of the campaign.
    agenda: Vec<Vec<Task>>,
    /// What was uploaded and not handed out, in the order of recorded time.
    outbox: BTreeMap<(Timestamp, u64), Vec<Command>>,
    uploads: u64,
    links: Links,
    pub(crate) today: Day,
}

/// An atomic list, and when the register takes it. Lists that were uploaded together have the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The recorded time.
    pub recorded: Timestamp,
    /// The commands.
    pub list: Vec<Command>,
}

impl Simulation {
    /// Founds the township and plans the campaign.
    pub fn new(options: Options) -> Self {
        let town = Arc::new(Town::found(options.seed, options.scale));
        let days = usize::try_from(LAST.number() - FIRST.number() + 1).unwrap_or(0);
        let mut simulation = Simulation {
            truth: Truth::of(Arc::clone(&town)),
            staff: Staff::hire(options.scale),
            book: Book::new(&town),
            plates: Table::new(),
            plated: BTreeSet::new(),
            frames: Vec::new(),
            random: Random::new(options.seed, 3),
            ids: Random::new(options.seed, 4),
            agenda: (0..days).map(|_| Vec::new()).collect(),
            outbox: BTreeMap::new(),
            uploads: 0,
            links: Links::default(),
            today: FIRST,
            town,
        };
        simulation.plan();
        simulation
    }

    /// What is really so.
    pub fn truth(&self) -> Truth {
        self.truth.clone()
    }

    /// What it is made from.
    pub fn seed(&self) -> u64 {
        self.town.seed
    }

    /// How many people do the work.
    pub fn actors(&self) -> usize {
        self.staff.len()
    }

    /// When the register should be made: before anything else.
    pub fn begins(&self) -> Timestamp {
        at(FIRST, 0)
    }

    /// How many days of the campaign are done, and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        let days = |number: i32| u64::try_from(number).unwrap_or(0);
        (
            days(self.today.number() - FIRST.number()),
            days(LAST.number() - FIRST.number() + 1),
        )
    }

    /// Puts a task on a day's agenda, today at the earliest; after the campaign's end nothing is done.
    pub(crate) fn plan_for(&mut self, day: Day, task: Task) {
        let day = day.max(self.today).number() - FIRST.number();
        if let Some(tasks) = usize::try_from(day).ok().and_then(|day| self.agenda.get_mut(day)) {
            tasks.push(task);
        }
    }

    /// The same, some days from now.
    pub(crate) fn plan_in(&mut self, from: i64, to: i64, task: Task) {
        let days = i32::try_from(self.random.between(from, to)).unwrap_or(0);
        self.plan_for(plus(self.today, days), task);
    }

    /// Whether a thing's last event is recorded by now. If not, the task waits until it is.
    pub(crate) fn is_settled(&mut self, thing: Thing, task: Task) -> bool {
        let settled = self.book[thing].settled;
        if settled >= self.today {
            self.plan_for(plus(settled, 1), task);
        }
        settled < self.today
    }

    /// Hands a list over for its recorded time.
    pub(crate) fn upload(&mut self, recorded: Timestamp, list: Vec<Command>) {
        if !list.is_empty() {
            self.uploads += 1;
            self.outbox.insert((recorded, self.uploads), list);
        }
    }

    /// An event's name, as a device makes it: UUIDv7 of its time.
    pub(crate) fn fresh_id(&mut self, time: Timestamp) -> EventId {
        let millis = u128::from(u64::try_from(time.micros() / 1_000).unwrap_or(0));
        let (high, low) = (u128::from(self.ids.next()), u128::from(self.ids.next()));
        // RFC 9562 §5.7: 48 bits of milliseconds, version 7, 12 random bits, variant 10, 62 random bits.
        let bits = millis << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0b10 << 62 | (low >> 2);
        EventId::from_bytes(bits.to_be_bytes())
    }

    /// How far on a walk through its village a building lies, in thousandths.
    pub(crate) fn part(&self, building: Id<Building>) -> u64 {
        let village = self.town.buildings.at(building).village;
        let first = |place: usize| self.town.starts.get(place).map(|starts| starts.building.number());
        let from = first(village.index()).unwrap_or(0);
        let to = first(village.index() + 1).unwrap_or(self.town.buildings.next().number());
        u64::from(building.number() - from) * 1_000 / u64::from((to - from).max(1))
    }

    /// How far on the walk of its collector it lies, in thousandths.
    pub(crate) fn part_of_beat(&self, building: Id<Building>) -> u64 {
        let village = self.town.buildings.at(building).village;
        let team = u64::try_from(self.staff.team(village)).unwrap_or(1);
        self.part(building) * team % 1_000
    }

    /// A number of its own for a thing and a purpose.
    pub(crate) fn luck(&self, purpose: u64, number: u32) -> u64 {
        mix(&[self.town.seed, purpose, number.into()]) % 1_000
    }

    fn day(&mut self) {
        let place = usize::try_from(self.today.number() - FIRST.number()).unwrap_or(0);
        let tasks = self.agenda.get_mut(place).map(std::mem::take).unwrap_or_default();
        let mut rounds: BTreeMap<ActorNo, Vec<Task>> = BTreeMap::new();
        for task in tasks {
            rounds.entry(self.actor(task)).or_default().push(task);
        }
        for (actor, mut tasks) in rounds {
            // Along the walk; at one place in the order in which they came up.
            tasks.sort_by_key(|task| self.stop(*task));
            self.round(actor, tasks);
        }
    }

    /// Every village.
    pub(crate) fn villages(&self) -> impl Iterator<Item = VillageNo> + use<> {
        VillageNo::all()
    }
}

impl Iterator for Simulation {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        // What a coming day brings is recorded on that day or later.
        while self.today <= LAST {
            let ready = self
                .outbox
                .first_key_value()
                .is_some_and(|((recorded, _), _)| *recorded < at(self.today, 0));
            if ready {
                break;
            }
            self.day();
            self.today = plus(self.today, 1);
        }
        loop {
            let ((recorded, _), list) = self.outbox.pop_first()?;
            let list = self.links.made(list);
            if !list.is_empty() {
                return Some(Batch { recorded, list });
            }
        }
    }
}
