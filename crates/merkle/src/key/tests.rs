//! Keys: a published one, somebody else's reading of ours, and one text for each.

use proptest::prelude::*;
use signed_note::{Signer as _, StandardSigner, StandardVerifier, Verifier as _};

use super::*;
use crate::testing::*;

/// From the documentation of Go's `golang.org/x/mod/sumdb/note`.
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SKEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

#[test]
fn published_keys_are_read_and_belong_together() {
    let signer = SignerKey::parse(SKEY).unwrap();
    assert_eq!(signer.verifier().to_string(), VKEY);
    assert_eq!(signer.secret_text(), SKEY);
    assert_eq!(VerifierKey::parse(VKEY).unwrap(), *signer.verifier());
    assert_eq!(
        (signer.verifier().id(), signer.verifier().algorithm()),
        (0xc74f_20a3, Algorithm::Ed25519)
    );
}

#[test]
fn the_oracle_reads_our_keys_and_both_sign_alike() {
    for seed in 0..20 {
        let ours = SignerKey::from_seed(ORIGIN, Algorithm::Ed25519, &[seed; 32]).unwrap();
        let their = StandardSigner::new(&ours.secret_text()).unwrap();
        let verifier = StandardVerifier::new(&ours.verifier().to_string()).unwrap();
        assert_eq!(
            (their.key_id(), verifier.key_id(), verifier.name()),
            (ours.verifier().id(), ours.verifier().id(), ORIGIN)
        );
        let message = [seed; 9];
        assert_eq!(their.sign(&message).unwrap(), ours.sign(&message));
        assert!(verifier.verify(&message, &ours.sign(&message)));
        assert!(ours.verifier().verifies(&message, &their.sign(&message).unwrap()));
    }
}

#[test]
fn the_id_depends_on_name_algorithm_and_bytes() {
    let bytes = log_key().verifier().bytes();
    let id = |name, algorithm, bytes: &[u8; 32]| VerifierKey::new(name, algorithm, bytes).unwrap().id();
    let own = id(ORIGIN, Algorithm::Ed25519, &bytes);
    assert_ne!(own, id("example.org/other", Algorithm::Ed25519, &bytes));
    assert_ne!(own, id(ORIGIN, Algorithm::Cosignature, &bytes));
    assert_ne!(
        own,
        id(ORIGIN, Algorithm::Ed25519, &witness_key().verifier().bytes())
    );
    // C2SP tlog-cosignature: type 0x04 enters the id.
    let material = [&[4][..], &bytes].concat();
    assert_eq!(
        id(WITNESS, Algorithm::Cosignature, &bytes),
        signed_note::key_id(WITNESS, &material)
    );
}

fn refused(text: &str) {
    let code = |error: EvidenceError| error.code();
    assert_eq!(VerifierKey::parse(text).map_err(code), Err("BAD_KEY"), "{text:?}");
}

#[test]
fn a_key_is_written_one_way() {
    let material = |bytes: &[u8]| {
        let id = signed_note::key_id("a", bytes);
        format!("a+{id:08x}+{}", STANDARD.encode(bytes))
    };
    let key = log_key().verifier().bytes();
    assert!(VerifierKey::parse(&material(&[&[1][..], &key].concat())).is_ok());
    refused(&material(&[&[2][..], &key].concat()));
    refused(&material(&[&[1][..], &key, &[0]].concat()));
    refused(&material(&[&[1][..], &key[1..]].concat()));
    refused(&material(&[]));
    for text in [
        "",
        "+",
        "++",
        "a+b+c",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        SKEY,
        &VKEY.replace("c74f20a3", "C74F20A3"),
        &VKEY.replace("c74f20a3", "c74f20a4"),
        &VKEY.replace("c74f20a3", "0c74f20a3"),
        &VKEY.replace("c74f20a3", "+74f20a3"),
        &VKEY.replace("Neumann", "Neuman"),
        &VKEY.replace("PeterNeumann", ""),
        &VKEY.replace("rNeu", "r Neu"),
        &VKEY.replace("rNeu", "r\u{a0}Neu"),
        &VKEY.replace("rNeu", "r\nNeu"),
        &format!("{VKEY}\n"),
        &format!("{VKEY}="),
        &format!(" {VKEY}"),
        &VKEY.replace("Peter", &"P".repeat(500)),
    ] {
        refused(text);
    }
}

