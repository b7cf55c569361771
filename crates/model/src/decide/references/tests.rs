//! Houses that stand in other houses, and residents who live in them.

use std::sync::LazyLock;

use crate::{
    campaign::Campaign,
    command::Command,
    event::{Because, Outcome},
    testing::register::*,
    value::OwnedValue,
};

static PARISH: LazyLock<Campaign> = LazyLock::new(|| {
    let text = r#"
        name = "Parish"
        origin = "example.org/parish"
        timezone = "UTC"
        earliest = 2000-01-01
        [[kinds]]
        id = "house"
        key = "code"
        [kinds.fields]
        code = { type = "text", required = true }
        within = { type = "reference", kinds = ["house", "resident"] }
        beside = { type = "reference", kind = "house" }
        note = { type = "text" }
        [[kinds]]
        id = "resident"
        key = "id"
        [kinds.fields]
        id = { type = "text", required = true }
        home = { type = "reference", kind = "house" }
    "#;
    Campaign::parse(text).unwrap()
});

fn to(name: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Reference(name.to_owned()))
}

fn house(number: usize) -> String {
    format!("house/{number}")
}

fn within(number: usize, other: usize) -> Command {
    correct(&[("within", to(&house(other)))]).on(&house(number))
}

/// With so many houses, from `house/1` on, each within the one before it.
fn nested(houses: usize) -> Register {
    let mut register = Register::of(&PARISH);
    for number in 1..=houses {
        let above = (number > 1).then(|| to(&house(number - 1))).flatten();
        register.takes(collect(&[("within", above)]).on(&house(number)).since(10));
    }
    register
}

#[test]
fn a_reference_names_a_record_that_was_collected_and_is_not_void() {
    let mut register = nested(2);
    let home = |house: &str| collect(&[("home", to(house))]).on("resident/7");
    let rejection = register.refuses("NO_SUCH_REFERENCE", home("house/9"));
    assert_eq!(rejection.field(), Some("home"));
    register.takes(verify(Outcome::Unregistered).on("house/9"));
    register.refuses("NO_SUCH_REFERENCE", home("house/9"));
    register.takes(collect(&[]).on("house/9"));
    // As things stand now, not as of the effective time.
    register.takes(home("house/9").since(5));
    register.takes(crate::testing::register::register().on("house/2"));
    register.takes(deregister(Because::Demolished).on("house/2"));
    let moved = |house: &str| correct(&[("home", to(house))]).on("resident/7");
    register.takes(moved("house/2"));
    register.takes(deregister(Because::Erroneous).on("house/1"));
    register.refuses("NO_SUCH_REFERENCE", moved("house/1"));
    register.takes(duplicate_of("house/2").on("house/9"));
    register.refuses("NO_SUCH_REFERENCE", moved("house/9"));
}

#[test]
fn what_only_confirms_or_observes_a_reference_is_not_judged() {
    let mut register = nested(2);
    register.takes(collect(&[("home", to("house/2"))]).on("resident/7"));
    register.takes(deregister(Because::Erroneous).on("house/2"));
    register.takes(collect(&[("home", to("house/2"))]).on("resident/7"));
    let seen = verify(Outcome::Present).seeing(&[("home", to("house/8"))]);
    register.takes(seen.on("resident/7"));
    register.takes(correct(&[("home", None)]).on("resident/7"));
    register.refuses(
        "NO_SUCH_REFERENCE",
        collect(&[("home", to("house/2"))]).on("resident/7"),
    );
}

#[test]
fn references_to_the_own_kind_do_not_lead_back() {
    let mut register = nested(3);
    for number in 1..=3 {
        let rejection = register.refuses("REFERENCE_CYCLE", within(1, number));
        assert_eq!(rejection.field(), Some("within"));
    }
    register.refuses(
        "REFERENCE_CYCLE",
        collect(&[("within", to("house/4"))]).on("house/4"),
    );
    // Another field leads elsewhere, and another kind ends the way.
    register.takes(correct(&[("beside", to("house/3"))]).on("house/1"));
    register.takes(collect(&[("home", to("house/3"))]).on("resident/7"));
    register.takes(correct(&[("within", to("resident/7"))]).on("house/2"));
    register.takes(within(1, 3));
    register.refuses("REFERENCE_CYCLE", within(2, 1));
}

#[test]
fn the_way_is_that_of_the_latest_effective_time() {
    let mut register = nested(2);
    // House 2 was within house 1 until day 50.
    register.takes(correct(&[("within", None)]).on("house/2").since(50));
    register.takes(within(1, 2).since(20));
    // The latest is what counts for house 1 too, whatever came in last.
    register.takes(correct(&[("within", None)]).on("house/1").since(60));
    register.takes(correct(&[("within", None)]).on("house/1").since(30));
    register.takes(within(2, 1));
    register.refuses("REFERENCE_CYCLE", within(1, 2).since(40));
}

#[test]
fn a_way_is_at_most_64_records_long() {
    let mut register = nested(65);
    let last = |number: usize| collect(&[("within", to(&house(number)))]).on("house/100");
    register.refuses("REFERENCE_CYCLE", last(65));
    register.takes(last(64));
}
