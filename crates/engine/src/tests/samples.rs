//! Samples end to end: announced, drawn, visited, counted; and what somebody who wants another result can do about it.

mod signed;
mod steering;
mod witnessed;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use shilu_model::{
    Because as Reason, Check, Command, Day, Deed, EventId, Measure, Outcome, OwnedValue, Percent,
    Reason as Why, RosterRate, SAMPLE_CHECKPOINT, Since, Timestamp,
};
use shilu_sampling::{Basis, Commitment, Plan, RosterCounts};

use super::{code, command, evidence, name, settable, submit, until};
use crate::{
    Announced, Announcement, AsOf, Because, DrawnFigure, Engine, EngineError, Entered, FoundChild, Init,
    RosterAnswer, SampleSize, SampleState, Strata, VisitEntry, Visited, check_published,
};

const CAMPAIGN: &str = r#"
name = "Parish"
origin = "example.org/parish"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
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
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "area", required = true }
use = { type = "choice", values = ["own", "rental"] }
rooms = { type = "integer", essential = true }
[[kinds]]
id = "resident"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area", required = true }
name = { type = "text", essential = true, normal = "width" }
citizen = { type = "citizen-id" }
dwelling = { type = "reference", kinds = ["dwelling"] }
arrived = { type = "date" }
left = { type = "date" }
[[kinds]]
id = "shop"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area", required = true }
of = { type = "reference", kinds = ["dwelling"] }
trade = { type = "text", essential = true }
[[indicators]]
id = "rooms"
of = "dwelling"
measure = "accuracy"
targets = [{ by = 2015-06-20, value = 95 }]
[[indicators]]
id = "shops"
of = "shop"
where = { "of.use" = "rental" }
measure = "accuracy"
[[indicators]]
id = "empty"
of = "shop"
where = { trade = "smith" }
measure = "accuracy"
[[indicators]]
id = "registration"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "registration", grace_days = 3 }
[[indicators]]
id = "deregistration"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "deregistration", grace_days = 3, window_days = 30 }
[[indicators]]
id = "consistency"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "consistency", grace_days = 3 }
[[indicators]]
id = "accuracy"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "accuracy" }
[[indicators]]
id = "coverage"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "coverage" }
[[indicators]]
id = "complete"
of = "dwelling"
measure = "share"
complete = true
"#;

const BECAUSE: Because<'static> = Because {
    actor: "zhang",
    reason: "a test",
};

/// A register with a clock that is set.
struct Parish {
    dir: tempfile::TempDir,
    engine: Engine,
    clock: Arc<AtomicI64>,
}

impl Parish {
    fn new() -> Parish {
        Parish::of(CAMPAIGN)
    }

    fn of(campaign: &str) -> Parish {
        let dir = tempfile::tempdir().unwrap();
        let (clock, options) = settable("2015-05-01T08:00:00+08:00");
        let init = Init {
            campaign,
            actor: "mayor",
            simulated: false,
        };
        Engine::init(dir.path(), &init, &options).unwrap();
        evidence::witnesses::trust(dir.path());
        let engine = Engine::open(dir.path(), options).unwrap();
        Parish { dir, engine, clock }
    }

    /// One with dwellings of three rooms.
    fn with(dwellings: &[(&str, &str)]) -> Parish {
        let parish = Parish::new();
        for (key, area) in dwellings {
            parish.dwelling(key, area, "own");
        }
        parish
    }

    fn at(&self, time: &str) {
        let time = Timestamp::parse(&format!("{time}:00+08:00")).unwrap();
        self.clock.store(time.micros(), Ordering::SeqCst);
    }

    #[track_caller]
    fn take(&self, record: &str, actor: &str, deed: Deed) -> EventId {
        submit(&self.engine, vec![command(record, actor, deed)]).unwrap()[0].id
    }

    fn dwelling(&self, key: &str, area: &str, used: &str) {
        let fields = vec![text("area", area), text("use", used), rooms(3)];
        self.take(&format!("dwelling/{key}"), "anna", Deed::Collect(fields));
    }

    fn resident(&self, key: &str, fields: Vec<(String, Option<OwnedValue>)>, registered: bool) {
        let mut all = vec![text("area", "north"), text("name", key)];
        all.extend(fields);
        let record = format!("resident/{key}");
        self.take(&record, "anna", Deed::Collect(all));
        if registered {
            self.take(&record, "anna", Deed::Register);
        }
    }

    fn announcement(&self, id: &str, indicator: &str, draw_at: &str) -> Announcement {
        Announcement {
            id: id.to_owned(),
            indicator: indicator.to_owned(),
            area: None,
            size: SampleSize::Of(10),
            strata: Strata::Area,
            draw_at: Timestamp::parse(&format!("{draw_at}:00+08:00")).unwrap(),
            entropy: "none".to_owned(),
            actor: "zhang".to_owned(),
            reason: None,
        }
    }

    #[track_caller]
    fn announce(&self, id: &str, indicator: &str, draw_at: &str) -> Announced {
        self.engine
            .announce(&self.announcement(id, indicator, draw_at))
            .unwrap()
    }

    /// Announces and draws.
    #[track_caller]
    fn drawn(&self, id: &str, indicator: &str, draw_at: &str) {
        self.announce(id, indicator, draw_at);
        self.at(draw_at);
        self.engine.draw(id, None, BECAUSE).unwrap();
    }

