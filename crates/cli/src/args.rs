//! The command line's grammar and its help.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{
    bench::BenchArgs,
    commands::{
        check_receipt::CheckReceiptArgs, key::KeyArgs, plates::PlatesArgs, sample::SampleArgs,
        witness::WitnessArgs,
    },
    demo::DemoArgs,
    messages::Language,
    simulate::SimulateArgs,
};

/// shilu 实录: an audit-first register of records.
#[derive(Debug, Parser)]
#[command(
    name = "shilu",
    version,
    about = "shilu 实录: an audit-first register of records (档案). Every action is one immutable event (事件).",
    after_help = "Examples:\n  shilu init reg --campaign campaign.toml\n  shilu import streets.csv --data reg --kind street --as zhang --reason \"yearly extract\" --snapshot --effective 2016-07-31\n  shilu show street/110101001 --data reg\n  shilu serve --data reg",
    propagate_version = true,
    max_term_width = 100
)]
pub struct Args {
    /// Language of headers and hints; else SHILU_LANG or the system's
    #[arg(long, global = true, value_name = "LANG")]
    pub lang: Option<Language>,
    /// Say more on stderr; twice for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a register (登记册) in an empty folder
    Init(InitArgs),
    /// Show, check or change a campaign (行动方案)
    Campaign(CampaignArgs),
    /// Serve a register over HTTP
    Serve(ServeArgs),
    /// Take a CSV, XLSX or JSONL file in (导入)
    Import(ImportArgs),
    /// Write a kind's records out as CSV, JSONL or XLSX (导出)
    Export(ExportArgs),
    /// An empty workbook to be filled in and imported (模板)
    Template(TemplateArgs),
    /// Plates: numbers, sheets to print, and what happens at the doors (标牌)
    Plates(PlatesArgs),
    /// Show one record (档案) as it was at any date
    Show(RecordArgs),
    /// Every event (事件) of a record, oldest first
    History(HistoryArgs),
    /// Per field of a record: its value, and who set it when (溯源)
    Blame(RecordArgs),
    /// Who changed what, newest first (变更)
    Changes(ChangesArgs),
    /// What differs between two dates (比对)
    Diff(DiffArgs),
    /// How many records there are (数量)
    Counts(FigureArgs),
    /// The campaign's indicators with their targets, and registration, deregistration and accuracy rates (指标、登记率、注销率、准确率)
    Rates(RatesArgs),
    /// The records and events behind a rate (依据)
    Evidence(BehindArgs),
    /// Two systems side by side, key by key (比对两系统)
    Reconcile(BehindArgs),
    /// Areas by the rates that are due, month by month (排名)
    Rankings(RankingsArgs),
    /// Samples nobody can steer: announce, draw, visit, count (抽查)
    Sample(SampleArgs),
    /// Fold every projection anew from the log, and compare (重建)
    Rebuild(RebuildArgs),
    /// Check everything, from bytes (审计)
    Verify(VerifyArgs),
    /// An event with its proof, to be kept and checked anywhere (回执)
    Receipt(ReceiptArgs),
    /// Copy what is published (备份)
    Backup(BackupArgs),
    /// Make a register from a backup (恢复)
    Restore(RestoreArgs),
    /// Accept a clock that is behind the last event, as an event
    AcceptClock(AcceptClockArgs),
    /// Check a receipt (回执) without a register
    CheckReceipt(CheckReceiptArgs),
    /// Cosign other registers' checkpoints, so that nobody rewrites them unseen (见证)
    Witness(WitnessArgs),
    /// Keys, and signing with them (密钥)
    Key(KeyArgs),
    /// Measure this machine
    Bench(BenchArgs),
    /// A simulated campaign, served (演示)
    Demo(DemoArgs),
    /// Write a simulated campaign of any size (模拟)
    Simulate(SimulateArgs),
    /// Completions for a shell
    #[command(
        after_help = "Example:\n  shilu completions bash > ~/.local/share/bash-completion/completions/shilu"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which register is asked.
#[derive(Clone, Debug, ClapArgs)]
pub struct SourceArgs {
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: Option<PathBuf>,
    /// A running server, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL", env = "SHILU_SERVER")]
    pub server: Option<String>,
    /// The token for the server
    #[arg(long, value_name = "TOKEN", env = "SHILU_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values
    Csv,
}

/// `--format` of the questions.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub struct FormatArg {
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// `init`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu init reg --campaign campaign.toml --as zhang\n  shilu init reg --campaign three-reals --simulated\n\nThree-reals (一标三实) comes with shilu; a file of that name goes before it. It has personal fields, which this\nversion cannot seal: so it needs --simulated. The clock, real or simulated, is fixed for ever in the first event."
)]
pub struct InitArgs {
    /// A new or empty folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The campaign file (行动方案), or three-reals for the one that comes with shilu (simulated clock only)
    #[arg(long, value_name = "FILE|NAME")]
    pub campaign: PathBuf,
    /// Who makes it; the system's user by default
    #[arg(long = "as", value_name = "ACTOR")]
    pub actor: Option<String>,
    /// Run on a simulated clock: such data can never pass for real
    #[arg(long)]
    pub simulated: bool,
}

