//! Bad input: each has a stable code, says where, and leaves the register as it was.

use axum::{
    body::Body,
    http::{Request, header},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Register;
use crate::limits::{BODY_BYTES_MAX, COMMAND_FIELDS_MAX};

fn collect(with: Value) -> String {
    let mut command =
        json!({"action": "collect", "record": "dwelling/1", "fields": {"rooms": 3}, "actor": "ann"});
    let Value::Object(with) = with else { panic!() };
    for (key, value) in with {
        command[key] = value;
    }
    command.to_string()
}

#[tokio::test]
async fn bad_commands_name_the_place() {
    let register = Register::new();
    let many: String = (0..=COMMAND_FIELDS_MAX)
        .map(|n| format!("\"f{n}\": 1,"))
        .collect();
    let cases: &[(String, u16, &str, &str)] = &[
        (String::new(), 400, "BAD_JSON", ""),
        ("[]".to_owned(), 400, "BAD_JSON", ""),
        ("{".to_owned(), 400, "BAD_JSON", ""),
        ("7".to_owned(), 400, "BAD_JSON", ""),
        (collect(json!({})) + "x", 400, "BAD_JSON", ""),
        (collect(json!({"colour": "red"})), 400, "BAD_JSON", "colour"),
        (collect(json!({"actor": 7})), 400, "BAD_JSON", "actor"),
        (collect(json!({"fields": []})), 400, "BAD_JSON", "fields"),
        (collect(json!({"fields": null})), 400, "BAD_JSON", "fields"),
        (collect(json!({"expected_version": -1})), 400, "BAD_JSON", "expected_version"),
        (collect(json!({"place": [1.0, 2.0, 3.0]})), 400, "BAD_JSON", "place"),
        (collect(json!({"place": {"lat": 1.0}})), 400, "BAD_JSON", "place"),
        (collect(json!({"changes": {}})), 400, "BAD_JSON", "changes"),
        (r#"{"action":"collect","action":"collect"}"#.to_owned(), 400, "BAD_JSON", ""),
        (r#"{"action":"collect","record":"dwelling/1","actor":"a","fields":{"rooms":1,"rooms":1}}"#.to_owned(), 400, "BAD_JSON", "fields"),
        (format!(r#"{{"action":"collect","record":"dwelling/1","actor":"a","fields":{{{many}"x":1}}}}"#), 400, "BAD_JSON", "fields"),
        ("[".repeat(100_000), 400, "BAD_JSON", ""),
        (collect(json!({"fields": {"rooms": 1}})).replace("1}", &("[".repeat(200) + "}")), 400, "BAD_JSON", "fields.rooms"),
        (collect(json!({"action": "destroy"})), 400, "BAD_ACTION", "action"),
        (collect(json!({"action": "erase"})), 422, "ACTION_NOT_TAKEN", "action"),
        (collect(json!({"id": "7"})), 400, "BAD_ID", "id"),
        (collect(json!({"id": "f47ac10b-58cc-4372-a567-0e02b2c3d479"})), 400, "BAD_ID", "id"),
        (collect(json!({"cause": "x"})), 400, "BAD_ID", "cause"),
        (collect(json!({"record": "dwelling"})), 400, "BAD_RECORD", "record"),
        (collect(json!({"record": "dwelling/a/b"})), 400, "BAD_RECORD", "record"),
        (collect(json!({"record": "dwelling/"})), 400, "BAD_RECORD", "record"),
        (collect(json!({"effective": "yesterday"})), 400, "BAD_TIME", "effective"),
        (collect(json!({"begun": "2015-04-07"})), 400, "BAD_TIME", "begun"),
        (collect(json!({"record": "castle/1"})), 404, "NO_KIND", ""),
        (collect(json!({"fields": {"colour": "red"}})), 422, "UNKNOWN_FIELD", "colour"),
        (collect(json!({"fields": {"colour": null}})), 422, "UNKNOWN_FIELD", "colour"),
        (collect(json!({"fields": {"rooms": "3"}})), 422, "BAD_VALUE", "rooms"),
        (collect(json!({"fields": {"rooms": 3.5}})), 422, "BAD_VALUE", "rooms"),
        (collect(json!({"fields": {"rooms": [3]}})), 422, "BAD_VALUE", "rooms"),
        (collect(json!({"fields": {"rooms": {"a": 3}}})), 422, "BAD_VALUE", "rooms"),
        (collect(json!({"fields": {"rooms": u64::MAX}})), 422, "BAD_VALUE", "rooms"),
        (collect(json!({"fields": {"rooms": 1_i64 << 60}})), 422, "BAD_VALUE", "rooms"),
        (collect(json!({"fields": {"rent": 12.5}})), 422, "BAD_VALUE", "rent"),
        (collect(json!({"fields": {"area": "x".repeat(2000)}})), 422, "BAD_VALUE", "area"),
        (collect(json!({"fields": {"code": "2"}})), 422, "BAD_VALUE", "code"),
        (collect(json!({"fields": {"code": null}})), 422, "BAD_VALUE", "code"),
        (collect(json!({"actor": ""})), 422, "BAD_VALUE", "actor"),
        (collect(json!({"actor": "x".repeat(200)})), 422, "BAD_VALUE", "actor"),
        (collect(json!({"reason": "x".repeat(2000)})), 422, "BAD_VALUE", "reason"),
        (collect(json!({"place": {"lat": 91, "lon": 0, "accuracy_m": 1}})), 422, "BAD_VALUE", "place"),
        (collect(json!({"place": {"lat": 9, "lon": 0, "accuracy_m": -1}})), 422, "BAD_VALUE", "place"),
        (collect(json!({"source": {"type": "import"}})), 422, "BAD_VALUE", "source"),
        (collect(json!({"source": {"type": "system"}})), 422, "BAD_VALUE", "source"),
        (collect(json!({"effective": "2030-01-01"})), 422, "EFFECTIVE_IN_FUTURE", ""),
        (collect(json!({"effective": "1999-01-01"})), 422, "EFFECTIVE_TOO_EARLY", ""),
        (collect(json!({"effective": "origin"})), 422, "BAD_VALUE", "effective"),
        (collect(json!({"expected_version": 1})), 409, "VERSION_CONFLICT", ""),
        (json!({"action": "verify", "record": "dwelling/1", "actor": "bob"}).to_string(), 400, "BAD_JSON", "outcome"),
        (json!({"action": "verify", "record": "dwelling/1", "actor": "bob", "outcome": "lost"}).to_string(), 422, "BAD_VALUE", "outcome"),
        (json!({"action": "verify", "record": "dwelling/1", "actor": "bob", "outcome": "present", "not_seen": ["rooms", "rooms"]}).to_string(), 400, "BAD_JSON", "not_seen"),
        (json!({"action": "verify", "record": "dwelling/1", "actor": "bob", "outcome": "present", "not_seen": ["x"]}).to_string(), 422, "UNKNOWN_FIELD", "x"),
        (json!({"action": "deregister", "record": "dwelling/1", "actor": "ann", "reason": "x"}).to_string(), 422, "REASON_MISSING", "because"),
        (json!({"action": "deregister", "record": "dwelling/1", "actor": "ann", "because": "bored"}).to_string(), 422, "BAD_VALUE", "because"),
        (json!({"action": "deregister", "record": "dwelling/1", "actor": "ann", "because": "duplicate-of"}).to_string(), 422, "BAD_VALUE", "duplicate_of"),
        (json!({"action": "deregister", "record": "dwelling/1", "actor": "ann", "because": "closed", "duplicate_of": "dwelling/2"}).to_string(), 422, "BAD_VALUE", "duplicate_of"),
        (json!({"action": "correct", "record": "dwelling/1", "actor": "ann", "reason": "x", "changes": {"rooms": {"before": 3}}}).to_string(), 400, "BAD_JSON", "changes.rooms"),
        (json!({"action": "correct", "record": "dwelling/1", "actor": "ann", "reason": "x", "changes": {"rooms": 3}}).to_string(), 400, "BAD_JSON", "changes.rooms"),
        (json!({"action": "correct", "record": "dwelling/1", "actor": "ann", "changes": {"rooms": {"after": 3}}}).to_string(), 422, "REASON_MISSING", ""),
    ];
    for (body, status, code, field) in cases {
        let problem = register.post(body.clone()).await.refused(*status, code);
        let shown = &body[..body.len().min(200)];
        if !field.is_empty() {
            assert_eq!(problem["field"], *field, "{shown}: {problem}");
        }
        assert!(problem["hint"].is_string(), "{shown}: {problem}");
        assert!(problem["detail"].as_str().unwrap().len() < 2_000);
    }
    let list = format!("[{},{}]", collect(json!({})), collect(json!({"actor": 7})));
    assert_eq!(register.post(list).await.refused(400, "BAD_JSON")["index"], 1);
    let list = format!("[{},{}]", collect(json!({})), collect(json!({"effective": "x"})));
    let problem = register.post(list).await.refused(400, "BAD_TIME");
    assert_eq!(
        (&problem["index"], &problem["record"]),
        (&json!(1), &json!("dwelling/1"))
    );
    let problem = register
        .post(&b"{\"action\": \"\xff\"}"[..])
        .await
        .refused(400, "BAD_JSON");
    assert!(problem["detail"].as_str().unwrap().contains("UTF-8"));
    assert_eq!(register.engine.end().get(), 1, "nothing was written");
}

#[tokio::test]
async fn the_key_field_never_changes() {
    let register = Register::new();
    register.settle("1", 3).await;
    let command = json!({"action": "correct", "record": "dwelling/1", "actor": "ann", "reason": "x", "changes": {"code": {"after": "2"}}});
    register
        .post(command.to_string())
        .await
        .refused(422, "KEY_CHANGES");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let register = Register::new();
    register
        .post(vec![b' '; BODY_BYTES_MAX + 1])
        .await
        .refused(413, "BODY_TOO_LARGE");
    let stated = Request::post("/api/v1/commands").header(header::CONTENT_LENGTH, u64::MAX);
    register
        .send(stated.body(Body::empty()).unwrap())
        .await
        .refused(413, "BODY_TOO_LARGE");
    let list = vec![collect(json!({})); 1_001].join(",");
    register
        .post(format!("[{list}]"))
        .await
        .refused(413, "LIST_TOO_LONG");
    let large: serde_json::Map<String, Value> = ["area"]
        .iter()
        .map(|field| ((*field).to_owned(), json!("长".repeat(333))))
        .collect();
    let commands: Vec<_> = (0..1_000).map(|n| json!({"action": "collect", "record": format!("dwelling/{n}"), "fields": large, "actor": "ann", "reason": "长".repeat(333)})).collect();
    register
        .post(json!(commands).to_string())
        .await
        .refused(413, "LIST_TOO_LARGE");
    assert_eq!(register.engine.end().get(), 1, "nothing was written");
}

#[tokio::test]
async fn what_the_router_refuses_is_a_problem_too() {
    let register = Register::new();
    register.get("/api/v2").await.refused(404, "NO_ROUTE");
    let got = register
        .send(Request::delete("/api/v1/records").body(Body::empty()).unwrap())
        .await;
    assert!(got.headers[header::ALLOW].to_str().unwrap().contains("GET"));
    got.refused(405, "METHOD_NOT_ALLOWED");
    register
        .get("/api/v1/commands")
        .await
        .refused(405, "METHOD_NOT_ALLOWED");
    register
        .get("/api/v1/records/dwelling/%FF")
        .await
        .refused(400, "BAD_RECORD");
    register
        .get("/api/v1/records/dwelling/a%2Fb")
        .await
        .refused(400, "BAD_RECORD");
    register
        .get("/api/v1/records/dwelling/a%00")
        .await
        .refused(400, "BAD_RECORD");
    register.get("/api/v1/events/7").await.refused(400, "BAD_ID");
    register.get("/api/v1/events/%FF").await.refused(400, "BAD_ID");
    let foreign = Request::post("/api/v1/commands").header(header::ORIGIN, "https://example.org");
    register
        .send(foreign.body(Body::from(collect(json!({})))).unwrap())
        .await
        .refused(403, "FOREIGN_ORIGIN");
    assert_eq!(register.engine.end().get(), 1, "nothing was written");
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let register = Register::new();
    register.settle("1", 3).await;
    for (uri, status, code) in [
        ("records?knid=dwelling", 400, "BAD_QUERY"),
        ("records?kind=castle", 404, "NO_KIND"),
        ("records?status=lost", 400, "BAD_QUERY"),
        ("records?status=absent", 400, "BAD_QUERY"),
        ("records?limit=0", 400, "BAD_QUERY"),
        ("records?q=%FF", 400, "BAD_QUERY"),
        ("records?as_of=soon", 400, "BAD_TIME"),
        ("records?as_of=@99", 404, "NO_POSITION"),
        ("records?as_of=@18446744073709551615", 404, "NO_POSITION"),
        ("records?cursor=00", 400, "BAD_CURSOR"),
        ("records?cursor=", 400, "BAD_CURSOR"),
        ("records/castle/1", 404, "NO_KIND"),
        ("records/dwelling/2", 404, "NO_RECORD"),
        ("records/dwelling/1?as_of=2019-01-01", 404, "NO_RECORD"),
        ("records/dwelling/1?kind=dwelling", 400, "BAD_QUERY"),
        ("records/dwelling/2/history", 404, "NO_RECORD"),
        ("records/dwelling/2/blame", 404, "NO_RECORD"),
        ("changes?action=destroy", 400, "BAD_QUERY"),
        ("changes?record=dwelling", 400, "BAD_RECORD"),
        ("changes?from=x", 400, "BAD_TIME"),
        ("diff", 400, "BAD_QUERY"),
        ("diff?from=2020-01-01&axis=both", 400, "BAD_QUERY"),
        (
            "diff?from=2020-01-01&axis=recorded&as_of=2020-01-01",
            400,
            "BAD_QUERY",
        ),
        ("counts?by=age", 400, "BAD_QUERY"),
        ("rates?month=1", 400, "BAD_QUERY"),
        ("live?from=99", 404, "NO_POSITION"),
        ("events/01890a5d-ac96-774b-bcce-b302099a8057", 404, "NO_EVENT"),
    ] {
        register
            .get(&format!("/api/v1/{uri}"))
            .await
            .refused(status, code);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_are_a_mistake_of_ours(bodies in prop::collection::vec(hostile(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let register = Register::new();
            for body in bodies {
                let got = register.post(body.clone()).await;
                assert!(!got.status.is_server_error(), "{body:?}: {}", got.text);
                let stream = Request::post("/api/v1/commands/stream").body(Body::from(body)).unwrap();
                let got = register.send(stream).await;
                assert_eq!(got.status, 200);
                for line in got.text.lines() {
                    let line: Value = serde_json::from_str(line).unwrap();
                    assert!(line["status"].as_u64().unwrap_or(201) < 500, "{line}");
                }
            }
        });
    }

    #[test]
    fn no_question_is_a_mistake_of_ours(questions in prop::collection::vec(question(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let register = Register::new();
            register.settle("1", 3).await;
            for question in questions {
                let got = register.get(&question).await;
                assert!(!got.status.is_server_error(), "{question}: {}", got.text);
            }
        });
    }
}

/// Bytes, and commands with a part that is not as it should be.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(1e308)),
        Just(json!([[]])),
        Just(json!({"a": {}})),
        Just(json!("")),
        Just(json!("9999-12-31")),
        Just(json!("0001-01-01")),
        Just(json!("9999-12-31T23:59:59.999999-23:59")),
        "\\PC{0,30}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ];
    let keys = [
        "id",
        "action",
        "record",
        "fields",
        "changes",
        "because",
        "duplicate_of",
        "outcome",
        "observed",
        "not_seen",
        "area",
        "effective",
        "actor",
        "device",
        "reason",
        "source",
        "begun",
        "entered",
        "seq",
        "place",
        "expected_version",
        "cause",
    ];
    let actions = prop::sample::select(vec!["collect", "correct", "register", "deregister", "verify"]);
    let key = prop::sample::select(keys.to_vec());
    let command = (
        actions,
        prop::collection::btree_map(key, part.clone(), 0..3),
        part.clone(),
    )
        .prop_map(|(action, parts, value)| {
            let mut command =
                json!({"action": action, "record": "dwelling/1", "actor": "ann", "reason": "x"});
            match action {
                "collect" => command["fields"] = json!({"rooms": value}),
                "correct" => command["changes"] = json!({"rooms": {"before": value, "after": value}}),
                "deregister" => command["because"] = json!("erroneous"),
                "verify" => command["outcome"] = json!("unregistered"),
                _ => {}
            }
            for (key, part) in parts {
                command[key] = part;
            }
            command.to_string().into_bytes()
        });
    let cut =
        (command.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), command, cut]
}

fn question() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "records",
        "records/dwelling/1",
        "records/dwelling/1/history",
        "records/dwelling/1/blame",
        "changes",
        "diff",
        "counts",
        "rates",
        "events/x",
    ]);
    let name = prop::sample::select(vec![
        "kind",
        "area",
        "status",
        "q",
        "as_of",
        "effective",
        "limit",
        "cursor",
        "from",
        "to",
        "axis",
        "by",
        "record",
        "action",
        "source",
    ]);
    let value = prop_oneof![
        "[a-z0-9@%+:TZ-]{0,20}",
        Just("9999-12-31".to_owned()),
        Just("0001-01-01".to_owned()),
        Just("@0".to_owned()),
        Just("@4294967294".to_owned()),
        Just("dwelling".to_owned()),
        Just("recorded".to_owned()),
        Just("9999-12-31T23:59:59.999999-23:59".to_owned()),
        "01[0-9a-f]{128,140}0[01][0-9a-f]{0,30}",
    ];
    (path, prop::collection::vec((name, value), 0..4)).prop_map(|(path, params)| {
        let params: Vec<_> = params
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("/api/v1/{path}?{}", params.join("&"))
    })
}
