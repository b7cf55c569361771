//! A campaign that changes: each command is judged by the one in force then, each figure is what it is by the one known
//! then, and neither a restart nor a crash makes a difference.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use proptest::prelude::*;
use shilu_model::{Command, Day, Deed, EventId, Input, OwnedValue, Position, Timestamp};
use shilu_projections::Projections;

use super::{
    MINUTE, code, command,
    history::{DAY, Dice},
    measures, name, settable, submit,
};
use crate::{
    AsOf, At, Because, By, ChangesQuery, DiffQuery, Engine, EngineError, FigureQuery, Init, ListQuery,
    Options, Rate, campaigns::attach,
};

const WHY: Because<'static> = Because {
    actor: "mayor",
    reason: "the notice of May",
};

const OLD: &str = r#"
name = "Village"
origin = "example.org/village"
timezone = "Asia/Shanghai"
earliest = 2000-01-01
[[areas]]
id = "parish"
from = 2000-01-01
[[areas]]
id = "north"
parent = "parish"
from = 2000-01-01
[[areas]]
id = "south"
parent = "parish"
from = 2000-01-01
[[kinds]]
id = "dwelling"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true }
area = { type = "area", required = true }
use = { type = "choice", values = ["own", "rental"] }
[[indicators]]
id = "let"
of = "dwelling"
measure = "share"
having = { use = "rental" }
targets = [{ by = 2026-01-10, value = 50 }]
"#;

/// More of everything, and another target.
fn new() -> String {
    OLD.replace("\"rental\"]", "\"rental\", \"lodging\"]")
        .replace("[[indicators]]", "rooms = { type = \"integer\", required = true }\n[[kinds]]\nid = \"shop\"\nkey = \"code\"\n[kinds.fields]\ncode = { type = \"text\", required = true }\n[[indicators]]")
        .replace("having = { use = \"rental\" }", "having = { use = [\"rental\", \"lodging\"] }")
        .replace("value = 50", "value = 90")
        .replace("[[kinds]]\nid = \"dwelling\"", "[[areas]]\nid = \"hamlet\"\nparent = \"north\"\nfrom = 2000-01-01\n[[kinds]]\nid = \"dwelling\"")
}

fn init(dir: &Path, campaign: &str, simulated: bool, options: &Options) -> Engine {
    let init = Init {
        campaign,
        actor: "mayor",
        simulated,
    };
    Engine::init(dir, &init, options).unwrap();
    Engine::open(dir, options.clone()).unwrap()
}

fn reopened(engine: Engine, dir: &Path, options: &Options) -> Engine {
    engine.close().unwrap();
    drop(engine);
    Engine::open(dir, options.clone()).unwrap()
}

fn text(text: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Text(text.to_owned()))
}

fn dwelling(key: &str, area: &str, usage: &str) -> Command {
    let fields = vec![("area".to_owned(), text(area)), ("use".to_owned(), text(usage))];
    command(&format!("dwelling/{key}"), "anna", Deed::Collect(fields))
}

fn with_rooms(command: Command) -> Command {
    let Deed::Collect(mut fields) = command.deed else {
        panic!()
    };
    fields.push(("rooms".to_owned(), Some(OwnedValue::Integer(3))));
    Command {
        deed: Deed::Collect(fields),
        ..command
    }
}

fn query(at: At, by: By) -> FigureQuery {
    FigureQuery { at, by, area: None }
}

fn rates(engine: &Engine, as_of: AsOf, effective: Option<Timestamp>, by: By) -> Vec<Rate> {
    let at = engine.at(as_of, effective).unwrap();
    engine.rates(&query(at, by)).unwrap().items
}

/// The campaign's own indicator as (numerator, denominator, target).
fn lets(engine: &Engine, as_of: AsOf, effective: Option<Timestamp>) -> (u64, u64, String) {
    let rate = rates(engine, as_of, effective, By::Whole).remove(0);
    assert_eq!(rate.indicator, "let");
    let target = rate.target.unwrap().value.to_string();
    (rate.share.numerator, rate.share.denominator, target)
}

