//! What can be asked, and the shape of the answers. Each answer is exact for the (effective, recorded) pair it names.

use shilu_model::{Action, Event, OwnedValue, Position, RecordName, Status, Target, Timestamp, decode};
use shilu_projections::FrameVersion;
use shilu_sampling::{State, Total};

/// Up to which knowledge an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// All that is known now.
    Now,
    /// What was recorded up to and including an instant.
    Time(Timestamp),
    /// What was recorded up to and including a position.
    Position(Position),
}

/// A resolved (effective, recorded) pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// E: facts that took effect up to and including this instant.
    pub effective: Timestamp,
    /// K as an instant.
    pub known: Timestamp,
    /// K as a position: the first one that is left out.
    pub known_end: Position,
    /// Whether it was asked as of now.
    pub now: bool,
}

/// A stored event, as its bytes.
#[derive(Clone, Debug)]
pub struct StoredEvent(pub(crate) Vec<u8>);

impl StoredEvent {
    /// The event.
    pub fn event(&self) -> Event<'_> {
        decode(&self.0).expect("the bytes were checked to be an event when they were read")
    }

    /// The bytes as stored.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One record at one (effective, recorded) pair.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordView {
    /// Its name.
    pub name: RecordName,
    /// Its area; empty where there is none.
    pub area: String,
    /// Its status.
    pub status: Status,
    /// How many events it has, as known at K.
    pub version: u32,
    /// The fields that have a value, the key's included, in the campaign's order.
    pub fields: Vec<(String, OwnedValue)>,
}

/// Which records to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this area, and those below it as known at K.
    pub area: Option<String>,
    /// Only this status; without it, all but those that were merely found by a check.
    pub status: Option<Status>,
    /// Without a status: those that were merely found by a check too.
    pub found_too: bool,
    /// Only records whose key or a text value contains this.
    pub text: Option<String>,
    /// As of when.
    pub at: At,
    /// Only records after this one, by kind in the campaign's order, then by key.
    pub after: Option<RecordName>,
    /// At most so many.
    pub limit: usize,
}

/// Counts or rates, and the pair of times for which they are exact.
#[derive(Clone, Debug)]
pub struct Figures<T> {
    /// The figures.
    pub items: Vec<T>,
    /// Asked as of now, the answer is as of the moment in which it was given.
    pub at: At,
}

/// A page of an answer.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<C>,
}

/// The event that set a field.
#[derive(Clone, Debug)]
pub struct Blame {
    /// The field's id.
    pub field: String,
    /// The value; `None` where it was cleared.
    pub value: Option<OwnedValue>,
    /// The event.
    pub event: StoredEvent,
}

/// Which events to list, newest first. Every filter that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct ChangesQuery {
    /// By this actor.
    pub actor: Option<String>,
    /// This action.
    pub action: Option<Action>,
    /// On records of this kind.
    pub kind: Option<String>,
    /// In this area, or one below it as known at the end of what is asked about.
    pub area: Option<String>,
    /// That state this field.
    pub field: Option<String>,
    /// On this record.
    pub record: Option<RecordName>,
    /// With this device.
    pub device: Option<String>,
    /// From `field`, `system`, `import`, or a file by its SHA-256 in hexadecimal.
    pub source: Option<String>,
    /// Recorded at this instant or later.
    pub from: Option<Timestamp>,
    /// Recorded at this instant or earlier.
    pub to: Option<Timestamp>,
    /// Only events before this position.
    pub before: Option<Position>,
    /// At most so many.
    pub limit: usize,
}

/// Which differences to list.
#[derive(Clone, Debug)]
pub struct DiffQuery {
    /// The earlier pair.
    pub from: At,
    /// The later pair.
    pub to: At,
    /// Only this area and those below it, before or after: each by what was known at its own pair.
    pub area: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only records after this one.
    pub after: Option<RecordName>,
    /// At most so many.
    pub limit: usize,
}

