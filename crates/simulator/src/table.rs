//! Rows that name each other by number.

use std::{cmp::Ordering, fmt, marker::PhantomData};

/// The number of a row of one table.
pub struct Id<T>(u32, PhantomData<fn() -> T>);

/// Rows under their numbers.
pub struct Table<T>(Vec<T>);

impl<T> Id<T> {
    /// The number itself.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The row that is so many after this one.
    pub fn plus(self, count: u32) -> Self {
        Id(self.0.saturating_add(count), PhantomData)
    }
}

impl<T> Table<T> {
    /// An empty one.
    pub fn new() -> Self {
        Table(Vec::new())
    }

    /// Adds a row.
    pub fn push(&mut self, row: T) -> Id<T> {
        let id = self.next();
        self.0.push(row);
        id
    }

    /// The number that the next row gets.
    pub fn next(&self) -> Id<T> {
        Id(u32::try_from(self.0.len()).unwrap_or(u32::MAX), PhantomData)
    }

    /// The number of a row that is there; checked when it is looked at.
    pub fn id(&self, number: u32) -> Id<T> {
        Id(number, PhantomData)
    }

    /// A row. Numbers are made by [`Table::push`] alone, and rows never go.
    pub fn at(&self, id: Id<T>) -> &T {
        self.get(id).expect("the number was made with the row")
    }

    /// A row, to change it.
    pub fn at_mut(&mut self, id: Id<T>) -> &mut T {
        self.0
            .get_mut(index(id))
            .expect("the number was made with the row")
    }

    /// A row, if there is one.
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        self.0.get(index(id))
    }

    /// Every number.
    pub fn ids(&self) -> impl Iterator<Item = Id<T>> + use<T> {
        (0..self.next().0).map(|number| Id(number, PhantomData))
    }

    /// Every row with its number.
    pub fn rows(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.ids().zip(&self.0)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn index<T>(id: Id<T>) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

// Derived, these would ask the same of the rows.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
