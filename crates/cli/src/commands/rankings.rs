//! `shilu rankings`: areas, or persons, by the rates that are due, on the screen or as a workbook.

use rust_xlsxwriter::{Format as CellFormat, Workbook, XlsxError};

use super::ask;
use crate::{
    Done,
    args::RankingsArgs,
    export::{Out, failed, mark_simulated},
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::{Paging, Query, Register},
    wire::{self, Ranked},
};

const PATH: &str = "/api/v1/rankings";
/// The columns of areas and persons.
const NAMES: [usize; 2] = [1, 2];

/// Runs it.
pub fn run(args: &RankingsArgs, language: Language) -> Done {
    let query = Query::default()
        .with("month", args.month.clone())
        .with("by", Some(args.by.word()));
    ask(&args.source, language, |register| {
        if let Some(path) = &args.xlsx {
            workbook(register, query.clone(), language, Out::new(Some(path))?)?;
        }
        let question = Question {
            path: PATH,
            query,
            paging: Paging::Single,
        };
        list::<Ranked>(register, question, args.format, language)
    })
}

fn workbook(register: &Register, query: Query, language: Language, mut out: Out) -> Done {
    let view = View { register, language };
    let mut rows = Vec::new();
    let pages = register.pages(PATH, query, Paging::Single, |item| {
        rows.push(wire::read::<Ranked>(item.get().as_bytes(), register.from())?);
        Ok(())
    })?;
    let bytes = sheet(&rows, &view, pages.simulated).map_err(failed)?;
    std::io::Write::write_all(&mut out, &bytes).map_err(|error| out.failed(error))?;
    out.finish()
}

fn sheet(rows: &[Ranked], view: &View<'_>, simulated: bool) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let bold = CellFormat::new().set_bold();
    let sheet = workbook.add_worksheet();
    sheet.set_name("排名 Rankings")?;
    sheet.set_freeze_panes(1, 0)?;
    if simulated {
        mark_simulated(sheet);
    }
    let cells: Vec<Vec<String>> = rows.iter().flat_map(|ranked| ranked.rows(view)).collect();
    // A column without any value says nothing: that of areas where persons are ranked.
    let used = |place: &usize| {
        cells
            .iter()
            .any(|row| row.get(*place).is_some_and(|cell| !cell.is_empty()))
    };
    let places: Vec<usize> = (0..Ranked::COLUMNS.len()).filter(used).collect();
    for (column, place) in (0..).zip(&places) {
        let text = Ranked::COLUMNS
            .get(*place)
            .map_or("", |text| view.language.say(*text));
        sheet.set_column_width(column, 14)?;
        sheet.write_string_with_format(0, column, text, &bold)?;
    }
    for (row, cells) in (1..).zip(&cells) {
        for (column, place) in (0..).zip(&places) {
            let cell = cells.get(*place).map_or("", String::as_str);
            // Areas are codes and persons have names: neither is a number.
            match cell.parse::<u32>() {
                Ok(number) if !NAMES.contains(place) => sheet.write_number(row, column, number)?,
                _ => sheet.write_string(row, column, cell)?,
            };
        }
    }
    workbook.save_to_buffer()
}

impl Item for Ranked {
    const COLUMNS: &'static [Text] = &[
        Text::Rank,
        Text::Area,
        Text::Actor,
        Text::Met,
        Text::Due,
        Text::Unverified,
        Text::TooFew,
        Text::Score,
        Text::Alike,
        Text::Unranked,
    ];
    const CSV: &'static [&'static str] = &[
        "rank",
        "area",
        "actor",
        "met",
        "due",
        "unverified",
        "left_out",
        "lower",
        "upper",
        "alike",
        "unranked",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let unranked = self.unranked.as_deref();
        let percent = |share: f64| format!("{:.2}", share * 100.0);
        let score = match (self.lower, self.upper) {
            (Some(lower), Some(upper)) => format!("{}–{} %", percent(lower), percent(upper)),
            _ => String::new(),
        };
        vec![vec![
            self.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            self.area.clone().unwrap_or_default(),
            self.actor.clone().unwrap_or_default(),
            self.met.to_string(),
            self.due.to_string(),
            self.unverified.to_string(),
            self.left_out.to_string(),
            score,
            self.alike.len().to_string(),
            unranked.map_or("", |why| view.language.word(why)).to_owned(),
        ]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![vec![
            self.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            self.area.clone().unwrap_or_default(),
            self.actor.clone().unwrap_or_default(),
            self.met.to_string(),
            self.due.to_string(),
            self.unverified.to_string(),
            self.left_out.to_string(),
            number(self.lower),
            number(self.upper),
            self.alike.join(" "),
            self.unranked.clone().unwrap_or_default(),
        ]]
    }
}