    fn visit(&self, id: &str, actor: &str, what: Visited) -> Result<Entered, EngineError> {
        self.visit_as(id, actor, None, what)
    }

    fn visit_as(
        &self,
        id: &str,
        actor: &str,
        entry: Option<EventId>,
        what: Visited,
    ) -> Result<Entered, EngineError> {
        self.engine.visit(
            id,
            &VisitEntry {
                id: entry,
                actor: actor.to_owned(),
                reason: None,
                device: None,
                effective: Since::Recorded,
                visit: None,
                what,
            },
        )
    }

    fn saw(&self, id: &str, actor: &str, record: &str, seen: i64) -> Result<Entered, EngineError> {
        let what = Visited::Record {
            record: name(record),
            outcome: Outcome::Present,
            observed: vec![rooms(seen)],
            not_seen: Vec::new(),
        };
        self.visit(id, actor, what)
    }

    fn missed(&self, id: &str, actor: &str, record: &str, outcome: Outcome) -> Result<Entered, EngineError> {
        let (observed, not_seen) = (Vec::new(), Vec::new());
        let what = Visited::Record {
            record: name(record),
            outcome,
            observed,
            not_seen,
        };
        self.visit(id, actor, what)
    }

    #[track_caller]
    fn figures(&self, indicator: &str, area: Option<&str>, by_area: bool) -> Vec<DrawnFigure> {
        let campaign = self.engine.campaign();
        let at = self.engine.at(AsOf::Now, None).unwrap();
        let indicator = campaign.indicator(indicator).unwrap();
        self.engine.drawn(indicator, area, by_area, at).unwrap()
    }

    #[track_caller]
    fn figure(&self, indicator: &str) -> DrawnFigure {
        self.figures(indicator, None, false).remove(0)
    }
}

fn text(field: &str, text: &str) -> (String, Option<OwnedValue>) {
    (field.to_owned(), Some(OwnedValue::Text(text.to_owned())))
}

fn rooms(number: i64) -> (String, Option<OwnedValue>) {
    ("rooms".to_owned(), Some(OwnedValue::Integer(number)))
}

fn date(field: &str, day: &str) -> (String, Option<OwnedValue>) {
    (field.to_owned(), Some(OwnedValue::Date(Day::parse(day).unwrap())))
}

fn at_home(dwelling: &str) -> (String, Option<OwnedValue>) {
    let reference = OwnedValue::Reference(format!("dwelling/{dwelling}"));
    ("dwelling".to_owned(), Some(reference))
}

fn correct(rooms: i64) -> Deed {
    Deed::Correct(vec![shilu_model::Correction {
        field: "rooms".to_owned(),
        before: None,
        after: Some(OwnedValue::Integer(rooms)),
    }])
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> &'static str {
    answer.unwrap_err().code()
}

fn counts(figure: &DrawnFigure) -> (u64, u64, u64) {
    let counts = figure.estimate.counts;
    (counts.right, counts.wrong, counts.unknown)
}

const FOUR: [(&str, &str); 4] = [("1", "north"), ("2", "north"), ("3", "south"), ("4", "south")];

#[test]
fn an_announcement_says_what_it_freezes_and_no_seed_can_be_known() {
    let parish = Parish::with(&FOUR);
    parish.dwelling("5", "north", "rental");
    let of = |dwelling: &str| ("of".to_owned(), at_home(dwelling).1);
    parish.take(
        "shop/1",
        "anna",
        Deed::Collect(vec![text("area", "south"), of("5"), text("trade", "tailor")]),
    );
    parish.take(
        "shop/2",
        "anna",
        Deed::Collect(vec![text("area", "south"), of("4"), text("trade", "tailor")]),
    );
    let announced = parish.announce("a", "rooms", "2015-05-02T08:00");
    let strata: Vec<_> = announced
        .population
        .iter()
        .map(|(area, size)| (area.as_str(), *size))
        .collect();
    assert_eq!(strata, [("north", 3), ("south", 2)]);
    assert_eq!(announced.held_from_size, announced.event.position.get() + 1);
    // One hop: the shop in a rental.
    assert_eq!(
        parish
            .announce("b", "shops", "2015-05-02T08:00")
            .population
            .values()
            .sum::<u64>(),
        1
    );

    let now = parish.announcement("c", "rooms", "2015-05-01T08:00");
    assert_eq!(refused(parish.engine.announce(&now)), "SEED_KNOWABLE");
    let other = |change: &dyn Fn(&mut Announcement)| {
        let mut announcement = parish.announcement("c", "rooms", "2015-05-02T08:00");
        change(&mut announcement);
        refused(parish.engine.announce(&announcement))
    };
    assert_eq!(other(&|it| it.id = "a".to_owned()), "SAMPLE_FIXED");
    assert_eq!(other(&|it| it.indicator = "complete".to_owned()), "BAD_VALUE");
    assert_eq!(other(&|it| it.indicator = "nothing".to_owned()), "BAD_VALUE");
    assert_eq!(other(&|it| it.indicator = "empty".to_owned()), "NOTHING_TO_DRAW");
    assert_eq!(other(&|it| it.entropy = "commitments:".to_owned()), "BAD_VALUE");
    let plan = |planned| {
        SampleSize::For(Plan {
            target: Percent::parse("95").unwrap(),
            planned: Percent::parse(planned).unwrap(),
            power: 0.8,
        })
    };
    assert_eq!(other(&|it| it.size = plan("95")), "BAD_PLAN");
    let mut planned = parish.announcement("planned", "rooms", "2015-05-02T08:00");
    planned.size = plan("98");
    // Each stratum is too small for a part of it to show anything.
    assert_eq!(parish.engine.announce(&planned).unwrap().size, 3);
}

