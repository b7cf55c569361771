//! `[[areas]]`: which areas there are, when, and which of them lies in which.

use std::{collections::BTreeMap, iter::successors};

use super::{
    check::{Checked, day, wrong},
    file::AreaFile,
    kinds::Title,
};
use crate::{command::NAME_BYTES_MAX, time::Day};

/// Most areas of a campaign; the file's size would not hold many more.
const AREAS_MAX: usize = 10_000;
/// Most areas above an area: a country has six levels down to the village, and a village may have some of its own.
const ABOVE_MAX: usize = 15;

/// An area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its id, such as a division code. Its prefix proves nothing.
    pub id: String,
    /// Its title.
    pub title: Title,
    /// The area that it lies in; the root has none.
    pub parent: Option<String>,
    /// The first day on which it is there.
    pub from: Day,
    /// The first day on which it is no longer there.
    pub until: Option<Day>,
}

impl Area {
    /// Whether it is there on a day.
    pub fn is_in_force(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

/// The areas of a campaign: at most one root, no cycle, each within its parent's time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    areas: Vec<Area>,
    place_of: BTreeMap<String, usize>,
}

impl Areas {
    /// Whether the campaign declares none: then any area is taken.
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }

    /// All areas, in the file's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Area> {
        self.areas.iter()
    }

    /// An area by its id.
    pub fn get(&self, id: &str) -> Option<&Area> {
        self.areas.get(*self.place_of.get(id)?)
    }

    /// An area, the one that it lies in, and so on to the root. Empty for an area that is not declared.
    pub fn chain(&self, id: &str) -> impl Iterator<Item = &Area> {
        successors(self.get(id), |area| self.get(area.parent.as_deref()?))
    }

    /// The areas that lie directly in an area, in the file's order.
    pub fn children(&self, id: &str) -> impl Iterator<Item = &Area> {
        self.iter().filter(move |area| area.parent.as_deref() == Some(id))
    }

    /// The areas in which no other one lies, in the file's order.
    pub fn leaves(&self) -> impl Iterator<Item = &Area> {
        let parents: std::collections::BTreeSet<_> =
            self.iter().filter_map(|area| area.parent.as_deref()).collect();
        self.iter()
            .filter(move |area| !parents.contains(area.id.as_str()))
    }

    /// Whether another area lies in an area on a day.
    pub fn is_divided_on(&self, id: &str, day: Day) -> bool {
        self.children(id).any(|child| child.is_in_force(day))
    }

    /// The areas that are there on a day and in which no other one then lies, in the file's order.
    pub fn leaves_on(&self, day: Day) -> impl Iterator<Item = &Area> {
        self.iter()
            .filter(move |area| area.is_in_force(day) && !self.is_divided_on(&area.id, day))
    }

    /// Whether what is counted in one area is counted in another too: they are the same, or one lies in the other at
    /// some depth.
    pub fn rolls_up_to(&self, id: &str, other: &str) -> bool {
        self.chain(id).any(|area| area.id == other)
    }

    /// Whether an area may be named for a fact of a day. Without declared areas, each may.
    pub fn takes(&self, id: &str, day: Day) -> bool {
        self.is_empty() || self.get(id).is_some_and(|area| area.is_in_force(day))
    }

    pub(super) fn check(files: &[AreaFile]) -> Checked<Self> {
        let mut areas = Areas::default();
        let mut root: Option<&str> = None;
        for (place, file) in files.iter().enumerate() {
            let area = file.check()?;
            if place == AREAS_MAX {
                return wrong(&file.id, format!("a campaign has at most {AREAS_MAX} areas"));
            }
            if area.parent.is_none()
                && let Some(root) = root.replace(file.id.get_ref())
            {
                let problem = format!("{root:?} has no parent already; there is one root");
                return wrong(&file.id, problem);
            }
            if areas.place_of.insert(area.id.clone(), place).is_some() {
                return wrong(&file.id, format!("there is already an area {:?}", area.id));
            }
            areas.areas.push(area);
        }
        for file in files {
            areas.check_parent(file)?;
        }
        Ok(areas)
    }

    fn check_parent(&self, file: &AreaFile) -> Checked<()> {
        let (Some(area), Some(parent)) = (self.get(file.id.get_ref()), &file.parent) else {
            return Ok(());
        };
        let Some(above) = self.get(parent.get_ref()) else {
            return wrong(parent, format!("there is no area {:?}", parent.get_ref()));
        };
        // Bounded, since a cycle has no end.
        if self
            .chain(&above.id)
            .take(ABOVE_MAX + 1)
            .any(|above| above.id == area.id)
        {
            return wrong(
                parent,
                format!("{:?} lies in {:?}: the areas form a cycle", above.id, area.id),
            );
        }
        if self.chain(&above.id).nth(ABOVE_MAX).is_some() {
            return wrong(parent, format!("more than {ABOVE_MAX} areas lie above this one"));
        }
        if area.from < above.from {
            let problem = format!("{:?} is there only from {}", above.id, above.from);
            return wrong(&file.from, problem);
        }
        let Some(end) = above.until else { return Ok(()) };
        if area.until.is_none_or(|until| until > end) {
            let place = file.until.as_ref().map_or(file.id.span(), toml::Spanned::span);
            return Err((place, format!("{:?} is there only until {end}", above.id)));
        }
        Ok(())
    }
}

impl AreaFile {
    fn check(&self) -> Checked<Area> {
        let id = self.id.get_ref();
        let long = id.len() > NAME_BYTES_MAX;
        if long || id.trim() != id || id.is_empty() || id.contains(char::is_control) {
            let problem = format!(
                "the id of an area is a text of 1 to {NAME_BYTES_MAX} bytes, without spaces around it"
            );
            return wrong(&self.id, problem);
        }
        let from = day(&self.from)?;
        let until = self.until.as_ref().map(day).transpose()?;
        if let (Some(place), Some(until)) = (&self.until, until)
            && until <= from
        {
            return wrong(place, "until is exclusive and must be after from");
        }
        Ok(Area {
            id: id.clone(),
            title: self.title.clone(),
            parent: self.parent.as_ref().map(|parent| parent.get_ref().clone()),
            from,
            until,
        })
    }
}
