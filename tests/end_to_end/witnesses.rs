//! Witnesses as processes of their own: a quorum that is there, one that is just there, and one that is not.

use std::{
    fs,
    io::{self, Read},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use shilu_tests::workload::CAMPAIGN;

use crate::shilu::{Register, Server, Witness, shilu};

/// How long something may take that takes some seconds: a witness that failed is left alone for ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address of a witness, which stays the same while its process comes and goes.
struct Gate {
    url: String,
    target: Arc<Mutex<Option<SocketAddr>>>,
}

impl Gate {
    fn new() -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&target);
        // It ends with the tests' process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, target) = (client.unwrap(), *known.lock().unwrap());
                thread::spawn(move || pass(client, target));
            }
        });
        Gate { url, target }
    }

    fn lead_to(&self, url: &str) {
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        *self.target.lock().unwrap() = Some(address);
    }
}

/// Passes bytes both ways; where nobody listens, the client is hung up on.
fn pass(client: TcpStream, target: Option<SocketAddr>) {
    let Some(Ok(server)) = target.map(TcpStream::connect) else {
        return;
    };
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = there.join();
}

fn collect(key: &str) -> Value {
    json!({"action": "collect", "record": format!("dwelling/{key}"), "actor": "ann", "fields": {"area": "north"}})
}

/// Asks until the publication is as it should be.
fn publication(server: &Server, is_right: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let publication = server.get("/api/v1/publication").with(200);
        if is_right(&publication) {
            return publication;
        }
        assert!(begun.elapsed() < PATIENCE, "{publication}");
        thread::yield_now();
    }
}

/// A register whose campaign names three witnesses, of which two must cosign.
struct Office {
    register: Register,
    key: String,
    witnesses: Vec<(Witness, Gate)>,
}

impl Office {
    fn new() -> Office {
        let witness = |number| (Witness::new(&format!("audit.example/w{number}")), Gate::new());
        let witnesses: Vec<_> = (1..=3).map(witness).collect();
        let mut campaign = CAMPAIGN.replace("earliest", "quorum = 2\nearliest");
        for (witness, gate) in &witnesses {
            campaign += &format!(
                "[[witnesses]]\nkey = \"{}\"\nurl = \"{}\"\n",
                witness.key, gate.url
            );
        }
        let register = Register::new(&campaign);
        let key = register.run(&["key"]).well().trim_end().to_owned();
        Office {
            register,
            key,
            witnesses,
        }
    }

    fn start(&mut self, number: usize) {
        let (witness, gate) = &mut self.witnesses[number];
        gate.lead_to(&witness.start(&self.key));
    }

    /// `verify` with the key and all witnesses named.
    fn verify<'a>(&'a self, how: &[&'a str], quorum: &'a str) -> crate::shilu::Done {
        let mut words = [
            &[
                "verify", "--format", "json", "--key", &self.key, "--quorum", quorum,
            ],
            how,
        ]
        .concat();
        for (witness, _) in &self.witnesses {
            words.extend(["--witness", &witness.key]);
        }
        shilu(&words)
    }
}

