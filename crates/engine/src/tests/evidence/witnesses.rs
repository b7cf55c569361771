//! Witnesses that answer, refuse, lie, hang and die.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use shilu_merkle::{Addition, Algorithm, Checkpoint, Refusal, SignerKey, judge};

use super::*;

/// How a witness behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// Closes the connection.
    Dead,
    Hangs,
    Says(u16),
    /// Signs another text.
    Forges,
    /// Signs by a key of its own.
    OtherKey,
}

pub(crate) struct Witness {
    pub(crate) key: SignerKey,
    pub(crate) url: String,
    /// What its clock says, in seconds.
    pub(crate) seconds: Arc<AtomicU64>,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
    last: Arc<Mutex<Option<Checkpoint>>>,
}

impl Witness {
    pub(crate) fn start(name: &str, seed: u8) -> Witness {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let key = SignerKey::from_seed(name, Algorithm::Cosignature, &[seed; 32]).unwrap();
        let witness = Witness {
            key: key.clone(),
            url: format!("http://{}", listener.local_addr().unwrap()),
            seconds: Arc::new(AtomicU64::new(7)),
            mood: Arc::new(Mutex::new(Mood::Good)),
            asked: Arc::default(),
            last: Arc::default(),
        };
        let (mood, last) = (Arc::clone(&witness.mood), Arc::clone(&witness.last));
        let (asked, seconds) = (Arc::clone(&witness.asked), Arc::clone(&witness.seconds));
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming().map(Result::unwrap) {
                asked.fetch_add(1, Ordering::SeqCst);
                let now = *mood.lock().unwrap();
                match now {
                    Mood::Dead => {}
                    Mood::Hangs => held.push(stream),
                    mood => {
                        let now = seconds.load(Ordering::SeqCst);
                        answer(stream, (mood, now), &key, &mut last.lock().unwrap());
                    }
                }
            }
        });
        witness
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

fn answer(mut stream: TcpStream, (mood, now): (Mood, u64), key: &SignerKey, last: &mut Option<Checkpoint>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 2 {
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = Addition::parse(&body).unwrap();
    let (status, text) = match mood {
        Mood::Says(status) => (status, "no\u{7}".to_owned()),
        _ => judged(&request, (mood, now), key, last),
    };
    let length = text.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    );
}

fn judged(
    request: &Addition,
    (mood, now): (Mood, u64),
    key: &SignerKey,
    last: &mut Option<Checkpoint>,
) -> (u16, String) {
    let note = request.checkpoint.note();
    let log = trusted_key(&note.text);
    // The note was signed by the register; which key it was is not what these tests are about.
    let trusted: Vec<_> = log.into_iter().collect();
    match judge(request, &trusted, last.as_ref()) {
        Ok(checkpoint) => {
            let line = match mood {
                Mood::Forges => key.sign_note("another\n", 7),
                Mood::OtherKey => {
                    let other =
                        SignerKey::from_seed(key.verifier().name(), Algorithm::Cosignature, &[77; 32]);
                    other.unwrap().sign_note(&note.text, 7)
                }
                _ => key.sign_note(&note.text, now),
            };
            *last = Some(checkpoint);
            (200, format!("{line}\n"))
        }
        Err(Refusal::OldDiffers { last }) => (409, format!("{last}\n")),
        Err(refusal) => (refusal.status(), format!("{refusal:?}")),
    }
}

static LOGS: Mutex<Vec<VerifierKey>> = Mutex::new(Vec::new());

fn trusted_key(text: &str) -> Option<VerifierKey> {
    let logs = LOGS.lock().unwrap();
    let origin = text.lines().next()?;
    logs.iter().rev().find(|key| key.name() == origin).cloned()
}

fn campaign(origin: &str, quorum: usize, witnesses: &[Witness]) -> String {
    let base = CAMPAIGN.replace("example.org/village", origin);
    let mut text = format!("quorum = {quorum}\n{base}");
    for witness in witnesses {
        let (key, url) = (witness.key.verifier(), &witness.url);
        text += &format!("[[witnesses]]\nkey = \"{key}\"\nurl = \"{url}\"\n");
    }
    text
}

/// A register with three witnesses, two of which must cosign. Each test has an origin of its own.
fn witnessed(dir: &Path, origin: &str, names: [&str; 3]) -> (Engine, [Witness; 3]) {
    let [a, b, c] = names;
    let witnesses = [Witness::start(a, 1), Witness::start(b, 2), Witness::start(c, 3)];
    let (_, options) = settable(START);
    init(dir, &campaign(origin, 2, &witnesses), &options);
    trust(dir);
    for witness in &witnesses {
        witness.set(Mood::Dead);
    }
    (Engine::open(dir, options).unwrap(), witnesses)
}

