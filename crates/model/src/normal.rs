//! Normal forms: in which two texts are compared that mean the same and are written differently. Nothing is stored in
//! them.

use std::{iter::Peekable, str::Chars};

use unicode_normalization::UnicodeNormalization;

/// In which form a field's texts are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normal {
    /// As they are.
    #[default]
    AsWritten,
    /// See [`fold_width`].
    Width,
    /// See [`fold_address`].
    Address,
}

impl Normal {
    /// Reads the word of a campaign.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "width" => Some(Normal::Width),
            "address" => Some(Normal::Address),
            _ => None,
        }
    }

    /// The form of a text.
    pub fn fold(self, text: &str) -> String {
        match self {
            Normal::AsWritten => text.to_owned(),
            Normal::Width => fold_width(text),
            Normal::Address => fold_address(text),
        }
    }
}

/// Folds full- and half-width forms and white space.
///
/// Full-width letters, digits and signs become ASCII, half-width katakana and hangul full-width ones (the
/// compatibility mappings of U+3000 and U+FF00 to U+FFEF), and the whole NFC. White space stays, as one space, between
/// two ASCII letters or digits; elsewhere it is dropped.
///
/// ```
/// use shilu_model::fold_width;
/// assert_eq!(fold_width("　王　小　明 "), "王小明");
/// assert_eq!(fold_width("Ｊｏｈｎ  Smith"), "John Smith");
/// ```
pub fn fold_width(text: &str) -> String {
    let mapped = text.chars().flat_map(|c| {
        let wide = matches!(c, '\u{3000}' | '\u{FF00}'..='\u{FFEF}');
        // Every other character stands for itself.
        let (folded, same) = if wide {
            (Some([c].into_iter().nfkc()), None)
        } else {
            (None, Some(c))
        };
        folded.into_iter().flatten().chain(same)
    });
    // Decomposed while spaces are judged: else a mark that a dropped space kept from its letter would join it only now.
    let mut folded = String::with_capacity(text.len());
    let mut spaced = false;
    for c in mapped.nfd() {
        if c.is_whitespace() {
            spaced = true;
            continue;
        }
        let between = folded.ends_with(|c: char| c.is_ascii_alphanumeric()) && c.is_ascii_alphanumeric();
        if spaced && between {
            folded.push(' ');
        }
        spaced = false;
        folded.push(c);
    }
    folded.nfc().collect()
}

/// What stands between a number and the next, longest first.
const MARKERS: [&str; 6] = ["号楼", "单元", "号", "幢", "栋", "室"];
/// Dashes of every length.
const DASHES: [char; 8] = ['-', '‐', '‑', '‒', '–', '—', '―', '−'];

/// Folds what is written differently in the addresses of one door: [`fold_width`], then
///
/// 1. every dash is `-`;
/// 2. a Chinese number becomes Arabic where it means one number only and stands before 号楼, 单元, 号, 幢, 栋, 室 or a
///    dash, or at the end after one of these: 五零一室 is 501, 十二幢 12, 一百零五号 105. 一百五 may be 105 or 150 and
///    stays; so do the numbers in names, 三里屯 or 八一路;
/// 3. such a word after a number or ASCII letter is a `-` where another one follows, and else is dropped: 3幢2单元501室 is
///    3-2-501.
///
/// ```
/// use shilu_model::fold_address;
/// assert_eq!(fold_address("越兴路１２号３幢2单元五零一室"), "越兴路12-3-2-501");
/// assert_eq!(fold_address("３幢2单元五零一室"), fold_address("3-2-501"));
/// ```
pub fn fold_address(text: &str) -> String {
    let folded = fold_width(text).replace(DASHES, "-");
    let mut out = String::with_capacity(folded.len());
    let mut rest = folded.as_str();
    // Whether the last thing was a dash, or a marker after a number.
    let mut divided = false;
    // Whether a marker was taken that is a dash if a number follows.
    let mut owed = false;
    while let Some(c) = rest.chars().next() {
        let (number, after) = number_at(rest, divided);
        if let Some(number) = number {
            if owed {
                out.push('-');
            }
            out.push_str(&number);
            rest = skip_markers(after);
            owed = rest.len() < after.len();
            divided = owed;
            continue;
        }
        // A number that means nothing sure is taken whole, so that its tail is not taken for one.
        let taken = if after.len() < rest.len() {
            rest.len() - after.len()
        } else {
            c.len_utf8()
        };
        let (piece, left) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        out.push_str(piece);
        divided = piece == "-";
        owed = false;
        rest = left;
    }
    // What a dropped word kept from its letter may join it now.
    out.nfc().collect()
}