#[test]
fn a_sample_is_drawn_once_by_a_checkpoint_of_its_time() {
    let parish = Parish::with(&FOUR);
    let mut one = parish.announcement("a", "rooms", "2015-05-02T08:00");
    one.size = SampleSize::Of(1);
    parish.engine.announce(&one).unwrap();
    assert_eq!(refused(parish.engine.draw("a", None, BECAUSE)), "DRAW_NOT_DUE");
    assert_eq!(refused(parish.engine.draw("b", None, BECAUSE)), "NO_RECORD");
    assert_eq!(refused(parish.saw("a", "vera", "dwelling/1", 3)), "NO_DRAW");
    assert_eq!(parish.engine.sample("a").unwrap().state, SampleState::Announced);

    parish.at("2015-05-02T09:00");
    assert_eq!(
        refused(parish.engine.draw("a", Some("4711"), BECAUSE)),
        "REVEAL_WRONG"
    );
    let drawn = parish.engine.draw("a", None, BECAUSE).unwrap();
    assert!(drawn.steerable);
    assert_eq!(drawn.state, SampleState::Drawn);
    let draw = drawn.draw.unwrap();
    assert!(draw.covered >= drawn.draw_at && draw.size > drawn.position.get());
    let strata: Vec<_> = draw
        .visits
        .iter()
        .map(|visit| visit.drawn.stratum.as_str())
        .collect();
    assert_eq!(strata, ["north", "south"]);

    // Whatever happens later, and however often it is asked for, the draw stays as it is.
    parish.dwelling("9", "north", "own");
    parish.take(
        "dwelling/1",
        "anna",
        Deed::Deregister(Why::Plain(Reason::Erroneous)),
    );
    let again = parish.engine.draw("a", None, BECAUSE).unwrap().draw.unwrap();
    assert_eq!((again.seed, again.size), (draw.seed.clone(), draw.size));
    let checked = parish.engine.check_sample("a").unwrap().sample.draw.unwrap();
    assert_eq!(
        checked.visits,
        parish.engine.sample("a").unwrap().draw.unwrap().visits
    );
    assert_eq!(
        checked.records().collect::<Vec<_>>(),
        draw.records().collect::<Vec<_>>()
    );
}

#[test]
fn a_checkpoint_that_was_known_before_the_time_of_the_draw_seeds_nothing() {
    let parish = Parish::with(&FOUR);
    let announced = parish.announce("a", "rooms", "2015-05-02T08:00");
    until(|| parish.engine.publication().borrow().size() >= announced.held_from_size);
    let early = parish
        .engine
        .publication()
        .borrow()
        .checkpoint
        .clone()
        .unwrap()
        .to_string();
    parish.at("2015-05-02T09:00");
    let store = |id: &str, note: &str| {
        let record = format!("sample/{id}");
        parish.take(
            &record,
            "zhang",
            Deed::Collect(vec![text(SAMPLE_CHECKPOINT, note)]),
        );
        let sample = parish.engine.sample(id).unwrap();
        assert_eq!(sample.state, SampleState::Invalid);
        sample.draw.unwrap().problem.unwrap()
    };
    assert!(store("a", &early).contains("before the announced time"));
    assert_eq!(refused(parish.saw("a", "vera", "dwelling/1", 3)), "DRAW_INVALID");
    assert_eq!(refused(parish.engine.check_sample("a")), "DRAW_INVALID");
    // It cannot be mended: the announcement has had its draw.
    assert_eq!(
        parish.engine.draw("a", None, BECAUSE).unwrap().state,
        SampleState::Invalid
    );

    parish.announce("b", "rooms", "2015-05-03T08:00");
    parish.at("2015-05-03T08:00");
    assert!(store("b", "no note").contains("is none"));
    parish.announce("c", "rooms", "2015-05-04T08:00");
    parish.at("2015-05-04T08:00");
    assert!(store("c", &early).contains("between the announcement and the draw"));
    // Only what holds is a figure's ground; all of them are listed.
    let figure = parish.figure("rooms");
    assert_eq!(
        (figure.estimate.basis, figure.draws, figure.sample),
        (Basis::Undrawn, 3, None)
    );
}

