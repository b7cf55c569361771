//! Items as people see them: tables in either language, and rows of CSV.

use serde_json::Value;
use shilu_engine::{Engine, Init, Options};

use crate::{
    args::SourceArgs,
    format::{Item, View},
    messages::Language,
    register::Register,
    table::Table,
};

const CAMPAIGN: &str = r#"
    name = "t"
    origin = "example.org/t"
    timezone = "Asia/Shanghai"
    earliest = 2015-01-01
    [[kinds]]
    id = "dwelling"
    key = "code"
    [kinds.fields]
    code = { type = "text", required = true }
"#;

/// Shows something in the view of a register.
pub fn viewed<T>(language: Language, show: impl FnOnce(&View<'_>) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let init = Init {
        campaign: CAMPAIGN,
        actor: "mayor",
        simulated: false,
    };
    Engine::init(folder.path(), &init, &Options::default()).unwrap();
    let source = SourceArgs {
        data: Some(folder.path().to_owned()),
        server: None,
        token: None,
    };
    let register = Register::open(&source, language).unwrap();
    let shown = show(&View {
        register: &register,
        language,
    });
    register.close().unwrap();
    shown
}

/// The table of items as the service writes them.
pub fn table<I: Item>(language: Language, items: &Value) -> String {
    let items: Vec<I> = serde_json::from_value(items.clone()).unwrap();
    viewed(language, |view| {
        let mut table = Table::new(I::COLUMNS.iter().map(|text| language.say(*text)));
        let rows = items.iter().flat_map(|item| item.rows(view));
        rows.for_each(|row| table.push(row));
        table.lines(None).join("\n")
    })
}

/// The rows of CSV of items as the service writes them, header first.
pub fn csv<I: Item>(items: &Value) -> String {
    let items: Vec<I> = serde_json::from_value(items.clone()).unwrap();
    let rows = items.iter().flat_map(Item::csv).map(|row| row.join(","));
    let header = std::iter::once(I::CSV.join(","));
    header.chain(rows).collect::<Vec<_>>().join("\n")
}
