//! Every kind of mistake in what a campaign says of areas, phases, fields and indicators, with its place; and what is no
//! mistake, though near to one.

use super::*;
use crate::{normal::Normal, time::Day};

/// A small campaign that uses every key.
const TOWN: &str = r#"
name = "Town"
origin = "example.org/town"
timezone = "Asia/Shanghai"
earliest = 2012-01-01
[sets]
core = ["hotel", "pawn"]
other = ["shop"]
[ranking]
months = ["2015-04", "2016-02"]
min_population = 20
[[phases]]
id = "prepare"
from = 2015-04-01
until = 2015-04-05
[[phases]]
id = "collect"
from = 2015-04-05
until = 2015-06-20
[[areas]]
id = "town"
from = 2012-01-01
until = 2030-01-01
[[areas]]
id = "north"
parent = "town"
from = 2012-01-01
until = 2014-01-01
[[areas]]
id = "south"
title.zh = "南"
parent = "town"
from = 2013-01-01
until = 2030-01-01
[[kinds]]
id = "house"
key = "code"
area = "area"
[kinds.fields]
code = { type = "text", required = true, title = { zh = "编码" }, columns = ["房屋编码", "No."] }
area = { type = "area", required = true }
text = { type = "text", essential = true, normal = "address" }
parent = { type = "reference", kinds = ["house"] }
new = { type = "boolean" }
planned = { type = "integer" }
free = { type = "integer", at_most = "planned" }
owner = { type = "text", personal = true }
rate = { type = "decimal" }
[[kinds]]
id = "unit"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area", required = true }
house = { type = "reference", kinds = ["house"] }
trade = { type = "choice", values = ["@core", "@other", "farm"] }
code = { type = "text", normal = "width" }
opened = { type = "date" }
[[kinds]]
id = "plate"
key = "number"
[kinds.fields]
number = { type = "text", required = true }
on = { type = "reference", kinds = ["house", "unit"] }
state = { type = "choice", values = ["active", "retired"] }
[[kinds]]
id = "guest"
key = "id"
[kinds.fields]
id = { type = "text", required = true }
house = { type = "reference", kinds = ["house"] }
citizen = { type = "citizen-id", personal = true }
arrived = { type = "date" }
[[kinds]]
id = "frame"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area" }
what = { type = "choice", values = ["units"] }
expected = { type = "integer" }
[[kinds]]
id = "extract"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area" }
system = { type = "choice", values = ["police", "permits"] }
theirs = { type = "text" }
address = { type = "text", normal = "address" }
[[indicators]]
id = "units"
of = "unit"
where = { trade = ["@core", "farm"], "house.new" = true, area = "south" }
measure = "collected"
count = "units"
targets = [{ by = 2015-05-20, value = 90 }, { by = 2015-06-20, value = 97.5, stretch = true, stated = false }]
[[indicators]]
id = "listed"
of = "unit"
measure = "collected"
list = { system = "police", by = "id" }
[[indicators]]
id = "plates"
of = "house"
measure = "share"
where = { planned = [1, 2], rate = "1.50" }
having = { parent = { live = true } }
referred = { by = "plate.on", where = { state = "active" }, exactly = 1, touched = { days = 90, actions = ["collect"], on_site = true } }
touched = { days = 30, actions = ["verify"] }
complete = true
[[indicators]]
id = "built"
of = "house"
measure = "share"
list = { system = "permits", by = "code" }
referred = { by = "unit.house", at_least = "planned" }
[[indicators]]
id = "free"
of = "house"
measure = "sum"
numerator = "free"
denominator = "planned"
latest = { per = "parent", days = 30 }
[[indicators]]
id = "same"
measure = "agree"
left = { of = "unit", where = { opened = 2015-04-01 }, key = "id", value = "house.text" }
right = { of = "extract", where = { system = "police" }, key = "theirs", value = "address" }
[[indicators]]
id = "right"
of = "house"
measure = "accuracy"
gone = "aside"
[[indicators]]
id = "guests"
of = "house"
measure = "roster"
roster = { of = "guest.house", rate = "deregistration", window_days = 30 }
"#;

