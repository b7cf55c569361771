//! `shilu show`: one record at one point on both time axes.

use super::{ask, at, record_path};
use crate::{
    Done,
    args::{Format, RecordArgs},
    error::CliError,
    format::warn_of_simulation,
    messages::{Language, Text},
    output::Output,
    register::Register,
    table::{Table, terminal_width},
    wire::{self, Record, cell},
};

/// Runs it.
pub fn run(args: &RecordArgs, language: Language) -> Done {
    let path = record_path(&args.record)?;
    ask(&args.source, language, |register| {
        let bytes = register.get(&at(&args.at).on(&path))?;
        let record: Record = wire::read(&bytes, register.from())?;
        let mut output = Output::stdout();
        match args.format.format {
            Format::Json | Format::Jsonl => output.line(String::from_utf8_lossy(bytes.trim_ascii()))?,
            Format::Csv => csv_row(&record, output)?,
            Format::Table => {
                if record.simulated {
                    warn_of_simulation(language);
                }
                for line in lines(&record, register, language) {
                    output.line(line)?;
                }
                output.flush()?;
            }
        }
        Ok(())
    })
}

fn lines(record: &Record, register: &Register, language: Language) -> Vec<String> {
    let effective = record
        .effective
        .as_deref()
        .map(|time| register.local_time(time))
        .unwrap_or_default();
    let head = [
        (Text::Record, record.record.clone()),
        (Text::Status, language.word(&record.status).to_owned()),
        (Text::Area, record.area.clone().unwrap_or_default()),
        (Text::Version, record.version.to_string()),
        (Text::Effective, effective),
        (Text::AsOf, register.local_time(&cell(&record.as_of))),
    ];
    let campaign = register.campaign();
    let kind = campaign.kind(&record.kind);
    let mut table = Table::new([Text::Field, Text::Title, Text::Value].map(|text| language.say(text)));
    for (word, value) in head {
        table.push([String::new(), language.say(word).to_owned(), value]);
    }
    for (field, value) in &record.fields.0 {
        let title = kind.and_then(|kind| kind.field(field)).map(|field| &field.title);
        let title = title.and_then(|title| match language {
            Language::En => title.en.as_deref().or(title.zh.as_deref()),
            Language::Zh => title.zh(),
        });
        table.push([field.clone(), title.unwrap_or_default().to_owned(), cell(value)]);
    }
    table.lines(terminal_width())
}

fn csv_row(record: &Record, output: Output) -> Done {
    let mut writer = csv::Writer::from_writer(output);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let head = ["record", "status", "area", "version", "as_of", "effective"].map(str::to_owned);
    let values = [
        record.record.clone(),
        record.status.clone(),
        text(&record.area),
        record.version.to_string(),
        cell(&record.as_of),
        text(&record.effective),
    ];
    let fields = &record.fields.0;
    writer
        .write_record(
            head.into_iter()
                .chain(fields.iter().map(|(field, _)| field.clone())),
        )
        .map_err(CliError::csv)?;
    writer
        .write_record(
            values
                .into_iter()
                .chain(fields.iter().map(|(_, value)| cell(value))),
        )
        .map_err(CliError::csv)?;
    writer.flush().map_err(CliError::output)
}
