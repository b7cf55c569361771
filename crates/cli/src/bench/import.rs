//! A CSV file to durable, folded events, by the command itself in a process of its own.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use shilu_engine::{Engine, Init, Options};

use super::{
    figure::{Figure, Figures, per_second, round},
    load,
};
use crate::{Done, error::CliError};

/// Imports as many rows as there should be events.
pub fn run(folder: &Path, rows: u64, figures: &mut Figures) -> Done {
    let register = folder.join("import");
    let file = folder.join("dwellings.csv");
    write(&file, rows).map_err(|error| CliError::io("write", &file, error))?;
    Engine::init(
        &register,
        &Init {
            campaign: load::CAMPAIGN,
            actor: "bench",
            simulated: false,
        },
        &Options::default(),
    )?;
    let limit = parse(&file).map_err(|error| CliError::io("read", &file, error))?;
    let program = std::env::current_exe().map_err(|error| CliError::io("find", "this program", error))?;
    let started = Instant::now();
    let status = Command::new(program)
        .arg("import")
        .arg(&file)
        .arg("--data")
        .arg(&register)
        .args([
            "--kind", "dwelling", "--as", "bench", "--reason", "bench", "--format", "json",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| CliError::io("run", "this program", error))?;
    let value = per_second(rows, started);
    if !status.success() {
        return Err(super::usage("the import failed"));
    }
    let figure = Figure {
        name: "import-csv",
        value: round(value),
        unit: "rows/s",
        events: Some(rows + 1),
        ..Figure::default()
    };
    figures.print(&figure.of_limit(limit, "reading the same file with the csv crate alone"))
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