/// Replaces a text of the campaign by one in which `‸` marks where the mistake must be found.
#[track_caller]
fn refuses(from: &str, to: &str, problem: &str) {
    assert!(TOWN.contains(from), "{from}");
    let (before, after) = to.split_once('‸').unwrap();
    let marked = TOWN.replacen(from, to, 1);
    let place = marked.find('‸').unwrap();
    let expected = CampaignError::at(&marked, place..place, String::new());
    match Campaign::parse(&TOWN.replacen(from, &format!("{before}{after}"), 1)) {
        Ok(_) => panic!("taken: {to}"),
        Err(error) => {
            assert!(error.problem.contains(problem), "{to}: {error}");
            let place = (error.line, error.column);
            assert_eq!(place, (expected.line, expected.column), "{to}: {error}");
        }
    }
}

#[track_caller]
fn takes(from: &str, to: &str) -> Campaign {
    assert!(TOWN.contains(from), "{from}");
    Campaign::parse(&TOWN.replacen(from, to, 1)).unwrap_or_else(|error| panic!("{to}: {error}"))
}

#[test]
fn sets() {
    refuses("core = [\"hotel\", \"pawn\"]", "core = ‸[]", "at least one");
    refuses("[\"hotel\", \"pawn\"]", "[\"hotel\", ‸\"hotel\"]", "twice");
    refuses("[\"hotel\", \"pawn\"]", "[\"hotel\", ‸\"\"]", "not empty");
    refuses("[\"hotel\", \"pawn\"]", "[‸\"@other\"]", "not other sets");
    refuses("core = [\"hotel\"", "‸\"c d\" = [\"hotel\"", "the id of a set");
    refuses(
        "[\"@core\", \"@other\", \"farm\"]",
        "[\"@core\", ‸\"@otter\"]",
        "no set \"otter\"",
    );
    refuses(
        "[\"@core\", \"@other\", \"farm\"]",
        "[\"@core\", ‸\"pawn\"]",
        "twice",
    );
    refuses(
        "trade = [\"@core\", \"farm\"]",
        "trade = [\"@core\", ‸\"@cores\"]",
        "no set \"cores\"",
    );
    let town = takes("min_population = 20", "min_population = 0");
    let trade = town.kind("unit").unwrap().field("trade").unwrap();
    let values = ["hotel", "pawn", "shop", "farm"].map(str::to_owned).to_vec();
    assert_eq!(trade.field_type, crate::FieldType::Choice(values));
}

#[test]
fn ranking_and_phases() {
    refuses("\"2015-04\", \"2016-02\"", "‸\"2015-13\"", "\"2015-04\"");
    refuses(
        "\"2015-04\", \"2016-02\"",
        "\"2015-04\", ‸\"2015-04\"",
        "in order",
    );
    refuses("[\"2015-04\", \"2016-02\"]", "‸[]", "1 to 600");
    refuses("min_population = 20", "min_population = ‸-1", "whole number");
    refuses("min_population = 20", "‸min_pop = 20", "unknown field");
    refuses(
        "from = 2015-04-05",
        "from = ‸2015-04-04",
        "lasts until 2015-04-05",
    );
    refuses("until = 2015-04-05", "until = ‸2015-03-31", "before it begins");
    refuses("from = 2015-04-05", "from = ‸2015-04-05T00:00:00", "a date");
    refuses("id = \"collect\"", "id = ‸\"prepare\"", "already a phase");
    let town = takes("until = 2015-04-05", "until = 2015-04-01");
    let month = town.ranking.unwrap().months[1];
    assert_eq!(
        (month.to_string(), month.last.to_string()),
        ("2016-02".to_owned(), "2016-02-29".to_owned())
    );
}

