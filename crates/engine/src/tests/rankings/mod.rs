//! Rankings, and what is behind the rates of draws, on a small register.

mod actors;
mod areas;
mod behind;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use shilu_model::{
    Because as Reason, Check, Command, Correction, Deed, Month, Outcome, OwnedValue, Reason as Why, Since,
    Timestamp,
};
use shilu_sampling::{LeftOut, State};

use super::{command, name, settable, submit};
use crate::{
    Announcement, AsOf, Because, By, CasesQuery, Engine, EngineError, FigureQuery, FoundChild,
    IndicatorResult, Init, Ranking, RankingItem, Ranks, Rate, RateCase, RosterAnswer, SampleSize, Strata,
    VisitEntry, Visited,
};

const CAMPAIGN: &str = r#"
name = "Parish"
origin = "example.org/parish"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
[ranking]
months = ["2015-05", "2015-06", "2015-08"]
min_population = 3
[[areas]]
id = "parish"
from = 2015-01-01
[[areas]]
id = "north"
parent = "parish"
from = 2015-01-01
[[areas]]
id = "south"
parent = "parish"
from = 2015-01-01
[[areas]]
id = "mill"
parent = "south"
from = 2015-07-10
[[areas]]
id = "east"
parent = "parish"
from = 2015-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "area", required = true }
use = { type = "choice", values = ["own", "rental"], essential = true }
rooms = { type = "integer", essential = true }
note = { type = "text" }
[[kinds]]
id = "resident"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area", required = true }
name = { type = "text", essential = true }
dwelling = { type = "reference", kinds = ["dwelling"] }
arrived = { type = "date" }
left = { type = "date" }
[[indicators]]
id = "complete"
of = "dwelling"
measure = "share"
complete = true
targets = [{ by = 2015-05-20, value = 90 }]
[[indicators]]
id = "rooms"
of = "dwelling"
measure = "accuracy"
gone = "aside"
targets = [{ by = 2015-06-20, value = 95 }]
[[indicators]]
id = "consistency"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "consistency", grace_days = 3 }
"#;

const BECAUSE: Because<'static> = Because {
    actor: "zhang",
    reason: "a test",
};

/// A register with a clock that is set.
struct Parish {
    _dir: tempfile::TempDir,
    engine: Engine,
    clock: Arc<AtomicI64>,
}

impl Parish {
    fn of(campaign: &str, start: &str) -> Parish {
        let dir = tempfile::tempdir().unwrap();
        let (clock, options) = settable(&format!("{start}:00+08:00"));
        let init = Init {
            campaign,
            actor: "mayor",
            simulated: false,
        };
        Engine::init(dir.path(), &init, &options).unwrap();
        let engine = Engine::open(dir.path(), options).unwrap();
        Parish {
            _dir: dir,
            engine,
            clock,
        }
    }

    /// Five dwellings in the north and in the south each, two in the east; anna made them all on 1 May.
    fn new() -> Parish {
        let parish = Parish::of(CAMPAIGN, "2015-05-01T08:00");
        for (area, count) in [("north", 5), ("south", 5), ("east", 2)] {
            for number in 1..=count {
                parish.dwelling(&format!("{area}-{number}"), area, "own");
            }
        }
        parish
    }

    fn at(&self, time: &str) {
        let time = Timestamp::parse(&format!("{time}:00+08:00")).unwrap();
        self.clock.store(time.micros(), Ordering::SeqCst);
    }

    #[track_caller]
    fn take(&self, record: &str, actor: &str, deed: Deed) {
        submit(&self.engine, vec![command(record, actor, deed)]).unwrap();
    }

    fn dwelling(&self, key: &str, area: &str, used: &str) {
        let fields = vec![text("area", area), text("use", used), rooms(3)];
        self.take(&format!("dwelling/{key}"), "anna", Deed::Collect(fields));
    }

    #[track_caller]
    fn drawn(&self, id: &str, indicator: &str, area: Option<&str>, draw_at: &str) {
        let announcement = Announcement {
            id: id.to_owned(),
            indicator: indicator.to_owned(),
            area: area.map(str::to_owned),
            size: SampleSize::Of(10),
            strata: Strata::Area,
            draw_at: Timestamp::parse(&format!("{draw_at}:00+08:00")).unwrap(),
            entropy: "none".to_owned(),
            actor: "zhang".to_owned(),
            reason: None,
        };
        self.engine.announce(&announcement).unwrap();
        self.at(draw_at);
        self.engine.draw(id, None, BECAUSE).unwrap();
    }

