//! `/api/v1/samples`: announced, drawn, assigned and visited; and what is known of each.

use axum::{
    extract::{Path, RawQuery, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use shilu_engine::{
    Announcement, Because, FoundChild, RosterAnswer, SampleSize, Strata, VisitEntry, Visited, sampling::Plan,
};
use shilu_model::{Campaign, Day, Kind, Percent, Timestamp, Visit};

use super::{heavy, json, ready};
use crate::{
    app::{App, Shared},
    body,
    params::Params,
    problem::Problem,
    wire::{
        figure::Language,
        object::{Object, Text},
        page::PageJson,
        read,
        sample::{
            AnnouncedJson, AssignedJson, EnteredJson, SampleJson, ShownJson, WireAnnouncement, WireAnswer,
            WireDraw, WireFound, WireVerifiers, WireVisit,
        },
    },
};

/// How likely a planned sample should show its target, if nobody says.
const POWER_DEFAULT: f64 = 0.8;

/// Every sample that was announced: by indicator and area, the newest first in each.
#[utoipa::path(
    get,
    path = "/api/v1/samples",
    tag = "samples",
    params(
        ("indicator" = Option<String>, Query, description = "Only samples of this indicator"),
        ("min_position" = Option<u64>, Query, description = "Wait until this position is folded"),
        ("Accept-Language" = Option<String>, Header, description = "The label is Chinese if it begins with zh"),
    ),
    responses(
        (status = 200, body = PageJson<SampleJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::read(query.as_deref(), &["indicator", "min_position"])?;
    let language = language(&headers);
    ready(&app, &params).await?;
    heavy(&app, move |app| {
        let samples = app.engine.samples(params.get("indicator"))?;
        let page = PageJson {
            record: None,
            items: samples
                .iter()
                .map(|sample| SampleJson::of(sample, language))
                .collect(),
            next: None,
            as_of: app.engine.folded().borrow().get().checked_sub(1),
            simulated: app.simulated.then_some(true),
        };
        json(StatusCode::OK, &page)
    })
    .await
}

/// One sample, with the drawn records and their visits. Registered values are never part of it: visits are blind.
#[utoipa::path(
    get,
    path = "/api/v1/samples/{id}",
    tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    responses(
        (status = 200, body = SampleJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<Shared>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let (id, language) = (sample_id(id)?, language(&headers));
    heavy(&app, move |app| {
        let sample = app.engine.sample(&id)?;
        json(StatusCode::OK, &SampleJson::whole(&sample, language))
    })
    .await
}

/// Announce a sample. What is in scope, and the values that visits are compared with, are those of this moment.
#[utoipa::path(
    post,
    path = "/api/v1/samples",
    tag = "samples",
    request_body(content = WireAnnouncement, content_type = "application/json"),
    responses(
        (status = 201, body = AnnouncedJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn announce(State(app): State<Shared>, request: Request) -> Result<Response, Problem> {
    posted(&app, request, |app, bytes, _| {
        let Object(wire) = read::strict::<Object<WireAnnouncement>>(bytes, "SampleAnnouncement")?;
        let announced = app.engine.announce(&announcement(wire)?)?;
        json(StatusCode::CREATED, &AnnouncedJson::of(&announced))
    })
    .await
}

/// Draw a sample, at its announced time or later. One that is drawn is answered as it is.
#[utoipa::path(
    post,
    path = "/api/v1/samples/{id}/draw",
    tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    request_body(content = WireDraw, content_type = "application/json"),
    responses(
        (status = 200, body = SampleJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn draw(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let id = sample_id(id)?;
    posted(&app, request, move |app, bytes, language| {
        let Object(wire) = read::strict::<Object<WireDraw>>(bytes, "SampleDrawing")?;
        let because = because(&wire.actor, wire.reason.as_deref());
        let sample = app.engine.draw(&id, wire.revealed.as_deref(), because)?;
        json(StatusCode::OK, &SampleJson::whole(&sample, language))
    })
    .await
}

/// Say who may visit; the seed says who visits what. The same verifiers again change nothing.
#[utoipa::path(
    post,
    path = "/api/v1/samples/{id}/verifiers",
    tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    request_body(content = WireVerifiers, content_type = "application/json"),
    responses(
        (status = 200, body = AssignedJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn verifiers(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let id = sample_id(id)?;
    posted(&app, request, move |app, bytes, _| {
        let Object(wire) = read::strict::<Object<WireVerifiers>>(bytes, "SampleVerifiers")?;
        let because = because(&wire.actor, wire.reason.as_deref());
        let assigned = app.engine.assign(&id, &wire.verifiers, because)?;
        json(StatusCode::OK, &AssignedJson::of(&assigned))
    })
    .await
}

/// Enter a visit: to a drawn record, or one step of a visit to a drawn place. Each is one atomic list of events.
#[utoipa::path(
    post,
    path = "/api/v1/samples/{id}/visits",
    tag = "samples",
    params(("id" = String, Path, description = "The sample's id")),
    request_body(content = WireVisit, content_type = "application/json"),
    responses(
        (status = 201, body = EnteredJson),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn visit(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let id = sample_id(id)?;
    posted(&app, request, move |app, bytes, _| {
        let Object(wire) = read::strict::<Object<WireVisit<'_>>>(bytes, "SampleVisit")?;
        let listed = app.engine.listed_kind(&id)?;
        let entry = entry(wire, &app.engine.campaign(), listed.as_ref())?;
        let entered = app.engine.visit(&id, &entry)?;
        let status = match entered.events.iter().all(|event| event.repeated) {
            true => StatusCode::OK,
            false => StatusCode::CREATED,
        };
        json(status, &EnteredJson::of(&entered))
    })
    .await
}

/// About whom the step revealed asks: those whom the register had at a place, and whom the visitor's blind list lacks.
///
/// It is for whoever has sent a blind list as signed commands, or has lost the answer to one.
#[utoipa::path(
    get,
    path = "/api/v1/samples/{id}/revealed",
    tag = "samples",
    params(
        ("id" = String, Path, description = "The sample's id"),
        ("place" = String, Query, description = "The drawn place, kind/key"),
        ("actor" = String, Query, description = "Whose blind list it was"),
    ),
    responses(
        (status = 200, body = Vec<ShownJson>),
        (status = "default", body = crate::problem::ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revealed(
    State(app): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = sample_id(id)?;
    let params = Params::read(query.as_deref(), &["place", "actor"])?;
    heavy(&app, move |app| {
        let wanted = |name: &'static str| {
            params.get(name).ok_or_else(|| {
                Problem::malformed("BAD_QUERY", format!("{name:?} is missing"))
                    .field(name)
                    .hint("name the drawn place, and whoever listed who is there")
            })
        };
        let place = read::record("place", wanted("place")?)?;
        let shown = app.engine.revealed(&id, &place, wanted("actor")?)?;
        let shown: Vec<_> = shown.iter().map(ShownJson::of).collect();
        json(StatusCode::OK, &shown)
    })
    .await
}

fn sample_id(id: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(id) = id.map_err(|error| {
        Problem::malformed("BAD_RECORD", error.body_text()).hint("write the sample's id as it was announced")
    })?;
    Ok(id)
}

fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    Language::of(accepted.and_then(|header| header.to_str().ok()))
}

/// Reads what was posted, whole, and answers it where it may take its time.
async fn posted(
    app: &Shared,
    request: Request,
    answer: impl FnOnce(&App, &[u8], Language) -> Result<Response, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (parts, stream) = request.into_parts();
    Params::read(parts.uri.query(), &[])?;
    let bytes = body::read(&parts.headers, stream).await?;
    let language = language(&parts.headers);
    heavy(app, move |app| answer(app, &bytes, language)).await
}

fn because<'a>(actor: &'a str, reason: Option<&'a str>) -> Because<'a> {
    let reason = reason.unwrap_or_default();
    Because { actor, reason }
}

fn announcement(wire: WireAnnouncement) -> Result<Announcement, Problem> {
    let bad = |field: &'static str, detail: &str, hint: &'static str| {
        Problem::rule("BAD_VALUE", format!("{field}: {detail}"))
            .field(field)
            .hint(hint)
    };
    let percent = |field: &'static str, text: &str| {
        let hint = "write per cent with at most two decimals, such as 97.5";
        Percent::parse(text).ok_or_else(|| bad(field, "it is no percentage", hint))
    };
    let size = match (wire.size, &wire.target, &wire.planned) {
        (Some(size), None, None) if wire.power.is_none() => SampleSize::Of(size),
        (None, Some(target), Some(planned)) => SampleSize::For(Plan {
            target: percent("target", target)?,
            planned: percent("planned", planned)?,
            power: wire.power.unwrap_or(POWER_DEFAULT),
        }),
        _ => {
            let hint = "give size; or target and planned, and power if you like";
            return Err(bad("size", "there must be a size or a plan, and not both", hint));
        }
    };
    let strata = wire.strata.as_deref().unwrap_or("area");
    Ok(Announcement {
        size,
        strata: Strata::parse(strata)
            .ok_or_else(|| bad("strata", "it is neither area nor none", "say area or none"))?,
        draw_at: Timestamp::parse(&wire.draw_at).map_err(|error| Problem::bad_time("draw_at", &error))?,
        id: wire.id,
        indicator: wire.indicator,
        area: wire.area,
        entropy: wire.entropy,
        actor: wire.actor,
        reason: wire.reason,
    })
}

fn entry(wire: WireVisit<'_>, campaign: &Campaign, listed: Option<&Kind>) -> Result<VisitEntry, Problem> {
    let missing = |field: &'static str| {
        Problem::malformed("BAD_JSON", format!("the visit needs {field:?}"))
            .field(field)
            .hint("see SampleVisit in /openapi.json")
    };
    let named = |field: &'static str, name: Option<&Text<'_>>| {
        let name = name.ok_or_else(|| missing(field))?;
        read::record(field, &name.0)
    };
    let outcome = |given: Option<Text<'_>>| match given {
        None => Err(missing("outcome")),
        given => read::outcome(given),
    };
    let what = match wire.step.as_ref().map(|step| step.0.as_ref()) {
        None => {
            let record = named("record", wire.record.as_ref())?;
            let kind = read::kind(campaign, &record)?;
            Visited::Record {
                outcome: outcome(wire.outcome)?,
                observed: read::members(kind, wire.observed)?,
                not_seen: read::names(kind, wire.not_seen)?,
                record,
            }
        }
        Some("blind") => Visited::Blind {
            place: named("place", wire.place.as_ref())?,
            outcome: outcome(wire.outcome)?,
            found: found(wire.found.unwrap_or_default(), listed)?,
        },
        Some("revealed") => Visited::Revealed {
            place: named("place", wire.place.as_ref())?,
            answers: answers(wire.answers.unwrap_or_default())?,
        },
        Some(step) => {
            let detail = format!("step: {step:?} is neither blind nor revealed");
            return Err(Problem::rule("BAD_VALUE", detail)
                .field("step")
                .hint("a place is visited blind first, then revealed; a record has no steps"));
        }
    };
    let visit = Visit {
        begun: read::time("begun", wire.begun)?,
        entered: read::time("entered", wire.entered)?,
        seq: wire.seq,
        place: wire.stood.map(|Object(place)| read::place(place)).transpose()?,
    };
    let id = wire.id.map(|id| read::event_id("id", &id.0)).transpose()?;
    Ok(VisitEntry {
        id,
        actor: wire.actor.0.into_owned(),
        reason: wire.reason.map(|text| text.0.into_owned()),
        device: wire.device.map(|text| text.0.into_owned()),
        effective: read::since(wire.effective, campaign)?,
        visit: (visit != Visit::default()).then_some(visit),
        what,
    })
}

fn found(wire: Vec<Object<WireFound<'_>>>, listed: Option<&Kind>) -> Result<Vec<FoundChild>, Problem> {
    let read = |Object(one): Object<WireFound<'_>>| match listed {
        // A draw of records has no lists: the engine says so.
        None => Ok(FoundChild::default()),
        Some(kind) => Ok(FoundChild {
            observed: read::members(kind, Some(one.observed))?,
            not_seen: read::names(kind, one.not_seen)?,
        }),
    };
    wire.into_iter().map(read).collect()
}

fn answers(
    wire: Vec<Object<WireAnswer<'_>>>,
) -> Result<Vec<(shilu_model::RecordName, RosterAnswer)>, Problem> {
    let read = |Object(one): Object<WireAnswer<'_>>| {
        let record = read::record("answers", &one.record.0)?;
        let bad = |detail: String, hint: &'static str| {
            Problem::rule("BAD_VALUE", detail)
                .field("answers")
                .record(record.to_string())
                .hint(hint)
        };
        let answer = match (one.outcome.0.as_ref(), one.left) {
            ("gone", Some(day)) => {
                RosterAnswer::Gone(Day::parse(&day.0).map_err(|error| Problem::bad_time("left", &error))?)
            }
            ("gone", None) => {
                let hint = "ask when; if nobody knows, say not-seen";
                return Err(bad(
                    "who is gone has left on a day: \"left\" is missing".to_owned(),
                    hint,
                ));
            }
            ("unknown-here", None) => RosterAnswer::UnknownHere,
            ("not-seen", None) => RosterAnswer::NotSeen,
            (word, left) => {
                let beside = if left.is_some() {
                    " with a day of leaving"
                } else {
                    ""
                };
                let hint = "say gone with \"left\", unknown-here or not-seen";
                return Err(bad(format!("{word:?}{beside} is no answer"), hint));
            }
        };
        Ok((record, answer))
    };
    wire.into_iter().map(read).collect()
}
