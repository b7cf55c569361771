//! Founding a township: every building, household, person and unit, from the seed.

use shilu_model::Day;

use super::{Building, Door, Dwelling, Person, Sort, Starts, Stay, Town, Unit, Use, VillageNo, Worker};
use crate::{
    calendar::{FIRST, LAST, plus},
    options::Scale,
    random::Random,
    spot::Spot,
    table::{Id, Table},
    villages,
    words::{self, Name},
};

/// Dwellings and units of the township at scale 1.
const DWELLINGS: u64 = 20_000;
const UNITS: u64 = 1_500;
/// Between one building and the next, and one village and the next, in metres.
const BUILDING_M: i32 = 26;
const VILLAGE_M: i32 = 1_300;

impl Town {
    /// Founds a township.
    pub fn found(seed: u64, scale: Scale) -> Town {
        let mut town = Town {
            seed,
            buildings: Table::new(),
            doors: Table::new(),
            dwellings: Table::new(),
            people: Table::new(),
            units: Table::new(),
            workers: Table::new(),
            starts: Vec::new(),
            habits: villages::habits(seed),
        };
        for village in VillageNo::all() {
            let mut founder = Founder {
                town: &mut town,
                village,
                random: Random::new(seed, 100 + u64::from(village.0)),
            };
            founder.village(scale);
        }
        town
    }
}

/// Founds one village.
struct Founder<'a> {
    town: &'a mut Town,
    village: VillageNo,
    random: Random,
}