/// How one record differs between two pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct DiffItem {
    /// The record.
    pub name: RecordName,
    /// Its status before and after.
    pub status: (Status, Status),
    /// The fields that differ: id, value before, value after.
    pub changes: Vec<(String, Option<OwnedValue>, Option<OwnedValue>)>,
}

/// How counts and rates are split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Not at all.
    #[default]
    Whole,
    /// By the record's area.
    Area,
    /// By the record's first collector.
    Actor,
}

/// Which counts or rates to give.
#[derive(Clone, Debug)]
pub struct FigureQuery {
    /// As of when.
    pub at: At,
    /// How they are split.
    pub by: By,
    /// Only records of this area.
    pub area: Option<String>,
}

/// How many records there are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// Of this kind.
    pub kind: String,
    /// With this status.
    pub status: Status,
    /// In this area, if split by area or asked for one.
    pub area: Option<String>,
    /// First collected by this actor, if split by actor.
    pub actor: Option<String>,
    /// So many.
    pub count: u64,
}

/// One indicator.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Its id, such as `street.register-share`.
    pub indicator: String,
    /// Its title in English and Chinese.
    pub title: (String, String),
    /// In this area and all below it, if split by area or asked for one.
    pub area: Option<String>,
    /// First collected by this actor, if split by actor.
    pub actor: Option<String>,
    /// What was counted.
    pub share: Share,
    /// From the least value that is possible to the greatest: unknowns as wrong and as right, and what a sample leaves open.
    pub bounds: Option<(f64, f64)>,
    /// How many cases there are: records, rows, or what a frame expects; never a sample's size.
    pub population: u64,
    /// Which target it is compared with: the last one that is due or, before any is, the next.
    pub target: Option<Target>,
    /// Whether the end of the target's day has passed at the effective time.
    pub due: bool,
    /// How it stands to the target. Without one, only whether there is anything to count.
    pub state: Option<State>,
    /// The same at the target's deadline as known then, if that has passed.
    pub at_deadline: Option<AtDeadline>,
    /// Where the denominator comes from.
    pub frame: Option<FrameVersion>,
    /// Numerator and denominator on the first frame.
    pub first_frame: Option<Share>,
    /// Cases beyond what the frame expects, area by area: they count nowhere.
    pub excess: u64,
    /// Records that were in scope on an earlier day and are no more.
    pub left_scope: u64,
    /// The sample behind it, where it rests on one.
    pub sample: Option<Behind>,
}

/// A rate beside the same at another pair of times.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedRate {
    /// The rate.
    pub rate: Rate,
    /// What was counted at the other pair; `None` where the campaign known there does not ask it, or nothing was there.
    pub from: Option<Share>,
}

/// The sample behind a rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Behind {
    /// The newest one that counts; `None` while none does.
    pub id: Option<String>,
    /// How many were announced for the indicator that concern the area, drawn or not: whoever draws until it passes is seen.
    pub draws: usize,
    /// Whether it was announced before the deadline and completed in time.
    pub in_time: bool,
    /// Whether whoever keeps the register could have steered it.
    pub steerable: bool,
    /// Records found gone, where they have a column of their own.
    pub aside: u64,
    /// Of the coverage: how many there are at the drawn places, estimated from both lists.
    pub total: Option<Total>,
}

/// A numerator and a denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// The cases that count.
    pub numerator: u64,
    /// All cases but the unknown ones.
    pub denominator: u64,
    /// Cases of which nobody can say.
    pub unknown: u64,
    /// The value; `None` for a denominator of 0.
    pub value: Option<f64>,
    /// The two-sided 95 % interval, where the value rests on a sample or on checks.
    pub interval: Option<(f64, f64)>,
}

/// An indicator as it was known at a deadline.
#[derive(Clone, Debug, PartialEq)]
pub struct AtDeadline {
    /// What was counted then.
    pub share: Share,
    /// The target that the campaign known then had for the day.
    pub target: Option<Target>,
    /// How the one stood to the other.
    pub state: Option<State>,
}
