//! Entry bundles: read as written, and nothing else.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::testing::*;

fn written(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(entries.iter().all(|entry| Bundle::push(&mut bytes, entry)));
    bytes
}

#[test]
fn an_entry_has_at_most_65_535_bytes() {
    let mut bytes = Vec::new();
    assert!(!Bundle::push(&mut bytes, &[7; 65_536]));
    assert!(bytes.is_empty());
    assert!(Bundle::push(&mut bytes, &[7; 65_535]));
    assert_eq!(Bundle::entries(&bytes, 1).unwrap(), [&[7; 65_535][..]]);
}

#[test]
fn a_spoilt_bundle_holds_other_entries_or_none() {
    let entries = [entry(1), Vec::new(), entry(300)];
    let bytes = written(&entries);
    for spoilt in spoilt(&bytes) {
        match Bundle::entries(&spoilt, 3) {
            Ok(others) => assert_ne!(others, entries),
            Err(error) => assert_eq!(error.code(), "BAD_BUNDLE"),
        }
    }
    for width in [0, 1, 2, 4, 256, usize::MAX] {
        assert_eq!(Bundle::entries(&bytes, width).unwrap_err().code(), "BAD_BUNDLE");
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_alike(entries in vec(vec(any::<u8>(), 0..20), 0..=256)) {
        let bytes = written(&entries);
        prop_assert_eq!(Bundle::entries(&bytes, entries.len()).unwrap(), entries);
    }

    #[test]
    fn what_is_read_writes_alike(bytes in vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..60), width in 0..9_usize) {
        if let Ok(entries) = Bundle::entries(&bytes, width) {
            let entries: Vec<_> = entries.into_iter().map(<[u8]>::to_vec).collect();
            prop_assert_eq!((written(&entries), entries.len()), (bytes, width));
        }
    }
}
