//! The red team: what an operator with the register's own key can try, and what somebody without it. Each attack is
//! named with who notices it and by which code; what nobody can notice alone is shown to pass alone.
//!
//! `operator.rs` is the attacker's software; everything that detects is the program as people run it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shilu_engine::model::{Action, Event, Timestamp, decode};
use shilu_merkle::{Addition, Algorithm, Hash, Receipt, SignedCheckpoint, SignerKey, VerifierKey};
use shilu_tests::workload::CAMPAIGN;

use crate::{
    operator::{copy, edit, entries, other_id, prover, renumber, rewrite, sign},
    shilu::{Done, Register, Witness, command, serve, shilu},
};

/// How long the background check of a small log may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rows that are imported first: two events each, so that there is a full tile and a bundle.
const ROWS: usize = 150;

/// An honest register, and what others hold of it: its vkey, two checkpoints, receipts, a witness.
struct Village {
    register: Register,
    dir: PathBuf,
    /// The folder as it was when the first checkpoint was written down.
    past: PathBuf,
    key: String,
    /// Files with a checkpoint of the past and one of now.
    early: String,
    late: String,
    /// Receipts of the events that were sent one by one, by position.
    receipts: Vec<(u64, String)>,
    witness: Witness,
    /// Where the witness listens; it has cosigned `late`.
    url: String,
    /// The tablet whose signature is admitted.
    device: String,
}

fn rows(from: usize, to: usize) -> String {
    let row = |number: usize| format!("{number},area-{},{}\n", number % 5, number % 9);
    "code,area,rooms\n".to_owned() + &(from..to).map(row).collect::<String>()
}

fn import(register: &Register, dir: &Path, from: usize, to: usize) {
    let file = register.file(&format!("rows-{from}.csv"), rows(from, to));
    let words = [
        "--kind",
        "dwelling",
        "--as",
        "ann",
        "--reason",
        "door to door",
        "--snapshot",
    ];
    let mass = ["--allow-mass-deregister", "--data", dir.to_str().unwrap()];
    shilu(&[&["import", &file], &words[..], &mass].concat()).well();
}

/// One more row: a life that goes on, by the program itself.
fn grow(village: &Village, dir: &Path, key: usize) {
    let file = village
        .register
        .file(&format!("more-{key}.csv"), rows(key, key + 3));
    let words = ["--kind", "dwelling", "--as", "eve", "--reason", "as always"];
    shilu(&[&["import", &file], &words[..], &["--data", dir.to_str().unwrap()]].concat()).well();
}

impl Village {
    fn new() -> Village {
        let register = Register::new(CAMPAIGN);
        let dir = PathBuf::from(register.dir());
        let key = register.run(&["key"]).well().trim_end().to_owned();
        let device = register
            .home
            .path()
            .join("tablet.key")
            .to_str()
            .unwrap()
            .to_owned();
        let tablet = shilu(&["key", "new", "--actor", "cai", "--out", &device]).well();
        register
            .run(&[
                "key",
                "admit",
                tablet.trim_end(),
                "--as",
                "mayor",
                "--reason",
                "her tablet",
            ])
            .well();
        import(&register, &dir, 0, ROWS);
        let early = register.file("early", fs::read(dir.join("public/checkpoint")).unwrap());
        let past = copy(&dir, &register.home.path().join("past"));
        let mut village = Village {
            witness: Witness::new("audit.example/w1"),
            url: String::new(),
            late: String::new(),
            receipts: Vec::new(),
            register,
            dir,
            past,
            key,
            early,
            device,
        };
        village.work();
        village.late = village
            .register
            .file("late", fs::read(village.dir.join("public/checkpoint")).unwrap());
        village.url = village.witness.start(&village.key);
        let (status, body) = village.ask(&village.dir, 0);
        assert_eq!(status, 200, "{body}");
        village
    }

    /// Events one by one, each with its receipt: also a check by somebody else, and a signed command.
    fn work(&mut self) {
        let server = self.register.serve();
        let sent = [
            json!({"action": "collect", "record": "dwelling/x", "actor": "ann", "fields": {"area": "north", "rooms": 3}}),
            json!({"action": "collect", "record": "dwelling/y", "actor": "ann", "fields": {"area": "north"}}),
            json!({"action": "register", "record": "dwelling/x", "actor": "ann"}),
            json!({"action": "verify", "record": "dwelling/x", "actor": "bob", "outcome": "present", "observed": {"rooms": 3}}),
            json!({"action": "correct", "record": "dwelling/x", "actor": "ann", "reason": "wall", "changes": {"rooms": {"after": 4}}}),
            self.signed(json!({"action": "collect", "record": "dwelling/s", "actor": "cai", "fields": {"area": "south"}})),
            json!({"action": "collect", "record": "dwelling/z", "actor": "ann", "fields": {"area": "north"}}),
        ];
        for command in sent {
            let answer = server
                .post("/api/v1/commands?wait=published", command.to_string())
                .with(201);
            let position = answer["position"].as_u64().unwrap();
            let receipt = answer["receipt"].as_str().unwrap_or_else(|| panic!("{answer}"));
            let file = self.register.file(&format!("{position}.tlog-proof"), receipt);
            self.receipts.push((position, file));
        }
        assert!(server.terminate().success());
    }

    fn signed(&self, command: Value) -> Value {
        let file = self.register.file("command.json", command.to_string());
        shilu(&["key", "sign", &file, "--key", &self.device]).json()
    }

    /// `verify` of a folder, with the key pinned.
    fn verify(&self, dir: &Path, more: &[&str]) -> Done {
        let words = [
            "verify",
            "--data",
            dir.to_str().unwrap(),
            "--key",
            &self.key,
            "--format",
            "json",
        ];
        shilu(&[&words[..], more].concat())
    }

