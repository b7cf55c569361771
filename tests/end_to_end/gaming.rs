//! Who wants a better figure than the thing deserves, and plays with samples: each way is without effect, or shown beside
//! the figure. The ways that need no sample are worked in `docs/worked-examples.md` under "What does not help".

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use shilu_model::Timestamp;

use crate::shilu::{Answer, Register, Server};

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
use = { type = "choice", values = ["own", "rental"] }
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
[[indicators]]
id = "rooms"
of = "dwelling"
where = { use = "rental" }
measure = "accuracy"
targets = [{ by = 2099-12-31, value = 95 }]
[[indicators]]
id = "who"
of = "dwelling"
where = { use = "rental" }
measure = "roster"
roster = { of = "resident.dwelling", rate = "consistency", grace_days = 3 }
"#;

/// A village with four rentals, all in the north and entered by ann with three rooms, and its server.
struct Village {
    _register: Register,
    server: Server,
}

impl Village {
    fn new() -> Village {
        let register = Register::new(CAMPAIGN);
        let server = register.serve();
        let village = Village {
            _register: register,
            server,
        };
        for key in ["1", "2", "3", "4"] {
            let fields = json!({"area": "north", "use": "rental", "rooms": 3});
            village.take(json!({"action": "collect", "record": format!("dwelling/{key}"), "fields": fields, "actor": "ann"}));
        }
        village
    }

    fn take(&self, command: Value) {
        self.server.command(&command).with(201);
    }

    fn correct(&self, record: &str, field: &str, after: Value) {
        self.take(
            json!({"action": "correct", "record": record, "changes": {field: {"after": after}},
            "reason": "as it should be", "actor": "ann"}),
        );
    }

    fn post(&self, below: &str, body: &Value) -> Answer {
        self.server
            .post(&format!("/api/v1/samples{below}"), body.to_string())
    }

    /// Announces a sample that is drawn as soon as can be.
    fn announce(&self, id: &str, indicator: &str, entropy: &str) {
        let draw_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(1);
        let draw_at = Timestamp::from_micros(i64::try_from(draw_at.as_micros()).unwrap()).to_string();
        let body = json!({"id": id, "indicator": indicator, "size": 4, "strata": "none", "draw_at": draw_at,
            "entropy": entropy, "actor": "zhang"});
        self.post("", &body).with(201);
    }

    /// Draws it once its time has come.
    fn draw(&self, id: &str, revealed: Option<&str>) -> Value {
        let begun = Instant::now();
        loop {
            let body = json!({"actor": "zhang", "revealed": revealed});
            let answer = self.post(&format!("/{id}/draw"), &body);
            if answer.status == 200 {
                return answer.json();
            }
            answer.problem(422, "DRAW_NOT_DUE");
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "its time does not come"
            );
        }
    }

    fn drawn(&self, id: &str, indicator: &str) -> Value {
        self.announce(id, indicator, "none");
        self.draw(id, None)
    }

    /// Somebody sees how many rooms there are.
    fn saw(&self, id: &str, actor: &str, record: &str, rooms: u32) -> Answer {
        let body =
            json!({"actor": actor, "record": record, "outcome": "present", "observed": {"rooms": rooms}});
        self.post(&format!("/{id}/visits"), &body)
    }

    fn saw_all(&self, id: &str, rooms: [u32; 4]) {
        for (key, rooms) in (1..).zip(rooms) {
            self.saw(id, "vera", &format!("dwelling/{key}"), rooms).with(201);
        }
    }

    fn sample(&self, id: &str) -> Value {
        self.server.get(&format!("/api/v1/samples/{id}")).with(200)
    }

    /// What the rates say of an indicator: numerator, denominator, and the sample behind it.
    fn rate(&self, indicator: &str) -> (u64, u64, Value) {
        let page = self.server.get("/api/v1/rates").with(200);
        let items = page["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["indicator"] == indicator).unwrap();
        let count = |name: &str| item[name].as_u64().unwrap();
        (count("numerator"), count("denominator"), item["sample"].clone())
    }
}

fn counts(sample: &Value) -> [u64; 3] {
    ["numerator", "denominator", "unknown"].map(|part| sample["estimate"][part].as_u64().unwrap())
}

