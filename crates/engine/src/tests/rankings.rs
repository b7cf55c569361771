//! Rankings and what is behind the rates of draws: which month, by which campaign, whose errors, and that cases add up.

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

#[test]
fn the_month_is_one_that_is_ranked_and_has_begun() {
    let parish = Parish::of(CAMPAIGN, "2015-04-30T23:00");
    let problem = |month: Option<&str>| {
        let error = parish.ranking(month, Ranks::Areas).unwrap_err();
        assert_eq!(error.code(), "NO_RANKING");
        error.to_string()
    };
    assert!(problem(None).contains("no month of the ranking has begun"));
    assert!(problem(Some("2015-05")).contains("2015-05 has not begun"));
    parish.at("2015-05-10T12:00");
    let running = parish.ranking(None, Ranks::Areas).unwrap();
    // A month that has not ended: as of now.
    assert_eq!(running.month.to_string(), "2015-05");
    let time = |time: &str| Timestamp::parse(time).unwrap();
    assert_eq!(
        (running.at.now, running.at.effective),
        (true, time("2015-05-10T12:00:00+08:00"))
    );
    parish.at("2015-07-15T12:00");
    assert!(problem(Some("2015-07")).contains("does not rank 2015-07"));
    let last = parish.ranking(None, Ranks::Actors).unwrap();
    let end = time("2015-06-30T23:59:59.999999+08:00");
    assert_eq!(last.month.to_string(), "2015-06");
    assert_eq!(
        (last.at.effective, last.at.known, last.items.len()),
        (end, end, 0)
    );

    let silent = CAMPAIGN.replace(
        "[ranking]\nmonths = [\"2015-05\", \"2015-06\", \"2015-08\"]\nmin_population = 3\n",
        "",
    );
    let parish = Parish::of(&silent, "2015-07-01T08:00");
    for month in [None, Some("2015-06")] {
        let month = month.map(|month| Month::parse(month).unwrap());
        let error = parish.engine.ranking(month, Ranks::Areas).unwrap_err();
        assert!(error.to_string().contains("ranks nobody"), "{error}");
    }
}

#[test]
fn an_area_that_was_not_drawn_is_unverified_and_last() {
    let parish = Parish::new();
    parish.at("2015-05-31T12:00");
    // Before its day a target ranks nobody.
    let may = parish.ranking(None, Ranks::Areas).unwrap();
    assert_eq!(one(&may, "north").results.len(), 1);
    parish.at("2015-07-01T12:00");
    let undrawn = parish.june(Ranks::Areas);
    // The mill was built later; until then the south is one whole.
    assert_eq!(
        ranks(&undrawn),
        [(Some(1), "north"), (Some(1), "south"), (None, "east")]
    );
    assert_eq!(one(&undrawn, "north").ranked.unverified, 1);
    assert_eq!(result(&undrawn, "north", "rooms").result.state, State::Unverified);
    let east = one(&undrawn, "east");
    assert_eq!(
        (east.ranked.left_out, east.ranked.unranked),
        (2, Some(LeftOut::TooFew))
    );
    assert!(
        east.results
            .iter()
            .all(|result| result.left_out == Some(LeftOut::TooFew))
    );

    let parish = Parish::new();
    parish.at("2015-06-01T08:00");
    parish.drawn("a", "rooms", Some("north"), "2015-06-02T08:00");
    for number in 1..=5 {
        parish.saw("a", &format!("north-{number}"), Outcome::Present, "own", 3);
    }
    // What comes after the freeze is in no draw, and is there.
    parish.dwelling("north-6", "north", "own");
    parish.at("2015-07-01T12:00");
    let drawn = parish.june(Ranks::Areas);
    assert_eq!(
        ranks(&drawn),
        [(Some(1), "north"), (Some(2), "south"), (None, "east")]
    );
    let rooms = result(&drawn, "north", "rooms");
    assert_eq!(
        (rooms.result.state, rooms.result.population, counts(rooms)),
        (State::Met, 6, (5, 5, 0, 0))
    );
    assert_eq!(result(&drawn, "south", "rooms").result.population, 5);
}

#[test]
fn without_declared_areas_whoever_holds_records_is_ranked() {
    let (before, after) = CAMPAIGN.split_once("[[areas]]").unwrap();
    let (_, kinds) = after.split_once("[[kinds]]").unwrap();
    let parish = Parish::of(&format!("{before}[[kinds]]{kinds}"), "2015-05-01T08:00");
    for number in 0..4 {
        parish.dwelling(&format!("w{number}"), "west", "own");
    }
    parish.at("2015-07-01T12:00");
    let ranking = parish.june(Ranks::Areas);
    assert_eq!(ranks(&ranking), [(Some(1), "west")]);
    assert_eq!(
        (
            one(&ranking, "west").ranked.due,
            one(&ranking, "west").ranked.unverified
        ),
        (2, 1)
    );
}

