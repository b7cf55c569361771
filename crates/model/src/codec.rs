//! The stored form of an event: one version byte, then bincode. What is stored is what is hashed.

use bincode::{
    config::{self, Configuration, Limit, LittleEndian, Varint},
    enc::write::Writer,
    error::EncodeError,
};
use thiserror::Error;

use crate::event::Event;

/// The format that is written. Every format ever written stays readable.
pub const FORMAT: u8 = 1;

/// No event makes the decoder allocate more; without a limit a forged length would abort the process.
///
/// It counts memory, not stored bytes: a change takes 72 bytes of memory and may take 4 stored ones, so the changes of
/// one event of [`Event::BYTES_MAX`] take up to 108 KiB. With less room than that, an event could be written that
/// nobody can read.
const DECODE_LIMIT_BYTES: usize = 128 * 1024;

const CONFIG: Configuration<LittleEndian, Varint, Limit<DECODE_LIMIT_BYTES>> =
    config::standard().with_limit::<DECODE_LIMIT_BYTES>();

/// Bytes that are no event, or an event that cannot be stored.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The event is longer than [`Event::BYTES_MAX`].
    #[error("the event takes {bytes} bytes, more than {max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The version byte is unknown.
    #[error("unknown event format {found:?}")]
    UnknownFormat {
        /// The first byte, if there is one.
        found: Option<u8>,
    },
    /// The body cannot be decoded.
    #[error("the event's body is malformed")]
    Malformed(#[from] bincode::error::DecodeError),
    /// The body cannot be encoded.
    #[error("the event cannot be encoded")]
    Unencodable(#[from] EncodeError),
    /// There are bytes after the event.
    #[error("{extra} bytes follow the event")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// The bytes are not the one form that encoding gives.
    #[error("the event's bytes are not in canonical form")]
    NotCanonical,
}

/// Appends the stored form of an event to a buffer, and returns its length.
///
/// On an error the buffer is as it was.
pub fn encode(event: &Event<'_>, buffer: &mut Vec<u8>) -> Result<usize, CodecError> {
    let start = buffer.len();
    buffer.push(FORMAT);
    let written = bincode::encode_into_std_write(event, buffer, CONFIG);
    let bytes = buffer.len() - start;
    match written {
        Ok(_) if bytes <= Event::BYTES_MAX => Ok(bytes),
        Ok(_) => {
            buffer.truncate(start);
            Err(CodecError::TooLarge {
                bytes,
                max: Event::BYTES_MAX,
            })
        }
        Err(error) => {
            buffer.truncate(start);
            Err(error.into())
        }
    }
}

/// Reads the stored form, borrowing every text from it. All bytes must be consumed.
pub fn decode(bytes: &[u8]) -> Result<Event<'_>, CodecError> {
    let body = match bytes.split_first() {
        Some((&FORMAT, body)) => body,
        first => {
            return Err(CodecError::UnknownFormat {
                found: first.map(|(byte, _)| *byte),
            });
        }
    };
    let (event, read) = bincode::borrow_decode_from_slice(body, CONFIG)?;
    if read == body.len() {
        Ok(event)
    } else {
        Err(CodecError::TrailingBytes {
            extra: body.len() - read,
        })
    }
}

/// As [`decode`], and the event encodes to the very same bytes: for bytes whose writer is not trusted.
pub fn decode_canonical(bytes: &[u8]) -> Result<Event<'_>, CodecError> {
    let event = decode(bytes)?;
    let mut again = Vec::with_capacity(bytes.len());
    encode(&event, &mut again)?;
    if again == bytes {
        Ok(event)
    } else {
        Err(CodecError::NotCanonical)
    }
}

/// Whether an event encodes to exactly these bytes: what [`encode`] would tell, without writing them again.
pub fn encodes_to(event: &Event<'_>, bytes: &[u8]) -> bool {
    let Some((&FORMAT, body)) = bytes.split_first() else {
        return false;
    };
    let mut expected = Expected(body);
    bytes.len() <= Event::BYTES_MAX
        && bincode::encode_into_writer(event, &mut expected, CONFIG).is_ok()
        && expected.0.is_empty()
}

/// Takes the bytes that are expected, in order, and no others.
struct Expected<'a>(&'a [u8]);

impl Writer for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match (bytes, self.0) {
            // Most numbers: this need not call a function to compare them.
            ([byte], [expected, rest @ ..]) if byte == expected => self.0 = rest,
            _ => self.0 = self.0.strip_prefix(bytes).ok_or(EncodeError::UnexpectedEnd)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
