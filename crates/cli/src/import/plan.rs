//! What one row asks of one record: the commands that make the register say what the row says. Pure.

use std::sync::Arc;

use shilu_model::{
    Because, Command, Correction, Deed, EXTRACT_SYSTEM, EXTRACT_THEIRS, Input, Kind, LIST_COMMANDS_MAX,
    Origin, OwnedValue, Reason, RecordName, Rejection, Since, State, Status, check_key,
};

use super::{extract::Extract, rows::Row, target::hex};

/// What all rows of an import share.
#[derive(Clone, Debug)]
pub struct Job {
    /// The kind of the rows.
    pub kind: Kind,
    /// Where its key stands among its fields.
    pub key_field: usize,
    /// Whether the file is the whole truth.
    pub snapshot: bool,
    /// The system whose extract it is, if it is one: then the truth is about this system's records alone.
    pub extract: Option<Extract>,
    /// On whose account.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Since,
    /// The file's hash.
    pub sha256: [u8; 32],
    /// The file's name.
    pub file: Arc<str>,
}

/// Per field what a row says: nothing, no value, or a value.
pub type Given = Vec<Option<Option<OwnedValue>>>;

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field it is about.
    pub field: Option<String>,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub reason: String,
    /// What to do next.
    pub hint: String,
}

impl Refusal {
    /// One of the import's own.
    pub fn of(field: &str, code: &str, reason: String) -> Self {
        Refusal {
            field: Some(field.to_owned()),
            code: code.to_owned(),
            reason,
            hint: hint(code).to_owned(),
        }
    }
}

/// What to do about a row that the import itself does not take.
fn hint(code: &str) -> &'static str {
    match code {
        "BAD_KEY" => "put the key right",
        "DUPLICATE_KEY" => "keep one of the rows",
        "CELL_OUTSIDE" => "name the column, or empty the cell",
        "EXAMPLE_ROW" => "put your own key there, or delete the row",
        _ => "put the cell right in the workbook, as the reason says",
    }
}

/// The row that a deregistration names: no row made it, so the header stands for the file as a whole.
const WHOLE_FILE: u64 = 1;
// A row makes at most two commands, well within a list.
const _: () = assert!(LIST_COMMANDS_MAX >= 2);

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal {
            field: rejection.field().map(str::to_owned),
            code: rejection.code().to_owned(),
            reason: rejection.to_string(),
            hint: rejection.hint().to_owned(),
        }
    }
}

impl Job {
    /// The record that a row is about.
    pub fn name(&self, row: Row<'_>) -> Result<RecordName, Refusal> {
        let stated = row.input(self.key_field)?;
        match &self.extract {
            None => self.name_of(stated),
            Some(extract) if stated.is_none() => extract.name(&self.kind, row.input(extract.theirs_field)?),
            Some(extract) => {
                let name = self.name_of(stated)?;
                extract.check_own(&self.kind, &name).map(|()| name)
            }
        }
    }

    /// The field that tells the row's key.
    pub fn key_told_by(&self, row: Row<'_>) -> String {
        match (&self.extract, row.input(self.key_field)) {
            (Some(_), Ok(None)) => EXTRACT_THEIRS.to_owned(),
            _ => self.kind.key.clone(),
        }
    }

    /// Whether a record with these values is one of those that the file is about.
    pub fn is_about(&self, fields: &[(String, OwnedValue)]) -> bool {
        self.extract.as_ref().is_none_or(|extract| extract.owns(fields))
    }

    fn name_of(&self, input: Option<Input<'_>>) -> Result<RecordName, Refusal> {
        let bad = |problem: String| Refusal::of(&self.kind.key, "BAD_KEY", problem);
        let input = input.ok_or_else(|| bad("the row has no key".to_owned()))?;
        match self.kind.read(&self.kind.key, input) {
            Ok(Some(OwnedValue::Text(key))) => {
                let name = RecordName::new(&self.kind.id, &key);
                name.map_err(|error| bad(error.to_string()))
            }
            Ok(_) => Err(bad("the key is empty".to_owned())),
            Err(rejection) => Err(bad(rejection.to_string())),
        }
    }

    /// The values of a row.
    pub fn given(&self, row: Row<'_>) -> Result<Given, Refusal> {
        row.check_outside()?;
        let fields = self.kind.fields.iter().enumerate();
        let given: Result<Given, Refusal> = fields
            .map(|(index, field)| match row.input(index)? {
                Some(input) if index != self.key_field => {
                    field.field_type.read(input).map(Some).map_err(|problem| {
                        Refusal::from(Rejection::BadValue {
                            field: field.id.clone(),
                            problem,
                        })
                    })
                }
                _ => Ok(None),
            })
            .collect();
        self.of_system(given?)
    }

