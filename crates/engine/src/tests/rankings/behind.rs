//! What is behind the rates of draws adds up to them; and what they were at a deadline.

use super::*;

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
    // Nobody opened: that is no list, and somebody will go there again.
    let closed = Visited::Blind {
        place: name("dwelling/r"),
        outcome: Outcome::NoContact,
        found: Vec::new(),
    };
    parish.visit("a", closed);

    let all = adds_up(&parish, "consistency", None);
    let numbers = |case: &RateCase| (case.numerator, case.denominator, case.unknown);
    let found: Vec<_> = all.iter().map(|case| (&*case.case, numbers(case))).collect();
    // p1 is there, nobody knew p2, nobody said where p3 is; q1 is there, q2 is open; nobody was met in r.
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
    assert_eq!(
        (all[2].records[1].events.len(), all[2].records[1].outcome),
        (2, Some("no-contact"))
    );
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
