//! Tables for people: columns line up by display width, so Chinese text too, and fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::error::printable;

/// Space between columns.
const GAP: &str = "  ";
/// No column is cut narrower than this.
const COLUMN_WIDTH_MIN: usize = 6;
/// Up to this width a column is cut last: a time, a record's name and a position are worth more whole than a reason.
const WHOLE_WIDTH: usize = 20;

/// A table: a header and rows of cells.
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    numeric: Vec<bool>,
}

impl Table {
    /// A table with these columns.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        let header: Vec<String> = header.into_iter().map(Into::into).collect();
        let numeric = vec![true; header.len()];
        Table {
            header,
            rows: Vec::new(),
            numeric,
        }
    }

    /// Adds a row; a column whose cells are all numbers is set flush right.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| printable(&cell)).collect();
        for (numeric, cell) in self.numeric.iter_mut().zip(&cells) {
            *numeric &= cell.is_empty() || is_number(cell);
        }
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The lines, at most `width` columns wide where one is given.
    pub fn lines(&self, width: Option<usize>) -> Vec<String> {
        let mut widths: Vec<usize> = self.header.iter().map(|cell| cell.width()).collect();
        let mut used = vec![self.rows.is_empty(); widths.len()];
        for row in &self.rows {
            for ((width, used), cell) in widths.iter_mut().zip(&mut used).zip(row) {
                *width = (*width).max(cell.width());
                *used |= !cell.is_empty();
            }
        }
        if used.contains(&false) {
            return self.only(&used).lines(width);
        }
        if let Some(width) = width {
            fit(&mut widths, width);
        }
        let rule = widths.iter().map(|width| "─".repeat(*width));
        let mut lines = vec![
            self.line(&self.header, &widths),
            rule.collect::<Vec<_>>().join(GAP),
        ];
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        lines
    }

    /// The table with these columns only: one without any value says nothing.
    fn only(&self, used: &[bool]) -> Table {
        let keep = |cells: &Vec<String>| -> Vec<String> {
            cells
                .iter()
                .zip(used)
                .filter(|(_, used)| **used)
                .map(|(cell, _)| cell.clone())
                .collect()
        };
        let numeric = self.numeric.iter().zip(used).filter(|(_, used)| **used);
        Table {
            header: keep(&self.header),
            rows: self.rows.iter().map(keep).collect(),
            numeric: numeric.map(|(numeric, _)| *numeric).collect(),
        }
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let cells = cells
            .iter()
            .zip(widths)
            .zip(&self.numeric)
            .map(|((cell, width), numeric)| {
                let cell = cut(cell, *width);
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                if *numeric {
                    padding + &cell
                } else {
                    cell + &padding
                }
            });
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    }
}

/// The width of the terminal that stdout is, if it is one.
pub fn terminal_width() -> Option<usize> {
    if !crate::output::Output::is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

fn is_number(cell: &str) -> bool {
    cell.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b' ' | b'%'))
}

/// Takes from the widest columns until the line fits or all are short; then from the last column towards the first.
fn fit(widths: &mut [usize], width: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while excess > 0
        && let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > WHOLE_WIDTH)
    {
        *widest -= 1;
        excess -= 1;
    }
    for column in widths.iter_mut().rev() {
        let taken = excess.min(column.saturating_sub(COLUMN_WIDTH_MIN));
        *column -= taken;
        excess -= taken;
    }
}

/// A text cut to a display width, with `…` where something is cut off.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > width {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["档案", "Name", "Count"]);
        table.push(["street/110101001", "东华门街道办事处", "12"].map(str::to_owned));
        table.push(["street/1", "Short", "4"].map(str::to_owned));
        table
    }

    #[test]
    fn chinese_text_lines_up() {
        insta::assert_snapshot!(table().lines(None).join("\n"), @r"
        档案              Name              Count
        ────────────────  ────────────────  ─────
        street/110101001  东华门街道办事处     12
        street/1          Short                 4
        ");
    }

    #[test]
    fn a_column_without_values_is_left_out() {
        let mut table = Table::new(["a", "b", "c"]);
        table.push(["x", "", "1"].map(str::to_owned));
        table.push(["y", "", ""].map(str::to_owned));
        insta::assert_snapshot!(table.lines(None).join("\n"), @r"
        a  c
        ─  ─
        x  1
        y
        ");
    }

    #[test]
    fn a_narrow_terminal_keeps_a_record_s_name_whole() {
        insta::assert_snapshot!(table().lines(Some(32)).join("\n"), @r"
        档案              Name     Count
        ────────────────  ───────  ─────
        street/110101001  东华门…     12
        street/1          Short        4
        ");
    }

    proptest! {
        #[test]
        fn every_line_fits(cells in prop::collection::vec("\\PC{0,30}", 3), width in 30usize..100) {
            let mut table = Table::new(["a", "b", "c"]);
            table.push(cells);
            for line in table.lines(Some(width)) {
                prop_assert!(line.width() <= width, "{line:?}");
            }
        }
    }
}