impl Founder<'_> {
    fn village(&mut self, scale: Scale) {
        let starts = Starts {
            building: self.town.buildings.next(),
            person: self.town.people.next(),
            unit: self.town.units.next(),
            worker: self.town.workers.next(),
        };
        self.town.starts.push(starts);
        let share = u64::from(self.village.village().share);
        let wanted = scale.of(DWELLINGS * share / 100).max(12);
        let mut made = 0;
        let mut number = 0;
        // As wide as it is long: at most so many buildings in a row.
        let row = u32::try_from((wanted / 3).isqrt()).unwrap_or(1).max(4);
        while made < wanted {
            number += 1;
            made += u64::from(self.building(number, row));
        }
        let dwellings: Vec<_> = (self.first_dwelling(starts)..self.town.dwellings.next().number()).collect();
        for offset in dwellings {
            self.household(self.town_dwelling(offset));
        }
        self.only_registered(starts);
        self.moves(starts);
        let units = scale.of(UNITS * share / 100).max(3);
        for number in 0..u32::try_from(units).unwrap_or(u32::MAX) {
            self.unit(number + 1, starts);
        }
    }

    fn first_dwelling(&self, starts: Starts) -> u32 {
        let first = self.town.buildings.get(starts.building);
        first.map_or(0, |building| building.dwellings.0.number())
    }

    fn town_dwelling(&self, number: u32) -> Id<Dwelling> {
        self.town.dwellings.id(number)
    }

    /// One building with its doors and dwellings; returns how many dwellings.
    fn building(&mut self, number: u32, row: u32) -> u32 {
        let random = &mut self.random;
        let sorts: &[(u64, Sort)] = match self.village.village().urban {
            true => &[
                (400, Sort::House),
                (150, Sort::Lodgings),
                (340, Sort::Block),
                (90, Sort::Shops),
                (20, Sort::Dormitory),
            ],
            false => &[
                (730, Sort::House),
                (164, Sort::Lodgings),
                (26, Sort::Block),
                (62, Sort::Shops),
                (18, Sort::Dormitory),
            ],
        };
        let sort = random.weighted(sorts);
        let (line, along) = ((number - 1) / row, (number - 1) % row);
        // To and fro, so that the next number is the next house.
        let column = if line % 2 == 0 { along } else { row - 1 - along };
        let spot = self.spot(line, column, row);
        let random = &mut self.random;
        let planned_new = random.chance(34);
        let built = if planned_new {
            -random.between(20, 900)
        } else {
            -random.between(1_300, 12_000)
        };
        // Some permits are not built upon yet.
        let from = if planned_new && random.chance(40) {
            plus(LAST, 40)
        } else {
            plus(FIRST, days(built))
        };
        let building = self.town.buildings.next();
        let first = self.town.dwellings.next();
        let doors_from = self.town.doors.next().number();
        let count = match sort {
            Sort::House => self.house(building),
            Sort::Lodgings => self.lodgings(building),
            Sort::Block => self.block(building),
            Sort::Shops => self.shops(building),
            Sort::Dormitory => self.dormitory(building),
        };
        let empty =
            (0..count).all(|number| self.town.dwellings.at(first.plus(number)).used_on(LAST) == Use::Empty);
        // What stands empty is pulled down now and then.
        let until = (!planned_new && empty && self.random.chance(60))
            .then(|| plus(FIRST, days(self.random.between(5, 85))));
        self.town.buildings.push(Building {
            village: self.village,
            number,
            sort,
            road: u32::from(self.village.0) * 32 + line / 2 % 32,
            house: 1 + (line / 64) * 1_000 + column * 2 + line % 2,
            spot,
            planned: planned_new.then(|| u16::try_from(count).unwrap_or(u16::MAX)),
            from,
            until,
            doors: doors_from..self.town.doors.next().number(),
            dwellings: (first, count),
        });
        count
    }

    fn spot(&mut self, line: u32, column: u32, row: u32) -> Spot {
        let metres = |count: u32| i32::try_from(count).unwrap_or(0) * BUILDING_M;
        let apart = VILLAGE_M.max(metres(row) + 300);
        let place = i32::from(self.village.0);
        let corner = Spot {
            north_m: (place / 4 - 2) * apart,
            east_m: (place % 4 - 2) * apart,
        };
        let mut off = || i32::try_from(self.random.between(-6, 6)).unwrap_or(0);
        corner.plus(metres(line) + off(), metres(column) + off())
    }

    fn house(&mut self, building: Id<Building>) -> u32 {
        let used = self
            .random
            .weighted(&[(875, Use::Own), (45, Use::Rental), (80, Use::Empty)]);
        let rooms = self.random.small(3, 8);
        self.dwelling(building, 0, 1, used, rooms);
        let two = self.random.chance(140);
        if two {
            let used = self
                .random
                .weighted(&[(800, Use::Own), (120, Use::Rental), (80, Use::Empty)]);
            self.dwelling(building, 0, 2, used, 3);
        }
        1 + u32::from(two)
    }

    fn lodgings(&mut self, building: Id<Building>) -> u32 {
        let own = u16::from(self.random.chance(800));
        let let_rooms = self.random.small(2, 8);
        if own == 1 {
            let rooms = self.random.small(2, 5);
            self.dwelling(building, 0, 1, Use::Own, rooms);
        }
        for room in own + 1..=own + let_rooms {
            let id = self.dwelling(building, 0, room, Use::Rental, 1);
            // The written criterion for a group rental: six let rooms or more under one roof.
            self.town.dwellings.at_mut(id).intensive = let_rooms >= 6;
        }
        u32::from(own + let_rooms)
    }

    /// Identical flats: the same rooms on every floor.
    fn block(&mut self, building: Id<Building>) -> u32 {
        let (entrances, floors, rooms) = (
            self.random.small(1, 3),
            self.random.small(4, 6),
            self.random.small(2, 4),
        );
        let mut count = 0;
        for entrance in 1..=entrances {
            self.town.doors.push(Door {
                building,
                number: entrance.into(),
            });
            for flat in 0..floors * 2 {
                let room = (flat / 2 + 1) * 100 + flat % 2 + 1;
                let used = self
                    .random
                    .weighted(&[(640, Use::Own), (190, Use::Rental), (170, Use::Empty)]);
                self.dwelling(
                    building,
                    if entrances > 1 { entrance } else { 0 },
                    room,
                    used,
                    rooms,
                );
                count += 1;
            }
        }
        count
    }

    fn shops(&mut self, building: Id<Building>) -> u32 {
        let fronts = self.random.small(2, 6);
        for number in 1..=fronts {
            self.town.doors.push(Door {
                building,
                number: number.into(),
            });
        }
        let above = self.random.small(1, fronts);
        for room in 1..=above {
            let used = self
                .random
                .weighted(&[(420, Use::Own), (460, Use::Rental), (120, Use::Empty)]);
            self.dwelling(building, 0, 200 + room, used, 2);
        }
        above.into()
    }

    fn dormitory(&mut self, building: Id<Building>) -> u32 {
        let (floors, rooms) = (self.random.small(2, 4), self.random.small(4, 8));
        for floor in 1..=floors {
            for room in 1..=rooms {
                let id = self.dwelling(building, 0, floor * 100 + room, Use::Lodging, 1);
                self.town.dwellings.at_mut(id).intensive = true;
            }
        }
        u32::from(floors * rooms)
    }

    fn dwelling(
        &mut self,
        building: Id<Building>,
        entrance: u16,
        room: u16,
        used: Use,
        rooms: u16,
    ) -> Id<Dwelling> {
        let random = &mut self.random;
        // Now and then one is let, and now and then a let one stands empty.
        let later = match used {
            Use::Own | Use::Empty => random.chance(12).then_some(Use::Rental),
            Use::Rental => random.chance(25).then_some(Use::Own),
            Use::Lodging => None,
        };
        let later = later.map(|later| (plus(FIRST, days(random.between(2, 88))), later));
        let owner = Name::invent(random);
        self.town.dwellings.push(Dwelling {
            building,
            entrance,
            room,
            used,
            later,
            intensive: false,
            rooms,
            owner,
            people: Vec::new(),
        })
    }

    /// Those who live in a dwelling at the beginning, who leave it, and who come.
    fn household(&mut self, id: Id<Dwelling>) {
        let dwelling = self.town.dwellings.at(id).clone();
        let random = &mut self.random;
        let head = dwelling.owner;
        let (count, permanent) = match dwelling.used {
            Use::Own => (
                random.weighted(&[(90, 1), (220, 2), (340, 3), (200, 4), (150, 5)]),
                970,
            ),
            Use::Rental => (
                random.weighted(&[(50, 0), (260, 1), (390, 2), (190, 3), (110, 4)]),
                40,
            ),
            Use::Lodging => (
                random.weighted(&[(60, 0), (240, 1), (380, 2), (200, 3), (120, 4)]),
                5,
            ),
            Use::Empty => (0, 0),
        };
        let family = random.chance(if dwelling.used == Use::Lodging { 40 } else { 700 });
        let mut name = if dwelling.used == Use::Own {
            head
        } else {
            Name::invent(random)
        };
        let permanent_home = random.chance(permanent);
        let first = self.town.people.next();
        for member in 0..count {
            if member > 0 {
                name = if family {
                    name.relative(&mut self.random)
                } else {
                    Name::invent(&mut self.random)
                };
            }
            let turnover = if permanent_home { 14 } else { 150 };
            let from = if permanent_home {
                -self.random.between(400, 9_000)
            } else {
                -self.random.between(8, 1_100)
            };
            let leaves = self.random.chance(turnover).then(|| self.random.between(3, 88));
            let stay = Stay {
                dwelling: id,
                from: plus(FIRST, days(from)),
                until: leaves.map(|day| plus(FIRST, days(day))),
            };
            self.person(name, permanent_home, first, Some(stay));
            // Let rooms fill again.
            if let Some(day) = leaves.filter(|_| !permanent_home && self.random.chance(650)) {
                let comes = plus(FIRST, days(day + self.random.between(1, 12)));
                let stranger = Name::invent(&mut self.random);
                self.person(
                    stranger,
                    false,
                    first,
                    Some(Stay {
                        dwelling: id,
                        from: comes,
                        until: None,
                    }),
                );
            }
        }
    }

    fn person(
        &mut self,
        name: Name,
        permanent: bool,
        household: Id<Person>,
        stay: Option<Stay>,
    ) -> Id<Person> {
        let starts = self.starts();
        let number = self.town.people.next().number() - starts.person.number() + 1;
        let random = &mut self.random;
        // Migrants are of working age, mostly.
        let age = if permanent || random.chance(80) {
            random.between(1, 88)
        } else {
            random.between(17, 58)
        };
        let born = plus(FIRST, -days(age * 365 + random.between(0, 364)));
        let person = Person {
            village: self.village,
            number,
            name,
            born,
            sequence: random.small(1, 998),
            phone: (age > 11 && random.chance(820))
                .then(|| u32::try_from(random.below(100_000_000)).unwrap_or(0)),
            permanent,
            household: household.number() - starts.person.number() + 1,
            stays: stay.into_iter().collect(),
            twin: random.chance(4),
        };
        let id = self.town.people.push(person);
        if let Some(stay) = stay {
            self.town.dwellings.at_mut(stay.dwelling).people.push(id);
        }
        id
    }

    fn starts(&self) -> Starts {
        *self
            .town
            .starts
            .last()
            .expect("the village's row was pushed first")
    }

    /// People of the household register who live elsewhere, and whom nobody finds.
    fn only_registered(&mut self, starts: Starts) {
        let living = self.town.people.next().number() - starts.person.number();
        for _ in 0..living / 12 {
            let name = Name::invent(&mut self.random);
            let household = self.town.people.next();
            self.person(name, true, household, None);
        }
    }

    /// Some of those who leave come back, or move to another dwelling of the township.
    fn moves(&mut self, starts: Starts) {
        let (from, to) = (starts.person.number(), self.town.people.next().number());
        let homes = self.first_dwelling(starts)..self.town.dwellings.next().number();
        for number in from..to {
            let id = self.town.people.id(number);
            let Some(Stay {
                dwelling,
                until: Some(left),
                ..
            }) = self.town.people.at(id).stays.first().copied()
            else {
                continue;
            };
            let random = &mut self.random;
            let (then, gap) = match random.below(1_000) {
                // Back again after some weeks away.
                0..90 => (dwelling, random.between(14, 40)),
                // To another dwelling of the village, on the same day.
                90..290 => {
                    let span = u64::from(homes.end - homes.start);
                    let other = homes.start + u32::try_from(random.below(span)).unwrap_or(0);
                    (self.town.dwellings.id(other), 0)
                }
                _ => continue,
            };
            let from = plus(left, days(gap));
            let home = self.town.dwellings.at(then);
            if (then == dwelling && gap == 0)
                || home.used_on(from) == Use::Empty
                || (then != dwelling && gap > 0)
            {
                continue;
            }
            self.town.people.at_mut(id).stays.push(Stay {
                dwelling: then,
                from,
                until: None,
            });
            if then != dwelling {
                self.town.dwellings.at_mut(then).people.push(id);
            }
        }
    }

    fn unit(&mut self, number: u32, starts: Starts) {
        let first_of_all = self.town.units.len();
        let building = self.unit_building(starts);
        let random = &mut self.random;
        let trade = match first_of_all {
            // Even the smallest township has one of each, so that every indicator has something to look at.
            0 => "hotel",
            1 => "net-cafe",
            _ => random.weighted(&TRADES),
        };
        let from = plus(FIRST, -days(random.between(60, 5_000)));
        let opens = random
            .chance(30)
            .then(|| plus(FIRST, days(random.between(3, 80))));
        let until = random
            .chance(35)
            .then(|| plus(FIRST, days(random.between(10, 88))));
        let doors = self.town.buildings.at(building).doors.clone();
        let door = doors.start + u32::try_from(random.below(u64::from(doors.end - doors.start))).unwrap_or(0);
        let door = (!doors.is_empty() && random.chance(800)).then(|| self.town.doors.id(door));
        let first = self.town.workers.next();
        let unit = Unit {
            village: self.village,
            number,
            building,
            door,
            trade,
            name: words::place(random, words::UNIT_NAMES),
            credit: random
                .chance(680)
                .then(|| u32::try_from(random.below(100_000_000)).unwrap_or(0)),
            from: opens.unwrap_or(from),
            until: until.filter(|until| opens.is_none_or(|opens| opens < *until)),
            workers: (first, 0),
        };
        let (opened, closes) = (unit.from, unit.until);
        let id = self.town.units.push(unit);
        let count = self.staff(trade);
        for place in 0..count {
            self.worker(id, place == 0, (opened, closes), starts);
        }
        self.town.units.at_mut(id).workers = (first, count);
    }

    /// Shops and blocks before houses.
    fn unit_building(&mut self, starts: Starts) -> Id<Building> {
        let (from, to) = (starts.building.number(), self.town.buildings.next().number());
        let mut found = starts.building;
        for _ in 0..6 {
            let number = from + u32::try_from(self.random.below(u64::from(to - from))).unwrap_or(0);
            found = self.town.buildings.id(number);
            let building = self.town.buildings.at(found);
            if building.sort == Sort::Shops && building.stands(FIRST) {
                break;
            }
        }
        found
    }

    fn staff(&mut self, trade: &str) -> u32 {
        let (from, to) = match trade {
            "factory" => (6, 30),
            "school" | "hospital" | "station" => (4, 16),
            "hotel" | "entertainment" | "sauna" | "foot-massage" => (3, 10),
            "restaurant" | "net-cafe" => (2, 7),
            _ => (1, 3),
        };
        u32::from(self.random.small(from, to))
    }

    fn worker(&mut self, unit: Id<Unit>, first: bool, (opened, closes): (Day, Option<Day>), starts: Starts) {
        let number = self.town.workers.next().number() - starts.worker.number() + 1;
        let (from, to) = (starts.person.number(), self.town.people.next().number());
        let random = &mut self.random;
        let one = from + u32::try_from(random.below(u64::from(to - from))).unwrap_or(0);
        let person = self.town.people.id(one);
        let lives_here = self
            .town
            .people
            .at(person)
            .stays
            .first()
            .is_some_and(|stay| stay.covers(plus(FIRST, 30)));
        let of_age = self.town.people.at(person).born <= plus(FIRST, -18 * 365);
        let random = &mut self.random;
        let came = plus(opened, days(random.between(0, 300)));
        let leaves = random
            .chance(70)
            .then(|| plus(FIRST, days(random.between(5, 88))));
        self.town.workers.push(Worker {
            unit,
            number,
            person: (lives_here && of_age && random.chance(800)).then_some(person),
            role: if first {
                "店长"
            } else {
                random.pick(&["店员", "技师", "工人", "收银员", "保洁员"])
            },
            from: came.min(plus(FIRST, 0)).max(opened),
            until: [leaves, closes].into_iter().flatten().min(),
        });
    }
}

/// How many of 1,500 units have which trade.
const TRADES: [(u64, &str); 23] = [
    (14, "hazardous"),
    (16, "entertainment"),
    (9, "video-games"),
    (7, "sauna"),
    (96, "hairdressing"),
    (24, "foot-massage"),
    (14, "net-cafe"),
    (66, "chess-cards"),
    (30, "hotel"),
    (5, "pawn"),
    (5, "seal"),
    (16, "locksmith"),
    (44, "parcel"),
    (26, "second-hand"),
    (14, "gold"),
    (74, "vehicle-repair"),
    (15, "school"),
    (12, "hospital"),
    (4, "station"),
    (430, "shop"),
    (232, "restaurant"),
    (218, "factory"),
    (129, "other"),
];

fn days(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(0)
}