    /// The same, with the system that the whole file is of.
    fn of_system(&self, mut given: Given) -> Result<Given, Refusal> {
        let Some(extract) = &self.extract else {
            return Ok(given);
        };
        if let Some(system) = given.get_mut(extract.system_field) {
            match system.replace(Some(extract.value())).flatten() {
                Some(other) if other != extract.value() => {
                    return Err(Rejection::BadValue {
                        field: EXTRACT_SYSTEM.to_owned(),
                        problem: format!(
                            "the row is of {:?}, and --system says {:?}",
                            other.borrow().to_string(),
                            extract.system
                        ),
                    }
                    .into());
                }
                _ => {}
            }
        }
        Ok(given)
    }

    /// The same, with the hash of the file where no column says it. It is no news of its own, since every new extract
    /// has another one: so only rows that make an event anyway are given it.
    fn of_file(&self, mut given: Given) -> Given {
        let file = self.extract.as_ref().and_then(|extract| extract.file_field);
        if let Some(slot) = file.and_then(|file| given.get_mut(file))
            && slot.is_none()
        {
            *slot = Some(Some(OwnedValue::Text(hex(&self.sha256))));
        }
        given
    }

    /// The commands for a row, given the record's state at (effective, now); none where nothing changes.
    pub fn plan(
        &self,
        name: &RecordName,
        number: u64,
        given: Given,
        state: &State<'_>,
    ) -> Result<Vec<Command>, Refusal> {
        if state.status == Status::Absent {
            self.check_new(name.key())?;
        }
        let deeds = match state.status {
            Status::Void => return Err(Rejection::RecordVoid.into()),
            Status::Absent | Status::Found => self.first(given)?,
            _ if self.snapshot => self.settle(given, state)?,
            _ => self.confirm(given, state)?,
        };
        Ok(deeds
            .into_iter()
            .map(|deed| self.command(name, number, deed))
            .collect())
    }

    /// A record that is new is not another one typed otherwise.
    fn check_new(&self, key: &str) -> Result<(), Refusal> {
        let bad = |problem: String| Refusal::of(&self.kind.key, "BAD_KEY", problem);
        let own = self.extract.as_ref().map_or(key, |extract| extract.own_id(key));
        if own.trim() != own {
            return Err(bad(format!("{own:?} has white space around it")));
        }
        check_key(&self.kind, key).map_err(|rejection| bad(rejection.to_string()))
    }

    /// The command for a registered record that the whole truth does not hold.
    pub fn deregister(&self, name: &RecordName) -> Vec<Command> {
        vec![self.command(
            name,
            WHOLE_FILE,
            Deed::Deregister(Reason::Plain(Because::AbsentFromExtract)),
        )]
    }

    /// A record that nobody has collected.
    fn first(&self, given: Given) -> Result<Vec<Deed>, Refusal> {
        let given = self.of_file(given);
        let missing = self
            .kind
            .fields
            .iter()
            .zip(&given)
            .enumerate()
            .find(|(index, (field, given))| {
                field.required && *index != self.key_field && !matches!(given, Some(Some(_)))
            });
        if let Some((_, (field, _))) = missing {
            return Err(Rejection::FieldMissing {
                field: field.id.clone(),
            }
            .into());
        }
        let collect = Deed::Collect(self.stated(given));
        Ok(if self.snapshot {
            vec![collect, Deed::Register]
        } else {
            vec![collect]
        })
    }