/// What is saved is what folding anew gives.
fn assert_same(dir: &Path, options: &Options) {
    let compared = Engine::compare_saved(dir, options, |_, _| ()).unwrap();
    assert!(
        compared.files.iter().all(|file| file.same == Some(true)),
        "{compared:?}"
    );
}

#[test]
fn commands_are_judged_by_the_campaign_in_force_and_figures_by_the_one_known() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, false, &options);
    let id = EventId::parse("019ad09e-9a3c-7000-8000-000000000001").unwrap();
    let first = Command {
        id: Some(id),
        ..dwelling("1", "north", "rental")
    };
    let accepted = submit(&engine, vec![first.clone()]).unwrap();
    submit(&engine, vec![dwelling("2", "south", "own")]).unwrap();
    let shop = command("shop/1", "anna", Deed::Collect(Vec::new()));
    let lodging = with_rooms(dwelling("3", "hamlet", "lodging"));
    let refusals = [
        (shop.clone(), "NO_KIND"),
        (dwelling("3", "hamlet", "own"), "BAD_VALUE"),
    ];
    for (command, why) in refusals {
        assert_eq!(code(submit(&engine, vec![command])), why);
    }
    // What a field may hold is judged where a command is read, by the campaign in force then.
    let read = |field, input| {
        let campaign = engine.campaign();
        let read = campaign.kind("dwelling").unwrap().read(field, input);
        read.map_err(|rejection| rejection.code())
    };
    assert_eq!(read("rooms", Input::Integer(3)), Err("UNKNOWN_FIELD"));
    assert_eq!(read("use", Input::Text("lodging")), Err("BAD_VALUE"));
    let changed_at = Timestamp::parse("2026-01-12T00:00:00Z").unwrap();
    clock.store(changed_at.micros(), Ordering::SeqCst);
    assert_eq!(&*engine.campaign_text(), OLD);
    let position = engine.change_campaign(&new(), WHY).unwrap();
    assert_eq!(position, Position::new(3));
    assert_eq!(*engine.campaign_text(), *new());
    assert!(read("rooms", Input::Integer(3)).is_ok() && read("use", Input::Text("lodging")).is_ok());
    for command in [shop, lodging] {
        submit(&engine, vec![command]).unwrap();
    }
    // What is required since is required of what is first collected since.
    assert_eq!(
        code(submit(&engine, vec![dwelling("4", "north", "own")])),
        "FIELD_MISSING"
    );
    submit(&engine, vec![dwelling("2", "south", "own")]).unwrap();
    // A retry is answered as it was, whatever the campaign has become.
    let mut again = submit(&engine, vec![first.clone()]).unwrap();
    again[0].repeated = false;
    assert_eq!(again, accepted);
    let same = engine.change_campaign(&new(), WHY).unwrap_err();
    assert_eq!(same.code(), "SETTING_UNCHANGED");

    let check = |engine: &Engine| {
        let before = AsOf::Position(Position::new(2));
        let text_at = |as_of| engine.campaign_text_at(engine.at(as_of, None).unwrap());
        assert_eq!(&*text_at(before), OLD);
        assert_eq!(*text_at(AsOf::Position(position)), *new());
        assert_eq!(*text_at(AsOf::Now), *new());
        assert_eq!(&*text_at(AsOf::Time(changed_at.plus_micros(-1))), OLD);
        assert_eq!(lets(engine, before, None), (1, 2, "50 %".to_owned()));
        assert_eq!(
            lets(engine, AsOf::Position(position), None),
            (1, 2, "90 %".to_owned())
        );
        assert_eq!(lets(engine, AsOf::Now, None), (2, 3, "90 %".to_owned()));
        // Of the day before the change: as known then, by the campaign of then; as known now, by that of now.
        let day = Timestamp::parse("2026-01-10T15:59:59.999999Z").unwrap();
        assert_eq!(lets(engine, AsOf::Time(day), None), (1, 2, "50 %".to_owned()));
        assert_eq!(lets(engine, AsOf::Now, Some(day)), (1, 2, "90 %".to_owned()));
        let now = rates(engine, AsOf::Now, None, By::Whole).remove(0);
        let then = now.at_deadline.unwrap();
        assert_eq!(then.target.unwrap().value.to_string(), "50 %");
        assert_eq!((then.share.numerator, then.share.denominator), (1, 2));
        assert_eq!(
            format!("{:?} {:?}", then.state, now.state),
            "Some(Met) Some(Short)"
        );
        // The hamlet is in the north only by the new campaign.
        let by_area = rates(engine, AsOf::Now, None, By::Area);
        let areas = by_area.iter().filter(|rate| rate.indicator == "let");
        let areas: Vec<_> = areas
            .map(|rate| (rate.area.as_deref().unwrap(), rate.share.denominator))
            .collect();
        assert_eq!(areas, [("hamlet", 1), ("north", 2), ("parish", 3), ("south", 1)]);
        rolls_up(engine);
        // A kind that nobody knew of yet has no rates.
        let kinds = |as_of| {
            rates(engine, as_of, None, By::Whole)
                .iter()
                .any(|rate| rate.indicator == "shop.accuracy")
        };
        assert_eq!((kinds(before), kinds(AsOf::Now)), (false, true));
        assert!(
            engine
                .record(&name("shop/1"), engine.at(AsOf::Now, None).unwrap())
                .is_ok()
        );
    };
    check(&engine);
    let engine = reopened(engine, dir.path(), &options);
    check(&engine);
    assert_eq!(
        code(submit(&engine, vec![dwelling("4", "north", "own")])),
        "FIELD_MISSING"
    );
    let mut again = submit(&engine, vec![first]).unwrap();
    again[0].repeated = false;
    assert_eq!(again, accepted);
    engine.close().unwrap();
    drop(engine);
    assert_same(dir.path(), &options);
    fs::remove_dir_all(dir.path().join("projections")).unwrap();
    let engine = Engine::open(dir.path(), options.clone()).unwrap();
    check(&engine);
    engine.close().unwrap();
}

