//! Rankings, and what is behind a rate, through the router.

use serde_json::{Value, json};

use super::Register;

const CAMPAIGN: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
[ranking]
months = ["2015-04", "2015-05", "2015-07"]
min_population = 2
[[areas]]
id = "town"
from = 2015-01-01
[[areas]]
id = "north"
parent = "town"
from = 2015-01-01
[[areas]]
id = "south"
parent = "town"
from = 2015-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "area", required = true }
rooms = { type = "integer", essential = true }
[[kinds]]
id = "extract"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area", required = true }
system = { type = "choice", values = ["a", "b"], required = true }
theirs = { type = "text", required = true }
address = { type = "text", normal = "address" }
file = { type = "text", required = true }
[[indicators]]
id = "complete"
of = "dwelling"
measure = "share"
complete = true
targets = [{ by = 2015-04-20, value = 100 }]
[[indicators]]
id = "rooms"
of = "dwelling"
measure = "accuracy"
targets = [{ by = 2015-04-20, value = 100 }]
[[indicators]]
id = "two-systems"
measure = "agree"
left = { of = "extract", where = { system = "a" }, key = "theirs", value = "address" }
right = { of = "extract", where = { system = "b" }, key = "theirs", value = "address" }
"#;

/// Three dwellings in the north, one of them without rooms; one in the south; rows of two systems.
async fn village() -> Register {
    let register = Register::with(CAMPAIGN, true, "2015-04-02T08:00:00+08:00");
    for (key, area, rooms) in [
        ("1", "north", json!(3)),
        ("2", "north", json!(3)),
        ("3", "north", Value::Null),
        ("4", "south", json!(3)),
    ] {
        let mut fields = json!({"area": area, "rooms": rooms});
        if rooms.is_null() {
            fields.as_object_mut().unwrap().remove("rooms");
        }
        let record = format!("dwelling/{key}");
        register
            .take(json!({"action": "collect", "record": record, "fields": fields, "actor": "安娜"}))
            .await;
    }
    for (system, theirs, area, address) in [
        ("a", "k1", "north", "3幢501室"),
        ("b", "k1", "north", "3-501"),
        ("a", "k2", "south", "1幢101室"),
        ("b", "k2", "south", "1幢102室"),
        ("b", "k3", "south", "2幢"),
    ] {
        let record = format!("extract/{system}:{theirs}");
        let fields =
            json!({"area": area, "system": system, "theirs": theirs, "address": address, "file": "x"});
        register
            .take(json!({"action": "collect", "record": record, "fields": fields, "actor": "import"}))
            .await;
    }
    register.set_clock("2015-05-10T08:00:00+08:00");
    register
}

#[tokio::test]
async fn areas_and_persons_are_ranked() {
    let register = village().await;
    let areas = register.get("/api/v1/rankings?month=2015-04").await.ok();
    assert_eq!(
        (&areas["month"], &areas["by"], &areas["simulated"]),
        (&json!("2015-04"), &json!("area"), &json!(true))
    );
    let (north, south) = (&areas["items"][0], &areas["items"][1]);
    for (key, expected) in [
        ("rank", json!(1)),
        ("area", json!("north")),
        ("met", json!(0)),
        ("due", json!(2)),
        ("unverified", json!(1)),
        ("unranked", Value::Null),
        ("alike", json!([])),
    ] {
        assert_eq!(north[key], expected, "{key}");
    }
    assert!(north.get("actor").is_none());
    let complete = &north["results"][0];
    assert_eq!(
        (
            &complete["indicator"],
            &complete["numerator"],
            &complete["denominator"]
        ),
        (&json!("complete"), &json!(2), &json!(3))
    );
    assert_eq!(
        (&complete["state"], &complete["target"], &complete["population"]),
        (&json!("short"), &json!(1.0), &json!(3))
    );
    assert_eq!(north["results"][1]["state"], "unverified");
    // One dwelling is too few to be ranked by, and that is said.
    assert_eq!(
        (&south["rank"], &south["unranked"], &south["left_out"]),
        (&Value::Null, &json!("too-few"), &json!(2))
    );
    assert_eq!(south["results"][1]["left_out"], "too-few");

    let persons = register.get("/api/v1/rankings?month=2015-04&by=actor").await.ok();
    assert_eq!(persons["by"], "actor");
    let anna = &persons["items"][0];
    assert_eq!(
        (&anna["actor"], &anna["rank"], &anna["unverified"]),
        (&json!("安娜"), &json!(1), &json!(1))
    );
    // Nobody has said how many rooms the third has: that value is nobody's.
    assert_eq!(anna["results"][0]["population"], 3);
    assert!(anna.get("area").is_none());
    assert_eq!(persons["items"].as_array().unwrap().len(), 1);

    // Nothing said: the last month that has begun, of areas.
    let last = register.get("/api/v1/rankings").await.ok();
    assert_eq!((&last["month"], &last["by"]), (&json!("2015-05"), &json!("area")));
}