#[test]
fn areas() {
    refuses("id = \"south\"", "id = ‸\"north\"", "already an area");
    refuses("id = \"north\"", "id = ‸\" north\"", "without spaces");
    refuses(
        "id = \"north\"\nparent = \"town\"",
        "id = \"north\"\nparent = ‸\"city\"",
        "no area \"city\"",
    );
    refuses("id = \"north\"\nparent = \"town\"", "id = ‸\"north\"", "one root");
    refuses("id = \"town\"\n", "id = \"town\"\nparent = ‸\"south\"\n", "cycle");
    refuses("id = \"town\"\n", "id = \"town\"\nparent = ‸\"town\"\n", "cycle");
    refuses("from = 2013-01-01", "from = ‸2011-12-31", "only from 2012-01-01");
    refuses(
        "from = 2013-01-01\nuntil = 2030-01-01",
        "from = 2013-01-01\nuntil = ‸2030-01-02",
        "only until",
    );
    refuses(
        "id = \"south\"\ntitle.zh = \"南\"\nparent = \"town\"\nfrom = 2013-01-01\nuntil = 2030-01-01",
        "id = ‸\"south\"\ntitle.zh = \"南\"\nparent = \"town\"\nfrom = 2013-01-01",
        "only until",
    );
    refuses("until = 2014-01-01", "until = ‸2012-01-01", "after from");
    let from = "area = \"area\"\n[kinds.fields]\ncode";
    refuses(from, "area = ‸\"code\"\n[kinds.fields]\ncode", "with [[areas]]");
}

#[test]
fn an_area_has_a_bounded_number_above_it() {
    let mut chain = String::new();
    for number in 1..=16 {
        let above = if number == 1 {
            "town".to_owned()
        } else {
            format!("a{}", number - 1)
        };
        chain.push_str(&format!(
            "[[areas]]\nid = \"a{number}\"\nparent = \"{above}\"\nfrom = 2012-01-01\nuntil = 2030-01-01\n"
        ));
    }
    let fits = chain.split("[[areas]]\nid = \"a16\"").next().unwrap();
    let town = takes("[[kinds]]", &format!("{fits}[[kinds]]"));
    assert_eq!(town.areas.chain("a15").count(), 16);
    let error = Campaign::parse(&TOWN.replacen("[[kinds]]", &format!("{chain}[[kinds]]"), 1)).unwrap_err();
    assert!(error.problem.contains("more than 15"), "{error}");
}

#[test]
fn areas_know_where_they_lie_and_when() {
    let areas = takes("min_population = 20", "min_population = 20").areas;
    let day = |text: &str| Day::parse(text).unwrap();
    let ids = |areas: Vec<&Area>| areas.iter().map(|area| area.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(areas.chain("south").collect()), ["south", "town"]);
    assert_eq!(ids(areas.children("town").collect()), ["north", "south"]);
    assert_eq!(ids(areas.leaves().collect()), ["north", "south"]);
    for (on, leaves) in [
        ("2012-06-01", &["north"][..]),
        ("2013-06-01", &["north", "south"]),
        ("2014-06-01", &["south"]),
    ] {
        assert_eq!(ids(areas.leaves_on(day(on)).collect()), leaves, "{on}");
        assert!(areas.is_divided_on("town", day(on)) && !areas.is_divided_on("south", day(on)));
    }
    assert!(areas.rolls_up_to("south", "town") && areas.rolls_up_to("south", "south"));
    assert!(!areas.rolls_up_to("town", "south") && !areas.rolls_up_to("east", "east"));
    assert!(areas.takes("north", day("2013-12-31")) && !areas.takes("north", day("2014-01-01")));
    assert!(!areas.takes("south", day("2012-12-31")) && areas.takes("south", day("2013-01-01")));
    assert!(!areas.takes("east", day("2013-06-01")));
    assert!(Areas::default().takes("east", day("2013-06-01")));
}