/// What is in a folder and below, with its bytes.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    found.sort();
    found
}

#[test]
fn whoever_changes_the_register_says_who_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, false, &options);
    let (attachments, end) = (dir.path().join("attachments"), engine.end());
    let before = contents(&attachments);
    for (actor, reason, field) in [
        ("", "why", "actor"),
        (" ", "why", "actor"),
        ("a\nb", "why", "actor"),
        ("mayor", "", "reason"),
        ("mayor", "\u{7}", "reason"),
    ] {
        let because = Because { actor, reason };
        let refusals = [
            engine.change_campaign(&new(), because).unwrap_err(),
            engine.rotate_key(because, false).unwrap_err(),
            engine.accept_clock(actor, reason).unwrap_err(),
        ];
        for error in refusals {
            assert_eq!(
                (error.code(), error.field()),
                ("BAD_VALUE", Some(field)),
                "{because:?}"
            );
        }
    }
    assert_eq!((engine.end(), contents(&attachments)), (end, before));
    let other = tempfile::tempdir().unwrap();
    let init = Init {
        campaign: OLD,
        actor: "",
        simulated: false,
    };
    let refused = Engine::init(other.path(), &init, &Options::default()).unwrap_err();
    assert_eq!((refused.code(), contents(other.path()).len()), ("BAD_VALUE", 0));
}

