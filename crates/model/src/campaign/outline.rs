//! A compiled campaign in words, one indicator a line: for whoever checks a file, and for tests.

use std::fmt::{self, Display};

use super::{
    Campaign,
    indicator::{
        Condition, Frame, Gone, Indicator, ListFrame, Measure, Needed, Number, Part, Path, Population,
        Property, RosterRate, Side, Test, Touched,
    },
    targets::Target,
};

impl Campaign {
    /// What the campaign has, as lines of text.
    pub fn outline(&self) -> String {
        let mut lines = vec![format!("{} ({})", self.name, self.origin)];
        for kind in &self.kinds {
            let count =
                |chosen: fn(&super::Field) -> bool| kind.fields.iter().filter(|field| chosen(field)).count();
            lines.push(format!(
                "kind {}: {} fields, {} required, {} essential, {} personal",
                kind.id,
                kind.fields.len(),
                count(|field| field.required),
                count(|field| field.essential),
                count(|field| field.personal),
            ));
        }
        if self.areas.is_empty() {
            lines.push("areas: any".to_owned());
        } else {
            let (all, leaves) = (self.areas.iter().count(), self.areas.leaves().count());
            lines.push(format!("areas: {all}, {leaves} of them leaves"));
        }
        for phase in &self.phases {
            lines.push(format!("phase {}: {} to {}", phase.id, phase.from, phase.until));
        }
        if let Some(ranking) = &self.ranking {
            let months: Vec<_> = ranking.months.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "ranking: {}; from a population of {}",
                months.join(", "),
                ranking.min_population
            ));
        }
        lines.extend(
            self.indicators
                .iter()
                .map(|indicator| format!("indicator {indicator}")),
        );
        let targets: usize = self
            .indicators
            .iter()
            .map(|indicator| indicator.targets.len())
            .sum();
        lines.push(format!("{} indicators, {targets} targets", self.indicators.len()));
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.measure)?;
        for target in &self.targets {
            write!(f, "; {target}")?;
        }
        Ok(())
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.value, self.by)?;
        f.write_str(if self.stretch { " (stretch)" } else { "" })?;
        f.write_str(if self.stated { "" } else { " (not stated)" })
    }
}

impl Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Collected { of, frame } => match frame {
                Frame::Count { what } => write!(f, "collected {of} / count {what}"),
                Frame::List(list) => write!(f, "collected {of} / {list}"),
            },
            Measure::Share { of, list, property } => {
                write!(f, "share of {of}")?;
                if let Some(list) = list {
                    write!(f, " / {list}")?;
                }
                property.fmt(f)
            }
            Measure::Sum {
                of,
                numerator,
                denominator,
                latest,
            } => {
                write!(f, "sum {numerator} / sum {denominator} of {of}")?;
                match latest {
                    Some(latest) => write!(f, ", latest per {} within {} days", latest.per, latest.days),
                    None => Ok(()),
                }
            }
            Measure::Agree { left, right } => write!(f, "agree {left} = {right}"),
            Measure::Accuracy { of, essential, gone } => {
                write!(f, "accuracy of {of} in {}", essential.join(", "))?;
                f.write_str(if *gone == Gone::Aside { ", gone aside" } else { "" })
            }
            Measure::Roster { of, children, rate } => {
                write!(f, "roster of {of}, {}.{} by ", children.kind, children.field)?;
                let by = children.citizen.iter().chain(&children.essential);
                f.write_str(&by.map(String::as_str).collect::<Vec<_>>().join(", "))?;
                write!(f, ": {rate}")
            }
        }
    }
}

impl Display for RosterRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RosterRate::Registration { grace_days } => write!(f, "registration, grace {grace_days} days"),
            RosterRate::Deregistration {
                grace_days,
                window_days,
            } => write!(
                f,
                "deregistration, grace {grace_days} days, window {window_days} days"
            ),
            RosterRate::Consistency { grace_days } => write!(f, "consistency, grace {grace_days} days"),
            RosterRate::Accuracy => f.write_str("accuracy"),
            RosterRate::Coverage => f.write_str("coverage"),
        }
    }
}

impl Display for Population {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        conditions(f, " where ", &self.conditions)
    }
}

fn conditions(f: &mut fmt::Formatter<'_>, before: &str, conditions: &[Condition]) -> fmt::Result {
    for (place, condition) in conditions.iter().enumerate() {
        write!(f, "{}{condition}", if place == 0 { before } else { " and " })?;
    }
    Ok(())
}

impl Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            Test::Live { kinds } => write!(f, "{} live ({})", self.path, kinds.join(", ")),
            Test::AnyOf(values) => {
                let words: Vec<_> = values.iter().map(|value| value.borrow().to_string()).collect();
                match words.as_slice() {
                    [one] => write!(f, "{} = {one}", self.path),
                    _ => write!(f, "{} in ({})", self.path, words.join(", ")),
                }
            }
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.via {
            Some(hop) => write!(f, "{} ({}).{}", hop.field, hop.kinds.join(", "), self.part),
            None => self.part.fmt(f),
        }
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Key => f.write_str("its key"),
            Part::Field(field) => f.write_str(field),
        }
    }
}

impl Display for ListFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list {} by {}", self.system, self.by)
    }
}

impl Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        conditions(f, ": having ", &self.having)?;
        if let Some(referred) = &self.referred {
            write!(f, ": referred by {}.{}", referred.kind, referred.field)?;
            conditions(f, " where ", &referred.conditions)?;
            write!(f, ", {}", referred.needed)?;
            if let Some(touched) = &referred.touched {
                write!(f, ", each {touched}")?;
            }
        }
        if let Some(touched) = &self.touched {
            write!(f, ": {touched}")?;
        }
        if !self.complete.is_empty() {
            write!(f, ": complete in {}", self.complete.join(", "))?;
        }
        Ok(())
    }
}

impl Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Needed::Exactly(number) => write!(f, "exactly {number}"),
            Needed::AtLeast(number) => write!(f, "at least {number}"),
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Fixed(number) => number.fmt(f),
            Number::Field(field) => write!(f, "its {field}"),
        }
    }
}

impl Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<_> = self.actions.iter().map(|action| action.word()).collect();
        write!(f, "touched within {} days by {}", self.days, actions.join(" or "))?;
        f.write_str(if self.on_site { " on site" } else { "" })
    }
}

impl Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} by {} ({:?})",
            self.value, self.of, self.key, self.normal
        )
    }
}
