//! Who wants another result: other checkpoints, late draws, visits before the draw, lists mended after they were answered,
//! lost answers.

use super::*;
use crate::{SampleNotice, tests::history::event_id};

fn check(outcome: Outcome, observed: Vec<(String, Option<OwnedValue>)>) -> Deed {
    Deed::Verify(Check {
        outcome,
        observed,
        not_seen: Vec::new(),
        area: None,
    })
}

/// A check that cites a sample's announcement, past the rules for visits.
fn smuggled(parish: &Parish, id: &str, record: &str, actor: &str, deed: Deed) -> Command {
    let mut command = command(record, actor, deed);
    command.cause = Some(parish.engine.sample(id).unwrap().announcement);
    command
}

fn found(name: &str) -> FoundChild {
    FoundChild {
        observed: vec![text("name", name)],
        not_seen: Vec::new(),
    }
}

fn listed(place: &str, found: Vec<FoundChild>) -> Visited {
    let (place, outcome) = (name(place), Outcome::Present);
    Visited::Blind {
        place,
        outcome,
        found,
    }
}

/// One rented dwelling of two who are registered there, drawn for the consistency.
fn lodging() -> Parish {
    let parish = Parish::new();
    parish.dwelling("1", "north", "rental");
    for key in ["li", "wang"] {
        parish.resident(key, vec![at_home("1")], true);
    }
    parish.drawn("a", "consistency", "2015-05-02T08:00");
    parish
}

#[test]
fn whoever_draws_does_not_choose_among_checkpoints() {
    let parish = Parish::with(&FOUR);
    let mut one = parish.announcement("a", "rooms", "2015-05-02T08:00");
    one.entropy = "public:3D 2015093".to_owned();
    parish.engine.announce(&one).unwrap();
    parish.at("2015-05-02T07:59");
    parish.dwelling("5", "north", "own");
    parish.at("2015-05-02T08:01");
    parish.dwelling("6", "north", "own");
    let first = parish.engine.end().get();
    // The numbers are known; now as many checkpoints are published as anybody likes.
    for number in 7..12 {
        parish.at(&format!("2015-05-02T21:{number:02}"));
        parish.dwelling(&number.to_string(), "north", "own");
        until(|| parish.engine.publication().borrow().size() == parish.engine.end().get());
    }
    let sample = parish.engine.draw("a", Some("471"), BECAUSE).unwrap();
    let draw = sample.draw.unwrap();
    assert_eq!(draw.size, first);
    assert_eq!(
        draw.covered,
        Timestamp::parse("2015-05-02T08:01:00+08:00").unwrap()
    );
    assert!(!sample.steerable && sample.notices.is_empty());
    let checked = parish.engine.check_sample("a").unwrap().sample.draw.unwrap();
    assert_eq!((checked.seed, checked.size), (draw.seed, first));
}

#[test]
fn what_was_drawn_outside_has_one_spelling() {
    let parish = Parish::with(&FOUR);
    let mut one = parish.announcement("a", "rooms", "2015-05-02T08:00");
    one.entropy = "public:3D 2015093".to_owned();
    parish.engine.announce(&one).unwrap();
    parish.at("2015-05-02T08:30");
    for spelt in ["4 7 1", "4,7,1", "４７１", "No. 471", "4A"] {
        assert_eq!(
            refused(parish.engine.draw("a", Some(spelt), BECAUSE)),
            "REVEAL_WRONG",
            "{spelt}"
        );
    }
    parish.engine.draw("a", Some("471"), BECAUSE).unwrap();
}

#[test]
fn a_small_draw_does_not_stand_for_the_whole() {
    let parish = Parish::with(&FOUR);
    let drawn = |id: &str, area: Option<&str>, strata: Strata, draw_at: &str| {
        let mut one = parish.announcement(id, "rooms", draw_at);
        (one.area, one.strata) = (area.map(str::to_owned), strata);
        parish.engine.announce(&one).unwrap();
        parish.at(&draw_at.replace("T08", "T09"));
        parish.engine.draw(id, None, BECAUSE).unwrap();
    };
    drawn("whole", None, Strata::None, "2015-05-02T08:00");
    for record in ["dwelling/1", "dwelling/2", "dwelling/3", "dwelling/4"] {
        parish.saw("whole", "vera", record, 4).unwrap();
    }
    assert_eq!(counts(&parish.figure("rooms")), (0, 4, 0));
    drawn("part", Some("south"), Strata::Area, "2015-05-03T08:00");
    let figure = parish.figure("rooms");
    assert_eq!((counts(&figure), figure.draws), ((0, 4, 0), 2));
    assert_eq!(figure.sample.as_deref(), Some("whole"));
    // Of the part alone it says what there is, and an area of which nothing was there to draw has nothing.
    let part = parish.figures("rooms", Some("south"), false).remove(0);
    assert_eq!(part.sample.as_deref(), Some("part"));
}

