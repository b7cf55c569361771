//! `[sets]`: value lists with a name, written `"@id"` where they are used.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{
    check::{Checked, unique, wrong},
    file::{Entries, SetFile},
};

/// Most sets of a campaign.
const SETS_MAX: usize = 256;

/// The sets of a campaign. They are gone once it is compiled: whatever names one holds its values.
pub(super) struct Sets(BTreeMap<String, Vec<String>>);

impl Sets {
    pub(super) fn check(file: &Entries<SetFile>) -> Checked<Self> {
        unique(file.0.iter().map(|(id, _)| id), "set", SETS_MAX)?;
        let mut sets = BTreeMap::new();
        for (id, values) in &file.0 {
            if let Some(nested) = values
                .get_ref()
                .iter()
                .find(|value| value.get_ref().starts_with('@'))
            {
                return wrong(nested, "a set holds values, not other sets");
            }
            let values = different(
                values,
                values
                    .get_ref()
                    .iter()
                    .map(|value| (value, value.get_ref().clone())),
            )?;
            sets.insert(id.get_ref().clone(), values);
        }
        Ok(Sets(sets))
    }

    /// The values that a text stands for: those of a set, or the text itself.
    pub(super) fn expand(&self, text: &str) -> Result<Vec<String>, String> {
        match text.strip_prefix('@') {
            None => Ok(vec![text.to_owned()]),
            Some(id) => self
                .0
                .get(id)
                .cloned()
                .ok_or_else(|| format!("there is no set {id:?}")),
        }
    }

    /// The values of a list, sets expanded: different texts, at least one.
    pub(super) fn values(&self, list: &SetFile) -> Checked<Vec<String>> {
        let mut expanded = Vec::new();
        for value in list.get_ref() {
            let values = self
                .expand(value.get_ref())
                .map_err(|problem| (value.span(), problem))?;
            expanded.extend(values.into_iter().map(|text| (value, text)));
        }
        different(list, expanded.into_iter())
    }
}

fn different<'a>(
    list: &SetFile,
    values: impl Iterator<Item = (&'a Spanned<String>, String)>,
) -> Checked<Vec<String>> {
    let mut seen: Vec<String> = Vec::new();
    for (place, value) in values {
        if value.trim().is_empty() {
            return wrong(place, "a value is a text that is not empty");
        }
        if seen.contains(&value) {
            return wrong(
                place,
                format!("the value {value:?} is there twice; values must be different"),
            );
        }
        seen.push(value);
    }
    if seen.is_empty() {
        return wrong(list, "there must be at least one value");
    }
    Ok(seen)
}
