//! Persons: whose errors, and what nobody has drawn.

use super::*;

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