/// `campaign`
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  shilu campaign three-reals > mine.toml
  shilu campaign --check mine.toml
  shilu campaign --data reg --as-of 2015-05-31
  shilu campaign change mine.toml --data reg --as zhang --reason \"the notice of 1 May\" --dry-run

Without a name it prints the campaign of the register that --data or --server names; without a register, three-reals.
Without --check it prints the campaign, to be copied and edited. With --check it prints what the campaign has (kinds,
areas, phases, indicators, targets), or the first mistake with its line and column, and exits 2."
)]
pub struct CampaignArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<CampaignCommand>,
    /// A campaign file, or the name of a campaign that comes with shilu; a file of that name goes before it
    #[arg(value_name = "NAME|FILE")]
    pub campaign: Option<PathBuf>,
    /// Check it, and say what it has
    #[arg(long)]
    pub check: bool,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// The register's campaign as known then: RFC 3339, a date (its end), or @POSITION; now by default
    #[arg(long, value_name = "TIME", conflicts_with = "campaign")]
    pub as_of: Option<String>,
}

/// What can be done with the campaign of a register.
#[derive(Debug, Subcommand)]
pub enum CampaignCommand {
    /// Change a register's campaign, as an event (变更行动方案)
    Change(CampaignChangeArgs),
}

/// `campaign change`
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
It prints what changes, by name: `-` what was, `+` what is. The past keeps the campaign that it had: what is known
already stays judged by it. Kinds, fields, values and areas may be added, and none be taken away (CAMPAIGN_CHANGE).

Examples:
  shilu campaign --data reg > mine.toml
  shilu campaign change mine.toml --data reg --as zhang --reason \"the notice of 1 May\" --dry-run
  shilu campaign change mine.toml --data reg --as zhang --reason \"the notice of 1 May\"")]
pub struct CampaignChangeArgs {
    /// The campaign file, or the name of a campaign that comes with shilu
    #[arg(value_name = "FILE")]
    pub campaign: PathBuf,
    /// In whose name
    #[command(flatten)]
    pub who: WhoArgs,
    /// Print what would change, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `serve`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  shilu serve --data reg --listen 127.0.0.1:8080\n\nThe first line on stdout is `listening on http://ADDR`; port 0 takes a free one. SIGTERM or Ctrl-C stops it\ngracefully. SHILU_LOG or RUST_LOG filters the log on stderr, such as `debug` or `shilu_engine=trace`."
)]
pub struct ServeArgs {
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// How log lines are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// `import`
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Plain, an import collects (采集) and never registers. With --snapshot FILE is the whole truth at --effective: new keys
are collected and registered, differences corrected, keys that reappear registered, missing keys deregistered.
A column is named by its field's id, title or columns; an empty cell means no value, a missing column leaves its field alone.
A row that cannot be taken goes to FILE.rejected.csv; a damaged file writes nothing. It can be repeated safely.
With --system S FILE is another system's extract: its rows get the system S, the SHA-256 of FILE, and the key
S:THEIRS, unless columns say them; --snapshot then compares it with the records of S alone.

Examples:
  shilu import found.csv --data reg --kind street --as zhang --reason \"door to door\"
  shilu import 房屋.xlsx --sheet 三月 --data reg --kind dwelling --as zhang --reason \"door to door\"
  shilu import streets-2017.csv --data reg --kind street --as zhang --reason \"yearly extract\" --snapshot --effective 2017-10-31 --dry-run
  shilu import police-0420.csv --kind extract --system police --data reg --as zhang --reason \"extract of 20 April\" --effective 2015-04-20 --snapshot")]
