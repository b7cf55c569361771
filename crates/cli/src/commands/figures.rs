//! `shilu counts` and `shilu rates`.

use super::{ask, at};
use crate::{
    Done,
    args::{ByArg, FigureArgs},
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::Paging,
    wire::{Count, Rate, cell},
};

/// Runs `counts`.
pub fn counts(args: &FigureArgs, language: Language) -> Done {
    figures::<Count>("/api/v1/counts", args, language)
}

/// Runs `rates`.
pub fn rates(args: &FigureArgs, language: Language) -> Done {
    figures::<Rate>("/api/v1/rates", args, language)
}

fn figures<I: Item>(path: &str, args: &FigureArgs, language: Language) -> Done {
    let by = args.by.map(|by| match by {
        ByArg::Area => "area",
        ByArg::Actor => "actor",
    });
    let query = at(&args.at).with("by", by).with("area", args.area.clone());
    ask(&args.source, language, |register| {
        list::<I>(
            register,
            Question {
                path,
                query,
                paging: Paging::Single,
            },
            args.format,
            language,
        )
    })
}

impl Item for Count {
    const COLUMNS: &'static [Text] = &[Text::Kind, Text::Status, Text::Area, Text::Actor, Text::Count];
    const CSV: &'static [&'static str] = &["kind", "status", "area", "actor", "count"];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        vec![vec![
            self.kind.clone(),
            view.language.word(&self.status).to_owned(),
            self.area.clone().unwrap_or_default(),
            self.actor.clone().unwrap_or_default(),
            self.count.to_string(),
        ]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![vec![
            self.kind.clone(),
            self.status.clone(),
            text(&self.area),
            text(&self.actor),
            self.count.to_string(),
        ]]
    }
}

impl Item for Rate {
    const COLUMNS: &'static [Text] = &[
        Text::Indicator,
        Text::Title,
        Text::Area,
        Text::Actor,
        Text::Numerator,
        Text::Denominator,
        Text::Unknown,
        Text::Rate,
        Text::Interval,
        Text::Target,
        Text::State,
    ];
    const CSV: &'static [&'static str] = &[
        "indicator",
        "title",
        "area",
        "actor",
        "numerator",
        "denominator",
        "unknown",
        "value",
        "lower",
        "upper",
        "target",
        "state",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let interval = match (self.lower, self.upper) {
            (Some(lower), Some(upper)) => format!("{:.2}–{}", lower * 100.0, percent(upper)),
            _ => String::new(),
        };
        vec![vec![
            self.indicator.clone(),
            cell(&self.title),
            self.area.clone().unwrap_or_default(),
            self.actor.clone().unwrap_or_default(),
            cell(&self.numerator),
            cell(&self.denominator),
            cell(&self.unknown),
            self.value.map(percent).unwrap_or_default(),
            interval,
            cell(&self.target),
            self.state
                .as_deref()
                .map(|state| view.language.word(state).to_owned())
                .unwrap_or_default(),
        ]]
    }

    fn csv(&self) -> Vec<Vec<String>> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![vec![
            self.indicator.clone(),
            cell(&self.title),
            text(&self.area),
            text(&self.actor),
            cell(&self.numerator),
            cell(&self.denominator),
            cell(&self.unknown),
            number(self.value),
            number(self.lower),
            number(self.upper),
            cell(&self.target),
            text(&self.state),
        ]]
    }
}
