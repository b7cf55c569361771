//! The OpenAPI description: as checked in, and true.

use serde_json::Value;

use super::Register;
use crate::openapi;

#[test]
fn the_description_is_as_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let current = openapi() + "\n";
    if std::env::var_os("SHILU_RENEW").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        current == expected,
        "the API has changed; if that is meant, run `SHILU_RENEW=1 cargo test -p shilu-service description` and look at the diff of {path}"
    );
}

#[tokio::test]
async fn every_described_path_is_there() {
    let register = Register::new();
    let description = register.get("/openapi.json").await.ok();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 28);
    for (path, methods) in paths {
        if path == "/api/v1/live" {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let request = axum::http::Request::builder().method(method.to_uppercase().as_str());
            let uri = path
                .replace("{kind}", "dwelling")
                .replace("{key}", "1")
                .replace("{id}", "x");
            let got = register
                .send(request.uri(uri).body(axum::body::Body::empty()).unwrap())
                .await;
            let code =
                serde_json::from_str(&got.text).map_or(Value::Null, |json: Value| json["code"].clone());
            assert!(
                code != "NO_ROUTE" && code != "METHOD_NOT_ALLOWED",
                "{method} {path}"
            );
        }
    }
}
