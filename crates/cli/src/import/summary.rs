//! What an import did, in numbers.

use shilu_model::Action;

use crate::{
    messages::{Language, Text},
    table::Table,
};

/// The numbers: the first four count events, the next two rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events of collecting.
    pub collected: u64,
    /// Events of correcting.
    pub corrected: u64,
    /// Events of registering.
    pub registered: u64,
    /// Events of deregistering.
    pub deregistered: u64,
    /// Rows that say what the register says.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub rejected: u64,
    /// Of the first event that was made.
    pub first_position: Option<u64>,
    /// Of the last event that was made.
    pub last_position: Option<u64>,
}

impl Summary {
    /// Counts events that were made, or would be.
    pub fn count(&mut self, actions: impl IntoIterator<Item = Action>) {
        for action in actions {
            match action {
                Action::Collect => self.collected += 1,
                Action::Correct => self.corrected += 1,
                Action::Register => self.registered += 1,
                Action::Deregister => self.deregistered += 1,
                _ => {}
            }
        }
    }

    /// Widens the range of positions.
    pub fn at(&mut self, first: u64, last: u64) {
        self.first_position = Some(self.first_position.map_or(first, |old| old.min(first)));
        self.last_position = Some(self.last_position.map_or(last, |old| old.max(last)));
    }

    /// How many events.
    pub const fn events(&self) -> u64 {
        self.collected + self.corrected + self.registered + self.deregistered
    }

    /// The one line of `--format json`.
    pub fn json(&self) -> String {
        let position =
            |position: Option<u64>| position.map_or("null".to_owned(), |number| number.to_string());
        format!(
            "{{\"collected\":{},\"corrected\":{},\"registered\":{},\"deregistered\":{},\"unchanged\":{},\
             \"rejected\":{},\"first_position\":{},\"last_position\":{}}}",
            self.collected,
            self.corrected,
            self.registered,
            self.deregistered,
            self.unchanged,
            self.rejected,
            position(self.first_position),
            position(self.last_position),
        )
    }

    /// The same for people.
    pub fn table(&self, language: Language) -> Table {
        let position = |position: Option<u64>| position.map_or("-".to_owned(), |number| number.to_string());
        let mut table = Table::new([language.say(Text::Action), language.say(Text::Count)]);
        let rows = [
            (Text::Collected, self.collected.to_string()),
            (Text::Corrected, self.corrected.to_string()),
            (Text::Registered, self.registered.to_string()),
            (Text::Deregistered, self.deregistered.to_string()),
            (Text::Unchanged, self.unchanged.to_string()),
            (Text::Rejected, self.rejected.to_string()),
            (Text::FirstPosition, position(self.first_position)),
            (Text::LastPosition, position(self.last_position)),
        ];
        for (word, number) in rows {
            table.push([language.say(word).to_owned(), number]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_to_the_letter() {
        let mut summary = Summary {
            unchanged: 3,
            rejected: 1,
            ..Summary::default()
        };
        summary.count([Action::Collect, Action::Register, Action::Correct]);
        assert_eq!(
            summary.json(),
            r#"{"collected":1,"corrected":1,"registered":1,"deregistered":0,"unchanged":3,"rejected":1,"first_position":null,"last_position":null}"#
        );
        summary.at(7, 8);
        summary.at(4, 5);
        assert!(
            summary
                .json()
                .ends_with(r#""first_position":4,"last_position":8}"#)
        );
        insta::assert_snapshot!(summary.table(Language::Zh).lines(None).join("\n"), @r"
        动作    数量
        ──────  ────
        采集       1
        纠错       1
        登记       1
        注销       0
        未变行     3
        被拒行     1
        首位次     4
        末位次     8
        ");
    }
}
