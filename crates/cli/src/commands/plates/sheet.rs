//! `shilu plates sheet`: plates that are to be printed, as a page of labels or as drawings.

use std::{collections::HashSet, fs, io::Write, path::PathBuf};

use clap::Args;
use shilu_model::{Campaign, FieldType, PLATE_KIND, PLATE_STATE};

use super::{
    PLATES_MAX,
    code::drawing,
    new::PRINTED,
    not_mistyped,
    page::{Label, Page, TITLE},
    plate, plates,
};
use crate::{
    Done,
    args::SourceArgs,
    commands::ask,
    error::CliError,
    export::Out,
    format::warn_of_simulation,
    messages::{Language, Text},
    output::say,
    register::{Register, segment},
    wire,
};

/// `plates sheet`
#[derive(Debug, Args)]
#[command(after_help = "\
The page needs nothing but a browser: A4, fifteen labels a sheet, each with its QR code, the number, the campaign and
the area. The code holds the number and nothing else. Without numbers and without --state: the printed plates.

Examples:
  shilu plates sheet --data reg --area 330604006210 --out plates.html
  shilu plates sheet SL-00003MV-Q SL-00003MW-O --data reg --out again.html
  shilu plates sheet --server http://127.0.0.1:8080 --state printed --svg plates")]
pub struct SheetArgs {
    /// These plates, in this order; by default all that are asked for
    #[arg(value_name = "NUMBER")]
    pub numbers: Vec<String>,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only in this area, and what lies in it
    #[arg(long)]
    pub area: Option<String>,
    /// Only in this state; printed by default, any for plates that are named
    #[arg(long)]
    pub state: Option<String>,
    /// The page's title
    #[arg(long, value_name = "TEXT", default_value = TITLE)]
    pub title: String,
    /// Write the page here; it appears when it is whole
    #[arg(long, value_name = "FILE", required_unless_present = "svg")]
    pub out: Option<PathBuf>,
    /// Write one SVG file per plate into this folder
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,
}

/// A state that the campaign does not know is that of no plate.
fn check_state(campaign: &Campaign, state: &str) -> Done {
    let field = campaign.kind(PLATE_KIND).and_then(|kind| kind.field(PLATE_STATE));
    match field.map(|field| &field.field_type) {
        Some(FieldType::Choice(states)) if !states.iter().any(|other| other == state) => {
            Err(CliError::Refused {
                code: "BAD_VALUE",
                problem: format!("{state:?} is no state of a plate: they are {}", states.join(", ")),
                hint: "ask for one of these states",
            })
        }
        _ => Ok(()),
    }
}

/// Runs it.
pub fn run(args: &SheetArgs, language: Language) -> Done {
    for number in &args.numbers {
        not_mistyped(number)?;
    }
    ask(&args.source, language, |register| {
        let campaign = register.campaign();
        if let Some(state) = &args.state {
            check_state(&campaign, state)?;
        }
        let (labels, simulated) = labels(args, register, &campaign)?;
        if labels.is_empty() {
            return Err(CliError::Refused {
                code: "NO_PLATES",
                problem: "no live plate in the register is as asked for".to_owned(),
                hint: "make plates with `shilu plates new`, or ask for another --area or --state",
            });
        }
        if let Some(path) = &args.out {
            let page = Page {
                title: &args.title,
                campaign: &campaign.name,
                simulated,
            };
            let mut out = Out::new(Some(path))?;
            page.write(&mut out, &labels).map_err(|error| out.failed(error))?;
            out.finish()?;
        }
        if let Some(dir) = &args.svg {
            fs::create_dir_all(dir).map_err(|error| CliError::io("make", dir, error))?;
            for Label { number, .. } in &labels {
                let path = dir.join(format!("{}.svg", segment(number)));
                let mut out = Out::new(Some(&path))?;
                out.write_all(drawing(number, simulated).as_bytes())
                    .map_err(|error| out.failed(error))?;
                out.finish()?;
            }
        }
        if simulated {
            warn_of_simulation(language);
        }
        say(format!("{}: {}", language.say(Text::PlatesDrawn), labels.len()));
        Ok(())
    })
}

/// The plates that are asked for, and whether the register's clock is simulated.
fn labels(
    args: &SheetArgs,
    register: &Register,
    campaign: &Campaign,
) -> Result<(Vec<Label>, bool), CliError> {
    let mut labels = Vec::new();
    let mut add = |record: &wire::Record| {
        if is_wanted(args, campaign, record) {
            labels.push(label(campaign, record));
        }
        if labels.len() > PLATES_MAX {
            return Err(CliError::Refused {
                code: "TOO_MANY_PLATES",
                problem: format!("more than {PLATES_MAX} plates are asked for"),
                hint: "ask for one area at a time with --area",
            });
        }
        Ok(())
    };
    let mut simulated = false;
    if args.numbers.is_empty() {
        simulated = plates(register, None, |record| add(&record))?;
    } else {
        let mut named = HashSet::new();
        for number in args.numbers.iter().filter(|number| named.insert(number.as_str())) {
            let record = plate(register, number, None)?;
            simulated |= record.simulated;
            add(&record)?;
        }
    }
    Ok((labels, simulated))
}

fn is_wanted(args: &SheetArgs, campaign: &Campaign, record: &wire::Record) -> bool {
    let live = matches!(record.status.as_str(), "collected" | "registered");
    let in_area = args.area.as_deref().is_none_or(|wanted| {
        let area = record.area.as_deref().unwrap_or_default();
        area == wanted || campaign.areas.rolls_up_to(area, wanted)
    });
    let default = args.numbers.is_empty().then_some(PRINTED);
    let in_state = args.state.as_deref().or(default).is_none_or(|wanted| {
        let mut fields = record.fields.0.iter();
        fields.any(|(field, value)| field == PLATE_STATE && value == wanted)
    });
    live && in_area && in_state
}

fn label(campaign: &Campaign, record: &wire::Record) -> Label {
    let area = record.area.as_deref().unwrap_or_default();
    let title = campaign.areas.get(area).and_then(|area| area.title.zh());
    Label {
        number: record.key.clone(),
        area: title.unwrap_or(area).to_owned(),
    }
}