#[test]
fn secrets_of_auditors_seed_a_draw_that_nobody_can_steer() {
    let parish = Parish::with(&FOUR);
    let (one, two) = ("the county's secret", "the village's secret");
    let commitments = [one, two].map(|secret| Commitment::of(secret.as_bytes()).to_string());
    let mut announcement = parish.announcement("a", "rooms", "2015-05-02T08:00");
    announcement.entropy = format!("commitments:{}", commitments.join(","));
    parish.engine.announce(&announcement).unwrap();
    parish.at("2015-05-02T08:00");
    let draw = |revealed: Option<&str>| parish.engine.draw("a", revealed, BECAUSE);
    // The checkpoint is held before anybody gives a secret away.
    for _ in 0..2 {
        let waiting = draw(None).unwrap();
        assert_eq!(
            (waiting.state, waiting.draw.is_none()),
            (SampleState::Waiting, true)
        );
    }
    assert_eq!(
        refused(parish.saw("a", "vera", "dwelling/1", 3)),
        "REVEAL_MISSING"
    );
    assert_eq!(parish.figure("rooms").estimate.basis, Basis::Undrawn);
    assert_eq!(refused(draw(Some(one))), "REVEAL_WRONG");
    assert_eq!(refused(draw(Some(&format!("{two}\n{one}")))), "REVEAL_WRONG");
    assert_eq!(
        refused(draw(Some(&format!("{one}\n{two}\n{two}")))),
        "REVEAL_WRONG"
    );
    let drawn = draw(Some(&format!("{one}\n{two}\n"))).unwrap();
    assert!(!drawn.steerable);
    assert_eq!(drawn.draw.unwrap().revealed.unwrap(), format!("{one}\n{two}"));

    let mut public = parish.announcement("b", "rooms", "2015-05-03T08:00");
    public.entropy = "public:3D 2015093".to_owned();
    parish.engine.announce(&public).unwrap();
    parish.at("2015-05-03T08:00");
    assert!(!parish.engine.draw("b", Some("471"), BECAUSE).unwrap().steerable);
}

#[test]
fn corrections_and_voids_after_the_announcement_help_nobody() {
    let parish = Parish::with(&FOUR);
    parish.take("dwelling/1", "anna", correct(4));
    parish.announce("a", "rooms", "2015-05-02T08:00");
    // All of this comes too late: the wrong value is put right, the wrong record voided, one taken out of scope.
    parish.take("dwelling/1", "anna", correct(3));
    parish.take(
        "dwelling/2",
        "anna",
        Deed::Deregister(Why::Plain(Reason::Erroneous)),
    );
    parish.take(
        "dwelling/3",
        "anna",
        Deed::Deregister(Why::Plain(Reason::Erroneous)),
    );
    parish.at("2015-05-02T08:00");
    parish.engine.draw("a", None, BECAUSE).unwrap();
    let figure = parish.figure("rooms");
    // Both that were voided are wrong before anybody goes there.
    assert_eq!(counts(&figure), (0, 2, 2));
    for record in ["dwelling/1", "dwelling/2", "dwelling/4"] {
        parish.saw("a", "vera", record, 3).unwrap();
    }
    assert_eq!(counts(&parish.figure("rooms")), (1, 3, 0));
    let sample = parish.engine.sample("a").unwrap();
    assert_eq!((sample.state, sample.settled), (SampleState::Drawn, 3));
    // As it was known before the visits, the figure is as it was.
    let at = parish
        .engine
        .at(AsOf::Position(shilu_model::Position::new(0)), None)
        .unwrap();
    let campaign = parish.engine.campaign();
    let before = parish
        .engine
        .drawn(campaign.indicator("rooms").unwrap(), None, false, at)
        .unwrap();
    assert_eq!((before[0].estimate.basis, before[0].draws), (Basis::Undrawn, 0));
}

#[test]
fn drawing_again_until_it_passes_is_seen() {
    let parish = Parish::with(&FOUR);
    let all = |id: &str, rooms: i64| {
        for key in ["1", "2", "3", "4"] {
            parish.saw(id, "vera", &format!("dwelling/{key}"), rooms).unwrap();
        }
    };
    parish.drawn("first", "rooms", "2015-05-02T08:00");
    all("first", 3);
    assert_eq!(counts(&parish.figure("rooms")), (4, 0, 0));
    parish.at("2015-06-01T08:00");
    parish.drawn("second", "rooms", "2015-06-02T08:00");
    // One that is not complete does not count before one that is.
    parish.saw("second", "vera", "dwelling/1", 2).unwrap();
    assert_eq!(parish.figure("rooms").sample.as_deref(), Some("first"));
    parish.saw("second", "vera", "dwelling/2", 2).unwrap();
    parish.saw("second", "vera", "dwelling/3", 3).unwrap();
    parish.saw("second", "vera", "dwelling/4", 3).unwrap();
    let figure = parish.figure("rooms");
    assert_eq!((counts(&figure), figure.in_time), ((2, 2, 0), true));
    // After the deadline, and as good as one likes.
    parish.at("2015-06-21T08:00");
    parish.drawn("third", "rooms", "2015-06-22T08:00");
    all("third", 3);
    // Announced in time, visited too late.
    let figure = parish.figure("rooms");
    assert_eq!((counts(&figure), figure.draws), ((2, 2, 0), 3));
    assert_eq!(
        (figure.sample.as_deref(), figure.steerable),
        (Some("second"), true)
    );
    let listed = parish.engine.samples(Some("rooms")).unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|sample| (sample.id.as_str(), sample.number))
        .collect();
    assert_eq!(listed, [("third", (3, 3)), ("second", (2, 3)), ("first", (1, 3))]);
    assert_eq!(parish.engine.sample("second").unwrap().number, (2, 3));
}

