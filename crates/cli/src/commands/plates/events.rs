//! `shilu plates fix`, `scan`, `retire`: the ordinary events of a plate, from what is known of it.

use clap::Args;
use serde_json::{Map, Value, json};
use shilu_model::{PLATE_ACTIVE, PLATE_KIND, PLATE_ON, PLATE_STATE};
use uuid::Uuid;

use super::{Accepted, not_mistyped, plate};
use crate::{
    Done,
    args::{Format, FormatArg, SourceArgs},
    commands::ask,
    error::CliError,
    import::ImportError,
    messages::{Language, Text},
    output::{Output, say},
    register::Register,
    table::{Table, terminal_width},
    wire,
};

/// The state of a plate that is no longer to be found.
const RETIRED: &str = "retired";

/// What the events of plates share.
#[derive(Debug, Args)]
pub struct EventArgs {
    /// The plate's number
    #[arg(value_name = "NUMBER")]
    pub number: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// Who does it
    #[arg(long = "as", value_name = "ACTOR")]
    pub actor: String,
    /// Since when it holds: RFC 3339, or a date (its start); now by default
    #[arg(long, value_name = "TIME")]
    pub effective: Option<String>,
    /// How to write the answer
    #[command(flatten)]
    pub format: FormatArg,
}

/// Where somebody stood, on WGS 84.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Latitude in degrees, north positive
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true, requires_all = ["lon", "accuracy"])]
    pub lat: Option<f64>,
    /// Longitude in degrees, east positive
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true, requires_all = ["lat", "accuracy"])]
    pub lon: Option<f64>,
    /// Radius of accuracy in metres
    #[arg(long, value_name = "METRES", requires_all = ["lat", "lon"])]
    pub accuracy: Option<f64>,
}

/// `plates fix`
#[derive(Debug, Args)]
#[command(after_help = "\
Corrects the plate's `on` and makes it active. If another plate is active on the thing, retire that one first. A plate
that is active elsewhere moves only with --move, and a retired one stays retired.

Example:
  shilu plates fix SL-00003MV-Q dwelling/330604006210-12-301 --data reg --as wang --reason \"fixed beside the door\"")]
pub struct FixArgs {
    /// The plate, who and when
    #[command(flatten)]
    pub event: EventArgs,
    /// The thing that it is fixed to, KIND/KEY
    #[arg(value_name = "KIND/KEY")]
    pub on: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Take it off the thing that it is active on
    #[arg(long = "move")]
    pub moves: bool,
    /// Where
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `plates scan`
#[derive(Debug, Args)]
#[command(after_help = "\
Collects the plate again, with the place, and states no field. Without a place it counts for no rate that asks for
somebody on site.

Example:
  shilu plates scan SL-00003MV-Q --data reg --as wang --lat 30.0941 --lon 120.9212 --accuracy 8")]
pub struct ScanArgs {
    /// The plate, who and when
    #[command(flatten)]
    pub event: EventArgs,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `plates retire`
#[derive(Debug, Args)]
#[command(after_help = "\
Corrects the plate's state to retired. What it was on stays known.

Example:
  shilu plates retire SL-00003MV-Q --data reg --as wang --reason \"broken\"")]
pub struct RetireArgs {
    /// The plate, who and when
    #[command(flatten)]
    pub event: EventArgs,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Runs `fix`.
pub fn fix(args: &FixArgs, language: Language) -> Done {
    submit(&args.event, language, |held| {
        let after = [(PLATE_ON, args.on.as_str()), (PLATE_STATE, PLATE_ACTIVE)];
        check_fresh(held, args)?;
        let mut command = correction(held, &after, &args.reason);
        place(&mut command, &args.place);
        Ok(command)
    })
}

/// Only a printed plate is fixed. One that is active goes elsewhere if that is asked for; one that was retired stays so.
fn check_fresh(held: &wire::Record, args: &FixArgs) -> Done {
    let (state, on) = (value(held, PLATE_STATE), value(held, PLATE_ON));
    let (problem, hint) = if state == RETIRED {
        (
            "the plate is retired".to_owned(),
            "take a new one; if it was retired by mistake, correct that, with the reason",
        )
    } else if state == PLATE_ACTIVE && on != &args.on && !args.moves {
        (
            format!("the plate is active on {}", on.as_str().unwrap_or("nothing")),
            "take a printed one; if this one really moved, say so with --move",
        )
    } else {
        return Ok(());
    };
    Err(CliError::Refused {
        code: "PLATE_IN_USE",
        problem,
        hint,
    })
}

/// Runs `scan`.
pub fn scan(args: &ScanArgs, language: Language) -> Done {
    submit(&args.event, language, |held| {
        let notes = [
            (value(held, PLATE_STATE) != PLATE_ACTIVE, Text::NotActive),
            (args.place.lat.is_none(), Text::NoPlace),
        ];
        for (_, text) in notes.into_iter().filter(|(holds, _)| *holds) {
            say(format!("{}: {}", language.say(Text::Note), language.say(text)));
        }
        let mut command = Map::new();
        command.insert("action".to_owned(), json!("collect"));
        command.insert("fields".to_owned(), json!({}));
        command.extend(
            args.reason
                .iter()
                .map(|reason| ("reason".to_owned(), json!(reason))),
        );
        place(&mut command, &args.place);
        Ok(command)
    })
}

/// Runs `retire`.
pub fn retire(args: &RetireArgs, language: Language) -> Done {
    submit(&args.event, language, |held| {
        Ok(correction(held, &[(PLATE_STATE, RETIRED)], &args.reason))
    })
}

/// What a plate holds in a field; null for nothing.
fn value<'r>(held: &'r wire::Record, field: &str) -> &'r Value {
    let found = held.fields.0.iter().find(|(id, _)| id == field);
    found.map_or(&Value::Null, |(_, value)| value)
}

