//! The service over a real socket: every route of the design's table, every refusal, the streams, and the stop.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use shilu_tests::workload::CAMPAIGN;

use crate::shilu::{Answer, Register, Server};

const ID: &str = "01910000-0000-7000-8000-000000000001";

fn collect(key: &str) -> Value {
    json!({"action": "collect", "record": format!("dwelling/{key}"), "actor": "ann", "fields": {"area": "north", "rooms": 3}})
}

fn deed(action: &str, key: &str, with: Value) -> Value {
    let mut command = json!({"action": action, "record": format!("dwelling/{key}"), "actor": "ann"});
    for (name, value) in with.as_object().unwrap() {
        command[name] = value.clone();
    }
    command
}

/// A register with one dwelling: collected and registered by ann.
fn served() -> (Register, Server) {
    let register = Register::new(CAMPAIGN);
    let server = register.serve();
    let list = json!([collect("1"), deed("register", "1", json!({}))]);
    assert_eq!(server.command(&list).with(201).as_array().unwrap().len(), 2);
    (register, server)
}

#[test]
fn every_question_of_the_table_is_answered() {
    let (_register, server) = served();
    let event = server.get("/api/v1/records/dwelling/1/history").with(200)["items"][0].clone();
    let id = event["id"].as_str().unwrap();
    let day = &event["recorded"].as_str().unwrap()[..10];

    let page = server
        .get("/api/v1/records?kind=dwelling&area=north&status=registered&q=1&limit=1")
        .with(200);
    assert_eq!(
        (&page["items"][0]["record"], &page["as_of"]),
        (&json!("dwelling/1"), &json!(2))
    );
    for at in ["as_of=@1&effective=2100-01-01", "as_of=@1"] {
        let record = server.get(&format!("/api/v1/records/dwelling/1?{at}")).with(200);
        assert_eq!(
            (&record["status"], &record["version"]),
            (&json!("collected"), &json!(1)),
            "{at}"
        );
    }
    let record = server.get("/api/v1/records/dwelling/1").with(200);
    assert_eq!(
        record["fields"],
        json!({"code": "1", "area": "north", "rooms": 3})
    );
    let blame = server.get("/api/v1/records/dwelling/1/blame").with(200);
    assert_eq!(
        (&blame["items"][1]["field"], &blame["items"][1]["event"]["actor"]),
        (&json!("rooms"), &json!("ann"))
    );
    for filter in [
        "actor=ann",
        "action=collect",
        "kind=dwelling",
        "area=north",
        "field=rooms",
        "record=dwelling/1",
        "source=field",
    ] {
        let found = server
            .get(&format!("/api/v1/changes?{filter}&from=2020-01-01&to=2100-01-01"))
            .with(200);
        let oldest = found["items"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(oldest["position"], 1, "{filter}: {found}");
    }
    for (filter, found) in [
        ("actor=bob", 0),
        ("device=tablet", 0),
        ("to=2020-01-01", 0),
        ("action=register", 1),
    ] {
        let page = server.get(&format!("/api/v1/changes?{filter}")).with(200);
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{filter}");
    }
    let diff = server
        .get("/api/v1/diff?from=@0&to=@2&axis=recorded&kind=dwelling&area=north")
        .with(200);
    assert_eq!(
        diff["items"][0]["status"],
        json!({"before": null, "after": "registered"})
    );
    for by in ["", "by=area", "by=actor", "area=north", "as_of=@2"] {
        let counts = server.get(&format!("/api/v1/counts?{by}")).with(200);
        assert_eq!(counts["items"][0]["count"], 1, "{by}: {counts}");
        let rates = server.get(&format!("/api/v1/rates?{by}")).with(200);
        assert_eq!(rates["items"][0]["indicator"], "dwelling.register-share", "{by}");
        assert_eq!(
            (&rates["items"][0]["numerator"], &rates["items"][0]["denominator"]),
            (&json!(1), &json!(1))
        );
    }
    assert_eq!(
        server.get(&format!("/api/v1/changes?from={day}")).with(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(server.get(&format!("/api/v1/events/{id}")).with(200), event);
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}

#[test]
fn a_refusal_has_a_stable_code_and_changes_nothing() {
    let (_register, server) = served();
    let end = server.end();
    let nested = json!([collect("1"), collect("2")]);
    let cases = [
        // Wrong types, and what is not JSON.
        (deed("collect", "2", json!({"fields": 7})), 400, "BAD_JSON"),
        (
            deed("collect", "2", json!({"actor": 7, "fields": {}})),
            400,
            "BAD_JSON",
        ),
        (json!([nested]), 400, "BAD_JSON"),
        (json!([]), 400, "BAD_JSON"),
        (
            deed(
                "collect",
                "2",
                json!({"fields": {"area": "n"}, "effective": "yesterday"}),
            ),
            400,
            "BAD_TIME",
        ),
        (
            deed("collect", "2", json!({"fields": {"area": "n"}, "id": "7"})),
            400,
            "BAD_ID",
        ),
        (deed("fly", "2", json!({})), 400, "BAD_ACTION"),
        (
            json!({"action": "collect", "record": "dwelling", "actor": "ann", "fields": {}}),
            400,
            "BAD_RECORD",
        ),
        // Unknown things.
        (
            json!({"action": "collect", "record": "castle/1", "actor": "ann", "fields": {}}),
            404,
            "NO_KIND",
        ),
        (deed("register", "9", json!({})), 404, "NO_RECORD"),
        (
            deed("collect", "2", json!({"fields": {"area": "n", "colour": "red"}})),
            422,
            "UNKNOWN_FIELD",
        ),
        (
            deed("collect", "2", json!({"fields": {"area": "n", "rooms": "3"}})),
            422,
            "BAD_VALUE",
        ),
        // Somebody was first.
        (
            deed("register", "1", json!({"expected_version": 1})),
            409,
            "VERSION_CONFLICT",
        ),
        (
            deed("collect", "1", json!({"fields": {}, "expected_version": 0})),
            409,
            "VERSION_CONFLICT",
        ),
        (
            deed(
                "correct",
                "1",
                json!({"reason": "x", "changes": {"rooms": {"before": 9, "after": 4}}}),
            ),
            409,
            "STALE_BEFORE",
        ),
        // Against the rules.
        (
            deed("collect", "1", json!({"fields": {"rooms": 4}})),
            422,
            "VALUE_DIFFERS",
        ),
        (
            deed("collect", "2", json!({"fields": {"rooms": 4}})),
            422,
            "FIELD_MISSING",
        ),
        (
            deed(
                "correct",
                "1",
                json!({"reason": "x", "changes": {"rooms": {"after": 3}}}),
            ),
            422,
            "NOTHING_CHANGES",
        ),
        (
            deed("correct", "1", json!({"changes": {"rooms": {"after": 4}}})),
            422,
            "REASON_MISSING",
        ),
        (deed("register", "1", json!({})), 422, "ALREADY_REGISTERED"),
        (
            deed(
                "verify",
                "1",
                json!({"outcome": "present", "observed": {"rooms": 3}}),
            ),
            422,
            "OWN_WORK",
        ),
        (
            deed(
                "collect",
                "2",
                json!({"fields": {"area": "n"}, "effective": "2100-01-01"}),
            ),
            422,
            "EFFECTIVE_IN_FUTURE",
        ),
        (
            deed(
                "collect",
                "2",
                json!({"fields": {"area": "n"}, "effective": "1999-01-01"}),
            ),
            422,
            "EFFECTIVE_TOO_EARLY",
        ),
        // Too large in one part.
        (
            deed(
                "collect",
                "2",
                json!({"fields": {"area": "n", "note": "x".repeat(1_001)}}),
            ),
            422,
            "BAD_VALUE",
        ),
        (
            deed(
                "correct",
                "1",
                json!({"reason": "x".repeat(1_001), "changes": {"rooms": {"after": 4}}}),
            ),
            422,
            "BAD_VALUE",
        ),
        (json!(vec![collect("2"); 1_001]), 413, "LIST_TOO_LONG"),
    ];
    for (command, status, code) in cases {
        server.command(&command).problem(status, code);
        assert_eq!(server.end(), end, "{code} changed the register");
    }
    let bodies: [(&[u8], u16, &str); 4] = [
        (b"", 400, "BAD_JSON"),
        (b"{\"action\": ", 400, "BAD_JSON"),
        (b"{\"action\": \"\xff\xfe\"}", 400, "BAD_JSON"),
        (b"\xef\xbb\xbf{}", 400, "BAD_JSON"),
    ];
    for (body, status, code) in bodies {
        server.post("/api/v1/commands", body).problem(status, code);
    }
    server
        .post("/api/v1/commands", "[".repeat(200_000))
        .problem(400, "BAD_JSON");
    assert_eq!(server.end(), end);
    for (path, status, code) in [
        ("/api/v1/records?cursor=zz", 400, "BAD_CURSOR"),
        ("/api/v1/records?as_of=someday", 400, "BAD_TIME"),
        ("/api/v1/records?limit=1001", 400, "BAD_QUERY"),
        ("/api/v1/records?colour=red", 400, "BAD_QUERY"),
        ("/api/v1/records?kind=%ff", 400, "BAD_QUERY"),
        ("/api/v1/records?kind=castle", 404, "NO_KIND"),
        ("/api/v1/records/dwelling/9", 404, "NO_RECORD"),
        ("/api/v1/records/castle/9", 404, "NO_KIND"),
        (
            "/api/v1/events/01910000-0000-7000-8000-00000000dead",
            404,
            "NO_EVENT",
        ),
        ("/api/v1/records?as_of=@99", 404, "NO_POSITION"),
        ("/nowhere", 404, "NO_ROUTE"),
    ] {
        server.get(path).problem(status, code);
    }
}

#[test]
fn a_failing_list_writes_nothing_and_names_the_place() {
    let (_register, server) = served();
    let end = server.end();
    let list = json!([
        collect("5"),
        deed("register", "5", json!({})),
        deed("register", "6", json!({}))
    ]);
    let problem = server.command(&list).problem(404, "NO_RECORD");
    assert_eq!(
        (&problem["index"], &problem["record"]),
        (&json!(2), &json!("dwelling/6"))
    );
    server.get("/api/v1/records/dwelling/5").problem(404, "NO_RECORD");
    assert_eq!(server.end(), end);
    // Nothing of it is remembered: the next command gets its position and begins anew.
    let answer = server.command(&collect("5")).with(201);
    assert_eq!(
        (&answer["position"], &answer["version"]),
        (&json!(end), &json!(1))
    );
}

#[test]
fn a_retry_answers_as_the_first_time_and_a_reused_id_is_refused() {
    let (register, server) = served();
    let command = deed("collect", "7", json!({"id": ID, "fields": {"area": "north"}}));
    let first = server.command(&command).with(201);
    assert_eq!(server.command(&command).with(200), first);
    let other = deed("collect", "7", json!({"id": ID, "fields": {"area": "south"}}));
    server.command(&other).problem(409, "ID_REUSED");
    let list = json!([command, collect("8")]);
    server.command(&list).problem(409, "ID_REUSED");
    assert!(server.terminate().success());
    let server = register.serve();
    assert_eq!(server.command(&command).with(200), first, "after a restart");
    assert_eq!(server.end(), 4);
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let (_register, server) = served();
    let address = server.url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Only announced: a server that waits for it would wait for ever.
    write!(
        socket,
        "POST /api/v1/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    let mut reader = BufReader::new(socket);
    reader.read_line(&mut answer).unwrap();
    assert!(answer.contains(" 413 "), "{answer}");
    assert_eq!(server.end(), 3);
}

#[test]
fn a_stream_of_commands_is_answered_in_order() {
    let (_register, server) = served();
    let mut body = String::new();
    for line in 0..1_500 {
        body += &match line % 5 {
            3 => "nonsense".to_owned(),
            4 => deed("register", &format!("s{}", line - 4), json!({})).to_string(),
            _ => collect(&format!("s{line}")).to_string(),
        };
        body.push('\n');
    }
    let answer = server.post("/api/v1/commands/stream", body);
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "application/x-ndjson")
    );
    let lines: Vec<Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1_500);
    let mut position = 3;
    for (line, answer) in lines.iter().enumerate() {
        if line % 5 == 3 {
            assert_eq!(
                (&answer["code"], &answer["line"]),
                (&json!("BAD_JSON"), &json!(line + 1))
            );
        } else {
            let key = if line % 5 == 4 { line - 4 } else { line };
            assert_eq!(
                (&answer["position"], &answer["record"]),
                (&json!(position), &json!(format!("dwelling/s{key}")))
            );
            position += 1;
        }
    }
    assert_eq!(server.end(), position);
}

/// Reads so many server-sent events: id and data.
fn live(server: &Server, last: Option<u64>, count: usize) -> Vec<(u64, Value)> {
    let mut request = server.agent.get(format!("{}/api/v1/live?from=0", server.url));
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last.to_string());
    }
    let response = request.call().unwrap();
    assert_eq!(
        response.headers().get("content-type").unwrap(),
        "text/event-stream"
    );
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    let mut events = Vec::new();
    let mut id = 0;
    while events.len() < count {
        let line = lines.next().unwrap().unwrap();
        if let Some(number) = line.strip_prefix("id: ") {
            id = number.parse().unwrap();
        } else if let Some(data) = line.strip_prefix("data: ") {
            events.push((id, serde_json::from_str(data).unwrap()));
        }
    }
    events
}