#[test]
fn a_checkpoint_that_comes_late_labels_the_draw() {
    let parish = Parish::with(&FOUR);
    let announce = |id: &str, draw_at: &str| {
        let mut announcement = parish.announcement(id, "rooms", draw_at);
        announcement.entropy = "public:3D 2015093".to_owned();
        parish.engine.announce(&announcement).unwrap();
    };
    // Nothing is recorded until the numbers are known: then the first event can be made to suit them.
    announce("late", "2015-05-02T08:00");
    parish.at("2015-05-02T09:01");
    let late = parish.engine.draw("late", Some("471"), BECAUSE).unwrap();
    assert_eq!(
        (late.steerable, late.notices),
        (true, vec![SampleNotice::DrawnLate])
    );
    for record in ["dwelling/1", "dwelling/2", "dwelling/3", "dwelling/4"] {
        parish.saw("late", "vera", record, 3).unwrap();
    }
    assert!(parish.figure("rooms").steerable);
    // Held in time, it may be drawn when the numbers are there.
    announce("held", "2015-05-03T08:00");
    parish.at("2015-05-03T09:00");
    parish.engine.draw("held", None, BECAUSE).unwrap();
    parish.at("2015-05-03T21:00");
    let held = parish.engine.draw("held", Some("471"), BECAUSE).unwrap();
    assert_eq!((held.steerable, held.notices), (false, Vec::new()));
}

#[test]
fn a_draw_after_two_weeks_does_not_go_before_one_that_was_not() {
    let parish = Parish::with(&[("1", "north")]);
    parish.drawn("first", "rooms", "2015-05-02T08:00");
    parish.saw("first", "vera", "dwelling/1", 2).unwrap();
    parish.announce("second", "rooms", "2015-05-03T08:00");
    parish.at("2015-05-17T08:01");
    let second = parish.engine.draw("second", None, BECAUSE).unwrap();
    assert_eq!(second.notices, [SampleNotice::DrawnLate]);
    parish.saw("second", "vera", "dwelling/1", 3).unwrap();
    let figure = parish.figure("rooms");
    assert_eq!(
        (figure.sample.as_deref(), figure.in_time, figure.draws),
        (Some("first"), true, 2)
    );
}

#[test]
fn visits_before_the_draw_count_nowhere() {
    let parish = Parish::with(&FOUR);
    parish.announce("a", "rooms", "2015-05-02T08:00");
    let seen = || check(Outcome::Present, vec![rooms(3)]);
    // Everything is checked at a desk before anybody knows what is drawn.
    for (key, _) in FOUR {
        let early = smuggled(&parish, "a", &format!("dwelling/{key}"), "vera", seen());
        submit(&parish.engine, vec![early]).unwrap();
    }
    parish.at("2015-05-02T08:00");
    let early = smuggled(&parish, "a", "dwelling/2", "vera", seen());
    submit(&parish.engine, vec![early]).unwrap();
    parish.engine.draw("a", None, BECAUSE).unwrap();
    parish.at("2015-05-02T12:00");
    let mut dated_back = smuggled(&parish, "a", "dwelling/1", "vera", seen());
    dated_back.effective = Since::At(Timestamp::parse("2015-05-02T07:59:00+08:00").unwrap());
    submit(&parish.engine, vec![dated_back]).unwrap();
    assert_eq!(counts(&parish.figure("rooms")), (0, 0, 4));
    let entry = VisitEntry {
        id: None,
        actor: "vera".to_owned(),
        reason: None,
        device: None,
        effective: Since::At(Timestamp::parse("2015-05-02T07:59:00+08:00").unwrap()),
        visit: None,
        what: Visited::Record {
            record: name("dwelling/1"),
            outcome: Outcome::Present,
            observed: vec![rooms(3)],
            not_seen: Vec::new(),
        },
    };
    assert_eq!(refused(parish.engine.visit("a", &entry)), "BAD_VALUE");
    // What was sent early stops nobody who goes there.
    parish.saw("a", "vera", "dwelling/1", 2).unwrap();
    assert_eq!(counts(&parish.figure("rooms")), (0, 1, 3));
}