/// Corrects what differs, each from what is held now: whoever was faster is not overridden. Where nothing differs all
/// of it is sent, for the register to say so.
fn correction(held: &wire::Record, after: &[(&str, &str)], reason: &str) -> Map<String, Value> {
    let change = |(field, after): &(&str, &str)| {
        let change = json!({"before": value(held, field), "after": after});
        ((*field).to_owned(), change)
    };
    let differs = |(field, after): &&(&str, &str)| value(held, field) != after;
    let mut changes: Map<String, Value> = after.iter().filter(differs).map(change).collect();
    if changes.is_empty() {
        changes = after.iter().map(change).collect();
    }
    let mut command = Map::new();
    command.insert("action".to_owned(), json!("correct"));
    command.insert("changes".to_owned(), Value::Object(changes));
    command.insert("reason".to_owned(), json!(reason));
    command
}

fn place(command: &mut Map<String, Value>, place: &PlaceArgs) {
    if let PlaceArgs {
        lat: Some(lat),
        lon: Some(lon),
        accuracy: Some(accuracy),
    } = place
    {
        let place = json!({"lat": lat, "lon": lon, "accuracy_m": accuracy});
        command.insert("place".to_owned(), place);
    }
}

/// Asks how the plate stands, sends the command that follows, and writes the answer.
fn submit(
    args: &EventArgs,
    language: Language,
    command: impl FnOnce(&wire::Record) -> Result<Map<String, Value>, CliError>,
) -> Done {
    let number = not_mistyped(&args.number)?;
    ask(&args.source, language, |register| {
        let zone = &register.campaign().zone;
        let effective = args.effective.as_deref().map(|text| zone.fact(text));
        let effective = effective.transpose().map_err(ImportError::BadTime)?;
        let effective = effective.map(|time| time.to_string());
        let held = plate(register, number, effective.clone())?;
        let mut command = command(&held)?;
        let mut set = |part: &str, value: Value| command.insert(part.to_owned(), value);
        set("id", json!(Uuid::now_v7().to_string()));
        set("record", json!(format!("{PLATE_KIND}/{number}")));
        set("actor", json!(args.actor));
        if let Some(effective) = effective {
            set("effective", json!(effective));
        }
        let bytes = register.post("/api/v1/commands", &Value::Object(command))?;
        answer(&bytes, register, args.format.format, language)
    })
}

/// Where the event stands.
fn answer(bytes: &[u8], register: &Register, format: Format, language: Language) -> Done {
    let accepted: Accepted = wire::read(bytes, register.from())?;
    let mut output = Output::stdout();
    match format {
        Format::Json | Format::Jsonl => output.line(String::from_utf8_lossy(bytes.trim_ascii()))?,
        Format::Table => {
            let columns = [
                Text::Position,
                Text::EventId,
                Text::Record,
                Text::Version,
                Text::Recorded,
            ];
            let mut table = Table::new(columns.map(|text| language.say(text)));
            let (position, version) = (accepted.position.to_string(), accepted.version.to_string());
            let recorded = register.local_time(&accepted.recorded);
            table.push([position, accepted.id, accepted.record, version, recorded]);
            for line in table.lines(terminal_width()) {
                output.line(line)?;
            }
        }
        Format::Csv => {
            let (position, version) = (accepted.position.to_string(), accepted.version.to_string());
            let cells = [
                &position,
                &accepted.id,
                &accepted.record,
                &version,
                &accepted.recorded,
            ];
            let mut writer = csv::Writer::from_writer(output);
            writer
                .write_record(["position", "id", "record", "version", "recorded"])
                .and_then(|()| writer.write_record(cells))
                .map_err(CliError::csv)?;
            return writer.flush().map_err(CliError::output);
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(fields: Value) -> wire::Record {
        let record = json!({"record": "plate/P-1", "kind": "plate", "key": "P-1", "status": "collected", "version": 1,
                            "fields": fields});
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn a_correction_states_what_differs_and_what_is_held() {
        let to_door = [("on", "dwelling/1"), ("state", "active")];
        for (fields, changes) in [
            (
                json!({"state": "printed"}),
                json!({"on": {"before": null, "after": "dwelling/1"}, "state": {"before": "printed", "after": "active"}}),
            ),
            (
                json!({"state": "active", "on": "dwelling/2"}),
                json!({"on": {"before": "dwelling/2", "after": "dwelling/1"}}),
            ),
            (
                json!({"state": "active", "on": "dwelling/1"}),
                json!({"on": {"before": "dwelling/1", "after": "dwelling/1"}, "state": {"before": "active", "after": "active"}}),
            ),
        ] {
            let command = correction(&held(fields), &to_door, "fixed");
            assert_eq!(command["changes"], changes);
        }
    }

    #[test]
    fn a_mistyped_number_is_not_even_asked_for() {
        assert_eq!(not_mistyped("SL-00003MW-Q").unwrap_err().code(), "BAD_VALUE");
        let typed = not_mistyped("sl-00003mv-q").unwrap_err().to_string();
        assert!(typed.contains("SL-00003MV-Q"), "{typed}");
        assert_eq!(not_mistyped("SL-00003MV-Q").unwrap(), "SL-00003MV-Q");
        assert_eq!(not_mistyped("老牌-17").unwrap(), "老牌-17");
    }
}