    #[track_caller]
    fn visit(&self, id: &str, what: Visited) {
        let entry = VisitEntry {
            id: None,
            actor: "vera".to_owned(),
            reason: None,
            device: None,
            effective: Since::Recorded,
            visit: None,
            what,
        };
        self.engine.visit(id, &entry).unwrap();
    }

    #[track_caller]
    fn saw(&self, id: &str, record: &str, outcome: Outcome, used: &str, seen: i64) {
        let observed = match outcome {
            Outcome::Present => vec![text("use", used), rooms(seen)],
            _ => Vec::new(),
        };
        let record = name(&format!("dwelling/{record}"));
        let not_seen = Vec::new();
        let what = Visited::Record {
            record,
            outcome,
            observed,
            not_seen,
        };
        self.visit(id, what);
    }

    fn ranking(&self, month: Option<&str>, of: Ranks) -> Result<Ranking, EngineError> {
        let month = month.map(|month| Month::parse(month).unwrap());
        self.engine.ranking(month, of)
    }

    #[track_caller]
    fn june(&self, of: Ranks) -> Ranking {
        self.ranking(Some("2015-06"), of).unwrap()
    }

    fn cases(&self, indicator: &str, area: Option<&str>) -> Vec<RateCase> {
        let query = CasesQuery {
            indicator: indicator.to_owned(),
            at: self.engine.at(AsOf::Now, None).unwrap(),
            area: area.map(str::to_owned),
            from: 0,
            limit: 1_000,
        };
        self.engine.rate_evidence(&query).unwrap().items
    }

    fn rate(&self, indicator: &str, area: Option<&str>) -> Rate {
        let query = FigureQuery {
            at: self.engine.at(AsOf::Now, None).unwrap(),
            by: By::Whole,
            area: area.map(str::to_owned),
        };
        let rates = self.engine.rates(&query).unwrap().items;
        rates
            .into_iter()
            .find(|rate| rate.indicator == indicator)
            .unwrap()
    }
}

fn text(field: &str, text: &str) -> (String, Option<OwnedValue>) {
    (field.to_owned(), Some(OwnedValue::Text(text.to_owned())))
}

fn rooms(number: i64) -> (String, Option<OwnedValue>) {
    ("rooms".to_owned(), Some(OwnedValue::Integer(number)))
}

fn correct(rooms: i64) -> Deed {
    Deed::Correct(vec![Correction {
        field: "rooms".to_owned(),
        before: None,
        after: Some(OwnedValue::Integer(rooms)),
    }])
}

fn ranks(ranking: &Ranking) -> Vec<(Option<u64>, &str)> {
    let items = ranking.items.iter();
    items.map(|item| (item.ranked.rank, &*item.ranked.name)).collect()
}

#[track_caller]
fn one<'a>(ranking: &'a Ranking, name: &str) -> &'a RankingItem {
    ranking
        .items
        .iter()
        .find(|item| item.ranked.name == name)
        .unwrap()
}

#[track_caller]
fn result<'a>(ranking: &'a Ranking, name: &str, indicator: &str) -> &'a IndicatorResult {
    let results = &one(ranking, name).results;
    results
        .iter()
        .find(|result| result.indicator == indicator)
        .unwrap()
}

fn counts(result: &IndicatorResult) -> (u64, u64, u64, u64) {
    let IndicatorResult {
        numerator,
        denominator,
        unknown,
        aside,
        ..
    } = result;
    (*numerator, *denominator, *unknown, *aside)
}

/// Draws the north, where bob has corrected two of anna's dwellings and made one of his own.
fn north_with_bob() -> Parish {
    let parish = Parish::new();
    parish.take("dwelling/north-2", "bob", correct(4));
    parish.take("dwelling/north-3", "bob", correct(4));
    let own = vec![text("area", "north"), text("use", "own"), rooms(2)];
    parish.take("dwelling/north-6", "bob", Deed::Collect(own));
    parish.at("2015-06-01T08:00");
    parish.drawn("a", "rooms", Some("north"), "2015-06-02T08:00");
    // Too late: the draw has what bob wrote.
    parish.take("dwelling/north-2", "cleo", correct(5));
    parish.saw("a", "north-1", Outcome::Present, "own", 3);
    parish.saw("a", "north-2", Outcome::Present, "own", 5);
    parish.saw("a", "north-3", Outcome::Present, "rental", 4);
    parish.saw("a", "north-4", Outcome::UnknownHere, "", 0);
    parish.saw("a", "north-5", Outcome::Gone, "", 0);
    parish.at("2015-07-01T12:00");
    parish
}
