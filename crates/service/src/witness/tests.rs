//! A witness over a socket, and its folder through restarts, kills and damage.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;
use shilu_merkle::{
    Addition, Algorithm, Checkpoint, Hash, Note, NoteSignature, Prover, SignedCheckpoint, SignerKey, Tile,
    Tiling, VerifierKey,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use super::{
    last::{Last, kept},
    *,
};

/// Longer than anything here should take; it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const ORIGIN: &str = "example.org/village";
const NAME: &str = "audit.example/w1";

/// A log with a history of its own: entries named by `story`, from where it forks off the story before.
struct TestLog {
    key: SignerKey,
    leaves: Vec<Hash>,
}

impl TestLog {
    fn new(story: &str, size: u64) -> Self {
        Self::forked("", 0, story, size)
    }

    /// `common` entries of one story, then another's.
    fn forked(first: &str, common: u64, then: &str, size: u64) -> Self {
        let entry = |index: u64| {
            let story = if index < common { first } else { then };
            Hash::leaf(format!("{story} {index}").as_bytes())
        };
        TestLog {
            key: log_key(7),
            leaves: (0..size).map(entry).collect(),
        }
    }

    fn tiling(&self, size: u64) -> Tiling {
        let mut tiling = Tiling::default();
        for leaf in self.leaves.iter().take(usize::try_from(size).unwrap()) {
            tiling.push(*leaf, |_| panic!("the logs here fit into one tile"));
        }
        tiling
    }

    fn checkpoint(&self, size: u64) -> SignedCheckpoint {
        let (origin, root) = (ORIGIN.to_owned(), self.tiling(size).root());
        Checkpoint { origin, size, root }.sign([&self.key])
    }

    /// What it sends to be cosigned at `size` by a witness that is at `old`.
    fn request(&self, old: u64, size: u64) -> Addition {
        let leaves = &self.leaves;
        let read = |tile: Tile| Ok::<_, EvidenceError>(Tile::bytes(&leaves[..tile.width]));
        let proof = if old <= size {
            Prover::new(size, read).consistency(old).unwrap()
        } else {
            Vec::new()
        };
        Addition {
            old,
            proof,
            checkpoint: self.checkpoint(size),
        }
    }
}

fn log_key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn open(dir: &Path) -> Result<Witness, WitnessError> {
    Witness::open(dir, Some(NAME), &[log_key(7).verifier().clone()])
}

struct Served {
    address: SocketAddr,
    key: VerifierKey,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
}

struct Got {
    status: u16,
    content_type: String,
    body: String,
}

impl Served {
    async fn start(dir: &Path) -> Served {
        let witness = open(dir).unwrap();
        let key = witness.key().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(serve_witness(witness, listener, async {
            let _ = stopped.await;
        }));
        Served {
            address,
            key,
            stop,
            ended,
        }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.ended).await.unwrap().unwrap().unwrap();
    }

    async fn send(&self, request: &Addition) -> Got {
        self.post(request.to_string().as_bytes()).await
    }

    async fn post(&self, body: &[u8]) -> Got {
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.ask([head.as_bytes(), body].concat()).await
    }

    async fn ask(&self, request: Vec<u8>) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut text = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut text))
            .await
            .unwrap()
            .unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: "));
        assert!(head.contains("x-request-id: "), "{head}");
        Got {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            content_type: content_type.unwrap_or_default().to_owned(),
            body: body.to_owned(),
        }
    }
}

impl Got {
    /// That it cosigns this checkpoint.
    #[track_caller]
    fn cosigns(&self, key: &VerifierKey, checkpoint: &SignedCheckpoint) {
        assert_eq!(self.status, 200, "{}", self.body);
        let line = self.body.strip_suffix('\n').unwrap();
        let mut checkpoint = checkpoint.clone();
        checkpoint.add([NoteSignature::parse(line).unwrap()]);
        let cosigned = checkpoint.cosigned(std::slice::from_ref(key)).unwrap();
        assert_eq!(cosigned.len(), 1, "{line}");
        assert!(cosigned[0].seconds > 1_500_000_000);
    }

