//! An import from its file to durable events.
//!
//! Three passes over one open file: its hash and encoding; its structure (and, for a snapshot, which keys it holds);
//! then the rows themselves. Until the third pass nothing is written, so a damaged file writes nothing. While lists
//! become durable, the next rows are read and planned.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use shilu_engine::{AsOf, EngineError};
use shilu_model::{Action, Command, NAME_BYTES_MAX, RecordName, Rejection, Since, check_name, check_reason};

use super::{
    dry_run::DryRun,
    encoding::{About, Encoding, Examined, examine},
    error::ImportError,
    extract::Extract,
    plan::{Job, Refusal},
    rejected::{self, Rejected},
    rows::{Columns, Layout, Row, Rows},
    summary::Summary,
    target::{LocalTarget, RemoteTarget, Target},
    xlsx::{Sheet, is_workbook},
};
use crate::{
    Done,
    args::{EncodingArg, ImportArgs, SummaryFormat},
    error::CliError,
    messages::{Language, Text},
    output::{Output, say},
    progress,
    register::Register,
};

/// Lists handed over together: about one commit's worth.
const BATCH_LISTS: usize = 512;
/// Batches on their way: one that syncs, one that waits, one that is being planned.
const BATCHES_IN_FLIGHT: usize = 4;
/// A snapshot that deregisters more than one in so many needs to be allowed to.
const MASS_ONE_IN: u64 = 4;

/// Runs `import`.
pub fn run(args: &ImportArgs, language: Language) -> Done {
    let register = Register::open(&args.source, language)?;
    let result = import(args, &register, language);
    let closed = register.close();
    result.and(closed)
}

fn import(args: &ImportArgs, register: &Register, language: Language) -> Done {
    let campaign = register.campaign();
    let kind = campaign.kind(&args.kind).ok_or_else(|| EngineError::NoKind {
        kind: args.kind.clone(),
    })?;
    check_name("actor", &args.actor).map_err(ImportError::Rule)?;
    check_reason(&args.reason).map_err(ImportError::Rule)?;
    let effective = args
        .effective
        .as_deref()
        .map(|text| campaign.zone.fact(text).map_err(ImportError::BadTime));
    let effective = effective.transpose()?;
    if let Some(effective) = effective.filter(|effective| *effective < campaign.earliest) {
        let rejection = Rejection::EffectiveTooEarly {
            effective,
            earliest: campaign.earliest,
        };
        return Err(ImportError::Rule(rejection).into());
    }
    if let (Some(effective), Some(recorded)) = (effective, register.now())
        && effective > recorded
    {
        let rejection = Rejection::EffectiveInFuture { effective, recorded };
        return Err(ImportError::Rule(rejection).into());
    }
    let extract = args.system.as_deref().map(|system| Extract::new(kind, system));
    let extract = extract.transpose()?;
    let columns = Columns {
        kind,
        stand_in: extract.as_ref().map(|extract| extract.theirs_field),
    };
    let mut source = Opened::open(&args.file)?;
    let examined = source.examine(args, language)?;
    source.choose_sheet(args, columns, language)?;
    let job = Job {
        kind: kind.clone(),
        key_field: kind
            .fields
            .iter()
            .position(|field| field.id == kind.key)
            .unwrap_or_default(),
        snapshot: args.snapshot,
        extract,
        actor: args.actor.clone(),
        reason: args.reason.clone(),
        since: effective.map_or(Since::Recorded, Since::At),
        sha256: examined.sha256,
        file: file_name(&args.file),
    };
    let run = Run {
        args,
        columns,
        job: &job,
        source: &source,
        examined,
        language,
    };
    match register {
        Register::Local(local) => {
            let now = local.engine.now();
            if let Some(effective) = effective.filter(|effective| *effective > now) {
                let rejection = Rejection::EffectiveInFuture {
                    effective,
                    recorded: now,
                };
                return Err(ImportError::Rule(rejection).into());
            }
            let at = local.engine.at(AsOf::Now, effective)?;
            if args.dry_run {
                local.engine.rehearse()?;
            }
            run.with(&LocalTarget::new(&local.engine, &kind.id, at))
        }
        Register::Remote(remote) => run.with(&RemoteTarget::new(
            register, remote, &campaign, &kind.id, effective,
        )?),
    }
}

