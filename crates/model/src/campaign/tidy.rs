//! What a campaign file no longer may say when it comes into force, though one that did before keeps its meaning: texts
//! that spoil tables and pages, names that mean two things, and measures and targets that can mean nothing.

use toml::Spanned;

use super::{
    Campaign, CampaignError, Indicator, Measure,
    check::{Checked, wrong},
    file::{CampaignFile, FieldFile, IndicatorFile, KindFile, SetFile},
    kinds::Title,
};

/// Longest title, value or column in bytes of UTF-8: it heads a column, or stands in a list.
const TEXT_BYTES_MAX: usize = 256;

impl Campaign {
    /// Reads and checks a campaign file that is to come into force: [`Campaign::parse`], and what only a new one is asked.
    ///
    /// # Errors
    /// As [`Campaign::parse`].
    pub fn parse_new(text: &str) -> Result<Self, CampaignError> {
        let campaign = Campaign::parse(text)?;
        let file: CampaignFile =
            toml::from_str(text).map_err(|error| CampaignError::of_toml(text, &error))?;
        file.check_tidy(&campaign)
            .map_err(|(span, problem)| CampaignError::at(text, span, problem))?;
        Ok(campaign)
    }
}

impl CampaignFile {
    fn check_tidy(&self, campaign: &Campaign) -> Checked<()> {
        check_line(&self.name, self.name.get_ref(), "the name")?;
        let mut parts = self.origin.get_ref().split('/');
        if parts.any(|part| part.is_empty() || matches!(part, "." | "..")) {
            return wrong(
                &self.origin,
                "the origin is a name such as example.org/register: no part of it is empty, . or ..",
            );
        }
        for (_, set) in &self.sets.0 {
            check_values(set)?;
        }
        for area in &self.areas {
            check_title(&area.id, &area.title)?;
        }
        for kind in self.kinds.get_ref() {
            check_kind(kind)?;
        }
        let mut indicators = self.indicators.iter().zip(&campaign.indicators);
        indicators.try_for_each(|(file, indicator)| check_indicator(file, indicator, campaign))
    }
}

fn check_kind(kind: &KindFile) -> Checked<()> {
    check_title(&kind.id, &kind.title)?;
    for (id, field) in &kind.fields.0 {
        check_title(id, &field.title)?;
        field.values.as_ref().map_or(Ok(()), check_values)?;
        for column in &field.columns {
            check_line(column, column.get_ref(), "a column")?;
        }
        let others = kind
            .fields
            .0
            .iter()
            .filter(|(other, _)| other.get_ref() != id.get_ref());
        for title in texts(&field.title) {
            if let Some((other, _)) = others
                .clone()
                .find(|(other, field)| is_called(other, field, title))
            {
                let problem = format!("the title {title:?} would mean {:?} too", other.get_ref());
                return wrong(id, problem);
            }
        }
    }
    Ok(())
}

fn is_called(id: &Spanned<String>, field: &FieldFile, title: &str) -> bool {
    id.get_ref() == title || texts(&field.title).any(|other| other == title)
}

fn check_indicator(file: &IndicatorFile, indicator: &Indicator, campaign: &Campaign) -> Checked<()> {
    check_title(&file.id, &file.title)?;
    let (same, problem) = match &indicator.measure {
        Measure::Agree { left, right } => (
            left == right,
            "both sides are the same: they agree whatever they say",
        ),
        Measure::Sum {
            numerator,
            denominator,
            ..
        } => (
            numerator == denominator,
            "numerator and denominator are the same field",
        ),
        _ => (false, ""),
    };
    if same {
        return wrong(&file.measure, problem);
    }
    let earliest = campaign.zone.day_of(campaign.earliest);
    let mut targets = file.targets.iter().zip(&indicator.targets);
    match targets.find(|(_, target)| target.by < earliest) {
        Some((file, _)) => wrong(&file.by, "the deadline is before the campaign's earliest day"),
        None => Ok(()),
    }
}

fn check_values(values: &SetFile) -> Checked<()> {
    for value in values.get_ref() {
        check_line(value, value.get_ref(), "a value")?;
        if value.get_ref().trim() != value.get_ref() {
            return wrong(value, "a value has no white space around it");
        }
    }
    Ok(())
}

fn check_title(id: &Spanned<String>, title: &Title) -> Checked<()> {
    texts(title).try_for_each(|text| check_line(id, text, "a title"))
}

fn texts(title: &Title) -> impl Iterator<Item = &str> {
    title.en.iter().chain(&title.zh).map(String::as_str)
}

fn check_line(place: &Spanned<String>, text: &str, what: &str) -> Checked<()> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        let problem =
            format!("{what} is one line of 1 to {TEXT_BYTES_MAX} bytes, without control characters");
        return wrong(place, problem);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWN: &str = r#"
name = "town"
origin = "example.org/town"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
[[areas]]
id = "town"
title = { en = "Town" }
from = 2015-01-01
[[kinds]]
id = "unit"
title = { en = "Unit", zh = "单位" }
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true, columns = ["no"] }
area = { type = "area", required = true }
beds = { type = "integer", title = { zh = "床位" } }
guests = { type = "integer" }
trade = { type = "choice", values = ["hotel", "shop"] }
[[indicators]]
id = "full"
title = { en = "Guests per bed" }
measure = "sum"
of = "unit"
numerator = "guests"
denominator = "beds"
targets = [{ by = 2015-05-31, value = 90 }]
"#;

    #[test]
    fn what_would_spoil_a_table_does_not_come_into_force() {
        Campaign::parse_new(TOWN).unwrap();
        let long = format!("\"{}\"", "x".repeat(300));
        for (line, from, to) in [
            (2, "\"town\"", r#""to\nwn""#),
            (2, "\"town\"", r#""to\u0007wn""#),
            (3, "example.org/town", "/"),
            (3, "example.org/town", "../../etc"),
            (7, "\"Town\"", "\" \""),
            (11, "\"Unit\"", r#""U\nnit""#),
            (16, "\"no\"", r#""n\no""#),
            (16, "\"no\"", &long),
            (18, "\"床位\"", "\"\""),
            (18, "\"床位\"", "\"guests\""),
            (20, "\"hotel\"", "\" hotel \""),
            (20, "\"hotel\"", &long),
            (22, "\"Guests per bed\"", r#""a\nb""#),
            (24, "\"guests\"\nden", "\"beds\"\nden"),
            (28, "2015-05-31", "2014-12-31"),
        ] {
            assert!(TOWN.contains(from), "{from}");
            let text = TOWN.replacen(from, to, 1);
            Campaign::parse(&text).unwrap_or_else(|error| panic!("{to}: a log may hold it: {error}"));
            let error = Campaign::parse_new(&text).map(drop).unwrap_err();
            assert_eq!(error.line, line, "{to}: {error}");
        }
    }
}