#[test]
fn a_draw_that_is_completed_late_does_not_go_before_one_that_was_not() {
    let parish = Parish::with(&[("1", "north")]);
    parish.drawn("first", "rooms", "2015-05-02T08:00");
    parish.saw("first", "vera", "dwelling/1", 2).unwrap();
    parish.drawn("second", "rooms", "2015-05-03T08:00");
    parish.at("2015-05-17T08:01");
    parish.saw("second", "vera", "dwelling/1", 3).unwrap();
    let figure = parish.figure("rooms");
    assert_eq!(
        (figure.sample.as_deref(), counts(&figure)),
        (Some("first"), (0, 1, 0))
    );
}

#[test]
fn an_area_that_is_divided_one_day_must_be_drawn_until_then() {
    let divided = "[[areas]]\nid = \"south-end\"\nparent = \"south\"\nfrom = 2040-01-01\n[[kinds]]";
    let parish = Parish::of(&CAMPAIGN.replacen("[[kinds]]", divided, 1));
    for (key, area) in FOUR {
        parish.dwelling(key, area, "own");
    }
    let mut north = parish.announcement("north", "rooms", "2015-05-02T08:00");
    north.area = Some("north".to_owned());
    parish.engine.announce(&north).unwrap();
    parish.at("2015-05-02T08:00");
    parish.engine.draw("north", None, BECAUSE).unwrap();
    for record in ["dwelling/1", "dwelling/2"] {
        parish.saw("north", "vera", record, 3).unwrap();
    }
    assert_eq!(parish.figure("rooms").estimate.basis, Basis::Undrawn);
}

#[test]
fn a_town_with_a_part_that_was_not_drawn_is_unverified() {
    let parish = Parish::with(&FOUR);
    let mut north = parish.announcement("north", "rooms", "2015-05-02T08:00");
    north.area = Some("north".to_owned());
    parish.engine.announce(&north).unwrap();
    parish.at("2015-05-02T08:00");
    parish.engine.draw("north", None, BECAUSE).unwrap();
    for record in ["dwelling/1", "dwelling/2"] {
        parish.saw("north", "vera", record, 3).unwrap();
    }
    let figures = |parish: &Parish| -> Vec<_> {
        let figures = parish.figures("rooms", None, true).into_iter();
        figures
            .map(|figure| {
                (
                    figure.area.clone().unwrap(),
                    counts(&figure),
                    figure.estimate.basis == Basis::Undrawn,
                )
            })
            .collect()
    };
    let named = |area: &str, counts, undrawn| (area.to_owned(), counts, undrawn);
    assert_eq!(
        figures(&parish),
        [
            named("parish", (2, 0, 0), true),
            named("north", (2, 0, 0), false),
            named("south", (0, 0, 0), true)
        ]
    );
    assert_eq!(parish.figure("rooms").estimate.basis, Basis::Undrawn);

    // The other part, drawn as one stratum by a sample of its own.
    let mut south = parish.announcement("south", "rooms", "2015-05-03T08:00");
    (south.area, south.strata) = (Some("south".to_owned()), Strata::None);
    parish.engine.announce(&south).unwrap();
    parish.at("2015-05-03T08:00");
    parish.engine.draw("south", None, BECAUSE).unwrap();
    parish.saw("south", "vera", "dwelling/3", 3).unwrap();
    parish.saw("south", "vera", "dwelling/4", 2).unwrap();
    assert_eq!(
        figures(&parish),
        [
            named("parish", (3, 1, 0), false),
            named("north", (2, 0, 0), false),
            named("south", (1, 1, 0), false)
        ]
    );
    let town = parish.figure("rooms");
    assert_eq!(
        (town.samples, town.population),
        (vec!["south".to_owned(), "north".to_owned()], 4)
    );
    let only = parish.figures("rooms", Some("north"), false);
    assert_eq!((counts(&only[0]), only[0].draws), ((2, 0, 0), 1));
}

#[test]
fn a_visit_is_settled_once() {
    let parish = Parish::with(&FOUR);
    let mut two = parish.announcement("a", "rooms", "2015-05-02T08:00");
    two.size = SampleSize::Of(1);
    parish.engine.announce(&two).unwrap();
    parish.at("2015-05-02T08:00");
    let draw = parish.engine.draw("a", None, BECAUSE).unwrap().draw.unwrap();
    let drawn: Vec<_> = draw.records().map(ToString::to_string).collect();
    let not = FOUR
        .iter()
        .map(|(key, _)| format!("dwelling/{key}"))
        .find(|record| !drawn.contains(record))
        .unwrap();
    assert_eq!(refused(parish.saw("a", "vera", &not, 3)), "NOT_DRAWN");
    // Whoever made the record cannot verify it.
    assert_eq!(refused(parish.saw("a", "anna", &drawn[0], 3)), "OWN_WORK");
    let blind = Visited::Blind {
        place: name(&drawn[0]),
        outcome: Outcome::Present,
        found: Vec::new(),
    };
    assert_eq!(refused(parish.visit("a", "vera", blind)), "WRONG_VISIT");

    // Two attempts at the same hour are one; the third hour settles it.
    for (time, settled) in [
        ("2015-05-02T09:10", 0),
        ("2015-05-03T09:40", 0),
        ("2015-05-03T10:05", 0),
        ("2015-05-03T18:00", 1),
    ] {
        parish.at(time);
        parish.missed("a", "vera", &drawn[0], Outcome::NoContact).unwrap();
        assert_eq!(parish.engine.sample("a").unwrap().settled, settled, "{time}");
    }
    assert_eq!(refused(parish.saw("a", "vera", &drawn[0], 3)), "ALREADY_VISITED");
    // Past the rules for visits it is taken as an event, and changes nothing.
    let cause = parish.engine.sample("a").unwrap().announcement;
    let observed = vec![rooms(3)];
    let check = Check {
        outcome: Outcome::Present,
        observed,
        not_seen: Vec::new(),
        area: None,
    };
    let mut smuggled: Command = command(&drawn[0], "vera", Deed::Verify(check.clone()));
    smuggled.cause = Some(cause);
    submit(&parish.engine, vec![smuggled]).unwrap();
    assert_eq!(counts(&parish.figure("rooms")), (0, 0, 2));
    let mut stray = command(&not, "vera", Deed::Verify(check));
    stray.cause = Some(cause);
    submit(&parish.engine, vec![stray]).unwrap();
    assert_eq!(parish.engine.check_sample("a").unwrap().strays, [name(&not)]);

    parish.saw("a", "vera", &drawn[1], 2).unwrap();
    assert_eq!(refused(parish.saw("a", "wen", &drawn[1], 3)), "ALREADY_VISITED");
    assert_eq!(counts(&parish.figure("rooms")), (0, 1, 1));
    assert_eq!(parish.engine.sample("a").unwrap().state, SampleState::Complete);
}