#[test]
fn fields() {
    refuses("normal = \"width\"", "normal = ‸\"widths\"", "normal forms");
    refuses(
        "new = { type = \"boolean\"",
        "new = { type = \"boolean\", normal = ‸\"width\"",
        "only a field of type",
    );
    refuses(
        "at_most = \"planned\"",
        "at_most = ‸\"plan\"",
        "another integer field",
    );
    refuses(
        "at_most = \"planned\"",
        "at_most = ‸\"free\"",
        "another integer field",
    );
    refuses(
        "at_most = \"planned\"",
        "at_most = ‸\"rate\"",
        "another integer field",
    );
    refuses(
        "rate = { type = \"decimal\"",
        "rate = { type = \"decimal\", at_most = ‸\"planned\"",
        "only an integer",
    );
    refuses(
        "free = { type = \"integer\", at_most = \"planned\"",
        "free = { type = \"integer\", personal = true, at_most = ‸\"planned\"",
        "only an integer",
    );
    refuses(
        "\"房屋编码\", \"No.\"",
        "\"房屋编码\", ‸\"owner\"",
        "\"owner\" too",
    );
    refuses("\"房屋编码\", \"No.\"", "\"No.\", ‸\"No.\"", "twice");
    refuses("\"房屋编码\", \"No.\"", "‸\" No.\"", "without spaces");
    refuses(
        "new = { type = \"boolean\"",
        "new = { type = \"boolean\", columns = [‸\"编码\"]",
        "\"code\" too",
    );
    refuses(
        "kinds = [\"house\", \"unit\"]",
        "kinds = [\"house\", ‸\"house\"]",
        "twice",
    );
    refuses(
        "kinds = [\"house\", \"unit\"]",
        "kinds = [\"house\", ‸\"flat\"]",
        "no kind \"flat\"",
    );
    // A field may repeat its own id and title.
    takes("\"房屋编码\", \"No.\"", "\"code\", \"编码\"");
}

#[test]
fn targets() {
    refuses("value = 90 ", "value = ‸101 ", "0 to 100");
    refuses("value = 90 ", "value = ‸-1 ", "0 to 100");
    refuses("value = 90 ", "value = ‸90.125 ", "two decimals");
    refuses("value = 90 ", "value = ‸nan ", "0 to 100");
    refuses("value = 90 ", "value = ‸\"90\" ", "0 to 100");
    refuses("{ by = 2015-06-20,", "{ by = ‸2015-05-20,", "in the order");
    refuses("{ by = 2015-06-20,", "{ by = ‸2015-05-19,", "in the order");
    refuses("stretch = true", "‸strech = true", "unknown field");
    let town = takes("value = 90 ", "value = 9.5e1 ");
    let targets = &town.indicator("units").unwrap().targets;
    assert_eq!(
        (targets[0].value.hundredths(), targets[1].value.hundredths()),
        (9_500, 9_750)
    );
    assert_eq!((targets[0].stretch, targets[0].stated), (false, true));
    assert_eq!((targets[1].stretch, targets[1].stated), (true, false));
    for (text, hundredths) in [
        ("0", Some(0)),
        ("100", Some(10_000)),
        ("100.01", None),
        ("7.05", Some(705)),
        (".5", None),
    ] {
        assert_eq!(
            Percent::parse(text).map(Percent::hundredths),
            hundredths,
            "{text}"
        );
    }
}