    /// That the witness is at another size.
    #[track_caller]
    fn is_at(&self, size: u64) {
        assert_eq!(
            (self.status, self.content_type.as_str(), self.body.as_str()),
            (409, "text/x.tlog.size", format!("{size}\n").as_str())
        );
    }

    #[track_caller]
    fn refuses(&self, status: u16, code: &str) {
        assert_eq!(self.content_type, "application/problem+json", "{}", self.body);
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(
            (self.status, problem["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    }
}

#[tokio::test]
async fn it_answers_as_the_standard_says() {
    let dir = TempDir::new().unwrap();
    let served = Served::start(&dir.path().join("w1")).await;
    let log = TestLog::new("true", 9);
    served.send(&log.request(3, 5)).await.is_at(0);
    served
        .send(&log.request(0, 5))
        .await
        .cosigns(&served.key, &log.checkpoint(5));
    // A log that lost the answer asks again.
    served.send(&log.request(0, 5)).await.is_at(5);
    served
        .send(&log.request(5, 5))
        .await
        .cosigns(&served.key, &log.checkpoint(5));
    served
        .send(&log.request(5, 9))
        .await
        .cosigns(&served.key, &log.checkpoint(9));
    served.send(&log.request(5, 9)).await.is_at(9);
    served
        .send(&log.request(9, 5))
        .await
        .refuses(400, "OLD_IS_LARGER");

    let mut strange = log.request(9, 9);
    let other = Checkpoint {
        origin: "example.org/other".to_owned(),
        ..log.checkpoint(9).unchecked().clone()
    };
    strange.checkpoint = other.sign([&log.key]);
    served.send(&strange).await.refuses(404, "UNKNOWN_LOG");
    let mut stranger = TestLog::new("true", 9);
    stranger.key = log_key(8);
    served
        .send(&stranger.request(9, 9))
        .await
        .refuses(403, "NOT_SIGNED");
    let mut forged = stranger.request(9, 9).to_string();
    let id = NoteSignature::parse(&format!("\u{2014} {ORIGIN} {}", "AAAAAAAA")).unwrap();
    let line = NoteSignature {
        id: log.key.verifier().id(),
        bytes: vec![1; 64],
        ..id
    };
    forged += &format!("{line}\n");
    served
        .post(forged.as_bytes())
        .await
        .refuses(403, "FORGED_SIGNATURE");

    served.post(b"old 9\n").await.refuses(400, "BAD_PROOF");
    served.post(b"old 9\n\nno note").await.refuses(400, "BAD_NOTE");
    served
        .post(&vec![b'x'; REQUEST_BYTES_MAX + 1])
        .await
        .refuses(413, "BODY_TOO_LARGE");
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes();
    assert_eq!(served.ask(get("/healthz")).await.status, 200);
    served
        .ask(get("/add-checkpoint"))
        .await
        .refuses(405, "METHOD_NOT_ALLOWED");
    served.ask(get("/api/v1/records")).await.refuses(404, "NO_ROUTE");
    assert!(
        served
            .ask(get("/docs/errors"))
            .await
            .body
            .contains("### unknown_log")
    );
    served.stop().await;
}

fn evidence(dir: &Path, case: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.join("evidence").join(case))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[tokio::test]
async fn a_second_history_is_not_cosigned_and_is_kept_as_evidence() {
    let dir = TempDir::new().unwrap();
    let served = Served::start(dir.path()).await;
    let (truth, lie) = (TestLog::new("true", 9), TestLog::forked("true", 3, "false", 9));
    served
        .send(&truth.request(0, 5))
        .await
        .cosigns(&served.key, &truth.checkpoint(5));
    for _ in 0..2 {
        served.send(&lie.request(5, 5)).await.refuses(409, "OTHER_ROOT");
    }
    let pair = evidence(dir.path(), "two-roots");
    assert_eq!(pair.len(), 2, "each case is kept once");
    let cosigned = SignedCheckpoint::parse(pair[0].as_bytes()).unwrap();
    let refused = SignedCheckpoint::parse(pair[1].as_bytes()).unwrap();
    let log = truth.key.verifier();
    assert_eq!(cosigned.check(log).unwrap(), truth.checkpoint(5).unchecked());
    assert_eq!(refused.check(log).unwrap(), lie.checkpoint(5).unchecked());

    served
        .send(&lie.request(5, 9))
        .await
        .refuses(422, "NOT_CONSISTENT");
    assert_eq!(evidence(dir.path(), "not-consistent").len(), 2);
    let mut short = truth.request(5, 9);
    short.proof.clear();
    served.send(&short).await.refuses(422, "BAD_PROOF");
    assert_eq!(
        evidence(dir.path(), "not-consistent").len(),
        2,
        "a proof of the wrong length says nothing"
    );

    // With another old size a second root is as much of a proof.
    let other = TestLog::new("another", 5);
    served.send(&other.request(0, 5)).await.is_at(5);
    assert_eq!(evidence(dir.path(), "two-roots").len(), 4);
    served
        .send(&truth.request(5, 9))
        .await
        .cosigns(&served.key, &truth.checkpoint(9));
    served.stop().await;
}

#[tokio::test]
async fn of_two_histories_at_once_exactly_one_is_cosigned() {
    let dir = TempDir::new().unwrap();
    let served = Served::start(dir.path()).await;
    let served = Arc::new(served);
    let stories: Vec<_> = (0..12)
        .map(|story| TestLog::new(&format!("story {story}"), 5))
        .collect();
    let sent = stories.iter().map(|log| {
        let (served, request) = (Arc::clone(&served), log.request(0, 5));
        tokio::spawn(async move { served.send(&request).await })
    });
    let sent: Vec<_> = sent.collect();
    let mut cosigned = 0;
    for (answer, log) in sent.into_iter().zip(&stories) {
        let got = answer.await.unwrap();
        if got.status == 200 {
            got.cosigns(&served.key, &log.checkpoint(5));
            cosigned += 1;
        } else {
            got.is_at(5);
        }
    }
    assert_eq!(cosigned, 1);
}

#[tokio::test]
async fn a_restart_remembers() {
    let dir = TempDir::new().unwrap();
    let (truth, lie) = (TestLog::new("true", 9), TestLog::new("false", 9));
    let served = Served::start(dir.path()).await;
    let key = served.key.clone();
    served
        .send(&truth.request(0, 5))
        .await
        .cosigns(&key, &truth.checkpoint(5));
    served.stop().await;
    let served = Served::start(dir.path()).await;
    assert_eq!(served.key, key);
    served.send(&lie.request(0, 9)).await.is_at(5);
    served.send(&lie.request(5, 5)).await.refuses(409, "OTHER_ROOT");
    served
        .send(&truth.request(5, 9))
        .await
        .cosigns(&key, &truth.checkpoint(9));
    served.stop().await;
}

#[test]
fn killed_before_the_answer_it_holds_to_what_it_made_durable() {
    let dir = TempDir::new().unwrap();
    let truth = TestLog::new("true", 9);
    let witness = open(dir.path()).unwrap();
    // The kill: the checkpoint is durable, and nobody has the cosignature.
    let _lost = witness.add(&truth.request(0, 5), 1_600_000_000).unwrap();
    drop(witness);
    let witness = open(dir.path()).unwrap();
    let lie = TestLog::new("false", 9);
    for (request, status) in [
        (lie.request(0, 5), 409),
        (lie.request(5, 5), 409),
        (lie.request(5, 9), 422),
    ] {
        match witness.add(&request, 1_600_000_000) {
            Err(Declined::Refused(refusal)) => assert_eq!(refusal.status(), status),
            other => panic!("{other:?}"),
        }
    }
    witness.add(&truth.request(5, 5), 1_600_000_000).unwrap();
}

#[test]
fn a_kill_while_writing_leaves_the_old_state() {
    let dir = TempDir::new().unwrap();
    let truth = TestLog::new("true", 9);
    let witness = open(dir.path()).unwrap();
    witness.add(&truth.request(0, 5), 1_600_000_000).unwrap();
    drop(witness);
    let half = state_file(dir.path()).with_added_extension("tmp");
    fs::write(&half, &truth.checkpoint(9).to_string()[..20]).unwrap();
    let witness = open(dir.path()).unwrap();
    assert_eq!(witness.logs()[0].last.clone().unwrap().unwrap().size, 5);
    witness.add(&truth.request(5, 9), 1_600_000_000).unwrap();
    assert!(!half.exists());
}

fn state_file(dir: &Path) -> std::path::PathBuf {
    dir.join("checkpoints").join(last::name(ORIGIN.as_bytes()))
}

#[tokio::test]
async fn a_damaged_state_stops_the_log_and_no_other() {
    let truth = TestLog::new("true", 9);
    let stranger = SignerKey::from_seed(NAME, Algorithm::Cosignature, &[9; 32]).unwrap();
    let by_another = |_: String| {
        let kept = kept(&truth.checkpoint(5), &[], &stranger, 1_600_000_000);
        kept.unwrap().to_string().into_bytes()
    };
    let spoil: [&dyn Fn(String) -> Vec<u8>; 5] = [
        &|_| Vec::new(),
        &|text| text.replace("\n5\n", "\n6\n").into_bytes(),
        &|text| text.into_bytes()[..40].to_vec(),
        &|_| vec![0xff; 100],
        &by_another,
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let dir = TempDir::new().unwrap();
        let other = SignerKey::from_seed("example.org/other", Algorithm::Ed25519, &[5; 32]).unwrap();
        Witness::open(dir.path(), Some(NAME), &[other.verifier().clone()]).unwrap();
        open(dir.path())
            .unwrap()
            .add(&truth.request(0, 5), 1_600_000_000)
            .unwrap();
        let path = state_file(dir.path());
        let spoilt = spoil(fs::read_to_string(&path).unwrap());
        fs::write(&path, spoilt).unwrap();
        let served = Served::start(dir.path()).await;
        for request in [truth.request(0, 5), truth.request(5, 9), truth.request(0, 9)] {
            let got = served.send(&request).await;
            assert_eq!(got.status, 500, "damage {number}: {}", got.body);
            got.refuses(500, "WITNESS_DAMAGED");
        }
        let checkpoint = Checkpoint {
            origin: "example.org/other".to_owned(),
            size: 0,
            root: Hash::empty(),
        };
        let healthy = Addition {
            old: 0,
            proof: Vec::new(),
            checkpoint: checkpoint.sign([&other]),
        };
        served
            .send(&healthy)
            .await
            .cosigns(&served.key, &healthy.checkpoint);
        served.stop().await;
    }
}

#[test]
fn a_state_that_is_gone_is_damage_and_no_fresh_start() {
    let dir = TempDir::new().unwrap();
    let truth = TestLog::new("true", 9);
    drop(open(dir.path()).unwrap());
    fs::remove_file(state_file(dir.path())).unwrap();
    // Naming the log again, or another key of it, does not help.
    let second = log_key(8).verifier().clone();
    for keys in [vec![], vec![log_key(7).verifier().clone()], vec![second]] {
        let witness = Witness::open(dir.path(), None, &keys).unwrap();
        let added = witness.add(&truth.request(0, 5), 1_600_000_000);
        assert!(matches!(added, Err(Declined::Damaged { .. })), "{added:?}");
        assert!(witness.logs()[0].last.is_err());
    }
}

#[test]
fn one_process_has_the_folder_and_its_name_is_for_ever() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("w1");
    assert_eq!(
        Witness::open(&path, None, &[]).unwrap_err().code(),
        "NAME_MISSING"
    );
    let bad = Witness::open(&path, Some("two words"), &[]).unwrap_err();
    assert_eq!(bad.code(), "BAD_KEY");
    assert!(!path.exists());
    let witness = open(&path).unwrap();
    assert_eq!(open(&path).unwrap_err().code(), "WITNESS_IN_USE");
    assert_eq!(witness_key(&path).unwrap().as_ref(), Some(witness.key()));
    assert_eq!(
        witness_logs(&path).unwrap()[0].keys,
        [log_key(7).verifier().clone()]
    );
    drop(witness);
    assert_eq!(
        Witness::open(&path, Some("audit.example/w2"), &[])
            .unwrap_err()
            .code(),
        "NAME_DIFFERS"
    );
    assert_eq!(Witness::open(&path, None, &[]).unwrap().key().name(), NAME);

    // Its key gone, it is not begun anew beside the old state.
    fs::remove_file(path.join("key")).unwrap();
    assert_eq!(open(&path).unwrap_err().code(), "NOT_A_WITNESS");
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/holiday.jpg"), "").unwrap();
    assert_eq!(
        open(&dir.path().join("full")).unwrap_err().code(),
        "NOT_A_WITNESS"
    );
}

#[test]
fn logs_are_remembered_and_may_have_two_keys() {
    let dir = TempDir::new().unwrap();
    let mut truth = TestLog::new("true", 9);
    open(dir.path())
        .unwrap()
        .add(&truth.request(0, 5), 1_600_000_000)
        .unwrap();
    truth.key = log_key(8);
    let witness = Witness::open(dir.path(), None, &[]).unwrap();
    let unknown = witness.add(&truth.request(5, 9), 1_600_000_000);
    assert!(
        matches!(unknown, Err(Declined::Refused(Refusal::NotSigned(_)))),
        "{unknown:?}"
    );
    drop(witness);
    let both = [truth.key.verifier().clone(), log_key(7).verifier().clone()];
    let witness = Witness::open(dir.path(), None, &both).unwrap();
    witness.add(&truth.request(5, 9), 1_600_000_000).unwrap();
    drop(witness);
    let lines = fs::read_to_string(dir.path().join("logs")).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    fs::write(dir.path().join("logs"), format!("{lines}x\n")).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert_eq!(error.code(), "WITNESS_DAMAGED");
    assert!(error.to_string().contains("line 3"), "{error}");
}

#[test]
fn what_others_signed_is_not_kept_and_what_is_too_long_not_cosigned() {
    let dir = TempDir::new().unwrap();
    let truth = TestLog::new("true", 9);
    let witness = open(dir.path()).unwrap();
    let mut crowded = truth.request(0, 5);
    let crowd = (0..99u8).map(|seed| {
        let key = SignerKey::from_seed(&format!("w{seed}"), Algorithm::Cosignature, &[seed; 32]).unwrap();
        key.sign_note(&crowded.checkpoint.note().text, 1_600_000_000)
    });
    let crowd: Vec<_> = crowd.collect();
    crowded.checkpoint.add(crowd);
    witness.add(&crowded, 1_600_000_000).unwrap();
    let state = Last::read(&dir.path().join("checkpoints"), ORIGIN, witness.key());
    assert_eq!(state.cosigned().unwrap().unwrap().note().signatures.len(), 2);

    let text = format!(
        "{}{}\n",
        truth.checkpoint(9).unchecked(),
        "x".repeat(shilu_merkle::NOTE_BYTES_MAX - 250)
    );
    let signatures = vec![truth.key.sign_note(&text, 0)];
    let long = Note { text, signatures }.to_string();
    let mut request = truth.request(5, 9);
    request.checkpoint = SignedCheckpoint::parse(long.as_bytes()).unwrap();
    let added = witness.add(&request, 1_600_000_000);
    assert!(matches!(added, Err(Declined::TooLong)), "{added:?}");
    witness.add(&truth.request(5, 9), 1_600_000_000).unwrap();
}

#[test]
fn it_listens_on_this_machine_only_and_says_why() {
    let error = check_witness_address(&"0.0.0.0:80".parse().unwrap()).unwrap_err();
    assert_eq!(error.code(), "LOOPBACK_ONLY");
    assert!(error.to_string().contains("plain HTTP"), "{error}");
    check_witness_address(&"127.0.0.1:0".parse().unwrap()).unwrap();
}
