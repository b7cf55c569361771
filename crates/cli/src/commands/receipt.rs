//! `shilu receipt`: an event with its proof, to be kept and checked anywhere.

use std::fs;

use crate::{
    Done,
    args::ReceiptArgs,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    register::segment,
};

/// Runs it.
pub fn run(args: &ReceiptArgs, language: Language) -> Done {
    super::ask(&args.source, language, |register| {
        let path = format!("/api/v1/events/{}/receipt?wait=published", segment(&args.event));
        let receipt = register.get(&path)?;
        match &args.out {
            Some(out) => {
                fs::write(out, &receipt).map_err(|error| CliError::io("write", out, error))?;
                say(format!("{}: {}", language.say(Text::Written), out.display()));
                Ok(())
            }
            None => {
                let mut output = Output::stdout();
                output.bytes(&receipt)?;
                output.flush()
            }
        }
    })
}
