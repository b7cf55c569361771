//! A round: somebody's day, from the first door to the last upload.

use shilu_model::{Command, Day, Deed, Origin, RecordName, Since, Timestamp, Visit};

use super::Task;
use crate::{
    calendar::{HOUR, LAST, SECOND, at, day_of, plus, seconds_into},
    random::{Random, mix},
    simulation::Simulation,
    spot::Spot,
    staff::ActorNo,
    town::Thing,
};

/// Somebody's day.
pub struct Round {
    /// Who.
    pub actor: ActorNo,
    name: String,
    device: String,
    day: Day,
    now: Timestamp,
    spot: Option<Spot>,
    at_desk: bool,
    uploads: Uploads,
    /// So that not all devices upload in the same second.
    offset: i64,
}

/// When a device uploads.
#[derive(Clone, Copy, Debug)]
enum Uploads {
    /// Every twenty minutes.
    Online,
    /// At noon and in the evening.
    TwiceADay,
    /// So many mornings later.
    Mornings(i32),
    /// At once.
    Desk,
}

/// When an entry was begun and entered, and where.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// When it was entered: since then the fact is known to hold.
    pub entered: Timestamp,
    /// As the device tells it; nothing from a desk.
    pub visit: Option<Visit>,
}

impl Round {
    /// Begins the day.
    pub fn begin(simulation: &mut Simulation, actor: ActorNo, first: Task) -> Self {
        let at_desk = matches!(
            first,
            Task::Register(_)
                | Task::Deregister(_)
                | Task::VoidTwin(_)
                | Task::Print(_)
                | Task::Frames
                | Task::Reframe(..)
                | Task::Extract(..)
        );
        let day = simulation.today;
        let village = simulation
            .town
            .buildings
            .at(simulation.town.buildings.id(simulation.stop(first)))
            .village;
        let online = simulation.town.habits(village).online;
        let random = &mut simulation.random;
        let uploads = match (at_desk, random.below(1_000)) {
            (true, _) => Uploads::Desk,
            (false, luck) if luck < online => Uploads::Online,
            (false, luck) if luck < online + (1_000 - online) / 2 => Uploads::TwiceADay,
            (false, luck) if luck < 988 => Uploads::Mornings(1),
            // A broken device, or no network for days.
            _ => Uploads::Mornings(i32::from(random.small(2, 6))),
        };
        let begins = if at_desk {
            9 * HOUR
        } else {
            8 * HOUR + random.between(300, 2_400)
        };
        let now = at(day, begins).plus_micros(random.between(0, 999) * 1_000);
        let offset = random.between(0, 240) * SECOND + random.between(0, 999_999);
        let one = simulation.staff.at_mut(actor);
        // Tablets break; the next one has a name of its own and counts from one.
        let breaks = !at_desk && one.seq > 700 && simulation.random.chance(4);
        if breaks {
            one.device = format!("{}b", one.device);
            one.seq = 0;
        }
        let (name, device) = (one.name.clone(), one.device.clone());
        Round {
            actor,
            name,
            device,
            day,
            now,
            spot: None,
            at_desk,
            uploads,
            offset,
        }
    }

    /// Whether the day is over.
    pub fn is_over(&self) -> bool {
        seconds_into(self.day, self.now) > 19 * HOUR + HOUR / 2
    }

    /// Goes somewhere, on an electric bicycle, with a break at noon.
    pub fn go(&mut self, spot: Spot, random: &mut Random) {
        let way = self.spot.map_or(0, |last| last.walk_m(spot));
        self.spot = Some(spot);
        self.pass(30 + way / 3 + random.between(0, 60));
        let (noon, after) = (11 * HOUR + 50 * 60, 13 * HOUR);
        if (noon..after).contains(&seconds_into(self.day, self.now)) {
            self.now = at(self.day, after).plus_micros(random.between(0, 900_000) * 1_000);
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_micros(seconds.max(0) * SECOND);
    }

    /// When what was entered at a time is recorded.
    fn recorded(&self, entered: Timestamp) -> Timestamp {
        let (day, offset) = (self.day, self.offset);
        let since = seconds_into(day, entered);
        match self.uploads {
            Uploads::Desk => entered,
            Uploads::Online => at(day, (since / 1_200 + 1) * 1_200).plus_micros(offset),
            Uploads::TwiceADay if since < 12 * HOUR => at(day, 12 * HOUR).plus_micros(offset),
            Uploads::TwiceADay => at(day, 21 * HOUR).plus_micros(offset),
            Uploads::Mornings(later) => at(plus(day, later), 8 * HOUR).plus_micros(offset),
        }
    }
}

impl Simulation {
    /// Makes an entry that takes between so many seconds.
    pub(super) fn entry(&mut self, round: &mut Round, from: i64, to: i64) -> Entry {
        let begun = round.now;
        let micros = self.random.between(from * 1_000, to * 1_000) * 1_000;
        round.now = round.now.plus_micros(micros);
        let entered = round.now;
        if round.at_desk {
            return Entry { entered, visit: None };
        }
        let actor = self.staff.at_mut(round.actor);
        actor.seq += 1;
        let seq = Some(actor.seq);
        let place = round.spot.and_then(|spot| spot.measured(&mut self.random));
        let visit = Some(Visit {
            begun: Some(begun),
            entered: Some(entered),
            seq,
            place,
        });
        Entry { entered, visit }
    }

    /// A command of an entry, effective when it was entered.
    pub(super) fn command(&mut self, round: &Round, entry: Entry, record: RecordName, deed: Deed) -> Command {
        Command {
            id: Some(self.fresh_id(entry.entered)),
            record,
            deed,
            actor: round.name.clone(),
            effective: Since::At(entry.entered),
            device: Some(round.device.clone()),
            reason: None,
            source: Origin::Field,
            visit: entry.visit,
            expected_version: None,
            cause: None,
            signature: None,
        }
    }

    /// Uploads a list, and notes when it is recorded for the things that it is about; returns that time.
    pub(super) fn send(&mut self, round: &Round, list: Vec<Command>, about: &[Thing]) -> Timestamp {
        let actor = self.staff.at_mut(round.actor);
        // A device uploads in the order of its entries, and the campaign ends on its last day.
        let uploaded = round.recorded(round.now).max(actor.uploaded);
        let uploaded = uploaded.min(at(LAST, 23 * HOUR));
        actor.uploaded = uploaded;
        let recorded = self.handed_over(uploaded);
        for thing in about {
            self.book[*thing].settled = day_of(recorded);
        }
        self.upload(recorded, list);
        recorded
    }

    /// The office's gateway hands over every five minutes what came in since, and takes a moment for it.
    fn handed_over(&self, uploaded: Timestamp) -> Timestamp {
        const PACE: i64 = 300 * SECOND;
        let turn = uploaded.micros() / PACE + 1;
        let moment = mix(&[self.town.seed, 5, turn.unsigned_abs()]) % 4_000_000;
        Timestamp::from_micros(turn * PACE).plus_micros(i64::try_from(moment).unwrap_or(0))
    }
}
