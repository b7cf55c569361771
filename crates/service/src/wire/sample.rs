//! Samples, both ways: announcements, draws and visits as they come in, and what is shown of them.

use serde::{Deserialize, Serialize, Serializer};
use shilu_engine::{
    Announced, Assigned, AssignedVisit, DrawnVisit, Entered, Sample, SampleDraw, SampleNotice,
    Shown as ShownChild, sampling::Estimate,
};
use shilu_model::{EventId, Timestamp};
use utoipa::ToSchema;

use super::{
    answer::AcceptedJson,
    command::{Names, WirePlace},
    event::display,
    figure::Language,
    object::{Members, Object, Text},
    record::Fields,
    value::{FieldValue, Given},
};

/// What is announced. Give `size`, or `target`, `planned` and `power`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SampleAnnouncement)]
pub(crate) struct WireAnnouncement {
    /// The sample's id: the key of its record.
    #[schema(example = "2015-06-rooms")]
    pub(crate) id: String,
    /// The indicator that it measures: one of the measures accuracy and roster.
    pub(crate) indicator: String,
    /// The area from which it is drawn; without it, all.
    #[serde(default)]
    pub(crate) area: Option<String>,
    /// How many are drawn of each stratum.
    #[serde(default)]
    pub(crate) size: Option<u64>,
    /// The target in per cent that each stratum should be able to show.
    #[serde(default)]
    #[schema(example = "95")]
    pub(crate) target: Option<String>,
    /// The rate in per cent for which it is planned.
    #[serde(default)]
    #[schema(example = "98")]
    pub(crate) planned: Option<String>,
    /// How likely that should then be; 0.8 without it.
    #[serde(default)]
    pub(crate) power: Option<f64>,
    /// area, or none for one stratum; area without it.
    #[serde(default)]
    pub(crate) strata: Option<String>,
    /// When it is drawn: RFC 3339.
    #[schema(format = DateTime)]
    pub(crate) draw_at: String,
    /// none, public:… (a numbered lottery, a drand round), or commitments:… (SHA-256 of auditors' secrets).
    pub(crate) entropy: String,
    /// Who announces it.
    pub(crate) actor: String,
    /// Why.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// A draw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SampleDrawing)]
pub(crate) struct WireDraw {
    /// Who draws.
    pub(crate) actor: String,
    /// Why.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// What the announcement named: the lottery's numbers, or one secret on each line.
    #[serde(default)]
    pub(crate) revealed: Option<String>,
}

/// Who may visit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SampleVerifiers)]
pub(crate) struct WireVerifiers {
    /// Who says so.
    pub(crate) actor: String,
    /// Why.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// One `actor,area,team` on each line.
    #[schema(example = "nora,north,red\nsue,south,blue")]
    pub(crate) verifiers: String,
}

/// A visit to a drawn record; or, with `step`, one step of a visit to a drawn place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SampleVisit)]
pub(crate) struct WireVisit<'a> {
    /// A UUIDv7. Given, a retry is safe: the same entry again answers as the first time.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(crate) id: Option<Text<'a>>,
    /// blind, then revealed: for a drawn place.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) step: Option<Text<'a>>,
    /// Who went there.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) actor: Text<'a>,
    /// The drawn record.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, example = "dwelling/330604006215-0012-301")]
    pub(crate) record: Option<Text<'a>>,
    /// The drawn place, with `step`.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) place: Option<Text<'a>>,
    /// present, gone, unknown-here, no-contact or refused; of a place: present, no-contact or refused.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) outcome: Option<Text<'a>>,
    /// The values seen.
    #[serde(borrow, default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, FieldValue>>)]
    pub(crate) observed: Option<Members<'a, Given<'a>>>,
    /// The fields that could not be seen.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) not_seen: Option<Names<'a>>,
    /// blind: who or what is there.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<WireFound>>)]
    pub(crate) found: Option<Vec<Object<WireFound<'a>>>>,
    /// revealed: where those are who were shown.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<WireAnswer>>)]
    pub(crate) answers: Option<Vec<Object<WireAnswer<'a>>>>,
    /// When it was seen: RFC 3339. Without it: now.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) effective: Option<Text<'a>>,
    /// With which device.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) device: Option<Text<'a>>,
    /// A remark.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<Text<'a>>,
    /// When the entry was begun, by the device's clock.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) begun: Option<Text<'a>>,
    /// When it was entered, by the device's clock.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) entered: Option<Text<'a>>,
    /// The device's own sequence number.
    #[serde(default)]
    pub(crate) seq: Option<u64>,
    /// Where the actor stood.
    #[serde(default)]
    #[schema(value_type = Option<WirePlace>)]
    pub(crate) stood: Option<Object<WirePlace>>,
}

