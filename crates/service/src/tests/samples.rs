//! Samples over HTTP: what is taken, entered again, and refused with a code, a place and a hint.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use super::{Got, Register};

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "text", required = true }
rooms = { type = "integer", essential = true }
[[kinds]]
id = "resident"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "text", required = true }
name = { type = "text", essential = true }
dwelling = { type = "reference", kinds = ["dwelling"] }
arrived = { type = "date" }
[[indicators]]
id = "rooms"
of = "dwelling"
measure = "accuracy"
targets = [{ by = 2015-06-20, value = 95 }]
[[indicators]]
id = "who"
of = "dwelling"
measure = "roster"
roster = { of = "resident.dwelling", rate = "consistency", grace_days = 3 }
[[indicators]]
id = "complete"
of = "dwelling"
measure = "share"
complete = true
"#;

const ENTRY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Two dwellings of one resident each; `rooms` and `who` are drawn, `later` is announced.
async fn register() -> Register {
    let register = Register::with(CAMPAIGN, false, "2015-05-01T08:00:00+08:00");
    for key in ["1", "2"] {
        let (dwelling, resident) = (format!("dwelling/{key}"), format!("resident/{key}"));
        register
            .take(json!([
                {"action": "collect", "record": dwelling, "fields": {"area": "north", "rooms": 3}, "actor": "ann"},
                {"action": "collect", "record": resident, "fields": {"area": "north", "name": key, "dwelling": dwelling}, "actor": "ann"},
                {"action": "register", "record": resident, "actor": "ann"},
            ]))
            .await;
    }
    for (id, indicator, draw_at) in [
        ("rooms", "rooms", "2015-05-02"),
        ("who", "who", "2015-05-02"),
        ("later", "rooms", "2015-06-01"),
    ] {
        register
            .sample(
                "",
                announcement(
                    json!({"id": id, "indicator": indicator, "draw_at": format!("{draw_at}T08:00:00+08:00")}),
                ),
            )
            .await
            .created();
    }
    register.set_clock("2015-05-02T08:00:00+08:00");
    for id in ["rooms", "who"] {
        register
            .sample(&format!("/{id}/draw"), json!({"actor": "zhang"}))
            .await
            .ok();
    }
    register
}

fn with(mut body: Value, other: Value) -> Value {
    let Value::Object(other) = other else { panic!() };
    for (key, value) in other {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(&key)),
            value => body[key] = value,
        }
    }
    body
}

fn announcement(other: Value) -> Value {
    let body = json!({"id": "new", "indicator": "rooms", "size": 5, "draw_at": "2015-07-01T08:00:00+08:00",
        "entropy": "none", "actor": "zhang"});
    with(body, other)
}

fn visit(other: Value) -> Value {
    let body =
        json!({"actor": "vera", "record": "dwelling/1", "outcome": "present", "observed": {"rooms": 3}});
    with(body, other)
}

fn blind(other: Value) -> Value {
    let body =
        json!({"actor": "vera", "step": "blind", "place": "dwelling/1", "outcome": "present", "found": []});
    with(body, other)
}

fn revealed(other: Value) -> Value {
    let answers = json!([{"record": "resident/1", "outcome": "unknown-here"}]);
    with(
        json!({"actor": "vera", "step": "revealed", "place": "dwelling/1", "answers": answers}),
        other,
    )
}

impl Register {
    async fn sample(&self, below: &str, body: Value) -> Got {
        let request = Request::post(format!("/api/v1/samples{below}"));
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }
}

impl Got {
    #[track_caller]
    fn created(self) -> Value {
        assert_eq!(self.status.as_u16(), 201, "{}", self.text);
        self.json()
    }
}

