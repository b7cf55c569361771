//! `shilu plates`: numbers for new plates, sheets to print them from, and what happens to them at the doors.

mod check;
mod code;
mod events;
mod new;
mod page;
mod sheet;

use clap::{Args, Subcommand};
use serde::Deserialize;
use shilu_model::{PLATE_KIND, PlateNumber, PlateNumberError};

use crate::{
    Done,
    error::CliError,
    messages::Language,
    register::{Paging, Query, Register},
    wire,
};

/// Most plates that one command makes or prints: a page of labels is some kilobytes per plate, and a browser prints
/// this many in one go.
const PLATES_MAX: usize = 10_000;

/// `plates`
#[derive(Debug, Args)]
#[command(after_help = "\
A plate (标牌) is a record of the kind `plate`: printed, then active on a thing, then retired. Its number SL-XXXXXXX-C
ends in a check character, so that nobody mistypes it unnoticed. On a thing at most one plate is active.

Examples:
  shilu plates new --data reg --area 330604006210 --count 120 --as zhang --reason \"plates for Jianyue\"
  shilu plates sheet --data reg --area 330604006210 --out plates.html
  shilu plates fix SL-00003MV-Q dwelling/330604006210-12-301 --data reg --as wang --reason \"fixed beside the door\"
  shilu plates scan SL-00003MV-Q --data reg --as wang --lat 30.0941 --lon 120.9212 --accuracy 8
  shilu plates retire SL-00003MV-Q --data reg --as wang --reason \"broken\"")]
pub struct PlatesArgs {
    /// What to do
    #[command(subcommand)]
    pub command: PlatesCommand,
}

/// What can be done with plates.
#[derive(Debug, Subcommand)]
pub enum PlatesCommand {
    /// Make new numbers, and collect them as printed plates (编号)
    New(new::NewArgs),
    /// A page of labels with QR codes, to be printed (打印)
    Sheet(sheet::SheetArgs),
    /// Say whether numbers are written right (校验)
    Check(check::CheckArgs),
    /// A plate is fixed to a thing, and active there (上墙)
    Fix(events::FixArgs),
    /// A plate is seen on its thing (扫码)
    Scan(events::ScanArgs),
    /// A plate is no longer to be found (停用)
    Retire(events::RetireArgs),
}

/// Runs it.
pub fn run(args: &PlatesArgs, language: Language) -> Done {
    match &args.command {
        PlatesCommand::New(args) => new::run(args, language),
        PlatesCommand::Sheet(args) => sheet::run(args, language),
        PlatesCommand::Check(args) => check::run(args, language),
        PlatesCommand::Fix(args) => events::fix(args, language),
        PlatesCommand::Scan(args) => events::scan(args, language),
        PlatesCommand::Retire(args) => events::retire(args, language),
    }
}

/// A command's answer.
#[derive(Debug, Deserialize)]
struct Accepted {
    /// Where the event stands.
    position: u64,
    /// The event's id.
    id: String,
    /// The record.
    record: String,
    /// How many events it has.
    version: u32,
    /// When the log took it.
    recorded: String,
}

/// A number that was typed: refused where its check character says that it was mistyped. Other forms may be somebody
/// else's numbers.
fn not_mistyped(number: &str) -> Result<&str, CliError> {
    let problem = match PlateNumber::read(number) {
        Ok(right) if right.to_string() != number => format!("{number:?} is written {right}"),
        Err(wrong @ PlateNumberError::WrongCheck { .. }) => {
            format!("{number:?} is no plate's number: {wrong}")
        }
        Ok(_) | Err(PlateNumberError::OtherForm) => return Ok(number),
    };
    Err(CliError::Refused {
        code: "BAD_VALUE",
        problem,
        hint: "read the number on the plate again",
    })
}

/// Every record of the kind that is of this status, or of any; tells whether the register's clock is simulated.
fn plates(
    register: &Register,
    status: Option<&str>,
    mut each: impl FnMut(wire::Record) -> Done,
) -> Result<bool, CliError> {
    let query = Query::default()
        .with("kind", Some(PLATE_KIND))
        .with("status", status);
    let pages = register.pages("/api/v1/records", query, Paging::Whole, |item| {
        each(wire::read(item.get().as_bytes(), register.from())?)
    })?;
    Ok(pages.simulated)
}

/// A plate as it stands, and the register's own word on its clock.
fn plate(register: &Register, number: &str, effective: Option<String>) -> Result<wire::Record, CliError> {
    let path = super::record_path(&format!("{PLATE_KIND}/{number}"))?;
    let bytes = register.get(&Query::default().with("effective", effective).on(&path))?;
    wire::read(&bytes, register.from())
}
