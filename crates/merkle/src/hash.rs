//! Hashes of the tree (RFC 9162 §2.1.1).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a leaf, of an inner node, or of the empty tree. Shown in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Bytes of a hash.
    pub const BYTES: usize = 32;

    /// The hash of an entry: SHA-256 over 0x00 and its bytes.
    ///
    /// ```
    /// let hash = shilu_merkle::Hash::leaf(b"");
    /// assert_eq!(hash.to_string(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
    /// ```
    pub fn leaf(entry: &[u8]) -> Hash {
        Hash(Sha256::new_with_prefix([0]).chain_update(entry).finalize().into())
    }

    /// The hash of an inner node: SHA-256 over 0x01 and both children.
    pub fn node(left: Hash, right: Hash) -> Hash {
        let mut block = [1; 1 + 2 * Hash::BYTES];
        let (_, children) = block.split_at_mut(1);
        let (low, high) = children.split_at_mut(Hash::BYTES);
        low.copy_from_slice(&left.0);
        high.copy_from_slice(&right.0);
        Hash(Sha256::digest(block).into())
    }

    /// The root of the empty tree: SHA-256 over nothing.
    pub fn empty() -> Hash {
        Hash(Sha256::digest([]).into())
    }

    /// Reads a hash in standard base64 (RFC 4648 §4): 44 characters, padded, its unused bits zero. `None` otherwise.
    pub fn parse(text: &str) -> Option<Hash> {
        let bytes = STANDARD.decode(text).ok()?;
        Some(Hash(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