#[tokio::test]
async fn a_bad_month_or_word_is_refused() {
    let register = village().await;
    for (query, status, code) in [
        ("month=2015-13", 400, "BAD_QUERY"),
        ("month=April", 400, "BAD_QUERY"),
        ("month=", 400, "BAD_QUERY"),
        ("by=whole", 400, "BAD_QUERY"),
        ("by=", 400, "BAD_QUERY"),
        ("by=area&by=actor", 400, "BAD_QUERY"),
        ("area=north", 400, "BAD_QUERY"),
        ("month=2015-06", 404, "NO_RANKING"),
        ("month=2015-07", 404, "NO_RANKING"),
        ("month=2014-04&by=actor", 404, "NO_RANKING"),
    ] {
        let problem = register
            .get(&format!("/api/v1/rankings?{query}"))
            .await
            .refused(status, code);
        assert!(problem["hint"].is_string(), "{query}");
    }
}

#[tokio::test]
async fn the_cases_behind_a_rate_come_page_by_page() {
    let register = village().await;
    let path = "/api/v1/rates/complete/evidence";
    let all = register.get(path).await.ok();
    let cases = all["items"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    let expected = json!({"case": "dwelling/3", "area": "north", "actor": "安娜", "numerator": 0, "denominator": 1,
                          "unknown": 0, "records": [{"record": "dwelling/3", "events": [3]}]});
    assert_eq!(cases[2], expected);
    let north = register.get(&format!("{path}?area=north")).await.ok();
    assert_eq!(north["items"], json!(cases[..3]));
    // As it was before the third was known.
    let then = register.get(&format!("{path}?as_of=@2")).await.ok();
    assert_eq!(
        (then["items"].as_array().unwrap().len(), &then["as_of"]),
        (2, &json!(2))
    );

    let first = register.get(&format!("{path}?limit=3")).await.ok();
    assert_eq!(first["items"], json!(cases[..3]));
    let next = first["next"].as_str().unwrap();
    let rest = register.get(&format!("{path}?limit=3&cursor={next}")).await.ok();
    assert_eq!(
        (&rest["items"], &rest["next"]),
        (&json!(cases[3..]), &Value::Null)
    );
    for (query, code) in [
        (format!("limit=3&area=north&cursor={next}"), "BAD_CURSOR"),
        ("limit=0".to_owned(), "BAD_QUERY"),
        ("month=2015-04".to_owned(), "BAD_QUERY"),
        ("as_of=yesterday".to_owned(), "BAD_TIME"),
    ] {
        register.get(&format!("{path}?{query}")).await.refused(400, code);
    }
    let other = format!("/api/v1/rates/rooms/evidence?cursor={next}");
    register.get(&other).await.refused(400, "BAD_CURSOR");
    register
        .get("/api/v1/rates/nothing/evidence")
        .await
        .refused(404, "NO_INDICATOR");
    // Nobody has drawn anything: there is nothing behind it.
    assert_eq!(
        register.get("/api/v1/rates/rooms/evidence").await.ok()["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_draw_is_behind_its_rate() {
    let register = village().await;
    let announcement = json!({"id": "a", "indicator": "rooms", "area": "north", "size": 2, "strata": "area",
        "draw_at": "2015-05-11T08:00:00+08:00", "entropy": "none", "actor": "zhang"});
    let post = |path: &str, body: Value| {
        let request = axum::http::Request::post(format!("/api/v1/samples{path}"));
        register.send(request.body(axum::body::Body::from(body.to_string())).unwrap())
    };
    assert_eq!(post("", announcement).await.status, 201);
    register.set_clock("2015-05-11T08:00:00+08:00");
    let drawn = post("/a/draw", json!({"actor": "zhang", "reason": "due"})).await;
    assert!(drawn.status.is_success(), "{}", drawn.text);
    let record = drawn.json()["draw"]["records"][0]["record"].clone();
    let visit = json!({"actor": "vera", "record": record, "outcome": "present", "observed": {"rooms": 9}});
    let visited = post("/a/visits", visit).await;
    assert!(visited.status.is_success(), "{}", visited.text);

    let cases = register.get("/api/v1/rates/rooms/evidence?area=north").await.ok();
    let cases = cases["items"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    let wrong = cases.iter().find(|case| case["case"] == record).unwrap();
    for (key, expected) in [
        ("numerator", json!(0)),
        ("denominator", json!(1)),
        ("unknown", json!(0)),
        ("sample", json!("a")),
        ("finding", json!("wrong")),
    ] {
        assert_eq!(wrong[key], expected, "{key}");
    }
    assert_eq!(wrong["records"][0]["record"], "sample/a");
    assert_eq!(wrong["records"][1]["outcome"], "present");
    let open = cases.iter().find(|case| case["case"] != record).unwrap();
    assert_eq!(
        (&open["unknown"], &open["finding"]),
        (&json!(1), &json!("not-visited"))
    );
    let rates = register.get("/api/v1/rates?area=north").await.ok();
    let rates = rates["items"].as_array().unwrap();
    let rate = rates.iter().find(|rate| rate["indicator"] == "rooms").unwrap();
    assert_eq!(
        (&rate["numerator"], &rate["denominator"], &rate["unknown"]),
        (&json!(0), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn two_systems_are_shown_side_by_side() {
    let register = village().await;
    let path = "/api/v1/rates/two-systems/reconciled";
    let all = register.get(path).await.ok();
    let keys = all["items"].as_array().unwrap();
    let found: Vec<_> = keys
        .iter()
        .map(|key| (key["key"].as_str().unwrap(), key["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("k1", "match"), ("k2", "differs"), ("k3", "right-only")]);
    assert_eq!(
        (&keys[0]["left"]["value"], &keys[0]["left"]["normal"]),
        (&json!("3幢501室"), &json!("3-501"))
    );
    assert_eq!(keys[2]["left"], Value::Null);
    let south = register.get(&format!("{path}?area=south")).await.ok();
    assert_eq!(south["items"], json!(keys[1..]));
    let first = register.get(&format!("{path}?limit=2")).await.ok();
    let next = first["next"].as_str().unwrap();
    let rest = register.get(&format!("{path}?limit=2&cursor={next}")).await.ok();
    assert_eq!((&rest["items"], &rest["next"]), (&json!(keys[2..]), &Value::Null));
    // A cursor of the one question is none of the other.
    let evidence = path.replace("reconciled", "evidence");
    register
        .get(&format!("{evidence}?cursor={next}"))
        .await
        .refused(400, "BAD_CURSOR");
    register
        .get("/api/v1/rates/complete/reconciled")
        .await
        .refused(404, "NO_INDICATOR");
    register
        .get("/api/v1/rates/nothing/reconciled")
        .await
        .refused(404, "NO_INDICATOR");
    register
        .get("/api/v1/rates/dwelling.accuracy/reconciled")
        .await
        .refused(404, "NO_INDICATOR");
    register
        .get("/api/v1/rates/%FF/reconciled")
        .await
        .refused(400, "BAD_QUERY");
    register
        .get(&format!("{path}?by=area"))
        .await
        .refused(400, "BAD_QUERY");
}
