//! What values must be beyond their field's type: areas in force, numbers within the limit that another field sets.

use super::Case;
use crate::{
    campaign::{Campaign, Field},
    command::Deed,
    event::{Change, Event},
    field_type::FieldType,
    fold::State,
    rejection::Rejection,
    value::Value,
};

/// Checks the values of an event that is otherwise decided. `state` is the record before it.
pub(super) fn check(
    campaign: &Campaign,
    case: &Case<'_, '_>,
    event: &Event<'_>,
    state: &State<'_>,
) -> Result<(), Rejection> {
    if !campaign.areas.is_empty() {
        check_areas(campaign, case, event)?;
    }
    for field in &case.kind.fields {
        if let Some(limit) = &field.at_most {
            check_limit(field, limit, event, state)?;
        }
    }
    Ok(())
}

/// Every area that the command states is declared, and there on the effective day.
fn check_areas(campaign: &Campaign, case: &Case<'_, '_>, event: &Event<'_>) -> Result<(), Rejection> {
    let day = campaign.zone.day_of(event.effective);
    let changed = event.changes.iter().map(|change| (change.field, change.after));
    let observed = event
        .observed
        .iter()
        .map(|observed| (observed.field, observed.value));
    let is_area = |id: &str| {
        case.kind
            .field(id)
            .is_some_and(|field| field.field_type == FieldType::Area)
    };
    let values = changed.chain(observed).filter(|(field, _)| is_area(field));
    let given = match &case.command.deed {
        Deed::Verify(check) => check.area.as_deref(),
        _ => None,
    };
    let given = given.map(|area| ("area", Some(Value::Text(area))));
    for (field, value) in values.chain(given) {
        if let Some(Value::Text(area)) = value
            && !campaign.areas.takes(area, day)
        {
            let problem = if campaign.areas.get(area).is_some() {
                format!("the area {area:?} is not there on {day}")
            } else {
                format!("the campaign has no area {area:?}")
            };
            let field = field.to_owned();
            return Err(Rejection::BadValue { field, problem });
        }
    }
    Ok(())
}

/// A number is at most the other one, after the event. Only if it sets one of them: a late event may have left the two
/// at odds, and whoever changes something else cannot mend that.
fn check_limit(field: &Field, limit: &str, event: &Event<'_>, state: &State<'_>) -> Result<(), Rejection> {
    let change = |id: &str| event.changes.iter().find(|change| change.field == id);
    let sets = |id: &str| change(id).is_some_and(Change::sets);
    if !sets(&field.id) && !sets(limit) {
        return Ok(());
    }
    let after = |id: &str| change(id).map_or_else(|| state.value(id), |change| change.after);
    match (after(&field.id), after(limit)) {
        (Some(Value::Integer(number)), Some(Value::Integer(most))) if number > most => {
            Err(Rejection::BadValue {
                field: field.id.clone(),
                problem: format!("{number} is more than {most}, the value of {limit:?}"),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::{
        event::Outcome,
        testing::register::{Register, collect, correct, int, text, verify},
    };

    /// South is there from day 40 until the end of day 79, counted in Shanghai.
    static PARISH: LazyLock<Campaign> = LazyLock::new(|| {
        let text = r#"
            name = "Parish"
            origin = "example.org/parish"
            timezone = "Asia/Shanghai"
            earliest = 2000-01-01
            [[areas]]
            id = "parish"
            from = 2000-01-01
            [[areas]]
            id = "south"
            parent = "parish"
            from = 2000-02-10
            until = 2000-03-21
            [[kinds]]
            id = "dwelling"
            key = "code"
            area = "area"
            [kinds.fields]
            code = { type = "text", required = true }
            area = { type = "area" }
            near = { type = "area" }
            rooms = { type = "integer" }
            let = { type = "integer", at_most = "rooms" }
            note = { type = "text" }
        "#;
        Campaign::parse(text).unwrap()
    });

    fn parish() -> Register {
        Register::of(&PARISH)
    }

    #[test]
    fn an_area_is_there_on_the_effective_day() {
        let south = || collect(&[("area", text("south"))]);
        // The campaign's day begins eight hours before the day of these cases.
        for (since, taken) in [(39, false), (40, true), (79, true), (80, false)] {
            let mut register = parish();
            if taken {
                assert_eq!(register.takes(south().since(since)).area, "south");
            } else {
                let rejection = register.refuses("BAD_VALUE", south().since(since));
                assert_eq!(rejection.field(), Some("area"));
                assert!(rejection.to_string().contains("not there on"), "{rejection}");
            }
        }
        let mut register = parish();
        let unknown = register.refuses("BAD_VALUE", collect(&[("near", text("sou"))]).since(50));
        assert!(unknown.to_string().contains("no area \"sou\""), "{unknown}");
        assert_eq!(unknown.field(), Some("near"));
        register.takes(collect(&[("near", text("parish")), ("note", text("sou"))]).since(50));
    }

    #[test]
    fn an_area_that_ended_is_neither_confirmed_nor_observed_nor_corrected_to() {
        let mut register = parish();
        register.takes(collect(&[("area", text("south"))]).since(50));
        register.refuses("BAD_VALUE", collect(&[("area", text("south"))]).since(80));
        register.refuses("BAD_VALUE", correct(&[("near", text("south"))]).since(80));
        let mut seen = verify(Outcome::Present).since(80);
        seen.check().observed = vec![("area".to_owned(), text("south"))];
        register.refuses("BAD_VALUE", seen.clone());
        register.takes(seen.since(79));
        // What says nothing of the area is taken.
        register.takes(collect(&[("note", text("x"))]).since(80));
        register.takes(correct(&[("area", text("parish"))]).since(80));
    }

    #[test]
    fn a_check_that_finds_a_record_names_an_area_in_force() {
        let found = |area: &str| verify(Outcome::Unregistered).in_area(area);
        let mut register = parish();
        register.refuses("BAD_VALUE", found("south"));
        register.refuses("BAD_VALUE", found("east").since(50));
        register.takes(found("south").since(50));
    }

    #[test]
    fn a_number_is_at_most_the_other_after_the_event() {
        let mut register = parish();
        let rejection = register.refuses("BAD_VALUE", collect(&[("let", int(4)), ("rooms", int(3))]));
        assert_eq!(rejection.field(), Some("let"));
        register.takes(collect(&[("let", int(3)), ("rooms", int(3))]).since(10));
        register.refuses("BAD_VALUE", correct(&[("let", int(4))]));
        register.refuses("BAD_VALUE", correct(&[("rooms", int(2))]));
        register.takes(correct(&[("rooms", int(9)), ("let", int(4))]).since(20));
        register.takes(correct(&[("rooms", None)]).since(30));
        register.takes(correct(&[("let", int(40))]).since(31));
        register.refuses("BAD_VALUE", collect(&[("rooms", int(39))]).since(32));
    }

    #[test]
    fn whoever_changes_something_else_need_not_mend_a_limit() {
        let mut register = parish();
        register.takes(collect(&[("let", int(1)), ("rooms", int(5))]).since(10));
        register.takes(correct(&[("rooms", int(2))]).since(50));
        // Late, and within the limit of its own day: on day 50 there are fewer rooms than are let.
        register.takes(correct(&[("let", int(4))]).since(20));
        register.takes(correct(&[("note", text("x"))]).since(60));
        register.takes(collect(&[("let", int(4))]).since(61));
        register.refuses("BAD_VALUE", correct(&[("let", int(3))]).since(62));
        register.takes(correct(&[("let", int(2))]).since(62));
    }
}
