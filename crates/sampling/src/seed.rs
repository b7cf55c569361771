//! The seed of a draw: nobody who takes part can choose it, and everybody can compute it.

use std::{collections::BTreeMap, fmt};

use sha2::{Digest, Sha256};
use thiserror::Error;

/// Names the format of a seed. A change of what is hashed is a new name.
const DOMAIN: &[u8] = b"shilu-draw-1";

/// Shortest secret of an auditor, in bytes: whoever reads a commitment must not find the secret by trying.
pub const SECRET_BYTES_MIN: usize = 16;

/// What a seed is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedParts<'a> {
    /// The RFC 9162 leaf hash of the announcement's event.
    pub announcement: [u8; 32],
    /// The root of the first checkpoint at or after the announced time.
    pub checkpoint_root: [u8; 32],
    /// What the announcement named and no keeper of the register controls: a lottery's numbers, a drand round, or
    /// [`entropy_of`] secrets. Empty where it named nothing; the operator could then steer the draw.
    pub entropy: &'a [u8],
}

/// The seed of a draw.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed([u8; 32]);

/// A text that is no seed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a seed is 64 hexadecimal digits, in small letters")]
pub struct SeedTextError;

impl Seed {
    /// SHA-256 of, one directly after the other: the 12 bytes of `shilu-draw-1`, the 32 bytes of the announcement's leaf
    /// hash, the 32 bytes of the checkpoint's root, and the bytes of the entropy. All but the last have a fixed length,
    /// so two different inputs never hash the same bytes.
    ///
    /// ```
    /// use shilu_sampling::{Seed, SeedParts};
    /// let parts = SeedParts { announcement: [1; 32], checkpoint_root: [2; 32], entropy: b"3D 2015093: 4 7 1" };
    /// assert_eq!(
    ///     Seed::of(&parts).to_string(),
    ///     "389919e54b6a002fb4b63757b727ee2ab04d0dc085d3bab14d53c9d83fd77696",
    /// );
    /// ```
    pub fn of(parts: &SeedParts<'_>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update(parts.announcement);
        hasher.update(parts.checkpoint_root);
        hasher.update(parts.entropy);
        Seed(hasher.finalize().into())
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Seed(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits in small letters, as it is displayed.
    ///
    /// # Errors
    /// [`SeedTextError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, SeedTextError> {
        hex(text).map(Seed).ok_or(SeedTextError)
    }

    /// SHA-256(seed ‖ bytes): where a record stands in the draw.
    pub(crate) fn rank(&self, bytes: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.0)
            .chain_update(bytes)
            .finalize()
            .into()
    }

    /// SHA-256(seed ‖ 0 ‖ purpose ‖ 0 ‖ name): where something else stands. No record's name begins with a zero byte, and
    /// no purpose has one in it.
    pub(crate) fn order(&self, purpose: &str, name: &str) -> [u8; 32] {
        let hasher = Sha256::new()
            .chain_update(self.0)
            .chain_update([0])
            .chain_update(purpose);
        hasher.chain_update([0]).chain_update(name).finalize().into()
    }
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
}

fn write_hex(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({self})")
    }
}