    /// `verify` finds nothing.
    #[track_caller]
    fn passes(&self, dir: &Path, more: &[&str]) {
        let done = self.verify(dir, more);
        assert_eq!(done.exit, 0, "{done:?}");
    }

    /// `verify` refuses with this code, at this position.
    #[track_caller]
    fn caught(&self, dir: &Path, more: &[&str], code: &str, position: Option<u64>) {
        assert_finding(&self.verify(dir, more), code, position);
    }

    #[track_caller]
    fn check_receipt(&self, receipt: &str, more: &[&str]) -> Done {
        shilu(&[&["check-receipt", receipt, "--key", &self.key], more].concat())
    }

    /// Asks the witness to cosign what a folder publishes, with the proof that its operator can make.
    fn ask(&self, dir: &Path, old: u64) -> (u16, String) {
        let checkpoint = SignedCheckpoint::parse(&fs::read(dir.join("public/checkpoint")).unwrap()).unwrap();
        let size = checkpoint.unchecked().size;
        let request = Addition {
            old,
            proof: prover(dir, size).consistency(old.min(size)).unwrap(),
            checkpoint,
        };
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build();
        let agent: ureq::Agent = agent.into();
        let url = format!("{}/add-checkpoint", self.url);
        let mut answer = agent.post(&url).send(request.to_string()).unwrap();
        (
            answer.status().as_u16(),
            answer.body_mut().read_to_string().unwrap(),
        )
    }

    #[track_caller]
    fn witness_refuses(&self, dir: &Path, old: u64, status: u16, words: &str) {
        let (found, body) = self.ask(dir, old);
        assert!(found == status && body.contains(words), "{found} {body}");
    }

    fn size(&self) -> u64 {
        size(&self.late)
    }

