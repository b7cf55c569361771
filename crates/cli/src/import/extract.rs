//! `--system`: the rows of another system's complete extract. What every row of such a file shares, and which records
//! are that system's. Pure.

use shilu_model::{
    EXTRACT_KIND, EXTRACT_SYSTEM, EXTRACT_THEIRS, FieldType, Input, Kind, OwnedValue, RecordName, Rejection,
};

use super::{error::ImportError, plan::Refusal};
use crate::error::CliError;

/// The field that holds the SHA-256 of the extract that a row was last changed by. A campaign may have none.
const EXTRACT_FILE: &str = "file";

/// A system whose extract a file is.
#[derive(Clone, Debug)]
pub struct Extract {
    /// Its word, a value of the field `system`.
    pub system: String,
    /// Where that field stands among the kind's.
    pub system_field: usize,
    /// Where the system's own ids stand: they make the key where the file has no column for it.
    pub theirs_field: usize,
    /// Where the hash of the file stands.
    pub file_field: Option<usize>,
}

impl Extract {
    /// The extract of a system, as rows of a kind.
    pub fn new(kind: &Kind, system: &str) -> Result<Self, CliError> {
        let place = |id: &str| kind.fields.iter().position(|field| field.id == id);
        let fields = (place(EXTRACT_SYSTEM), place(EXTRACT_THEIRS));
        let is_key = [EXTRACT_SYSTEM, EXTRACT_THEIRS].contains(&kind.key.as_str());
        let (EXTRACT_KIND, (Some(system_field), Some(theirs_field)), false) =
            (kind.id.as_str(), fields, is_key)
        else {
            return Err(CliError::Usage {
                problem: format!(
                    "--system is for the kind {EXTRACT_KIND:?} with the fields {EXTRACT_SYSTEM:?} and {EXTRACT_THEIRS:?}, none of them its key; not for {:?}",
                    kind.id
                ),
                hint: "leave --system out, or import with --kind extract",
            });
        };
        match kind.read(EXTRACT_SYSTEM, Input::Text(system)) {
            Ok(Some(OwnedValue::Text(system))) => Ok(Extract {
                system,
                system_field,
                theirs_field,
                file_field: place(EXTRACT_FILE).filter(|file| {
                    let file = kind.fields.get(*file);
                    file.is_some_and(|file| file.field_type == FieldType::Text && file.id != kind.key)
                }),
            }),
            Ok(_) => {
                let problem = "--system names no system".to_owned();
                let field = EXTRACT_SYSTEM.to_owned();
                Err(ImportError::Rule(Rejection::BadValue { field, problem }).into())
            }
            Err(rejection) => Err(ImportError::Rule(rejection).into()),
        }
    }

    /// The record of one of the system's own ids, `<system>:<theirs>`.
    pub fn name(&self, kind: &Kind, theirs: Option<Input<'_>>) -> Result<RecordName, Refusal> {
        let bad = |reason: String| Refusal::of(EXTRACT_THEIRS, "BAD_KEY", reason);
        let theirs = theirs.map(|theirs| kind.read(EXTRACT_THEIRS, theirs)).transpose();
        match theirs.map_err(|rejection| bad(rejection.to_string()))?.flatten() {
            Some(theirs) => {
                let key = format!("{}:{}", self.system, theirs.borrow());
                RecordName::new(&kind.id, &key).map_err(|error| bad(error.to_string()))
            }
            None => Err(bad(format!(
                "the row has neither {:?} nor {EXTRACT_THEIRS:?}, so nobody can say what it is about",
                kind.key
            ))),
        }
    }

    /// Refused where a key that the file states is another system's.
    pub fn check_own(&self, kind: &Kind, name: &RecordName) -> Result<(), Refusal> {
        let own = name.key().strip_prefix(&self.system);
        if own.is_some_and(|rest| rest.starts_with(':')) {
            Ok(())
        } else {
            let reason = format!(
                "the key {:?} does not begin with {:?}, the system that --system names",
                name.key(),
                format!("{}:", self.system)
            );
            Err(Refusal::of(&kind.key, "BAD_KEY", reason))
        }
    }