#[test]
fn verifiers_go_where_the_seed_sends_them() {
    let parish = Parish::with(&FOUR);
    parish.drawn("a", "rooms", "2015-05-02T08:00");
    let crew = "actor,area,team\nnora,north,red\nsue,south,blue\nwest,,\n";
    assert_eq!(refused(parish.engine.assign("a", crew, BECAUSE)), "BAD_VALUE");
    assert_eq!(
        refused(parish.engine.assign("a", "nora,north,red", BECAUSE)),
        "NO_VERIFIER"
    );
    let crew = "actor,area,team\r\nnora,north,red\nsue,south,blue\nwil,town,green\n";
    let assigned = parish.engine.assign("a", crew, BECAUSE).unwrap();
    assert_eq!(assigned, parish.engine.assign("a", crew, BECAUSE).unwrap());
    assert_eq!(
        refused(
            parish
                .engine
                .assign("a", "sue,south,blue\nnora,north,red", BECAUSE)
        ),
        "SAMPLE_FIXED"
    );
    assert_eq!(assigned.visits.len(), 4);
    for visit in &assigned.visits {
        assert_ne!((visit.verifier.as_str(), visit.area.as_str()), ("nora", "north"));
        assert_ne!((visit.verifier.as_str(), visit.area.as_str()), ("sue", "south"));
    }
    let third = assigned
        .visits
        .iter()
        .find(|visit| visit.recheck.is_some())
        .unwrap();
    assert_eq!(
        assigned
            .visits
            .iter()
            .filter(|visit| visit.recheck.is_some())
            .count(),
        1
    );
    let (record, again) = (third.record.to_string(), third.recheck.clone().unwrap());
    assert_eq!(refused(parish.saw("a", "vera", &record, 3)), "NOT_ASSIGNED");
    assert_eq!(refused(parish.saw("a", &again, &record, 3)), "NOT_ASSIGNED");
    // Nor does it count if it comes past the rules for visits.
    let observed = vec![rooms(3)];
    let check = Check {
        outcome: Outcome::Present,
        observed,
        not_seen: Vec::new(),
        area: None,
    };
    let mut smuggled: Command = command(&record, "vera", Deed::Verify(check));
    smuggled.cause = Some(parish.engine.sample("a").unwrap().announcement);
    submit(&parish.engine, vec![smuggled]).unwrap();
    assert_eq!(counts(&parish.figure("rooms")), (0, 0, 4));
    parish.saw("a", &third.verifier, &record, 2).unwrap();
    assert_eq!(
        refused(parish.saw("a", &third.verifier, &record, 3)),
        "ALREADY_VISITED"
    );
    parish.saw("a", &again, &record, 3).unwrap();
    assert_eq!(refused(parish.saw("a", &again, &record, 3)), "ALREADY_VISITED");
    // The third person says something else: that is shown, and changes no verdict.
    let draw = parish.engine.sample("a").unwrap().draw.unwrap();
    let shown = draw
        .visits
        .iter()
        .find(|visit| visit.drawn.record == third.record)
        .unwrap();
    assert_eq!(
        (shown.finding, shown.recheck_agrees),
        (Some("wrong"), Some(false))
    );
    assert_eq!(counts(&parish.figure("rooms")), (0, 1, 3));
}

#[test]
fn who_has_worked_on_what_was_drawn_is_not_sent_there() {
    let parish = Parish::with(&FOUR);
    parish.take("dwelling/3", "wil", correct(2));
    parish.drawn("a", "rooms", "2015-05-02T08:00");
    // Nobody but them could go south, and they have worked there.
    let crew = "wil,town,green\nsue,south,blue";
    assert_eq!(refused(parish.engine.assign("a", crew, BECAUSE)), "NO_VERIFIER");
    let crew = "wil,town,green\nsue,south,blue\nwen,town,grey";
    let assigned = parish.engine.assign("a", crew, BECAUSE).unwrap();
    let mut south = assigned.visits.iter().filter(|visit| visit.area == "south");
    assert!(south.all(|visit| visit.verifier == "wen"));
}