#[test]
fn correcting_and_voiding_before_the_visit() {
    let village = Village::new();
    village.announce("a", "rooms", "none");
    // Two are known to be wrong: one is put right in time, of the other there is soon nothing to be found.
    village.correct("dwelling/1", "rooms", json!(2));
    village.take(json!({"action": "deregister", "record": "dwelling/2", "because": "erroneous", "reason": "gone", "actor": "ann"}));
    let drawn = village.draw("a", None);
    assert_eq!((&drawn["population"], &drawn["drawn"]), (&json!(4), &json!(4)));
    // The one that was voided is wrong before anybody goes there, and stays so.
    assert_eq!(counts(&drawn), [0, 1, 3]);
    village.saw_all("a", [2, 3, 3, 3]);
    assert_eq!(counts(&village.sample("a")), [2, 4, 0]);
    assert_eq!(village.rate("rooms").0, 2);
}

#[test]
fn shrinking_the_scope_after_the_announcement() {
    let village = Village::new();
    village.announce("a", "rooms", "none");
    village.correct("dwelling/1", "use", json!("own"));
    let drawn = village.draw("a", None);
    assert_eq!(drawn["population"], 4);
    village.saw_all("a", [2, 3, 3, 3]);
    assert_eq!(counts(&village.sample("a")), [3, 4, 0]);
}

#[test]
fn drawing_again_until_it_passes() {
    let village = Village::new();
    village.drawn("first", "rooms");
    village.saw_all("first", [2, 2, 3, 3]);
    village.drawn("second", "rooms");
    // One that is begun and goes badly is left alone: it does not count, and it is listed.
    village.saw("second", "vera", "dwelling/1", 2).with(201);
    village.drawn("third", "rooms");
    village.saw_all("third", [3, 3, 3, 3]);
    let (numerator, denominator, sample) = village.rate("rooms");
    assert_eq!((numerator, denominator), (4, 4));
    assert_eq!(
        (&sample["id"], &sample["draws"], &sample["in_time"]),
        (&json!("third"), &json!(3), &json!(true))
    );
    let page = village.server.get("/api/v1/samples?indicator=rooms").with(200);
    let listed: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["number"].as_u64(), counts(one)))
        .collect();
    assert_eq!(
        listed,
        [
            ("third", Some(3), [4, 4, 0]),
            ("second", Some(2), [0, 1, 3]),
            ("first", Some(1), [2, 4, 0])
        ]
    );
}

#[test]
fn choosing_the_checkpoint() {
    let village = Village::new();
    village.announce("open", "rooms", "none");
    village.announce("named", "rooms", "public:3D lottery 2015093");
    village.draw("open", None);
    let waiting = village.draw("named", None);
    assert_eq!(
        (&waiting["state"], &waiting["label"]),
        (&json!("waiting"), &json!(null))
    );
    village
        .saw("named", "vera", "dwelling/1", 3)
        .problem(422, "REVEAL_MISSING");
    // The numbers are known now. Other checkpoints, as many as one likes, seed another draw of neither.
    for number in 0..3 {
        let fields = json!({"area": "south", "use": "own"});
        let record = format!("dwelling/other-{number}");
        village.take(json!({"action": "collect", "record": record, "fields": fields, "actor": "ann"}));
        village.server.get("/api/v1/changes?limit=1").with(200);
    }
    let named = village.draw("named", Some("471"));
    assert_eq!(
        (&named["state"], &named["label"]),
        (&json!("drawn"), &json!(null))
    );
    for id in ["open", "named"] {
        let sample = village.sample(id);
        let draw = &sample["draw"];
        let draw_at = Timestamp::parse(sample["draw_at"].as_str().unwrap()).unwrap();
        // It ends with the first event of the announced time.
        let size = draw["size"].as_u64().unwrap();
        let page = village.server.get("/api/v1/changes?limit=100").with(200);
        let recorded = |position: u64| {
            let items = page["items"].as_array().unwrap();
            let event = items.iter().find(|event| event["position"] == position).unwrap();
            Timestamp::parse(event["recorded"].as_str().unwrap()).unwrap()
        };
        assert!(
            recorded(size - 2) < draw_at && draw_at <= recorded(size - 1),
            "{draw}"
        );
    }
    // Without outside entropy everybody is told.
    let open = village.sample("open");
    assert_eq!(open["label"], "the operator could steer this");
    village.saw_all("open", [3, 3, 3, 3]);
    assert_eq!(village.rate("rooms").2["steerable"], true);
}

