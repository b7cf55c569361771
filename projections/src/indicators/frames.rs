//! Frames: who said when what ought to be there. A denominator has an author.
//!
//! The first frame of an area is what stood at the end of the day on which the first of its frames was recorded: made
//! later, also under another key, nothing belongs to it.

use std::{collections::BTreeMap, io};

use shilu_model::{Day, EXTRACT_KIND, EXTRACT_SYSTEM, Event, FRAME_KIND, FRAME_WHAT, Position, State, Value};

use crate::{
    bytes::{Loader, Saver, malformed},
    names::{Name, Names},
};

/// The events on frames: count frames by what they count, lists by their system; each by area.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames(BTreeMap<String, BTreeMap<Name, Versions>>);

/// The events on a frame of one area.
#[derive(Clone, Debug)]
struct Versions {
    /// Positions and actors.
    events: Vec<(Position, Name)>,
    /// The day on which the first was recorded.
    first_day: Day,
    /// The position after the last one that was recorded on that day.
    first_end: Position,
}

/// A frame as it stands at some position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameVersion {
    /// How many events have made it, from 1.
    pub version: u64,
    /// Where the last of them stands.
    pub position: Position,
    /// Who made the last of them.
    pub author: String,
}

impl Frames {
    /// Notes an event on a record of a frame or list, in the area and the state in which it left the record.
    pub fn note(
        &mut self,
        event: &Event<'_>,
        (area, state): (Name, &State<'_>),
        recorded: Day,
        names: &Names,
    ) {
        let (prefix, field) = match event.kind {
            FRAME_KIND => (FRAME_KIND, FRAME_WHAT),
            EXTRACT_KIND => (EXTRACT_KIND, EXTRACT_SYSTEM),
            _ => return,
        };
        let Some(Value::Text(what)) = state.value(field) else {
            return;
        };
        let versions = self
            .0
            .entry(format!("{prefix}/{what}"))
            .or_default()
            .entry(area)
            .or_insert_with(|| Versions {
                events: Vec::new(),
                first_day: recorded,
                first_end: event.position,
            });
        if versions.first_day == recorded {
            versions.first_end = event.position.next();
        }
        let actor = names.find(event.actor).unwrap_or(Name::NONE);
        versions.events.push((event.position, actor));
    }

    /// Before which position the first count frame of an area is known: the beginning where it has none.
    pub fn first_end(&self, what: &str, area: Name) -> Position {
        let areas = self.0.get(&format!("{FRAME_KIND}/{what}"));
        let versions = areas.and_then(|areas| areas.get(&area));
        versions.map_or(Position::new(0), |versions| versions.first_end)
    }

    /// A count frame of areas, as it stands before a position.
    pub fn count(&self, what: &str, areas: &[Name], end: Position, names: &Names) -> Option<FrameVersion> {
        self.at(&format!("{FRAME_KIND}/{what}"), areas, end, names)
    }

    /// A list of areas, as it stands before a position.
    pub fn list(&self, system: &str, areas: &[Name], end: Position, names: &Names) -> Option<FrameVersion> {
        self.at(&format!("{EXTRACT_KIND}/{system}"), areas, end, names)
    }

    fn at(&self, frame: &str, areas: &[Name], end: Position, names: &Names) -> Option<FrameVersion> {
        let of_frame = self.0.get(frame)?;
        let (mut version, mut newest) = (0, None);
        for Versions { events, .. } in areas.iter().filter_map(|area| of_frame.get(area)) {
            let known = events.partition_point(|(position, _)| *position < end);
            let last = known.checked_sub(1).and_then(|last| events.get(last)).copied();
            version += u64::try_from(known).unwrap_or(u64::MAX);
            newest = newest.max(last);
        }
        newest.map(|(position, author)| FrameVersion {
            version,
            position,
            author: names.text(author).to_owned(),
        })
    }

    pub fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.count(self.0.len())?;
        for (frame, areas) in &self.0 {
            saver.bytes(frame.as_bytes())?;
            saver.count(areas.len())?;
            for (area, versions) in areas {
                saver.number(u64::from(area.0))?;
                saver.signed(i64::from(versions.first_day.number()))?;
                saver.number(versions.first_end.get())?;
                saver.count(versions.events.len())?;
                for (position, actor) in &versions.events {
                    saver.number(position.get())?;
                    saver.number(u64::from(actor.0))?;
                }
            }
        }
        Ok(())
    }

    pub fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut frames = Frames::default();
        for _ in 0..loader.count()? {
            let frame = String::from_utf8(loader.bytes()?).map_err(|_| malformed())?;
            let areas = frames.0.entry(frame).or_default();
            for _ in 0..loader.count()? {
                let area = Name(loader.number_u32()?);
                let day = i32::try_from(loader.signed()?).map_err(|_| malformed())?;
                let mut versions = Versions {
                    first_day: Day::from_number(day),
                    first_end: Position::new(loader.number()?),
                    events: Vec::new(),
                };
                for _ in 0..loader.count()? {
                    let event = (Position::new(loader.number()?), Name(loader.number_u32()?));
                    versions.events.push(event);
                }
                areas.insert(area, versions);
            }
        }
        Ok(frames)
    }
}
