//! Lists of answers in each format. A machine's formats pass the service's own items on; people get tables.

use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

use crate::{
    Done,
    args::{Format, FormatArg},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    register::{Pages, Paging, Query, Register},
    table::{Table, terminal_width},
    wire,
};

/// What a table needs to know beside the items.
pub struct View<'r> {
    /// The register, for its zone.
    pub register: &'r Register,
    /// The language.
    pub language: Language,
}

/// One kind of item, as rows of a table and of a CSV file.
pub trait Item: DeserializeOwned {
    /// The columns of a table.
    const COLUMNS: &'static [Text];
    /// The columns of a CSV file.
    const CSV: &'static [&'static str];

    /// The rows of a table for one item.
    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>>;

    /// The rows of a CSV file for one item.
    fn csv(&self) -> Vec<Vec<String>>;
}

/// Where a list comes from.
pub struct Question<'q> {
    /// Its path.
    pub path: &'q str,
    /// Its filters.
    pub query: Query,
    /// How it comes.
    pub paging: Paging,
}

/// Asks for a list and writes it.
pub fn list<I: Item>(
    register: &Register,
    question: Question<'_>,
    format: FormatArg,
    language: Language,
) -> Done {
    let view = View { register, language };
    let mut listing = Listing::<I>::new(format.format, view)?;
    let pages = register.pages(question.path, question.query, question.paging, |item| {
        listing.push(&item)
    })?;
    listing.finish(&pages)?;
    if pages.simulated {
        warn_of_simulation(language);
    }
    if pages.next.is_some() {
        say(format!(
            "{}: {}",
            language.say(Text::Hint),
            language.say(Text::More)
        ));
    }
    Ok(())
}

/// A list that is being written.
struct Listing<'r, I> {
    view: View<'r>,
    sink: Sink,
    items: usize,
    of: std::marker::PhantomData<I>,
}

enum Sink {
    Table(Output, Table),
    Json(Output),
    Jsonl(Output),
    Csv(Box<csv::Writer<Output>>),
}

impl<'r, I: Item> Listing<'r, I> {
    fn new(format: Format, view: View<'r>) -> Result<Self, CliError> {
        let output = Output::stdout();
        let sink = match format {
            Format::Table => Sink::Table(
                output,
                Table::new(I::COLUMNS.iter().map(|text| view.language.say(*text))),
            ),
            Format::Json => {
                let mut output = output;
                output.bytes(b"{\"items\":[")?;
                Sink::Json(output)
            }
            Format::Jsonl => Sink::Jsonl(output),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(output);
                writer.write_record(I::CSV).map_err(CliError::csv)?;
                Sink::Csv(Box::new(writer))
            }
        };
        Ok(Listing {
            view,
            sink,
            items: 0,
            of: std::marker::PhantomData,
        })
    }

    fn push(&mut self, raw: &RawValue) -> Done {
        self.items += 1;
        let read = || wire::read::<I>(raw.get().as_bytes(), self.view.register.from());
        match &mut self.sink {
            Sink::Table(_, table) => {
                for row in read()?.rows(&self.view) {
                    table.push(row);
                }
                Ok(())
            }
            Sink::Json(output) => {
                if self.items > 1 {
                    output.bytes(b",")?;
                }
                output.bytes(raw.get().as_bytes())
            }
            Sink::Jsonl(output) => output.line(raw.get()),
            Sink::Csv(writer) => {
                for row in read()?.csv() {
                    writer.write_record(row).map_err(CliError::csv)?;
                }
                Ok(())
            }
        }
    }

    fn finish(self, pages: &Pages) -> Done {
        match self.sink {
            Sink::Table(mut output, table) => {
                if table.is_empty() {
                    say(self.view.language.say(Text::Nothing));
                } else {
                    for line in table.lines(terminal_width()) {
                        output.line(line)?;
                    }
                }
                output.flush()
            }
            Sink::Json(mut output) => {
                let next = pages.next.clone().map_or(Value::Null, Value::String);
                let simulated = if pages.simulated {
                    ",\"simulated\":true"
                } else {
                    ""
                };
                output.line(format!(
                    "],\"next\":{next},\"as_of\":{}{simulated}}}",
                    pages.as_of
                ))?;
                output.flush()
            }
            Sink::Jsonl(mut output) => output.flush(),
            Sink::Csv(mut writer) => writer.flush().map_err(CliError::output),
        }
    }
}

/// Warns of a simulated clock, for a person.
pub fn warn_of_simulation(language: Language) {
    say(format!(
        "{}: {}",
        language.say(Text::Note),
        language.say(Text::Simulated)
    ));
}
