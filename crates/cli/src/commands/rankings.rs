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