pub struct ImportArgs {
    /// A CSV file (UTF-8 or GB18030), a workbook if it ends in .xlsx, or JSONL (one object per line) if it ends in
    /// .jsonl or .ndjson
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// The kind of its rows
    #[arg(long, value_name = "KIND")]
    pub kind: String,
    /// On whose account
    #[arg(long = "as", value_name = "ACTOR")]
    pub actor: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Since when it holds: RFC 3339, or a date (its start); now by default
    #[arg(long, value_name = "TIME")]
    pub effective: Option<String>,
    /// FILE is the whole truth at the effective time
    #[arg(long)]
    pub snapshot: bool,
    /// FILE is an extract of this other system; for --kind extract
    #[arg(long, value_name = "SYSTEM")]
    pub system: Option<String>,
    /// Print the plan, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Let a snapshot deregister more than 25 % of the registered records that it is compared with
    #[arg(long)]
    pub allow_mass_deregister: bool,
    /// The sheet of a workbook; by default the first one that has the kind's headers
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// The file's encoding
    #[arg(long, value_name = "ENCODING", default_value = "auto")]
    pub encoding: EncodingArg,
    /// How to write the summary
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

/// A file's encoding, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EncodingArg {
    /// UTF-8 if it is, else GB18030
    Auto,
    /// UTF-8, with or without a byte order mark
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// GB18030, and so GBK and GB2312
    #[value(alias = "gbk", alias = "gb2312")]
    Gb18030,
}

/// How `import` and `rebuild` write their summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// For people
    Table,
    /// JSON, one line
    #[value(alias = "jsonl")]
    Json,
}

/// `export`
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Columns are the kind's fields in the campaign's order; rows are sorted by key. Values are exact: a spreadsheet program
may take a value of a CSV file that begins with =, +, - or @ for a formula; export as xlsx for such a program.

Examples:
  shilu export --data reg --kind street --format csv > streets.csv
  shilu export --data reg --kind street --effective 2018-10-31 --format jsonl
  shilu export --data reg --kind street --format xlsx --out streets.xlsx
  shilu export --data reg --kind street --as-of @1200 --status all --format csv")]
pub struct ExportArgs {
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// The kind
    #[arg(long, value_name = "KIND")]
    pub kind: String,
    /// When
    #[command(flatten)]
    pub at: AtArgs,
    /// Which records
    #[arg(long, value_name = "STATUS", default_value = "registered")]
    pub status: StatusArg,
    /// The file's format
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// Write here instead of to stdout; the file appears when it is whole
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Which records are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// 已登记
    Registered,
    /// 已采集
    Collected,
    /// 已注销
    Deregistered,
    /// 作废
    Void,
    /// Only found by a check
    Found,
    /// Every one
    All,
}

/// What can be written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values
    Csv,
    /// One JSON object per line
    Jsonl,
    /// A workbook, with real dates and numbers, and codes as text
    Xlsx,
    /// Typed columns; only if built with the cargo feature `parquet`
    Parquet,
}

/// `template`
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The workbook has the kind's columns with their titles, formats, choices and rules, one example row, and a sheet that
explains. An import passes the example row over as long as it is unchanged.

Examples:
  shilu template dwelling --data reg --out 房屋.xlsx
  shilu import 房屋.xlsx --data reg --kind dwelling --as zhang --reason \"door to door\"")]
