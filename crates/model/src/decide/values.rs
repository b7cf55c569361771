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
