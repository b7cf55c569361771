//! Kinds of records and their fields.

use std::{collections::BTreeSet, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use super::{
    areas::Areas,
    check::{Checked, FIELDS_MAX, check_id, wrong},
    file::{FieldFile, KindFile},
    sets::Sets,
};
use crate::{field_type::FieldType, normal::Normal};

/// Most header names of one field.
const COLUMNS_MAX: usize = 32;

/// A kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its id, the first part of a record's name.
    pub id: String,
    /// Its title.
    pub title: Title,
    /// The field that is the record's key.
    pub key: String,
    /// The field that holds the record's area.
    pub area: Option<String>,
    /// The fields, in the file's order.
    pub fields: Vec<Field>,
}

/// A field of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its id.
    pub id: String,
    /// What it may hold.
    pub field_type: FieldType,
    /// Whether a record must always have a value.
    pub required: bool,
    /// Whether it decides completeness and accuracy.
    pub essential: bool,
    /// Whether it is sealed under the record's own key.
    pub personal: bool,
    /// In which form its texts are compared by the measures that compare normal forms.
    pub normal: Normal,
    /// The integer field of the same record that it may not exceed.
    pub at_most: Option<String>,
    /// Further names of its column in a spreadsheet, besides its id and title.
    pub columns: Vec<String>,
    /// Its title.
    pub title: Title,
}

/// A title in both languages; either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: Option<String>,
    /// 中文.
    pub zh: Option<String>,
}

impl Kind {
    /// A field by its id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The ids of the essential fields, in the file's order.
    pub fn essential(&self) -> Vec<String> {
        let essential = self.fields.iter().filter(|field| field.essential);
        essential.map(|field| field.id.clone()).collect()
    }
}

impl Field {
    /// Whether a spreadsheet's column of this name is the field's: its id, one of its titles, or one of its columns.
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || self.title.is(name) || self.columns.iter().any(|column| column == name)
    }
}

impl Title {
    /// The title in Chinese or, failing that, in English.
    pub fn zh(&self) -> Option<&str> {
        self.zh.as_deref().or(self.en.as_deref())
    }

    fn is(&self, name: &str) -> bool {
        self.en.as_deref() == Some(name) || self.zh.as_deref() == Some(name)
    }
}

/// What the check of a kind may ask about the rest of the file.
pub(super) struct FieldContext<'a> {
    pub kinds: &'a BTreeSet<&'a str>,
    pub sets: &'a Sets,
    pub areas: &'a Areas,
}

impl KindFile {
    pub(super) fn check(&self, context: &FieldContext<'_>) -> Checked<Kind> {
        if self.fields.0.len() > FIELDS_MAX {
            return wrong(&self.id, format!("a kind has at most {FIELDS_MAX} fields"));
        }
        let mut fields = Vec::with_capacity(self.fields.0.len());
        for (id, field) in &self.fields.0 {
            check_id(id, "field")?;
            fields.push(field.check(id.get_ref(), context)?);
        }
        for (id, field) in &self.fields.0 {
            field.check_at_most(id.get_ref(), &fields)?;
            field.check_columns(id.get_ref(), &fields)?;
        }
        self.check_key_and_area(&fields, context.areas)?;
        Ok(Kind {
            id: self.id.get_ref().clone(),
            title: self.title.clone(),
            key: self.key.get_ref().clone(),
            area: self.area.as_ref().map(|area| area.get_ref().clone()),
            fields,
        })
    }

    fn check_key_and_area(&self, fields: &[Field], areas: &Areas) -> Checked<()> {
        let find = |id: &str| fields.iter().find(|field| field.id == id);
        let plain = |field: &Field| {
            let text = matches!(
                field.field_type,
                FieldType::Text | FieldType::Area | FieldType::CreditCode | FieldType::DivisionCode
            );
            text && !field.personal
        };
        let Some(key) = find(self.key.get_ref()) else {
            return wrong(&self.key, format!("there is no field {:?}", self.key.get_ref()));
        };
        if !plain(key) || !key.required {
            return wrong(
                &self.key,
                "the key must be a required text field that is not personal",
            );
        }
        let Some(area) = &self.area else { return Ok(()) };
        match find(area.get_ref()) {
            None => wrong(area, format!("there is no field {:?}", area.get_ref())),
            Some(field) if !plain(field) => {
                wrong(area, "the area must be a text or area field that is not personal")
            }
            // Else records would stand in areas that lie in no other.
            Some(field) if !areas.is_empty() && field.field_type != FieldType::Area => {
                wrong(area, "with [[areas]], the area is a field of type \"area\"")
            }
            Some(_) => Ok(()),
        }
    }
}

