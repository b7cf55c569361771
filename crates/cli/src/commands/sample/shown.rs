//! `shilu sample result`, and how a sample is shown to a person.

use clap::Args;

use super::{path, raw, shape::Sample};
use crate::{
    Done,
    args::{Format, FormatArg, SourceArgs},
    commands::ask,
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    register::Register,
    table::{Table, terminal_width},
    wire,
};

/// `sample result`
#[derive(Debug, Args)]
#[command(after_help = "\
It shows what was drawn, who goes where, and what the visits give so far. What the register holds of a drawn record is
not shown: visits are blind.

Examples:
  shilu sample result rooms-1 --data reg
  shilu sample result rooms-1 --data reg --format csv > visits.csv")]
pub struct ResultArgs {
    /// The sample's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &ResultArgs, language: Language) -> Done {
    ask(&args.source, language, |register| {
        let answer = register.get(&path(&args.id, ""))?;
        show(Some(register), &answer, args.format, language)
    })
}

/// Shows a sample with its draw.
pub(super) fn show(
    register: Option<&Register>,
    answer: &[u8],
    format: FormatArg,
    language: Language,
) -> Done {
    if format.format != Format::Csv && raw(format, answer)? {
        return Ok(());
    }
    let sample: Sample = wire::read(answer, register.map_or("this program", Register::from))?;
    let records = sample
        .draw
        .as_ref()
        .map(|draw| draw.records.as_slice())
        .unwrap_or_default();
    if format.format == Format::Csv {
        let mut writer = csv::Writer::from_writer(Output::stdout());
        let header = [
            "rank",
            "record",
            "area",
            "verifier",
            "recheck",
            "attempts",
            "outcome",
            "finding",
            "settled",
            "recheck_agrees",
        ];
        writer.write_record(header).map_err(CliError::csv)?;
        for one in records {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let row = [
                one.rank.to_string(),
                one.record.clone(),
                one.area.clone(),
                text(&one.verifier),
                text(&one.recheck),
                one.attempts.to_string(),
                text(&one.outcome),
                text(&one.finding),
                one.settled.to_string(),
                one.recheck_agrees
                    .map(|agrees| agrees.to_string())
                    .unwrap_or_default(),
            ];
            writer.write_record(row).map_err(CliError::csv)?;
        }
        return writer.flush().map_err(CliError::output);
    }
    let mut output = Output::stdout();
    for line in summary(&sample, register, language).lines(terminal_width()) {
        output.line(line)?;
    }
    if !records.is_empty() {
        let columns = [
            Text::Rank,
            Text::Record,
            Text::Area,
            Text::Verifier,
            Text::Recheck,
            Text::Attempts,
            Text::Outcome,
            Text::Finding,
            Text::SampleSettled,
        ];
        let mut table = Table::new(columns.map(|text| language.say(text)));
        for one in records {
            let word =
                |word: &Option<String>| word.as_deref().map_or("", |word| language.word(word)).to_owned();
            let settled = match (one.settled, one.answers_missing) {
                (true, _) => language.say(Text::Yes),
                (false, true) => language.say(Text::SampleAnswersMissing),
                (false, false) => "",
            };
            table.push([
                one.rank.to_string(),
                one.record.clone(),
                one.area.clone(),
                one.verifier.clone().unwrap_or_default(),
                one.recheck.clone().unwrap_or_default(),
                one.attempts.to_string(),
                word(&one.outcome),
                word(&one.finding),
                settled.to_owned(),
            ]);
        }
        output.line("")?;
        for line in table.lines(terminal_width()) {
            output.line(line)?;
        }
    }
    output.flush()?;
    let problem = sample.draw.as_ref().and_then(|draw| draw.problem.as_ref());
    for warning in problem
        .or(sample.label.as_ref())
        .into_iter()
        .chain(&sample.notices)
    {
        say(format!("{}: {warning}", language.say(Text::Note)));
    }
    Ok(())
}

fn summary(sample: &Sample, register: Option<&Register>, language: Language) -> Table {
    let mut table = Table::new([language.say(Text::Sample), sample.id.as_str()]);
    let mut put = |name: Text, value: String| {
        if !value.is_empty() {
            table.push([language.say(name).to_owned(), value]);
        }
    };
    let time = |text: &str| register.map_or_else(|| text.to_owned(), |register| register.local_time(text));
    put(Text::Indicator, sample.indicator.clone());
    put(Text::Area, sample.area.clone().unwrap_or_default());
    put(Text::Status, language.word(&sample.state).to_owned());
    put(Text::SampleNumber, format!("{}/{}", sample.number, sample.of));
    put(
        Text::SampleAnnounced,
        format!("{} @{}", time(&sample.announced), sample.position),
    );
    put(Text::SampleDrawAt, time(&sample.draw_at));
    put(Text::SampleEntropy, sample.entropy.clone());
    put(Text::SampleLabel, sample.label.clone().unwrap_or_default());
    put(Text::Population, sample.population.to_string());
    put(Text::Drawn, sample.drawn.to_string());
    if let Some(draw) = &sample.draw {
        put(Text::SampleRevealed, draw.revealed.clone().unwrap_or_default());
        put(Text::CheckpointSize, draw.size.to_string());
        put(Text::CheckpointRoot, draw.root.clone());
        put(Text::CosignedBy, draw.witnesses.join(", "));
        put(Text::SampleSeed, draw.seed.clone());
        put(Text::SampleSettled, sample.settled.to_string());
    }
    if let Some(estimate) = &sample.estimate {
        put(Text::Rate, estimate.shown());
        put(Text::Unknown, estimate.unknown.to_string());
    }
    table
}
