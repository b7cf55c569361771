//! `shilu sample list`

use clap::Args;

use super::shape::Sample;
use crate::{
    Done,
    args::{FormatArg, SourceArgs},
    commands::ask,
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::{Paging, Query},
};

/// `sample list`
#[derive(Debug, Args)]
#[command(after_help = "\
Every sample is listed, whatever came of it: by indicator and area, the newest first. So whoever draws until it passes is seen.

Example:
  shilu sample list --indicator core-unit-accuracy --data reg")]
pub struct ListArgs {
    /// Only samples of this indicator (指标)
    #[arg(long, value_name = "ID")]
    pub indicator: Option<String>,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &ListArgs, language: Language) -> Done {
    ask(&args.source, language, |register| {
        let question = Question {
            path: "/api/v1/samples",
            query: Query::default().with("indicator", args.indicator.clone()),
            paging: Paging::Single,
        };
        list::<Sample>(register, question, args.format, language)
    })
}

impl Item for Sample {
    const COLUMNS: &'static [Text] = &[
        Text::Indicator,
        Text::Area,
        Text::Sample,
        Text::SampleNumber,
        Text::Status,
        Text::SampleDrawAt,
        Text::Population,
        Text::Drawn,
        Text::SampleSettled,
        Text::Numerator,
        Text::Denominator,
        Text::Unknown,
        Text::SampleLabel,
    ];
    const CSV: &'static [&'static str] = &[
        "indicator",
        "area",
        "id",
        "number",
        "of",
        "state",
        "draw_at",
        "population",
        "drawn",
        "settled",
        "numerator",
        "denominator",
        "unknown",
        "label",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let mut row = vec![
            self.indicator.clone(),
            self.area.clone().unwrap_or_default(),
            self.id.clone(),
            format!("{}/{}", self.number, self.of),
            view.language.word(&self.state).to_owned(),
            view.register.local_time(&self.draw_at),
        ];
        row.extend(self.figures());
        vec![row]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let mut row = vec![
            self.indicator.clone(),
            self.area.clone().unwrap_or_default(),
            self.id.clone(),
            self.number.to_string(),
            self.of.to_string(),
            self.state.clone(),
            self.draw_at.clone(),
        ];
        row.extend(self.figures());
        vec![row]
    }
}

impl Sample {
    fn figures(&self) -> Vec<String> {
        let of = |figure: Option<u64>| figure.map(|figure| figure.to_string()).unwrap_or_default();
        let estimate = self.estimate.as_ref();
        vec![
            self.population.to_string(),
            self.drawn.to_string(),
            self.settled.to_string(),
            of(estimate.map(|estimate| estimate.numerator)),
            of(estimate.map(|estimate| estimate.denominator)),
            of(estimate.map(|estimate| estimate.unknown)),
            self.label.clone().unwrap_or_default(),
        ]
    }
}