#[test]
fn a_quorum_of_witnesses_decides_what_is_published() {
    let mut office = Office::new();
    assert!(
        !Path::new(office.register.dir())
            .join("public/checkpoint")
            .exists(),
        "nothing is published before a witness has seen it"
    );
    (0..3).for_each(|number| office.start(number));
    let server = office.register.serve();
    let answer = server
        .post("/api/v1/commands?wait=published", collect("1").to_string())
        .with(201);
    let receipt = office
        .register
        .file("first.tlog-proof", answer["receipt"].as_str().unwrap());
    let mut words = vec!["check-receipt", &receipt, "--key", &office.key, "--quorum", "2"];
    for (witness, _) in &office.witnesses {
        words.extend(["--witness", &witness.key]);
    }
    shilu(&words).well();

    // One is dead: publishing goes on, and it is named.
    office.witnesses[2].0.kill();
    let answer = server
        .post("/api/v1/commands?wait=published", collect("2").to_string())
        .with(201);
    assert!(answer["receipt"].is_string(), "{answer}");
    let now = publication(&server, |now| now["witnesses"][2]["cosigned"] == false);
    assert_eq!((&now["code"], &now["quorum"]), (&Value::Null, &json!(2)), "{now}");
    assert!(now["witnesses"][2]["problem"].is_string(), "{now}");
    let log = || fs::read_to_string(office.register.home.path().join("register.log")).unwrap();
    let named = log()
        .lines()
        .any(|line| line.contains("a witness is missing") && line.contains("w3"));
    assert!(named, "{}", log());

    // A second one: nothing newer is published, writing and reading go on.
    let before = publication(&server, |now| now["unpublished"] == 0);
    let checkpoint = server.get("/checkpoint").body;
    office.witnesses[1].0.kill();
    for key in 3..20 {
        server.command(&collect(&key.to_string())).with(201);
    }
    let now = publication(&server, |now| now["code"] == "QUORUM_MISSING");
    assert_eq!(now["size"], before["size"], "{now}");
    assert!(now["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{now}");
    assert_eq!(server.get("/checkpoint").body, checkpoint);
    assert_eq!(server.get("/api/v1/records/dwelling/19").status, 200);
    assert!(log().contains("QUORUM_MISSING"), "{}", log());
    let done = office.verify(&["--server", &server.url], "2").json();
    assert_eq!((&done["ok"], &done["size"]), (&json!(true), &before["size"]));

    // Back again: published, and proved over HTTP, from a backup and from the folder.
    office.start(1);
    let now = publication(&server, |now| now["unpublished"] == 0);
    assert_eq!((&now["code"], &now["size"]), (&Value::Null, &json!(server.end())));
    let backup = office
        .register
        .home
        .path()
        .join("backup")
        .to_str()
        .unwrap()
        .to_owned();
    office.register.run(&["backup", &backup]).well();
    let over_http = office.verify(&["--server", &server.url], "2").json();
    assert_eq!(over_http["cosigned"].as_array().unwrap().len(), 2, "{over_http}");
    let refused = office.verify(&["--server", &server.url], "3");
    assert!(
        refused.exit == 1 && refused.stdout.contains("QUORUM_MISSING"),
        "{refused:?}"
    );
    assert!(server.terminate().success());
    for dir in [office.register.dir(), &backup] {
        let done = office.verify(&["--data", dir], "2").json();
        assert_eq!(
            (&done["unpublished"], &done["size"]),
            (&json!(0), &over_http["size"]),
            "{dir}"
        );
    }
}

#[test]
fn a_witness_that_does_not_answer_holds_nobody_up() {
    let mut office = Office::new();
    office.start(0);
    office.start(1);
    // It takes the request and says nothing, for as long as it is asked.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    office.witnesses[2]
        .1
        .lead_to(&format!("http://{}", silent.local_addr().unwrap()));
    let mute = thread::spawn(move || {
        let (mut client, _) = silent.accept().unwrap();
        let mut request = Vec::new();
        let _ = client.read_to_end(&mut request);
        request
    });
    let server = office.register.serve();
    let answer = server
        .post("/api/v1/commands?wait=published", collect("1").to_string())
        .with(201);
    assert!(answer["receipt"].is_string(), "{answer}");
    let now = publication(&server, |now| now["unpublished"] == 0);
    assert_eq!(now["code"], Value::Null, "{now}");
    assert!(server.terminate().success());
    assert!(mute.join().unwrap().starts_with(b"POST /add-checkpoint"));
    office.verify(&["--data", office.register.dir()], "2").well();
}

#[test]
fn a_key_that_was_prepared_is_known_to_the_witnesses_in_time() {
    let mut office = Office::new();
    (0..3).for_each(|number| office.start(number));
    let server = office.register.serve();
    let published = |server: &Server, key: &str| {
        let answer = server
            .post("/api/v1/commands?wait=published", collect(key).to_string())
            .with(201);
        assert!(answer["receipt"].is_string(), "{answer}");
    };
    published(&server, "1");
    // Also while it is served; asking twice makes one key.
    let prepared = office.register.run(&["key", "rotate", "--prepare"]).well();
    assert_eq!(
        office.register.run(&["key", "rotate", "--prepare"]).well(),
        prepared
    );
    assert_eq!(office.register.run(&["key"]).well().trim_end(), office.key);
    let mode = fs::metadata(Path::new(office.register.dir()).join("key.next"))
        .unwrap()
        .permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    assert!(server.terminate().success());
    let old = std::mem::replace(&mut office.key, prepared.trim_end().to_owned());
    for number in 0..3 {
        office.witnesses[number].0.kill();
        office.start(number);
    }
    let why = ["key", "rotate", "--as", "mayor", "--reason", "every year"];
    let rotated = office.register.run(&why);
    assert!(
        rotated
            .stderr
            .contains("audit.example/w1, audit.example/w2, audit.example/w3"),
        "{rotated:?}"
    );
    assert_eq!(rotated.well(), prepared);
    let server = office.register.serve();
    (2..5).for_each(|key| published(&server, &key.to_string()));
    assert!(server.terminate().success());
    office.verify(&["--data", office.register.dir()], "2").well();
    let words = ["verify", "--data", office.register.dir(), "--key", &old];
    shilu(&words).well();

    // Without that, nothing is published until they know it, and who they are is said.
    let rotated = office.register.run(&why);
    assert!(
        rotated.stderr.contains("until they know the new key"),
        "{rotated:?}"
    );
    assert!(
        rotated
            .stderr
            .contains("audit.example/w1, audit.example/w2, audit.example/w3"),
        "{rotated:?}"
    );
    office.key = rotated.well().trim_end().to_owned();
    let server = office.register.serve();
    server.command(&collect("6")).with(201);
    let now = publication(&server, |now| now["code"] == "QUORUM_MISSING");
    assert!(
        now["witnesses"][0]["problem"].as_str().unwrap().contains("403"),
        "{now}"
    );
    for number in 0..3 {
        office.witnesses[number].0.kill();
        office.start(number);
    }
    publication(&server, |now| now["unpublished"] == 0);
    assert!(server.terminate().success());
}
