//! What can end a command, how it is told on stderr, and the exit code: 1 refused, 2 usage or cannot be parsed.

use std::{error::Error, io, path::PathBuf};

use serde::Deserialize;
use shilu_engine::{EngineError, merkle::EvidenceError};
use shilu_model::Class;
use shilu_service::{KeyFileError, WitnessError};
use shilu_verify::Finding;
use thiserror::Error;

use crate::{
    import::ImportError,
    messages::{Language, Text},
    output::say,
};

/// What can end a command.
#[derive(Debug, Error)]
pub enum CliError {
    /// The reader of stdout went away: nothing is wrong.
    #[error("the reader of the output went away")]
    ReaderGone,
    /// All is said already.
    #[error("refused")]
    Said,
    /// The command line makes no sense.
    #[error("{problem}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// Something that is not allowed.
    #[error("{problem}")]
    Refused {
        /// The stable code.
        code: &'static str,
        /// What is not.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// Something that cannot be parsed.
    #[error("{problem}")]
    Malformed {
        /// The stable code.
        code: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// Something in a list or stream.
    #[error("{inner}")]
    At {
        /// index or line
        word: &'static str,
        /// Where.
        number: usize,
        /// What.
        inner: Box<CliError>,
    },
    /// A piece of evidence is wrong or cannot be read.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A witness does not start.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// A key's file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A thing this version cannot do.
    #[error("{what} is not built in this version")]
    NotBuilt {
        /// What.
        what: String,
    },
    /// The register in the folder refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The service refuses, in process or over the network.
    #[error("{}", problem.sentence())]
    Problem {
        /// Its answer.
        problem: Box<Problem>,
    },
    /// An audit found damage.
    #[error(transparent)]
    Finding(#[from] Finding),
    /// An import refuses.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A server cannot be reached, or does not answer as one.
    #[error("cannot ask {url}: {problem}")]
    Server {
        /// The address.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// A file or stdout fails.
    #[error("cannot {doing}")]
    Io {
        /// What was being done, to which file.
        doing: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// An RFC 9457 problem, as the service answers it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Its short name.
    pub title: Option<String>,
    /// The stable code.
    pub code: String,
    /// What happened.
    pub detail: Option<String>,
    /// The record it is about.
    pub record: Option<String>,
    /// The field it is about.
    pub field: Option<String>,
    /// The command's place in its list.
    pub index: Option<u64>,
    /// The line of a stream.
    pub line: Option<u64>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Problem {
    fn sentence(&self) -> &str {
        self.detail
            .as_deref()
            .or(self.title.as_deref())
            .unwrap_or("the server refuses")
    }
}

impl CliError {
    /// A failure of stdout.
    pub fn output(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            CliError::ReaderGone
        } else {
            CliError::Io {
                doing: "write to stdout".to_owned(),
                source,
            }
        }
    }

    /// A failure of a file.
    pub fn io(doing: &str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        CliError::Io {
            doing: format!("{doing} {}", path.into().display()),
            source,
        }
    }

    /// A csv writer's failure: only its output can fail.
    pub fn csv(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(source) => CliError::output(source),
            kind => CliError::output(io::Error::other(format!("{kind:?}"))),
        }
    }

    /// The same, of the command at this place.
    pub fn at(self, word: &'static str, number: usize) -> Self {
        CliError::At {
            word,
            number,
            inner: Box::new(self),
        }
    }

    /// The exit code.
    pub fn exit(&self) -> u8 {
        match self {
            CliError::ReaderGone => 0,
            CliError::Usage { .. } | CliError::NotBuilt { .. } | CliError::Malformed { .. } => 2,
            CliError::At { inner, .. } => inner.exit(),
            CliError::Evidence(error) if error.is_malformed() => 2,
            CliError::KeyFile(error) | CliError::Witness(WitnessError::Key(error))
                if error.code() == "BAD_KEY" =>
            {
                2
            }
            CliError::Witness(WitnessError::NameMissing) => 2,
            CliError::Engine(error) => of_class(error.class()),
            CliError::Import(error) => of_class(error.class()),
            CliError::Problem { problem } if problem.status == 400 => 2,
            CliError::Problem { .. }
            | CliError::Evidence(_)
            | CliError::Witness(_)
            | CliError::KeyFile(_)
            | CliError::Said
            | CliError::Finding(_)
            | CliError::Refused { .. }
            | CliError::Server { .. }
            | CliError::Io { .. } => 1,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            CliError::ReaderGone | CliError::Said => "",
            CliError::Usage { .. } => "USAGE",
            CliError::Refused { code, .. } | CliError::Malformed { code, .. } => code,
            CliError::At { inner, .. } => inner.code(),
            CliError::Evidence(error) => error.code(),
            CliError::Witness(error) => error.code(),
            CliError::KeyFile(error) => error.code(),
            CliError::NotBuilt { .. } => "NOT_BUILT",
            CliError::Engine(error) => error.code(),
            CliError::Problem { problem } => &problem.code,
            CliError::Import(error) => error.code(),
            CliError::Finding(finding) => finding.code(),
            CliError::Server { .. } => "NO_SERVER",
            CliError::Io { .. } => "IO",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            CliError::ReaderGone | CliError::Said => None,
            CliError::Usage { hint, .. }
            | CliError::Refused { hint, .. }
            | CliError::Malformed { hint, .. } => Some((*hint).to_owned()),
            CliError::At { inner, .. } => inner.hint(),
            CliError::Evidence(error) => Some(error.hint().to_owned()),
            CliError::Witness(error) => Some(error.hint().to_owned()),
            CliError::KeyFile(error) => Some(error.hint().to_owned()),
            CliError::NotBuilt { .. } => Some("see `shilu help` for what there is".to_owned()),
            CliError::Engine(error) if error.code() == "REGISTER_IN_USE" => Some(
                "stop the program that has it open; or ask that one, where the command takes --server URL"
                    .to_owned(),
            ),
            CliError::Engine(error) => Some(error.hint()),
            CliError::Problem { problem } => problem.hint.clone(),
            CliError::Import(error) => Some(error.hint()),
            CliError::Finding(finding) => Some(finding.damage.hint().to_owned()),
            CliError::Server { .. } => {
                Some("check the address, and that `shilu serve` runs there".to_owned())
            }
            CliError::Io { .. } => Some("check the path, its rights and the disk".to_owned()),
        }
    }

    /// Where it is: record, field, place in a list, line and column, each with its word.
    fn place(&self) -> Vec<(&'static str, String)> {
        let mut place = Vec::new();
        let mut add = |word, value: Option<String>| place.extend(value.map(|value| (word, value)));
        match self {
            CliError::Engine(error) => {
                add("record", error.record().map(ToString::to_string));
                add("field", error.field().map(str::to_owned));
                add("index", error.index().map(|index| index.to_string()));
            }
            CliError::Problem { problem } => {
                add("record", problem.record.clone());
                add("field", problem.field.clone());
                add("index", problem.index.map(|index| index.to_string()));
                add("line", problem.line.map(|line| line.to_string()));
            }
            CliError::At { word, number, .. } => add(word, Some(number.to_string())),
            CliError::Import(error) => {
                if let Some((line, column)) = error.place() {
                    add("line", Some(line.to_string()));
                    add("column", Some(column.to_string()));
                }
            }
            _ => {}
        }
        place
    }

    /// Tells it on stderr.
    pub fn report(&self, language: Language) {
        if matches!(self, CliError::ReaderGone | CliError::Said) {
            return;
        }
        say(self.text(language));
    }

    /// What is told on stderr.
    pub fn text(&self, language: Language) -> String {
        let mut lines = vec![format!(
            "{}[{}]: {}",
            language.say(Text::Error),
            self.code(),
            printable(&self.to_string())
        )];
        for (word, value) in self.place() {
            lines.push(format!("  {word}: {}", printable(&value)));
        }
        let mut told = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Some sentences end with their cause already.
            let sentence = error.to_string();
            if !told.ends_with(&sentence) {
                lines.push(format!(
                    "  {}: {}",
                    language.say(Text::Cause),
                    printable(&sentence)
                ));
            }
            told = sentence;
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            lines.push(format!("{}: {}", language.say(Text::Hint), printable(&hint)));
        }
        lines.join("\n")
    }
}

/// The exit code of a class of refusals.
fn of_class(class: Class) -> u8 {
    if class == Class::Malformed { 2 } else { 1 }
}

/// Text from elsewhere, safe for a terminal: control characters are escaped.
pub fn printable(text: &str) -> String {
    if text.chars().any(is_unsafe) {
        text.chars()
            .fold(String::with_capacity(text.len() + 8), |mut safe, c| {
                if is_unsafe(c) {
                    safe.extend(c.escape_default());
                } else {
                    safe.push(c);
                }
                safe
            })
    } else {
        text.to_owned()
    }
}

/// Control characters, and the invisible ones that turn the direction of text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use shilu_model::{RecordName, Rejection};

    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_next() {
        let error = CliError::Engine(EngineError::Rejected {
            index: Some(2),
            record: RecordName::parse("street/110101001").unwrap(),
            rejection: Rejection::NothingChanges,
        });
        insta::assert_snapshot!(error.text(Language::En), @r"
        error[NOTHING_CHANGES]: the correction changes nothing
          record: street/110101001
          index: 2
        hint: leave it: the register already says so
        ");
        assert_eq!(error.exit(), 1);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(printable("东华门"), "东华门");
    }
}