pub struct TemplateArgs {
    /// The kind
    #[arg(value_name = "KIND")]
    pub kind: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where to write it; to stdout without it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A point on both time axes.
#[derive(Clone, Debug, ClapArgs)]
pub struct AtArgs {
    /// As known then: RFC 3339, a date (its end), or @POSITION; now by default
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// As in effect then: RFC 3339, or a date (its end); as --as-of by default
    #[arg(long, value_name = "TIME")]
    pub effective: Option<String>,
}

/// `show` and `blame`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu show street/110101001 --data reg\n  shilu blame street/110101001 --data reg --effective 2018-10-31 --as-of 2020-01-01"
)]
pub struct RecordArgs {
    /// The record, KIND/KEY
    #[arg(value_name = "KIND/KEY")]
    pub record: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// When
    #[command(flatten)]
    pub at: AtArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// `history`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  shilu history street/110101001 --data reg --format jsonl")]
pub struct HistoryArgs {
    /// The record, KIND/KEY
    #[arg(value_name = "KIND/KEY")]
    pub record: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// At most so many events; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// `changes`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu changes --data reg --actor zhang --action correct --from 2015-04-01 --to 2015-04-30\n  shilu changes --data reg --field name --area 110101 --format csv --limit 0"
)]
pub struct ChangesArgs {
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// By this actor (人员)
    #[arg(long)]
    pub actor: Option<String>,
    /// This action: collect, correct, register, deregister, verify, …
    #[arg(long)]
    pub action: Option<String>,
    /// On records of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// In this area
    #[arg(long)]
    pub area: Option<String>,
    /// That state this field
    #[arg(long)]
    pub field: Option<String>,
    /// On this record, KIND/KEY
    #[arg(long)]
    pub record: Option<String>,
    /// With this device
    #[arg(long)]
    pub device: Option<String>,
    /// field, system, import, or an imported file by its SHA-256
    #[arg(long = "source", value_name = "SOURCE")]
    pub origin: Option<String>,
    /// Recorded then or later
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Recorded then or earlier; a date means its end
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// At most so many events; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// `diff`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu diff --data reg --from 2017-10-31 --to 2018-10-31 --kind street\n  shilu diff --data reg --axis recorded --from @100 --to @200"
)]
pub struct DiffArgs {
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// The earlier time
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// The later time; now by default
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// effective: what changed in the world; recorded: what we came to know
    #[arg(long, value_name = "AXIS", default_value = "effective")]
    pub axis: AxisArg,
    /// As known then (on the effective axis)
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// In this area, before or after
    #[arg(long)]
    pub area: Option<String>,
    /// Of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// At most so many records; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// A time axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AxisArg {
    /// 生效时间
    Effective,
    /// 记录时间
    Recorded,
}

impl AxisArg {
    /// As the interface calls it.
    pub const fn word(self) -> &'static str {
        match self {
            AxisArg::Effective => "effective",
            AxisArg::Recorded => "recorded",
        }
    }
}

/// `counts`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  shilu counts --data reg --by area --effective 2018-10-31")]
pub struct FigureArgs {
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// When
    #[command(flatten)]
    pub at: AtArgs,
    /// Split by the record's area, or by its first collector
    #[arg(long, value_name = "BY")]
    pub by: Option<ByArg>,
    /// Only this area
    #[arg(long)]
    pub area: Option<String>,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// `rates`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu rates --data reg --as-of 2015-06-20\n  shilu rates --data reg --by area --effective 2015-06-20 --from 2015-05-20\n  shilu rates --data reg --from 2015-06-20 --axis recorded"
)]
pub struct RatesArgs {
    /// Which, and when
    #[command(flatten)]
    pub figure: FigureArgs,
    /// Beside them the same at another time
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// What --from is: effective, as it was then and as known at --as-of; recorded, as it was known then
    #[arg(long, value_name = "AXIS", requires = "from")]
    pub axis: Option<AxisArg>,
}

/// `evidence` and `reconcile`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu evidence dwelling.register-share --data reg --area 330604006200\n  shilu evidence rental-collection --data reg --as-of 2015-06-20 --format csv\n  shilu reconcile two-system-consistency --data reg --as-of 2015-04-20"
)]
pub struct BehindArgs {
    /// The indicator's id
    pub indicator: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// When
    #[command(flatten)]
    pub at: AtArgs,
    /// Only what counts in this area
    #[arg(long)]
    pub area: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// `rankings`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu rankings --data reg --month 2015-06\n  shilu rankings --data reg --month 2015-06 --by actor\n  shilu rankings --data reg --month 2015-06 --xlsx 2015-06.xlsx"
)]
pub struct RankingsArgs {
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// A month of the campaign's ranking; the last one that has begun if nothing is said
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<String>,
    /// Areas, or persons by the accuracy of what they entered
    #[arg(long, value_name = "BY", default_value = "area")]
    pub by: ByArg,
    /// Write it as a workbook too
    #[arg(long, value_name = "FILE")]
    pub xlsx: Option<PathBuf>,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// How figures are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ByArg {
    /// 区域
    Area,
    /// 人员
    Actor,
}

