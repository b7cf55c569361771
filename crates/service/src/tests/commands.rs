//! `POST /api/v1/commands`: what is taken, and how it is answered.

use serde_json::{Value, json};

use super::Register;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn a_command_is_answered_with_its_event() {
    let register = Register::new();
    let answer = register
        .take(
            json!({"id": ID, "action": "collect", "record": "street/110101001",
            "fields": {"code": "110101001", "name": "东华门街道"}, "effective": "2015-04-07T09:30:00+08:00",
            "actor": "officer-007", "device": "tablet-3", "reason": "door to door",
            "begun": "2015-04-07T09:26:10+08:00", "entered": "2015-04-07T09:29:02+08:00", "seq": 41,
            "place": {"lat": 30.12, "lon": 120.79, "accuracy_m": 8}, "expected_version": 0}),
        )
        .await;
    assert_eq!(
        answer,
        json!({"position": 1, "id": ID, "record": "street/110101001", "version": 1, "recorded": "2020-01-01T00:00:00Z"})
    );
    let event = register.get(&format!("/api/v1/events/{ID}")).await.ok();
    assert_eq!(
        event,
        json!({"position": 1, "id": ID, "record": "street/110101001", "version": 1, "action": "collect",
            "actor": "officer-007", "recorded": "2020-01-01T00:00:00Z", "effective": "2015-04-07T01:30:00Z",
            "area": null, "device": "tablet-3", "reason": "door to door", "source": {"type": "field"}, "cause": null,
            "changes": [{"field": "name", "before": null, "after": "东华门街道"}], "outcome": null, "observed": [],
            "because": null, "begun": "2015-04-07T01:26:10Z", "entered": "2015-04-07T01:29:02Z", "seq": 41,
            "place": {"lat": 30.12, "lon": 120.79, "accuracy_m": 8}})
    );
}

#[tokio::test]
async fn a_retry_is_safe_and_says_so() {
    let register = Register::new();
    let command = json!({"id": ID, "action": "collect", "record": "dwelling/1", "fields": {"rooms": 3}, "actor": "ann"});
    let first = register.take(command.clone()).await;
    let again = register.post(command.to_string()).await;
    assert_eq!(again.ok(), first);
    let listed = register.post(json!([command]).to_string()).await;
    assert_eq!(listed.ok(), json!([first]));
    let mut other = command;
    other["fields"]["rooms"] = json!(4);
    register.post(other.to_string()).await.refused(409, "ID_REUSED");
    assert_eq!(register.engine.end().get(), 2);
}

#[tokio::test]
async fn a_list_is_taken_whole_or_not_at_all() {
    let register = Register::new();
    let collect = |key: &str| json!({"action": "collect", "record": format!("dwelling/{key}"), "fields": {}, "actor": "ann"});
    let answer = register.take(json!([collect("1"), collect("2")])).await;
    assert_eq!(
        (&answer[0]["position"], &answer[1]["position"]),
        (&json!(1), &json!(2))
    );
    let bad = json!([collect("3"), {"action": "register", "record": "dwelling/4", "actor": "ann"}]);
    let problem = register.post(bad.to_string()).await.refused(404, "NO_RECORD");
    assert_eq!(
        (&problem["index"], &problem["record"]),
        (&json!(1), &json!("dwelling/4"))
    );
    register
        .get("/api/v1/records/dwelling/3")
        .await
        .refused(404, "NO_RECORD");
    let alone = register.post(bad[1].to_string()).await.refused(404, "NO_RECORD");
    assert_eq!(alone.get("index"), None);
    let list_of_one = register
        .post(json!([bad[1]]).to_string())
        .await
        .refused(404, "NO_RECORD");
    assert_eq!(list_of_one["index"], 0);
}

#[tokio::test]
async fn every_action_is_taken() {
    let register = Register::new();
    register.settle("1", 3).await;
    let taken: [Value; 4] = [
        json!({"action": "correct", "record": "dwelling/1", "changes": {"rooms": {"before": 3, "after": 4}, "rent": {"before": null, "after": "12.50"}}, "reason": "typo", "actor": "ann", "effective": "origin"}),
        json!({"action": "correct", "record": "dwelling/1", "changes": {"rent": {"after": null}}, "reason": "none", "actor": "ann"}),
        json!({"action": "verify", "record": "dwelling/1", "outcome": "present", "observed": {"rooms": 4, "built": null}, "not_seen": ["rented"], "actor": "bob"}),
        json!({"action": "verify", "record": "dwelling/9", "outcome": "unregistered", "area": "west", "actor": "bob"}),
    ];
    for (index, command) in taken.into_iter().enumerate() {
        // `origin` needs fields that took effect together: rent has had no value since the first collect.
        let answer = register.take(command).await;
        assert_eq!(answer["position"], 3 + index);
    }
    let verified = register
        .get("/api/v1/changes?action=verify&record=dwelling/1")
        .await
        .ok();
    assert_eq!(
        verified["items"][0]["observed"],
        json!([{"field": "built", "value": null, "verdict": "equal"}, {"field": "rooms", "value": 4, "verdict": "equal"},
            {"field": "rented", "value": null, "verdict": "not-seen"}])
    );
    let found = register.get("/api/v1/records/dwelling/9").await.ok();
    assert_eq!(
        (&found["status"], &found["area"]),
        (&json!("found"), &json!("west"))
    );
    register.settle("2", 1).await;
    let gone = json!({"action": "deregister", "record": "dwelling/2", "because": "duplicate-of", "duplicate_of": "dwelling/1", "reason": "same", "actor": "ann"});
    register.take(gone).await;
    let event = &register.get("/api/v1/changes?limit=1").await.ok()["items"][0];
    assert_eq!(
        (&event["because"], &event["duplicate_of"]),
        (&json!("duplicate-of"), &json!("dwelling/1"))
    );
}

#[tokio::test]
async fn an_import_says_where_a_row_came_from() {
    let register = Register::new();
    let source = json!({"type": "import", "sha256": "ab".repeat(32), "file": "extract.csv", "row": 7});
    register
        .take(json!({"action": "collect", "record": "dwelling/1", "fields": {}, "actor": "ann", "source": source}))
        .await;
    let page = register
        .get(&format!("/api/v1/changes?source={}", "ab".repeat(32)))
        .await
        .ok();
    assert_eq!(page["items"][0]["source"], source);
}
