//! `shilu plates new`: new numbers, collected as printed plates.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};
use shilu_engine::EngineError;
use shilu_model::{Kind, LIST_COMMANDS_MAX, PLATE_KIND, PLATE_STATE, PlateNumber};
use uuid::Uuid;

use super::{Accepted, PLATES_MAX, plates};
use crate::{
    Done,
    args::{Format, FormatArg, SourceArgs},
    commands::ask,
    error::CliError,
    messages::Language,
    output::Output,
    register::Register,
    wire,
};

/// The state of a plate that is nowhere yet.
pub const PRINTED: &str = "printed";

/// `plates new`
#[derive(Debug, Args)]
#[command(after_help = "\
Serials go on after the greatest one in the register. Each thousand is taken whole or not at all; stdout has the numbers
that were taken, one a line.

Examples:
  shilu plates new --data reg --area 330604006210 --count 120 --as zhang --reason \"plates for Jianyue\"
  shilu plates new --server http://127.0.0.1:8080 --area 330604006210 --count 3 --as zhang --reason \"spares\" --format jsonl")]
pub struct NewArgs {
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// The area that they are for
    #[arg(long)]
    pub area: String,
    /// How many, at most 10,000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub count: u64,
    /// On whose account
    #[arg(long = "as", value_name = "ACTOR")]
    pub actor: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The first serial; by default the one after the greatest in the register
    #[arg(long, value_name = "SERIAL")]
    pub from: Option<u64>,
    /// How to write the numbers
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &NewArgs, language: Language) -> Done {
    ask(&args.source, language, |register| {
        let campaign = register.campaign();
        let kind = campaign.kind(PLATE_KIND).ok_or_else(|| EngineError::NoKind {
            kind: PLATE_KIND.to_owned(),
        })?;
        let mut taken = BTreeSet::new();
        plates(register, Some("all"), |plate| {
            taken.extend(PlateNumber::parse(&plate.key).map(PlateNumber::serial));
            Ok(())
        })?;
        let numbers = numbers(&taken, args.from, args.count)?;
        let mut listing = Listing::new(args.format.format)?;
        let mut lists = numbers.chunks(LIST_COMMANDS_MAX);
        let taken = lists.try_for_each(|list| {
            let accepted = take(register, kind, args, list)?;
            let mut taken = list.iter().zip(&accepted);
            taken.try_for_each(|(number, accepted)| listing.push(*number, args, accepted))
        });
        // What was taken before a refusal is taken: its numbers are told whole.
        let told = listing.finish();
        taken.and(told)
    })
}

/// One atomic list.
fn take(
    register: &Register,
    kind: &Kind,
    args: &NewArgs,
    list: &[PlateNumber],
) -> Result<Vec<Accepted>, CliError> {
    let commands = list.iter().map(|number| collect(kind, args, *number));
    let bytes = register.post("/api/v1/commands", &commands.collect())?;
    wire::read(&bytes, register.from())
}

// `--count` says the same number in its help.
const _: () = assert!(PLATES_MAX == 10_000);

/// The numbers that are next.
fn numbers(taken: &BTreeSet<u64>, from: Option<u64>, count: u64) -> Result<Vec<PlateNumber>, CliError> {
    let first = from.unwrap_or_else(|| taken.last().map_or(1, |greatest| greatest + 1));
    let end = first.checked_add(count).filter(|end| *end <= PlateNumber::COUNT);
    let end = end.ok_or_else(|| CliError::Usage {
        problem: format!(
            "from {first} on there are no {count} serials: the last one is {}",
            PlateNumber::COUNT - 1
        ),
        hint: "name a smaller first serial with --from",
    })?;
    if let Some(serial) = taken.range(first..end).next() {
        return Err(CliError::Refused {
            code: "SERIAL_TAKEN",
            problem: format!(
                "the serial {serial} is in the register already, of {} that are asked for",
                count
            ),
            hint: "leave --from out: then the serials go on after the greatest one",
        });
    }
    Ok((first..end).filter_map(PlateNumber::new).collect())
}