#[test]
fn a_change_that_is_refused_leaves_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, false, &options);
    submit(&engine, vec![dwelling("1", "north", "rental")]).unwrap();
    let attachments = dir.path().join("attachments");
    let before = contents(&attachments);
    let witnessed = |key: &str| {
        OLD.replace("[[areas]]\nid = \"parish\"", &format!("quorum = 1\n[[witnesses]]\nkey = \"{key}\"\nurl = \"http://127.0.0.1:9\"\n[[areas]]\nid = \"parish\""))
    };
    let refusals = [
        ("name = 7".to_owned(), "BAD_CAMPAIGN"),
        (witnessed("w1.example+1f2e3d4c+BAAB"), "BAD_CAMPAIGN"),
        (OLD.replace("village", "town"), "CAMPAIGN_CHANGE"),
        (OLD.replace("Asia/Shanghai", "UTC"), "CAMPAIGN_CHANGE"),
        (
            OLD.replace("id = \"south\"", "id = \"southern\""),
            "CAMPAIGN_CHANGE",
        ),
        (OLD.replace("\"own\", ", ""), "CAMPAIGN_CHANGE"),
        (
            OLD.replace("use = {", "owner = { type = \"text\", personal = true }\nuse = {"),
            "PERSONAL_NOT_PROTECTED",
        ),
        (OLD.to_owned(), "SETTING_UNCHANGED"),
    ];
    for (text, why) in refusals {
        assert_eq!(
            engine.change_campaign(&text, WHY).unwrap_err().code(),
            why,
            "{text}"
        );
    }
    clock.fetch_sub(DAY, Ordering::SeqCst);
    assert_eq!(
        engine.change_campaign(&new(), WHY).unwrap_err().code(),
        "CLOCK_BEHIND"
    );
    clock.fetch_add(DAY, Ordering::SeqCst);
    assert_eq!(engine.end(), Position::new(2));
    assert_eq!(&*engine.campaign_text(), OLD);
    let shop = command("shop/1", "anna", Deed::Collect(Vec::new()));
    assert_eq!(code(submit(&engine, vec![shop])), "NO_KIND");
    assert!(
        engine
            .campaign()
            .kind("dwelling")
            .unwrap()
            .field("rooms")
            .is_none()
    );
    assert_eq!(contents(&attachments), before);
    // As after a crash between the file and its event: nobody names it.
    attach(dir.path(), &new()).unwrap();
    let engine = reopened(engine, dir.path(), &options);
    assert_eq!(&*engine.campaign_text(), OLD);
    engine.change_campaign(&new(), WHY).unwrap();
    engine.close().unwrap();
    assert_eq!(
        engine.change_campaign(OLD, WHY).unwrap_err().code(),
        "CAMPAIGN_CHANGE"
    );
    let more = new().replace("value = 90", "value = 80");
    assert_eq!(engine.change_campaign(&more, WHY).unwrap_err().code(), "STOPPING");
}

#[test]
fn a_simulated_register_takes_personal_fields_and_keeps_them_personal() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, true, &options);
    let personal = OLD.replace("use = {", "owner = { type = \"text\", personal = true }\nuse = {");
    engine.change_campaign(&personal, WHY).unwrap();
    let open = personal.replace(", personal = true", "");
    assert_eq!(
        engine.change_campaign(&open, WHY).unwrap_err().code(),
        "CAMPAIGN_CHANGE"
    );
    engine.close().unwrap();
}

/// Two who change it at once: the second is judged by what the first made of it.
#[test]
fn changes_at_once_are_judged_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, false, &options);
    let fields = |number: usize| {
        let field = format!("extra{number} = {{ type = \"integer\" }}\nuse = {{");
        OLD.replace("use = {", &field)
    };
    let answers: Vec<Result<Position, EngineError>> = std::thread::scope(|scope| {
        let engine = &engine;
        let threads: Vec<_> = (0..4)
            .map(|number| scope.spawn(move || engine.change_campaign(&fields(number), WHY)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // Each would take the other's field away.
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!((taken, engine.end()), (1, Position::new(2)), "{answers:?}");
    assert!(
        answers
            .iter()
            .flat_map(Result::as_ref)
            .all(|position| *position == Position::new(1))
    );
    let codes = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err().map(EngineError::code));
    assert!(codes.into_iter().all(|code| code == "CAMPAIGN_CHANGE"));
    engine.close().unwrap();
}

#[test]
fn a_campaign_that_is_missing_or_another_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, false, &options);
    engine.change_campaign(&new(), WHY).unwrap();
    submit(&engine, vec![with_rooms(dwelling("1", "hamlet", "lodging"))]).unwrap();
    engine
        .change_campaign(&new().replace("value = 90", "value = 80"), WHY)
        .unwrap();
    engine.close().unwrap();
    drop(engine);
    let files = contents(&dir.path().join("attachments"));
    assert_eq!(files.len(), 3);
    assert_eq!(contents(&dir.path().join("mirror/attachments")).len(), 3);
    let tries = |why: &str, path: &str| {
        let refused =
            |error: EngineError| assert!(error.code() == why && error.to_string().contains(path), "{error}");
        refused(Engine::open(dir.path(), options.clone()).err().unwrap());
        refused(Engine::rebuild(dir.path(), &options, |_, _| ()).err().unwrap());
        refused(
            Engine::compare_saved(dir.path(), &options, |_, _| ())
                .err()
                .unwrap(),
        );
    };
    for (path, bytes) in &files {
        fs::remove_file(path).unwrap();
        tries("CAMPAIGN_MISSING", path);
        fs::write(path, "name = \"Other\"").unwrap();
        tries("CAMPAIGN_CHANGED", path);
        fs::write(path, bytes).unwrap();
    }
    assert_same(dir.path(), &options);
}

