//! A CSV file and a workbook to durable, folded events, by the command itself in a process of its own.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use calamine::{Xlsx, XlsxError};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use shilu_engine::{Engine, Init, Options};

use super::{
    figure::{Figure, Figures, float, per_second, round},
    load,
};
use crate::{Done, error::CliError};

/// Rows of the workbook: a district's dwellings, as one sheet of a monthly report.
const SHEET_ROWS: u64 = 100_000;
/// One row in so many cannot be taken.
const WRONG_ONE_IN: u64 = 100;

/// Imports as many rows as there should be events, then a workbook.
pub fn run(folder: &Path, rows: u64, figures: &mut Figures) -> Done {
    let file = folder.join("dwellings.csv");
    write(&file, rows).map_err(|error| CliError::io("write", &file, error))?;
    let limit = parse(&file).map_err(|error| CliError::io("read", &file, error))?;
    let took = import(&file, &folder.join("import"))?;
    let figure = Figure {
        name: "import-csv",
        value: round(float(rows) / took),
        unit: "rows/s",
        events: Some(rows + 1),
        ..Figure::default()
    };
    figures.print(&figure.of_limit(limit, "reading the same file with the csv crate alone"))?;
    workbook(folder, figures)
}

/// A workbook with rows that are refused, timed as a whole.
fn workbook(folder: &Path, figures: &mut Figures) -> Done {
    let broken = |error: String| CliError::output(std::io::Error::other(error));
    let file = folder.join("dwellings.xlsx");
    write_workbook(&file).map_err(|error| broken(error.to_string()))?;
    let started = Instant::now();
    let mut book: Xlsx<_> =
        calamine::open_workbook(&file).map_err(|error: XlsxError| broken(error.to_string()))?;
    let mut cells = book
        .worksheet_cells_reader("dwelling")
        .map_err(|error| broken(error.to_string()))?;
    while cells
        .next_cell()
        .map_err(|error| broken(error.to_string()))?
        .is_some()
    {}
    let limit = started.elapsed().as_secs_f64();
    let figure = Figure {
        name: "import-xlsx",
        value: round(import(&file, &folder.join("import-xlsx"))?),
        unit: "s",
        events: Some(SHEET_ROWS - SHEET_ROWS / WRONG_ONE_IN + 1),
        ..Figure::default()
    };
    figures.print(&figure.of_limit(limit, "reading the same 100,000 rows with calamine alone"))
}

/// Imports a file into a new register by the command itself; gives the seconds.
fn import(file: &Path, register: &Path) -> Result<f64, CliError> {
    Engine::init(
        register,
        &Init {
            campaign: load::CAMPAIGN,
            actor: "bench",
            simulated: false,
        },
        &Options::default(),
    )?;
    let program = std::env::current_exe().map_err(|error| CliError::io("find", "this program", error))?;
    let started = Instant::now();
    let status = Command::new(program)
        .arg("import")
        .arg(file)
        .arg("--data")
        .arg(register)
        .args([
            "--kind", "dwelling", "--as", "bench", "--reason", "bench", "--format", "json",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| CliError::io("run", "this program", error))?;
    let took = started.elapsed().as_secs_f64();
    if status.success() {
        Ok(took)
    } else {
        Err(super::usage("the import failed"))
    }
}

fn write_workbook(file: &Path) -> Result<(), rust_xlsxwriter::XlsxError> {
    let mut workbook = Workbook::new();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let built = ExcelDateTime::from_ymd(1998, 5, 17)?;
    // As a spreadsheet program writes it: each different text once.
    let sheet = workbook.add_worksheet_with_low_memory()?;
    sheet.set_name("dwelling")?;
    for (column, name) in (0..).zip(["code", "area", "address", "use", "rooms", "built"]) {
        sheet.write_string(0, column, name)?;
    }
    for (row, number) in (1..).zip(0..SHEET_ROWS) {
        let wrong = number % WRONG_ONE_IN == WRONG_ONE_IN / 2;
        sheet.write_string(row, 0, load::key(number).key())?;
        sheet.write_string(row, 1, format!("330604006{:03}", number % 15))?;
        sheet.write_string(row, 2, format!("{}号", number / 12))?;
        sheet.write_string(row, 3, if wrong { "nobody knows" } else { "own" })?;
        sheet.write_number(row, 4, float(number % 8 + 1))?;
        sheet.write_datetime_with_format(row, 5, &built, &date)?;
    }
    workbook.save(file)
}

fn write(file: &Path, rows: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(fs::File::create(file)?);
    writeln!(out, "code,area,address,use,rooms,built")?;
    for row in 0..rows {
        let record = load::key(row);
        writeln!(
            out,
            "{},330604006{:03},{}号,own,{},1998-05-17",
            record.key(),
            row % 15,
            row / 12,
            row % 8 + 1
        )?;
    }
    out.flush()
}

fn parse(file: &Path) -> std::io::Result<f64> {
    let started = Instant::now();
    let mut reader = csv::Reader::from_path(file)?;
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    Ok(per_second(rows, started))
}
