//! `shilu key sign`: commands in, the same commands with the actor's signature out.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use serde_json::{Map, Value, json};
use shilu_merkle::{Algorithm, EvidenceError, SignerKey};

use super::normal_form::{Fresh, normal_form};
use crate::{
    Done,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
};

/// Bytes of commands that are signed at once: all of them are, or none.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// `key sign`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads one command, a JSON array of commands or one command per line, as POST /api/v1/commands takes them, and writes the
same with a signature. A signed command states its id and its effective time: where they are missing, a new id and the
present time are filled in. Write times with an offset, decimals as text in their shortest form, and leave the key field
out of \"fields\".

Examples:
  shilu key sign visits.ndjson --key zhang.key > signed.ndjson
  echo '{\"action\":\"register\",\"record\":\"dwelling/1\",\"actor\":\"zhang\"}' | shilu key sign --key zhang.key")]
pub struct SignArgs {
    /// The commands; - for stdin
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// The actor's key, as `key new` made it
    #[arg(long, value_name = "KEYFILE")]
    pub key: PathBuf,
}

/// Runs it.
pub fn run(args: &SignArgs, language: Language) -> Done {
    let key = shilu_service::read_key_file(&args.key)?;
    if key.verifier().algorithm() != Algorithm::Ed25519 {
        return Err(CliError::Evidence(EvidenceError::BadKey {
            problem: "it is a witness's key, and an actor signs with another kind",
        }));
    }
    let input = read(args)?;
    let mut output = Output::stdout();
    let notes = sign_all(&input, &key, Fresh::draw, |line| output.line(line))?;
    output.flush()?;
    for field in notes {
        say(format!(
            "{}: {field}: {}",
            language.say(Text::Note),
            language.say(Text::PerhapsTheKeyField)
        ));
    }
    Ok(())
}

fn read(args: &SignArgs) -> Result<Vec<u8>, CliError> {
    let failed = |error| CliError::io("read", &args.file, error);
    let mut input = Vec::new();
    let from: &mut dyn Read = if args.file.as_os_str() == "-" {
        &mut io::stdin()
    } else {
        &mut File::open(&args.file).map_err(failed)?
    };
    from.take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut input)
        .map_err(failed)?;
    if u64::try_from(input.len()).is_ok_and(|length| length <= INPUT_BYTES_MAX) {
        Ok(input)
    } else {
        Err(CliError::Usage {
            problem: format!("there are more than {INPUT_BYTES_MAX} bytes of commands"),
            hint: "split the file",
        })
    }
}

/// Signs everything, then writes it in the shape in which it came. Gives the fields that may be key fields.
fn sign_all(
    input: &[u8],
    key: &SignerKey,
    fresh: impl Fn() -> Fresh,
    mut write: impl FnMut(String) -> Done,
) -> Result<Vec<String>, CliError> {
    let values = serde_json::Deserializer::from_slice(input).into_iter::<Value>();
    let mut lines = Vec::new();
    let mut notes = Vec::new();
    let mut command = |value: Value| {
        let form = normal_form(value, &fresh())?;
        notes.extend(key_field(&form));
        sign(form, key)
    };
    for (number, value) in values.enumerate() {
        let value = value.map_err(|error| CliError::Malformed {
            code: "BAD_JSON",
            problem: format!("the commands cannot be read: {error}"),
            hint: "send one command, an array of commands, or one command per line",
        })?;
        lines.push(match value {
            Value::Array(list) => {
                let signed = list.into_iter().enumerate();
                let signed =
                    signed.map(|(index, value)| command(value).map_err(|error| error.at("index", index)));
                Value::Array(signed.collect::<Result<_, _>>()?)
            }
            value => command(value).map_err(|error| error.at("line", number + 1))?,
        });
    }
    if lines.is_empty() {
        return Err(CliError::Malformed {
            code: "BAD_JSON",
            problem: "there is no command".to_owned(),
            hint: "name a file, or pipe commands in",
        });
    }
    lines.iter().try_for_each(|line| write(line.to_string()))?;
    notes.sort();
    notes.dedup();
    Ok(notes)
}

/// A field of a collect that says what the record's key says: if it is the key field, it must not be signed.
fn key_field(form: &Map<String, Value>) -> Option<String> {
    let (_, key) = form.get("record")?.as_str()?.split_once('/')?;
    let fields = form.get("fields")?.as_object()?;
    let (field, _) = fields.iter().find(|(_, value)| value.as_str() == Some(key))?;
    Some(field.clone())
}

/// Adds the signature over the RFC 8785 form.
fn sign(mut form: Map<String, Value>, key: &SignerKey) -> Result<Value, CliError> {
    let (actor, name) = (form.get("actor").and_then(Value::as_str), key.verifier().name());
    if actor != Some(name) {
        return Err(CliError::Refused {
            code: "OTHER_ACTOR",
            problem: format!(
                "the command's actor is {:?}, and the key is of {name:?}",
                actor.unwrap_or_default()
            ),
            hint: "sign with the actor's own key, or put the actor right",
        });
    }
    let unsigned = serde_json_canonicalizer::to_string(&form).map_err(|error| CliError::Malformed {
        code: "BAD_JSON",
        problem: format!("the command has no canonical form: {error}"),
        hint: "write numbers as integers within ±2^53, and decimals as text",
    })?;
    let signature = json!({
        "key": format!("{:08x}", key.verifier().id()),
        "value": STANDARD.encode(key.sign(unsigned.as_bytes())),
    });
    form.insert("signature".to_owned(), signature);
    Ok(Value::Object(form))
}

#[cfg(test)]
mod tests;
