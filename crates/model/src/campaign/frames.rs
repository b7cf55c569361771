//! Frames: the kinds `frame` and `extract` must have the fields that a rule reads.

use toml::Spanned;

use super::{
    check::{Checked, wrong},
    conditions::{Context, Found, Reach},
    file::ListFile,
    indicator::{
        EXTRACT_KIND, EXTRACT_SYSTEM, EXTRACT_THEIRS, FRAME_EXPECTED, FRAME_KIND, FRAME_WHAT, ListFrame,
    },
    kinds::{Field, Kind},
};
use crate::field_type::FieldType;

/// What a count frame counts, if there are such frames.
pub(super) fn count(context: &Context<'_>, of: &Kind, what: &Spanned<String>) -> Checked<String> {
    if of.area.is_none() {
        return wrong(
            what,
            format!("a count is by area, and the kind {:?} has none", of.id),
        );
    }
    let frame = frame_kind(context, FRAME_KIND, what)?;
    let named = readable(frame, FRAME_WHAT, what)?;
    check_word(named, what)?;
    if readable(frame, FRAME_EXPECTED, what)?.field_type != FieldType::Integer {
        return wrong(
            what,
            format!("{FRAME_EXPECTED:?} of {FRAME_KIND:?} must be of type \"integer\""),
        );
    }
    Ok(what.get_ref().clone())
}

/// A list frame, if there are such rows and the records can be matched with them.
pub(super) fn list(context: &Context<'_>, of: &Kind, list: &Spanned<ListFile>) -> Checked<ListFrame> {
    let ListFile { system, by } = list.get_ref();
    let extract = frame_kind(context, EXTRACT_KIND, system)?;
    check_word(readable(extract, EXTRACT_SYSTEM, system)?, system)?;
    if readable(extract, EXTRACT_THEIRS, system)?.field_type != FieldType::Text {
        return wrong(
            system,
            format!("{EXTRACT_THEIRS:?} of {EXTRACT_KIND:?} must be of type \"text\""),
        );
    }
    let Found { path, ends } = context.path(of, by, Reach::Own)?;
    let text = |field_type: &FieldType| {
        let other = matches!(
            field_type,
            FieldType::Integer
                | FieldType::Decimal
                | FieldType::Boolean
                | FieldType::Date
                | FieldType::Reference(_)
        );
        !other
    };
    if !ends.iter().all(|end| text(&end.field_type)) {
        return wrong(by, "rows are matched by a text");
    }
    Ok(ListFrame {
        system: system.get_ref().clone(),
        by: path.part,
    })
}

fn frame_kind<'a>(context: &Context<'a>, id: &str, place: &Spanned<String>) -> Checked<&'a Kind> {
    match context.find(id) {
        None => wrong(place, format!("this needs a kind {id:?}, and there is none")),
        Some(kind) if kind.area.is_none() => wrong(place, format!("the kind {id:?} must have an area")),
        Some(kind) => Ok(kind),
    }
}

fn readable<'a>(kind: &'a Kind, id: &str, place: &Spanned<String>) -> Checked<&'a Field> {
    match kind.field(id) {
        None => wrong(place, format!("the kind {:?} needs a field {id:?}", kind.id)),
        Some(field) if field.personal => {
            let problem = format!("{id:?} of {:?} is personal: no indicator reads it", kind.id);
            wrong(place, problem)
        }
        Some(field) => Ok(field),
    }
}

/// A frame's word is one that the field can hold.
fn check_word(field: &Field, word: &Spanned<String>) -> Checked<()> {
    let held = match &field.field_type {
        FieldType::Choice(values) => values.contains(word.get_ref()),
        FieldType::Text => !word.get_ref().trim().is_empty(),
        _ => false,
    };
    if held {
        Ok(())
    } else {
        wrong(
            word,
            format!("the field {:?} can never hold {:?}", field.id, word.get_ref()),
        )
    }
}
