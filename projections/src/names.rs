//! Names: every kind, field, actor and area once, under a number. The other projections keep numbers.

use std::io;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

use crate::bytes::{Loader, Saver, malformed};

/// The number of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub(crate) u32);

impl Name {
    /// The empty name: no area, no actor.
    pub const NONE: Name = Name(0);
}

/// All names, in the order in which the log first used them.
#[derive(Clone, Debug)]
pub struct Names {
    texts: Vec<Box<str>>,
    index: HashTable<u32>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names {
            texts: Vec::new(),
            index: HashTable::new(),
        };
        names.intern("");
        names
    }
}

impl Names {
    /// The number of a name, given now if it is new.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.find(text) {
            return name;
        }
        let number =
            u32::try_from(self.texts.len()).expect("a log of fewer than 2^32 events has fewer names");
        self.texts.push(text.into());
        let texts = &self.texts;
        let hash = |number: &u32| texts.get(index(*number)).map_or(0, |text| hash(text));
        self.index.insert_unique(self::hash(text), number, hash);
        Name(number)
    }

    /// The number of a name that the log has used.
    pub fn find(&self, text: &str) -> Option<Name> {
        let same = |number: &u32| {
            self.texts
                .get(index(*number))
                .is_some_and(|known| **known == *text)
        };
        self.index.find(hash(text), same).map(|number| Name(*number))
    }

    /// The text of a name.
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(index(name.0)).map_or("", |text| text)
    }

    pub(crate) fn save(&self, saver: &mut Saver<'_>) -> io::Result<()> {
        saver.count(self.texts.len())?;
        self.texts
            .iter()
            .try_for_each(|text| saver.bytes(text.as_bytes()))
    }

    pub(crate) fn load(loader: &mut Loader<'_>) -> io::Result<Self> {
        let mut names = Names {
            texts: Vec::new(),
            index: HashTable::new(),
        };
        for number in 0..loader.number_u32()? {
            let text = String::from_utf8(loader.bytes()?).map_err(|_| malformed())?;
            if names.intern(&text) != Name(number) {
                return Err(malformed());
            }
        }
        if names.find("") == Some(Name::NONE) {
            Ok(names)
        } else {
            Err(malformed())
        }
    }
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}

/// An index from a number that was once a length.
pub(crate) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
