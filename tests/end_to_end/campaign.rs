//! A register whose campaign changes: what is taken before and after, and what auditors and backups make of it.

use std::{fs, path::Path};

use serde_json::{Value, json};
use shilu_tests::workload::CAMPAIGN;

use crate::shilu::{Register, shilu};

const WHY: [&str; 4] = ["--as", "mayor", "--reason", "the notice of May"];

/// One field, one kind and one indicator more.
fn changed() -> String {
    CAMPAIGN.replace("note = ", "floors = { type = \"integer\" }\nnote = ")
        + "[[kinds]]\nid = \"shop\"\nkey = \"code\"\n[kinds.fields]\ncode = { type = \"text\", required = true }\n\
           [[indicators]]\nid = \"noted\"\nof = \"dwelling\"\nmeasure = \"share\"\nhaving = { rooms = 3 }\n\
           targets = [{ by = 2030-01-01, value = 90 }]\n"
}

const DIFFERENCES: &str = "\
+ field dwelling.floors: integer
+ kind shop: key code, area none
+ field shop.code: text, required
+ indicator noted: share of dwelling: having rooms = 3; 90 % by 2030-01-01
";

fn collect(key: &str, floors: Option<u8>) -> Value {
    let mut fields = json!({"area": "north", "rooms": 3});
    if let Some(floors) = floors {
        fields["floors"] = json!(floors);
    }
    json!({"action": "collect", "record": format!("dwelling/{key}"), "actor": "ann", "fields": fields})
}

fn change<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["campaign", "change", file], &WHY[..], more].concat()
}

#[test]
fn a_campaign_changes_and_the_past_keeps_the_one_it_had() {
    let register = Register::new(CAMPAIGN);
    let file = register.file("new.toml", changed());
    let id = "019ad09e-9a3c-7000-8000-000000000001";
    let mut first = collect("1", None);
    first["id"] = json!(id);
    let server = register.serve();
    let accepted = server.command(&first).with(201);
    server.command(&collect("2", Some(2))).with(422);
    server
        .command(&json!({"action": "collect", "record": "shop/1", "actor": "ann", "fields": {}}))
        .with(404);
    let in_use = register.run(&change(&file, &[]));
    in_use.refused(1, "REGISTER_IN_USE");
    assert!(server.terminate().success());

    // Said, and not done.
    let dry = register.run(&change(&file, &["--dry-run"]));
    assert!(dry.stderr.contains("nothing was written"), "{dry:?}");
    assert_eq!(dry.well(), DIFFERENCES);
    assert_eq!(register.events(), 2);
    assert_eq!(register.run(&["campaign"]).well(), CAMPAIGN);
    for (name, text, exit, code) in [
        ("bad.toml", "name = 7".to_owned(), 2, "BAD_CAMPAIGN"),
        (
            "less.toml",
            changed()
                .replace("rooms = { type = \"integer\" }\n", "")
                .replace("rooms = 3", "floors = 3"),
            1,
            "CAMPAIGN_CHANGE",
        ),
        (
            "personal.toml",
            changed().replace(
                "note = { type = \"text\" }",
                "note = { type = \"text\" }\nphone = { type = \"phone\", personal = true }",
            ),
            1,
            "PERSONAL_NOT_PROTECTED",
        ),
        ("same.toml", CAMPAIGN.to_owned(), 1, "SETTING_UNCHANGED"),
    ] {
        let file = register.file(name, text);
        let done = register.run(&change(&file, &[])).refused(exit, code);
        assert!(
            code != "CAMPAIGN_CHANGE" || done.stderr.contains("dwelling.rooms would be gone"),
            "{done:?}"
        );
    }
    assert_eq!(register.events(), 2);

    // Done.
    let done = register.run(&change(&file, &[]));
    assert!(
        done.stderr.contains("the campaign is changed, as event @2"),
        "{done:?}"
    );
    assert_eq!(done.well(), DIFFERENCES);
    let server = register.serve();
    server.command(&collect("2", Some(2))).with(201);
    server
        .command(&json!({"action": "collect", "record": "shop/1", "actor": "ann", "fields": {}}))
        .with(201);
    // A retry of what the campaign before took is answered as it was.
    assert_eq!(server.command(&first).with(200), accepted);
    let target = |as_of: &str| {
        let rates = server.get(&format!("/api/v1/rates?as_of={as_of}")).with(200);
        let items = rates["items"].as_array().unwrap().clone();
        items.into_iter().find(|rate| rate["indicator"] == "noted")
    };
    assert_eq!(target("@1"), None);
    let noted = target("@2").unwrap();
    assert_eq!(
        (&noted["numerator"], &noted["denominator"]),
        (&json!(1), &json!(1))
    );
    let campaign = |words: &[&str]| shilu(&[&["campaign", "--server", &server.url], words].concat());
    assert_eq!(campaign(&[]).well(), changed());
    assert_eq!(campaign(&["--as-of", "@1"]).well(), CAMPAIGN);
    campaign(&["--as-of", "@99"]).refused(1, "NO_POSITION");
    assert!(server.terminate().success());
    assert_eq!(register.run(&["campaign", "--as-of", "@1"]).well(), CAMPAIGN);
    assert_eq!(
        register.run(&["campaign", "--as-of", "2001-01-01"]).well(),
        CAMPAIGN
    );
    let outline = register.run(&["campaign", "--check"]).well();
    assert!(outline.contains("kind shop: 1 fields"), "{outline}");
    let history = register
        .run(&[
            "changes",
            "--action",
            "configure",
            "--limit",
            "0",
            "--format",
            "json",
        ])
        .well();
    assert!(
        history.contains("the notice of May") && history.contains("mayor"),
        "{history}"
    );

    auditors_and_backups_follow(&register);

    // A comment alone is a change of the file, and of nothing else; and the words are there in Chinese.
    let file = register.file("said.toml", changed() + "# as of May\n");
    let done = register.run(&change(&file, &["--lang", "zh"]));
    assert!(
        done.stderr.contains("行动方案已变更") && done.stderr.contains("两者仅在"),
        "{done:?}"
    );
    assert_eq!(done.well(), "");
}