    /// The events of the honest register.
    fn position(&self, wanted: impl Fn(&Event<'_>) -> bool) -> usize {
        let entries = entries(&self.dir);
        let found = entries.iter().position(|entry| wanted(&decode(entry).unwrap()));
        found.unwrap()
    }

    /// Forges a register, which goes on living. Alone it looks right; everybody who holds anything of the true one
    /// knows.
    #[track_caller]
    fn rewritten(&self, name: &str, alter: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let forged = rewrite(&self.dir, &self.register.home.path().join(name), alter);
        self.passes(&forged, &[]);
        for key in (0..self.size()).step_by(3).take(2) {
            grow(self, &forged, 10_000 + key as usize);
        }
        self.passes(&forged, &[]);
        self.caught(&forged, &["--since", &self.late], "HISTORY_REWRITTEN", None);
        self.witness_refuses(&forged, self.size(), 422, "NOT_CONSISTENT");
        // Any receipt given out after the change holds a checkpoint that convicts.
        let (_, newest) = self.receipts.last().unwrap();
        let receipt = Receipt::parse(&fs::read(newest).unwrap()).unwrap();
        let held = self.register.file("held", receipt.checkpoint.to_string());
        self.caught(&forged, &["--since", &held], "HISTORY_REWRITTEN", None);
        self.check_receipt(newest, &[]).well();
        // Nor can the forger pass off the event that was there under the new root.
        let forged = SignedCheckpoint::parse(&fs::read(forged.join("public/checkpoint")).unwrap()).unwrap();
        let receipt = Receipt {
            checkpoint: forged,
            ..receipt
        };
        let pasted = self.register.file("pasted", receipt.to_string());
        let done = self.check_receipt(&pasted, &[]);
        assert!(
            done.exit == 1 && (done.stderr.contains("NOT_INCLUDED") || done.stderr.contains("BAD_PROOF")),
            "{done:?}"
        );
    }

    /// Forges a register of which the rules alone say that it is none.
    #[track_caller]
    fn against_the_rules(
        &self,
        name: &str,
        code: &str,
        position: usize,
        alter: impl FnOnce(&mut Vec<Vec<u8>>),
    ) {
        let forged = rewrite(&self.dir, &self.register.home.path().join(name), alter);
        for how in [&[][..], &["--published"]] {
            self.caught(&forged, how, code, Some(position as u64));
        }
        self.caught(&forged, &["--since", &self.early], code, Some(position as u64));
    }
}

#[track_caller]
fn assert_finding(done: &Done, code: &str, position: Option<u64>) {
    assert_eq!(done.exit, 1, "{code}: {done:?}");
    let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert_eq!(
        (&answer["ok"], &answer["code"], &answer["position"]),
        (&json!(false), &json!(code), &json!(position)),
        "{done:?}"
    );
}

fn size(checkpoint: &str) -> u64 {
    SignedCheckpoint::parse(&fs::read(checkpoint).unwrap())
        .unwrap()
        .unchecked()
        .size
}

#[test]
fn an_honest_register_passes_everything() {
    let village = Village::new();
    for since in [&village.early, &village.late] {
        village.passes(&village.dir, &["--since", since]);
        village.passes(&village.dir, &["--since", since, "--published"]);
    }
    assert!(size(&village.late) > size(&village.early) && size(&village.early) > 256);
    for (_, receipt) in &village.receipts {
        village.check_receipt(receipt, &[]).well();
    }
    // Written anew as it was, it is the same history: the attacker's software is not what is noticed below.
    let same = rewrite(&village.dir, &village.register.home.path().join("same"), |_| {});
    village.passes(&same, &["--since", &village.late]);
    grow(&village, &same, 10_000);
    village.passes(&same, &["--since", &village.late]);
    let (status, body) = village.ask(&same, village.size());
    assert_eq!(status, 200, "{body}");
}

#[test]
fn an_event_that_was_rewritten() {
    let village = Village::new();
    let place = village.position(|event| event.key == "7" && event.action == Action::Collect);
    village.rewritten("changed", |entries| {
        edit(&mut entries[place], |event| event.actor = "eve")
    });
    // With the published tiles of the true one beside it, the position is named.
    let careless = |name: &str, place: usize| {
        let forged = rewrite(
            &village.dir,
            &village.register.home.path().join(name),
            |entries| {
                edit(&mut entries[place], |event| event.actor = "eve");
            },
        );
        fs::remove_dir_all(forged.join("public")).unwrap();
        copy(&village.dir.join("public"), &forged.join("public"));
        for how in [&[][..], &["--published"]] {
            village.caught(&forged, how, "ENTRY_NOT_IN_TILE", Some(place as u64));
        }
        forged
    };
    // Among the newest events, the program itself does not go on with it.
    let forged = careless("careless", village.position(|event| event.key == "z"));
    shilu(&["show", "dwelling/7", "--data", forged.to_str().unwrap()]).refused(1, "LOG_DAMAGED");
    // Further back, a server finds it in the background, and takes nothing any more.
    let forged = careless("careless-before", place);
    let server = serve(&forged);
    let begun = Instant::now();
    while server.get("/readyz").status == 200 {
        assert!(begun.elapsed() < PATIENCE, "the background check found nothing");
        thread::yield_now();
    }
    let command = json!({"action": "register", "record": "dwelling/z", "actor": "ann"});
    server.command(&command).problem(500, "LOG_DAMAGED");
}

#[test]
fn events_that_were_dropped() {
    let village = Village::new();
    let gone = village.position(|event| event.key == "y");
    village.rewritten("dropped", |entries| {
        entries.remove(gone);
        renumber(entries);
    });
    village.against_the_rules("gap", "OUT_OF_PLACE", gone, |entries| drop(entries.remove(gone)));
    // An event that others rest on cannot go unseen even by the rules.
    let first = village.position(|event| event.key == "x");
    let next = village.position(|event| event.key == "x" && event.action == Action::Register) - 1;
    village.against_the_rules("headless", "AGAINST_THE_RULES", next, |entries| {
        entries.remove(first);
        renumber(entries);
    });
}

#[test]
fn an_event_that_was_repeated() {
    let village = Village::new();
    let place = village.position(|event| event.key == "y");
    village.against_the_rules("same-id", "NOT_WHAT_THE_RULES_GIVE", place + 1, |entries| {
        entries.insert(place, entries[place].clone());
        renumber(entries);
    });
    // As a second visit that confirms the first, it is by the rules: a new event, in an old place.
    village.rewritten("confirmed", |entries| {
        let mut again = entries[place].clone();
        edit(&mut again, |event| {
            event.version = 2;
            event.id = other_id(event.id);
            for change in &mut event.changes {
                change.before = change.after;
            }
        });
        entries.insert(place + 1, again);
        renumber(entries);
    });
}

#[test]
fn events_that_were_put_into_another_order() {
    let village = Village::new();
    // Two records that know nothing of each other, each at the other's time.
    let place = village.position(|event| event.key == "7");
    village.rewritten("reordered", |entries| {
        let times: Vec<_> = (place..place + 4)
            .map(|place| decode(&entries[place]).unwrap().recorded)
            .collect();
        entries.swap(place, place + 2);
        entries.swap(place + 1, place + 3);
        for (entry, time) in entries[place..].iter_mut().zip(times) {
            edit(entry, |event| {
                if event.effective == event.recorded {
                    event.effective = time;
                }
                event.recorded = time;
            });
        }
        renumber(entries);
    });
    village.against_the_rules("swapped", "OUT_OF_PLACE", place, |entries| {
        entries.swap(place, place + 2)
    });
}

#[test]
fn an_event_that_was_back_dated() {
    let village = Village::new();
    let place = village.position(|event| event.key == "z");
    let recorded = |entry: &[u8]| decode(entry).unwrap().recorded;
    village.rewritten("back-dated", |entries| {
        let earlier = recorded(&entries[place - 1]);
        edit(&mut entries[place], |event| {
            (event.recorded, event.effective) = (earlier, earlier);
        });
    });
    village.against_the_rules("before-its-time", "TIME_WENT_BACK", place, |entries| {
        let earlier = Timestamp::from_micros(recorded(&entries[0]).micros());
        edit(&mut entries[place], |event| {
            (event.recorded, event.effective) = (earlier, earlier);
        });
    });
}

#[test]
fn a_tail_that_was_cut_off() {
    let village = Village::new();
    // The whole folder as it was once, tiles and checkpoint and all.
    village.passes(&village.past, &[]);
    village.passes(&village.past, &["--since", &village.early]);
    village.caught(
        &village.past,
        &["--since", &village.late],
        "CHECKPOINT_OLDER",
        None,
    );
    let (status, body) = village.ask(&village.past, 0);
    assert_eq!((status, body), (409, format!("{}\n", village.size())));
    village.witness_refuses(&village.past, village.size(), 400, "OLD_IS_LARGER");
    // Grown again beyond its old size, it is another history.
    for key in [20_000, 20_100, 20_200] {
        grow(&village, &village.past, key);
    }
    village.passes(&village.past, &["--since", &village.early]);
    village.caught(
        &village.past,
        &["--since", &village.late],
        "HISTORY_REWRITTEN",
        None,
    );
    village.witness_refuses(&village.past, village.size(), 422, "NOT_CONSISTENT");
    // The log alone cut short, under the checkpoint of now: the program does not open it.
    let cut = rewrite(
        &village.dir,
        &village.register.home.path().join("cut"),
        |entries| {
            entries.truncate(entries.len() - 3);
        },
    );
    fs::remove_dir_all(cut.join("public")).unwrap();
    copy(&village.dir.join("public"), &cut.join("public"));
    village.caught(&cut, &[], "LOG_TRUNCATED", Some(village.size() - 3));
    shilu(&["show", "dwelling/x", "--data", cut.to_str().unwrap()]).refused(1, "LOG_DAMAGED");
}

#[test]
fn two_clients_who_are_shown_two_histories() {
    let village = Village::new();
    let home = village.register.home.path();
    let (one, other) = (
        copy(&village.dir, &home.join("one")),
        copy(&village.dir, &home.join("other")),
    );
    grow(&village, &one, 30_000);
    grow(&village, &other, 40_000);
    for dir in [&one, &other] {
        village.passes(dir, &["--since", &village.late]);
    }
    // The witness cosigns one of them only.
    let (status, body) = village.ask(&one, village.size());
    assert_eq!(status, 200, "{body}");
    let published = |dir: &Path| fs::read(dir.join("public/checkpoint")).unwrap();
    let mut cosigned = SignedCheckpoint::parse(&published(&one)).unwrap();
    cosigned.add([shilu_merkle::NoteSignature::parse(body.trim_end()).unwrap()]);
    let size_of_one = cosigned.unchecked().size;
    village.witness_refuses(&other, size_of_one, 409, "OTHER_ROOT");
    village.witness_refuses(&other, village.size(), 409, &size_of_one.to_string());
    grow(&village, &other, 50_000);
    village.witness_refuses(&other, size_of_one, 422, "NOT_CONSISTENT");
    let witnessed = ["--witness", &village.witness.key];
    fs::write(one.join("public/checkpoint"), cosigned.to_string()).unwrap();
    village.passes(&one, &witnessed);
    village.caught(&other, &witnessed, "QUORUM_MISSING", None);
    // A client's checkpoint convicts the other history, and a cosignature does not move to it.
    let shown = village.register.file("shown", cosigned.to_string());
    village.caught(&other, &["--since", &shown], "HISTORY_REWRITTEN", None);
    let mut moved = SignedCheckpoint::parse(&published(&other)).unwrap();
    moved.add(
        cosigned
            .note()
            .signatures
            .iter()
            .filter(|line| line.name == "audit.example/w1")
            .cloned(),
    );
    fs::write(other.join("public/checkpoint"), moved.to_string()).unwrap();
    village.caught(&other, &witnessed, "FORGED_SIGNATURE", None);
}

/// Serves a folder's published files as they lie there, but for the checkpoint: that is always this one.
fn replay(dir: &Path, checkpoint: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (dir, checkpoint) = (dir.to_owned(), fs::read(checkpoint).unwrap());
    // It ends with the tests' process.
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let name = first
                .split(' ')
                .nth(1)
                .unwrap()
                .trim_start_matches('/')
                .to_owned();
            let found = match name.as_str() {
                "checkpoint" => Some(checkpoint.clone()),
                name => ["public", "mirror"]
                    .iter()
                    .find_map(|side| fs::read(dir.join(side).join(name)).ok()),
            };
            let (status, body) = match found {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            client.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        }
    });
    url
}