/// Address below `/api/v1/samples`, body, status, code, and the field or record that is named; empty where the detail
/// alone names what is missing.
type Case = (&'static str, Value, u16, &'static str, &'static str);

fn bad_announcements() -> Vec<Case> {
    let a = announcement;
    vec![
        ("", a(json!({"id": null})), 400, "BAD_JSON", ""),
        ("", a(json!({"id": 7})), 400, "BAD_JSON", "id"),
        ("", a(json!({"id": "a/b"})), 422, "BAD_VALUE", "id"),
        ("", a(json!({"id": ""})), 422, "BAD_VALUE", "id"),
        ("", a(json!({"id": "rooms"})), 422, "SAMPLE_FIXED", "sample/rooms"),
        ("", a(json!({"colour": "red"})), 400, "BAD_JSON", "colour"),
        ("", a(json!({"indicator": null})), 400, "BAD_JSON", ""),
        (
            "",
            a(json!({"indicator": "nothing"})),
            422,
            "BAD_VALUE",
            "indicator",
        ),
        (
            "",
            a(json!({"indicator": "complete"})),
            422,
            "BAD_VALUE",
            "indicator",
        ),
        ("", a(json!({"area": "nowhere"})), 422, "NOTHING_TO_DRAW", ""),
        ("", a(json!({"size": 0})), 422, "BAD_VALUE", "size"),
        ("", a(json!({"size": -1})), 400, "BAD_JSON", "size"),
        ("", a(json!({"size": null})), 422, "BAD_VALUE", "size"),
        (
            "",
            a(json!({"target": "95", "planned": "98"})),
            422,
            "BAD_VALUE",
            "size",
        ),
        ("", a(json!({"power": 0.8})), 422, "BAD_VALUE", "size"),
        (
            "",
            a(json!({"size": null, "target": "95"})),
            422,
            "BAD_VALUE",
            "size",
        ),
        (
            "",
            a(json!({"size": null, "planned": "95"})),
            422,
            "BAD_VALUE",
            "size",
        ),
        (
            "",
            a(json!({"size": null, "target": "x", "planned": "98"})),
            422,
            "BAD_VALUE",
            "target",
        ),
        (
            "",
            a(json!({"size": null, "target": "95", "planned": "980"})),
            422,
            "BAD_VALUE",
            "planned",
        ),
        (
            "",
            a(json!({"size": null, "target": "95", "planned": "95"})),
            422,
            "BAD_PLAN",
            "",
        ),
        (
            "",
            a(json!({"size": null, "target": "95", "planned": "98", "power": 1.5})),
            422,
            "BAD_PLAN",
            "",
        ),
        (
            "",
            a(json!({"size": null, "target": "95", "planned": "98", "power": 0})),
            422,
            "BAD_PLAN",
            "",
        ),
        (
            "",
            a(json!({"size": null, "target": "95", "planned": "98", "power": "x"})),
            400,
            "BAD_JSON",
            "power",
        ),
        ("", a(json!({"strata": "street"})), 422, "BAD_VALUE", "strata"),
        ("", a(json!({"draw_at": "tomorrow"})), 400, "BAD_TIME", "draw_at"),
        (
            "",
            a(json!({"draw_at": "2015-05-02T08:00:00+08:00"})),
            422,
            "SEED_KNOWABLE",
            "",
        ),
        (
            "",
            a(json!({"draw_at": "2014-05-02T08:00:00+08:00"})),
            422,
            "SEED_KNOWABLE",
            "",
        ),
        ("", a(json!({"entropy": null})), 400, "BAD_JSON", ""),
        ("", a(json!({"entropy": "dice"})), 422, "BAD_VALUE", "entropy"),
        ("", a(json!({"entropy": "public:"})), 422, "BAD_VALUE", "entropy"),
        (
            "",
            a(json!({"entropy": "commitments:abc"})),
            422,
            "BAD_VALUE",
            "entropy",
        ),
        ("", a(json!({"actor": null})), 400, "BAD_JSON", ""),
        ("", a(json!({"actor": ""})), 422, "BAD_VALUE", "actor"),
        ("", json!([1]), 400, "BAD_JSON", ""),
    ]
}

fn bad_draws_and_verifiers() -> Vec<Case> {
    let zhang = |other| with(json!({"actor": "zhang"}), other);
    let crew = |lines: &str| zhang(json!({"verifiers": lines}));
    vec![
        ("/none/draw", zhang(json!({})), 404, "NO_RECORD", "sample/none"),
        ("/rooms/draw", json!({}), 400, "BAD_JSON", ""),
        (
            "/rooms/draw",
            zhang(json!({"revealed": 7})),
            400,
            "BAD_JSON",
            "revealed",
        ),
        (
            "/later/draw",
            zhang(json!({})),
            422,
            "DRAW_NOT_DUE",
            "sample/later",
        ),
        (
            "/none/verifiers",
            crew("nora,west,red"),
            404,
            "NO_RECORD",
            "sample/none",
        ),
        ("/rooms/verifiers", zhang(json!({})), 400, "BAD_JSON", ""),
        (
            "/rooms/verifiers",
            crew("nora,west"),
            422,
            "BAD_VALUE",
            "verifiers",
        ),
        (
            "/rooms/verifiers",
            crew("nora,west,red\nnora,east,red"),
            422,
            "BAD_VALUE",
            "verifiers",
        ),
        ("/rooms/verifiers", crew("nora,north,red"), 422, "NO_VERIFIER", ""),
    ]
}

fn bad_visits() -> Vec<Case> {
    let (v, b, r) = (visit, blind, revealed);
    let found = |one: Value| blind(json!({"found": [one]}));
    let answer = |one: Value| revealed(json!({"answers": [one]}));
    vec![
        ("/none/visits", v(json!({})), 404, "NO_RECORD", "sample/none"),
        ("/later/visits", v(json!({})), 422, "NO_DRAW", ""),
        (
            "/rooms/visits",
            v(json!({"record": null})),
            400,
            "BAD_JSON",
            "record",
        ),
        (
            "/rooms/visits",
            v(json!({"record": "dwelling"})),
            400,
            "BAD_RECORD",
            "record",
        ),
        (
            "/rooms/visits",
            v(json!({"record": "castle/1"})),
            404,
            "NO_KIND",
            "",
        ),
        (
            "/rooms/visits",
            v(json!({"record": "dwelling/9"})),
            422,
            "NOT_DRAWN",
            "dwelling/9",
        ),
        (
            "/rooms/visits",
            v(json!({"record": "resident/1", "observed": {}})),
            422,
            "NOT_DRAWN",
            "resident/1",
        ),
        ("/rooms/visits", v(json!({"actor": null})), 400, "BAD_JSON", ""),
        (
            "/rooms/visits",
            v(json!({"actor": "ann"})),
            422,
            "OWN_WORK",
            "dwelling/1",
        ),
        (
            "/rooms/visits",
            v(json!({"outcome": null})),
            400,
            "BAD_JSON",
            "outcome",
        ),
        (
            "/rooms/visits",
            v(json!({"outcome": "lost"})),
            422,
            "BAD_VALUE",
            "outcome",
        ),
        (
            "/rooms/visits",
            v(json!({"observed": {"colour": 1}})),
            422,
            "UNKNOWN_FIELD",
            "colour",
        ),
        (
            "/rooms/visits",
            v(json!({"observed": {"rooms": "3"}})),
            422,
            "BAD_VALUE",
            "rooms",
        ),
        (
            "/rooms/visits",
            v(json!({"not_seen": ["colour"]})),
            422,
            "UNKNOWN_FIELD",
            "colour",
        ),
        (
            "/rooms/visits",
            v(json!({"not_seen": "rooms"})),
            400,
            "BAD_JSON",
            "not_seen",
        ),
        ("/rooms/visits", v(json!({"id": "7"})), 400, "BAD_ID", "id"),
        (
            "/rooms/visits",
            v(json!({"effective": "noon"})),
            400,
            "BAD_TIME",
            "effective",
        ),
        (
            "/rooms/visits",
            v(json!({"effective": "2015-05-01T08:00:00+08:00"})),
            422,
            "BAD_VALUE",
            "effective",
        ),
        (
            "/rooms/visits",
            v(json!({"effective": "2015-05-03T08:00:00+08:00"})),
            422,
            "EFFECTIVE_IN_FUTURE",
            "",
        ),
        (
            "/rooms/visits",
            v(json!({"stood": {"lat": 1}})),
            400,
            "BAD_JSON",
            "stood",
        ),
        (
            "/rooms/visits",
            v(json!({"step": "third"})),
            422,
            "BAD_VALUE",
            "step",
        ),
        ("/rooms/visits", b(json!({})), 422, "WRONG_VISIT", ""),
        ("/rooms/visits", r(json!({})), 422, "WRONG_VISIT", ""),
        ("/who/visits", v(json!({})), 422, "WRONG_VISIT", ""),
        ("/who/visits", b(json!({"place": null})), 400, "BAD_JSON", "place"),
        (
            "/who/visits",
            b(json!({"place": "dwelling/9"})),
            422,
            "NOT_DRAWN",
            "dwelling/9",
        ),
        (
            "/who/visits",
            b(json!({"outcome": "gone"})),
            422,
            "BAD_VALUE",
            "outcome",
        ),
        (
            "/who/visits",
            b(json!({"outcome": "refused", "found": [{"observed": {"name": "x"}}]})),
            422,
            "BAD_VALUE",
            "found",
        ),
        ("/who/visits", found(json!({})), 400, "BAD_JSON", "found"),
        (
            "/who/visits",
            found(json!({"observed": {"colour": "x"}})),
            422,
            "UNKNOWN_FIELD",
            "colour",
        ),
        (
            "/who/visits",
            found(json!({"observed": {"dwelling": "dwelling/1"}})),
            422,
            "BAD_VALUE",
            "dwelling",
        ),
        ("/who/visits", r(json!({})), 422, "STEP_MISSING", "dwelling/1"),
        (
            "/who/visits",
            answer(json!({"outcome": "gone"})),
            400,
            "BAD_JSON",
            "answers",
        ),
        (
            "/who/visits",
            answer(json!({"record": "resident/1", "outcome": "gone"})),
            422,
            "BAD_VALUE",
            "answers",
        ),
        (
            "/who/visits",
            answer(json!({"record": "resident/1", "outcome": "gone", "left": "May"})),
            400,
            "BAD_TIME",
            "left",
        ),
        (
            "/who/visits",
            answer(json!({"record": "resident/1", "outcome": "moved"})),
            422,
            "BAD_VALUE",
            "answers",
        ),
    ]
}

#[tokio::test]
async fn bad_input_names_the_place_and_writes_nothing() {
    let register = register().await;
    let end = register.engine.end();
    let cases = [bad_announcements(), bad_draws_and_verifiers(), bad_visits()];
    let mut wrong = Vec::new();
    for (below, body, status, code, named) in cases.into_iter().flatten() {
        let got = register.sample(below, body.clone()).await;
        let problem = got.json();
        let place = ["field", "record"].map(|part| problem[part].as_str().unwrap_or_default());
        let as_said = got.status.as_u16() == status
            && problem["code"] == code
            && problem["hint"].is_string()
            && (named.is_empty() || place.contains(&named));
        if !as_said {
            wrong.push(format!("{code} {named}: {below} {body}: {}", got.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (query, status, code) in [
        ("samples?colour=red", 400, "BAD_QUERY"),
        ("samples/none", 404, "NO_RECORD"),
        ("samples/a%2Fb", 422, "BAD_VALUE"),
        ("samples/%FF", 400, "BAD_RECORD"),
        ("samples/who/revealed", 400, "BAD_QUERY"),
        ("samples/who/revealed?place=dwelling/1", 400, "BAD_QUERY"),
        ("samples/who/revealed?place=1&actor=vera", 400, "BAD_RECORD"),
        (
            "samples/who/revealed?place=dwelling/1&actor=vera",
            422,
            "STEP_MISSING",
        ),
        (
            "samples/rooms/revealed?place=dwelling/1&actor=vera",
            422,
            "WRONG_VISIT",
        ),
        (
            "samples/later/revealed?place=dwelling/1&actor=vera",
            422,
            "NO_DRAW",
        ),
    ] {
        let problem = register
            .get(&format!("/api/v1/{query}"))
            .await
            .refused(status, code);
        assert!(problem["hint"].is_string(), "{query}: {problem}");
    }
    for body in ["", "{", "[]", "\u{feff}{}"] {
        for below in ["", "/rooms/draw", "/rooms/verifiers", "/rooms/visits"] {
            let request = Request::post(format!("/api/v1/samples{below}"));
            let got = register.send(request.body(Body::from(body)).unwrap()).await;
            got.refused(400, "BAD_JSON");
        }
    }
    assert_eq!(register.engine.end(), end, "nothing was written");
}

#[tokio::test]
async fn somebody_else_than_the_seed_sends_is_refused() {
    let register = register().await;
    let crew = "nora,west,red\nsue,south,blue\nwil,town,green";
    let assigned = register
        .sample("/rooms/verifiers", json!({"actor": "zhang", "verifiers": crew}))
        .await
        .ok();
    let visits = assigned["visits"].as_array().unwrap();
    let of = visits
        .iter()
        .find(|visit| visit["record"] == "dwelling/1")
        .unwrap();
    let other = ["nora", "sue"]
        .into_iter()
        .find(|one| of["verifier"] != *one)
        .unwrap();
    let problem = register
        .sample("/rooms/visits", visit(json!({"actor": other})))
        .await
        .refused(422, "NOT_ASSIGNED");
    assert_eq!(problem["record"], "dwelling/1");
    let others = register
        .sample(
            "/rooms/verifiers",
            json!({"actor": "zhang", "verifiers": "nora,west,red"}),
        )
        .await;
    others.refused(422, "SAMPLE_FIXED");
}

#[tokio::test]
async fn an_entry_that_is_sent_again_is_answered_as_the_first_time() {
    let register = register().await;
    let entry = |other| with(visit(json!({"id": ENTRY})), other);
    let first = register.sample("/rooms/visits", entry(json!({}))).await.created();
    assert_eq!(first["events"][0]["id"], ENTRY);
    let again = register.sample("/rooms/visits", entry(json!({}))).await.ok();
    assert_eq!(again, first);
    let other = register
        .sample("/rooms/visits", entry(json!({"observed": {"rooms": 2}})))
        .await;
    other.refused(409, "ID_REUSED");

    let id = ENTRY.replace("01890a5d", "01890a5e");
    let list = |names: &[&str]| {
        let found: Vec<_> = names
            .iter()
            .map(|name| json!({"observed": {"name": name}}))
            .collect();
        blind(json!({"id": id, "found": found}))
    };
    let first = register.sample("/who/visits", list(&["new"])).await.created();
    assert_eq!(first["revealed"][0]["record"], "resident/1");
    let again = register.sample("/who/visits", list(&["new"])).await.ok();
    assert_eq!(again, first);
    let shown = register
        .get("/api/v1/samples/who/revealed?place=dwelling/1&actor=vera")
        .await
        .ok();
    assert_eq!(shown, first["revealed"]);
    for names in [&["new", "other"][..], &["other"], &[]] {
        let other = register.sample("/who/visits", list(names)).await;
        other.refused(409, "ID_REUSED");
    }
    register
        .sample("/who/visits", blind(json!({"id": null})))
        .await
        .refused(409, "ALREADY_VISITED");
}
