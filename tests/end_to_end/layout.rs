//! The workspace keeps its shape: who may depend on whom, what lies where, what is pure.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::process::{cargo, workspace};

/// Each crate, and the crates of ours that it may depend on. An arrow that is not here is a decision to be made first.
const ARROWS: [(&str, &[&str]); 11] = [
    ("shilu-model", &[]),
    ("shilu-merkle", &[]),
    ("shilu-sampling", &["shilu-model"]),
    ("shilu-projections", &["shilu-model", "shilu-sampling"]),
    ("shilu-simulator", &["shilu-model"]),
    ("shilu-log", &["shilu-model", "shilu-merkle"]),
    ("shilu-verify", &["shilu-model", "shilu-merkle", "shilu-sampling"]),
    (
        "shilu-engine",
        &[
            "shilu-model",
            "shilu-merkle",
            "shilu-sampling",
            "shilu-projections",
            "shilu-log",
        ],
    ),
    (
        "shilu-service",
        &[
            "shilu-engine",
            "shilu-model",
            "shilu-merkle",
            "shilu-sampling",
            "shilu-projections",
            "shilu-verify",
        ],
    ),
    (
        "shilu",
        &[
            "shilu-service",
            "shilu-simulator",
            "shilu-engine",
            "shilu-model",
            "shilu-merkle",
            "shilu-sampling",
            "shilu-projections",
            "shilu-log",
            "shilu-verify",
        ],
    ),
    (
        "shilu-tests",
        &[
            "shilu",
            "shilu-service",
            "shilu-simulator",
            "shilu-engine",
            "shilu-model",
            "shilu-merkle",
            "shilu-sampling",
            "shilu-projections",
            "shilu-log",
            "shilu-verify",
        ],
    ),
];

/// What lies at the top, besides what git does not keep and what begins with a dot.
const TOP: [&str; 7] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "crates",
    "docs",
    "projections",
    "tests",
];

/// The folders of the pure crates, and words that have no place in them. `TestRng` and the like are for tests alone.
const PURE: [&str; 5] = [
    "crates/model",
    "crates/merkle",
    "crates/sampling",
    "crates/simulator",
    "projections",
];
const IMPURE: [&str; 8] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant",
    "tokio",
    "rand::",
];

/// The largest file in the repository but for Cargo.lock: larger ones are data, and data is made or fetched.
const FILE_BYTES_MAX: u64 = 200_000;

fn metadata() -> Value {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The crates that a crate names, of every kind of dependency.
fn dependencies(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn no_arrow_between_crates_but_those_of_the_design() {
    let metadata = metadata();
    let allowed: BTreeMap<_, _> = ARROWS.into_iter().collect();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(
        packages.len(),
        allowed.len(),
        "a crate is new or gone: add it to ARROWS"
    );
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let own = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} is new: add it to ARROWS"));
        let ours = dependencies(package)
            .into_iter()
            .filter(|other| allowed.contains_key(other.as_str()));
        for other in ours {
            assert!(own.contains(&other.as_str()), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn pure_crates_touch_nothing_outside() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        let manifest = package["manifest_path"].as_str().unwrap();
        if PURE
            .iter()
            .any(|folder| Path::new(manifest) == workspace().join(folder).join("Cargo.toml"))
        {
            for other in ["tokio", "rand", "sled", "rustix", "libc"] {
                let name = package["name"].as_str().unwrap();
                assert!(
                    !dependencies(package).iter().any(|name| name == other),
                    "{name} depends on {other}"
                );
            }
        }
    }
    let mut looked_at = 0;
    for folder in PURE {
        for file in files(&workspace().join(folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in IMPURE {
                    assert!(
                        !code.contains(word),
                        "{}:{}: {word} in a pure crate",
                        file.display(),
                        number + 1
                    );
                }
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "only {looked_at} files were looked at");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// What git keeps or would keep.
fn kept() -> Vec<String> {
    let mut git = Command::new("git");
    git.current_dir(workspace())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let output = git.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    names.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn the_top_holds_only_what_the_design_names() {
    let mut found: Vec<String> = kept()
        .iter()
        .map(|name| name.split('/').next().unwrap().to_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    found.sort();
    found.dedup();
    assert_eq!(found, TOP);
}

#[test]
fn no_file_is_large() {
    let kept = kept();
    assert!(kept.len() > 50, "only {} files", kept.len());
    for name in kept.iter().filter(|name| *name != "Cargo.lock") {
        // Deleted and not yet committed.
        let Ok(metadata) = fs::metadata(workspace().join(name)) else {
            continue;
        };
        assert!(
            metadata.len() <= FILE_BYTES_MAX,
            "{name} has {} bytes",
            metadata.len()
        );
    }
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let foreign = section
        .lines()
        .filter(|line| line.contains('=') && !line.contains("path = "));
    let mut count = 0;
    for line in foreign {
        let reason = line.split_once(" # ").map(|(_, reason)| reason.trim());
        assert!(reason.is_some_and(|reason| reason.len() > 3), "no reason: {line}");
        count += 1;
    }
    assert!(count > 20, "only {count} dependencies were found");
    for manifest in files_named("Cargo.toml") {
        let text = fs::read_to_string(workspace().join(&manifest)).unwrap();
        let lone = text
            .lines()
            .find(|line| line.contains("version = \"") && manifest != "Cargo.toml");
        assert_eq!(
            lone, None,
            "{manifest}: a version belongs into the workspace's manifest, with its reason"
        );
    }
}

fn files_named(name: &str) -> Vec<String> {
    kept()
        .into_iter()
        .filter(|kept| kept.rsplit('/').next() == Some(name))
        .collect()
}
