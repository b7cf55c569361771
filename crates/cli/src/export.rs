//! `shilu export`: a kind's records, its fields as columns in the campaign's order, sorted by key.

use std::collections::BTreeMap;

use serde_json::Value;
use shilu_engine::{AsOf, At, By, Engine, EngineError, FigureQuery, ListQuery, RecordView};
use shilu_model::{Kind, Position, Status, TimeError, Zone};

use crate::{
    Done,
    args::{AtArgs, ExportArgs, ExportFormat, StatusArg},
    error::{CliError, Problem},
    format::warn_of_simulation,
    import::value_json,
    messages::{Language, Text},
    output::{Output, say},
    register::{Paging, Query, Register},
    wire,
};

/// Records asked for at once: one answer gives so many.
const RECORDS_AT_ONCE: usize = 50_000;

/// Runs `export`.
pub fn run(args: &ExportArgs, language: Language) -> Done {
    let what = match args.format {
        ExportFormat::Xlsx => Some("xlsx"),
        ExportFormat::Parquet => Some("parquet"),
        ExportFormat::Csv | ExportFormat::Jsonl => None,
    };
    if let Some(what) = what {
        return Err(CliError::NotBuilt {
            what: format!("--format {what}"),
        });
    }
    let register = Register::open(&args.source, language)?;
    let result = export(args, &register, language);
    let closed = register.close();
    result.and(closed)
}

fn export(args: &ExportArgs, register: &Register, language: Language) -> Done {
    let campaign = register.campaign();
    let kind = campaign.kind(&args.kind).ok_or_else(|| EngineError::NoKind {
        kind: args.kind.clone(),
    })?;
    let left_out = match register {
        Register::Local(local) => {
            let at = resolve(&local.engine, &args.at, campaign.zone)?;
            let mut file = ExportFile::new(args.format, kind, local.engine.info().simulated, language)?;
            for view in Listed::new(&local.engine, kind, at, wanted(args.status)) {
                file.write(&Exported::of(view?, at))?;
            }
            file.finish()?;
            left_out(&local.engine, kind, at, args.status)?
        }
        Register::Remote(_) => remote(args, register, kind, language)?,
    };
    let words: Vec<String> = left_out
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(status, count)| format!("{count} {}", language.word(status.word())))
        .collect();
    if !words.is_empty() {
        say(format!("{}: {}", language.say(Text::LeftOut), words.join(", ")));
    }
    Ok(())
}

fn wanted(asked: StatusArg) -> Option<Status> {
    match asked {
        StatusArg::Registered => Some(Status::Registered),
        StatusArg::Collected => Some(Status::Collected),
        StatusArg::Deregistered => Some(Status::Deregistered),
        StatusArg::Void => Some(Status::Void),
        StatusArg::Found => Some(Status::Found),
        StatusArg::All => None,
    }
}

/// How many records of each other status there are.
fn left_out(
    engine: &Engine,
    kind: &Kind,
    at: At,
    asked: StatusArg,
) -> Result<BTreeMap<Status, u64>, CliError> {
    let Some(wanted) = wanted(asked) else {
        return Ok(BTreeMap::new());
    };
    let counts = engine.counts(&FigureQuery {
        at,
        by: By::Whole,
        area: None,
    })?;
    let others = counts
        .items
        .into_iter()
        .filter(|count| count.kind == kind.id && count.status != wanted);
    Ok(others.map(|count| (count.status, count.count)).collect())
}

/// Reads `--as-of` and `--effective`.
fn resolve(engine: &Engine, args: &AtArgs, zone: Zone) -> Result<At, CliError> {
    let bad = |name: &str, error: TimeError| CliError::Problem {
        problem: Box::new(Problem {
            status: 400,
            code: "BAD_TIME".to_owned(),
            detail: Some(format!("--{name}: {error}")),
            hint: Some("write a date, RFC 3339 with an offset, or for --as-of @POSITION".to_owned()),
            ..Problem::default()
        }),
    };
    let as_of = match args.as_of.as_deref() {
        None => AsOf::Now,
        Some(text) => match text.strip_prefix('@').map(str::parse::<u64>) {
            Some(Ok(number)) => AsOf::Position(Position::new(number)),
            Some(Err(_)) | None => AsOf::Time(zone.asked(text).map_err(|error| bad("as-of", error))?),
        },
    };
    let effective = args
        .effective
        .as_deref()
        .map(|text| zone.asked(text).map_err(|error| bad("effective", error)));
    Ok(engine.at(as_of, effective.transpose()?)?)
}

/// One record, as it is written out.
struct Exported {
    version: u32,
    as_of: Value,
    effective: Value,
    status: Status,
    key: String,
    area: String,
    fields: Vec<(String, Value)>,
}

impl Exported {
    fn of(view: RecordView, at: At) -> Self {
        let fields = view
            .fields
            .iter()
            .map(|(field, value)| (field.clone(), value_json(Some(value))));
        Exported {
            status: view.status,
            key: view.name.key().to_owned(),
            version: view.version,
            fields: fields.collect(),
            area: view.area,
            as_of: Value::String(at.known.to_string()),
            effective: Value::String(at.effective.to_string()),
        }
    }

    fn value(&self, field: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(id, _)| id == field)
            .map(|(_, value)| value)
    }
}

/// The file that is being written to stdout.
struct ExportFile<'k> {
    kind: &'k Kind,
    simulated: bool,
    sink: Sink,
}