/// The number that a text begins with, in ASCII, and the text after it. `None` with a shorter text: Chinese digits that
/// stay as they are.
fn number_at(text: &str, divided: bool) -> (Option<String>, &str) {
    let ascii = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    if ascii.len() < text.len() {
        let number = text.strip_suffix(ascii).unwrap_or_default();
        return (Some(number.to_owned()), ascii);
    }
    let after = text.trim_start_matches(|c| numeral(c).is_some());
    let digits = text.strip_suffix(after).unwrap_or_default();
    if digits.is_empty() {
        return (None, text);
    }
    let marked = after.starts_with('-') || skip_markers(after).len() < after.len();
    let number = if marked || (divided && after.is_empty()) {
        chinese_number(digits)
    } else {
        None
    };
    (number.map(|number| number.to_string()), after)
}

fn skip_markers(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) = MARKERS.iter().find_map(|marker| rest.strip_prefix(marker)) {
        rest = after;
    }
    rest
}

/// A Chinese numeral: a digit, or ten, a hundred or a thousand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numeral {
    Digit(u32),
    Unit(u32),
}

fn numeral(c: char) -> Option<Numeral> {
    Some(match c {
        '〇' | '零' | '○' => Numeral::Digit(0),
        '一' => Numeral::Digit(1),
        '二' => Numeral::Digit(2),
        '三' => Numeral::Digit(3),
        '四' => Numeral::Digit(4),
        '五' => Numeral::Digit(5),
        '六' => Numeral::Digit(6),
        '七' => Numeral::Digit(7),
        '八' => Numeral::Digit(8),
        '九' => Numeral::Digit(9),
        '十' => Numeral::Unit(10),
        '百' => Numeral::Unit(100),
        '千' => Numeral::Unit(1_000),
        _ => return None,
    })
}

/// The one number that a run of numerals means: its digits, where there are no units; else a number below 10,000.
fn chinese_number(text: &str) -> Option<u64> {
    /// More digits are no number of a house.
    const DIGITS_MAX: usize = 9;
    let mut numerals = text.chars();
    let plain = |numeral| match numeral {
        Some(Numeral::Digit(digit)) => Some(u64::from(digit)),
        _ => None,
    };
    if text.chars().all(|c| plain(numeral(c)).is_some()) {
        let short = text.chars().count() <= DIGITS_MAX;
        let value = numerals.try_fold(0, |sum, c| Some(sum * 10 + plain(numeral(c))?));
        return value.filter(|_| short);
    }
    with_units(&mut numerals.peekable())
}