#[test]
fn an_old_checkpoint_that_is_replayed_over_http() {
    let village = Village::new();
    let url = replay(&village.dir, &village.early);
    let verify = |more: &[&str]| {
        let words = [
            "verify",
            "--server",
            &url,
            "--key",
            &village.key,
            "--format",
            "json",
        ];
        shilu(&[&words[..], more].concat())
    };
    // Without anything newer in one's hands, it is a past that was once true.
    let done = verify(&["--since", &village.early]).json();
    assert_eq!(done["size"], size(&village.early));
    assert_finding(&verify(&["--since", &village.late]), "CHECKPOINT_OLDER", None);
    let (_, receipt) = village.receipts.first().unwrap();
    let receipt = Receipt::parse(&fs::read(receipt).unwrap()).unwrap();
    let held = village.register.file("held", receipt.checkpoint.to_string());
    assert_finding(&verify(&["--since", &held]), "CHECKPOINT_OLDER", None);
    // A server that is asked for the truth has it.
    let server = village.register.serve();
    let words = [
        "verify",
        "--server",
        &server.url,
        "--key",
        &village.key,
        "--since",
        &village.late,
    ];
    shilu(&words).well();
}

#[test]
fn a_wrong_root_under_the_true_signature() {
    let village = Village::new();
    let home = village.register.home.path();
    let dir = copy(&village.dir, &home.join("wrong-root"));
    let wrong = sign(&dir, |said| said.root = Hash::leaf(b"another"));
    for how in [&[][..], &["--published"]] {
        village.caught(&dir, how, "WRONG_ROOT", None);
    }
    shilu(&["show", "dwelling/x", "--data", dir.to_str().unwrap()]).refused(1, "LOG_DAMAGED");
    let (_, newest) = village.receipts.last().unwrap();
    let receipt = Receipt::parse(&fs::read(newest).unwrap()).unwrap();
    let forged = Receipt {
        checkpoint: wrong,
        ..receipt
    };
    let forged = village.register.file("forged", forged.to_string());
    village.check_receipt(&forged, &[]).refused(1, "NOT_INCLUDED");
    village.witness_refuses(&dir, village.size(), 409, "OTHER_ROOT");
    // A size that the log does not have.
    let dir = copy(&village.dir, &home.join("wrong-size"));
    sign(&dir, |said| said.size += 1);
    village.caught(&dir, &[], "TILE_MISSING", Some(256));
    shilu(&["show", "dwelling/x", "--data", dir.to_str().unwrap()]).refused(1, "LOG_DAMAGED");
}

