//! A folder damaged under a closed register: it is refused with a stable code, or it is whole up to `head`. Never a
//! panic, never the end of the process, never a silent loss, never another history than the one that was signed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use shilu_merkle::SignedCheckpoint;
use shilu_tests::{audit::Finding, evidence, random::Random, workload::Acknowledged};

use crate::process::{Running, acknowledged, crash_writer, in_parallel, judge, seed};

/// What another test damages.
const PUBLISHED: [&str; 4] = ["projections", "public/", "mirror/", "key"];

const THREADS: u8 = 3;
const LISTS: u32 = 12;

/// A register as bytes, to be laid out and damaged again and again.
struct Image {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// What was acknowledged, and what of it `head` covers.
    acknowledged: Vec<Acknowledged>,
    below_head: Vec<Acknowledged>,
    head: u64,
    /// The checkpoint that was published.
    seen: Vec<SignedCheckpoint>,
    seed: u64,
    home: tempfile::TempDir,
}

impl Image {
    /// Three lives, closed twice. With `head_behind`, the last life's `head` is from before it, as after a crash.
    fn take(seed: u64, head_behind: bool) -> Image {
        let home = tempfile::tempdir().unwrap();
        let register = home.path().join("register");
        let words = register.to_str().unwrap();
        assert!(
            crash_writer()
                .args(["init", words, "-"])
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
        let mut lines = Vec::new();
        let mut head_file = Vec::new();
        for round in 0..3 {
            head_file = fs::read(register.join("head")).unwrap();
            let mut command = crash_writer();
            let end = if round == 1 { "abandon" } else { "close" };
            command.args(["write", words, "-", &seed.to_string(), &round.to_string()]);
            command.args([&THREADS.to_string(), &LISTS.to_string(), end]);
            let mut writer = Running::start(command);
            while writer.line().is_some() {}
            lines.extend(writer.kill());
        }
        if head_behind {
            fs::write(register.join("head"), head_file).unwrap();
        }
        let mut files = Vec::new();
        collect(&register, &register, &mut files);
        let acknowledged = acknowledged(&lines);
        assert_eq!(acknowledged.len(), 3 * usize::from(THREADS) * LISTS as usize);
        let head = fs::read(register.join("head")).unwrap();
        let head = u64::from_le_bytes(head[1..9].try_into().unwrap());
        let end_of = |one: &Acknowledged| one.first + one.list.commands(seed).len() as u64;
        let below_head = acknowledged
            .iter()
            .copied()
            .filter(|one| end_of(one) <= head)
            .collect();
        Image {
            files,
            acknowledged,
            below_head,
            head,
            seen: evidence::checkpoint(&register).into_iter().collect(),
            seed,
            home,
        }
    }

    fn file(&self, name: &str) -> &[u8] {
        &self
            .files
            .iter()
            .find(|(path, _)| path == Path::new(name))
            .unwrap()
            .1
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let names = self
            .files
            .iter()
            .map(|(path, _)| path.to_str().unwrap().to_owned());
        names.filter(|name| name.starts_with(prefix)).collect()
    }

    /// Lays the image out with one file changed; `None` removes it.
    fn with(&self, number: usize, name: &str, bytes: Option<Vec<u8>>) -> PathBuf {
        let register = self.home.path().join(format!("copy-{number}"));
        fs::create_dir_all(register.join("log/blobs")).unwrap();
        let mut changed = false;
        for (path, original) in &self.files {
            let target = register.join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            let bytes = match path == Path::new(name) {
                true => {
                    changed = true;
                    bytes.as_deref()
                }
                false => Some(&original[..]),
            };
            if let Some(bytes) = bytes {
                fs::write(target, bytes).unwrap();
            }
        }
        assert!(changed, "there is no {name}");
        register
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push((
                path.strip_prefix(root).unwrap().to_owned(),
                fs::read(&path).unwrap(),
            ));
        }
    }
}

/// A damage: to which file, in words, and the bytes that are left.
type Damage = (String, String, Option<Vec<u8>>);

/// Does all of them, and gives what the register then turns out to be.
fn findings(image: &Image, how: &str, known: &[Acknowledged], damages: &[Damage]) -> Vec<Finding> {
    in_parallel(damages, |number, (name, _, bytes)| {
        let register = image.with(number, name, bytes.clone());
        let finding = judge(how, &register, image.seed, known, &[], &image.seen);
        fs::remove_dir_all(register).unwrap();
        finding
    })
}

fn flipped(bytes: &[u8], random: &mut Random) -> (String, Vec<u8>) {
    let mut bytes = bytes.to_vec();
    let (at, bit) = (random.index(bytes.len()), random.below(8));
    bytes[at] ^= 1 << bit;
    (format!("bit {bit} of byte {at} flipped"), bytes)
}