    /// Plain: confirms what is held and adds what is not; a different value is for a correction.
    fn confirm(&self, given: Given, state: &State<'_>) -> Result<Vec<Deed>, Refusal> {
        let mut adds = false;
        for (field, given) in self.kind.fields.iter().zip(&given) {
            let Some(given) = given else { continue };
            let (held, given) = (state.value(&field.id), given.as_ref().map(OwnedValue::borrow));
            if held == given {
                continue;
            }
            if held.is_some() {
                let show = |value: Option<shilu_model::Value<'_>>| {
                    value.map_or("no value".to_owned(), |v| v.to_string())
                };
                return Err(Rejection::ValueDiffers {
                    field: field.id.clone(),
                    held: show(held),
                    given: show(given),
                }
                .into());
            }
            adds = true;
        }
        Ok(if adds {
            vec![Deed::Collect(self.stated(given))]
        } else {
            Vec::new()
        })
    }

    /// Snapshot: corrects what differs, and registers what is not registered.
    fn settle(&self, given: Given, state: &State<'_>) -> Result<Vec<Deed>, Refusal> {
        self.check_system(state)?;
        let mut corrections = self.corrections(&given, state)?;
        let registers = state.status != Status::Registered;
        if self.extract.is_some() && (registers || !corrections.is_empty()) {
            corrections = self.corrections(&self.of_file(given), state)?;
        }
        let mut deeds = Vec::new();
        if !corrections.is_empty() {
            deeds.push(Deed::Correct(corrections));
        }
        if registers {
            deeds.push(Deed::Register);
        }
        Ok(deeds)
    }

    /// An extract says nothing of another system's records.
    fn check_system(&self, state: &State<'_>) -> Result<(), Refusal> {
        let Some(extract) = &self.extract else {
            return Ok(());
        };
        match state.value(EXTRACT_SYSTEM) {
            Some(held) if held != extract.value().borrow() => Err(Rejection::ValueDiffers {
                field: EXTRACT_SYSTEM.to_owned(),
                held: held.to_string(),
                given: extract.system.clone(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// What differs.
    fn corrections(&self, given: &Given, state: &State<'_>) -> Result<Vec<Correction>, Refusal> {
        let mut corrections = Vec::new();
        for (field, given) in self.kind.fields.iter().zip(given) {
            let Some(after) = given else { continue };
            let held = state.value(&field.id);
            if after.is_none() && field.required {
                return Err(Rejection::FieldMissing {
                    field: field.id.clone(),
                }
                .into());
            }
            if held != after.as_ref().map(OwnedValue::borrow) {
                let before = Some(held.map(shilu_model::Value::to_owned));
                corrections.push(Correction {
                    field: field.id.clone(),
                    before,
                    after: after.clone(),
                });
            }
        }
        Ok(corrections)
    }

    /// The fields that have a value.
    fn stated(&self, given: Given) -> Vec<(String, Option<OwnedValue>)> {
        let fields = self.kind.fields.iter().zip(given);
        fields
            .filter_map(|(field, given)| Some((field.id.clone(), Some(given??))))
            .collect()
    }

    fn command(&self, name: &RecordName, number: u64, deed: Deed) -> Command {
        Command {
            id: None,
            record: name.clone(),
            deed,
            actor: self.actor.clone(),
            effective: self.since,
            device: None,
            reason: Some(self.reason.clone()),
            source: Origin::Import {
                sha256: self.sha256,
                file: Arc::clone(&self.file),
                row: number,
            },
            visit: None,
            expected_version: None,
            cause: None,
            signature: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shilu_model::{
        Campaign, Entry, EventId, FieldType, Known, Moment, Position, Timestamp, Value, decide, decode,
        encode,
    };

    use super::*;

    const CAMPAIGN: &str = r#"
        name = "t"
        origin = "example.org/t"
        timezone = "Asia/Shanghai"
        earliest = 2000-01-01
        [[kinds]]
        id = "street"
        key = "code"
        [kinds.fields]
        code = { type = "text", required = true }
        name = { type = "text", required = true }
        county = { type = "text" }
        rooms = { type = "integer" }
    "#;

    fn job(snapshot: bool) -> (Campaign, Job) {
        let campaign = Campaign::parse(CAMPAIGN).unwrap();
        let kind = campaign.kinds[0].clone();
        let job = Job {
            kind,
            key_field: 0,
            snapshot,
            extract: None,
            actor: "zhang".into(),
            reason: "extract".into(),
            since: Since::At(Timestamp::from_micros(EFFECTIVE)),
            sha256: [7; 32],
            file: "f.csv".into(),
        };
        (campaign, job)
    }

    const EFFECTIVE: i64 = 1_500_000_000_000_000;

    /// A row as cells after the key: `-` for a missing column.
    fn given(job: &Job, cells: [&str; 3]) -> Given {
        let values = job
            .kind
            .fields
            .iter()
            .skip(1)
            .zip(cells)
            .map(|(field, cell)| match cell {
                "-" => None,
                cell => Some(field.field_type.read(Input::Cell(cell)).unwrap()),
            });
        [None].into_iter().chain(values).collect()
    }

    fn plan(snapshot: bool, status: Status, held: [&str; 3], cells: [&str; 3]) -> String {
        let (_, job) = job(snapshot);
        let held_values = given(&job, held);
        let fields = job
            .kind
            .fields
            .iter()
            .zip(&held_values)
            .filter_map(|(field, value)| {
                let value = value.as_ref()?.as_ref()?;
                let (effective, position) = (Timestamp::MIN, Position::ZERO);
                Some(shilu_model::Held {
                    field: &field.id,
                    value: Some(value.borrow()),
                    effective,
                    position,
                })
            });
        let state = State {
            status,
            fields: fields.collect(),
            ..State::ABSENT
        };
        let name = RecordName::parse("street/1").unwrap();
        match job.plan(&name, 2, given(&job, cells), &state) {
            Err(refusal) => format!("{} {}", refusal.code, refusal.field.unwrap_or_default())
                .trim()
                .to_owned(),
            Ok(commands) if commands.is_empty() => "unchanged".to_owned(),
            Ok(commands) => commands
                .iter()
                .map(|command| show(&command.deed))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    fn show(deed: &Deed) -> String {
        let text = |value: &Option<OwnedValue>| {
            value
                .as_ref()
                .map_or("∅".to_owned(), |value| value.borrow().to_string())
        };
        let list = match deed {
            Deed::Collect(fields) => fields
                .iter()
                .map(|(field, value)| format!("{field}={}", text(value)))
                .collect(),
            Deed::Correct(corrections) => corrections
                .iter()
                .map(|correction| format!("{}={}", correction.field, text(&correction.after)))
                .collect(),
            _ => Vec::new(),
        };
        format!("{} {}", deed.action().word(), list.join(" "))
            .trim()
            .to_owned()
    }

    #[test]
    fn a_row_and_a_state_make_commands() {
        use Status::{Absent, Collected, Deregistered, Found, Registered, Void};
        let none = ["", "", ""];
        let held = ["A", "C", ""];
        let mut lines = Vec::new();
        for (snapshot, status, held, cells) in [
            (false, Absent, none, ["A", "C", "3"]),
            (false, Absent, none, ["A", "", "-"]),
            (false, Absent, none, ["", "C", "-"]),
            (false, Found, none, ["A", "C", "-"]),
            (false, Collected, held, ["A", "C", ""]),
            (false, Registered, held, ["A", "C", "3"]),
            (false, Deregistered, held, ["A", "C", "3"]),
            (false, Registered, held, ["B", "C", ""]),
            (false, Registered, held, ["A", "", ""]),
            (false, Registered, held, ["A", "-", "-"]),
            (false, Void, held, ["A", "C", ""]),
            (true, Absent, none, ["A", "C", ""]),
            (true, Found, none, ["A", "", ""]),
            (true, Collected, held, ["A", "C", ""]),
            (true, Registered, held, ["A", "C", ""]),
            (true, Registered, held, ["B", "", "3"]),
            (true, Registered, held, ["A", "-", "-"]),
            (true, Registered, held, ["", "C", ""]),
            (true, Deregistered, held, ["A", "C", ""]),
            (true, Deregistered, held, ["B", "C", ""]),
            (true, Void, held, ["A", "C", ""]),
        ] {
            let mode = if snapshot { "snapshot" } else { "plain" };
            lines.push(format!(
                "{mode} {} {} row {} → {}",
                status.word(),
                held.join(","),
                cells.join(","),
                plan(snapshot, status, held, cells)
            ));
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        plain absent ,, row A,C,3 → collect name=A county=C rooms=3
        plain absent ,, row A,,- → collect name=A
        plain absent ,, row ,C,- → FIELD_MISSING name
        plain found ,, row A,C,- → collect name=A county=C
        plain collected A,C, row A,C, → unchanged
        plain registered A,C, row A,C,3 → collect name=A county=C rooms=3
        plain deregistered A,C, row A,C,3 → collect name=A county=C rooms=3
        plain registered A,C, row B,C, → VALUE_DIFFERS name
        plain registered A,C, row A,, → VALUE_DIFFERS county
        plain registered A,C, row A,-,- → unchanged
        plain void A,C, row A,C, → RECORD_VOID
        snapshot absent ,, row A,C, → collect name=A county=C, register
        snapshot found ,, row A,, → collect name=A, register
        snapshot collected A,C, row A,C, → register
        snapshot registered A,C, row A,C, → unchanged
        snapshot registered A,C, row B,,3 → correct name=B county=∅ rooms=3
        snapshot registered A,C, row A,-,- → unchanged
        snapshot registered A,C, row ,C, → FIELD_MISSING name
        snapshot deregistered A,C, row A,C, → register
        snapshot deregistered A,C, row B,C, → correct name=B, register
        snapshot void A,C, row A,C, → RECORD_VOID
        ");
    }

    #[test]
    fn keys_keep_their_rules() {
        let (_, job) = job(false);
        assert_eq!(job.name_of(Some(Input::Cell("1"))).unwrap().as_str(), "street/1");
        for bad in ["", "a/b", "e\u{301}", "a\u{7f}"] {
            assert_eq!(
                job.name_of(Some(Input::Cell(bad))).unwrap_err().code,
                "BAD_KEY",
                "{bad:?}"
            );
        }
        assert_eq!(job.name_of(None).unwrap_err().code, "BAD_KEY");
        assert!(matches!(job.kind.fields[0].field_type, FieldType::Text));
    }

    /// Nothing else in the register.
    struct Alone;
    impl shilu_model::Standing for Alone {
        fn stands(&self, _: &str) -> bool {
            false
        }
        fn reference(&self, _: &str, _: &str) -> Option<String> {
            None
        }
    }
    impl Known for Alone {
        fn has_event(&self, _: EventId) -> bool {
            false
        }
        fn is_collected(&self, _: &str) -> bool {
            false
        }
        fn duplicate_of(&self, _: &str) -> Option<String> {
            None
        }
        fn active_plate(&self, _: &str) -> Option<String> {
            None
        }
        fn announced(&self, _: EventId) -> Option<shilu_model::Announced> {
            None
        }
    }

    /// A record's events as stored bytes; each command is decided as the log would.
    fn take(campaign: &Campaign, log: &mut Vec<Vec<u8>>, command: &Command) -> Result<(), Rejection> {
        let events: Vec<_> = log.iter().map(|bytes| decode(bytes).unwrap()).collect();
        let entries: Vec<_> = events.iter().filter_map(Entry::of).collect();
        let position = Position::new(u64::try_from(log.len()).unwrap());
        let recorded = Timestamp::from_micros(1_700_000_000_000_000);
        let moment = Moment {
            position,
            recorded,
            fresh_id: EventId::from_bytes([9; 16]),
        };
        let mut bytes = Vec::new();
        encode(&decide(campaign, command, &entries, &Alone, moment)?, &mut bytes).unwrap();
        log.push(bytes);
        Ok(())
    }

    fn cell() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["", "1", "2", "3", "-"])
    }

    proptest! {
        /// Whatever earlier rows, at whatever times, did to a record: what is planned is taken, and after a snapshot
        /// the state at its effective time is the row; then the same row changes nothing.
        #[test]
        fn what_is_planned_is_taken(rows in prop::collection::vec((any::<bool>(), any::<bool>(), 0i64..4, [cell(), cell(), cell()]), 1..8)) {
            let name = RecordName::parse("street/1").unwrap();
            let mut log = Vec::new();
            for (snapshot, leave, day, cells) in rows {
                let (campaign, mut job) = job(snapshot);
                let effective = Timestamp::from_micros(EFFECTIVE + day);
                job.since = Since::At(effective);
                for again in [false, true] {
                    let stored = log.clone();
                    let events: Vec<_> = stored.iter().map(|bytes: &Vec<u8>| decode(bytes).unwrap()).collect();
                    let entries: Vec<_> = events.iter().filter_map(Entry::of).collect();
                    let state = State::fold(&entries, effective);
                    let wanted = given(&job, cells);
                    let Ok(commands) = job.plan(&name, 2, wanted.clone(), &state) else { break };
                    prop_assert!(!again || commands.is_empty());
                    for command in &commands {
                        prop_assert_eq!(take(&campaign, &mut log, command), Ok(()));
                    }
                    if snapshot {
                        let stored = log.clone();
                        let events: Vec<_> = stored.iter().map(|bytes| decode(bytes).unwrap()).collect();
                        let entries: Vec<_> = events.iter().filter_map(Entry::of).collect();
                        let state = State::fold(&entries, effective);
                        prop_assert_eq!(state.status, Status::Registered);
                        for (field, value) in job.kind.fields.iter().zip(&wanted) {
                            if let Some(value) = value {
                                let value: Option<Value<'_>> = value.as_ref().map(OwnedValue::borrow);
                                prop_assert_eq!(state.value(&field.id), value);
                            }
                        }
                        if leave && again {
                            for command in job.deregister(&name) {
                                prop_assert_eq!(take(&campaign, &mut log, &command), Ok(()));
                            }
                        }
                    }
                }
            }
        }
    }
}
