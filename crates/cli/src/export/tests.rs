//! Exported workbooks are imported again: every value comes back as it was.

use proptest::prelude::*;
use serde_json::{Value, json};
use shilu_model::{Campaign, Input, Status};

use super::{About, Out, xlsx::XlsxFile};
use crate::{import::testing, messages::Language};

pub const CAMPAIGN: &str = r#"
    name = "t"
    origin = "example.org/t"
    timezone = "Asia/Shanghai"
    earliest = 1900-01-01
    [[kinds]]
    id = "dwelling"
    key = "code"
    [kinds.fields]
    code = { type = "text", required = true, title = { en = "Code", zh = "编码" } }
    note = { type = "text", title = { zh = "备注" } }
    rooms = { type = "integer", title = { zh = "备注" } }
    size = { type = "decimal" }
    let = { type = "boolean" }
    built = { type = "date" }
    use = { type = "choice", values = ["own", "rental"] }
"#;

/// Writes rows, and gives the file's bytes.
fn written(rows: &[[Value; 7]], about: &About) -> Vec<u8> {
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.xlsx");
    let out = Out::new(Some(&path)).unwrap();
    let mut file = XlsxFile::new(&campaign.kinds[0], about.simulated, Language::Zh, out).unwrap();
    for row in rows {
        file.write(row.iter().map(Some)).unwrap();
    }
    assert!(!path.exists(), "it appears when it is whole");
    file.finish(about, Language::Zh).unwrap();
    std::fs::read(&path).unwrap()
}

/// What each row would be stored as, after it was written and read back.
fn back(rows: &[[Value; 7]]) -> Vec<Vec<Option<shilu_model::OwnedValue>>> {
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let kind = &campaign.kinds[0];
    let read = testing::cells(kind, &written(rows, &About::default()));
    read.iter()
        .map(|row| {
            let cells = kind.fields.iter().zip(row);
            cells
                .map(|(field, cell)| field.field_type.read(Input::Cell(cell)).unwrap())
                .collect()
        })
        .collect()
}

/// What the same rows are stored as already.
fn held(rows: &[[Value; 7]]) -> Vec<Vec<Option<shilu_model::OwnedValue>>> {
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let fields = &campaign.kinds[0].fields;
    let value = |(field, value): (&shilu_model::Field, &Value)| {
        field
            .field_type
            .read(Input::Cell(&crate::wire::cell(value)))
            .unwrap()
    };
    rows.iter()
        .map(|row| fields.iter().zip(row).map(value).collect())
        .collect()
}

#[test]
fn values_that_a_spreadsheet_would_bend_come_back_as_they_were() {
    let text = |text: &str| {
        [
            json!(text),
            json!(text),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
        ]
    };
    let mut rows: Vec<_> = [
        "007",
        "=1+1",
        "+1",
        "-1",
        "@x",
        "'x",
        "1e5",
        "TRUE",
        "2015-04-07",
        "_x0041_",
        "a\nb\tc",
        " x ",
    ]
    .map(text)
    .into();
    rows.push([
        json!("440524188001010014"),
        json!("x"),
        json!(9_007_199_254_740_992_i64),
        json!("0.1234567890123456789"),
        json!(false),
        json!("1899-12-31"),
        json!("rental"),
    ]);
    rows.push([
        json!("8"),
        json!("x"),
        json!(-3),
        json!("12.5"),
        json!(true),
        json!("2015-04-07"),
        json!("own"),
    ]);
    assert_eq!(back(&rows), held(&rows));
}

#[test]
fn the_workbook_says_what_it_is() {
    let about = About {
        origin: "example.org/t/simulated".into(),
        simulated: true,
        as_of_position: "@17".into(),
        status: "registered",
        count: 0,
        left_out: [(Status::Collected, 3)].into(),
        ..About::default()
    };
    let bytes = written(&[], &about);
    let part = |name: &str| testing::part(&bytes, name);
    let data = part("xl/worksheets/sheet1.xml");
    assert_eq!(
        data.matches("模拟数据 simulated: not real data").count(),
        2,
        "header and footer"
    );
    // Two fields have one title: an import could not tell them apart, so their ids are used.
    assert!(data.contains("编码") && data.contains(">note<") && data.contains(">rooms<"));
    let told = part("xl/worksheets/sheet2.xml") + &part("xl/sharedStrings.xml");
    for word in [
        "example.org/t/simulated",
        "@17",
        "已登记",
        "3 已采集",
        "not real data",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(
        !testing::part(&written(&[], &About::default()), "xl/worksheets/sheet1.xml").contains("simulated")
    );
}

#[test]
fn a_failed_export_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.csv");
    let mut out = Out::new(Some(&path)).unwrap();
    std::io::Write::write_all(&mut out, b"half").unwrap();
    drop(out);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_exported_is_imported_as_it_was(
        rows in prop::collection::vec(("[0-9A-Za-z=+@'_x<&>越 \n]{0,12}[0-9a-z]", any::<Option<i32>>(), any::<i64>(), 0u32..6, any::<Option<bool>>(), -30_000i32..30_000), 1..20)
    ) {
        let rows: Vec<[Value; 7]> = rows.into_iter().map(|(text, rooms, size, scale, is_let, day)| {
            let size = if scale == 0 { format!("{size}") } else { format!("{size}.{scale}") };
            let size = shilu_model::FieldType::Decimal.read(Input::Cell(&size)).unwrap().unwrap();
            [json!(text), json!(text), json!(rooms), json!(size.borrow().to_string()), json!(is_let),
             json!(shilu_model::Day::from_number(day).to_string()), json!("own")]
        }).collect();
        prop_assert_eq!(back(&rows), held(&rows));
    }
}
