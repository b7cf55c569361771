//! Questions: pages, times, and what each answer says.

use serde_json::{Value, json};

use super::Register;

#[tokio::test]
async fn a_record_at_any_pair() {
    let register = Register::new();
    register.settle("房 1+2%", 3).await;
    register.set_clock("2020-02-01T00:00:00Z");
    register
        .take(json!({"action": "correct", "record": "dwelling/房 1+2%", "changes": {"rooms": {"after": 5}}, "reason": "typo", "actor": "ann", "effective": "2020-01-15"}))
        .await;
    let uri = "/api/v1/records/dwelling/%E6%88%BF%201+2%25";
    let now = register.get(uri).await.ok();
    assert_eq!(
        now,
        json!({"record": "dwelling/房 1+2%", "kind": "dwelling", "key": "房 1+2%", "area": "east", "status": "registered",
            "version": 3, "fields": {"code": "房 1+2%", "area": "east", "rooms": 5},
            "as_of": "2020-02-01T00:00:00Z", "effective": "2020-02-01T00:00:00Z"})
    );
    for (query, rooms) in [
        ("as_of=2020-01-31", 3),
        ("as_of=@2", 3),
        ("as_of=2020-02-01", 5),
        ("as_of=2020-02-01T08:00:00+08:00", 5),
        ("as_of=2020-02-01T07:59:59%2B08:00", 3),
        ("effective=2020-01-14", 3),
        ("effective=2020-01-15", 5),
        ("as_of=@2&effective=2020-01-15", 3),
        ("min_position=3", 5),
    ] {
        assert_eq!(
            register.get(&format!("{uri}?{query}")).await.ok()["fields"]["rooms"],
            rooms,
            "{query}"
        );
    }
    let ended = register.get(&format!("{uri}?as_of=2020-01-31")).await.ok();
    assert_eq!(ended["as_of"], "2020-01-31T15:59:59.999999Z");
}

#[tokio::test]
async fn pages_keep_their_time_and_their_filters() {
    let register = Register::new();
    for key in ["1", "2", "3", "4", "5"] {
        register.settle(key, 1).await;
    }
    let first = register.get("/api/v1/records?kind=dwelling&limit=2").await.ok();
    assert_eq!(
        (first["items"].as_array().unwrap().len(), &first["as_of"]),
        (2, &json!(10))
    );
    register.settle("25", 1).await;
    let next = first["next"].as_str().unwrap();
    let second = register
        .get(&format!("/api/v1/records?kind=dwelling&limit=9&cursor={next}"))
        .await
        .ok();
    let keys: Vec<_> = second["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        (keys, &second["as_of"], &second["next"]),
        (vec!["3", "4", "5"], &json!(10), &Value::Null)
    );
    for other in ["kind=street", "", "kind=dwelling&q=1", "kind=dwelling&as_of=@3"] {
        let uri = format!("/api/v1/records?{other}&cursor={next}");
        register.get(&uri).await.refused(400, "BAD_CURSOR");
    }
    register
        .get(&format!("/api/v1/changes?cursor={next}"))
        .await
        .refused(400, "BAD_CURSOR");
}

#[tokio::test]
async fn lists_are_filtered() {
    let register = Register::new();
    register.settle("1", 1).await;
    register
        .take(
            json!({"action": "collect", "record": "dwelling/2", "fields": {"area": "west"}, "actor": "ann"}),
        )
        .await;
    register
        .take(json!({"action": "verify", "record": "dwelling/3", "outcome": "unregistered", "area": "east", "actor": "bob"}))
        .await;
    for (query, keys) in [
        ("", vec!["1", "2"]),
        ("status=all", vec!["1", "2", "3"]),
        ("status=found", vec!["3"]),
        ("status=collected", vec!["2"]),
        ("area=east", vec!["1"]),
        ("q=wes", vec!["2"]),
        ("kind=street", vec![]),
        ("as_of=@1", vec!["1"]),
        ("as_of=2019-01-01", vec![]),
    ] {
        let page = register.get(&format!("/api/v1/records?{query}")).await.ok();
        let found: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["key"].as_str().unwrap())
            .collect();
        assert_eq!(found, keys, "{query}");
    }
}