/// Who or what was found at a place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SampleFound)]
pub(crate) struct WireFound<'a> {
    /// The values seen, without the place itself.
    #[serde(borrow)]
    #[schema(value_type = std::collections::BTreeMap<String, FieldValue>)]
    pub(crate) observed: Members<'a, Given<'a>>,
    /// The fields that could not be seen.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) not_seen: Option<Names<'a>>,
}

/// Where somebody is who is registered at a place and was not found there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SampleAnswer)]
pub(crate) struct WireAnswer<'a> {
    /// Who was shown.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) record: Text<'a>,
    /// gone, unknown-here or not-seen.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) outcome: Text<'a>,
    /// gone: the day of leaving.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) left: Option<Text<'a>>,
}

/// An announcement that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleAnnounced)]
pub(crate) struct AnnouncedJson<'a> {
    /// Its event.
    event: AcceptedJson<'a>,
    /// How many are drawn of each stratum.
    size: u64,
    /// Records in scope as it froze them, by stratum; "" where there is one.
    population: std::collections::BTreeMap<&'a str, u64>,
    /// The published checkpoint that holds it has at least this size.
    held_from_size: u64,
    /// Whether one is published already.
    published: bool,
}

impl<'a> AnnouncedJson<'a> {
    pub(crate) fn of(announced: &'a Announced) -> Self {
        let population = announced.population.iter();
        AnnouncedJson {
            event: AcceptedJson::of(&announced.event),
            size: announced.size,
            population: population
                .map(|(stratum, size)| (stratum.as_str(), *size))
                .collect(),
            held_from_size: announced.held_from_size,
            published: announced.published,
        }
    }
}

/// A sample. Nothing that the register holds of a drawn record is part of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sample)]
pub(crate) struct SampleJson<'a> {
    /// Its id.
    id: &'a str,
    /// The indicator that it measures.
    indicator: &'a str,
    /// The area from which it is drawn.
    area: Option<&'a str>,
    /// announced, waiting (for what was named), drawn, complete or invalid.
    state: &'static str,
    /// Which of the samples of its indicator and area it is, from 1.
    number: usize,
    /// How many of them there are.
    of: usize,
    /// How many are drawn of each stratum.
    size: u64,
    /// area or none.
    strata: &'static str,
    /// When it is drawn.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    draw_at: Timestamp,
    /// The outside entropy that it names.
    entropy: &'a str,
    /// Set where whoever keeps the register could have steered it.
    label: Option<&'static str>,
    /// What else must be known of it, in words.
    notices: Vec<String>,
    /// The announcement's event, which visits cite.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = "uuid")]
    announcement: EventId,
    /// Where it stands: what was known before is what is compared.
    position: u64,
    /// When it was taken.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    announced: Timestamp,
    /// Who announced it.
    actor: &'a str,
    /// Why.
    reason: Option<&'a str>,
    /// Records in scope at the freeze.
    population: u64,
    /// How many are drawn, or will be.
    drawn: u64,
    /// How many visits are settled.
    settled: usize,
    /// When the last of them was.
    #[serde(serialize_with = "display_if")]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed: Option<Timestamp>,
    /// What the visits give so far.
    estimate: Option<EstimateJson>,
    /// By stratum; only of one sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_stratum: Option<Vec<StratumJson<'a>>>,
    /// The draw; only of one sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<DrawJson<'a>>,
}

/// The steerable draw's label, in both languages.
const STEERABLE: (&str, &str) = ("the operator could steer this", "登记册的保管者可以左右这次抽取");

impl<'a> SampleJson<'a> {
    /// As in a list.
    pub(crate) fn of(sample: &'a Sample, language: Language) -> Self {
        let strata = &sample.strata_sizes;
        SampleJson {
            id: &sample.id,
            indicator: &sample.indicator,
            area: sample.area.as_deref(),
            state: sample.state.word(),
            number: sample.number.0,
            of: sample.number.1,
            size: sample.size,
            strata: sample.strata.word(),
            draw_at: sample.draw_at,
            entropy: &sample.entropy,
            label: sample.steerable.then_some(match language {
                Language::En => STEERABLE.0,
                Language::Zh => STEERABLE.1,
            }),
            notices: sample.notices.iter().map(|one| notice(*one, language)).collect(),
            announcement: sample.announcement,
            position: sample.position.get(),
            announced: sample.announced,
            actor: &sample.actor,
            reason: sample.reason.as_deref(),
            population: strata.iter().map(|stratum| stratum.population).sum(),
            drawn: strata.iter().map(|stratum| stratum.drawn).sum(),
            settled: sample.settled,
            completed: sample.completed,
            estimate: sample.estimate.as_ref().map(EstimateJson::of),
            by_stratum: None,
            draw: None,
        }
    }