/// Lets all witnesses know a register's key.
pub(crate) fn trust(dir: &Path) {
    let register = fs::read_to_string(dir.join("register.toml")).unwrap();
    let key = register
        .lines()
        .find_map(|line| line.strip_prefix("public_key = "))
        .unwrap();
    LOGS.lock()
        .unwrap()
        .push(VerifierKey::parse(key.trim_matches('"')).unwrap());
}

fn keys(witnesses: &[Witness; 3]) -> [VerifierKey; 3] {
    witnesses.each_ref().map(|witness| witness.key.verifier().clone())
}

fn problem(engine: &Engine, name: &str) -> Option<String> {
    let publication = engine.publication().borrow().clone();
    let state = publication.witnesses.into_iter().find(|one| one.name == name);
    state.and_then(|state| state.problem)
}

#[test]
fn a_quorum_publishes_and_names_who_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, witnesses) = witnessed(dir.path(), "example.org/quorum", ["a", "b", "c"]);
    // Nobody answers.
    let EngineError::QuorumMissing { missing, size, .. } = trouble(&engine, "QUORUM_MISSING") else {
        panic!("another trouble")
    };
    assert_eq!((missing, size), (["a", "b", "c"].map(str::to_owned).to_vec(), 1));
    assert!(!dir.path().join("public/checkpoint").exists());
    let signed = fs::read(dir.path().join("signed")).unwrap();
    assert_eq!(SignedCheckpoint::parse(&signed).unwrap().unchecked().size, 1);
    shut(engine);
    // Two are back: asked at once by a new start.
    witnesses[0].set(Mood::Good);
    witnesses[1].set(Mood::Good);
    let engine = reopen(dir.path()).unwrap();
    let first = published(&engine);
    let by: Vec<_> = first
        .cosigned(&keys(&witnesses))
        .unwrap()
        .into_iter()
        .map(|one| one.witness)
        .collect();
    assert_eq!(by, ["a", "b"]);
    assert!(problem(&engine, "c").is_some() && problem(&engine, "a").is_none());
    grow_to(&engine, 300);
    let later = published(&engine);
    assert_consistent(dir.path(), &first, &later);
    let receipt = engine.receipt_at(Position::new(7)).unwrap();
    let checked = receipt.check(&vkey(&engine), &keys(&witnesses)).unwrap();
    assert_eq!(checked.cosigned.len(), 2);
    shut(engine);
    // The third has seen nothing yet.
    witnesses[2].set(Mood::Good);
    let engine = reopen(dir.path()).unwrap();
    grow_to(&engine, 301);
    let all = published(&engine);
    assert_eq!(all.cosigned(&keys(&witnesses)).unwrap().len(), 3);
    shut(engine);
}

#[test]
fn whatever_a_witness_says_counts_only_when_it_cosigns() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, witnesses) = witnessed(dir.path(), "example.org/moods", ["a", "b", "c"]);
    shut(engine);
    witnesses[0].set(Mood::Good);
    let moods = [
        (Mood::Says(404), "404"),
        (Mood::Says(403), "403"),
        (Mood::Says(422), "422"),
        (Mood::Says(500), "500"),
        (Mood::Says(409), "another history"),
        (Mood::Forges, "forged"),
        (Mood::OtherKey, "not signed"),
    ];
    for (mood, words) in moods {
        witnesses[1].set(mood);
        let engine = reopen(dir.path()).unwrap();
        grow_to(&engine, engine.end().get() + 1);
        trouble(&engine, "QUORUM_MISSING");
        let said = problem(&engine, "b").unwrap();
        assert!(
            said.contains(words) && !said.contains('\u{7}'),
            "{mood:?}: {said}"
        );
        assert_eq!(engine.publication().borrow().size(), 0);
        shut(engine);
    }
}

#[test]
fn a_witness_named_like_the_log_counts_by_its_own_key() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, witnesses) = witnessed(dir.path(), "example.org/twins", ["a", "b", "example.org/twins"]);
    shut(engine);
    witnesses[0].set(Mood::Good);
    let engine = reopen(dir.path()).unwrap();
    trouble(&engine, "QUORUM_MISSING");
    assert_eq!(engine.publication().borrow().size(), 0);
    shut(engine);
}

#[test]
fn a_witness_that_is_ahead_is_named() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (engine, witnesses) = witnessed(dir.path(), "example.org/ahead", ["a", "b", "c"]);
    shut(engine);
    copy(dir.path(), old.path());
    witnesses.iter().for_each(|witness| witness.set(Mood::Good));
    let engine = reopen(dir.path()).unwrap();
    grow_to(&engine, 20);
    published(&engine);
    shut(engine);
    // An older copy that knows nothing of this: shorter first, then longer and another history.
    let engine = reopen(old.path()).unwrap();
    grow_to(&engine, 5);
    trouble(&engine, "QUORUM_MISSING");
    assert!(problem(&engine, "a").unwrap().contains("size 20 last"));
    shut(engine);
    let engine = reopen(old.path()).unwrap();
    let other = (5..40).map(|n| collect(&format!("dwelling/{n}"), "south", 1));
    submit(&engine, other.collect()).unwrap();
    trouble(&engine, "QUORUM_MISSING");
    super::super::until(|| problem(&engine, "a").is_some_and(|said| said.contains("422")));
    assert!(!old.path().join("public/checkpoint").exists());
    shut(engine);
}