#[test]
fn conditions() {
    refuses(
        "trade = [\"@core\", \"farm\"]",
        "‸trades = \"shop\"",
        "no field \"trades\"",
    );
    refuses(
        "trade = [\"@core\", \"farm\"]",
        "trade = ‸\"shopp\"",
        "never hold",
    );
    refuses("trade = [\"@core\", \"farm\"]", "trade = ‸3", "never hold");
    refuses("trade = [\"@core\", \"farm\"]", "trade = ‸[]", "at least one");
    refuses(
        "trade = [\"@core\", \"farm\"]",
        "trade = [\"@core\", ‸\"pawn\"]",
        "twice",
    );
    refuses(
        "trade = [\"@core\", \"farm\"]",
        "trade = [‸[\"shop\"]]",
        "values alone",
    );
    refuses(
        "trade = [\"@core\", \"farm\"]",
        "trade = ‸{ live = true }",
        "only a reference",
    );
    refuses("trade = [\"@core\", \"farm\"]", "trade = ‸2015-04-01", "date");
    refuses("\"house.new\" = true", "\"house.new\" = ‸\"true\"", "never hold");
    refuses(
        "\"house.new\" = true",
        "‸\"house.news\" = true",
        "no field \"news\"",
    );
    refuses("\"house.new\" = true", "‸\"trade.new\" = true", "no reference");
    refuses("\"house.new\" = true", "‸\"house.parent.new\" = true", "not more");
    refuses("\"house.new\" = true", "‸\"house.owner\" = \"Li\"", "personal");
    refuses("\"house.new\" = true", "house = ‸{ new = true }", "in quotes");
    refuses(
        "\"house.new\" = true",
        "\"house.parent\" = ‸{ live = true }",
        "already",
    );
    refuses("area = \"south\"", "area = ‸\"east\"", "no area");
    refuses("planned = [1, 2]", "planned = [1, ‸1]", "twice");
    refuses("planned = [1, 2]", "planned = ‸1.5", "decimal");
    refuses("planned = [1, 2]", "‸owner = \"Li\"", "personal");
    refuses(
        "parent = { live = true }",
        "parent = ‸{ live = false }",
        "expected { live = true }",
    );
    refuses(
        "parent = { live = true }",
        "parent = ‸{ life = true }",
        "expected { live = true }",
    );
    refuses(
        "{ opened = 2015-04-01 }",
        "{ opened = ‸2015-04-01T00:00:00Z }",
        "date",
    );
    takes(
        "trade = [\"@core\", \"farm\"]",
        "id = [\"a\", \"b\"], house = \"house/1\"",
    );
}

#[test]
fn a_path_over_several_kinds_ends_at_what_all_of_them_have() {
    let with = |test: &str| {
        format!(
            "[[indicators]]\nid = \"p\"\nof = \"plate\"\nwhere = {{ {test} }}\nmeasure = \"share\"\nhaving = {{ on = {{ live = true }} }}\n[[indicators]]\nid = \"units\""
        )
    };
    refuses(
        "[[indicators]]\nid = \"units\"",
        &with("‸\"on.trade\" = \"shop\""),
        "\"house\" has no field \"trade\"",
    );
    refuses(
        "[[indicators]]\nid = \"units\"",
        &with("‸\"on.code\" = \"1\""),
        "the key of one kind",
    );
    let town = takes("[[indicators]]\nid = \"units\"", &with("\"on.area\" = \"south\""));
    let Measure::Share { of, property, .. } = &town.indicator("p").unwrap().measure else {
        panic!()
    };
    assert_eq!(
        of.conditions[0].path.via.as_ref().unwrap().kinds,
        ["house", "unit"]
    );
    assert_eq!(
        property.having[0].test,
        Test::Live {
            kinds: vec!["house".into(), "unit".into()]
        }
    );
}

#[test]
fn measures_have_their_own_keys_and_no_others() {
    refuses(
        "measure = \"collected\"",
        "measure = ‸\"collect\"",
        "the measures are",
    );
    refuses(
        "count = \"units\"",
        "count = \"units\"\ncomplete = ‸true",
        "has no \"complete\"",
    );
    refuses("of = \"unit\"\nwhere", "of = ‸\"units\"\nwhere", "no kind");
    refuses(
        "of = \"unit\"\nwhere",
        "‸off = \"unit\"\nwhere",
        "unknown field `off`",
    );
    refuses(
        "measure = \"collected\"\ncount = \"units\"",
        "measure = ‸\"collected\"",
        "\"count\" or \"list\"",
    );
    refuses(
        "count = \"units\"",
        "count = \"units\"\nlist = ‸{ system = \"police\", by = \"id\" }",
        "one frame",
    );
    refuses(
        "measure = \"sum\"\nnumerator = \"free\"",
        "measure = ‸\"sum\"",
        "needs \"numerator\"",
    );
    refuses(
        "measure = \"agree\"",
        "measure = \"agree\"\nof = ‸\"unit\"",
        "has no \"of\"",
    );
    refuses("gone = \"aside\"", "gone = ‸\"wrong\"", "aside");
    refuses(
        "of = \"house\"\nmeasure = \"accuracy\"",
        "of = ‸\"unit\"\nmeasure = \"accuracy\"",
        "no essential field",
    );
    refuses("id = \"listed\"", "id = ‸\"units\"", "already a");
    refuses("id = \"listed\"", "id = ‸\"house.accuracy\"", "the id of a");
}

