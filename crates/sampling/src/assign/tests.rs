use proptest::{collection::vec, prelude::*};

use super::*;

fn names(count: u64) -> Vec<RecordName> {
    (0..count)
        .map(|number| RecordName::new("unit", &number.to_string()).unwrap())
        .collect()
}
