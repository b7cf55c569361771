//! The QR code of a plate's number, and one plate as an SVG file.

use qrcode::{EcLevel, QrCode, render::svg};
use unicode_width::UnicodeWidthStr;

use super::page::{SIMULATED, escaped};

/// Modules of white around a code, by ISO/IEC 18004, 7.3.8.
const QUIET_MODULES: u32 = 4;
/// The width of a letter, as a share of its height: what a bold monospaced one has.
const LETTER_WIDTH: f64 = 0.62;

/// A drawn code.
pub struct Code {
    /// An SVG element, one unit per module.
    pub svg: String,
    /// Units of its side, the quiet zone included.
    pub side: u32,
}

impl Code {
    /// Draws a number. A quarter of the code may be dirty or worn (level Q): a number of shilu's then still fits the
    /// smallest code there is.
    pub fn of(number: &str) -> Self {
        let code = QrCode::with_error_correction_level(number, EcLevel::Q)
            .expect("a record's key is far shorter than what a code takes");
        let document = code.render::<svg::Color<'_>>().module_dimensions(1, 1).build();
        let svg = document.find("<svg").and_then(|start| document.get(start..));
        let modules = u32::try_from(code.width()).expect("a code has at most 177 modules");
        Code {
            svg: svg.unwrap_or(&document).to_owned(),
            side: modules + 2 * QUIET_MODULES,
        }
    }
}

/// A plate as a drawing of its own: the code, the number under it, and that it is not real where it is not.
pub fn drawing(number: &str, simulated: bool) -> String {
    let Code { svg, side } = Code::of(number);
    let side = f64::from(side);
    let letters = f64::from(u32::try_from(number.width()).unwrap_or(u32::MAX));
    let size = (side * 0.12).min(side * 0.9 / (letters * LETTER_WIDTH));
    let (middle, base) = (side / 2.0, side * 1.05);
    let text = escaped(number);
    let height = side * if simulated { 1.25 } else { 1.12 };
    let mark = if simulated {
        let (base, size) = (side * 1.18, side * 0.08);
        format!(
            "<text x=\"{middle:.2}\" y=\"{base:.2}\" font-size=\"{size:.2}\" text-anchor=\"middle\" font-family=\"sans-serif\">{SIMULATED}</text>"
        )
    } else {
        String::new()
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side:.2} {height:.2}\" width=\"50mm\" role=\"img\">\
         <title>{text}</title><rect width=\"{side:.2}\" height=\"{height:.2}\" fill=\"#fff\"/>{svg}\
         <text x=\"{middle:.2}\" y=\"{base:.2}\" font-size=\"{size:.2}\" text-anchor=\"middle\" \
         font-family=\"monospace\" font-weight=\"bold\">{text}</text>{mark}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of QR codes makes of the first code in an SVG: every dark square of its path, eight pixels wide.
    fn read(svg: &str) -> String {
        let side: usize = svg
            .split("<svg")
            .last()
            .unwrap()
            .split("width=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut dark = std::collections::HashSet::new();
        for square in path.split('M').skip(1) {
            let (place, size) = square.split_once('h').unwrap();
            assert!(size.starts_with("1v1H"), "{square}");
            let (x, y) = place.split_once(' ').unwrap();
            dark.insert((x.parse::<usize>().unwrap(), y.parse::<usize>().unwrap()));
        }
        assert!(dark.len() > 100, "{}", dark.len());
        let grey = |x: usize, y: usize| if dark.contains(&(x / 8, y / 8)) { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * 8, side * 8, grey);
        let codes = image.detect_grids();
        assert_eq!(codes.len(), 1);
        codes[0].decode().unwrap().1
    }

    #[test]
    fn what_is_drawn_is_read_again() {
        for number in ["SL-00003MV-Q", "SL-ZZZZZZZ-0", "老牌-17", &"长".repeat(42)] {
            assert_eq!(read(&Code::of(number).svg), number);
            assert_eq!(read(&drawing(number, true)), number);
        }
    }

    #[test]
    fn a_number_of_shilu_s_takes_the_smallest_code() {
        let Code { svg, side } = Code::of("SL-00003MV-Q");
        assert_eq!(side, 21 + 8);
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>"), "{svg}");
        assert!(svg.contains("viewBox=\"0 0 29 29\""), "{svg}");
    }

    #[test]
    fn a_drawing_says_where_it_is_not_real() {
        assert!(drawing("P<1>", true).contains(SIMULATED));
        let real = drawing("P<1>", false);
        assert!(
            !real.contains(SIMULATED) && real.contains("<title>P&lt;1&gt;</title>"),
            "{real}"
        );
    }
}
