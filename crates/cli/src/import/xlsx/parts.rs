//! Which sheets a workbook has, and which part of the archive each one is (ECMA-376 part 2, relationships).

use std::{collections::HashMap, io::BufReader, io::Read};

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use zip::ZipArchive;

use super::container::{Bytes, bad};
use crate::import::error::ImportError;

/// A worksheet, as the workbook names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetPart {
    /// Its name on its tab.
    pub name: String,
    /// Its part.
    pub path: String,
    /// Whether a person sees its tab.
    pub visible: bool,
}

/// The worksheets in the order of their tabs; charts and dialogs are none.
pub fn sheets(archive: &mut ZipArchive<Bytes>) -> Result<Vec<SheetPart>, ImportError> {
    let package = relationships(archive, "_rels/.rels")?;
    let workbook = package
        .values()
        .find(|relation| relation.kind == "officeDocument")
        .ok_or_else(|| bad("it has no workbook inside: is it an .ods or another zip file?"))?;
    let workbook = workbook.target.trim_start_matches('/').to_owned();
    let (folder, name) = workbook
        .rsplit_once('/')
        .map_or(("", workbook.as_str()), |parts| parts);
    let folder = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    };
    let relations = relationships(archive, &format!("{folder}_rels/{name}.rels"))?;
    let mut sheets = Vec::new();
    elements(archive, &workbook, |element| {
        if element.local_name().as_ref() != "sheet" {
            return Ok(());
        }
        let (Some(name), Some(id)) = (attribute(element, "name")?, attribute(element, "id")?) else {
            return Ok(());
        };
        if let Some(relation) = relations.get(&id).filter(|relation| relation.kind == "worksheet") {
            let path = match relation.target.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("{folder}{}", relation.target),
            };
            let visible = attribute(element, "state")?.is_none_or(|state| state == "visible");
            sheets.push(SheetPart { name, path, visible });
        }
        Ok(())
    })?;
    Ok(sheets)
}

/// Where a relationship leads, and the last word of its type.
struct Relation {
    kind: String,
    target: String,
}

fn relationships(
    archive: &mut ZipArchive<Bytes>,
    path: &str,
) -> Result<HashMap<String, Relation>, ImportError> {
    let mut found = HashMap::new();
    elements(archive, path, |element| {
        if element.local_name().as_ref() == "Relationship"
            && let (Some(id), Some(kind), Some(target)) = (
                attribute(element, "Id")?,
                attribute(element, "Type")?,
                attribute(element, "Target")?,
            )
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            found.insert(id, Relation { kind, target });
        }
        Ok(())
    })?;
    Ok(found)
}

/// Shows every element of a part. The parts read here have been unpacked once, under the limit for what is kept.
fn elements(
    archive: &mut ZipArchive<Bytes>,
    path: &str,
    mut each: impl FnMut(&BytesStart<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let part = part(archive, path)?;
    let mut xml = Reader::from_reader(BufReader::new(part));
    xml.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => each(&element)?,
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(bad(format!("its part {path:?} is damaged: {error}"))),
        }
    }
}

/// A part by its path; some writers differ in case and slashes from what they declare.
pub fn part<'a>(archive: &'a mut ZipArchive<Bytes>, path: &str) -> Result<impl Read + use<'a>, ImportError> {
    let plain = |name: &str| name.replace('\\', "/").to_ascii_lowercase();
    let wanted = plain(path);
    let same = |index: &usize| {
        archive
            .name_for_index(*index)
            .is_some_and(|name| name.is_ok_and(|name| plain(&name) == wanted))
    };
    let index = (0..archive.len()).find(same);
    let index = index.ok_or_else(|| bad(format!("it has no part {path:?}")))?;
    archive
        .by_index(index)
        .map_err(|error| bad(format!("its part {path:?} is damaged: {error}")))
}

/// An attribute by its local name.
pub fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, ImportError> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| bad(format!("its XML is damaged: {error}")))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            let value = value.map_err(|error| bad(format!("its XML is damaged: {error}")))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}