#[test]
fn a_checkpoint_by_somebody_elses_key() {
    let village = Village::new();
    let dir = copy(&village.dir, &village.register.home.path().join("usurped"));
    let checkpoint = SignedCheckpoint::parse(&fs::read(&village.late).unwrap()).unwrap();
    let usurper = SignerKey::from_seed("example.org/village", Algorithm::Ed25519, &[7; 32]).unwrap();
    let signed = checkpoint.unchecked().sign([&usurper]);
    fs::write(dir.join("public/checkpoint"), signed.to_string()).unwrap();
    village.caught(&dir, &[], "NOT_SIGNED", None);
    shilu(&["show", "dwelling/x", "--data", dir.to_str().unwrap()]).refused(1, "CHECKPOINT_DAMAGED");
    // Whoever pins the usurper's key learns that the log never named it.
    let words = [
        "verify",
        "--data",
        dir.to_str().unwrap(),
        "--format",
        "json",
        "--key",
    ];
    let theirs = usurper.verifier().to_string();
    assert_finding(&shilu(&[&words[..], &[&theirs]].concat()), "NOT_SIGNED", None);
}

#[test]
fn a_receipt_that_was_forged() {
    let village = Village::new();
    let (_, file) = &village.receipts[3];
    let true_one = Receipt::parse(&fs::read(file).unwrap()).unwrap();
    let done = village.check_receipt(file, &["--format", "json"]).json();
    assert_eq!(done["position"], true_one.index);
    let refused = |what: &str, receipt: &Receipt, codes: &[&str]| {
        let file = village.register.file("forged", receipt.to_string());
        let done = village.check_receipt(&file, &[]);
        assert_eq!(done.exit, 1, "{what}: {done:?}");
        assert!(
            codes.iter().any(|code| done.stderr.contains(code)),
            "{what}, {codes:?}: {done:?}"
        );
    };
    let mut other = true_one.clone();
    edit(&mut other.entry, |event| event.actor = "eve");
    refused("another event", &other, &["NOT_INCLUDED"]);
    for index in [0, true_one.index - 1, true_one.index + 1] {
        refused(
            "another position",
            &Receipt {
                index,
                ..true_one.clone()
            },
            &["NOT_INCLUDED", "BAD_PROOF"],
        );
    }
    let mut cut = true_one.clone();
    cut.proof.pop();
    refused("a shorter proof", &cut, &["BAD_PROOF"]);
    // Another log with a name and a key of its own, and one that only bears the name.
    let elsewhere = Register::new(&CAMPAIGN.replace("example.org/village", "example.org/town"));
    let namesake = Register::new(CAMPAIGN);
    for (register, code) in [(&elsewhere, "OTHER_LOG"), (&namesake, "NOT_SIGNED")] {
        let bytes = fs::read(Path::new(register.dir()).join("public/checkpoint")).unwrap();
        let checkpoint = SignedCheckpoint::parse(&bytes).unwrap();
        refused(
            "another log's checkpoint",
            &Receipt {
                checkpoint,
                ..true_one.clone()
            },
            &[code],
        );
    }
    // The signature of one checkpoint under the text of another.
    let text = fs::read_to_string(file).unwrap();
    let signature = text.lines().last().unwrap();
    let early = fs::read_to_string(&village.early).unwrap();
    let pasted = text.replace(signature, early.lines().last().unwrap());
    let pasted = village.register.file("forged", pasted);
    village.check_receipt(&pasted, &[]).refused(1, "FORGED_SIGNATURE");
}

#[test]
fn a_cosignature_that_was_forged() {
    let village = Village::new();
    let key = VerifierKey::parse(&village.witness.key).unwrap();
    let (_, file) = village.receipts.last().unwrap();
    let receipt = Receipt::parse(&fs::read(file).unwrap()).unwrap();
    let witnessed = ["--witness", &village.witness.key];
    village
        .check_receipt(file, &witnessed)
        .refused(1, "QUORUM_MISSING");
    // The true one, which the witness gives for the newest checkpoint.
    let (status, body) = village.ask(&village.dir, village.size());
    assert_eq!(status, 200, "{body}");
    let line = shilu_merkle::NoteSignature::parse(body.trim_end()).unwrap();
    let with = |line: shilu_merkle::NoteSignature| {
        let mut receipt = receipt.clone();
        receipt.checkpoint.add([line]);
        village.register.file("cosigned", receipt.to_string())
    };
    village.check_receipt(&with(line.clone()), &witnessed).well();
    // Another time, a signature under the witness's name by another key, and one that claims its key too.
    let mut later = line.clone();
    later.bytes[7] ^= 1;
    village
        .check_receipt(&with(later), &witnessed)
        .refused(1, "FORGED_SIGNATURE");
    let other = SignerKey::from_seed(key.name(), Algorithm::Cosignature, &[7; 32]).unwrap();
    let forged = other.sign_note(&receipt.checkpoint.note().text, 1_700_000_000);
    village
        .check_receipt(&with(forged.clone()), &witnessed)
        .refused(1, "QUORUM_MISSING");
    let forged = shilu_merkle::NoteSignature {
        id: key.id(),
        ..forged
    };
    village
        .check_receipt(&with(forged), &witnessed)
        .refused(1, "FORGED_SIGNATURE");
}

