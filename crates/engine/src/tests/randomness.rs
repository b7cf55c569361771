//! Ids and the key of a new register from given bytes: for simulated registers, so that one seed makes one log.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use shilu_model::{Deed, OwnedValue};

use super::{command, settable, submit};
use crate::{Engine, Init, Options, Randomness};

const CAMPAIGN: &str = r#"
name = "Parish"
origin = "example.org/parish"
timezone = "Asia/Shanghai"
earliest = 2015-01-01
[[kinds]]
id = "shop"
key = "code"
[kinds.fields]
code = { type = "text", required = true }
name = { type = "text", required = true }
"#;

/// Counts instead.
fn counting() -> Randomness {
    let next = AtomicU8::new(0);
    Arc::new(move || [next.fetch_add(1, Ordering::Relaxed); 32])
}

/// The published checkpoint of a register with two shops.
fn made(simulated: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("register");
    let options = Options {
        random: Some(counting()),
        ..settable("2015-04-01T09:00:00+08:00").1
    };
    let init = Init {
        campaign: CAMPAIGN,
        actor: "mayor",
        simulated,
    };
    Engine::init(&dir, &init, &options).unwrap();
    let engine = Engine::open(&dir, options).unwrap();
    for shop in ["shop/1", "shop/2"] {
        let name = ("name".to_owned(), Some(OwnedValue::Text("利民".to_owned())));
        submit(&engine, vec![command(shop, "li", Deed::Collect(vec![name]))]).unwrap();
    }
    engine.publish().unwrap();
    let published = engine.publication().borrow().clone();
    assert_eq!(published.size(), engine.end().get());
    let checkpoint = published.checkpoint.unwrap().to_string();
    engine.close().unwrap();
    checkpoint
}

#[test]
fn one_seed_makes_one_log_where_the_clock_is_simulated_and_nowhere_else() {
    assert_eq!(made(true), made(true));
    assert_ne!(made(false), made(false));
}