/// The file's name without folders, as events keep it: its end, where it is too long.
fn file_name(path: &Path) -> Arc<str> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let start =
        (0..name.len()).find(|start| name.len() - start <= NAME_BYTES_MAX && name.is_char_boundary(*start));
    Arc::from(name.get(start.unwrap_or(0)..).unwrap_or_default())
}

/// The file, held open from the first pass to the last.
struct Opened {
    file: File,
    path: PathBuf,
    form: Form,
    sheet: Option<Sheet>,
    stamp: (u64, Option<SystemTime>),
}

/// What a file's name says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Jsonl,
    Xlsx,
}

impl Opened {
    fn open(path: &Path) -> Result<Self, ImportError> {
        let read = |source| ImportError::Read {
            path: path.to_owned(),
            source,
        };
        let bad = |problem| ImportError::BadFile {
            path: path.to_owned(),
            problem,
        };
        let file = File::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if !metadata.is_file() {
            return Err(bad(
                "it is read three times, so it must be a file, not a folder or a pipe",
            ));
        }
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let form = match extension.as_str() {
            "xlsx" | "xlsm" => Form::Xlsx,
            "xls" | "xlsb" | "ods" | "et" => {
                return Err(bad("of the workbooks only .xlsx is read; save it as .xlsx"));
            }
            "gz" | "zip" => return Err(bad("it is packed; unpack it first")),
            _ if is_workbook(&file) => {
                return Err(bad("it is a workbook or a zip file; name it .xlsx if it is one"));
            }
            "jsonl" | "ndjson" => Form::Jsonl,
            _ => Form::Csv,
        };
        let stamp = (metadata.len(), metadata.modified().ok());
        Ok(Opened {
            file,
            path: path.to_owned(),
            form,
            sheet: None,
            stamp,
        })
    }

    /// Checks a workbook as a whole, chooses its sheet, and says what a person looking at it might not expect.
    fn choose_sheet(
        &mut self,
        args: &ImportArgs,
        columns: Columns<'_>,
        language: Language,
    ) -> Result<(), CliError> {
        if self.form != Form::Xlsx {
            return if args.sheet.is_none() {
                Ok(())
            } else {
                Err(CliError::Usage {
                    problem: "--sheet is for workbooks".to_owned(),
                    hint: "leave it out, or give an .xlsx file",
                })
            };
        }
        let sheet = Sheet::choose(&self.file, args.sheet.as_deref(), columns)?;
        let note = language.say(Text::Note);
        if sheet.sheets > 1 && args.sheet.is_none() {
            say(format!(
                "{note}: {}: {}",
                language.say(Text::SheetRead),
                crate::error::printable(&sheet.name)
            ));
        }
        for (count, text) in [
            (sheet.scan.hidden_rows, Text::HiddenRows),
            (sheet.scan.hidden_columns, Text::HiddenColumns),
        ] {
            if count > 0 {
                say(format!("{note}: {}: {count}", language.say(text)));
            }
        }
        self.sheet = Some(sheet);
        Ok(())
    }

    fn layout(&self) -> Layout<'_> {
        match (&self.sheet, self.form) {
            (Some(sheet), _) => Layout::Xlsx(sheet),
            (None, Form::Jsonl) => Layout::Jsonl,
            (None, Form::Csv | Form::Xlsx) => Layout::Csv,
        }
    }

    fn examine(&self, args: &ImportArgs, language: Language) -> Result<Examined, ImportError> {
        let bar = progress::bytes(language.say(Text::Checking), self.stamp.0);
        // A workbook names its encodings itself.
        let asked = if self.form == Form::Xlsx {
            EncodingArg::Utf8
        } else {
            args.encoding
        };
        let examined = examine(&self.file, asked, |bytes| bar.set_position(bytes));
        bar.finish_and_clear();
        let examined = examined.map_err(|source| ImportError::Read {
            path: self.path.clone(),
            source,
        })?;
        if examined.encoding == Encoding::Gb18030 && args.encoding == EncodingArg::Auto {
            say(format!(
                "{}: {}",
                language.say(Text::Note),
                language.say(Text::ReadAsGb18030)
            ));
        }
        Ok(examined)
    }

    fn check_unchanged(&self) -> Result<(), ImportError> {
        let now = self.file.metadata().map_err(|source| ImportError::Read {
            path: self.path.clone(),
            source,
        })?;
        if (now.len(), now.modified().ok()) == self.stamp {
            Ok(())
        } else {
            Err(ImportError::FileChanged {
                path: self.path.clone(),
            })
        }
    }
}