#[test]
fn points_that_sign_anything_or_have_two_spellings_are_no_keys() {
    // The neutral element, a point of order 2 and one of order 4: signatures by them mean nothing.
    let neutral = {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes
    };
    let order_two = {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xec;
        bytes[31] = 0x7f;
        bytes
    };
    // y = p + 3 instead of y = 3, and so on: RFC 8032 §5.1.3 wants y below p = 2²⁵⁵ − 19.
    let unreduced = (0..19_u8).map(|above| {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed + above % 19;
        bytes[31] = 0x7f;
        bytes
    });
    for bytes in [neutral, order_two, [0; 32]].into_iter().chain(unreduced) {
        assert!(
            VerifierKey::new("a", Algorithm::Ed25519, &bytes).is_err(),
            "{bytes:?}"
        );
    }
    assert!((0..19_u8).any(|y| {
        let mut bytes = [0; 32];
        bytes[0] = y;
        VerifierKey::new("a", Algorithm::Ed25519, &bytes).is_ok()
    }));
}

#[test]
fn nothing_shows_a_secret() {
    let secret = SKEY.rsplit_once('+').unwrap().1;
    let key = SignerKey::parse(SKEY).unwrap();
    assert!(!format!("{key:?}").contains(secret));
    for text in [
        SKEY.replace("c74f20a3", "c74f20a4"),
        format!("{SKEY}!"),
        SKEY.replace("PRIVATE+KEY+", ""),
    ] {
        let error = SignerKey::parse(&text).unwrap_err();
        assert!(!format!("{error:?} {error}").contains(secret), "{error}");
    }
}

#[test]
fn a_spoilt_key_is_another_key_or_none() {
    let (verifier, signer) = (VerifierKey::parse(VKEY).unwrap(), SignerKey::parse(SKEY).unwrap());
    let signature = signer.sign(b"message");
    for spoilt in spoilt(VKEY.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok()) {
        assert!(VerifierKey::parse(&spoilt).is_err(), "{spoilt:?}");
    }
    for spoilt in spoilt(SKEY.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok()) {
        assert!(SignerKey::parse(&spoilt).is_err());
    }
    for spoilt in spoilt(&signature) {
        assert!(!verifier.verifies(b"message", &spoilt));
    }
    assert!(!verifier.verifies(b"message", &[&signature[..], &[0]].concat()));
    assert!(!verifier.verifies(b"massage", &signature));
}

proptest! {
    #[test]
    fn what_is_read_prints_alike(text in prop_oneof![Just(VKEY.to_owned()).prop_flat_map(edited), ".{0,60}"]) {
        if let Ok(key) = VerifierKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn a_read_secret_prints_alike(text in prop_oneof![Just(SKEY.to_owned()).prop_flat_map(edited), "PRIVATE\\+KEY\\+.{0,60}"]) {
        if let Ok(key) = SignerKey::parse(&text) {
            prop_assert_eq!(key.secret_text(), text);
        }
    }

    #[test]
    fn what_is_printed_reads_alike(seed in any::<[u8; 32]>(), name in "[\\PC&&[^+\\p{Z}\\p{C}]]{1,20}", witness in any::<bool>()) {
        let algorithm = if witness { Algorithm::Cosignature } else { Algorithm::Ed25519 };
        let key = SignerKey::from_seed(&name, algorithm, &seed).unwrap();
        let again = SignerKey::parse(&key.secret_text()).unwrap();
        prop_assert_eq!(again.secret_text(), key.secret_text());
        prop_assert_eq!(&VerifierKey::parse(&key.verifier().to_string()).unwrap(), again.verifier());
    }
}

#[test]
fn a_key_of_the_other_kind_is_refused() {
    for (own, other) in [
        (Algorithm::Ed25519, Algorithm::Cosignature),
        (Algorithm::Cosignature, Algorithm::Ed25519),
    ] {
        let key = SignerKey::from_seed("example.org/log", own, &[7; 32]).unwrap();
        let vkey = key.verifier().to_string();
        assert_eq!(VerifierKey::parse_as(&vkey, own).as_ref(), Ok(key.verifier()));
        assert_eq!(VerifierKey::parse_as(&vkey, other).unwrap_err().code(), "BAD_KEY");
    }
}