fn flips(image: &Image, name: &str, count: usize, random: &mut Random, damages: &mut Vec<Damage>) {
    for _ in 0..count {
        let (words, bytes) = flipped(image.file(name), random);
        damages.push((name.to_owned(), words, Some(bytes)));
    }
}

/// Refused by one of these codes, or whole up to `head` and further.
fn assert_noticed_or_harmless(image: &Image, damages: &[Damage]) -> usize {
    let mut refused = 0;
    let mut wrong = 0;
    for ((name, words, _), finding) in damages
        .iter()
        .zip(findings(image, "look", &image.below_head, damages))
    {
        match finding {
            Finding::Whole(events) if events >= image.head => {}
            Finding::Refused(code)
                if [
                    "LOG_DAMAGED",
                    "NOT_A_REGISTER",
                    "CAMPAIGN_CHANGED",
                    "CAMPAIGN_MISSING",
                ]
                .contains(&&*code) =>
            {
                refused += 1;
            }
            // It opened, and the damage before `head` was found by reading it. A lost tail is found by opening.
            Finding::Broken(why) if why.starts_with("reading: LOG_DAMAGED") && !words.starts_with("tail") => {
                refused += 1;
            }
            other => {
                eprintln!("{name}: {words}: {other:?}");
                wrong += 1;
            }
        }
    }
    assert_eq!(wrong, 0, "of {} damages", damages.len());
    refused
}

#[test]
fn a_damaged_log_is_noticed_or_harmless() {
    let seed = seed("a_damaged_log");
    let mut random = Random::new(seed);
    // Behind, `head` is what the last life began with, and so is sled's own index: below it sled misses the tail itself.
    let behind = Image::take(seed, true);
    assert!(behind.below_head.len() < behind.acknowledged.len() && behind.below_head.len() > 30);
    damage_log(&behind, &mut random);
    // Up to date, `head` covers what sled's index does not: `head` alone tells that a tail is missing.
    let current = Image::take(seed, false);
    assert_eq!(current.below_head.len(), current.acknowledged.len());
    damage_log(&current, &mut random);
}

fn damage_log(image: &Image, random: &mut Random) {
    let db = image.file("log/db").to_vec();
    // sled's file ends in zeros: what is written lies before them.
    let used = db.len() - db.iter().rev().take_while(|byte| **byte == 0).count();
    let mut damages = Vec::new();
    let mut damage = |words: String, bytes: Vec<u8>| damages.push(("log/db".to_owned(), words, Some(bytes)));
    for _ in 0..40 {
        let length = random.index(used);
        damage(format!("tail cut to {length}"), db[..length].to_vec());
        let length = length / 512 * 512;
        damage(format!("tail cut to {length}"), db[..length].to_vec());
    }
    for _ in 0..30 {
        let mut bytes = db.clone();
        let from = random.index(used);
        bytes[from..].fill(0);
        damage(format!("tail of zeros from {from}"), bytes);
    }
    for _ in 0..30 {
        let mut bytes = db.clone();
        let from = random.index(used);
        let to = (from + 1 + random.index(4_096)).min(used);
        bytes[from..to].fill(0);
        damage(format!("zeros from {from} to {to}"), bytes);
    }
    for _ in 0..130 {
        let mut bytes = db.clone();
        let (at, bit) = (random.index(used), random.below(8));
        bytes[at] ^= 1 << bit;
        damage(format!("bit {bit} of byte {at} flipped"), bytes);
    }
    let refused = assert_noticed_or_harmless(image, &damages);
    assert!(
        refused > damages.len() / 4,
        "only {refused} of {} damages were noticed",
        damages.len()
    );
}

#[test]
fn damage_beside_the_log_is_noticed_or_harmless() {
    let seed = seed("damage_beside_the_log");
    let mut random = Random::new(seed);
    let image = Image::take(seed, true);
    let mut damages = Vec::new();
    for name in image
        .names("")
        .into_iter()
        .filter(|name| name != "log/db" && !PUBLISHED.iter().any(|prefix| name.starts_with(prefix)))
    {
        let bytes = image.file(&name).to_vec();
        flips(&image, &name, 12, &mut random, &mut damages);
        damages.push((name.clone(), "emptied".to_owned(), Some(Vec::new())));
        damages.push((
            name.clone(),
            "halved".to_owned(),
            Some(bytes[..bytes.len() / 2].to_vec()),
        ));
        damages.push((
            name.clone(),
            "longer".to_owned(),
            Some([&bytes[..], b"x"].concat()),
        ));
        damages.push((name, "removed".to_owned(), None));
    }
    damages.push(("log/db".to_owned(), "removed".to_owned(), None));
    damages.push(("log/db".to_owned(), "emptied".to_owned(), Some(Vec::new())));
    assert_noticed_or_harmless(&image, &damages);
}