/// One import.
struct Run<'a> {
    args: &'a ImportArgs,
    columns: Columns<'a>,
    job: &'a Job,
    source: &'a Opened,
    examined: Examined,
    language: Language,
}

impl Run<'_> {
    fn with<T: Target>(&self, target: &T) -> Done {
        let missing = self.check(target)?;
        let mass = self.mass(&missing);
        if self.args.dry_run {
            self.dry_run(target, missing)?;
            return mass.map_err(CliError::from);
        }
        mass?;
        let mut work = Work::new(target);
        let written = self.write(&mut work, missing.keys);
        let Work {
            summary,
            rejected,
            refused_records,
            ..
        } = work;
        if let Err(error) = written {
            if summary.events() > 0 {
                say(format!(
                    "{}: {}: {}",
                    self.language.say(Text::Note),
                    self.language.say(Text::MadeBeforeError),
                    summary.events()
                ));
            }
            return Err(error);
        }
        let rows = if rejected.len() > 0 {
            Some(self.rows()?)
        } else {
            None
        };
        let noted = rejected.write(&self.args.file, rows, (self.examined.ascii, self.language));
        self.tell(&summary, &rejected, &refused_records)?;
        noted?;
        let taken = summary.events() + summary.unchanged;
        if summary.rejected > 0 && taken == 0 {
            Err(CliError::Said)
        } else {
            Ok(())
        }
    }

    fn rows(&self) -> Result<Rows<'_>, ImportError> {
        let about = About {
            path: self.source.path.clone(),
            encoding: self.examined.encoding,
        };
        Rows::new(self.columns, &self.source.file, about, self.source.layout())
    }

    /// The second pass: every row's structure, and which registered keys a snapshot lacks.
    fn check<T: Target>(&self, target: &T) -> Result<Missing, CliError> {
        let keys = if self.job.snapshot {
            target.registered_keys(|fields| self.job.is_about(fields))?
        } else {
            Vec::new()
        };
        let registered = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        let mut seen: HashMap<String, bool> = keys.iter().map(|key| (key.clone(), false)).collect();
        let mut unreadable = false;
        let bar = progress::bytes(self.language.say(Text::Comparing), self.examined.bytes);
        let mut rows = self.rows()?;
        let mut number = 0u64;
        while let Some(row) = rows.next()? {
            if self.job.snapshot {
                match self.job.name(row) {
                    Ok(name) => {
                        if let Some(seen) = seen.get_mut(name.key()) {
                            *seen = true;
                        }
                    }
                    Err(_) => unreadable = true,
                }
            }
            number += 1;
            if number.is_multiple_of(4_096) {
                bar.set_position(rows.bytes_read(self.examined.bytes));
            }
        }
        bar.finish_and_clear();
        if let Some(row) = rows.example_row() {
            say(format!(
                "{}: {}: {row}",
                self.language.say(Text::Note),
                self.language.say(Text::ExampleSkipped)
            ));
        }
        let missing = keys.into_iter().filter(|key| seen.get(key) == Some(&false));
        let mut missing: Vec<String> = missing.collect();
        if unreadable && !missing.is_empty() {
            say(format!(
                "{}: {}",
                self.language.say(Text::Note),
                self.language.say(Text::UnreadableKeys)
            ));
            missing.clear();
        }
        Ok(Missing {
            keys: missing,
            registered,
        })
    }

    fn mass(&self, missing: &Missing) -> Result<(), ImportError> {
        let count = u64::try_from(missing.keys.len()).unwrap_or(u64::MAX);
        if count.saturating_mul(MASS_ONE_IN) > missing.registered && !self.args.allow_mass_deregister {
            Err(ImportError::MassDeregister {
                missing: count,
                registered: missing.registered,
            })
        } else {
            Ok(())
        }
    }

    /// The third pass.
    fn write<T: Target>(&self, work: &mut Work<'_, T>, missing: Vec<String>) -> Done {
        let bar = progress::bytes(self.language.say(Text::Importing), self.examined.bytes);
        let mut rows = self.rows()?;
        work.columns = self.columns(&rows);
        let mut planner = Planner {
            job: self.job,
            seen: HashSet::new(),
        };
        while let Some(row) = rows.next()? {
            let line = row.line();
            match planner.plan(row, work.target)? {
                Ok((_, commands)) if commands.is_empty() => work.summary.unchanged += 1,
                Ok((_, commands)) => work.push(Some(line), commands)?,
                Err(refusal) => work.reject(line, refusal),
            }
            if line.is_multiple_of(4_096) {
                bar.set_position(rows.bytes_read(self.examined.bytes));
            }
        }
        self.source.check_unchanged()?;
        for key in missing {
            if let Ok(name) = RecordName::new(&self.job.kind.id, &key) {
                work.push(None, self.job.deregister(&name))?;
            }
        }
        work.finish()?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Per field what the file calls its column.
    fn columns(&self, rows: &Rows<'_>) -> HashMap<String, String> {
        let fields = self.job.kind.fields.iter().enumerate();
        fields
            .map(|(index, field)| (field.id.clone(), rows.column(index)))
            .collect()
    }

    fn dry_run<T: Target>(&self, target: &T, missing: Missing) -> Done {
        let mut rows = self.rows()?;
        let columns = self.columns(&rows);
        let mut rejected = Rejected::default();
        let mut planner = Planner {
            job: self.job,
            seen: HashSet::new(),
        };
        let mut dry = DryRun::new(self.args.format, self.language);
        while let Some(row) = rows.next()? {
            let line = row.line();
            match planner.plan(row, target)? {
                Ok((_, commands)) if commands.is_empty() => dry.summary.unchanged += 1,
                Ok((name, commands)) => match target.judge(&commands)? {
                    Ok(()) => target.with_state(&name, |state| dry.show(&name, state, &commands))??,
                    Err(refusal) => {
                        rejected.add(line, column_named(&columns, &refusal), refusal);
                        dry.summary.rejected += 1;
                    }
                },
                Err(refusal) => {
                    rejected.add(line, column_named(&columns, &refusal), refusal);
                    dry.summary.rejected += 1;
                }
            }
        }
        let mut refused = Vec::new();
        for key in &missing.keys {
            let Ok(name) = RecordName::new(&self.job.kind.id, key) else {
                continue;
            };
            let commands = self.job.deregister(&name);
            match target.judge(&commands)? {
                Ok(()) => target.with_state(&name, |state| dry.show(&name, state, &commands))??,
                Err(refusal) => refused.push((name, refusal)),
            }
        }
        rejected.tell(self.language);
        self.tell_refused(&refused);
        if !T::JUDGES {
            let note = self.language.say(Text::Note);
            say(format!("{note}: {}", self.language.say(Text::NotRehearsed)));
        }
        dry.finish()
    }

    fn tell(&self, summary: &Summary, rejected: &Rejected, refused: &[(RecordName, Refusal)]) -> Done {
        if rejected.len() > 0 {
            let path = rejected::path(&self.args.file);
            let rows = self.language.say(Text::Rejected);
            say(format!(
                "{}: {rows}: {} → {}",
                self.language.say(Text::Note),
                rejected.len(),
                path.display()
            ));
            rejected.tell(self.language);
        }
        self.tell_refused(refused);
        let mut output = Output::stdout();
        match self.args.format {
            SummaryFormat::Json => output.line(summary.json())?,
            SummaryFormat::Table => {
                for line in summary.table(self.language).lines(None) {
                    output.line(line)?;
                }
            }
        }
        output.flush()
    }

    /// The records that the file lacks, and that cannot be deregistered.
    fn tell_refused(&self, refused: &[(RecordName, Refusal)]) {
        for (name, refusal) in refused {
            say(format!(
                "{}: {}: {name}: [{}] {}",
                self.language.say(Text::Note),
                self.language.say(Text::NotDeregistered),
                refusal.code,
                refusal.reason
            ));
        }
    }
}