#[cfg(test)]
mod tests {
    use calamine::{Data, Reader, Xlsx};
    use serde_json::{Value, json};

    use super::*;
    use crate::commands::testing::{csv, table, viewed};

    fn areas() -> Value {
        json!([
            {"rank": 1, "unranked": null, "area": "越兴社区", "met": 2, "due": 3, "unverified": 0, "left_out": 0,
             "lower": 0.91, "upper": 0.985, "alike": ["330604006200"], "results": []},
            {"rank": 2, "unranked": null, "area": "330604006200", "met": 1, "due": 3, "unverified": 1, "left_out": 0,
             "lower": 0.5, "upper": 1.0, "alike": ["越兴社区"], "results": []},
            {"rank": null, "unranked": "too-few", "area": "330604006206", "met": 0, "due": 0, "unverified": 0,
             "left_out": 3, "lower": null, "upper": null, "alike": [], "results": []},
        ])
    }

    fn persons() -> Value {
        json!([{"rank": 1, "unranked": null, "actor": "王小明", "met": 0, "due": 1, "unverified": 0, "left_out": 0,
                "lower": 0.8, "upper": 0.9, "alike": [], "results": []}])
    }

    #[test]
    fn areas_line_up_in_chinese() {
        insta::assert_snapshot!(table::<Ranked>(Language::Zh, &areas()), @r"
        名次  区域          达标数  到期数  未核查  基数过小  得分            无法区分者数  不排名
        ────  ────────────  ──────  ──────  ──────  ────────  ──────────────  ────────────  ────────
           1  越兴社区           2       3       0         0  91.00–98.50 %              1
           2  330604006200       1       3       1         0  50.00–100.00 %             1
              330604006206       0       0       0         3                             0  基数过小
        ");
    }

    #[test]
    fn persons_have_a_column_of_their_own() {
        insta::assert_snapshot!(table::<Ranked>(Language::En, &persons()), @r"
        Rank  Actor   Met  Due  Unverified  Too few cases  Score          Not distinguishable from so many
        ────  ──────  ───  ───  ──────────  ─────────────  ─────────────  ────────────────────────────────
           1  王小明    0    1           0              0  80.00–90.00 %                                 0
        ");
    }

    #[test]
    fn csv_has_every_column() {
        let both = [areas(), persons()].map(|items| csv::<Ranked>(&items));
        insta::assert_snapshot!(both.join("\n"), @r"
        rank,area,actor,met,due,unverified,left_out,lower,upper,alike,unranked
        1,越兴社区,,2,3,0,0,0.91,0.985,330604006200,
        2,330604006200,,1,3,1,0,0.5,1,越兴社区,
        ,330604006206,,0,0,0,3,,,,too-few
        rank,area,actor,met,due,unverified,left_out,lower,upper,alike,unranked
        1,,王小明,0,1,0,0,0.8,0.9,,
        ");
    }

    #[test]
    fn a_workbook_has_the_same_cells() {
        let read = |items: Value| -> Vec<Vec<Data>> {
            let rows: Vec<Ranked> = serde_json::from_value(items).unwrap();
            let bytes = viewed(Language::Zh, |view| sheet(&rows, view, true)).unwrap();
            let mut workbook: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
            let range = workbook.worksheet_range("排名 Rankings").unwrap();
            range.rows().map(<[Data]>::to_vec).collect()
        };
        let text = |text: &str| Data::String(text.to_owned());
        let mut short = areas();
        // A code as short as a number.
        short[1]["area"] = json!("330604");
        let areas = read(short);
        assert_eq!(areas[0][..2], [text("名次"), text("区域")]);
        assert_eq!(areas[0].last(), Some(&text("不排名")));
        // A rank is a number; the code of an area is none.
        assert_eq!(areas[2][..2], [Data::Float(2.0), text("330604")]);
        assert_eq!(areas[3].last(), Some(&text("基数过小")));
        let persons = read(persons());
        assert_eq!(persons[0][..3], [text("名次"), text("人员"), text("达标数")]);
        assert_eq!(persons[1][..2], [Data::Float(1.0), text("王小明")]);
    }
}
