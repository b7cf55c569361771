//! Where a cell is, as a spreadsheet names it: `C7`.

/// Most rows of a sheet, by the format (ECMA-376 part 1, and every spreadsheet program).
pub const ROWS_MAX: u32 = 1_048_576;
/// Most columns of a sheet: `XFD`.
pub const COLUMNS_MAX: u32 = 16_384;

/// A cell's place, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The row.
    pub row: u32,
    /// The column.
    pub column: u32,
}

impl Place {
    /// Reads `C7` or `$C$7`; `None` if it is no place of a sheet.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('$').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_alphabetic())?;
        let (column, row) = text.split_at_checked(end)?;
        let row: u32 = row.strip_prefix('$').unwrap_or(row).parse().ok()?;
        let column = column.bytes().try_fold(0u32, |sum, byte| {
            let digit = u32::from(byte.to_ascii_uppercase() - b'A') + 1;
            Some(sum * 26 + digit).filter(|sum| *sum <= COLUMNS_MAX)
        })?;
        let place = Place {
            row: row.checked_sub(1)?,
            column: column.checked_sub(1)?,
        };
        (place.row < ROWS_MAX).then_some(place)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", letters(self.column), self.row + 1)
    }
}

/// A column's letters: `A`, `Z`, `AA`.
pub fn letters(column: u32) -> String {
    let mut reversed = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        let digit = (left - 1) % 26;
        reversed.push(char::from(b'A' + u8::try_from(digit).unwrap_or(0)));
        left = (left - 1) / 26;
    }
    reversed.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_named_as_a_spreadsheet_does() {
        let named = ["A1", "Z1", "AA1", "ZZ9", "AAA1", "XFD1048576"];
        for name in named {
            assert_eq!(Place::parse(name).unwrap().to_string(), name);
        }
        assert_eq!(Place::parse("$C$7"), Some(Place { row: 6, column: 2 }));
        for wrong in [
            "",
            "A",
            "7",
            "A0",
            "XFE1",
            "A1048577",
            "A1:B2",
            "AAAAAAAAAAAA1",
            "越1",
        ] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_name_reads_back(row in 0..ROWS_MAX, column in 0..COLUMNS_MAX) {
            let place = Place { row, column };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = Place::parse(&text);
        }
    }
}
