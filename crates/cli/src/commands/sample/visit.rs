//! `shilu sample visit`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use shilu_model::{Campaign, FieldType, Kind};

use super::{ActorArgs, path, raw, shape::Entered};
use crate::{
    Done,
    args::{FormatArg, SourceArgs},
    commands::ask,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    register::Register,
    table::{Table, terminal_width},
    wire,
};

/// `sample visit`
#[derive(Debug, Args)]
#[command(after_help = "\
A visit is blind: nothing that the register holds is shown before it is entered. A drawn place takes two steps: first
the list of who is there (--step blind --list FILE), then, once shown who is registered and was not found, where they
are (--step revealed --list FILE). The files are JSON:
  [{\"observed\": {\"name\": \"李明\", \"arrived\": \"2015-05-01\"}, \"not_seen\": [\"citizen\"]}]
  [{\"record\": \"resident/12\", \"outcome\": \"gone\", \"left\": \"2015-05-28\"}, {\"record\": \"resident/13\", \"outcome\": \"unknown-here\"}]

Examples:
  shilu sample visit rooms-1 unit/0012 --outcome present --saw name=利民 --saw trade=shop --data reg --as wen
  shilu sample visit rooms-1 unit/0013 --outcome no-contact --data reg --as wen
  shilu sample visit who-1 dwelling/301 --step blind --outcome present --list found.json --data reg --as wen")]
pub struct VisitArgs {
    /// The sample's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// The drawn record or place, KIND/KEY
    #[arg(value_name = "KIND/KEY")]
    pub record: String,
    /// What was found: present, gone, unknown-here, no-contact or refused
    #[arg(long, value_name = "OUTCOME", required_unless_present = "step")]
    pub outcome: Option<String>,
    /// A value that was seen
    #[arg(long = "saw", value_name = "FIELD=VALUE", conflicts_with = "step")]
    pub saw: Vec<String>,
    /// A field that could not be seen
    #[arg(long, value_name = "FIELD", conflicts_with = "step")]
    pub not_seen: Vec<String>,
    /// Which step of a visit to a place
    #[arg(long, value_name = "STEP")]
    pub step: Option<Step>,
    /// Who was found, or the answers, as a JSON list
    #[arg(long, value_name = "FILE", requires = "step")]
    pub list: Option<PathBuf>,
    /// A UUIDv7 for this entry: sent again with the same one, it is answered as the first time
    #[arg(long = "entry", value_name = "UUID")]
    pub entry: Option<String>,
    /// When it was seen: RFC 3339; now by default
    #[arg(long, value_name = "TIME")]
    pub effective: Option<String>,
    /// Who, and why
    #[command(flatten)]
    pub actor: ActorArgs,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// A step of a visit to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// Who is there
    Blind,
    /// Where those are who were shown
    Revealed,
}

/// Runs it.
pub fn run(args: &VisitArgs, language: Language) -> Done {
    ask(&args.source, language, |register| {
        let body = Value::Object(body(args, &register.campaign())?);
        let answer = register.post(&path(&args.id, "/visits"), &body)?;
        show(&answer, register, args.format, language)
    })
}

fn show(answer: &[u8], register: &Register, format: FormatArg, language: Language) -> Done {
    if raw(format, answer)? {
        return Ok(());
    }
    let entered: Entered = wire::read(answer, register.from())?;
    say(format!(
        "{}: {}",
        language.say(Text::SampleEntered),
        entered.events.len()
    ));
    if entered.revealed.is_empty() {
        return Ok(());
    }
    say(language.say(Text::SampleAsk));
    let columns = [Text::Record, Text::Status, Text::Observed];
    let mut table = Table::new(columns.map(|text| language.say(text)));
    for shown in &entered.revealed {
        let status = if shown.registered {
            "registered"
        } else {
            "deregistered"
        };
        let fields = shown.fields.0.iter();
        let fields: Vec<String> = fields.map(|(_, value)| wire::cell(value)).collect();
        table.push([
            shown.record.clone(),
            language.word(status).to_owned(),
            fields.join(" "),
        ]);
    }
    let mut output = Output::stdout();
    for line in table.lines(terminal_width()) {
        output.line(line)?;
    }
    output.flush()
}

fn body(args: &VisitArgs, campaign: &Campaign) -> Result<Map<String, Value>, CliError> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("actor", json!(args.actor.actor));
    if let Some(entry) = &args.entry {
        put("id", json!(entry));
    }
    if let Some(reason) = &args.actor.reason {
        put("reason", json!(reason));
    }
    if let Some(outcome) = &args.outcome {
        put("outcome", json!(outcome));
    }
    if let Some(effective) = &args.effective {
        put("effective", json!(effective));
    }
    let list = match &args.list {
        None => json!([]),
        Some(file) => {
            let bytes = std::fs::read(file).map_err(|error| CliError::io("read", file, error))?;
            serde_json::from_slice(&bytes).map_err(|error| CliError::Usage {
                problem: format!("{}: {error}", file.display()),
                hint: "write a JSON list, as `shilu sample visit --help` shows",
            })?
        }
    };
    match args.step {
        None => {
            put("record", json!(args.record));
            let kind = args
                .record
                .split_once('/')
                .and_then(|(kind, _)| campaign.kind(kind));
            put("observed", Value::Object(seen(&args.saw, kind)?));
            put("not_seen", json!(args.not_seen));
        }
        Some(Step::Blind) => {
            put("step", json!("blind"));
            put("place", json!(args.record));
            put("found", list);
        }
        Some(Step::Revealed) => {
            put("step", json!("revealed"));
            put("place", json!(args.record));
            put("answers", list);
        }
    }
    Ok(body)
}

/// Values as the field's type is written in JSON; what is no such value goes on as a text, and the register says so.
fn seen(pairs: &[String], kind: Option<&Kind>) -> Result<Map<String, Value>, CliError> {
    let mut seen = Map::new();
    for pair in pairs {
        let (field, value) = pair.split_once('=').ok_or_else(|| CliError::Usage {
            problem: format!("{pair:?} is no FIELD=VALUE"),
            hint: "write --saw FIELD=VALUE; nothing after = means that there is no value",
        })?;
        let declared = kind
            .and_then(|kind| kind.field(field))
            .map(|field| &field.field_type);
        let value = match (declared, value) {
            (_, "") => Value::Null,
            (Some(FieldType::Integer), number) => number
                .parse::<i64>()
                .map_or(json!(number), |number| json!(number)),
            (Some(FieldType::Boolean), truth) => {
                truth.parse::<bool>().map_or(json!(truth), |truth| json!(truth))
            }
            (_, text) => json!(text),
        };
        seen.insert(field.to_owned(), value);
    }
    Ok(seen)
}
