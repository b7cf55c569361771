//! In what a campaign differs from another, by name: for whoever is about to change one.

use super::{Area, Campaign, Field, Kind, Title};
use crate::normal::Normal;

impl Campaign {
    /// In what this campaign differs from `old`, as lines that begin with `-` for what was and `+` for what is. Files that
    /// differ in comments, order and form alone have no differences.
    pub fn differences(&self, old: &Campaign) -> Vec<String> {
        let (was, is) = (old.inventory(), self.inventory());
        let of = |items: &[Item], name: &str| {
            let item = items.iter().find(|item| item.name == name);
            item.map(|item| item.words.clone())
        };
        let new = is.iter().filter(|item| of(&was, &item.name).is_none());
        let mut lines = Vec::new();
        for Item { name, .. } in was.iter().chain(new) {
            let (before, after) = (of(&was, name), of(&is, name));
            if before != after {
                lines.extend(before.map(|words| format!("- {name}{words}")));
                lines.extend(after.map(|words| format!("+ {name}{words}")));
            }
        }
        lines
    }

    /// Everything that the campaign has, each once by its name.
    fn inventory(&self) -> Vec<Item> {
        let mut items = vec![
            Item::new("name".to_owned(), format!(": {}", self.name)),
            Item::new("origin".to_owned(), format!(": {}", self.origin)),
            Item::new("timezone".to_owned(), format!(": {}", self.zone)),
            Item::new(
                "earliest".to_owned(),
                format!(": {}", self.zone.day_of(self.earliest)),
            ),
        ];
        for kind in &self.kinds {
            items.push(kind.item());
            items.extend(kind.fields.iter().map(|field| field.item(&kind.id)));
        }
        items.extend(self.areas.iter().map(Area::item));
        items.extend(self.phases.iter().map(|phase| {
            let days = format!(": {} to {}", phase.from, phase.until);
            Item::new(format!("phase {}", phase.id), days)
        }));
        if let Some(ranking) = &self.ranking {
            let population = format!(": from a population of {}", ranking.min_population);
            items.push(Item::new("ranking".to_owned(), population));
            let months = ranking.months.iter();
            items.extend(months.map(|month| Item::new(format!("ranking of {month}"), String::new())));
        }
        items.extend(self.indicators.iter().map(|indicator| {
            let said = indicator.to_string();
            let words = said.strip_prefix(&indicator.id).unwrap_or(&said);
            Item::new(
                format!("indicator {}", indicator.id),
                format!("{words}{}", indicator.title.words()),
            )
        }));
        let roles = self.signed_roles.iter();
        items.extend(roles.map(|role| Item::new(format!("signed by every {}", role.word()), String::new())));
        let witnesses = self.witnesses.iter();
        items
            .extend(witnesses.map(|witness| {
                Item::new(format!("witness {}", witness.key), format!(" at {}", witness.url))
            }));
        if self.quorum > 0 {
            items.push(Item::new("quorum".to_owned(), format!(": {}", self.quorum)));
        }
        items
    }
}

/// One thing that a campaign has.
struct Item {
    name: String,
    words: String,
}

impl Item {
    const fn new(name: String, words: String) -> Self {
        Item { name, words }
    }
}

impl Title {
    /// Both titles, after a comma.
    fn words(&self) -> String {
        let titles = self.en.iter().chain(&self.zh);
        titles.map(|title| format!(", {title:?}")).collect()
    }
}

impl Kind {
    fn item(&self) -> Item {
        let area = self.area.as_deref().unwrap_or("none");
        let words = format!(": key {}, area {area}{}", self.key, self.title.words());
        Item::new(format!("kind {}", self.id), words)
    }
}

impl Field {
    fn item(&self, kind: &str) -> Item {
        let mut words = format!(": {}", self.field_type.word());
        let listed = self.field_type.listed();
        if !listed.is_empty() {
            words += &format!(" ({})", listed.join(", "));
        }
        for (word, holds) in [
            ("required", self.required),
            ("essential", self.essential),
            ("personal", self.personal),
            ("compared by width", self.normal == Normal::Width),
            ("compared as an address", self.normal == Normal::Address),
        ] {
            if holds {
                words = words + ", " + word;
            }
        }
        if let Some(other) = &self.at_most {
            words += &format!(", at most {other}");
        }
        if !self.columns.is_empty() {
            words += &format!(", columns {}", self.columns.join(", "));
        }
        Item::new(format!("field {kind}.{}", self.id), words + &self.title.words())
    }
}

impl Area {
    fn item(&self) -> Item {
        let mut words = match &self.parent {
            Some(parent) => format!(": in {parent}, from {}", self.from),
            None => format!(": from {}", self.from),
        };
        if let Some(until) = self.until {
            words += &format!(" until {until}");
        }
        Item::new(format!("area {}", self.id), words + &self.title.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[areas]]
id = "north"
from = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "area" }
use = { type = "choice", values = ["own", "rental"] }
[[indicators]]
id = "in-use"
of = "dwelling"
measure = "share"
having = { use = "own" }
targets = [{ by = 2015-06-20, value = 95 }]
"#;

    #[test]
    fn every_difference_is_told_by_name() {
        let new = OLD
            .replace("2000-01-01\n[[areas]]", "2001-01-01\n# said in March\n[[areas]]")
            .replace("\"rental\"]", "\"rental\", \"let\"], essential = true, title = { zh = \"用途\" }")
            .replace("area = { type = \"area\" }", "area = { type = \"area\" }\nrooms = { type = \"integer\" }")
            .replace("value = 95", "value = 90")
            .replace("[[kinds]]", "[[areas]]\nid = \"end\"\nparent = \"north\"\nfrom = 2010-01-01\nuntil = 2011-01-01\n[[kinds]]");
        let (old, new) = (Campaign::parse(OLD).unwrap(), Campaign::parse(&new).unwrap());
        let expected = "\
- earliest: 2000-01-01
+ earliest: 2001-01-01
- field dwelling.use: choice (own, rental)
+ field dwelling.use: choice (own, rental, let), essential, \"用途\"
- indicator in-use: share of dwelling: having use = own; 95 % by 2015-06-20
+ indicator in-use: share of dwelling: having use = own; 90 % by 2015-06-20
+ field dwelling.rooms: integer
+ area end: in north, from 2010-01-01 until 2011-01-01";
        assert_eq!(new.differences(&old).join("\n"), expected);
        assert_eq!(new.differences(&new), Vec::<String>::new());
        let back = old.differences(&new);
        assert!(
            back.contains(&"- field dwelling.rooms: integer".to_owned()),
            "{back:?}"
        );
    }
}
