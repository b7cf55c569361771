//! Keys by which notes are signed and checked (C2SP `signed-note`, "Verifier keys").

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{error::EvidenceError, note::NoteSignature};

/// What a key's signatures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519 over the note's text: a log's own signature. Type 0x01.
    Ed25519,
    /// Ed25519 over the time and the note's text: a witness's cosignature (C2SP `tlog-cosignature`). Type 0x04.
    Cosignature,
}

impl Algorithm {
    const fn byte(self) -> u8 {
        match self {
            Algorithm::Ed25519 => 1,
            Algorithm::Cosignature => 4,
        }
    }

    fn of(byte: u8) -> Option<Algorithm> {
        match byte {
            1 => Some(Algorithm::Ed25519),
            4 => Some(Algorithm::Cosignature),
            _ => None,
        }
    }
}

/// Bytes of a key's text, beyond which it is not looked at: a name of 255 bytes, and the rest.
const KEY_TEXT_BYTES_MAX: usize = 512;

/// Bytes of a key's name; an origin or an actor's name fits.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// A public key and its name, in text a *vkey*: `name+1f2e3d4c+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    key: VerifyingKey,
    id: u32,
}

impl VerifierKey {
    /// A key from its 32 bytes.
    ///
    /// # Errors
    /// [`EvidenceError::BadKey`] when the name is not one of a key, or the bytes are no point of the curve.
    pub fn new(name: &str, algorithm: Algorithm, bytes: &[u8; 32]) -> Result<VerifierKey, EvidenceError> {
        check_name(name)?;
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
        // RFC 8032 §5.1.3 allows one spelling of a point; the library takes a few more.
        let key = key.filter(|key| key.to_edwards().compress().to_bytes() == *bytes);
        let key = key.ok_or(bad("its bytes are not a public key of Ed25519"))?;
        let id = key_id(name, algorithm, bytes);
        Ok(VerifierKey {
            name: name.to_owned(),
            algorithm,
            key,
            id,
        })
    }

    /// Reads a vkey.
    ///
    /// ```
    /// use shilu_merkle::{Algorithm, VerifierKey};
    /// let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    /// let key = VerifierKey::parse(text)?;
    /// assert_eq!((key.name(), key.algorithm()), ("PeterNeumann", Algorithm::Ed25519));
    /// # Ok::<(), shilu_merkle::EvidenceError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvidenceError::BadKey`] unless it is written exactly so, its id in lower case, and its id is that of its name
    /// and bytes.
    pub fn parse(text: &str) -> Result<VerifierKey, EvidenceError> {
        let parts = Parts::of(text)?;
        let key = VerifierKey::new(parts.name, parts.algorithm, &parts.bytes)?;
        if key.id == parts.id {
            Ok(key)
        } else {
            Err(bad("its id does not belong to its name and bytes"))
        }
    }

    /// Reads a vkey of one kind, where the other would prove nothing.
    ///
    /// # Errors
    /// [`EvidenceError::BadKey`], as [`VerifierKey::parse`], and for a key of the other kind.
    pub fn parse_as(text: &str, algorithm: Algorithm) -> Result<VerifierKey, EvidenceError> {
        let key = VerifierKey::parse(text)?;
        match algorithm {
            wanted if key.algorithm == wanted => Ok(key),
            Algorithm::Ed25519 => Err(bad(
                "it is a witness's key, and here stands a log's or an actor's",
            )),
            Algorithm::Cosignature => Err(bad(
                "it is not a witness's key: `shilu witness DIR --print-key` shows one",
            )),
        }
    }

    /// The name: the log's origin, the witness's or the actor's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures say.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The short id in signature lines. It names the key and proves nothing.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The 32 bytes of the public key.
    pub fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether `signature`, 64 bytes, is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        write_key(f, &self.name, self.id, self.algorithm, &bytes)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A signing key. Its text begins with `PRIVATE+KEY+`; neither `Debug` nor an error ever shows it.
#[derive(Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    key: SigningKey,
}