#[test]
fn who_names_the_verifiers_late_or_sends_others_is_seen() {
    let parish = Parish::with(&FOUR);
    let crew = "nora,north,red\nsue,south,blue\nwil,town,green";
    parish.announce("a", "rooms", "2015-05-02T08:00");
    parish.engine.assign("a", crew, BECAUSE).unwrap();
    parish.at("2015-05-02T08:00");
    let notices = parish.engine.draw("a", None, BECAUSE).unwrap().notices;
    assert_eq!(notices, []);
    let went = parish.engine.assignment("a").unwrap().visits;
    let first = &went[0];
    parish
        .saw("a", &first.verifier, first.record.as_str(), 3)
        .unwrap();
    assert_eq!(parish.engine.sample("a").unwrap().notices, []);

    parish.drawn("b", "rooms", "2015-05-03T08:00");
    parish.saw("b", "vera", "dwelling/1", 3).unwrap();
    parish.engine.assign("b", crew, BECAUSE).unwrap();
    assert_eq!(
        parish.engine.sample("b").unwrap().notices,
        [SampleNotice::VerifiersLate, SampleNotice::NotSent(1)]
    );
}

#[test]
fn a_list_is_not_mended_after_it_was_answered() {
    let parish = lodging();
    let entered = parish
        .visit("a", "vera", listed("dwelling/1", vec![found("li")]))
        .unwrap();
    assert_eq!(entered.revealed[0].record, name("resident/wang"));
    assert_eq!(
        parish.engine.revealed("a", &name("dwelling/1"), "vera").unwrap(),
        entered.revealed
    );
    for (actor, place) in [("wen", "dwelling/1"), ("vera", "dwelling/2")] {
        let code = refused(parish.engine.revealed("a", &name(place), actor));
        assert!(["STEP_MISSING", "NOT_DRAWN"].contains(&code), "{code}");
    }
    // Now that the other name is known, it is "found" as well; and again with the answer.
    parish.at("2015-05-02T09:00");
    let wang = || check(Outcome::Present, vec![at_home("1"), text("name", "wang")]);
    let late = smuggled(&parish, "a", "resident/wang", "vera", wang());
    submit(&parish.engine, vec![late]).unwrap();
    assert_eq!(counts(&parish.figure("consistency")), (1, 0, 1));
    let answers = vec![(name("resident/wang"), RosterAnswer::UnknownHere)];
    let place = name("dwelling/1");
    parish
        .visit("a", "vera", Visited::Revealed { place, answers })
        .unwrap();
    assert_eq!(counts(&parish.figure("consistency")), (1, 1, 0));
    // Nor is an answer taken back.
    parish.at("2015-05-02T10:00");
    let unseen = check(Outcome::NoContact, Vec::new());
    let late = smuggled(&parish, "a", "resident/wang", "vera", unseen);
    submit(&parish.engine, vec![late]).unwrap();
    assert_eq!(counts(&parish.figure("consistency")), (1, 1, 0));
}

#[test]
fn a_third_person_is_compared_at_places_too() {
    for (theirs, agrees) in [(vec!["li", "wang"], true), (vec!["li", "zhou"], false)] {
        let parish = lodging();
        let crew = "nora,west,red\nsue,south,blue\nwil,town,green";
        let visit = parish.engine.assign("a", crew, BECAUSE).unwrap().visits.remove(0);
        let third = visit.recheck.unwrap();
        let both = vec![found("li"), found("wang")];
        parish
            .visit("a", &visit.verifier, listed("dwelling/1", both))
            .unwrap();
        let again: Vec<_> = theirs.iter().map(|name| found(name)).collect();
        let entered = parish.visit("a", &third, listed("dwelling/1", again)).unwrap();
        let shown = || parish.engine.sample("a").unwrap().draw.unwrap().visits.remove(0);
        if !agrees {
            assert_eq!(shown().recheck_agrees, None);
            let answers = vec![(entered.revealed[0].record.clone(), RosterAnswer::UnknownHere)];
            let place = name("dwelling/1");
            parish
                .visit("a", &third, Visited::Revealed { place, answers })
                .unwrap();
        }
        assert_eq!(shown().recheck_agrees, Some(agrees));
        let disagree = (!agrees).then_some(SampleNotice::Disagree(1));
        let notices = parish.engine.sample("a").unwrap().notices;
        assert_eq!(
            notices.last().copied(),
            disagree.or(Some(SampleNotice::VerifiersLate))
        );
        // It changes no verdict.
        assert_eq!(counts(&parish.figure("consistency")), (2, 0, 0));
    }
}