/// The command for one number. Its version 0 refuses it where somebody else was first.
fn collect(kind: &Kind, args: &NewArgs, number: PlateNumber) -> Value {
    let area = kind.area.as_deref().unwrap_or("area");
    json!({
        "id": Uuid::now_v7().to_string(),
        "action": "collect",
        "record": format!("{PLATE_KIND}/{number}"),
        "actor": args.actor,
        "reason": args.reason,
        "fields": {area: args.area, PLATE_STATE: PRINTED},
        "expected_version": 0,
    })
}

/// The numbers, as they are taken.
enum Listing {
    Lines(Output),
    Jsonl(Output),
    Json(Output, bool),
    Csv(Box<csv::Writer<Output>>),
}

impl Listing {
    fn new(format: Format) -> Result<Self, CliError> {
        let mut output = Output::stdout();
        Ok(match format {
            Format::Table => Listing::Lines(output),
            Format::Jsonl => Listing::Jsonl(output),
            Format::Json => {
                output.bytes(b"[")?;
                Listing::Json(output, false)
            }
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(output);
                writer
                    .write_record(["number", "serial", "area", "position", "id"])
                    .map_err(CliError::csv)?;
                Listing::Csv(Box::new(writer))
            }
        })
    }

    fn push(&mut self, number: PlateNumber, args: &NewArgs, accepted: &Accepted) -> Done {
        let (number, serial) = (number.to_string(), number.serial());
        let json = || {
            json!({"number": number, "serial": serial, "area": args.area, "position": accepted.position,
                   "id": accepted.id})
        };
        match self {
            Listing::Lines(output) => output.line(number),
            Listing::Jsonl(output) => output.line(json()),
            Listing::Json(output, begun) => {
                if std::mem::replace(begun, true) {
                    output.bytes(b",")?;
                }
                output.bytes(json().to_string().as_bytes())
            }
            Listing::Csv(writer) => {
                let (serial, position) = (serial.to_string(), accepted.position.to_string());
                let cells = [&number, &serial, &args.area, &position, &accepted.id];
                writer.write_record(cells).map_err(CliError::csv)
            }
        }
    }

    fn finish(self) -> Done {
        match self {
            Listing::Lines(mut output) | Listing::Jsonl(mut output) => output.flush(),
            Listing::Json(mut output, _) => {
                output.line("]")?;
                output.flush()
            }
            Listing::Csv(mut writer) => writer.flush().map_err(CliError::output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serials(taken: &[u64], from: Option<u64>, count: u64) -> Result<Vec<u64>, String> {
        let taken = taken.iter().copied().collect();
        numbers(&taken, from, count)
            .map(|numbers| numbers.into_iter().map(PlateNumber::serial).collect())
            .map_err(|error| error.code().to_owned())
    }

    #[test]
    fn serials_go_on_after_the_greatest() {
        let last = PlateNumber::COUNT - 1;
        let taken = || "SERIAL_TAKEN".to_owned();
        let none = || "USAGE".to_owned();
        assert_eq!(serials(&[], None, 2), Ok(vec![1, 2]));
        assert_eq!(serials(&[1, 9, 4], None, 2), Ok(vec![10, 11]));
        assert_eq!(serials(&[1, 9], Some(2), 7), Ok(vec![2, 3, 4, 5, 6, 7, 8]));
        assert_eq!(serials(&[1, 9], Some(2), 8), Err(taken()));
        assert_eq!(serials(&[], Some(0), 1), Ok(vec![0]));
        assert_eq!(serials(&[], Some(last), 1), Ok(vec![last]));
        assert_eq!(serials(&[], Some(last), 2), Err(none()));
        assert_eq!(serials(&[last], None, 1), Err(none()));
        assert_eq!(serials(&[], Some(u64::MAX), 1), Err(none()));
    }
}