/// The registered keys that the file does not hold.
struct Missing {
    keys: Vec<String>,
    registered: u64,
}

/// Plans row by row; knows which keys the file has had.
struct Planner<'a> {
    job: &'a Job,
    seen: HashSet<Box<str>>,
}

impl Planner<'_> {
    fn plan<T: Target>(
        &mut self,
        row: Row<'_>,
        target: &T,
    ) -> Result<Result<(RecordName, Vec<Command>), Refusal>, CliError> {
        let name = match self.job.name(row) {
            Ok(name) => name,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.seen.insert(name.key().into()) {
            let reason = format!("an earlier row has the key {:?} too", name.key());
            let field = self.job.key_told_by(row);
            return Ok(Err(Refusal::of(&field, "DUPLICATE_KEY", reason)));
        }
        let given = match self.job.given(row) {
            Ok(given) => given,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let plan = target.with_state(&name, |state| self.job.plan(&name, row.number(), given, state))?;
        Ok(plan.map(|commands| (name, commands)))
    }
}

/// What is on its way, and what came of the rest.
struct Work<'t, T: Target> {
    target: &'t T,
    columns: HashMap<String, String>,
    batch: Vec<Vec<Command>>,
    about: Vec<Sent>,
    in_flight: VecDeque<(T::Waiting, Vec<Sent>)>,
    summary: Summary,
    rejected: Rejected,
    refused_records: Vec<(RecordName, Refusal)>,
}

