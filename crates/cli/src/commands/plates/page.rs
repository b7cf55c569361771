//! The page of labels: one HTML file that needs nothing else, for A4 paper. It is for the township, so it is in Chinese.

use std::io::{self, Write};

use super::code::Code;

/// What the page is called if nothing is said.
pub const TITLE: &str = "二维码标牌";
/// What is said of a simulated register, on every label: they are cut apart.
pub const SIMULATED: &str = "模拟数据 SIMULATED";

/// One plate on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The plate's number.
    pub number: String,
    /// What its area is called.
    pub area: String,
}

/// What all labels share.
pub struct Page<'p> {
    /// The page's title.
    pub title: &'p str,
    /// The campaign's name, on every label.
    pub campaign: &'p str,
    /// Whether the register's clock is simulated.
    pub simulated: bool,
}

/// Three labels beside each other, five below each other; none is cut in two by the end of a page.
const STYLE: &str = "\
@page { size: A4; margin: 8mm }
* { box-sizing: border-box }
body { margin: 0; font-family: \"Noto Sans CJK SC\", \"Source Han Sans SC\", \"Microsoft YaHei\", sans-serif; color: #000; background: #fff }
header { padding: 4mm; font-size: 10pt }
header h1 { margin: 0; font-size: 14pt }
main { display: grid; grid-template-columns: repeat(3, 62mm); gap: 2mm; justify-content: center }
section { height: 53mm; padding: 2mm; border: 0.2mm dashed #888; text-align: center; overflow: hidden; break-inside: avoid }
section p { margin: 0; font-size: 8pt; line-height: 3.6mm }
section svg { display: block; width: 31mm; height: 31mm; margin: 0 auto }
section strong { display: block; font: bold 16pt/6mm monospace; overflow-wrap: anywhere }
.simulated { font-weight: bold; color: #b00 }
@media print { header { display: none } }
";

impl Page<'_> {
    /// Writes the page.
    pub fn write(&self, out: &mut impl Write, labels: &[Label]) -> io::Result<()> {
        let (title, campaign) = (escaped(self.title), escaped(self.campaign));
        let simulated = if self.simulated {
            format!("<p class=\"simulated\">{SIMULATED}</p>")
        } else {
            String::new()
        };
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title} · {campaign}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header><h1>{title}</h1><p>{campaign} · 共 {} 张</p>{simulated}</header>\n<main>",
            labels.len()
        )?;
        for Label { number, area } in labels {
            let (code, number, area) = (Code::of(number).svg, escaped(number), escaped(area));
            writeln!(
                out,
                "<section><p>{campaign}</p>{code}<strong>{number}</strong><p>{area}</p>{simulated}</section>"
            )?;
        }
        writeln!(out, "</main>\n</body>\n</html>")
    }
}

/// Text as HTML and SVG take it, in an element and in an attribute.
pub fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut safe, c| {
            match c {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                // Neither HTML nor XML has a way to write them.
                c if c.is_control() => safe.push('\u{fffd}'),
                c => safe.push(c),
            }
            safe
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(simulated: bool) -> String {
        let page = Page {
            title: TITLE,
            campaign: "小越镇“三实”<信息> & 'x'",
            simulated,
        };
        let label = |number: &str, area: &str| Label {
            number: number.to_owned(),
            area: area.to_owned(),
        };
        let mut bytes = Vec::new();
        page.write(
            &mut bytes,
            &[label("SL-00003MV-Q", "建越村委会"), label("<b>\"1\"", "<script>")],
        )
        .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The page without its style, and without the squares of its codes.
    fn shown(page: &str) -> String {
        let (head, rest) = page.split_once("<style>").unwrap();
        let page = format!("{head}{}", rest.split_once("</style>").unwrap().1);
        let mut pieces = page.split(" d=\"");
        let first = pieces.next().unwrap().to_owned();
        pieces.fold(first, |text, piece| {
            text + " d=\"…\"" + piece.split_once('"').map(|(_, rest)| rest).unwrap()
        })
    }

    #[test]
    fn a_page_of_labels() {
        insta::assert_snapshot!(shown(&page(false)), @r##"
        <!doctype html>
        <html lang="zh">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>二维码标牌 · 小越镇“三实”&lt;信息&gt; &amp; &#39;x&#39;</title>

        </head>
        <body>
        <header><h1>二维码标牌</h1><p>小越镇“三实”&lt;信息&gt; &amp; &#39;x&#39; · 共 2 张</p></header>
        <main>
        <section><p>小越镇“三实”&lt;信息&gt; &amp; &#39;x&#39;</p><svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="29" height="29" viewBox="0 0 29 29" shape-rendering="crispEdges"><rect x="0" y="0" width="29" height="29" fill="#fff"/><path fill="#000" d="…"/></svg><strong>SL-00003MV-Q</strong><p>建越村委会</p></section>
        <section><p>小越镇“三实”&lt;信息&gt; &amp; &#39;x&#39;</p><svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="29" height="29" viewBox="0 0 29 29" shape-rendering="crispEdges"><rect x="0" y="0" width="29" height="29" fill="#fff"/><path fill="#000" d="…"/></svg><strong>&lt;b&gt;&quot;1&quot;</strong><p>&lt;script&gt;</p></section>
        </main>
        </body>
        </html>
        "##);
    }

    #[test]
    fn a_simulated_page_says_so_on_every_label() {
        assert_eq!(page(true).matches(SIMULATED).count(), 3);
        assert_eq!(page(false).matches(SIMULATED).count(), 0);
    }

    #[test]
    fn a_page_loads_and_runs_nothing() {
        let page = page(true).replace("http://www.w3.org/2000/svg", "");
        for word in ["<script", "http:", "https:", "url(", "src=", "href=", "@import"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
