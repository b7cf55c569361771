//! What a register takes no more, though a log from before may hold it. Asked where a command is taken, never where a log
//! is audited: [`crate::decide`] alone says whether an event was allowed at its time.

use crate::{
    campaign::{Field, Kind},
    event::{Action, Event},
    field_type::FieldType,
    plate::{PlateNumber, PlateNumberError},
    rejection::Rejection,
    time::Day,
    value::Value,
};

/// Checks an event that the rules allow, before it is taken. `is_new`: nobody has spoken of its record before.
///
/// # Errors
/// `BAD_VALUE`: a key that looks like another one, or a citizen's number of no possible birthday.
pub fn check_admission(kind: &Kind, event: &Event<'_>, is_new: bool) -> Result<(), Rejection> {
    if is_new {
        check_key(kind, event.key)?;
    }
    let stated = event
        .changes
        .iter()
        .filter(|change| change.before != change.after);
    for change in stated.filter(|_| matches!(event.action, Action::Collect | Action::Correct)) {
        if let (Some(field), Some(Value::Text(text))) = (kind.field(change.field), change.after) {
            check_birthday(field, text)?;
        }
    }
    Ok(())
}

/// Checks the key of a record that is not there yet: one that reads like another one would be a second record for the same
/// thing.
///
/// # Errors
/// `BAD_VALUE` of the key field.
pub fn check_key(kind: &Kind, key: &str) -> Result<(), Rejection> {
    let bad = |problem: String| {
        Err(Rejection::BadValue {
            field: kind.key.clone(),
            problem,
        })
    };
    if key.trim() != key {
        return bad(format!("the key {key:?} has white space around it"));
    }
    if let Some(c) = key.chars().find(|c| is_invisible(*c)) {
        return bad(format!(
            "the key {key:?} holds an invisible character, U+{:04X}",
            u32::from(c)
        ));
    }
    if kind.is_plate() {
        match PlateNumber::read(key) {
            Ok(number) if number.to_string() != key => {
                return bad(format!("the number {key:?} is written {number}"));
            }
            Err(wrong @ PlateNumberError::WrongCheck { .. }) => return bad(wrong.to_string()),
            Ok(_) | Err(PlateNumberError::OtherForm) => {}
        }
    }
    Ok(())
}

/// Unicode's Default_Ignorable_Code_Point, and the line, paragraph and annotation marks: what shows nothing of itself.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Digits 7 to 14 of a citizen's number are a birthday (GB 11643-1999, 4.2). Where and when it lies is not judged.
fn check_birthday(field: &Field, number: &str) -> Result<(), Rejection> {
    if field.field_type != FieldType::CitizenId {
        return Ok(());
    }
    let part = |range: std::ops::Range<usize>| number.get(range).unwrap_or_default();
    let day = format!("{}-{}-{}", part(6..10), part(10..12), part(12..14));
    Day::parse(&day).map(drop).map_err(|_| Rejection::BadValue {
        field: field.id.clone(),
        problem: format!("its digits 7 to 14 are no birthday: {day}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Campaign;

    const CAMPAIGN: &str = r#"
        name = "t"
        origin = "example.org/t"
        timezone = "Asia/Shanghai"
        earliest = 2000-01-01
        [[kinds]]
        id = "plate"
        key = "number"
        [kinds.fields]
        number = { type = "text", required = true }
        on = { type = "reference", kind = "resident" }
        state = { type = "text" }
        [[kinds]]
        id = "resident"
        key = "code"
        [kinds.fields]
        code = { type = "text", required = true }
        citizen = { type = "citizen-id" }
        [[kinds]]
        id = "dwelling"
        key = "code"
        [kinds.fields]
        code = { type = "text", required = true }
    "#;

    /// What is wrong with a key, if anything.
    fn problem(kind: &str, key: &str) -> Option<String> {
        let campaign = Campaign::parse(CAMPAIGN).unwrap();
        let checked = check_key(campaign.kind(kind).unwrap(), key);
        checked.err().map(|rejection| rejection.to_string())
    }

    #[test]
    fn a_key_looks_like_no_other() {
        for good in ["H1", "Ｈ1", "东华门 é", "a b", "330604006215-0012-301"] {
            assert_eq!(problem("dwelling", good), None, "{good}");
        }
        for bad in [
            " H1",
            "H1 ",
            "　H1",
            "H1\u{A0}",
            "Z\u{200B}1",
            "\u{FEFF}H1",
            "H\u{202E}1",
            "葛\u{E0100}",
        ] {
            assert!(problem("dwelling", bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_plates_number_has_one_form() {
        let right = PlateNumber::new(3).unwrap().to_string();
        for good in [right.as_str(), "P-17", "老牌-17", "ｓl-17"] {
            assert_eq!(problem("plate", good), None, "{good}");
        }
        let wide = right.replace('S', "Ｓ").replace('-', "－");
        for sloppy in [right.to_lowercase(), wide, right.replace('-', "- ")] {
            let problem = problem("plate", &sloppy).unwrap();
            assert!(problem.contains(&right), "{sloppy}: {problem}");
        }
        let wrong = right.replace("0000003", "0000004");
        for sloppy in [wrong.clone(), wrong.to_lowercase(), wrong.replace('L', "Ｌ")] {
            assert!(
                problem("plate", &sloppy).unwrap().contains("check character"),
                "{sloppy}"
            );
        }
        assert_eq!(
            problem("dwelling", &wrong),
            None,
            "other kinds have numbers of their own"
        );
    }

    #[test]
    fn a_citizens_number_has_a_birthday() {
        // The examples of GB 11643, and one of the year 2099: only the calendar is asked.
        let campaign = Campaign::parse(CAMPAIGN).unwrap();
        let kind = campaign.kind("resident").unwrap();
        let (citizen, code) = (kind.field("citizen").unwrap(), kind.field("code").unwrap());
        for good in ["11010519491231002X", "440524188001010014", "110105209901010010"] {
            assert_eq!(check_birthday(citizen, good), Ok(()), "{good}");
        }
        for bad in ["000000000000000001", "110105190002290019", "999999999999999993"] {
            assert!(
                check_birthday(citizen, bad)
                    .unwrap_err()
                    .to_string()
                    .contains("birthday"),
                "{bad}"
            );
            assert_eq!(check_birthday(code, bad), Ok(()), "another type");
        }
    }
}