#[test]
fn an_actor_in_whose_name_somebody_else_acts() {
    let village = Village::new();
    let place = village.position(|event| event.actor == "cai");
    village.against_the_rules("flipped", "BAD_ACTOR_SIGNATURE", place, |entries| {
        *entries[place].last_mut().unwrap() ^= 1;
    });
    village.against_the_rules("other-actor", "BAD_ACTOR_SIGNATURE", place, |entries| {
        edit(&mut entries[place], |event| event.actor = "ann");
    });
    village.against_the_rules("other-content", "BAD_ACTOR_SIGNATURE", place, |entries| {
        edit(&mut entries[place], |event| event.reason = Some("as I was told"));
    });
    // Moved to another event, it signs nothing.
    let unsigned = village.position(|event| event.key == "z");
    village.against_the_rules("moved", "BAD_ACTOR_SIGNATURE", unsigned, |entries| {
        let signed = entries[place].clone();
        let signature = decode(&signed).unwrap().signature;
        let stored = std::mem::take(&mut entries[unsigned]);
        let mut event = decode(&stored).unwrap();
        let stated = decode(&signed).unwrap().stated;
        (event.actor, event.signature, event.stated) = ("cai", signature, stated);
        shilu_engine::model::encode(&event, &mut entries[unsigned]).unwrap();
    });
    // The receipt shows it offline, to whoever has the actor's key.
    let (_, receipt) = village
        .receipts
        .iter()
        .find(|(position, _)| *position == place as u64)
        .unwrap();
    let hers = fs::read_to_string(&village.device).unwrap();
    let hers = SignerKey::parse(hers.trim_end()).unwrap().verifier().to_string();
    let done = village
        .check_receipt(receipt, &["--actor-key", &hers, "--format", "json"])
        .json();
    assert_eq!(done["actor_signature"]["checked"], true, "{done}");
    let another = SignerKey::from_seed("cai", Algorithm::Ed25519, &[7; 32]).unwrap();
    let done = village.check_receipt(receipt, &["--actor-key", &another.verifier().to_string()]);
    assert_eq!(done.exit, 1, "{done:?}");
}

#[test]
fn events_that_the_rules_forbid() {
    let village = Village::new();
    let check = village.position(|event| event.action == Action::Verify);
    village.against_the_rules("own-work", "AGAINST_THE_RULES", check, |entries| {
        edit(&mut entries[check], |event| event.actor = "ann");
    });
    village.against_the_rules("skipped-version", "NOT_WHAT_THE_RULES_GIVE", check, |entries| {
        edit(&mut entries[check], |event| event.version += 1);
    });
    village.against_the_rules("other-verdict", "NOT_WHAT_THE_RULES_GIVE", check, |entries| {
        edit(&mut entries[check], |event| {
            event.observed[0].verdict = shilu_engine::model::Verdict::Differs;
        });
    });
    let correction = village.position(|event| event.action == Action::Correct);
    village.against_the_rules("no-reason", "AGAINST_THE_RULES", correction, |entries| {
        edit(&mut entries[correction], |event| event.reason = None);
    });
    village.against_the_rules("other-before", "NOT_WHAT_THE_RULES_GIVE", correction, |entries| {
        edit(&mut entries[correction], |event| {
            event.changes[0].before = Some(shilu_engine::model::Value::Integer(1));
        });
    });
    village.against_the_rules("in-the-future", "AGAINST_THE_RULES", correction, |entries| {
        edit(&mut entries[correction], |event| {
            event.effective = event.recorded.plus_micros(1_000_000);
            event.stated = event.stated.with(shilu_engine::model::Stated::EFFECTIVE, true);
        });
    });
    village.against_the_rules("not-canonical", "NOT_CANONICAL", 1, |entries| {
        // The position, written as a longer integer than it needs.
        let mut bytes = vec![entries[1][0], 251, entries[1][1], 0];
        bytes.extend_from_slice(&entries[1][2..]);
        entries[1] = bytes;
    });
}

/// A saved projection of other events that says it is of this log, checksum and all.
fn forged_projection(file: &[u8], honest: &[u8]) -> Vec<u8> {
    let mut forged = file[..file.len() - 32].to_vec();
    // Where it stands: the position, the time, and the hash of the log's chunk that ends there.
    forged[12..60].copy_from_slice(&honest[12..60]);
    let digest = Sha256::digest(&forged);
    forged.extend_from_slice(&digest);
    forged
}

#[test]
fn saved_projections_that_were_forged() {
    let village = Village::new();
    let home = village.register.home.path();
    let twin = rewrite(&village.past, &home.join("twin"), |entries| {
        let place = entries
            .iter()
            .position(|entry| decode(entry).unwrap().key == "7")
            .unwrap();
        edit(&mut entries[place], |event| event.actor = "eve");
    });
    // Opened once, it saves its projections: those of the past, but for one event.
    shilu(&["show", "dwelling/7", "--data", twin.to_str().unwrap()]).well();
    let victim = copy(&village.dir, &home.join("victim"));
    for entry in fs::read_dir(twin.join("projections")).unwrap() {
        let entry = entry.unwrap();
        let honest = fs::read(village.past.join("projections").join(entry.file_name())).unwrap();
        let forged = forged_projection(&fs::read(entry.path()).unwrap(), &honest);
        fs::write(victim.join("projections").join(entry.file_name()), forged).unwrap();
    }
    let served = copy(&victim, &home.join("served"));
    let by = |actor: &str| {
        let words = ["changes", "--actor", actor, "--format", "jsonl", "--limit", "0"];
        shilu(&[&words[..], &["--data", served.to_str().unwrap()]].concat()).well()
    };
    assert!(
        by("eve").contains("dwelling/7"),
        "the program believes them: only the audit can tell"
    );
    village.caught(&victim, &[], "PROJECTION_DIFFERS", None);
    let mended = shilu(&["rebuild", "--data", victim.to_str().unwrap(), "--format", "json"]);
    assert!(
        mended.exit == 1 && mended.stdout.contains("\"same\":false"),
        "{mended:?}"
    );
    village.passes(&victim, &[]);
}

