//! Extracts of other systems, row by row: building permits, the household register, and two systems that both know the
//! addresses of what is let.

use std::{fmt::Write, sync::Arc};

use sha2::{Digest, Sha256};
use shilu_model::{Correction, Day, Deed, LIST_COMMANDS_MAX, Origin, OwnedValue, Since};

use super::{System, Take, round::Round};
use crate::{
    calendar::{FIRST, at, plus},
    random::mix,
    simulation::Simulation,
    table::Id,
    town::{Dwelling, Thing, Use, VillageNo, texts::record},
};

/// A row of an extract.
struct Row {
    theirs: String,
    village: VillageNo,
    address: String,
    /// What the last extract said, where it said something else.
    before: Option<String>,
}

impl System {
    fn word(self) -> &'static str {
        match self {
            System::Permits => "permits",
            System::Hukou => "hukou",
            System::Migrant => "migrant",
            System::Police => "police",
        }
    }
}

impl Simulation {
    /// Takes an extract in: its new rows, and those that changed.
    pub(super) fn extract(&mut self, round: &mut Round, system: System, take: Take) {
        let rows = self.rows(system, take);
        let word = system.word();
        let mut text = String::from("theirs,address\n");
        for row in &rows {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{},{}", row.theirs, row.address);
        }
        let sha256: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let hash: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let file: Arc<str> = Arc::from(format!("{word}-{}.csv", self.today));
        let as_of = at(self.today, 0);
        let mut list = Vec::new();
        for (number, row) in (2_u64..).zip(rows) {
            let entry = self.entry(round, 0, 0);
            let text = |text: &str| Some(OwnedValue::Text(text.to_owned()));
            let name = record("extract", &format!("{word}:{}", row.theirs));
            let changed = row.before.is_some();
            let deed = match row.before {
                Some(before) => Deed::Correct(vec![
                    Correction {
                        field: "address".to_owned(),
                        before: Some(text(&before)),
                        after: text(&row.address),
                    },
                    Correction {
                        field: "file".to_owned(),
                        before: None,
                        after: text(&hash),
                    },
                ]),
                None => Deed::Collect(vec![
                    ("area".to_owned(), text(row.village.village().area)),
                    ("system".to_owned(), text(word)),
                    ("theirs".to_owned(), text(&row.theirs)),
                    ("address".to_owned(), text(&row.address)),
                    ("file".to_owned(), text(&hash)),
                ]),
            };
            let mut command = self.command(round, entry, name, deed);
            command.effective = Since::At(as_of);
            command.source = Origin::Import {
                sha256,
                file: Arc::clone(&file),
                row: number,
            };
            command.reason = Some(
                if changed {
                    "两系统比对后对方已更正"
                } else {
                    "对方系统导出"
                }
                .to_owned(),
            );
            list.push(command);
            if list.len() == LIST_COMMANDS_MAX / 2 {
                self.send(round, std::mem::take(&mut list), &[]);
            }
        }
        round.pass(60);
        self.send(round, list, &[]);
    }

    fn rows(&self, system: System, take: Take) -> Vec<Row> {
        match system {
            System::Permits => self.permits(),
            System::Hukou => self.hukou(),
            System::Migrant | System::Police => {
                let ids = self.town.dwellings.ids();
                ids.filter_map(|id| self.let_row(system, take, id)).collect()
            }
        }
    }

    /// What was permitted since 2012, whether it stands by now or not.
    fn permits(&self) -> Vec<Row> {
        let new = self
            .town
            .buildings
            .rows()
            .filter(|(_, building)| building.is_new());
        new.map(|(id, building)| Row {
            theirs: self.town.key(Thing::Building(id)),
            village: building.village,
            address: self.town.address(id),
            before: None,
        })
        .collect()
    }

    /// Everybody who is registered in the township, wherever they live.
    fn hukou(&self) -> Vec<Row> {
        let permanent = self.town.people.rows().filter(|(_, person)| person.permanent);
        permanent
            .map(|(id, person)| {
                let home = person.stays.first().map(|stay| stay.dwelling);
                let village = person.village;
                let address = home.map(|home| self.town.dwelling_address(home));
                let theirs = self.town.key(Thing::Person(id));
                let address = address.unwrap_or_else(|| format!("小越镇{}集体户", village.village().name));
                Row {
                    theirs,
                    village,
                    address,
                    before: None,
                }
            })
            .collect()
    }

    /// A let dwelling as one of the two systems has it, if it has it and this extract says something new.
    fn let_row(&self, system: System, take: Take, id: Id<Dwelling>) -> Option<Row> {
        let building = self.town.dwellings.at(id).building;
        let village = self.town.buildings.at(building).village;
        let known = |day: Day| {
            let used = self.town.dwellings.at(id).used_on(day);
            self.town.buildings.at(building).stands(day) && matches!(used, Use::Rental | Use::Lodging)
        };
        let side = u64::from(system == System::Police);
        let luck = |what: u64| mix(&[self.town.seed, what, side, id.number().into()]) % 1_000;
        if luck(31) < 22 {
            // One that this system never heard of.
            return None;
        }
        let wrong = luck(32) < 6 + self.town.habits(village).mistakes * 2;
        let mended = luck(33) < 720;
        let right = match system {
            // The same, written otherwise.
            System::Police => format!(
                "{}-{}",
                self.town.address(building),
                self.town.room(id).replace("单元", "-")
            ),
            _ => self.town.dwelling_address(id),
        };
        let misread = || format!("{}{}", self.town.wrong_address(building), self.town.room(id));
        let begins = plus(FIRST, -1);
        let (before, address) = match take {
            Take::First if known(begins) => (None, if wrong { misread() } else { right }),
            Take::Compared if known(begins) && wrong && mended => (Some(misread()), right),
            Take::Last if known(self.today) && !known(begins) => (None, right),
            _ => return None,
        };
        Some(Row {
            theirs: self.town.key(Thing::Dwelling(id)),
            village,
            address,
            before,
        })
    }
}