impl FieldFile {
    fn check(&self, id: &str, context: &FieldContext<'_>) -> Checked<Field> {
        let field_type = self.check_type(context)?;
        if self.personal && matches!(field_type, FieldType::Reference(_)) {
            return wrong(&self.type_name, "a reference may not be personal");
        }
        let normal = match &self.normal {
            None => Normal::AsWritten,
            Some(word) if field_type != FieldType::Text => {
                return wrong(word, "only a field of type \"text\" has a normal form");
            }
            Some(word) => match Normal::parse(word.get_ref()) {
                Some(normal) => normal,
                None => return wrong(word, "the normal forms are \"width\" and \"address\""),
            },
        };
        Ok(Field {
            id: id.to_owned(),
            field_type,
            required: self.required,
            essential: self.essential,
            personal: self.personal,
            normal,
            at_most: self.at_most.as_ref().map(|other| other.get_ref().clone()),
            columns: self
                .columns
                .iter()
                .map(|column| column.get_ref().clone())
                .collect(),
            title: self.title.clone(),
        })
    }

    fn check_type(&self, context: &FieldContext<'_>) -> Checked<FieldType> {
        let name = self.type_name.get_ref().as_str();
        if let (Some(values), true) = (&self.values, name != "choice") {
            return wrong(values, "only a field of type \"choice\" has values");
        }
        if let (Some(span), true) = (self.kinds_span(), name != "reference") {
            return Err((span, "only a field of type \"reference\" names kinds".to_owned()));
        }
        Ok(match name {
            "text" => FieldType::Text,
            "integer" => FieldType::Integer,
            "decimal" => FieldType::Decimal,
            "boolean" => FieldType::Boolean,
            "date" => FieldType::Date,
            "area" => FieldType::Area,
            "citizen-id" => FieldType::CitizenId,
            "credit-code" => FieldType::CreditCode,
            "phone" => FieldType::Phone,
            "division-code" => FieldType::DivisionCode,
            "choice" => match &self.values {
                Some(values) => FieldType::Choice(context.sets.values(values)?),
                None => return wrong(&self.type_name, "a choice needs values"),
            },
            "reference" => FieldType::Reference(self.check_kinds(context.kinds)?),
            _ => {
                return wrong(
                    &self.type_name,
                    format!("unknown type {name:?}; the types are {TYPES}"),
                );
            }
        })
    }

    fn kinds_span(&self) -> Option<Range<usize>> {
        self.kind
            .as_ref()
            .map(Spanned::span)
            .or_else(|| self.kinds.as_ref().map(Spanned::span))
    }

    fn check_kinds(&self, all_kinds: &BTreeSet<&str>) -> Checked<Vec<String>> {
        let kinds: Vec<&Spanned<String>> = match (&self.kind, &self.kinds) {
            (Some(kind), None) => vec![kind],
            (None, Some(kinds)) if !kinds.get_ref().is_empty() => kinds.get_ref().iter().collect(),
            _ => return wrong(&self.type_name, "a reference needs kinds = [\"…\"]"),
        };
        let mut names: Vec<String> = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let name = kind.get_ref();
            if !all_kinds.contains(name.as_str()) {
                return wrong(kind, format!("there is no kind {name:?}"));
            }
            if names.contains(name) {
                return wrong(kind, format!("the kind {name:?} is there twice"));
            }
            names.push(name.clone());
        }
        Ok(names)
    }

    fn check_at_most(&self, id: &str, fields: &[Field]) -> Checked<()> {
        let Some(other) = &self.at_most else { return Ok(()) };
        let countable = |wanted: &str| {
            let field = fields.iter().find(|field| field.id == wanted);
            field.is_some_and(|field| field.field_type == FieldType::Integer && !field.personal)
        };
        if !countable(id) {
            return wrong(other, "only an integer field that is not personal has a limit");
        }
        if other.get_ref() == id || !countable(other.get_ref()) {
            return wrong(
                other,
                "the limit is another integer field of this kind that is not personal",
            );
        }
        Ok(())
    }

    fn check_columns(&self, id: &str, fields: &[Field]) -> Checked<()> {
        for (place, column) in self.columns.iter().enumerate() {
            let name = column.get_ref();
            if name.trim().is_empty() || name.trim() != name || place == COLUMNS_MAX {
                let problem = format!("columns are at most {COLUMNS_MAX} names, without spaces around them");
                return wrong(column, problem);
            }
            if let Some(other) = fields
                .iter()
                .find(|field| field.id != id && field.is_called(name))
            {
                return wrong(
                    column,
                    format!("a column {name:?} would be of {:?} too", other.id),
                );
            }
            if self
                .columns
                .iter()
                .take(place)
                .any(|other| other.get_ref() == name)
            {
                return wrong(column, format!("the column {name:?} is there twice"));
            }
        }
        Ok(())
    }
}

const TYPES: &str = "text, integer, decimal, boolean, date, choice, reference, area, citizen-id, credit-code, phone, \
                     division-code";