impl SignerKey {
    /// A key from 32 random bytes.
    ///
    /// # Errors
    /// [`EvidenceError::BadKey`] when the name is not one of a key.
    pub fn from_seed(name: &str, algorithm: Algorithm, seed: &[u8; 32]) -> Result<SignerKey, EvidenceError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, algorithm, &key.verifying_key().to_bytes())?;
        Ok(SignerKey { verifier, key })
    }

    /// Reads what [`SignerKey::secret_text`] writes.
    ///
    /// # Errors
    /// [`EvidenceError::BadKey`] for anything else; it never repeats the text.
    pub fn parse(text: &str) -> Result<SignerKey, EvidenceError> {
        let rest = text.strip_prefix("PRIVATE+KEY+");
        let parts = Parts::of(rest.ok_or(bad("it does not begin with PRIVATE+KEY+"))?)?;
        let key = SignerKey::from_seed(parts.name, parts.algorithm, &parts.bytes)?;
        if key.verifier.id == parts.id {
            Ok(key)
        } else {
            Err(bad("its id does not belong to its name and bytes"))
        }
    }

    /// The secret, as it is kept in a file of mode 0600.
    pub fn secret_text(&self) -> String {
        let seed = self.key.to_bytes();
        let key = Shown {
            key: &self.verifier,
            bytes: &seed,
        };
        format!("PRIVATE+KEY+{key}")
    }

    /// The public key.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs any bytes with Ed25519 (RFC 8032 §5.1.6).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The signature line for a note's text. A witness's key states `seconds`, the time of signing since 1970,
    /// at most 2⁶³ − 1 (C2SP `tlog-cosignature`, "Format"): beyond, nobody takes the signature. A log's key ignores it.
    pub fn sign_note(&self, text: &str, seconds: u64) -> NoteSignature {
        let bytes = match self.verifier.algorithm {
            Algorithm::Ed25519 => self.sign(text.as_bytes()).to_vec(),
            Algorithm::Cosignature => {
                let signature = self.sign(cosigned_message(text, seconds).as_bytes());
                [&seconds.to_be_bytes()[..], &signature].concat()
            }
        };
        NoteSignature {
            name: self.verifier.name.clone(),
            id: self.verifier.id,
            bytes,
        }
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

/// What a witness signs (C2SP `tlog-cosignature`).
pub(crate) fn cosigned_message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

struct Shown<'a> {
    key: &'a VerifierKey,
    bytes: &'a [u8; 32],
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.key.name, self.key.id, self.key.algorithm, self.bytes)
    }
}

fn write_key(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: u32,
    algorithm: Algorithm,
    bytes: &[u8; 32],
) -> fmt::Result {
    let material = [&[algorithm.byte()][..], bytes].concat();
    write!(f, "{name}+{id:08x}+{}", STANDARD.encode(material))
}

fn key_id(name: &str, algorithm: Algorithm, bytes: &[u8; 32]) -> u32 {
    let hash: [u8; 32] = Sha256::new_with_prefix(name)
        .chain_update([b'\n', algorithm.byte()])
        .chain_update(bytes)
        .finalize()
        .into();
    let [a, b, c, d, ..] = hash;
    u32::from_be_bytes([a, b, c, d])
}

/// The three parts of a key's text.
struct Parts<'a> {
    name: &'a str,
    id: u32,
    algorithm: Algorithm,
    bytes: [u8; 32],
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Parts<'a>, EvidenceError> {
        if text.len() > KEY_TEXT_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        // The last part is base64 and may hold a plus.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("it is not written as name+id+key"));
        };
        check_name(name)?;
        let written = id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = u32::from_str_radix(id, 16).ok().filter(|_| written);
        let id = id.ok_or(bad("its id is not eight hexadecimal digits"))?;
        let material = STANDARD.decode(material).map_err(|_| bad("it is not base64"))?;
        let (byte, bytes) = material.split_first().ok_or(bad("it is empty"))?;
        let algorithm =
            Algorithm::of(*byte).ok_or(bad("it is for a kind of signature that shilu does not know"))?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| bad("it is not 32 bytes"))?;
        Ok(Parts {
            name,
            id,
            algorithm,
            bytes,
        })
    }
}

/// A key's name is not empty and has neither spaces nor a plus.
pub(crate) fn check_name(name: &str) -> Result<(), EvidenceError> {
    let spoils = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '+';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(spoils) {
        return Err(bad("its name is empty, too long, or has a space or a plus"));
    }
    Ok(())
}

const fn bad(problem: &'static str) -> EvidenceError {
    EvidenceError::BadKey { problem }
}

#[cfg(test)]
mod tests;