    /// What follows the system in a key: the system's own id.
    pub fn own_id<'k>(&self, key: &'k str) -> &'k str {
        let rest = key.strip_prefix(&self.system);
        rest.and_then(|rest| rest.strip_prefix(':')).unwrap_or(key)
    }

    /// Whether a record with these values is one of the system's.
    pub fn owns(&self, fields: &[(String, OwnedValue)]) -> bool {
        fields
            .iter()
            .any(|(field, value)| field == EXTRACT_SYSTEM && *value == self.value())
    }

    /// What the field `system` holds.
    pub fn value(&self) -> OwnedValue {
        OwnedValue::Text(self.system.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use rust_xlsxwriter::Workbook;
    use shilu_model::{Campaign, Deed, Held, Position, Since, State, Status, Timestamp};

    use super::{
        super::{
            encoding::About,
            plan::Job,
            rows::{Columns, Layout, Rows},
            xlsx::Sheet,
        },
        *,
    };

    const CAMPAIGN: &str = include_str!("../../../../projections/campaigns/three-reals.toml");
    const ROWS: &str = "theirs,area,address\nA,330604006210,一号\n,330604006210,二号\n";

    fn kind() -> Kind {
        let campaign = Campaign::parse(CAMPAIGN).unwrap();
        campaign.kind("extract").unwrap().clone()
    }

    fn job(snapshot: bool) -> Job {
        let kind = kind();
        Job {
            key_field: 0,
            snapshot,
            extract: Some(Extract::new(&kind, "police").unwrap()),
            actor: "zhang".into(),
            reason: "extract".into(),
            since: Since::At(Timestamp::MIN),
            sha256: [0xAB; 32],
            file: "f".into(),
            kind,
        }
    }

    fn text(value: &Option<OwnedValue>) -> String {
        let text = value
            .as_ref()
            .map_or("∅".to_owned(), |value| value.borrow().to_string());
        text.replace(&"ab".repeat(32), "SHA256")
    }

    fn show(deed: &Deed) -> String {
        let list: Vec<String> = match deed {
            Deed::Collect(fields) => {
                let fields = fields.iter();
                fields
                    .map(|(field, value)| format!(" {field}={}", text(value)))
                    .collect()
            }
            Deed::Correct(corrections) => {
                let corrections = corrections.iter();
                corrections
                    .map(|one| format!(" {}={}", one.field, text(&one.after)))
                    .collect()
            }
            _ => Vec::new(),
        };
        format!("{}{}", deed.action().word(), list.concat())
    }

    /// What an import makes of every row, if the register holds `held` for each.
    fn plans(job: &Job, file: &File, layout: Layout<'_>, held: Option<&[&str; 4]>) -> Vec<String> {
        let columns = Columns {
            kind: &job.kind,
            stand_in: job.extract.as_ref().map(|extract| extract.theirs_field),
        };
        let mut rows = Rows::new(columns, file, About::default(), layout).unwrap();
        let mut plans = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let plan = job.name(row).and_then(|name| {
                let given = job.given(row)?;
                let commands = job.plan(&name, row.number(), given, &state(held))?;
                let deeds: Vec<String> = commands.iter().map(|command| show(&command.deed)).collect();
                Ok(format!("{name}: {}", deeds.join(", ")))
            });
            plans.push(
                plan.unwrap_or_else(|refusal| {
                    format!("{} {}", refusal.code, refusal.field.unwrap_or_default())
                }),
            );
        }
        plans
    }

    /// A record with a status, a system, an address and the hash of its file.
    fn state<'h>(held: Option<&'h [&str; 4]>) -> State<'h> {
        let Some([status, system, address, file]) = held else {
            return State::ABSENT;
        };
        let area = "330604006210";
        let values = [
            ("system", *system),
            ("address", *address),
            ("file", *file),
            ("theirs", "A"),
            ("area", area),
        ];
        let fields = values.map(|(field, value)| Held {
            field,
            value: Some(shilu_model::Value::Text(value)),
            effective: Timestamp::MIN,
            position: Position::ZERO,
        });
        State {
            status: Status::parse(status).unwrap(),
            fields: fields.into_iter().collect(),
            ..State::ABSENT
        }
    }

    fn file(bytes: impl AsRef<[u8]>) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes.as_ref()).unwrap();
        file
    }

    /// The plan of a file of one row.
    fn plan(snapshot: bool, csv: &str, held: Option<&[&str; 4]>) -> String {
        plans(&job(snapshot), &file(csv), Layout::Csv, held).remove(0)
    }

    #[test]
    fn every_form_of_a_file_gets_system_key_and_hash() {
        let job = job(false);
        let jsonl = "{\"theirs\":\"A\",\"area\":\"330604006210\",\"address\":\"一号\"}\n\
                     {\"theirs\":null,\"area\":\"330604006210\",\"address\":\"二号\"}\n";
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, line) in (0..).zip(ROWS.lines()) {
            for (column, cell) in (0..).zip(line.split(',')) {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
        let book = file(workbook.save_to_buffer().unwrap());
        let columns = Columns {
            kind: &job.kind,
            stand_in: Some(3),
        };
        let sheet = Sheet::choose(&book, None, columns).unwrap();
        let expected = [
            "extract/police:A: collect area=330604006210 system=police theirs=A address=一号 file=SHA256",
            "BAD_KEY theirs",
        ];
        assert_eq!(plans(&job, &file(ROWS), Layout::Csv, None), expected);
        assert_eq!(plans(&job, &file(jsonl), Layout::Jsonl, None), expected);
        assert_eq!(plans(&job, &book, Layout::Xlsx(&sheet), None), expected);
    }

    #[test]
    fn a_newer_file_alone_is_no_news() {
        let row = "theirs,area,address\nA,330604006210,一号\n";
        let unchanged = "extract/police:A: ";
        let held = |status, address| [status, "police", address, "older"];
        let same = held("registered", "一号");
        assert_eq!(plan(false, row, Some(&same)), unchanged);
        assert_eq!(plan(true, row, Some(&same)), unchanged);
        assert_eq!(
            plan(true, row, Some(&held("registered", "二号"))),
            "extract/police:A: correct address=一号 file=SHA256"
        );
        assert_eq!(
            plan(true, row, Some(&held("deregistered", "一号"))),
            "extract/police:A: correct file=SHA256, register"
        );
        assert_eq!(
            plan(false, row, Some(&held("registered", "二号"))),
            "VALUE_DIFFERS address"
        );
        // A column that says it is compared as any other.
        let stated = "theirs,area,file\nA,330604006210,newer\n";
        assert_eq!(
            plan(true, stated, Some(&same)),
            "extract/police:A: correct file=newer"
        );
        assert_eq!(plan(false, stated, Some(&same)), "VALUE_DIFFERS file");
    }

    #[test]
    fn another_system_s_records_are_not_touched() {
        let registered = ["registered", "migrant", "一号", "older"];
        let row = "theirs,area,address\nA,330604006210,一号\n";
        assert_eq!(plan(true, row, Some(&registered)), "VALUE_DIFFERS system");
        assert_eq!(plan(false, row, Some(&registered)), "VALUE_DIFFERS system");
        assert_eq!(
            plan(true, "id,theirs,area\nmigrant:A,A,330604006210\n", None),
            "BAD_KEY id"
        );
        assert_eq!(
            plan(true, "id,theirs,area\npolice,A,330604006210\n", None),
            "BAD_KEY id"
        );
        assert_eq!(
            plan(true, "theirs,system,area\nA,migrant,330604006210\n", None),
            "BAD_VALUE system"
        );
        assert_eq!(
            plan(
                true,
                "id,theirs,system,area\npolice:7,A,police,330604006210\n",
                None
            ),
            "extract/police:7: collect area=330604006210 system=police theirs=A file=SHA256, register"
        );
        let job = job(true);
        let fields = |system: &str| vec![("system".to_owned(), OwnedValue::Text(system.to_owned()))];
        assert!(job.is_about(&fields("police")));
        assert!(!job.is_about(&fields("migrant")) && !job.is_about(&[]));
    }

    #[test]
    fn a_file_without_any_key_and_a_system_that_is_none_are_refused() {
        let job = job(false);
        let columns = Columns {
            kind: &job.kind,
            stand_in: Some(3),
        };
        let bytes = file("area,address\n");
        let refused = Rows::new(columns, &bytes, About::default(), Layout::Csv)
            .err()
            .unwrap();
        assert_eq!(refused.to_string(), "the key \"theirs\" has no column");
        let campaign = Campaign::parse(CAMPAIGN).unwrap();
        let code = |kind: &str, system| {
            let extract = Extract::new(campaign.kind(kind).unwrap(), system);
            extract.err().unwrap().code().to_owned()
        };
        assert_eq!(code("dwelling", "police"), "USAGE");
        assert_eq!(code("extract", "army"), "BAD_VALUE");
        assert_eq!(code("extract", ""), "BAD_VALUE");
    }
}