#[test]
fn the_live_stream_resumes_and_misses_nothing() {
    let (register, server) = served();
    let first = live(&server, None, 3);
    assert_eq!(first.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0, 1, 2]);
    for key in 0..300 {
        server.command(&collect(&format!("l{key}"))).with(201);
    }
    let resumed = live(&server, Some(1), 301);
    assert_eq!(resumed[0], first[2]);
    assert!(
        resumed
            .iter()
            .zip(2..)
            .all(|((id, event), position)| *id == position && event["position"] == position)
    );
    assert!(server.terminate().success());
    let server = register.serve();
    assert_eq!(live(&server, Some(301), 1)[0].0, 302, "after a restart");
    let ahead = server
        .agent
        .get(format!("{}/api/v1/live", server.url))
        .header("Last-Event-ID", "999");
    Answer::of(ahead.call().unwrap()).problem(404, "NO_POSITION");
}

#[test]
fn a_stop_answers_what_was_taken() {
    let (register, server) = served();
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    // A request under way: its head and half of its body are there, and the server has looked at them.
    let body = collect("slow").to_string();
    let (early, late) = body.split_at(20);
    let mut socket = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/commands HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains(" 100 "), "{line}");
    reader.read_line(&mut line).unwrap();
    socket.write_all(early.as_bytes()).unwrap();
    server.ask_to_stop();
    socket.write_all(late.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(server.wait().success());
    let record = register
        .run(&["show", "dwelling/slow", "--format", "json"])
        .json();
    assert_eq!(record["version"], 1);
}

#[test]
fn a_served_register_is_in_use_and_a_killed_server_leaves_it_free() {
    let (register, server) = served();
    register
        .run(&["show", "dwelling/1"])
        .refused(1, "REGISTER_IN_USE");
    let mut second: Command = crate::shilu::command();
    let second = second
        .args(["serve", "--data", register.dir(), "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("REGISTER_IN_USE"),
        "{second:?}"
    );
    drop(server);
    register.run(&["show", "dwelling/1"]).well();
}
