//! `shilu plates check`: whether numbers are written right. Asks no register.

use clap::Args;
use serde_json::json;
use shilu_model::{PlateNumber, PlateNumberError};

use crate::{
    Done,
    args::{Format, FormatArg},
    error::CliError,
    messages::{Language, Text},
    output::Output,
    table::{Table, terminal_width},
};

/// `plates check`
#[derive(Debug, Args)]
#[command(after_help = "\
A wrong number is told with the check character that its digits should have. Exit 1 if any number is wrong.

Example:
  shilu plates check SL-00003MV-Q SL-00003MW-Q")]
pub struct CheckArgs {
    /// The numbers
    #[arg(value_name = "NUMBER", required = true)]
    pub numbers: Vec<String>,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// What is found of a number.
struct Checked<'n> {
    number: &'n str,
    found: Result<PlateNumber, PlateNumberError>,
}

impl Checked<'_> {
    fn word(&self) -> Text {
        match self.found {
            Ok(_) => Text::RightNumber,
            Err(PlateNumberError::WrongCheck { .. }) => Text::WrongNumber,
            Err(PlateNumberError::OtherForm) => Text::OtherNumber,
        }
    }

    /// The number with the character that its digits should end in; of one that is only typed otherwise, its one form.
    fn expected(&self) -> Option<String> {
        match self.found {
            Ok(_) => None,
            Err(PlateNumberError::WrongCheck { expected, .. }) => {
                let digits = self.number.strip_suffix(|_: char| true)?;
                Some(format!("{digits}{expected}"))
            }
            Err(PlateNumberError::OtherForm) => {
                PlateNumber::read(self.number).ok().map(|right| right.to_string())
            }
        }
    }

    fn json(&self) -> String {
        let serial = self.found.ok().map(PlateNumber::serial);
        json!({"number": self.number, "right": self.found.is_ok(), "expected": self.expected(), "serial": serial})
            .to_string()
    }
}

/// Runs it.
pub fn run(args: &CheckArgs, language: Language) -> Done {
    let checked: Vec<Checked<'_>> = args.numbers.iter().map(|number| check(number)).collect();
    let mut output = Output::stdout();
    match args.format.format {
        Format::Table => {
            for line in table(&checked, language).lines(terminal_width()) {
                output.line(line)?;
            }
            output.flush()?;
        }
        Format::Json => {
            let items: Vec<String> = checked.iter().map(Checked::json).collect();
            output.line(format!("[{}]", items.join(",")))?;
            output.flush()?;
        }
        Format::Jsonl => {
            for one in &checked {
                output.line(one.json())?;
            }
            output.flush()?;
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(output);
            writer
                .write_record(["number", "right", "expected"])
                .map_err(CliError::csv)?;
            for one in &checked {
                let right = one.found.is_ok().to_string();
                let expected = one.expected().unwrap_or_default();
                writer
                    .write_record([one.number, &right, &expected])
                    .map_err(CliError::csv)?;
            }
            writer.flush().map_err(CliError::output)?;
        }
    }
    if checked.iter().all(|one| one.found.is_ok()) {
        Ok(())
    } else {
        Err(CliError::Said)
    }
}

fn check(number: &str) -> Checked<'_> {
    Checked {
        number,
        found: PlateNumber::parse(number),
    }
}

fn table(checked: &[Checked<'_>], language: Language) -> Table {
    let mut table =
        Table::new([Text::Number, Text::CheckCharacter, Text::ShouldBe].map(|text| language.say(text)));
    for one in checked {
        let word = language.say(one.word()).to_owned();
        table.push([one.number.to_owned(), word, one.expected().unwrap_or_default()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_is_told_with_the_right_one() {
        let checked = ["SL-00003MV-Q", "SL-00003MW-Q", "P-17", "sl-00003mv-q"].map(check);
        insta::assert_snapshot!(table(&checked, Language::En).lines(None).join("\n"), @r"
        Number        Check character               Should be
        ────────────  ────────────────────────────  ────────────
        SL-00003MV-Q  right
        SL-00003MW-Q  WRONG                         SL-00003MW-O
        P-17          not of the form SL-XXXXXXX-C
        sl-00003mv-q  not of the form SL-XXXXXXX-C  SL-00003MV-Q
        ");
        let [right, wrong, other, typed] = checked.map(|one| one.json());
        assert_eq!(
            right,
            r#"{"expected":null,"number":"SL-00003MV-Q","right":true,"serial":4711}"#
        );
        assert!(wrong.contains(r#""right":false"#) && other.contains(r#""expected":null"#));
        assert!(typed.contains(r#""expected":"SL-00003MV-Q""#), "{typed}");
    }
}