#[test]
fn frames() {
    refuses(
        "count = \"units\"",
        "count = ‸\"rental\"",
        "never hold \"rental\"",
    );
    refuses("system = \"police\", by", "system = ‸\"hukou\", by", "never hold");
    refuses(
        "system = \"police\", by = \"id\"",
        "system = \"police\", by = ‸\"house\"",
        "by a text",
    );
    refuses(
        "system = \"permits\", by = \"code\"",
        "system = \"permits\", by = ‸\"owner\"",
        "personal",
    );
    for (from, to, problem) in [
        (
            "expected = { type = \"integer\" }",
            "",
            "needs a field \"expected\"",
        ),
        (
            "expected = { type = \"integer\" }",
            "expected = { type = \"text\" }",
            "must be of type \"integer\"",
        ),
        (
            "id = \"frame\"\nkey = \"id\"\narea = \"area\"",
            "id = \"frame\"\nkey = \"id\"",
            "must have an area",
        ),
        ("id = \"frame\"", "id = \"frames\"", "needs a kind \"frame\""),
        (
            "theirs = { type = \"text\" }",
            "theirs = { type = \"text\", personal = true }",
            "personal",
        ),
        (
            "id = \"unit\"\nkey = \"id\"\narea = \"area\"",
            "id = \"unit\"\nkey = \"id\"",
            "a count is by area",
        ),
    ] {
        assert!(TOWN.contains(from));
        let error = Campaign::parse(&TOWN.replacen(from, to, 1)).unwrap_err();
        assert!(error.problem.contains(problem), "{error}");
    }
}

#[test]
fn shares_and_sums() {
    refuses("by = \"plate.on\"", "by = ‸\"plate\"", "a kind and its reference");
    refuses("by = \"plate.on\"", "by = ‸\"plat.on\"", "no kind");
    refuses("by = \"plate.on\"", "by = ‸\"plate.off\"", "no field");
    refuses("by = \"plate.on\"", "by = ‸\"plate.state\"", "does not refer to");
    refuses("exactly = 1", "exactly = ‸-1", "whole number");
    refuses("exactly = 1", "exactly = ‸true", "whole number");
    refuses("exactly = 1", "exactly = ‸\"text\"", "no integer field");
    refuses("at_least = \"planned\"", "at_least = ‸0", "from 1");
    refuses(
        "referred = { by = \"unit.house\", at_least = \"planned\" }",
        "referred = ‸{ by = \"unit.house\" }",
        "either",
    );
    refuses(
        "where = { state = \"active\" }",
        "where = { ‸\"on.area\" = \"south\" }",
        "no path",
    );
    refuses(
        "where = { state = \"active\" }",
        "where = { on = ‸{ live = true } }",
        "already",
    );
    refuses("days = 90", "days = ‸0", "from 1");
    refuses("days = 90", "days = ‸-3", "from 1");
    refuses(
        "actions = [\"collect\"]",
        "actions = [‸\"collects\"]",
        "the actions are",
    );
    refuses(
        "actions = [\"collect\"]",
        "actions = [‸\"configure\"]",
        "the actions are",
    );
    refuses("actions = [\"collect\"]", "actions = ‸[]", "at least one");
    refuses(
        "actions = [\"collect\"]",
        "actions = [\"collect\", ‸\"collect\"]",
        "twice",
    );
    refuses("on_site = true", "‸onsite = true", "unknown field");
    refuses(
        "numerator = \"free\"",
        "numerator = ‸\"rate\"",
        "no integer field",
    );
    refuses(
        "per = \"parent\", days = 30",
        "per = ‸\"text\", days = 30",
        "no reference",
    );
    refuses(
        "per = \"parent\", days = 30",
        "per = \"parent\", days = ‸0",
        "from 1",
    );
    let alone = "measure = \"share\"\nlist = { system = \"permits\", by = \"code\" }\nreferred = { by = \"unit.house\", at_least = \"planned\" }";
    refuses(
        alone,
        "measure = ‸\"share\"\ncomplete = false",
        "needs \"having\"",
    );
}