/// What is remembered of a list until its answer is there.
struct Sent {
    line: Option<u64>,
    actions: [Option<Action>; 2],
    missing: Option<RecordName>,
}

impl<'t, T: Target> Work<'t, T> {
    fn new(target: &'t T) -> Self {
        Work {
            target,
            columns: HashMap::new(),
            batch: Vec::with_capacity(BATCH_LISTS),
            about: Vec::with_capacity(BATCH_LISTS),
            in_flight: VecDeque::new(),
            summary: Summary::default(),
            rejected: Rejected::default(),
            refused_records: Vec::new(),
        }
    }

    fn push(&mut self, line: Option<u64>, list: Vec<Command>) -> Done {
        let mut actions = list.iter().map(|command| command.deed.action());
        let actions = [actions.next(), actions.next()];
        let missing = if line.is_none() {
            list.first().map(|command| command.record.clone())
        } else {
            None
        };
        self.about.push(Sent {
            line,
            actions,
            missing,
        });
        self.batch.push(list);
        if self.batch.len() >= BATCH_LISTS {
            self.send()
        } else {
            Ok(())
        }
    }

    fn send(&mut self) -> Done {
        if self.batch.is_empty() {
            return Ok(());
        }
        if self.in_flight.len() >= BATCHES_IN_FLIGHT {
            self.settle()?;
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_LISTS));
        let about = std::mem::replace(&mut self.about, Vec::with_capacity(BATCH_LISTS));
        let waiting = self.target.submit(batch)?;
        self.in_flight.push_back((waiting, about));
        Ok(())
    }

    /// Takes the oldest answers in.
    fn settle(&mut self) -> Done {
        let Some((waiting, about)) = self.in_flight.pop_front() else {
            return Ok(());
        };
        for (answer, sent) in self.target.wait(waiting)?.into_iter().zip(about) {
            match (answer, sent.line, sent.missing) {
                (Ok(taken), _, _) => {
                    self.summary.count(sent.actions.into_iter().flatten());
                    self.summary.at(taken.first, taken.last);
                }
                (Err(refusal), Some(line), _) => self.reject(line, refusal),
                (Err(refusal), None, Some(name)) => self.refused_records.push((name, refusal)),
                (Err(_), None, None) => {}
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Done {
        self.send()?;
        while !self.in_flight.is_empty() {
            self.settle()?;
        }
        Ok(())
    }

    fn reject(&mut self, line: u64, refusal: Refusal) {
        let column = column_named(&self.columns, &refusal);
        self.summary.rejected += 1;
        self.rejected.add(line, column, refusal);
    }
}

/// What the file calls the column that a refusal is about.
fn column_named(columns: &HashMap<String, String>, refusal: &Refusal) -> String {
    let field = refusal.field.as_deref().unwrap_or_default();
    columns.get(field).map_or(field, String::as_str).to_owned()
}
