//! The simulator through the program: a register that stands up to the audit, the same from the same seed.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};

use crate::shilu::{command, shilu};

#[test]
fn a_simulated_campaign_is_a_register_that_verifies_and_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (one, other, truth) = (path("one"), path("other"), path("truth/rows.jsonl"));
    let simulate = |dir: &str, more: &[&str]| {
        let words = [
            "simulate", dir, "--scale", "0.02", "--seed", "5", "--format", "json",
        ];
        shilu(&[&words[..], more].concat()).json()
    };
    let made = simulate(&one, &["--truth", &truth]);
    assert_eq!((&made["seed"], &made["scale"]), (&json!(5), &json!("0.02")));
    assert!(made["events"].as_u64().unwrap() > 5_000, "{made}");
    assert_eq!(made["records"]["frame"], json!(75), "{made}");
    // The same log again, to the last byte of its checkpoint.
    assert_eq!(simulate(&other, &[]), made);
    let published = |dir: &str| std::fs::read_to_string(Path::new(dir).join("public/checkpoint")).unwrap();
    assert_eq!(
        published(&one),
        published(&other),
        "two registers of one seed differ"
    );

    // Ten samples, each of which an outsider can draw again; one was never drawn.
    let samples = shilu(&["sample", "list", "--data", &one, "--format", "json"]).json();
    let samples = samples["items"].as_array().unwrap();
    assert_eq!(made["samples"], json!(samples.len()));
    let (complete, others): (Vec<&Value>, Vec<&Value>) =
        samples.iter().partition(|sample| sample["state"] == "complete");
    assert_eq!(others.len(), 1, "{samples:#?}");
    assert_eq!(others[0]["state"], "announced");
    for sample in complete {
        shilu(&["sample", "check", sample["id"].as_str().unwrap(), "--data", &one]).well();
    }
    let rates = shilu(&["rates", "--data", &one, "--format", "json"]).json();
    let states: BTreeSet<&str> = rates["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|rate| rate["state"].as_str())
        .collect();
    assert!(states.contains("unverified") && states.len() > 2, "{states:?}");

    let audit = shilu(&["verify", "--data", &one, "--format", "json"]).json();
    assert_eq!(audit["events"], made["events"], "{audit}");
    let refused = command().args(["simulate", &one]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("NOT_EMPTY"),
        "{refused:?}"
    );
    shilu(&["simulate", &path("none"), "--scale", "0"]).refused(2, "a scale is a number");

    let rows: Vec<Value> = std::fs::read_to_string(&truth)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).count();
    for kind in ["address", "dwelling", "resident", "unit", "worker"] {
        let recorded = usize::try_from(made["records"][kind].as_u64().unwrap()).unwrap();
        assert!(
            of(kind) >= recorded * 95 / 100,
            "{kind}: {} true, {recorded} recorded",
            of(kind)
        );
    }
    let shown = shilu(&["counts", "--data", &one]);
    assert!(shown.stderr.contains("simulated"), "{shown:?}");
}
