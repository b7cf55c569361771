//! Official numbers with right check digits that nobody can have.
//!
//! A citizen id and a credit code name the division that issued them. The divisions of GB/T 2260 begin with 11 to 82;
//! ours begins with 99, which is none: so no number here is, or can become, that of a person or firm. Mobile numbers
//! begin with 154, a range that no carrier has been given.

use shilu_model::Day;

/// The division that no number was ever issued by.
const DIVISION: &str = "990604";

/// A citizen id (GB 11643): division, day of birth, sequence (odd for men), check.
pub fn citizen_id(born: Day, sequence: u16) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let born = born.to_string().replace('-', "");
    let body = format!("{DIVISION}{born}{:03}", sequence % 1_000);
    let sum: u32 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    let check = "10X98765432"
        .chars()
        .cycle()
        .nth(usize::try_from(sum % 11).unwrap_or(0));
    format!("{body}{}", check.unwrap_or('0'))
}

/// A mobile number in the range that nobody has.
pub fn mobile(number: u32) -> String {
    format!("154{:08}", number % 100_000_000)
}

/// A unified social credit code (GB 32100): authority and category of the unit, division, organisation, check.
pub fn credit_code(category: &str, organisation: u32) -> String {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let body = format!("{category}{DIVISION}{}", organisation_code(organisation));
    let places = body.chars().map(|c| ALPHABET.find(c).unwrap_or(0));
    let (sum, _) = places.fold((0, 1), |(sum, weight), place| {
        (sum + place * weight, weight * 3 % 31)
    });
    let check = ALPHABET.chars().nth((31 - sum % 31) % 31);
    format!("{body}{}", check.unwrap_or('0'))
}

/// Eight digits and the check character of GB 11714.
fn organisation_code(number: u32) -> String {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("{:08}", number % 100_000_000);
    let sum: u32 = body
        .bytes()
        .zip(WEIGHTS)
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    match 11 - sum % 11 {
        10 => format!("{body}X"),
        11 => format!("{body}0"),
        check => format!("{body}{check}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shilu_model::{FieldType, Input, OwnedValue};

    use super::*;

    proptest! {
        #[test]
        fn every_number_is_valid_and_nobodys(born in -20_000i32..16_000, sequence in 0u16..1_000, number in 0u32..100_000_000) {
            let citizen = citizen_id(Day::from_number(born), sequence);
            let credit = credit_code("91", number);
            for (kind, text) in [
                (FieldType::CitizenId, citizen.clone()),
                (FieldType::CreditCode, credit.clone()),
                (FieldType::Phone, mobile(number)),
            ] {
                prop_assert_eq!(kind.read(Input::Text(&text)), Ok(Some(OwnedValue::Text(text.clone()))));
            }
            prop_assert!(citizen.starts_with("99") && credit[2..].starts_with("99"));
        }
    }
}
