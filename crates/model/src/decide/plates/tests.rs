//! Plates on two houses. It is day 100.

use std::sync::LazyLock;

use crate::{
    campaign::Campaign,
    command::Command,
    event::{Because, Outcome},
    plate::PlateNumber,
    rejection::Rejection,
    testing::register::*,
    value::OwnedValue,
};

const TEXT: &str = r#"
    name = "Parish"
    origin = "example.org/parish"
    timezone = "UTC"
    earliest = 2000-01-01
    [[kinds]]
    id = "house"
    key = "code"
    [kinds.fields]
    code = { type = "text", required = true }
    [[kinds]]
    id = "plate"
    key = "number"
    [kinds.fields]
    number = { type = "text", required = true }
    on = { type = "reference", kind = "house" }
    state = { type = "choice", values = ["printed", "active", "retired"], required = true }
"#;

static PARISH: LazyLock<Campaign> = LazyLock::new(|| Campaign::parse(TEXT).unwrap());
/// Whose plates cannot be active.
static IDLE: LazyLock<Campaign> =
    LazyLock::new(|| Campaign::parse(&TEXT.replace("\"active\", ", "\"at-work\", ")).unwrap());

fn houses() -> Register {
    let mut register = Register::of(&PARISH);
    for house in ["house/1", "house/2"] {
        register.takes(collect(&[]).on(house).since(10));
    }
    register
}

fn on(house: &str) -> Given<'static> {
    ("on", Some(OwnedValue::Reference(house.to_owned())))
}

fn state(state: &str) -> Given<'static> {
    ("state", text(state))
}

fn fix(plate: &str, house: &str) -> Command {
    collect(&[on(house), state("active")]).on(plate)
}

fn put(plate: &str, fields: &[Given<'_>]) -> Command {
    correct(fields).on(plate)
}

#[test]
fn one_active_plate_is_on_a_thing() {
    let mut register = houses();
    register.takes(fix("plate/A", "house/1"));
    let rejection = register.refuses("PLATE_TAKEN", fix("plate/B", "house/1"));
    let other = "plate/A".to_owned();
    assert!(matches!(&rejection, Rejection::PlateTaken { plate, .. } if *plate == other));
    assert_eq!(rejection.field(), Some("on"));
    register.takes(collect(&[on("house/1"), state("printed")]).on("plate/B"));
    register.takes(fix("plate/C", "house/2"));
    // By correcting its state, or what it is on.
    register.refuses("PLATE_TAKEN", put("plate/B", &[state("active")]));
    register.refuses("PLATE_TAKEN", put("plate/C", &[on("house/1")]));
    // A scan confirms it.
    register.takes(fix("plate/A", "house/1"));
    register.takes(verify(Outcome::Present).on("plate/A"));
    register.takes(put("plate/A", &[state("retired")]));
    register.takes(put("plate/B", &[state("active")]));
    register.refuses("PLATE_TAKEN", put("plate/A", &[state("active")]));
    register.takes(put("plate/B", &[("on", None)]));
    register.takes(put("plate/C", &[on("house/1")]));
}

#[test]
fn a_plate_that_is_not_live_is_not_active() {
    let mut register = houses();
    register.takes(fix("plate/A", "house/1"));
    register.takes(fix("plate/B", "house/2"));
    register.takes(register_it().on("plate/A"));
    register.takes(deregister(Because::Demolished).on("plate/A"));
    register.takes(deregister(Because::Erroneous).on("plate/B"));
    register.takes(fix("plate/C", "house/1"));
    register.takes(fix("plate/D", "house/2"));
    // Registered again, it would be there twice.
    register.refuses("PLATE_TAKEN", register_it().on("plate/A"));
    register.takes(put("plate/C", &[state("retired")]));
    register.takes(register_it().on("plate/A"));
}

fn register_it() -> Command {
    register()
}

#[test]
fn what_counts_is_how_things_stand_at_the_latest_effective_time() {
    let mut register = houses();
    register.takes(fix("plate/A", "house/1").since(20));
    register.takes(put("plate/A", &[state("retired")]).since(60));
    register.takes(fix("plate/B", "house/1").since(30));
    // Late, and overtaken by what is known of day 60: it makes nothing active.
    register.takes(put("plate/A", &[on("house/2")]).since(40));
    register.takes(put("plate/A", &[on("house/1")]).since(50));
    register.refuses("PLATE_TAKEN", put("plate/A", &[state("active")]).since(61));
}

#[test]
fn a_campaign_without_active_plates_has_no_such_rule() {
    let mut register = Register::of(&IDLE);
    register.takes(collect(&[]).on("house/1").since(10));
    let fixed = |plate: &str| collect(&[on("house/1"), state("at-work")]).on(plate);
    register.takes(fixed("plate/A"));
    register.takes(fixed("plate/B"));
    register.takes(fixed("plate/SL-0000001-0"));
}

#[test]
fn a_number_of_shilus_own_has_its_check_character() {
    let mut register = houses();
    let printed = |number: &str| collect(&[state("printed")]).on(&format!("plate/{number}"));
    let good = PlateNumber::new(1).unwrap().to_string();
    let wrong = format!("SL-0000002-{}", good.chars().last().unwrap());
    let rejection = register.refuses("BAD_VALUE", printed(&wrong));
    assert_eq!(rejection.field(), Some("number"));
    assert!(
        rejection.to_string().contains("the check character is"),
        "{rejection}"
    );
    register.takes(printed(&good));
    register.takes(printed("330604-17"));
    register.takes(collect(&[]).on(&format!("house/{wrong}")));
}