#[tokio::test]
async fn history_and_blame_name_the_events() {
    let register = Register::new();
    register.settle("1", 3).await;
    register
        .take(json!({"action": "correct", "record": "dwelling/1", "changes": {"rooms": {"after": 4}}, "reason": "counted again", "actor": "bob"}))
        .await;
    let uri = "/api/v1/records/dwelling/1";
    let first = register.get(&format!("{uri}/history?limit=2")).await.ok();
    assert_eq!(
        (&first["items"][0]["action"], &first["items"][1]["action"]),
        (&json!("collect"), &json!("register"))
    );
    let next = first["next"].as_str().unwrap();
    register
        .take(json!({"action": "collect", "record": "dwelling/1", "fields": {}, "actor": "ann"}))
        .await;
    let second = register.get(&format!("{uri}/history?cursor={next}")).await.ok();
    assert_eq!(
        second["items"].as_array().unwrap().len(),
        1,
        "as known when the first page was asked"
    );
    assert_eq!(
        second["items"][0]["changes"],
        json!([{"field": "rooms", "before": 3, "after": 4}])
    );
    assert_eq!(second["next"], Value::Null);
    let blame = register.get(&format!("{uri}/blame")).await.ok();
    assert_eq!(blame["record"], "dwelling/1");
    let rooms = blame["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["field"] == "rooms")
        .unwrap();
    assert_eq!(
        (
            &rooms["value"],
            &rooms["actor"],
            &rooms["reason"],
            &rooms["position"]
        ),
        (&json!(4), &json!("bob"), &json!("counted again"), &json!(3))
    );
    assert_eq!(rooms["event"]["id"], rooms["id"]);
    let before = register.get(&format!("{uri}/blame?as_of=@2")).await.ok();
    assert_eq!(
        before["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["field"] == "rooms")
            .unwrap()["value"],
        3
    );
}

#[tokio::test]
async fn changes_come_newest_first_and_page_by_page() {
    let register = Register::new();
    for key in ["1", "2", "3"] {
        register.settle(key, 1).await;
    }
    register.set_clock("2020-03-01T00:00:00Z");
    register.settle("4", 1).await;
    let page = |query: &str| {
        let uri = format!("/api/v1/changes?{query}");
        let register = &register;
        async move {
            let page = register.get(&uri).await.ok();
            let positions: Vec<_> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["position"].as_u64().unwrap())
                .collect();
            (positions, page["next"].as_str().map(str::to_owned))
        }
    };
    let (first, next) = page("action=register&limit=2").await;
    assert_eq!(first, [8, 6]);
    register.settle("5", 1).await;
    assert_eq!(
        page(&format!("action=register&limit=9&cursor={}", next.unwrap())).await,
        (vec![4, 2], None)
    );
    assert_eq!(
        page("from=2020-03-01&to=2020-03-01&actor=ann&kind=dwelling&action=collect&area=east&field=rooms")
            .await
            .0,
        [9, 7]
    );
    assert_eq!(page("to=2020-02-29&record=dwelling/1").await.0, [2, 1]);
    assert_eq!(page("actor=nobody").await.0, [0_u64; 0]);
    let founding = register.get("/api/v1/changes?action=configure").await.ok();
    assert_eq!(
        (&founding["items"][0]["record"], &founding["items"][0]["source"]),
        (&Value::Null, &json!({"type": "system"}))
    );
}

#[tokio::test]
async fn a_diff_on_either_axis() {
    let register = Register::new();
    register.settle("1", 3).await;
    register.set_clock("2020-02-01T00:00:00Z");
    register
        .take(json!({"action": "correct", "record": "dwelling/1", "changes": {"rooms": {"after": 5}}, "reason": "built", "actor": "ann", "effective": "2020-01-15"}))
        .await;
    register.settle("2", 1).await;
    let rooms = json!([{"field": "rooms", "before": 3, "after": 5}]);
    let effective = register
        .get("/api/v1/diff?from=2020-01-14&to=2020-01-15")
        .await
        .ok();
    assert_eq!(
        effective["items"],
        json!([{"record": "dwelling/1", "status": {"before": "registered", "after": "registered"}, "changes": rooms}])
    );
    let then = register
        .get("/api/v1/diff?from=2020-01-14&to=2020-01-15&as_of=2020-01-20")
        .await
        .ok();
    assert_eq!((&then["items"], &then["as_of"]), (&json!([]), &json!(2)));
    let recorded = register
        .get("/api/v1/diff?from=2020-01-31&to=2020-02-01&axis=recorded&limit=1")
        .await
        .ok();
    assert_eq!(recorded["items"][0]["changes"], rooms);
    let next = recorded["next"].as_str().unwrap();
    let rest = register
        .get(&format!("/api/v1/diff?axis=recorded&cursor={next}"))
        .await
        .ok();
    assert_eq!(
        rest["items"][0]["status"],
        json!({"before": null, "after": "registered"})
    );
    let known = register.get("/api/v1/diff?from=@2&axis=recorded").await.ok();
    assert_eq!(known["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn figures_are_pages() {
    let register = Register::new();
    register.settle("1", 3).await;
    let counts = register.get("/api/v1/counts").await.ok();
    assert_eq!(
        counts["items"],
        json!([{"kind": "dwelling", "status": "registered", "area": null, "actor": null, "count": 1}])
    );
    assert_eq!((&counts["next"], &counts["as_of"]), (&Value::Null, &json!(2)));
    let by = register.get("/api/v1/counts?by=actor&area=east").await.ok();
    assert_eq!(
        (&by["items"][0]["actor"], &by["items"][0]["area"]),
        (&json!("ann"), &json!("east")),
        "{by}"
    );
    let rates = register.get("/api/v1/rates").await.ok();
    let share = &rates["items"][0];
    assert_eq!(
        share,
        &json!({"indicator": "dwelling.register-share", "title": share["title"], "area": null, "actor": null, "numerator": 1,
            "denominator": 1, "unknown": 0, "value": 1.0, "lower": null, "upper": null, "target": null, "deadline": null,
            "due": null, "state": null, "frame": null})
    );
    let empty = rates["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rate| rate["denominator"] == 0)
        .unwrap();
    assert_eq!(
        (&empty["value"], &empty["state"]),
        (&Value::Null, &json!("no-data"))
    );
}

#[tokio::test]
async fn a_rate_stands_beside_that_of_another_time() {
    let register = Register::new();
    register.settle("1", 3).await;
    let shares = async |query: &str| {
        let rates = register.get(&format!("/api/v1/rates?{query}")).await.ok();
        let rate = rates["items"][0].clone();
        (rate["denominator"].clone(), rate["from"].clone())
    };
    let nothing =
        json!({"numerator": 0, "denominator": 0, "unknown": 0, "value": null, "lower": null, "upper": null});
    assert_eq!(shares("").await, (json!(1), Value::Null));
    assert_eq!(shares("from=2015-04-01").await, (json!(1), nothing.clone()));
    assert_eq!(
        shares("from=%400&axis=recorded").await,
        (json!(1), nothing.clone())
    );
    let registered =
        json!({"numerator": 1, "denominator": 1, "unknown": 0, "value": 1.0, "lower": null, "upper": null});
    assert_eq!(shares("from=%402&axis=recorded").await, (json!(1), registered));
    // Both of the same day, as known then and as known now.
    let then = "effective=2030-01-01&from=%401&axis=recorded";
    assert_eq!(shares(then).await.1["numerator"], json!(0));
    let before = "effective=2015-04-01&from=%402&axis=recorded";
    assert_eq!(shares(before).await, (json!(0), nothing));
    // By area there is none of what was not there.
    assert_eq!(shares("by=area&from=2015-04-01").await, (json!(1), Value::Null));
    for (query, code, field) in [
        ("axis=recorded", "BAD_QUERY", "axis"),
        ("from=2015-04-01&axis=sideways", "BAD_QUERY", "axis"),
        ("from=soon", "BAD_TIME", "from"),
        ("from=%400", "BAD_TIME", "from"),
    ] {
        let answer = register.get(&format!("/api/v1/rates?{query}")).await;
        assert_eq!(answer.refused(400, code)["field"], field, "{query}");
    }
}

#[tokio::test]
async fn what_is_simulated_says_so_everywhere() {
    let simulated = Register::of(true);
    simulated.settle("1", 3).await;
    for uri in [
        "records",
        "records/dwelling/1",
        "records/dwelling/1/history",
        "records/dwelling/1/blame",
        "changes",
        "counts",
        "rates",
        "diff?from=2019-01-01",
    ] {
        let got = simulated.get(&format!("/api/v1/{uri}")).await;
        assert_eq!(got.headers["shilu-clock"], "simulated");
        assert_eq!(got.ok()["simulated"], true, "{uri}");
    }
    assert_eq!(
        simulated.get("/nowhere").await.headers["shilu-clock"],
        "simulated"
    );
    let real = Register::new();
    let got = real.get("/api/v1/records").await;
    assert!(!got.headers.contains_key("shilu-clock"));
    assert_eq!(got.ok().get("simulated"), None);
}