#[test]
fn a_month_that_has_ended_keeps_its_campaign() {
    let parish = Parish::new();
    parish.at("2015-07-05T08:00");
    let june = parish.june(Ranks::Areas);
    let stricter = CAMPAIGN
        .replace("min_population = 3", "min_population = 50")
        .replace("\"2015-06\", \"2015-08\"", "\"2015-08\"")
        .replace("value = 90", "value = 100");
    parish.engine.change_campaign(&stricter, BECAUSE).unwrap();
    let again = parish.june(Ranks::Areas);
    assert_eq!((june.items, june.at), (again.items, again.at));
    parish.at("2015-08-05T08:00");
    let august = parish.ranking(None, Ranks::Areas).unwrap();
    assert!(august.items.iter().all(|item| item.ranked.rank.is_none()));
    // By then the mill stands for itself.
    assert_eq!(august.items.len(), 3);
    assert!(august.items.iter().any(|item| item.ranked.name == "mill"));
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

#[test]
fn an_error_is_of_the_person_whom_blame_names() {
    let parish = north_with_bob();
    let ranking = parish.june(Ranks::Actors);
    // Right: 1 and 2, whose rooms are bob's. Wrong: the use of 3, and 4. Gone: 5.
    let anna = result(&ranking, "anna", "rooms");
    assert_eq!(counts(anna), (2, 4, 0, 1));
    // The whole is 12 of hers: what was not drawn, in the south and in the east, is left open.
    assert_eq!(anna.result.population, 12);
    let near = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
    let bounds = anna.result.bounds;
    assert!(
        near(bounds.lower, 2.0 / 11.0) && near(bounds.upper, 9.0 / 11.0),
        "{bounds:?}"
    );
    // Wrong: the rooms of 2. Right: those of 3. Nobody has been to 6 yet.
    let bob = result(&ranking, "bob", "rooms");
    assert_eq!((counts(bob), bob.result.population), ((1, 2, 1, 0), 3));
    assert_eq!(
        (bob.result.bounds.lower, bob.result.bounds.upper),
        (1.0 / 3.0, 2.0 / 3.0)
    );
    assert_eq!((bob.result.state, bob.left_out), (State::Undecided, None));
    assert_eq!(ranks(&ranking), [(Some(1), "bob"), (Some(2), "anna")]);
    assert!(
        ranking.items.iter().all(|item| item.results.len() == 1),
        "accuracy alone"
    );
}

#[test]
fn a_record_that_was_voided_or_is_gone_is_an_error_of_its_maker() {
    let wrong = CAMPAIGN.replace("gone = \"aside\"\n", "");
    let parish = Parish::of(&wrong, "2015-05-01T08:00");
    for number in 1..=3 {
        parish.dwelling(&format!("north-{number}"), "north", "own");
        parish.take(&format!("dwelling/north-{number}"), "bob", correct(4));
    }
    parish.drawn("a", "rooms", None, "2015-06-02T08:00");
    parish.saw("a", "north-1", Outcome::Gone, "", 0);
    parish.take(
        "dwelling/north-2",
        "cleo",
        Deed::Deregister(Why::Plain(Reason::Erroneous)),
    );
    parish.at("2015-07-01T12:00");
    let ranking = parish.june(Ranks::Actors);
    assert_eq!(counts(result(&ranking, "anna", "rooms")), (0, 2, 1, 0));
    // What bob wrote there can no longer be judged.
    assert_eq!(counts(result(&ranking, "bob", "rooms")), (0, 0, 1, 2));
}

#[test]
fn whose_records_nobody_drew_is_unverified() {
    let parish = Parish::new();
    let own = vec![text("area", "north"), text("use", "own"), rooms(2)];
    parish.take("dwelling/other", "bob", Deed::Collect(own));
    // A field that is not essential makes a record nobody's.
    let note = Deed::Collect(vec![text("note", "blue door")]);
    parish.take("dwelling/north-1", "dora", note);
    parish.at("2015-07-01T12:00");
    let ranking = parish.june(Ranks::Actors);
    assert_eq!(ranks(&ranking), [(Some(1), "anna"), (None, "bob")]);
    let anna = result(&ranking, "anna", "rooms");
    assert_eq!(
        (anna.result.state, anna.result.population),
        (State::Unverified, 12)
    );
    assert_eq!(one(&ranking, "bob").ranked.unranked, Some(LeftOut::TooFew));
}

/// Cases that add up to a rate, and what they say of each record.
#[track_caller]
fn adds_up(parish: &Parish, indicator: &str, area: Option<&str>) -> Vec<RateCase> {
    let (cases, rate) = (parish.cases(indicator, area), parish.rate(indicator, area));
    let sum = |of: fn(&RateCase) -> u64| cases.iter().map(of).sum::<u64>();
    assert_eq!(
        (
            sum(|case| case.numerator),
            sum(|case| case.denominator),
            sum(|case| case.unknown)
        ),
        (rate.share.numerator, rate.share.denominator, rate.share.unknown),
        "{indicator} in {area:?}"
    );
    assert_eq!(
        sum(|case| case.aside),
        rate.sample.map_or(0, |sample| sample.aside),
        "{indicator} in {area:?}"
    );
    cases
}

#[test]
fn the_drawn_records_behind_an_accuracy_add_up_to_it() {
    let parish = north_with_bob();
    parish.at("2015-07-02T08:00");
    parish.drawn("b", "rooms", Some("south"), "2015-07-03T08:00");
    parish.saw("b", "south-1", Outcome::Present, "own", 3);
    let all = adds_up(&parish, "rooms", None);
    assert_eq!(all.len(), 11);
    assert_eq!(adds_up(&parish, "rooms", Some("south")).len(), 5);
    assert_eq!(adds_up(&parish, "rooms", Some("east")).len(), 0);
    let north = adds_up(&parish, "rooms", Some("north"));
    let found: Vec<_> = north.iter().map(|case| case.finding.unwrap()).collect();
    assert_eq!(found, ["right", "wrong", "wrong", "wrong", "gone", "not-visited"]);
    let two = &north[1];
    assert_eq!(
        (&*two.case, &*two.area, two.sample.as_deref()),
        ("dwelling/north-2", "north", Some("a"))
    );
    let sample = parish.engine.sample("a").unwrap();
    assert_eq!(
        (&*two.records[0].record, two.records[0].events[0]),
        ("sample/a", sample.position)
    );
    // Made, corrected by bob, and checked; what cleo corrected after the freeze is no part of it.
    let events = &two.records[1].events;
    let history = parish
        .engine
        .history(&name("dwelling/north-2"), shilu_model::Position::ZERO, 10)
        .unwrap();
    let history: Vec<_> = history
        .items
        .iter()
        .map(|stored| stored.event().position)
        .collect();
    assert_eq!(*events, [history[0], history[1], history[3]]);
    assert_eq!(two.records[1].outcome, Some("present"));

    // Page by page the same.
    let mut query = CasesQuery {
        indicator: "rooms".to_owned(),
        at: parish.engine.at(AsOf::Now, None).unwrap(),
        area: None,
        from: 0,
        limit: 4,
    };
    let mut paged = Vec::new();
    loop {
        let page = parish.engine.rate_evidence(&query).unwrap();
        paged.extend(page.items);
        match page.next {
            Some(next) => query.from = next,
            None => break,
        }
    }
    assert_eq!(paged, all);
}

#[test]
fn a_void_is_among_the_events_behind_an_accuracy() {
    let parish = Parish::new();
    parish.drawn("a", "rooms", Some("east"), "2015-06-02T08:00");
    parish.take(
        "dwelling/east-1",
        "cleo",
        Deed::Deregister(Why::Plain(Reason::Erroneous)),
    );
    let cases = adds_up(&parish, "rooms", Some("east"));
    assert_eq!((cases[0].finding, cases[0].denominator), (Some("wrong"), 1));
    let last = parish.engine.end().get() - 1;
    assert_eq!(cases[0].records[1].events.last().unwrap().get(), last);
}

#[test]
fn the_people_behind_a_roster_add_up_to_it() {
    let parish = Parish::new();
    for (place, area, people) in [("p", "north", 3), ("q", "south", 2), ("r", "south", 1)] {
        parish.dwelling(place, area, "rental");
        for number in 1..=people {
            let home = OwnedValue::Reference(format!("dwelling/{place}"));
            let record = format!("resident/{place}{number}");
            let own = text("name", &format!("{place}{number}"));
            let fields = vec![text("area", area), own, ("dwelling".to_owned(), Some(home))];
            parish.take(&record, "anna", Deed::Collect(fields));
            parish.take(&record, "anna", Deed::Register);
        }
    }
    parish.drawn("a", "consistency", None, "2015-06-02T08:00");
    let blind = |place: &str, found: &[&str]| Visited::Blind {
        place: name(&format!("dwelling/{place}")),
        outcome: Outcome::Present,
        found: found
            .iter()
            .map(|one| FoundChild {
                observed: vec![text("name", one)],
                not_seen: Vec::new(),
            })
            .collect(),
    };
    parish.visit("a", blind("p", &["p1", "stranger"]));
    parish.visit(
        "a",
        Visited::Revealed {
            place: name("dwelling/p"),
            answers: vec![(name("resident/p2"), RosterAnswer::UnknownHere)],
        },
    );
    // A step of it only: the second says nothing yet.
    parish.visit("a", blind("q", &["q1"]));

    let all = adds_up(&parish, "consistency", None);
    let numbers = |case: &RateCase| (case.numerator, case.denominator, case.unknown);
    let found: Vec<_> = all.iter().map(|case| (&*case.case, numbers(case))).collect();
    // p1 is there, nobody knew p2, nobody said where p3 is; q1 is there, q2 is open; nobody has been to r.
    let expected = [
        ("dwelling/p", (1, 2, 1)),
        ("dwelling/q", (1, 1, 1)),
        ("dwelling/r", (0, 0, 1)),
    ];
    assert_eq!(found, expected);
    adds_up(&parish, "consistency", Some("north"));
    assert_eq!(adds_up(&parish, "consistency", Some("south")).len(), 2);

    let people = |case: &RateCase| -> Vec<(String, Option<&'static str>)> {
        let records = case.records.iter().skip(2);
        records.map(|one| (one.record.clone(), one.outcome)).collect()
    };
    let (strangers, known): (Vec<_>, Vec<_>) = people(&all[0])
        .into_iter()
        .partition(|(record, _)| record.contains("found-"));
    assert_eq!((strangers.len(), strangers[0].1), (1, Some("unregistered")));
    let of = |key: &str, outcome| (format!("resident/{key}"), Some(outcome));
    assert_eq!(
        known,
        [
            of("p1", "present"),
            of("p2", "unknown-here"),
            of("p3", "not-seen")
        ]
    );
    // Each with its events: made, registered, and what the visit said.
    let p1 = all[0]
        .records
        .iter()
        .find(|one| one.record == "resident/p1")
        .unwrap();
    assert_eq!(p1.events.len(), 3);
    // Nobody is shown of a place before somebody has listed who is there.
    assert_eq!(people(&all[2]), []);
    assert_eq!(people(&all[1]), [of("q1", "present"), of("q2", "not-seen")]);
}

#[test]
fn at_a_deadline_a_draw_has_the_target_that_was_known_then() {
    let parish = Parish::new();
    parish.drawn("a", "rooms", None, "2015-06-02T08:00");
    for (number, seen) in [(1, 3), (2, 3), (3, 3), (4, 3), (5, 2)] {
        parish.saw("a", &format!("north-{number}"), Outcome::Present, "own", seen);
    }
    parish.at("2015-07-01T08:00");
    let lower = CAMPAIGN.replace("by = 2015-06-20, value = 95", "by = 2015-06-20, value = 80");
    parish.engine.change_campaign(&lower, BECAUSE).unwrap();
    let rate = parish.rate("rooms", Some("north"));
    let target = |rate: &Option<shilu_model::Target>| rate.as_ref().unwrap().value.to_string();
    assert_eq!(
        (target(&rate.target), rate.state),
        ("80 %".to_owned(), Some(State::Met))
    );
    let then = rate.at_deadline.unwrap();
    assert_eq!(
        (target(&then.target), then.state),
        ("95 %".to_owned(), Some(State::Short))
    );

    // A deadline that nobody knew on its day had no target then; an indicator that was not there says nothing.
    let moved = CAMPAIGN.replace("by = 2015-06-20, value = 95", "by = 2015-06-10, value = 95");
    parish.engine.change_campaign(&moved, BECAUSE).unwrap();
    let then = parish.rate("rooms", Some("north")).at_deadline.unwrap();
    assert_eq!((then.target, then.state), (None, None));
    let added = CAMPAIGN.replace("id = \"rooms\"", "id = \"other\"");
    parish.engine.change_campaign(&added, BECAUSE).unwrap();
    assert_eq!(parish.rate("other", Some("north")).at_deadline, None);
}

#[test]
fn a_check_that_cites_no_sample_is_behind_no_rate() {
    let parish = Parish::new();
    parish.drawn("a", "rooms", Some("north"), "2015-06-02T08:00");
    let check = Check {
        outcome: Outcome::Present,
        observed: vec![rooms(9)],
        not_seen: Vec::new(),
        area: None,
    };
    let own: Command = command("dwelling/north-1", "vera", Deed::Verify(check));
    submit(&parish.engine, vec![own]).unwrap();
    let cases = adds_up(&parish, "rooms", Some("north"));
    assert!(
        cases
            .iter()
            .all(|case| case.finding == Some("not-visited") && case.records[1].events.len() == 1)
    );
}