enum Sink {
    Csv(Box<csv::Writer<Output>>),
    Jsonl(Output),
}

impl<'k> ExportFile<'k> {
    fn new(
        format: ExportFormat,
        kind: &'k Kind,
        simulated: bool,
        language: Language,
    ) -> Result<Self, CliError> {
        if simulated {
            warn_of_simulation(language);
        }
        let sink = if format == ExportFormat::Jsonl {
            Sink::Jsonl(Output::stdout())
        } else {
            let mut writer = csv::Writer::from_writer(Output::stdout());
            writer
                .write_record(kind.fields.iter().map(|field| &field.id))
                .map_err(CliError::csv)?;
            Sink::Csv(Box::new(writer))
        };
        Ok(ExportFile {
            kind,
            simulated,
            sink,
        })
    }

    fn write(&mut self, record: &Exported) -> Done {
        let key = Value::String(record.key.clone());
        let value = |field: &str| {
            if field == self.kind.key {
                Some(&key)
            } else {
                record.value(field)
            }
        };
        match &mut self.sink {
            Sink::Csv(writer) => {
                for field in &self.kind.fields {
                    writer
                        .write_field(value(&field.id).map(wire::cell).unwrap_or_default())
                        .map_err(CliError::csv)?;
                }
                writer.write_record(None::<&[u8]>).map_err(CliError::csv)
            }
            Sink::Jsonl(output) => {
                let fields = self.kind.fields.iter().filter_map(|field| {
                    let value = value(&field.id)?;
                    Some(format!("{}:{value}", Value::String(field.id.clone())))
                });
                let fields = fields.collect::<Vec<_>>().join(",");
                let area = Some(&record.area).filter(|area| !area.is_empty());
                let area = area.map_or(Value::Null, |area| Value::String(area.clone()));
                let simulated = if self.simulated { ",\"simulated\":true" } else { "" };
                output.line(format!(
                    "{{\"record\":{},\"kind\":\"{}\",\"key\":{key},\"area\":{},\"status\":\"{}\",\"version\":{},\
                     \"fields\":{{{fields}}},\"as_of\":{},\"effective\":{}{simulated}}}",
                    Value::String(format!("{}/{}", self.kind.id, record.key)),
                    self.kind.id,
                    area,
                    record.status.word(),
                    record.version,
                    record.as_of,
                    record.effective,
                ))
            }
        }
    }

    fn finish(self) -> Done {
        match self.sink {
            Sink::Csv(mut writer) => writer.flush().map_err(CliError::output),
            Sink::Jsonl(mut output) => output.flush(),
        }
    }
}

/// A kind's records with one status, page by page.
struct Listed<'e> {
    engine: &'e Engine,
    query: ListQuery,
    page: std::vec::IntoIter<RecordView>,
    more: bool,
}

impl<'e> Listed<'e> {
    fn new(engine: &'e Engine, kind: &Kind, at: At, status: Option<Status>) -> Self {
        let query = ListQuery {
            kind: Some(kind.id.clone()),
            area: None,
            status,
            found_too: true,
            text: None,
            at,
            after: None,
            limit: RECORDS_AT_ONCE,
        };
        Listed {
            engine,
            query,
            page: Vec::new().into_iter(),
            more: true,
        }
    }
}

impl Iterator for Listed<'_> {
    type Item = Result<RecordView, CliError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(view) = self.page.next() {
                return Some(Ok(view));
            }
            if !self.more {
                return None;
            }
            match self.engine.records(&self.query) {
                Ok(page) => {
                    self.more = page.next.is_some();
                    self.query.after = page.next;
                    self.page = page.items.into_iter();
                }
                Err(error) => {
                    self.more = false;
                    return Some(Err(error.into()));
                }
            }
        }
    }
}

/// Asks a server; what it leaves out is counted from `/counts`, which also tells whether its clock is simulated.
fn remote(
    args: &ExportArgs,
    register: &Register,
    kind: &Kind,
    language: Language,
) -> Result<BTreeMap<Status, u64>, CliError> {
    let wanted = wanted(args.status);
    let at = Query::default()
        .with("as_of", args.at.as_of.clone())
        .with("effective", args.at.effective.clone());
    let mut left_out = BTreeMap::new();
    let counted = register.pages("/api/v1/counts", at.clone(), Paging::Single, |item| {
        let count: wire::Count = wire::read(item.get().as_bytes(), register.from())?;
        let other =
            Status::parse(&count.status).filter(|status| wanted.is_some_and(|wanted| wanted != *status));
        if let Some(other) = other.filter(|_| count.kind == kind.id) {
            *left_out.entry(other).or_default() += count.count;
        }
        Ok(())
    })?;
    let mut file = ExportFile::new(args.format, kind, counted.simulated, language)?;
    let status = wanted.map_or("all", Status::word);
    let query = at
        .with("kind", Some(kind.id.clone()))
        .with("status", Some(status));
    register.pages("/api/v1/records", query, Paging::Whole, |item| {
        let record: wire::Record = wire::read(item.get().as_bytes(), register.from())?;
        file.write(&Exported {
            status: Status::parse(&record.status).unwrap_or(Status::Absent),
            key: record.key,
            version: record.version,
            area: record.area.unwrap_or_default(),
            as_of: record.as_of,
            effective: record.effective.map_or(Value::Null, Value::String),
            fields: record.fields.0,
        })
    })?;
    file.finish()?;
    Ok(left_out)
}