#[test]
fn a_mirror_that_is_not_the_log() {
    let village = Village::new();
    let home = village.register.home.path();
    village.passes(&village.dir, &[]);
    let honest = village.verify(&village.dir, &[]).json();
    assert_eq!(honest["bundles"], village.size().div_ceil(256), "{honest}");
    let bundles = [("000", 255), ("001.p", village.size() - 1)];
    for (number, (name, last)) in bundles.into_iter().enumerate() {
        let dir = copy(&village.dir, &home.join(format!("mirror-{number}")));
        let mut path = dir.join("mirror/tile/entries").join(name);
        if path.is_dir() {
            path = path.join((village.size() % 256).to_string());
        }
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        village.caught(&dir, &[], "BUNDLE_WRONG", Some(last));
        fs::remove_file(&path).unwrap();
        village.caught(&dir, &[], "BUNDLE_MISSING", Some(last / 256 * 256));
        // As the hint says.
        fs::remove_dir_all(dir.join("mirror/tile")).unwrap();
        shilu(&["show", "dwelling/7", "--data", dir.to_str().unwrap()]).well();
        village.passes(&dir, &[]);
    }
}

#[test]
fn files_that_never_end() {
    let village = Village::new();
    let home = village.register.home.path();
    for (number, (name, code, position)) in [
        ("public/checkpoint", "BAD_NOTE", None),
        ("public/tile/0/000", "BAD_TILE", Some(0)),
        ("mirror/tile/entries/000", "BAD_BUNDLE", Some(0)),
        ("mirror/attachments", "CAMPAIGN_CHANGED", Some(0)),
    ]
    .into_iter()
    .enumerate()
    {
        let dir = copy(&village.dir, &home.join(format!("endless-{number}")));
        let mut path = dir.join(name);
        if path.is_dir() {
            path = fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
        }
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        village.caught(&dir, &["--published"], code, position);
    }
    let done = village.verify(&village.dir, &["--since", "/dev/zero"]);
    assert!(done.exit == 2 && done.stdout.contains("BAD_NOTE"), "{done:?}");
    let done = shilu(&["check-receipt", "/dev/zero", "--key", &village.key]);
    done.refused(2, "BAD_RECEIPT");
    // And over the network, where the answer has no length.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            client
                .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                .unwrap();
            while client.write_all(&[b'x'; 4096]).is_ok() {}
        }
    });
    let done = shilu(&["verify", "--server", &url, "--format", "json"]);
    assert_finding(&done, "BAD_NOTE", None);
}

#[test]
fn times_that_a_witness_contradicts() {
    let village = Village::new();
    let witness = SignerKey::from_seed("audit.example/w9", Algorithm::Cosignature, &[9; 32]).unwrap();
    let vkey = witness.verifier().to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let cosigned = |of: &str, at: u64| {
        let mut checkpoint = SignedCheckpoint::parse(&fs::read(of).unwrap()).unwrap();
        let line = witness.sign_note(&checkpoint.note().text, at);
        checkpoint.add([line]);
        checkpoint.to_string()
    };
    let early = size(&village.early);
    let audit = |at: u64, more: &[&str]| {
        let since = village.register.file("cosigned", cosigned(&village.early, at));
        let words = ["--since", &since, "--witness", &vkey, "--quorum", "0"];
        village.verify(&village.dir, &[&words[..], more].concat())
    };
    audit(now, &[]).well();
    // As if the register had dated what the witness saw an hour later, and what it did not see an hour earlier.
    assert_finding(&audit(now - 3_600, &[]), "POST_DATED", Some(0));
    assert_finding(&audit(now + 3_600, &[]), "BACK_DATED", Some(early));
    assert_finding(&audit(now + 3_600, &["--published"]), "BACK_DATED", Some(early));
    // Nobody's word is taken for that but a witness's that is trusted.
    let since = village
        .register
        .file("cosigned", cosigned(&village.early, now + 3_600));
    village.passes(&village.dir, &["--since", &since]);
    let dir = copy(&village.dir, &village.register.home.path().join("post-dated"));
    fs::write(
        dir.join("public/checkpoint"),
        cosigned(&village.late, now - 3_600),
    )
    .unwrap();
    village.caught(&dir, &["--witness", &vkey], "POST_DATED", Some(0));
}

#[test]
fn checkpoints_that_are_held_against_a_register() {
    let village = Village::new();
    // A receipt will do: it holds a checkpoint.
    let (_, receipt) = village.receipts.first().unwrap();
    let held = Receipt::parse(&fs::read(receipt).unwrap()).unwrap();
    let done = village.verify(&village.dir, &["--since", receipt]).json();
    assert_eq!(done["since"], held.checkpoint.unchecked().size, "{done}");
    let forged = rewrite(
        &village.dir,
        &village.register.home.path().join("forged"),
        |entries| {
            edit(&mut entries[9], |event| event.actor = "eve");
        },
    );
    village.caught(&forged, &["--since", receipt], "HISTORY_REWRITTEN", None);
    let mut other = held.clone();
    edit(&mut other.entry, |event| event.actor = "eve");
    let other = village.register.file("other", other.to_string());
    let done = village.verify(&village.dir, &["--since", &other]);
    assert!(done.exit == 1 && done.stdout.contains("NOT_INCLUDED"), "{done:?}");
    // What the log did not sign convicts nobody.
    let honest = SignedCheckpoint::parse(&fs::read(&village.early).unwrap()).unwrap();
    let said = |size| shilu_merkle::Checkpoint {
        size,
        root: Hash::leaf(b"another"),
        ..honest.unchecked().clone()
    };
    let slanderer = SignerKey::from_seed("example.org/village", Algorithm::Ed25519, &[7; 32]).unwrap();
    for size in [5, village.size() + 5] {
        let mut slander = said(size).sign([&slanderer]);
        let file = village.register.file("slander", slander.to_string());
        village.caught(&village.dir, &["--since", &file], "NOT_SIGNED", None);
        slander.add(honest.note().signatures.clone());
        let file = village.register.file("slander", slander.to_string());
        village.caught(&village.dir, &["--since", &file], "FORGED_SIGNATURE", None);
    }
}

