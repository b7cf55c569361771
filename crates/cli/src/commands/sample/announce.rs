//! `shilu sample announce`

use clap::Args;
use serde_json::json;

use super::{ActorArgs, post, raw, shape::Announced};
use crate::{
    Done,
    args::{FormatArg, SourceArgs},
    messages::{Language, Text},
    output::{Output, say},
    table::{Table, terminal_width},
    wire,
};

/// `sample announce`
#[derive(Debug, Args)]
#[command(after_help = "\
Give --size, or --target and --planned: then each stratum gets as many as it needs to show the target on its own, if the
rate is what was planned for. Name outside entropy, else everything shows that the operator could steer the draw:
  public:TEXT            a numbered public lottery, or a drand round, that is drawn after the announced time
  commitments:HASH,HASH  SHA-256 of auditors' secrets: printf %s \"$SECRET\" | sha256sum

Examples:
  shilu sample announce rooms-1 --indicator core-unit-accuracy --size 30 --draw-at 2015-06-02T09:00:00+08:00 \\
      --entropy \"public:3D lottery 2015093\" --data reg --as zhang
  shilu sample announce rooms-2 --indicator core-unit-accuracy --target 95 --planned 98 --strata none \\
      --draw-at 2015-06-02T09:00:00+08:00 --entropy none --data reg --as zhang")]
pub struct AnnounceArgs {
    /// The sample's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// The indicator (指标) that it measures
    #[arg(long, value_name = "ID")]
    pub indicator: String,
    /// Draw from this area (区域) alone
    #[arg(long)]
    pub area: Option<String>,
    /// So many of each stratum
    #[arg(long, value_name = "N", required_unless_present = "target", conflicts_with_all = ["target", "planned", "power"])]
    pub size: Option<u64>,
    /// The target in per cent that should be shown
    #[arg(long, value_name = "PERCENT", requires = "planned")]
    pub target: Option<String>,
    /// The rate in per cent for which it is planned
    #[arg(long, value_name = "PERCENT", requires = "target")]
    pub planned: Option<String>,
    /// How likely the target should then be shown; 0.8 by default
    #[arg(long, value_name = "SHARE", requires = "target")]
    pub power: Option<f64>,
    /// Strata (分层): area, or none for one stratum
    #[arg(long, value_name = "STRATA", default_value = "area")]
    pub strata: String,
    /// When it is drawn: RFC 3339
    #[arg(long, value_name = "TIME")]
    pub draw_at: String,
    /// The outside entropy (外部随机源): none, public:TEXT or commitments:HASH,…
    #[arg(long, value_name = "TEXT")]
    pub entropy: String,
    /// Who, and why
    #[command(flatten)]
    pub actor: ActorArgs,
    /// Which register
    #[command(flatten)]
    pub source: SourceArgs,
    /// How
    #[command(flatten)]
    pub format: FormatArg,
}

/// Runs it.
pub fn run(args: &AnnounceArgs, language: Language) -> Done {
    let mut body = json!({
        "id": args.id, "indicator": args.indicator, "strata": args.strata, "draw_at": args.draw_at,
        "entropy": args.entropy, "actor": args.actor.actor,
    });
    let optional = [
        ("area", args.area.as_ref().map(|area| json!(area))),
        ("size", args.size.map(|size| json!(size))),
        ("target", args.target.as_ref().map(|target| json!(target))),
        ("planned", args.planned.as_ref().map(|planned| json!(planned))),
        ("power", args.power.map(|power| json!(power))),
        ("reason", args.actor.reason.as_ref().map(|reason| json!(reason))),
    ];
    if let Some(members) = body.as_object_mut() {
        let given = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        members.extend(given);
    }
    post(
        &args.source,
        language,
        ("/api/v1/samples", &body),
        |register, answer| {
            if raw(args.format, answer)? {
                return Ok(());
            }
            let announced: Announced = wire::read(answer, register.from())?;
            let columns = [Text::Stratum, Text::Population, Text::Drawn];
            let mut table = Table::new(columns.map(|text| language.say(text)));
            for (stratum, population) in &announced.population {
                let drawn = announced.size.min(*population);
                table.push([stratum.clone(), population.to_string(), drawn.to_string()]);
            }
            let mut output = Output::stdout();
            for line in table.lines(terminal_width()) {
                output.line(line)?;
            }
            say(format!(
                "{}: {}",
                language.say(Text::SampleHeldFrom),
                announced.held_from_size
            ));
            output.flush()
        },
    )
}