#[test]
fn who_registered_somebody_there_is_not_sent_to_the_place() {
    let parish = Parish::new();
    parish.dwelling("1", "north", "rental");
    let fields = vec![text("area", "north"), text("name", "li"), at_home("1")];
    parish.take("resident/li", "wil", Deed::Collect(fields));
    parish.take("resident/li", "wil", Deed::Register);
    parish.drawn("a", "consistency", "2015-05-02T08:00");
    let crew = "wil,town,green";
    assert_eq!(refused(parish.engine.assign("a", crew, BECAUSE)), "NO_VERIFIER");
    let crew = "wil,town,green\nsue,south,blue";
    let assigned = parish.engine.assign("a", crew, BECAUSE).unwrap();
    assert_eq!(assigned.visits[0].verifier, "sue");
}

#[test]
fn a_visit_whose_answer_was_lost_is_entered_again() {
    let parish = Parish::with(&FOUR);
    parish.drawn("a", "rooms", "2015-05-02T08:00");
    let entry = Some(event_id(1_430_000_000_000, 1));
    let saw = |record: &str, seen: i64| Visited::Record {
        record: name(record),
        outcome: Outcome::Present,
        observed: vec![rooms(seen)],
        not_seen: Vec::new(),
    };
    let first = parish.visit_as("a", "vera", entry, saw("dwelling/1", 3)).unwrap();
    assert_eq!(Some(first.events[0].id), entry);
    let again = parish.visit_as("a", "vera", entry, saw("dwelling/1", 3)).unwrap();
    assert_eq!(again.events[0].position, first.events[0].position);
    assert!(again.events[0].repeated && !first.events[0].repeated);
    for other in [saw("dwelling/1", 2), saw("dwelling/2", 3)] {
        assert_eq!(refused(parish.visit_as("a", "vera", entry, other)), "ID_REUSED");
    }
    assert_eq!(
        refused(parish.visit_as("a", "wen", entry, saw("dwelling/1", 3))),
        "ID_REUSED"
    );
    assert_eq!(
        refused(parish.visit("a", "vera", saw("dwelling/1", 3))),
        "ALREADY_VISITED"
    );
}

#[test]
fn both_steps_at_a_place_are_entered_again_as_they_were() {
    let parish = lodging();
    let (one, two) = (event_id(1_430_000_000_000, 1), event_id(1_430_000_000_000, 2));
    let list = |names: &[&str]| listed("dwelling/1", names.iter().map(|name| found(name)).collect());
    let places = |entered: &Entered| {
        let events = entered.events.iter();
        let events = events.map(|event| (event.position, event.id, event.record.clone()));
        (events.collect::<Vec<_>>(), entered.revealed.clone())
    };
    let blind = |names: &[&str]| parish.visit_as("a", "vera", Some(one), list(names));
    let first = blind(&["li", "zhou"]).unwrap();
    assert_eq!(places(&blind(&["li", "zhou"]).unwrap()), places(&first));
    // Fewer, more and others are another content.
    for other in [&["li"][..], &["li", "zhou", "wu"], &["li", "wu"], &[]] {
        assert_eq!(refused(blind(other)), "ID_REUSED", "{other:?}");
    }
    let answer = |answer| Visited::Revealed {
        place: name("dwelling/1"),
        answers: vec![(name("resident/wang"), answer)],
    };
    let left = || answer(RosterAnswer::Gone(Day::parse("2015-04-01").unwrap()));
    let revealed = |what| parish.visit_as("a", "vera", Some(two), what);
    let second = revealed(left()).unwrap();
    // Whatever is learned later: the blind step is answered as it was, and so is this one.
    let fields = vec![text("area", "north"), text("name", "wang")];
    let mut earlier = command("resident/wang", "anna", Deed::Collect(fields));
    earlier.effective = Since::At(Timestamp::parse("2015-02-01T00:00:00+08:00").unwrap());
    submit(&parish.engine, vec![earlier]).unwrap();
    assert_eq!(places(&revealed(left()).unwrap()), places(&second));
    assert_eq!(places(&blind(&["li", "zhou"]).unwrap()), places(&first));
    assert_eq!(refused(revealed(answer(RosterAnswer::UnknownHere))), "ID_REUSED");
    assert_eq!(
        refused(parish.visit_as("a", "vera", Some(one), left())),
        "ID_REUSED"
    );
}