#[test]
fn checking_ones_own_work() {
    let village = Village::new();
    village.drawn("a", "rooms");
    village.saw("a", "ann", "dwelling/1", 3).problem(422, "OWN_WORK");
    // Ann's team, and whoever works in the north, is sent nowhere: only wil is left.
    let crew = "ann,east,red\nben,east,red\nnora,north,blue\nwil,town,green";
    let body = json!({"actor": "zhang", "verifiers": crew});
    let assigned = village.post("/a/verifiers", &body).with(200);
    for visit in assigned["visits"].as_array().unwrap() {
        assert_eq!(visit["verifier"], "wil", "{assigned}");
    }
    for actor in ["ben", "nora", "vera"] {
        village
            .saw("a", actor, "dwelling/1", 3)
            .problem(422, "NOT_ASSIGNED");
    }
    // A check past the rules for visits is an event, and no visit.
    let sample = village.sample("a");
    village.take(
        json!({"action": "verify", "record": "dwelling/1", "outcome": "present", "observed": {"rooms": 3},
        "actor": "ben", "cause": sample["announcement"]}),
    );
    assert_eq!(counts(&village.sample("a")), [0, 0, 4]);
    village.saw("a", "wil", "dwelling/1", 2).with(201);
    assert_eq!(counts(&village.sample("a")), [0, 1, 3]);
    // The verifiers were named when it was known what is drawn: that is said.
    let notices = village.sample("a")["notices"].to_string();
    assert!(notices.contains("named after the draw"), "{notices}");
}

#[test]
fn looking_before_going_there() {
    let village = Village::new();
    let fields = json!({"area": "north", "name": "Wang Xiaoming", "dwelling": "dwelling/1"});
    village.take(json!([
        {"action": "collect", "record": "resident/w", "fields": fields, "actor": "ann"},
        {"action": "register", "record": "resident/w", "actor": "ann"},
    ]));
    village.drawn("who", "who");
    village.drawn("rooms", "rooms");
    let shown = |what: &Value| what.to_string().contains("Wang Xiaoming");
    assert!(!shown(&village.sample("who")) && !village.sample("rooms").to_string().contains("\"rooms\":3"));
    let revealed = || {
        village
            .server
            .get("/api/v1/samples/who/revealed?place=dwelling/1&actor=vera")
    };
    revealed().problem(422, "STEP_MISSING");
    let answer = json!({"actor": "vera", "step": "revealed", "place": "dwelling/1",
        "answers": [{"record": "resident/w", "outcome": "not-seen"}]});
    village.post("/who/visits", &answer).problem(422, "STEP_MISSING");
    let list = |found: Value| json!({"actor": "vera", "step": "blind", "place": "dwelling/1", "outcome": "present", "found": found});
    // Only now, and the list is not mended by what it shows.
    let entered = village.post("/who/visits", &list(json!([]))).with(201);
    assert!(shown(&entered) && shown(&revealed().with(200)));
    let mended = list(json!([{"observed": {"name": "Wang Xiaoming"}}]));
    village
        .post("/who/visits", &mended)
        .problem(409, "ALREADY_VISITED");
    let sample = village.sample("who");
    village.take(json!({"action": "verify", "record": "resident/w", "outcome": "present",
        "observed": {"dwelling": "dwelling/1", "name": "Wang Xiaoming"}, "actor": "vera", "cause": sample["announcement"]}));
    assert_eq!(counts(&village.sample("who")), [0, 0, 1]);
}

#[test]
fn visiting_before_the_draw() {
    let village = Village::new();
    village.announce("a", "rooms", "none");
    let cause = village.sample("a")["announcement"].clone();
    for key in ["1", "2", "3", "4"] {
        village.take(
            json!({"action": "verify", "record": format!("dwelling/{key}"), "outcome": "present",
            "observed": {"rooms": 3}, "actor": "vera", "cause": cause}),
        );
    }
    let drawn = village.draw("a", None);
    assert_eq!(counts(&drawn), [0, 0, 4]);
}