fn auditors_and_backups_follow(register: &Register) {
    let key = register.run(&["key"]).well().trim_end().to_owned();
    let verify = |dir: &str| shilu(&["verify", "--data", dir, "--key", &key, "--format", "json"]);
    let verified = verify(register.dir()).json();
    assert_eq!(
        (&verified["campaigns"], &verified["unpublished"]),
        (&json!(2), &json!(0)),
        "{verified}"
    );
    let beside = |name: &str| register.home.path().join(name).to_str().unwrap().to_owned();
    let (copy, restored) = (beside("backup"), beside("restored"));
    register.run(&["backup", &copy]).well();
    assert_eq!(verify(&copy).json()["campaigns"], 2);
    shilu(&["restore", &copy, &restored, "--key", &key]).well();
    let export = |dir: &str| {
        shilu(&[
            "export", "--data", dir, "--kind", "dwelling", "--status", "all", "--format", "csv",
        ])
        .well()
    };
    assert_eq!(export(&restored), export(register.dir()));
    assert_eq!(shilu(&["campaign", "--data", &restored]).well(), changed());
    assert_eq!(
        shilu(&["campaign", "--data", &restored, "--as-of", "@1"]).well(),
        CAMPAIGN
    );
    assert_eq!(verify(&restored).json()["campaigns"], 2);
    let rebuilt = shilu(&["rebuild", "--data", &restored, "--format", "json"]).well();
    assert!(
        rebuilt.contains("true") && !rebuilt.contains("false"),
        "{rebuilt}"
    );

    // Without the file of the campaign nobody can say what the log means, and all say which one it is.
    let attachments = Path::new(&copy).join("mirror/attachments");
    let names = fs::read_dir(&attachments)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let later = names
        .into_iter()
        .find(|path| fs::read_to_string(path).unwrap() == changed())
        .unwrap();
    fs::remove_file(&later).unwrap();
    let nothing = beside("nothing");
    shilu(&["restore", &copy, &nothing, "--key", &key]).refused(1, "CAMPAIGN_MISSING");
    assert_eq!(fs::read_dir(&nothing).unwrap().count(), 0);
    let finding = verify(&copy);
    assert!(
        finding.exit == 1 && finding.stdout.contains("CAMPAIGN_MISSING"),
        "{finding:?}"
    );
    let own = Path::new(register.dir())
        .join("attachments")
        .join(later.file_name().unwrap());
    fs::rename(&own, register.home.path().join("aside")).unwrap();
    register
        .run(&["show", "dwelling/1"])
        .refused(1, "CAMPAIGN_MISSING");
    register.run(&["rebuild"]).refused(1, "CAMPAIGN_MISSING");
    fs::rename(register.home.path().join("aside"), &own).unwrap();
    register.run(&["show", "dwelling/1"]).well();
}
