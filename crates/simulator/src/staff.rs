//! Those who do the work, and their devices. Every name is a role and a number.

use shilu_model::Timestamp;

use crate::{options::Scale, town::VillageNo, villages::VILLAGES};

/// Who does something, as a place in the list of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorNo(u32);

/// Everybody.
pub struct Staff {
    actors: Vec<Actor>,
    collectors: Vec<Vec<ActorNo>>,
    registrars: Vec<Vec<ActorNo>>,
    verifiers: Vec<ActorNo>,
    inspectors: Vec<ActorNo>,
    /// Who keeps the frames and takes extracts in.
    pub office: ActorNo,
    /// Who prints plates.
    pub printer: ActorNo,
    /// Who announces and draws samples.
    pub sampler: ActorNo,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The name in the register.
    pub name: String,
    /// The device: its kind, and how often it was replaced.
    pub device: String,
    /// The device's next sequence number.
    pub seq: u64,
    /// When the device last uploaded something.
    pub uploaded: Timestamp,
}

impl Staff {
    /// Who is needed at a scale: some sixty at scale 1.
    pub fn hire(scale: Scale) -> Self {
        let mut actors: Vec<Actor> = Vec::new();
        let mut hire = |role: &str, device: &str, number: usize| {
            let no = ActorNo(u32::try_from(actors.len()).unwrap_or(u32::MAX));
            actors.push(Actor {
                name: format!("{role}-{number:03}"),
                device: format!("{device}-{number:03}"),
                seq: 0,
                uploaded: Timestamp::MIN,
            });
            no
        };
        let count =
            |per_hundred: u64| usize::try_from(scale.of(per_hundred).div_ceil(100).max(1)).unwrap_or(1);
        let (mut collectors, mut registrars, mut number) = (Vec::new(), Vec::new(), 0);
        for village in VILLAGES {
            // 34 per 100 shares: two for most villages, four for the largest.
            let team: Vec<_> = (0..count(u64::from(village.share) * 28))
                .map(|_| {
                    number += 1;
                    hire("collector", "tablet", number)
                })
                .collect();
            collectors.push(team);
        }
        let mut number = 0;
        for _ in VILLAGES {
            let desk = (0..count(60)).map(|_| {
                number += 1;
                hire("registrar", "desk", number)
            });
            registrars.push(desk.collect());
        }
        let verifiers = (1..=count(800).max(2))
            .map(|number| hire("verifier", "phone", number))
            .collect();
        let inspectors = (1..=count(200))
            .map(|number| hire("inspector", "phone-i", number))
            .collect();
        let [office, printer, sampler] = [1, 2, 3].map(|number| hire("office", "desk-o", number));
        Staff {
            actors,
            collectors,
            registrars,
            verifiers,
            inspectors,
            office,
            printer,
            sampler,
        }
    }

    /// The same, to change it.
    pub fn at_mut(&mut self, no: ActorNo) -> &mut Actor {
        self.actors
            .get_mut(usize::try_from(no.0).unwrap_or(usize::MAX))
            .expect("the number was made with the actor")
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.actors.len()
    }

    /// The collector of a part of a village, the part in thousandths of the walk through it.
    pub fn collector(&self, village: VillageNo, part: u64) -> ActorNo {
        nth(of(&self.collectors, village), part, 1_000)
    }

    /// How many collectors a village has.
    pub fn team(&self, village: VillageNo) -> usize {
        of(&self.collectors, village).len()
    }

    /// A registrar of a village.
    pub fn registrar(&self, village: VillageNo, any: u64) -> ActorNo {
        nth(of(&self.registrars, village), any % 1_000, 1_000)
    }

    /// The names of two who keep a village's desk, or of the only one.
    pub fn desk(&self, village: VillageNo) -> impl Iterator<Item = &str> {
        let desk = of(&self.registrars, village).iter().take(2);
        desk.map(|no| self.at(*no).name.as_str())
    }

    /// One of them.
    pub fn at(&self, no: ActorNo) -> &Actor {
        self.actors
            .get(usize::try_from(no.0).unwrap_or(usize::MAX))
            .expect("the number was made with the actor")
    }

    /// A verifier.
    pub fn verifier(&self, any: u64) -> ActorNo {
        nth(&self.verifiers, any % 1_000, 1_000)
    }

    /// An inspector.
    pub fn inspector(&self, any: u64) -> ActorNo {
        nth(&self.inspectors, any % 1_000, 1_000)
    }
}

fn of(rows: &[Vec<ActorNo>], village: VillageNo) -> &[ActorNo] {
    rows.get(village.index()).map(Vec::as_slice).unwrap_or_default()
}

fn nth(team: &[ActorNo], part: u64, parts: u64) -> ActorNo {
    let count = u64::try_from(team.len()).unwrap_or(1);
    let place = usize::try_from(part.min(parts - 1) * count / parts).unwrap_or(0);
    *team.get(place).expect("every team has somebody")
}
