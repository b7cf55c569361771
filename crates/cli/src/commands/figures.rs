//! `shilu counts` and `shilu rates`.

use super::{ask, at};
use crate::{
    Done,
    args::{AxisArg, ByArg, FigureArgs, RatesArgs},
    format::{Item, Question, View, list},
    messages::{Language, Text},
    register::{Paging, Query},
    wire::{Count, Rate, Share, cell},
};

/// Runs `counts`.
pub fn counts(args: &FigureArgs, language: Language) -> Done {
    figures::<Count>("/api/v1/counts", args, query(args), language)
}

/// Runs `rates`.
pub fn rates(args: &RatesArgs, language: Language) -> Done {
    let query = query(&args.figure)
        .with("from", args.from.clone())
        .with("axis", args.axis.map(AxisArg::word));
    figures::<Rate>("/api/v1/rates", &args.figure, query, language)
}

fn query(args: &FigureArgs) -> Query {
    let by = args.by.map(|by| match by {
        ByArg::Area => "area",
        ByArg::Actor => "actor",
    });
    at(&args.at).with("by", by).with("area", args.area.clone())
}

fn figures<I: Item>(path: &str, args: &FigureArgs, query: Query, language: Language) -> Done {
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
        Text::Deadline,
        Text::State,
        Text::AtDeadline,
        Text::Frame,
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
        "deadline",
        "due",
        "state",
        "value_at_deadline",
        "state_at_deadline",
        "frame_version",
        "frame_author",
        "excess",
        "value_on_first_frame",
        "left_scope",
        "numerator_from",
        "denominator_from",
        "value_from",
    ];

    fn rows(&self, view: &View<'_>) -> Vec<Vec<String>> {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let word = |state: Option<&str>| view.language.word(state.unwrap_or_default()).to_owned();
        let interval = match (self.lower, self.upper) {
            (Some(lower), Some(upper)) => format!("{:.2}–{}", lower * 100.0, percent(upper)),
            _ => String::new(),
        };
        vec![vec![
            self.indicator.clone(),
            cell(&self.title),
            self.area.clone().unwrap_or_default(),
            self.actor.clone().unwrap_or_default(),
            self.since(|from| cell(&from.numerator), cell(&self.numerator)),
            self.since(|from| cell(&from.denominator), cell(&self.denominator)),
            self.since(|from| cell(&from.unknown), cell(&self.unknown)),
            self.since(
                |from| from.value.map(percent).unwrap_or_default(),
                self.value.map(percent).unwrap_or_default(),
            ),
            interval,
            self.target.map(percent).unwrap_or_default(),
            self.deadline.clone().unwrap_or_default(),
            word(self.state.as_deref()),
            match &self.at_deadline {
                Some(then) => [
                    then.value.map(percent).unwrap_or_default(),
                    word(then.state.as_deref()),
                ]
                .join(" ")
                .trim()
                .to_owned(),
                None => String::new(),
            },
            self.frame_in_words(view, percent),
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
            number(self.target),
            text(&self.deadline),
            self.due.map(|due| due.to_string()).unwrap_or_default(),
            text(&self.state),
            number(self.at_deadline.as_ref().and_then(|then| then.value)),
            text(&self.at_deadline.as_ref().and_then(|then| then.state.clone())),
            self.frame
                .as_ref()
                .map(|frame| frame.version.to_string())
                .unwrap_or_default(),
            self.frame
                .as_ref()
                .map(|frame| frame.author.clone())
                .unwrap_or_default(),
            self.frame
                .as_ref()
                .map(|frame| frame.excess.to_string())
                .unwrap_or_default(),
            number(self.frame.as_ref().and_then(|frame| frame.first.as_ref()?.value)),
            self.left_scope.map(|left| left.to_string()).unwrap_or_default(),
            self.from
                .as_ref()
                .map(|from| cell(&from.numerator))
                .unwrap_or_default(),
            self.from
                .as_ref()
                .map(|from| cell(&from.denominator))
                .unwrap_or_default(),
            number(self.from.as_ref().and_then(|from| from.value)),
        ]]
    }
}

impl Rate {
    /// What there was at the other time, if it was asked, and what there is.
    fn since(&self, before: impl Fn(&Share) -> String, now: String) -> String {
        let before = self.from.as_ref().map(before);
        match before.filter(|before| *before != now) {
            Some(before) => format!("{before} → {now}"),
            None => now,
        }
    }

    /// Whose frame it is, how much is beyond it, and what the rate was on the first one if that differs.
    fn frame_in_words(&self, view: &View<'_>, percent: impl Fn(f64) -> String) -> String {
        let Some(frame) = &self.frame else {
            return String::new();
        };
        let mut words = format!("{} v{}", frame.author, frame.version);
        if frame.excess > 0 {
            words.push_str(&format!(", {} {}", view.language.say(Text::Excess), frame.excess));
        }
        let first = frame.first.as_ref().and_then(|first| first.value);
        if let Some(first) = first.filter(|first| self.value != Some(*first)) {
            words.push_str(&format!(
                ", {} {}",
                view.language.say(Text::OnFirstFrame),
                percent(first)
            ));
        }
        words
    }
}