    /// On its own, with strata and draw.
    pub(crate) fn whole(sample: &'a Sample, language: Language) -> Self {
        let strata = sample.strata_sizes.iter().map(|stratum| StratumJson {
            stratum: &stratum.stratum,
            population: stratum.population,
            drawn: stratum.drawn,
        });
        SampleJson {
            by_stratum: Some(strata.collect()),
            draw: sample.draw.as_ref().map(DrawJson::of),
            ..SampleJson::of(sample, language)
        }
    }
}

fn notice(of: SampleNotice, language: Language) -> String {
    let (en, zh) = match of {
        SampleNotice::DrawnLate => (
            "its checkpoint came more than an hour after the announced time: what was named could be known before".to_owned(),
            "检查点比公布的抽取时间晚一小时以上：所指定的随机源可能事先已知".to_owned(),
        ),
        SampleNotice::VerifiersLate => (
            "the verifiers were named after the draw: whoever named them could choose who goes where".to_owned(),
            "核查人员在抽取之后才指定：指定者可以左右谁去哪里".to_owned(),
        ),
        SampleNotice::NotSent(visits) => (
            format!("{} settled by somebody whom the seed had not sent", visits_were(visits)),
            format!("{visits} 次走访不是由随机种子分派的人完成的"),
        ),
        SampleNotice::Disagree(visits) => (
            format!("{} checked again by a third person, who says otherwise", visits_were(visits)),
            format!("{visits} 次走访经第三人复核，结论不同"),
        ),
    };
    match language {
        Language::En => en,
        Language::Zh => zh,
    }
}

fn visits_were(visits: usize) -> String {
    match visits {
        1 => "1 visit was".to_owned(),
        _ => format!("{visits} visits were"),
    }
}

/// A sample as `GET /api/v1/samples/{id}` shows it, for whoever has an engine and no service; its label in Chinese
/// where `chinese` says so.
pub fn sample_json(sample: &Sample, chinese: bool) -> String {
    let language = if chinese { Language::Zh } else { Language::En };
    let json = serde_json::to_string(&SampleJson::whole(sample, language));
    json.expect("texts, numbers and maps with texts as keys are always JSON")
}

/// What visits give.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleEstimate)]
pub(crate) struct EstimateJson {
    /// Right ones.
    numerator: u64,
    /// Right and wrong ones.
    denominator: u64,
    /// Of whom nobody can say yet.
    unknown: u64,
    /// Gone, in a column of their own.
    aside: u64,
    /// The rate, weighted by stratum.
    value: Option<f64>,
    /// Lower end of the two-sided 95 % interval.
    lower: Option<f64>,
    /// Upper end of it.
    upper: Option<f64>,
}

impl EstimateJson {
    fn of(estimate: &Estimate) -> Self {
        EstimateJson {
            numerator: estimate.numerator(),
            denominator: estimate.denominator(),
            unknown: estimate.counts.unknown,
            aside: estimate.aside,
            value: estimate.value,
            lower: estimate.interval.map(|interval| interval.lower),
            upper: estimate.interval.map(|interval| interval.upper),
        }
    }
}

/// One stratum.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleStratum)]
pub(crate) struct StratumJson<'a> {
    /// Its area; "" where there is one stratum.
    stratum: &'a str,
    /// Records in scope at the freeze.
    population: u64,
    /// How many of them are drawn.
    drawn: u64,
}

/// A draw: all that is needed to make it again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleDraw)]
pub(crate) struct DrawJson<'a> {
    /// Why it does not hold.
    problem: Option<&'a str>,
    /// The seed, in hexadecimal.
    seed: &'a str,
    /// The leaf hash of the announcement, in base64.
    leaf: &'a str,
    /// The root of the first checkpoint at or after the announced time, in base64.
    root: &'a str,
    /// Its size: it ends with the first event that was recorded then.
    size: u64,
    /// When that event was recorded.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, format = DateTime)]
    covered: Timestamp,
    /// The witnesses that cosigned the note that covers it.
    witnesses: Vec<&'a str>,
    /// What was revealed.
    revealed: Option<&'a str>,
    /// The drawn records, by stratum and rank.
    records: Vec<DrawnJson<'a>>,
}