/// Records, changes and differences of the north include those of the hamlet below it.
fn rolls_up(engine: &Engine) {
    let at = engine.at(AsOf::Now, None).unwrap();
    let of = |area: &str| {
        let records = engine.records(&ListQuery {
            kind: None,
            area: Some(area.to_owned()),
            status: None,
            found_too: false,
            text: None,
            at,
            after: None,
            limit: 100,
        });
        let changes = engine.changes(&ChangesQuery {
            area: Some(area.to_owned()),
            limit: 100,
            ..ChangesQuery::default()
        });
        let diff = engine.diff(&DiffQuery {
            from: engine.at(AsOf::Position(Position::new(0)), None).unwrap(),
            to: at,
            area: Some(area.to_owned()),
            kind: None,
            after: None,
            limit: 100,
        });
        let records = records.unwrap().items.into_iter().map(|view| view.name);
        let records: BTreeSet<_> = records.collect();
        let changes = changes.unwrap().items;
        let changes: BTreeSet<_> = changes.iter().map(|event| event.event().position).collect();
        let diff: BTreeSet<_> = diff.unwrap().items.into_iter().map(|item| item.name).collect();
        (records, changes, diff)
    };
    let (hamlet, north, parish) = (of("hamlet"), of("north"), of("parish"));
    assert!(!hamlet.0.is_empty() && !hamlet.1.is_empty() && !hamlet.2.is_empty());
    for (below, above) in [(&hamlet, &north), (&north, &parish), (&of("south"), &parish)] {
        assert!(below.0.is_subset(&above.0) && below.1.is_subset(&above.1) && below.2.is_subset(&above.2));
        assert!(below.0.len() < above.0.len() && below.2.len() < above.2.len());
    }
    assert!(of("elsewhere").0.is_empty());
}

/// Variants of one campaign that judge every command alike, and count differently.
fn variants() -> [String; 3] {
    let first = measures::CAMPAIGN.to_owned();
    let second = first
        .replace(
            "where = { use = \"rental\" }",
            "where = { use = [\"@let\"] }\ntargets = [{ by = 2026-03-12, value = 60 }]",
        )
        .replace("touched = { days = 6", "touched = { days = 3")
        .replace("days = 8", "days = 20")
        .replace("exactly = 1", "at_least = 1")
        .replace(
            "[[kinds]]\nid = \"address\"",
            "[[areas]]\nid = \"west\"\nparent = \"parish\"\nfrom = 2025-01-01\n[[kinds]]\nid = \"address\"",
        )
        .replace(
            "id = \"north\"\nparent = \"parish\"",
            "id = \"north\"\nparent = \"west\"",
        );
    let third = first
        .replace("having = { unit = { live = true } }", "having = { \"unit.trade\" = \"hotel\" }")
        .replace("id = \"complete\"", "id = \"filled\"")
        .replace("where = { \"unit.trade\" = \"hotel\" }\nmeasure = \"sum\"", "measure = \"sum\"")
        .replace("[[indicators]]\nid = \"summed\"\nof = \"inspection\"\nmeasure = \"sum\"\nnumerator = \"compliant\"\ndenominator = \"checked\"\n", "")
        .replace("address = { type = \"text\", normal = \"width\" }", "address = { type = \"text\" }");
    assert!(second != first && third != first);
    [first, second, third]
}

/// A register whose campaign changes now and then, and registers with the same history that always had one of them.
struct Told {
    dir: tempfile::TempDir,
    options: Options,
    changing: Engine,
    steady: Vec<(tempfile::TempDir, Engine)>,
    /// The moment of each change, and the place of the campaign from then on.
    changes: Vec<(Timestamp, usize)>,
}