impl ByArg {
    /// The word for it in a query.
    pub const fn word(self) -> &'static str {
        match self {
            ByArg::Area => "area",
            ByArg::Actor => "actor",
        }
    }
}

/// `rebuild`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  shilu rebuild --data reg")]
pub struct RebuildArgs {
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: PathBuf,
    /// How to write the summary
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

/// `accept-clock`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  shilu accept-clock --data reg --as zhang --reason \"the clock was a day ahead until today\""
)]
pub struct AcceptClockArgs {
    /// In whose name
    #[command(flatten)]
    pub who: WhoArgs,
}

/// In whose name a setting of the register changes, and why.
#[derive(Debug, ClapArgs)]
pub struct WhoArgs {
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: PathBuf,
    /// Who does it
    #[arg(long = "as", value_name = "ACTOR")]
    pub actor: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `receipt`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  shilu receipt 01890a5d-ac96-774b-bcce-b302099a8057 --data reg > event.tlog-proof\n  shilu check-receipt event.tlog-proof --key VKEY\n\nA receipt holds the event's values: give it only to those who may see them."
)]
pub struct ReceiptArgs {
    /// The event's id
    #[arg(value_name = "EVENT")]
    pub event: String,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// Write it to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `backup`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  shilu backup /mnt/stick/reg --data reg\n\nCopies public/ and mirror/, only what is new, also while the register is served. The signing key is never copied:\nkeep a copy of it elsewhere. A register that does not continue what the backup holds is refused."
)]
pub struct BackupArgs {
    /// The folder to copy to
    #[arg(value_name = "TO")]
    pub to: PathBuf,
    /// The register's folder
    #[arg(long, value_name = "DIR", env = "SHILU_DATA")]
    pub data: PathBuf,
    /// How to write the summary
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

/// `restore`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  shilu restore /mnt/stick/reg new-reg --key example.org/village+1f2e3d4c+AX…\n\nFROM is a backup, or the folder of a damaged register. What its checkpoint does not cover is named, not restored."
)]
pub struct RestoreArgs {
    /// The folder with public/ and mirror/
    #[arg(value_name = "FROM")]
    pub from: PathBuf,
    /// A new or empty folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The vkey that must have signed; else the one that FROM itself names
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// How to write the summary
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

/// `verify`
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Recomputes everything from bytes: each event was allowed when it was taken, the tree, tiles, checkpoint, signatures,
witnesses; from a register's own folder also the chunks of its log and every saved projection.
Exit status 0: all is right. 1: it is not; the first bad position and the kind of damage are named.

Examples:
  shilu verify --data reg --key example.org/village+1f2e3d4c+AX…
  shilu verify --data /mnt/stick/reg --since checkpoint-of-last-year
  shilu verify --server http://127.0.0.1:8080 --witness audit.example/w1+9f3c2a10+BH…")]
pub struct VerifyArgs {
    /// Which register; DIR may also be a folder with public/ and mirror/ alone
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where mirror/ lies, if not beside public/
    #[arg(long, value_name = "DIR", requires = "data")]
    pub mirror: Option<PathBuf>,
    /// Look at public/ and mirror/ alone, though there is a log beside them: also while it is served
    #[arg(long, requires = "data")]
    pub published: bool,
    /// The vkey that must have signed, from somewhere else than the register
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// A witness that must have cosigned; can be repeated
    #[arg(long = "witness", value_name = "VKEY")]
    pub witnesses: Vec<String>,
    /// How many of the witnesses must have; all by default
    #[arg(long, value_name = "N", requires = "witnesses")]
    pub quorum: Option<usize>,
    /// An older checkpoint that the log must continue, or a receipt that holds one
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// How to write the report
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SummaryFormat,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_holds_together() {
        Args::command().debug_assert();
    }
}