#[test]
fn a_hanging_witness_holds_up_one_round_and_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, witnesses) = witnessed(dir.path(), "example.org/hangs", ["a", "b", "c"]);
    shut(engine);
    witnesses[0].set(Mood::Good);
    witnesses[1].set(Mood::Good);
    witnesses[2].set(Mood::Hangs);
    let begun = Instant::now();
    let engine = reopen(dir.path()).unwrap();
    published(&engine);
    let asked = witnesses[2].asked.load(Ordering::SeqCst);
    grow_to(&engine, 3);
    published(&engine);
    grow_to(&engine, 5);
    published(&engine);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(problem(&engine, "c").unwrap().contains("in time"));
    // While it is left alone, nobody waits for it at all.
    assert_eq!(witnesses[2].asked.load(Ordering::SeqCst), asked);
    shut(engine);
    // With too few, the end still comes.
    witnesses.iter().for_each(|witness| witness.set(Mood::Hangs));
    let engine = reopen(dir.path()).unwrap();
    grow_to(&engine, 6);
    let begun = Instant::now();
    shut(engine);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[test]
fn a_campaign_names_witnesses_properly_or_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("new");
    let witness = Witness::start("w", 1);
    let again = SignerKey::from_seed("other", Algorithm::Cosignature, &[1; 32]).unwrap();
    let log = SignerKey::from_seed("w", Algorithm::Ed25519, &[5; 32]).unwrap();
    let good = campaign("example.org/village", 1, std::slice::from_ref(&witness));
    let (_, options) = settable(START);
    let line = good
        .lines()
        .position(|line| line.starts_with("key = \"w+"))
        .unwrap()
        + 1;
    let own = witness.key.verifier().to_string();
    let twice = format!(
        "{good}[[witnesses]]\nkey = \"{}\"\nurl = \"http://h\"\n",
        again.verifier()
    );
    let bad = [
        (good.replace(&own, &log.verifier().to_string()), line),
        (good.replace(&own, "w+00000000+!!!!"), line),
        (good.replace(&own, "w"), line),
        (twice, line + 3),
    ];
    for (text, line) in bad {
        let init = Init {
            campaign: &text,
            actor: "mayor",
            simulated: false,
        };
        let Err(EngineError::BadCampaign(error)) = Engine::init(&at, &init, &options) else {
            panic!("{text}")
        };
        assert!(error.to_string().contains(&format!("line {line}")), "{error}");
        assert!(!at.exists());
    }
}

/// Who must cosign is what the campaign in force at a checkpoint's end says: the change itself is under the new rule.
#[test]
fn a_changed_campaign_changes_who_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let origin = "example.org/changing";
    let (engine, witnesses) = witnessed(dir.path(), origin, ["a", "b", "c"]);
    trouble(&engine, "QUORUM_MISSING");
    // One witness, who answers, is enough from now on.
    witnesses[0].set(Mood::Good);
    let one = campaign(origin, 1, &witnesses[..1]);
    engine.change_campaign(&one, WHY).unwrap();
    let told = publication(&engine, |told| told.size() == 2);
    assert_eq!((told.quorum, told.witnesses.len()), (1, 1));
    let first = published(&engine);
    assert_eq!(first.cosigned(&keys(&witnesses)).unwrap().len(), 1);
    // Two more are asked again, and one of them is needed.
    let asked = witnesses[1].asked.load(Ordering::SeqCst);
    engine
        .change_campaign(&campaign(origin, 2, &witnesses), WHY)
        .unwrap();
    trouble(&engine, "QUORUM_MISSING");
    assert!(witnesses[1].asked.load(Ordering::SeqCst) > asked);
    shut(engine);
    witnesses[1].set(Mood::Good);
    let engine = reopen(dir.path()).unwrap();
    let later = publication(&engine, |told| told.size() == 3);
    assert_eq!((later.quorum, later.witnesses.len()), (2, 3));
    assert_consistent(dir.path(), &first, &published(&engine));
    // And none at all.
    let none = CAMPAIGN.replace("example.org/village", origin);
    engine.change_campaign(&none, WHY).unwrap();
    let none = publication(&engine, |told| told.size() == 4);
    assert_eq!((none.quorum, none.witnesses.len()), (0, 0));
    shut(engine);
}