impl Told {
    fn new(seed: u64, commands: usize) -> Told {
        let campaigns = variants();
        let (clock, options) = settable("2026-03-05T09:00:00+08:00");
        let options = Options {
            unpublished: true,
            ..options
        };
        let dir = tempfile::tempdir().unwrap();
        let mut changing = init(dir.path(), &campaigns[0], false, &options);
        let steady = campaigns.iter().map(|campaign| {
            let dir = tempfile::tempdir().unwrap();
            let engine = init(dir.path(), campaign, false, &options);
            (dir, engine)
        });
        let steady: Vec<_> = steady.collect();
        let mut dice = Dice::new(seed);
        let mut changes = vec![(Timestamp::MIN, 0)];
        for _ in 0..commands {
            Self::pass_time(&clock, &mut dice);
            let now = clock.load(Ordering::SeqCst);
            let lists: Vec<_> = (0..1 + dice.below(4))
                .map(|_| vec![measures::a_command(&mut dice, now)])
                .collect();
            // Not waited for: a change falls into the middle of a commit.
            let pending = changing.submit(lists.clone()).unwrap();
            if dice.percent(6) {
                let (_, last) = changes[changes.len() - 1];
                let next = (last + 1 + dice.below(2)) % campaigns.len();
                let areas_gone = last == 1;
                let text = if areas_gone {
                    with_west(&campaigns[next])
                } else {
                    campaigns[next].clone()
                };
                if changing.change_campaign(&text, WHY).is_ok() {
                    changes.push((Timestamp::from_micros(now), next));
                }
            }
            let answers = pending.wait();
            for (_, engine) in &steady {
                let same = engine.submit(lists.clone()).unwrap().wait();
                let taken = |answers: &[crate::Answer]| answers.iter().map(Result::is_ok).collect::<Vec<_>>();
                assert_eq!(taken(&same), taken(&answers));
            }
            if dice.percent(4) {
                changing = reopened(changing, dir.path(), &options);
            }
        }
        Told {
            dir,
            options,
            changing,
            steady,
            changes,
        }
    }

    fn pass_time(clock: &Arc<AtomicI64>, dice: &mut Dice) {
        let step = match dice.below(100) {
            0..50 => 0,
            50..80 => dice.range(1, 300) * MINUTE,
            80..97 => dice.range(1, 30) * 60 * MINUTE,
            _ => dice.range(3, 12) * DAY,
        };
        clock.fetch_add(step, Ordering::SeqCst);
    }

    /// A steady register that had the campaign that was in force as known at an instant.
    fn steady_at(&self, known: Timestamp) -> &Engine {
        let begun = self.changes.iter().rfind(|(from, _)| *from <= known).unwrap();
        &self.steady[begun.1].1
    }
}

/// An area, once declared, stays: in it lies nothing.
fn with_west(campaign: &str) -> String {
    if campaign.contains("id = \"west\"") {
        return campaign.to_owned();
    }
    campaign.replace(
        "[[kinds]]\nid = \"address\"",
        "[[areas]]\nid = \"west\"\nparent = \"parish\"\nfrom = 2025-01-01\n[[kinds]]\nid = \"address\"",
    )
}

/// What does not depend on where events stand and on when their frame was first looked at.
fn figures(rates: Vec<Rate>) -> Vec<Rate> {
    let bare = rates.into_iter().map(|rate| Rate {
        frame: None,
        first_frame: None,
        at_deadline: None,
        ..rate
    });
    bare.collect()
}