/// What an auditor publishes before the draw: the SHA-256 of a secret that is revealed afterwards.
///
/// ```
/// use shilu_sampling::Commitment;
/// let commitment = Commitment::of(b"sixteen random bytes, or more");
/// assert_eq!(Commitment::parse(&commitment.to_string()), Some(commitment));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Of a secret.
    pub fn of(secret: &[u8]) -> Self {
        Commitment(Sha256::digest(secret).into())
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Commitment(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits in small letters, as it is displayed.
    pub fn parse(text: &str) -> Option<Self> {
        hex(text).map(Commitment)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

/// Who committed to what, as the announcement names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise<'a> {
    /// The auditor.
    pub auditor: &'a str,
    /// What they published.
    pub commitment: Commitment,
}

/// A secret that was revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reveal<'a> {
    /// The auditor.
    pub auditor: &'a str,
    /// The secret.
    pub secret: &'a [u8],
}

/// Why revealed secrets give no entropy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RevealError {
    /// The announcement named no commitment.
    #[error("the announcement names no commitment")]
    NoPromise,
    /// The announcement names an auditor twice.
    #[error("the announcement names {auditor:?} twice")]
    PromisedTwice {
        /// Who.
        auditor: String,
    },
    /// A secret is still missing.
    #[error("{auditor:?} has not revealed the secret")]
    Missing {
        /// Whose.
        auditor: String,
    },
    /// A secret is not the one that was committed to.
    #[error("what {auditor:?} revealed is not what was committed to")]
    Other {
        /// Whose.
        auditor: String,
    },
    /// A secret could have been found by trying.
    #[error("the secret of {auditor:?} has fewer than {SECRET_BYTES_MIN} bytes")]
    TooShort {
        /// Whose.
        auditor: String,
    },
    /// Somebody revealed who had not committed, or revealed twice.
    #[error("{auditor:?} revealed a secret that nobody asked for")]
    Unasked {
        /// Who.
        auditor: String,
    },
}

impl RevealError {
    /// What to do next.
    pub const fn hint(&self) -> &'static str {
        match self {
            RevealError::NoPromise | RevealError::PromisedTwice { .. } => {
                "announce another draw with one commitment of each auditor"
            }
            RevealError::Missing { .. } => {
                "ask for it; whoever keeps it back stops the draw, which is itself worth a question"
            }
            RevealError::Other { .. } => {
                "ask for the secret byte for byte, without a line end; another secret cannot be accepted"
            }
            RevealError::TooShort { .. } => {
                "announce another draw; a secret is at least 16 bytes from a random generator"
            }
            RevealError::Unasked { .. } => {
                "leave it out: only the auditors whom the announcement names take part"
            }
        }
    }
}