#[test]
fn an_operator_who_admits_a_key_of_their_own() {
    let village = Village::new();
    let mine = village
        .register
        .home
        .path()
        .join("mine.key")
        .to_str()
        .unwrap()
        .to_owned();
    let vkey = shilu(&["key", "new", "--actor", "cai", "--out", &mine]).well();
    let vkey = vkey.trim_end();
    let why = ["--as", "eve", "--reason", "her new tablet"];
    let change = |deed: &str| {
        village
            .register
            .run(&[&["key", deed, vkey], &why[..]].concat())
            .well()
    };
    change("admit");
    let command =
        json!({"action": "collect", "record": "dwelling/never", "actor": "cai", "fields": {"area": "south"}});
    let file = village.register.file("forged.json", command.to_string());
    let signed = shilu(&["key", "sign", &file, "--key", &mine]).json();
    let server = village.register.serve();
    server.command(&signed).with(201);
    assert!(server.terminate().success());
    change("withdraw");
    // The signature is good. What remains is that the key was admitted, by whom, and that the officer does not know it.
    let done = village.verify(&village.dir, &[]).json();
    let told: Vec<_> = done["actor_keys"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 3, "{done}");
    for (change, admitted) in told[1..].iter().zip([true, false]) {
        assert_eq!(
            (
                &change["actor"],
                &change["key"],
                &change["by"],
                &change["admitted"]
            ),
            (&json!("cai"), &json!(vkey), &json!("eve"), &json!(admitted)),
            "{done}"
        );
    }
    let words = village.register.run(&["verify"]).well();
    assert!(
        words
            .lines()
            .any(|line| line.contains("Admitted by eve") && line.contains(vkey)),
        "{words}"
    );
}

#[test]
fn every_refusal_is_told_to_machines_and_says_what_to_do() {
    let village = Village::new();
    let home = village.register.home.path();
    let json_of = |done: &Done, code: &str| {
        let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
        assert_eq!(
            (&answer["ok"], &answer["code"]),
            (&json!(false), &json!(code)),
            "{done:?}"
        );
        assert!(
            answer["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
            "{answer}"
        );
        assert!(
            done.exit != 0 && done.stderr.contains(code) && done.stderr.contains("hint: "),
            "{done:?}"
        );
        answer["hint"].as_str().unwrap().to_owned()
    };
    let server = village.register.serve();
    let hint = json_of(&village.verify(&village.dir, &[]), "REGISTER_IN_USE");
    assert!(hint.contains("--published"), "{hint}");
    village.passes(&village.dir, &["--published"]);
    assert!(server.terminate().success());
    let gone = copy(&village.dir, &home.join("gone"));
    fs::remove_dir_all(gone.join("log")).unwrap();
    fs::create_dir(gone.join("log")).unwrap();
    json_of(&village.verify(&gone, &[]), "LOG_DAMAGED");
    json_of(&village.verify(home, &[]), "NOT_A_REGISTER");
    let wrong = copy(&village.dir, &home.join("wrong-root"));
    sign(&wrong, |said| said.root = Hash::leaf(b"another"));
    let one = json_of(&village.verify(&wrong, &[]), "WRONG_ROOT");
    fs::remove_file(wrong.join("public/checkpoint")).unwrap();
    let other = json_of(&village.verify(&wrong, &[]), "CHECKPOINT_MISSING");
    assert_ne!(one, other);
    // Witnesses are witnesses, each once, and the register is named.
    let verify = |more: &[&str]| village.verify(&village.dir, more);
    json_of(&verify(&["--witness", &village.key]), "BAD_KEY");
    let witness = village.witness.key.as_str();
    verify(&["--witness", witness, "--witness", witness]).refused(2, "named twice");
    verify(&["--witness", witness, "--quorum", "2"]).refused(2, "USAGE");
    let nothing = shilu(&["verify", "--key", &village.key]).refused(2, "no register is named");
    assert!(
        nothing.stderr.contains("--data DIR or --server URL"),
        "{nothing:?}"
    );
    let output = command()
        .env("SHILU_DATA", &village.dir)
        .args(["verify", "--key", &village.key])
        .output();
    assert!(output.unwrap().status.success());
    // Events that no checkpoint covers yet are said to be so.
    let file = village.register.file("later.csv", rows(60_000, 60_002));
    fs::rename(village.dir.join("key"), home.join("key")).unwrap();
    let words = [
        "import", &file, "--kind", "dwelling", "--as", "ann", "--reason", "later",
    ];
    village.register.run(&words).well();
    let done = village.register.run(&["verify", "--key", &village.key]);
    assert!(
        done.exit == 0 && done.stderr.contains("after the newest checkpoint"),
        "{done:?}"
    );
    assert!(
        done.stderr
            .contains(&format!("@{}..@{}", village.size(), village.size() + 1)),
        "{done:?}"
    );
}
