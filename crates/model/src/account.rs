//! The texts by which an event accounts for itself: names of who acted, where and with what, and the reason why. One
//! rule for commands on records and for events on the register itself.

use crate::{
    command::{NAME_BYTES_MAX, REASON_BYTES_MAX},
    rejection::Rejection,
};

/// Checks the name of an actor, a device or an area: one line, not blank, at most [`NAME_BYTES_MAX`].
///
/// # Errors
/// `BAD_VALUE`, with `part` as its field.
pub fn check_name(part: &str, name: &str) -> Result<(), Rejection> {
    let is_spoilt = name.chars().any(char::is_control);
    check(part, name, NAME_BYTES_MAX, is_spoilt)
}

/// Checks a reason: not blank, at most [`REASON_BYTES_MAX`]. It may have lines.
///
/// # Errors
/// `BAD_VALUE` of `reason`.
pub fn check_reason(reason: &str) -> Result<(), Rejection> {
    let is_spoilt = reason.chars().any(|c| c.is_control() && c != '\n');
    check("reason", reason, REASON_BYTES_MAX, is_spoilt)
}

fn check(part: &str, text: &str, bytes_max: usize, is_spoilt: bool) -> Result<(), Rejection> {
    let problem = if text.trim().is_empty() {
        "it is empty".to_owned()
    } else if text.len() > bytes_max {
        format!("it has {} bytes, more than {bytes_max}", text.len())
    } else if is_spoilt {
        "it contains a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Rejection::BadValue {
        field: part.to_owned(),
        problem,
    })
}
