//! Where plates are active now: what the writer asks before a plate is fixed. Made when the first plate comes, so that a
//! register without plates pays nothing; then kept in step with what is decided.

use shilu_model::{ActivePlates, PlateMove, RecordName};

/// The writer's index of active plates.
#[derive(Default)]
pub(crate) struct Plates {
    /// None until it is asked for.
    active: Option<ActivePlates>,
    /// What the events of the current list have moved, oldest first.
    moves: Vec<Move>,
}

/// A plate with its [`PlateMove`].
pub(crate) struct Move {
    plate: String,
    from: Option<String>,
    to: Option<String>,
}

impl Move {
    pub fn of(plate: &RecordName, moved: PlateMove<'_>) -> Self {
        Move {
            plate: plate.as_str().to_owned(),
            from: moved.from.map(str::to_owned),
            to: moved.to.map(str::to_owned),
        }
    }
}

impl Plates {
    /// Whatever comes from now on may be taken back, and nothing before.
    pub fn begin_list(&mut self) {
        self.moves.clear();
    }

    /// Makes the index by a search, where there is none yet.
    pub fn search(&mut self, search: impl FnOnce() -> ActivePlates) {
        self.active.get_or_insert_with(search);
    }

    /// The index, once there is one.
    pub const fn active(&self) -> Option<&ActivePlates> {
        self.active.as_ref()
    }

    /// An event of a plate was decided.
    pub fn moves(&mut self, moved: Move) {
        let Some(active) = &mut self.active else { return };
        let (from, to) = (moved.from.as_deref(), moved.to.as_deref());
        active.moves(&moved.plate, PlateMove { from, to });
        self.moves.push(moved);
    }

    /// The list was not submitted after all.
    pub fn take_back(&mut self) {
        let Some(active) = &mut self.active else { return };
        for Move { plate, from, to } in self.moves.drain(..).rev() {
            let back = PlateMove {
                from: to.as_deref(),
                to: from.as_deref(),
            };
            active.moves(&plate, back);
        }
    }
}