/// A citizen id with its check digit (GB 11643).
fn citizen(body: &str) -> String {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body
        .bytes()
        .zip(weights)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!(
        "{body}{}",
        char::from(b"10X98765432"[usize::try_from(sum % 11).unwrap()])
    )
}

/// The place of `docs/sampling.md`, as the register has it on 1 June.
fn worked_example() -> Parish {
    let parish = Parish::new();
    parish.dwelling("here", "north", "rental");
    parish.dwelling("there", "north", "own");
    for key in ["li", "wang", "left-28", "unknown", "left-29", "left-june"] {
        parish.resident(key, vec![at_home("here")], true);
    }
    let zhao = citizen("11010519491231002");
    parish.resident("zhao", vec![at_home("there"), text("citizen", &zhao)], true);
    parish.resident("qian", vec![at_home("here")], false);
    for key in ["sun", "gone-17", "gone-16"] {
        parish.resident(key, vec![at_home("here")], true);
    }
    let moved = || Deed::Deregister(Why::Plain(Reason::MovedOut));
    parish.at("2015-05-10T12:00");
    parish.take("resident/sun", "anna", moved());
    parish.at("2015-05-20T12:00");
    parish.take("resident/gone-17", "anna", moved());
    // Dated back to the day of the leaving, a late deregistration is as late: that is when the register learned of it.
    let mut late = command("resident/gone-16", "anna", moved());
    let left = Timestamp::parse("2015-05-16T12:00:00+08:00").unwrap();
    late.effective = Since::At(left);
    submit(&parish.engine, vec![late]).unwrap();
    parish.at("2015-06-01T12:00");
    parish
}

/// Visits the place of the example for a sample.
fn visit_example(parish: &Parish, id: &str) {
    let found = |name: &str, arrived: Option<&str>| {
        let mut observed = vec![text("name", name)];
        observed.extend(arrived.map(|arrived| date("arrived", arrived)));
        FoundChild {
            observed,
            not_seen: Vec::new(),
        }
    };
    let mut zhao = found("someone", None);
    zhao.observed.push(text("citizen", &citizen("11010519491231002")));
    // In full-width letters: the normal form is the same.
    let list = vec![
        found("ｌｉ", None),
        found("wang", None),
        zhao,
        found("qian", Some("2015-05-01")),
        found("sun", Some("2015-05-01")),
        found("zhou", Some("2015-05-28")),
        found("wu", Some("2015-05-29")),
        found("feng", Some("2015-06-02")),
        found("chen", None),
    ];
    let place = name("dwelling/here");
    let second = |answers| Visited::Revealed {
        place: place.clone(),
        answers,
    };
    let nobody = second(vec![(name("resident/unknown"), RosterAnswer::UnknownHere)]);
    assert_eq!(refused(parish.visit(id, "vera", nobody)), "STEP_MISSING");
    let blind = Visited::Blind {
        place: place.clone(),
        outcome: Outcome::Present,
        found: list,
    };
    let entered = parish.visit(id, "vera", blind.clone()).unwrap();
    assert_eq!(entered.events.len(), 10);
    assert_eq!(refused(parish.visit(id, "vera", blind)), "ALREADY_VISITED");
    let mut shown: Vec<_> = entered
        .revealed
        .iter()
        .map(|one| (one.record.key(), one.registered))
        .collect();
    shown.sort_unstable();
    let stale = [
        ("left-28", true),
        ("left-29", true),
        ("left-june", true),
        ("unknown", true),
    ];
    let expected: Vec<_> = match id {
        "deregistration" => [("gone-16", false), ("gone-17", false)]
            .into_iter()
            .chain(stale)
            .collect(),
        _ => stale.to_vec(),
    };
    assert_eq!(shown, expected);
    let named = entered
        .revealed
        .iter()
        .find(|one| one.record.key() == "left-28")
        .unwrap();
    assert_eq!(
        named.fields,
        [("name".to_owned(), OwnedValue::Text("left-28".to_owned()))]
    );
    assert!(!parish.engine.sample(id).unwrap().draw.unwrap().visits[0].settled);

    let day = |day: &str| RosterAnswer::Gone(Day::parse(day).unwrap());
    let answer = |key: &str, answer| (name(&format!("resident/{key}")), answer);
    let stranger = second(vec![answer("li", RosterAnswer::NotSeen)]);
    assert_eq!(refused(parish.visit(id, "vera", stranger)), "NOT_ASKED");
    let mut answers = vec![
        answer("left-28", day("2015-05-28")),
        answer("unknown", RosterAnswer::UnknownHere),
        answer("left-29", day("2015-05-29")),
        answer("left-june", day("2015-06-03")),
    ];
    if id == "deregistration" {
        answers.push(answer("gone-17", day("2015-05-17")));
        answers.push(answer("gone-16", day("2015-05-16")));
    }
    parish.visit(id, "vera", second(answers.clone())).unwrap();
    assert_eq!(
        refused(parish.visit(id, "vera", second(answers))),
        "ALREADY_VISITED"
    );
    assert_eq!(parish.engine.sample(id).unwrap().state, SampleState::Complete);
}

