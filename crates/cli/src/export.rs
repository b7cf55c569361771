//! `shilu export`: a kind's records, its fields as columns in the campaign's order, sorted by key.

mod about;
mod out;
#[cfg(feature = "parquet")]
mod parquet;
mod xlsx;

use std::{collections::BTreeMap, io::Write};

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
    output::say,
    register::{Paging, Query, Register},
    wire,
};
use about::About;
#[cfg(feature = "parquet")]
use parquet::ParquetFile;
use xlsx::XlsxFile;

pub use out::Out;
pub use xlsx::{cell, failed, format, header, mark_simulated, sheet_name};

/// Records asked for at once: one answer gives so many.
const RECORDS_AT_ONCE: usize = 50_000;

/// Runs `export`.
pub fn run(args: &ExportArgs, language: Language) -> Done {
    if cfg!(not(feature = "parquet")) && args.format == ExportFormat::Parquet {
        return Err(CliError::NotBuilt {
            what: "--format parquet (the cargo feature `parquet`)".to_owned(),
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
    let about = match register {
        Register::Local(local) => {
            let at = resolve(&local.engine, &args.at, campaign.zone)?;
            let info = local.engine.info();
            let mut file = ExportFile::new(args, kind, info.simulated, language)?;
            let mut about = About {
                origin: info.origin.clone(),
                kind: kind.id.clone(),
                as_of_position: at.known_end.to_string(),
                as_of: at.known.to_string(),
                effective: at.effective.to_string(),
                status: wanted(args.status).map_or("all", Status::word),
                simulated: info.simulated,
                count: 0,
                left_out: left_out(&local.engine, kind, at, args.status)?,
            };
            for view in Listed::new(&local.engine, kind, at, wanted(args.status)) {
                file.write(&Exported::of(view?, at))?;
                about.count += 1;
            }
            file.finish(&about)?;
            about
        }
        Register::Remote(_) => remote(args, register, kind, language)?,
    };
    let words = about.left_out(|status| language.word(status.word()).to_owned());
    if !words.is_empty() {
        say(format!("{}: {words}", language.say(Text::LeftOut)));
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

/// The file that is being written.
struct ExportFile<'k> {
    kind: &'k Kind,
    simulated: bool,
    language: Language,
    sink: Sink<'k>,
}

enum Sink<'k> {
    Csv(Box<csv::Writer<Out>>),
    Jsonl(Out),
    Xlsx(Box<XlsxFile<'k>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetFile>),
}

impl<'k> ExportFile<'k> {
    fn new(args: &ExportArgs, kind: &'k Kind, simulated: bool, language: Language) -> Result<Self, CliError> {
        if simulated {
            warn_of_simulation(language);
        }
        let path = args.out.as_deref();
        let sink = match args.format {
            ExportFormat::Jsonl => Sink::Jsonl(Out::new(path)?),
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(Out::new(path)?);
                writer
                    .write_record(kind.fields.iter().map(|field| &field.id))
                    .map_err(CliError::csv)?;
                Sink::Csv(Box::new(writer))
            }
            ExportFormat::Xlsx => {
                let out = Out::binary(path, "a workbook")?;
                Sink::Xlsx(Box::new(XlsxFile::new(kind, simulated, language, out)?))
            }
            #[cfg(feature = "parquet")]
            ExportFormat::Parquet => {
                let out = Out::binary(path, "a Parquet file")?;
                Sink::Parquet(Box::new(ParquetFile::new(kind, out)?))
            }
            // Refused before the register was opened.
            #[cfg(not(feature = "parquet"))]
            ExportFormat::Parquet => return Err(CliError::Said),
        };
        Ok(ExportFile {
            kind,
            simulated,
            language,
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
        let mut values = self.kind.fields.iter().map(|field| value(&field.id));
        match &mut self.sink {
            Sink::Csv(writer) => {
                for value in values {
                    writer
                        .write_field(value.map(wire::cell).unwrap_or_default())
                        .map_err(CliError::csv)?;
                }
                writer.write_record(None::<&[u8]>).map_err(CliError::csv)
            }
            Sink::Jsonl(out) => {
                let line = json_line(self.kind, record, &key, &mut values, self.simulated);
                writeln!(out, "{line}").map_err(|error| out.failed(error))
            }
            Sink::Xlsx(file) => file.write(values),
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.write(values),
        }
    }

    fn finish(self, about: &About) -> Done {
        match self.sink {
            Sink::Csv(writer) => match writer.into_inner() {
                Ok(out) => out.finish(),
                Err(error) => Err(CliError::output(error.into_error())),
            },
            Sink::Jsonl(out) => out.finish(),
            Sink::Xlsx(file) => file.finish(about, self.language),
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.finish(about),
        }
    }
}

/// A record as a line of JSON.
fn json_line(
    kind: &Kind,
    record: &Exported,
    key: &Value,
    values: &mut dyn Iterator<Item = Option<&Value>>,
    simulated: bool,
) -> String {
    let fields = kind.fields.iter().zip(values).filter_map(|(field, value)| {
        let value = value?;
        Some(format!("{}:{value}", Value::String(field.id.clone())))
    });
    let fields = fields.collect::<Vec<_>>().join(",");
    let area = Some(&record.area).filter(|area| !area.is_empty());
    let area = area.map_or(Value::Null, |area| Value::String(area.clone()));
    let simulated = if simulated { ",\"simulated\":true" } else { "" };
    format!(
        "{{\"record\":{},\"kind\":\"{}\",\"key\":{key},\"area\":{area},\"status\":\"{}\",\"version\":{},\
         \"fields\":{{{fields}}},\"as_of\":{},\"effective\":{}{simulated}}}",
        Value::String(format!("{}/{}", kind.id, record.key)),
        kind.id,
        record.status.word(),
        record.version,
        record.as_of,
        record.effective,
    )
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
) -> Result<About, CliError> {
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
    let simulated = counted.simulated;
    let status = wanted.map_or("all", Status::word);
    let campaign = register.campaign();
    let asked = |time: &Option<String>| time.clone().unwrap_or_else(|| "now".to_owned());
    let mut about = About {
        origin: if simulated {
            format!("{}/simulated", campaign.origin)
        } else {
            campaign.origin.clone()
        },
        kind: kind.id.clone(),
        as_of_position: wire::cell(&counted.as_of),
        as_of: asked(&args.at.as_of),
        effective: asked(&args.at.effective),
        status,
        simulated,
        count: 0,
        left_out,
    };
    let mut file = ExportFile::new(args, kind, simulated, language)?;
    let query = at
        .with("kind", Some(kind.id.clone()))
        .with("status", Some(status));
    let listed = register.pages("/api/v1/records", query, Paging::Whole, |item| {
        let record: wire::Record = wire::read(item.get().as_bytes(), register.from())?;
        let effective = record.effective.map_or(Value::Null, Value::String);
        if about.count == 0 {
            about.as_of = wire::cell(&record.as_of);
            about.effective = wire::cell(&effective);
        }
        about.count += 1;
        file.write(&Exported {
            status: Status::parse(&record.status).unwrap_or(Status::Absent),
            key: record.key,
            version: record.version,
            area: record.area.unwrap_or_default(),
            as_of: record.as_of,
            effective,
            fields: record.fields.0,
        })
    })?;
    about.as_of_position = wire::cell(&listed.as_of);
    file.finish(&about)?;
    Ok(about)
}

#[cfg(test)]
mod tests;