/// 一千二百三十四, each unit smaller than the one before; a skipped unit needs its 零.
fn with_units(numerals: &mut Peekable<Chars<'_>>) -> Option<u64> {
    let (mut sum, mut last, mut zero) = (0, 10_000, false);
    while let Some(c) = numerals.next() {
        let (digit, unit) = match numeral(c)? {
            Numeral::Digit(0) => {
                // Only where a unit is skipped: after a hundred or a thousand, and before something.
                if zero || !(100..10_000).contains(&last) || numerals.peek().is_none() {
                    return None;
                }
                zero = true;
                continue;
            }
            // 十 alone is ten, at the beginning or after a larger unit.
            Numeral::Unit(10) => (1, 10),
            Numeral::Unit(_) => return None,
            Numeral::Digit(digit) => match numerals.peek().copied().and_then(numeral) {
                Some(Numeral::Unit(unit)) => {
                    numerals.next();
                    (digit, unit)
                }
                Some(Numeral::Digit(_)) => return None,
                None => (digit, 1),
            },
        };
        // 一百五 without its 零 is 105 to some and 150 to others; 一百零五十 is nothing.
        let skips = unit * 10 < last;
        if unit >= last || (unit == 1 && skips && !zero) || (zero && !skips) {
            return None;
        }
        sum += u64::from(digit) * u64::from(unit);
        (last, zero) = (unit, false);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_and_spaces_are_folded() {
        for (text, folded) in [
            ("张三", "张三"),
            ("　张　三　", "张三"),
            ("ＡＢＣ１２３", "ABC123"),
            ("（小越）超市", "(小越)超市"),
            ("John  Smith", "John Smith"),
            ("7 天 酒店", "7天酒店"),
            ("7 11 便利店", "7 11便利店"),
            ("ｶﾞｰﾃﾞﾝ", "ガーデン"),
            ("a\u{301}", "á"),
            ("a \u{301}", "á"),
            ("", ""),
            (" \t\n", ""),
        ] {
            assert_eq!(fold_width(text), folded, "{text:?}");
        }
    }

    #[test]
    fn one_door_has_one_address() {
        for (text, folded) in [
            ("３幢2单元五零一室", "3-2-501"),
            ("3幢2单元501室", "3-2-501"),
            ("3-2-501", "3-2-501"),
            ("３—２—５０１", "3-2-501"),
            ("3幢二单元五〇一", "3-2-501"),
            ("三幢-2单元-501室", "3-2-501"),
            ("三-二-五零一", "3-2-501"),
            ("3 幢 2 单元 501 室", "3-2-501"),
            ("3栋2单元501", "3-2-501"),
            ("3号楼2单元501室", "3-2-501"),
            ("A幢501室", "A-501"),
            ("越兴路12号", "越兴路12"),
            ("越兴路十二号", "越兴路12"),
            ("越兴路12号3幢", "越兴路12-3"),
            ("越兴路12号越兴花园3幢501室", "越兴路12越兴花园3-501"),
            ("越兴路12号（后门）", "越兴路12(后门)"),
            ("三里屯路八号", "三里屯路8"),
            ("八一路一百零五号", "八一路105"),
            ("八一路一百五号", "八一路一百五号"),
            ("八一路", "八一路"),
            ("五星村二十号", "五星村20"),
            ("十号", "10"),
            ("十八号", "18"),
            ("二十八号", "28"),
            ("一百一十五号", "115"),
            ("一百十五号", "115"),
            ("一百二十号", "120"),
            ("三千零一号", "3001"),
            ("三千零五十号", "3050"),
            ("三千二百五十六号", "3256"),
            ("零号", "0"),
            ("二零一五号", "2015"),
            ("二百五", "二百五"),
            ("十十号", "十十号"),
            ("二十零五号", "二十零五号"),
            ("一百零号", "一百零号"),
            ("一百零五十号", "一百零五十号"),
            ("百号", "百号"),
            ("第一单元", "第1"),
            ("幢三", "幢三"),
            ("三幢三里", "3三里"),
            ("3幢号5", "3-5"),
            ("", ""),
        ] {
            assert_eq!(fold_address(text), folded, "{text:?}");
        }
    }

    #[test]
    fn two_doors_have_two_addresses() {
        for (one, other) in [
            ("3幢2单元501室", "3幢2单元502室"),
            ("3幢25单元01室", "3幢2单元501室"),
            ("十二幢", "二幢"),
            ("12号1幢", "1号21幢"),
            ("三里路1号", "二里路1号"),
        ] {
            assert_ne!(fold_address(one), fold_address(other));
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(
            any in ".{0,24}",
            like in "[0-3３Aｂ一二五十百千零〇号楼幢单元室栋 　路村里—－\\-\u{301}]{0,14}",
        ) {
            for text in [any, like] {
                for normal in [Normal::AsWritten, Normal::Width, Normal::Address] {
                    let once = normal.fold(&text);
                    prop_assert_eq!(normal.fold(&once), once, "{:?} of {:?}", normal, text);
                }
            }
        }

        #[test]
        fn numbers_that_people_write_are_read(number in 1u32..10_000) {
            let digits = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
            let places = [(1_000, "千"), (100, "百"), (10, "十"), (1, "")];
            let (mut written, mut skipped) = (String::new(), false);
            for (unit, word) in places {
                let digit = usize::try_from(number / unit % 10).unwrap();
                if digit == 0 {
                    skipped = !written.is_empty();
                } else {
                    if skipped {
                        written.push('零');
                    }
                    skipped = false;
                    written.push_str(digits[digit]);
                    written.push_str(word);
                }
            }
            prop_assert_eq!(fold_address(&format!("{written}号")), number.to_string(), "{}", written);
        }
    }
}