#[test]
fn agreements() {
    refuses(
        "key = \"theirs\", value = \"address\"",
        "key = ‸\"owner\", value = \"address\"",
        "no field",
    );
    refuses(
        "key = \"theirs\", value = \"address\"",
        "key = \"theirs\", value = ‸\"theirs\"",
        "normal forms",
    );
    refuses(
        "key = \"id\", value = \"house.text\"",
        "key = \"id\", value = ‸\"house.owner\"",
        "personal",
    );
    refuses(
        "key = \"theirs\", value = \"address\"",
        "key = \"theirs\", value = ‸\"system\"",
        "normal forms",
    );
    let typed = "right = { of = \"extract\", where = { system = \"police\" }, key = \"theirs\", value = \"address\" }";
    refuses(
        typed,
        "right = { of = \"unit\", key = ‸\"opened\", value = \"code\" }",
        "keys are of different types",
    );
    refuses(
        typed,
        "right = { of = \"unit\", key = \"id\", value = ‸\"opened\" }",
        "values are of different types",
    );
    let town = takes("min_population = 20", "min_population = 20");
    let Measure::Agree { left, right } = &town.indicator("same").unwrap().measure else {
        panic!()
    };
    assert_eq!(
        (&left.key.part, left.normal, right.normal),
        (&Part::Key, Normal::Address, Normal::Address)
    );
}

#[test]
fn rosters() {
    refuses(
        "rate = \"deregistration\", window_days = 30",
        "rate = ‸\"deregister\"",
        "the rates are",
    );
    refuses(
        "rate = \"deregistration\", window_days = 30",
        "rate = ‸\"deregistration\"",
        "needs \"window_days\"",
    );
    refuses("window_days = 30", "window_days = ‸0", "from 1");
    refuses("window_days = 30", "window_days = 30, grace_days = ‸-1", "from 0");
    refuses(
        "rate = \"deregistration\", window_days = 30",
        "rate = \"coverage\", grace_days = ‸3",
        "no grace",
    );
    refuses(
        "rate = \"deregistration\", window_days = 30",
        "rate = \"coverage\", window_days = ‸3",
        "has a window",
    );
    refuses(
        "of = \"guest.house\", rate = \"deregistration\", window_days = 30",
        "of = ‸\"guest.house\", rate = \"accuracy\"",
        "no essential",
    );
    refuses("of = \"guest.house\"", "of = ‸\"plate.on\"", "no essential field");
    refuses(
        "of = \"guest.house\", rate = \"deregistration\", window_days = 30",
        "of = ‸\"house.parent\", rate = \"registration\"",
        "\"arrived\"",
    );
    let town = takes(
        "rate = \"deregistration\", window_days = 30",
        "rate = \"registration\"",
    );
    let Measure::Roster { children, rate, .. } = &town.indicator("guests").unwrap().measure else {
        panic!()
    };
    assert_eq!(*rate, RosterRate::Registration { grace_days: 3 });
    assert_eq!(
        (children.citizen.as_deref(), children.arrived.as_deref()),
        (Some("citizen"), Some("arrived"))
    );
}