impl<'a> DrawJson<'a> {
    fn of(draw: &'a SampleDraw) -> Self {
        DrawJson {
            problem: draw.problem.as_deref(),
            seed: &draw.seed,
            leaf: &draw.leaf,
            root: &draw.root,
            size: draw.size,
            covered: draw.covered,
            witnesses: draw
                .cosigned
                .iter()
                .map(|(witness, _)| witness.as_str())
                .collect(),
            revealed: draw.revealed.as_deref(),
            records: draw.visits.iter().map(DrawnJson::of).collect(),
        }
    }
}

/// A drawn record with its visit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleRecord)]
pub(crate) struct DrawnJson<'a> {
    /// Its place in its stratum, from 1.
    rank: u64,
    /// The record.
    record: &'a str,
    /// Its area at the freeze.
    area: &'a str,
    /// Its stratum.
    stratum: &'a str,
    /// Who is to go there.
    verifier: Option<&'a str>,
    /// Who checks that again.
    recheck: Option<&'a str>,
    /// Times nobody was met, or the check was refused.
    attempts: usize,
    /// What was found last.
    outcome: Option<&'static str>,
    /// Of a record: right, wrong, gone, not-seen, no-contact, refused or not-visited.
    finding: Option<&'static str>,
    /// By whom.
    actor: Option<&'a str>,
    /// When that was recorded.
    #[serde(serialize_with = "display_if")]
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// Whether nothing more is to be done.
    settled: bool,
    /// Whether a place waits for the second step.
    answers_missing: bool,
    /// Whether the third person says the same.
    recheck_agrees: Option<bool>,
}

impl<'a> DrawnJson<'a> {
    fn of(visit: &'a DrawnVisit) -> Self {
        DrawnJson {
            rank: visit.drawn.rank,
            record: visit.drawn.record.as_str(),
            area: &visit.drawn.area,
            stratum: &visit.drawn.stratum,
            verifier: visit.verifier.as_deref(),
            recheck: visit.recheck.as_deref(),
            attempts: visit.attempts,
            outcome: visit.outcome,
            finding: visit.finding,
            actor: visit.actor.as_deref(),
            at: visit.at,
            settled: visit.settled,
            answers_missing: visit.answers_missing,
            recheck_agrees: visit.recheck_agrees,
        }
    }
}

/// Who visits what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleAssignment)]
pub(crate) struct AssignedJson<'a> {
    /// By record; empty before the draw.
    visits: Vec<AssignedVisitJson<'a>>,
    /// What the crew does not allow.
    notices: &'a [String],
}

/// One visit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleAssignedVisit)]
pub(crate) struct AssignedVisitJson<'a> {
    /// The drawn record.
    record: &'a str,
    /// Its area.
    area: &'a str,
    /// Who goes there.
    verifier: &'a str,
    /// Who checks that again.
    recheck: Option<&'a str>,
}

impl<'a> AssignedJson<'a> {
    pub(crate) fn of(assigned: &'a Assigned) -> Self {
        let visit = |visit: &'a AssignedVisit| AssignedVisitJson {
            record: visit.record.as_str(),
            area: &visit.area,
            verifier: &visit.verifier,
            recheck: visit.recheck.as_deref(),
        };
        AssignedJson {
            visits: assigned.visits.iter().map(visit).collect(),
            notices: &assigned.notices,
        }
    }
}

/// A visit that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleEntered)]
pub(crate) struct EnteredJson<'a> {
    /// Its events.
    events: Vec<AcceptedJson<'a>>,
    /// After the step blind: about whom the step revealed asks.
    revealed: Vec<ShownJson<'a>>,
}

/// Somebody who was not found and is shown after the blind list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SampleShown)]
pub(crate) struct ShownJson<'a> {
    /// The record.
    record: &'a str,
    /// Registered there at the freeze; else deregistered from there not long before.
    registered: bool,
    /// What they are known by.
    #[schema(value_type = std::collections::BTreeMap<String, FieldValue>)]
    fields: Fields<'a>,
}

impl<'a> ShownJson<'a> {
    pub(crate) fn of(shown: &'a ShownChild) -> Self {
        ShownJson {
            record: shown.record.as_str(),
            registered: shown.registered,
            fields: Fields(&shown.fields),
        }
    }
}

impl<'a> EnteredJson<'a> {
    pub(crate) fn of(entered: &'a Entered) -> Self {
        EnteredJson {
            events: entered.events.iter().map(AcceptedJson::of).collect(),
            revealed: entered.revealed.iter().map(ShownJson::of).collect(),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn display_if<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}