#[test]
fn the_worked_roster_counts_what_the_documentation_says() {
    let parish = worked_example();
    let rates = [
        "registration",
        "deregistration",
        "consistency",
        "accuracy",
        "coverage",
    ];
    for rate in rates {
        parish.announce(rate, rate, "2015-06-02T12:00");
    }
    parish.at("2015-06-04T12:00");
    for rate in rates {
        parish.engine.draw(rate, None, BECAUSE).unwrap();
        assert_eq!(parish.engine.sample(rate).unwrap().draw.unwrap().visits.len(), 1);
        visit_example(&parish, rate);
    }
    let of = |rate: &str| {
        let figure = parish.figure(rate);
        (counts(&figure), figure.roster.unwrap())
    };
    let (registration, seen) = of("registration");
    assert_eq!(registration, (3, 3, 1));
    let RosterCounts {
        registered,
        unregistered,
        here,
        found,
        found_live,
        ..
    } = seen;
    assert_eq!(
        (registered, unregistered, here, found, found_live),
        (3, 3, 2, 8, 4)
    );
    let (deregistration, seen) = of("deregistration");
    assert_eq!(deregistration, (1, 3, 0));
    assert_eq!((seen.in_time, seen.late, seen.stale), (1, 1, 2));
    assert_eq!(of("consistency").0, (2, 2, 0));
    assert_eq!(of("coverage").0, (4, 4, 0));
    // Of the two who are here the names are equal; one whom nobody ever knew is an error.
    assert_eq!(of("accuracy").0, (1, 2, 0));
    let total = parish.figure("coverage").total.unwrap();
    assert_eq!((total.value, parish.figure("registration").total), (8.0, None));
    // Whom the visitors found and nobody had collected is in no list of the register.
    let at = parish.engine.at(AsOf::Now, None).unwrap();
    let indicator = parish.engine.campaign();
    assert!(matches!(
        indicator.indicator("coverage").unwrap().measure,
        Measure::Roster {
            rate: RosterRate::Coverage,
            ..
        }
    ));
    let list = crate::ListQuery {
        kind: Some("resident".to_owned()),
        area: None,
        status: None,
        found_too: false,
        text: None,
        at,
        after: None,
        limit: 100,
    };
    assert_eq!(parish.engine.records(&list).unwrap().items.len(), 11);
}

#[test]
fn a_place_that_does_not_open_makes_all_unknown() {
    let parish = worked_example();
    parish.announce("consistency", "consistency", "2015-06-02T12:00");
    parish.at("2015-06-02T12:00");
    parish.engine.draw("consistency", None, BECAUSE).unwrap();
    let closed = || Visited::Blind {
        place: name("dwelling/here"),
        outcome: Outcome::Refused,
        found: Vec::new(),
    };
    for hour in ["09", "13", "19"] {
        assert_eq!(counts(&parish.figure("consistency")), (0, 0, 6));
        parish.at(&format!("2015-06-03T{hour}:00"));
        parish.visit("consistency", "vera", closed()).unwrap();
    }
    assert_eq!(
        refused(parish.visit("consistency", "vera", closed())),
        "ALREADY_VISITED"
    );
    assert_eq!(
        parish.engine.sample("consistency").unwrap().state,
        SampleState::Complete
    );
    assert_eq!(counts(&parish.figure("consistency")), (0, 0, 6));
}

#[test]
fn whoever_has_the_published_files_draws_the_same() {
    let parish = Parish::with(&FOUR);
    let mut two = parish.announcement("a", "rooms", "2015-05-02T08:00");
    (two.size, two.strata) = (SampleSize::Of(2), Strata::None);
    parish.engine.announce(&two).unwrap();
    parish.at("2015-05-02T08:00");
    let draw = parish.engine.draw("a", None, BECAUSE).unwrap().draw.unwrap();
    parish
        .saw("a", "vera", &draw.visits[0].drawn.record.to_string(), 3)
        .unwrap();
    let end = parish.engine.end().get();
    until(|| parish.engine.publication().borrow().size() >= end);
    let checked = check_published(parish.dir.path(), None, "a").unwrap();
    let theirs = checked.sample.draw.unwrap();
    assert_eq!((theirs.seed, theirs.root), (draw.seed, draw.root));
    assert_eq!(
        theirs.visits,
        parish.engine.sample("a").unwrap().draw.unwrap().visits
    );
    assert_eq!(
        refused(check_published(parish.dir.path(), None, "b")),
        "NO_RECORD"
    );

    // Saved and opened again, everything is as it was.
    let before = parish.engine.samples(None).unwrap();
    parish.engine.close().unwrap();
    let Parish { dir, engine, clock } = parish;
    drop(engine);
    let clock = Timestamp::from_micros(clock.load(Ordering::SeqCst));
    let (_, options) = settable(&clock.to_string());
    let engine = Engine::open(dir.path(), options).unwrap();
    assert_eq!(
        format!("{before:?}"),
        format!("{:?}", engine.samples(None).unwrap())
    );
    let late = vec![command(
        "sample/a",
        "zhang",
        Deed::Collect(vec![text(SAMPLE_CHECKPOINT, "another")]),
    )];
    assert_eq!(code(submit(&engine, late)), "SAMPLE_FIXED");
    engine.close().unwrap();
}