/// What `verify` may say of a damaged file in `public/` or `mirror/` that the register did not put right by itself.
fn names_it(name: &str, code: &str) -> bool {
    match name {
        name if name.starts_with("mirror/tile") => [
            "ENTRY_NOT_IN_TILE",
            "NOT_AN_EVENT",
            "BUNDLE_MISSING",
            "BUNDLE_WRONG",
            "BAD_BUNDLE",
        ]
        .contains(&code),
        name if name.starts_with("public/tile") => ["TILE_WRONG", "TILE_MISSING", "BAD_TILE"].contains(&code),
        _ => false,
    }
}

#[test]
fn damage_to_what_is_published_is_mended_or_named() {
    let seed = seed("damage_to_what_is_published");
    let mut random = Random::new(seed);
    let mut image = Image::take(seed, false);
    // As between the witnesses and the world.
    let signed = image.file("public/checkpoint").to_vec();
    image.files.push(("signed".into(), signed));
    let mut damages = Vec::new();
    let published = ["public/", "mirror/", "key", "signed"];
    for name in published.iter().flat_map(|prefix| image.names(prefix)) {
        let bytes = image.file(&name).to_vec();
        flips(&image, &name, 8, &mut random, &mut damages);
        let mut damage = |words: &str, bytes| damages.push((name.clone(), words.to_owned(), bytes));
        damage("emptied", Some(Vec::new()));
        damage("halved", Some(bytes[..bytes.len() / 2].to_vec()));
        damage("longer", Some([&bytes[..], b"x"].concat()));
        damage("removed", None);
    }
    assert!(damages.len() > 100, "{} damages", damages.len());
    let (mut mended, mut named, mut refused, mut wrong) = (0, 0, 0, 0);
    for ((name, words, _), finding) in
        damages
            .iter()
            .zip(findings(&image, "look", &image.acknowledged, &damages))
    {
        let is_checkpoint = name == "public/checkpoint" || name == "signed";
        match &finding {
            Finding::Whole(events) if *events == image.head => mended += 1,
            Finding::Refused(code) if is_checkpoint && code == "CHECKPOINT_DAMAGED" => refused += 1,
            // What the next start compares is always put right: the newest tiles and bundles, and what lies beside them.
            Finding::Broken(why)
                if !name.contains(".p/")
                    && why
                        .strip_prefix("evidence: ")
                        .is_some_and(|why| names_it(name, why.split(' ').next().unwrap_or_default())) =>
            {
                named += 1;
            }
            other => {
                eprintln!("{name}: {words}: {other:?}");
                wrong += 1;
            }
        }
    }
    assert_eq!(wrong, 0, "of {} damages", damages.len());
    assert!(
        mended > 20 && named > 20 && refused > 10,
        "{mended} mended, {named} named, {refused} refused"
    );
}

#[test]
fn what_must_be_there_is_missed_by_its_name() {
    let seed = seed("missed_by_its_name");
    let image = Image::take(seed, false);
    let later = Image::take(seed, false);
    let attachment = image.names("attachments").pop().unwrap();
    let (_, flipped_head) = flipped(image.file("head"), &mut Random::new(seed));
    let cases: [(&str, Option<Vec<u8>>, &str); 7] = [
        ("register.toml", None, "NOT_A_REGISTER"),
        ("head", None, "LOG_DAMAGED"),
        ("head", Some(later.file("head").to_vec()), "LOG_DAMAGED"),
        ("head", Some(flipped_head), "LOG_DAMAGED"),
        ("log/db", None, "LOG_DAMAGED"),
        ("log/db", Some(later.file("log/db").to_vec()), "LOG_DAMAGED"),
        (
            &attachment,
            Some(b"name = \"another\"".to_vec()),
            "CAMPAIGN_CHANGED",
        ),
    ];
    let damages: Vec<Damage> = cases
        .iter()
        .map(|(name, bytes, code)| ((*name).to_owned(), (*code).to_owned(), bytes.clone()))
        .collect();
    for ((name, code, _), finding) in damages.iter().zip(findings(&image, "look", &[], &damages)) {
        assert_eq!(finding, Finding::Refused(code.clone()), "{name}");
    }
}

#[test]
fn saved_projections_may_be_damaged_or_gone() {
    let seed = seed("saved_projections_may_be");
    let mut random = Random::new(seed);
    let image = Image::take(seed, false);
    let mut damages = Vec::new();
    for name in image.names("projections") {
        let bytes = image.file(&name).to_vec();
        flips(&image, &name, 3, &mut random, &mut damages);
        let length = random.index(bytes.len());
        damages.push((
            name.clone(),
            format!("cut to {length}"),
            Some(bytes[..length].to_vec()),
        ));
        damages.push((name, "removed".to_owned(), None));
    }
    assert!(damages.len() > 20);
    for ((name, words, _), finding) in
        damages
            .iter()
            .zip(findings(&image, "audit", &image.acknowledged, &damages))
    {
        assert_eq!(finding, Finding::Whole(image.head), "{name}: {words}");
    }
}
