//! Areas: which month, by which campaign, and what has not been drawn.

use super::*;

#[test]
fn the_month_is_one_that_is_ranked_and_has_begun() {
    let parish = Parish::of(CAMPAIGN, "2015-04-30T23:00");
    let problem = |month: Option<&str>| {
        let error = parish.ranking(month, Ranks::Areas).unwrap_err();
        assert_eq!(error.code(), "NO_RANKING");
        error.to_string()
    };
    assert!(problem(None).contains("no month of the ranking has begun"));
    assert!(problem(Some("2015-05")).contains("2015-05 has not begun"));
    parish.at("2015-05-10T12:00");
    let running = parish.ranking(None, Ranks::Areas).unwrap();
    // A month that has not ended: as of now.
    assert_eq!(running.month.to_string(), "2015-05");
    let time = |time: &str| Timestamp::parse(time).unwrap();
    assert_eq!(
        (running.at.now, running.at.effective),
        (true, time("2015-05-10T12:00:00+08:00"))
    );
    parish.at("2015-07-15T12:00");
    assert!(problem(Some("2015-07")).contains("does not rank 2015-07"));
    let last = parish.ranking(None, Ranks::Actors).unwrap();
    let end = time("2015-06-30T23:59:59.999999+08:00");
    assert_eq!(last.month.to_string(), "2015-06");
    assert_eq!(
        (last.at.effective, last.at.known, last.items.len()),
        (end, end, 0)
    );

    let silent = CAMPAIGN.replace(
        "[ranking]\nmonths = [\"2015-05\", \"2015-06\", \"2015-08\"]\nmin_population = 3\n",
        "",
    );
    let parish = Parish::of(&silent, "2015-07-01T08:00");
    for month in [None, Some("2015-06")] {
        let month = month.map(|month| Month::parse(month).unwrap());
        let error = parish.engine.ranking(month, Ranks::Areas).unwrap_err();
        assert!(error.to_string().contains("ranks nobody"), "{error}");
    }
}

#[test]
fn an_area_that_was_not_drawn_is_unverified_and_last() {
    let parish = Parish::new();
    parish.at("2015-05-31T12:00");
    // Before its day a target ranks nobody.
    let may = parish.ranking(None, Ranks::Areas).unwrap();
    assert_eq!(one(&may, "north").results.len(), 1);
    parish.at("2015-07-01T12:00");
    let undrawn = parish.june(Ranks::Areas);
    // The mill was built later; until then the south is one whole.
    assert_eq!(
        ranks(&undrawn),
        [(Some(1), "north"), (Some(1), "south"), (None, "east")]
    );
    assert_eq!(one(&undrawn, "north").ranked.unverified, 1);
    assert_eq!(result(&undrawn, "north", "rooms").result.state, State::Unverified);
    let east = one(&undrawn, "east");
    assert_eq!(
        (east.ranked.left_out, east.ranked.unranked),
        (2, Some(LeftOut::TooFew))
    );
    assert!(
        east.results
            .iter()
            .all(|result| result.left_out == Some(LeftOut::TooFew))
    );

    let parish = Parish::new();
    parish.at("2015-06-01T08:00");
    parish.drawn("a", "rooms", Some("north"), "2015-06-02T08:00");
    for number in 1..=5 {
        parish.saw("a", &format!("north-{number}"), Outcome::Present, "own", 3);
    }
    // What comes after the freeze is in no draw, and is there.
    parish.dwelling("north-6", "north", "own");
    parish.at("2015-07-01T12:00");
    let drawn = parish.june(Ranks::Areas);
    assert_eq!(
        ranks(&drawn),
        [(Some(1), "north"), (Some(2), "south"), (None, "east")]
    );
    let rooms = result(&drawn, "north", "rooms");
    assert_eq!(
        (rooms.result.state, rooms.result.population, counts(rooms)),
        (State::Met, 6, (5, 5, 0, 0))
    );
    assert_eq!(result(&drawn, "south", "rooms").result.population, 5);
}

#[test]
fn without_declared_areas_whoever_holds_records_is_ranked() {
    let (before, after) = CAMPAIGN.split_once("[[areas]]").unwrap();
    let (_, kinds) = after.split_once("[[kinds]]").unwrap();
    let parish = Parish::of(&format!("{before}[[kinds]]{kinds}"), "2015-05-01T08:00");
    for number in 0..4 {
        parish.dwelling(&format!("w{number}"), "west", "own");
    }
    parish.at("2015-07-01T12:00");
    let ranking = parish.june(Ranks::Areas);
    assert_eq!(ranks(&ranking), [(Some(1), "west")]);
    assert_eq!(
        (
            one(&ranking, "west").ranked.due,
            one(&ranking, "west").ranked.unverified
        ),
        (2, 1)
    );
}

#[test]
fn a_month_that_has_ended_keeps_its_campaign() {
    let parish = Parish::new();
    parish.at("2015-07-05T08:00");
    let june = parish.june(Ranks::Areas);
    let stricter = CAMPAIGN
        .replace("min_population = 3", "min_population = 50")
        .replace("\"2015-06\", \"2015-08\"", "\"2015-08\"")
        .replace("value = 90", "value = 100");
    parish.engine.change_campaign(&stricter, BECAUSE).unwrap();
    let again = parish.june(Ranks::Areas);
    assert_eq!((june.items, june.at), (again.items, again.at));
    parish.at("2015-08-05T08:00");
    let august = parish.ranking(None, Ranks::Areas).unwrap();
    assert!(august.items.iter().all(|item| item.ranked.rank.is_none()));
    // By then the mill stands for itself.
    assert_eq!(august.items.len(), 3);
    assert!(august.items.iter().any(|item| item.ranked.name == "mill"));
}

#[test]
fn what_is_summed_are_records_and_not_what_they_count() {
    let summed = CAMPAIGN.to_owned()
        + r#"
[[kinds]]
id = "inspection"
key = "id"
area = "area"
[kinds.fields]
id = { type = "text", required = true }
area = { type = "area", required = true }
checked = { type = "integer", required = true }
compliant = { type = "integer", required = true, at_most = "checked" }
[[indicators]]
id = "compliant"
of = "inspection"
measure = "sum"
numerator = "compliant"
denominator = "checked"
targets = [{ by = 2015-05-20, value = 90 }]
"#;
    let parish = Parish::of(&summed, "2015-05-01T08:00");
    for (area, inspections) in [("north", 2), ("south", 3)] {
        for number in 0..inspections {
            let count = |field: &str| (field.to_owned(), Some(OwnedValue::Integer(40)));
            let fields = vec![text("area", area), count("checked"), count("compliant")];
            parish.take(
                &format!("inspection/{area}-{number}"),
                "anna",
                Deed::Collect(fields),
            );
        }
    }
    parish.at("2015-06-01T08:00");
    let may = parish.ranking(Some("2015-05"), Ranks::Areas).unwrap();
    let of = |area: &str| {
        let result = result(&may, area, "compliant");
        (result.denominator, result.result.population, result.left_out)
    };
    assert_eq!(
        (of("north"), of("south")),
        ((80, 2, Some(LeftOut::TooFew)), (120, 3, None))
    );
}