const SPLITS: [By; 3] = [By::Whole, By::Area, By::Actor];

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// As known at an instant, a register whose campaign changes says what one says that always had the campaign in
    /// force then; and on the kept axes the same as one pass over all records.
    #[test]
    fn every_pair_follows_the_campaign_known_then(seed: u64, commands in 40usize..160) {
        let told = Told::new(seed, commands);
        let engine = &told.changing;
        let mut dice = Dice::new(!seed);
        let zone = engine.campaign().zone;
        let now = engine.now();
        let (first, last) = (zone.day_of(Timestamp::parse("2026-03-05T00:00:00Z").unwrap()).number(), zone.day_of(now).number());
        for _ in 0..24 {
            let by = dice.pick(&SPLITS);
            let mut day = || zone.end_of(Day::from_number(i32::try_from(dice.range(i64::from(first) - 9, i64::from(last) + 9)).unwrap()));
            let (effective, known) = (day(), day());
            // Now, on the axis of days: kept, and passed a moment before the day's end.
            let latest = told.steady_at(now);
            let kept = rates(engine, AsOf::Now, Some(effective), by);
            let passed = rates(engine, AsOf::Now, Some(effective.plus_micros(-1)), by);
            prop_assert_eq!(&kept.iter().map(|rate| &rate.share).collect::<Vec<_>>(), &passed.iter().map(|rate| &rate.share).collect::<Vec<_>>());
            prop_assert_eq!(figures(kept), figures(rates(latest, AsOf::Now, Some(effective), by)));
            // As known at the end of a day.
            if known < now {
                let steady = told.steady_at(known);
                let kept = rates(engine, AsOf::Time(known), None, by);
                let passed = rates(engine, AsOf::Time(known), Some(known.plus_micros(-1)), by);
                prop_assert_eq!(&kept.iter().map(|rate| &rate.share).collect::<Vec<_>>(), &passed.iter().map(|rate| &rate.share).collect::<Vec<_>>());
                prop_assert_eq!(figures(kept), figures(rates(steady, AsOf::Time(known), None, by)));
                let pair = (AsOf::Time(known), Some(effective.min(known)));
                prop_assert_eq!(figures(rates(engine, pair.0, pair.1, by)), figures(rates(steady, pair.0, pair.1, by)));
                let at = engine.at(AsOf::Time(known), None).unwrap();
                let counts = engine.counts(&query(at, by)).unwrap().items;
                let at = steady.at(AsOf::Time(known), None).unwrap();
                prop_assert_eq!(counts, steady.counts(&query(at, by)).unwrap().items);
            }
        }
        told.changing.close().unwrap();
        let Told { dir, options, changing, .. } = told;
        drop(changing);
        assert_same(dir.path(), &options);
    }
}

/// The histories above change their campaign often enough, and to every variant.
#[test]
fn histories_change_their_campaign() {
    let mut begun = [0; 3];
    for seed in 0..4 {
        let told = Told::new(seed, 100);
        for (_, variant) in &told.changes[1..] {
            begun[*variant] += 1;
        }
    }
    assert!(begun.iter().all(|count| *count >= 2), "{begun:?}");
}

/// A loaded set, with events folded after it that change the campaign once more.
#[test]
fn campaigns_are_remembered_from_the_saved_set_and_found_in_what_follows() {
    let dir = tempfile::tempdir().unwrap();
    let (_, options) = settable("2026-01-05T00:00:00Z");
    let engine = init(dir.path(), OLD, false, &options);
    engine.change_campaign(&new(), WHY).unwrap();
    submit(&engine, vec![with_rooms(dwelling("1", "hamlet", "lodging"))]).unwrap();
    engine.close().unwrap();
    drop(engine);
    let projections = dir.path().join("projections");
    let saved: Vec<_> = contents(&projections);
    let engine = Engine::open(dir.path(), options.clone()).unwrap();
    let newest = new().replace("value = 90", "value = 80");
    engine.change_campaign(&newest, WHY).unwrap();
    submit(&engine, vec![with_rooms(dwelling("2", "hamlet", "own"))]).unwrap();
    engine.close().unwrap();
    drop(engine);
    // As after a crash: only the older set is there.
    saved
        .iter()
        .for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    assert_eq!(saved.len(), Projections::files().len());
    let engine = Engine::open(dir.path(), options.clone()).unwrap();
    assert_eq!(*engine.campaign_text(), *newest);
    let at =
        |position| engine.campaign_text_at(engine.at(AsOf::Position(Position::new(position)), None).unwrap());
    assert_eq!(
        [&*at(0), &*at(1), &*at(2), &*at(3)],
        [OLD, &*new(), &*new(), &*newest]
    );
    assert_eq!(lets(&engine, AsOf::Now, None), (1, 2, "80 %".to_owned()));
    engine.close().unwrap();
    drop(engine);
    assert_same(dir.path(), &options);
}