/// The entropy of revealed secrets: their bytes one directly after the other, in the order in which the announcement
/// names the commitments. Which byte is whose does not matter, since each secret is bound by its commitment. As long as
/// one auditor keeps a secret until after the checkpoint, nobody knows the seed before.
///
/// # Errors
/// [`RevealError`], naming the auditor.
///
/// ```
/// use shilu_sampling::{Commitment, Promise, Reveal, RevealError, entropy_of};
/// let (one, two) = (*b"the county's secret", *b"the village's secret");
/// let promises = [
///     Promise { auditor: "county", commitment: Commitment::of(&one) },
///     Promise { auditor: "village", commitment: Commitment::of(&two) },
/// ];
/// let mut reveals = [Reveal { auditor: "village", secret: &two }, Reveal { auditor: "county", secret: &one }];
/// assert_eq!(entropy_of(&promises, &reveals).unwrap(), b"the county's secretthe village's secret");
/// reveals[0].secret = &one;
/// assert_eq!(entropy_of(&promises, &reveals), Err(RevealError::Other { auditor: "village".into() }));
/// ```
pub fn entropy_of(promises: &[Promise<'_>], reveals: &[Reveal<'_>]) -> Result<Vec<u8>, RevealError> {
    if promises.is_empty() {
        return Err(RevealError::NoPromise);
    }
    let mut secrets = BTreeMap::new();
    for reveal in reveals {
        let asked = promises.iter().any(|promise| promise.auditor == reveal.auditor);
        if !asked || secrets.insert(reveal.auditor, reveal.secret).is_some() {
            let auditor = reveal.auditor.to_owned();
            return Err(RevealError::Unasked { auditor });
        }
    }
    let mut entropy = Vec::new();
    let mut named = BTreeMap::new();
    for promise in promises {
        let auditor = promise.auditor.to_owned();
        if named.insert(promise.auditor, ()).is_some() {
            return Err(RevealError::PromisedTwice { auditor });
        }
        match secrets.get(promise.auditor) {
            None => return Err(RevealError::Missing { auditor }),
            Some(secret) if Commitment::of(secret) != promise.commitment => {
                return Err(RevealError::Other { auditor });
            }
            Some(secret) if secret.len() < SECRET_BYTES_MIN => return Err(RevealError::TooShort { auditor }),
            Some(secret) => entropy.extend_from_slice(secret),
        }
    }
    Ok(entropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"0123456789abcdef";
    const TWO: &[u8] = b"fedcba9876543210";

    fn promise<'a>(auditor: &'a str, secret: &[u8]) -> Promise<'a> {
        Promise {
            auditor,
            commitment: Commitment::of(secret),
        }
    }

    fn reveal<'a>(auditor: &'a str, secret: &'a [u8]) -> Reveal<'a> {
        Reveal { auditor, secret }
    }

    /// `printf 'shilu-draw-1' | cat - <32 bytes 01> <32 bytes 02> <entropy> | sha256sum`
    #[test]
    fn is_the_hash_of_its_parts_one_after_the_other() {
        let mut bytes = b"shilu-draw-1".to_vec();
        bytes.extend([1; 32]);
        bytes.extend([2; 32]);
        bytes.extend(b"lottery");
        let parts = SeedParts {
            announcement: [1; 32],
            checkpoint_root: [2; 32],
            entropy: b"lottery",
        };
        let expected: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(Seed::of(&parts).bytes(), &expected);
        assert_ne!(
            Seed::of(&parts),
            Seed::of(&SeedParts {
                entropy: b"",
                ..parts
            })
        );
    }

    #[test]
    fn is_read_as_it_is_written_and_in_no_other_form() {
        let seed = Seed::of(&SeedParts {
            announcement: [7; 32],
            checkpoint_root: [9; 32],
            entropy: b"",
        });
        let text = seed.to_string();
        assert_eq!(Seed::parse(&text), Ok(seed));
        assert_eq!(format!("{seed:?}"), format!("Seed({text})"));
        for bad in [
            text.to_uppercase(),
            text[..62].to_owned(),
            format!("{text}0"),
            format!("{text}00"),
            String::new(),
        ] {
            assert_eq!(Seed::parse(&bad), Err(SeedTextError), "{bad}");
        }
        let wrong = text.replacen(|letter: char| letter.is_ascii_hexdigit(), "g", 1);
        assert_eq!(Seed::parse(&wrong), Err(SeedTextError));
    }

    #[test]
    fn secrets_follow_the_order_of_the_announcement() {
        let promises = [promise("a", ONE), promise("b", TWO)];
        let entropy = entropy_of(&promises, &[reveal("b", TWO), reveal("a", ONE)]);
        assert_eq!(entropy.as_deref(), Ok(&[ONE, TWO].concat()[..]));
    }

    #[test]
    fn each_error_names_the_auditor() {
        let promises = [promise("a", ONE), promise("b", TWO)];
        let (a, b, c) = (|| "a".to_owned(), || "b".to_owned(), || "c".to_owned());
        for (reveals, expected) in [
            (vec![reveal("a", ONE)], RevealError::Missing { auditor: b() }),
            (
                vec![reveal("a", ONE), reveal("b", ONE)],
                RevealError::Other { auditor: b() },
            ),
            (
                vec![reveal("a", ONE), reveal("a", ONE)],
                RevealError::Unasked { auditor: a() },
            ),
            (
                vec![reveal("a", ONE), reveal("b", TWO), reveal("c", TWO)],
                RevealError::Unasked { auditor: c() },
            ),
        ] {
            let error = entropy_of(&promises, &reveals).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.hint().is_empty());
        }
        let short = entropy_of(&[promise("a", b"1234")], &[reveal("a", b"1234")]);
        assert_eq!(short, Err(RevealError::TooShort { auditor: a() }));
        let twice = entropy_of(&[promise("a", ONE), promise("a", ONE)], &[reveal("a", ONE)]);
        assert_eq!(twice, Err(RevealError::PromisedTwice { auditor: a() }));
        assert_eq!(entropy_of(&[], &[]), Err(RevealError::NoPromise));
    }
}
