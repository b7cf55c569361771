//! Changes: who changed what, as bitmaps of positions per actor, action, kind, area, field, device and source.

use std::{collections::BTreeSet, io};

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use shilu_model::{Event, Position, Source};

use crate::bytes::{Loader, Saver, malformed};

/// What events can be looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Who acted.
    Actor,
    /// What was done.
    Action,
    /// The record's kind.
    Kind,
    /// The record's area.
    Area,
    /// A stated field.
    Field,
    /// The device.
    Device,
    /// How it came in: `field`, `system`, `import`, or a file's SHA-256 in hexadecimal.
    Source,
}

const DIMENSIONS: [Dimension; 7] = [
    Dimension::Actor,
    Dimension::Action,
    Dimension::Kind,
    Dimension::Area,
    Dimension::Field,
    Dimension::Device,
    Dimension::Source,
];

/// Per value, the segments that have a position, oldest first.
type Column = FxHashMap<Box<str>, Vec<(u32, RoaringBitmap)>>;

/// A segment is one container of a roaring bitmap: 2^16 positions.
const SEGMENT_BITS: u32 = 16;

/// The bitmaps of all events.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    columns: [Column; DIMENSIONS.len()],
    /// The file that the last event came from, in hexadecimal: neighbours mostly share one.
    last_file: Option<([u8; 32], String)>,
}

impl Changes {
    /// Adds an event.
    pub fn apply(&mut self, event: &Event<'_>) {
        // Positions beyond are refused by the log (`Position::LIMIT`).
        let position = u32::try_from(event.position.get()).unwrap_or(u32::MAX);
        let columns = &mut self.columns;
        let mut add = |dimension, text: &str| add(columns, dimension, text, position);
        add(Dimension::Actor, event.actor);
        add(Dimension::Action, event.action.word());
        if !event.is_administrative() {
            add(Dimension::Kind, event.kind);
        }
        if !event.area.is_empty() {
            add(Dimension::Area, event.area);
        }
        event
            .changes
            .iter()
            .for_each(|change| add(Dimension::Field, change.field));
        event
            .observed
            .iter()
            .for_each(|observed| add(Dimension::Field, observed.field));
        if let Some(device) = event.device {
            add(Dimension::Device, device);
        }
        match event.source {
            Source::Field => add(Dimension::Source, "field"),
            Source::System => add(Dimension::Source, "system"),
            Source::Import { sha256, .. } => {
                add(Dimension::Source, "import");
                let (_, file) = match &mut self.last_file {
                    Some(last) if last.0 == sha256 => last,
                    last => last.insert((sha256, hexadecimal(&sha256))),
                };
                add(Dimension::Source, file);
            }
        }
    }

    /// The newest positions in `from..to` that match every filter, at most `limit`, newest first. A filter takes what
    /// has any of its values: an area is asked for with those below it.
    ///
    /// Goes segment by segment from the newest and stops when the page is full.
    pub fn newest(
        &self,
        filters: &[(Dimension, Vec<&str>)],
        from: Position,
        to: Position,
        limit: usize,
    ) -> Vec<Position> {
        let mut page = Vec::new();
        let Some(last) = to
            .get()
            .min(Position::LIMIT.get())
            .checked_sub(1)
            .and_then(|last| u32::try_from(last).ok())
        else {
            return page;
        };
        let first = u32::try_from(from.get()).unwrap_or(u32::MAX);
        let filters = filters.iter();
        let mut filters: Vec<_> = filters
            .map(|(dimension, values)| AnyOf::new(self.column(*dimension), values))
            .collect();
        // The filter with the fewest segments leads; the others are asked for the segments that it has.
        filters.sort_by_key(AnyOf::len);
        let Some((lead, others)) = filters.split_first() else {
            page.extend(
                (first..=last)
                    .rev()
                    .take(limit)
                    .map(|position| Position::new(position.into())),
            );
            return page;
        };
        for segment in lead.segments().into_iter().rev() {
            if segment > last >> SEGMENT_BITS {
                continue;
            }
            if segment < first >> SEGMENT_BITS || page.len() >= limit {
                break;
            }
            let mut common = lead.segment(segment);
            others.iter().for_each(|other| common &= other.segment(segment));
            let in_range = common
                .into_iter()
                .rev()
                .filter(|position| (first..=last).contains(position));
            page.extend(
                in_range
                    .take(limit - page.len())
                    .map(|position| Position::new(position.into())),
            );
        }
        page
    }

    fn column(&self, dimension: Dimension) -> &Column {
        self.columns
            .get(place(dimension))
            .expect("there is a column for every dimension")
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for column in &self.columns {
            let mut sorted: Vec<_> = column.iter().collect();
            sorted.sort_unstable_by_key(|(text, _)| *text);
            saver.count(sorted.len())?;
            for (text, segments) in sorted {
                saver.bytes(text.as_bytes())?;
                saver.count(segments.len())?;
                for (segment, bitmap) in segments {
                    bytes.clear();
                    bitmap.serialize_into(&mut bytes)?;
                    saver.number(u64::from(*segment))?;
                    saver.bytes(&bytes)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut changes = Changes::default();
        for column in &mut changes.columns {
            for _ in 0..loader.count()? {
                let text = String::from_utf8(loader.bytes()?).map_err(|_| malformed())?;
                let mut segments = Vec::new();
                for _ in 0..loader.count()? {
                    let segment = loader.number_u32()?;
                    segments.push((segment, RoaringBitmap::deserialize_from(&*loader.bytes()?)?));
                }
                column.insert(text.into(), segments);
            }
        }
        Ok(changes)
    }
}

/// One filter: the segments of each of its values.
struct AnyOf<'c>(Vec<&'c [(u32, RoaringBitmap)]>);

impl<'c> AnyOf<'c> {
    fn new(column: &'c Column, values: &[&str]) -> Self {
        let values = values.iter().filter_map(|value| column.get(*value));
        AnyOf(values.map(Vec::as_slice).collect())
    }

    fn len(&self) -> usize {
        self.0.iter().map(|segments| segments.len()).sum()
    }

    /// The segments that any value has.
    fn segments(&self) -> BTreeSet<u32> {
        self.0
            .iter()
            .flat_map(|segments| segments.iter().map(|(segment, _)| *segment))
            .collect()
    }

    /// The positions of one segment that have any of the values.
    fn segment(&self, segment: u32) -> RoaringBitmap {
        let mut union = RoaringBitmap::new();
        for segments in &self.0 {
            let place = segments.binary_search_by_key(&segment, |(number, _)| *number);
            if let Some((_, bitmap)) = place.ok().and_then(|place| segments.get(place)) {
                union |= bitmap;
            }
        }
        union
    }
}

fn add(columns: &mut [Column; DIMENSIONS.len()], dimension: Dimension, text: &str, position: u32) {
    let column = columns
        .get_mut(place(dimension))
        .expect("there is a column for every dimension");
    let segment = position >> SEGMENT_BITS;
    let segments = match column.get_mut(text) {
        Some(segments) => segments,
        None => column.entry(text.into()).or_default(),
    };
    match segments.last_mut() {
        Some((last, bitmap)) if *last == segment => {
            bitmap.insert(position);
        }
        _ => segments.push((segment, RoaringBitmap::from_iter([position]))),
    }
}

/// The column of a dimension. Saved: never renumber without a new version of the projection.
fn place(dimension: Dimension) -> usize {
    DIMENSIONS
        .iter()
        .position(|other| *other == dimension)
        .unwrap_or(usize::MAX)
}

/// Lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)])
        .collect()
}
