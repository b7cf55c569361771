//! Varints and strings: the building blocks of the compact record store and of saved projections.

use std::io::{self, Read, Write};

/// Appends an unsigned number, seven bits to a byte, the lowest first (LEB128).
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a signed number, small magnitudes short.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Appends bytes with their length before them.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, len_u64(bytes.len()));
    out.extend_from_slice(bytes);
}

/// A length as a number; a `usize` has at most 64 bits on every machine that Rust knows.
pub(crate) fn len_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Takes things off the front of bytes that this crate wrote. `None` at the end, or where the bytes make no sense.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn varint_u32(&mut self) -> Option<u32> {
        self.varint().and_then(|number| u32::try_from(number).ok())
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.varint().map(unfold_sign)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

fn unfold_sign(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Writes the parts of a saved projection.
pub struct Saver<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
}

const SAVER_BUFFER_BYTES: usize = 1 << 16;

impl<'a> Saver<'a> {
    /// A saver that writes to `out`; [`Saver::finish`] writes the last of it.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Saver {
            out,
            buffer: Vec::with_capacity(SAVER_BUFFER_BYTES),
        }
    }

    /// Writes what is still held back.
    pub fn finish(mut self) -> io::Result<()> {
        self.spill(0)
    }

    pub(crate) fn number(&mut self, number: u64) -> io::Result<()> {
        put_varint(&mut self.buffer, number);
        self.spill(SAVER_BUFFER_BYTES)
    }

    pub(crate) fn count(&mut self, count: usize) -> io::Result<()> {
        self.number(len_u64(count))
    }

    pub(crate) fn signed(&mut self, number: i64) -> io::Result<()> {
        put_signed(&mut self.buffer, number);
        self.spill(SAVER_BUFFER_BYTES)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        put_bytes(&mut self.buffer, bytes);
        self.spill(SAVER_BUFFER_BYTES)
    }

    fn spill(&mut self, above: usize) -> io::Result<()> {
        if self.buffer.len() >= above {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// Reads what a [`Saver`] wrote.
pub struct Loader<'a> {
    input: &'a mut dyn Read,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// No part of a saved projection is longer: the events of one record, or one bitmap.
const PART_BYTES_MAX: u64 = 1 << 31;

impl<'a> Loader<'a> {
    /// A loader of a saved projection.
    pub fn new(input: &'a mut dyn Read) -> Self {
        Loader {
            input,
            buffer: vec![0; SAVER_BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// Fails unless everything was read.
    pub fn finish(mut self) -> io::Result<()> {
        if self.start < self.end || self.fill()? {
            Err(malformed())
        } else {
            Ok(())
        }
    }

    pub(crate) fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            if self.start == self.end && !self.fill()? {
                return Err(malformed());
            }
            let byte = *self.buffer.get(self.start).ok_or_else(malformed)?;
            self.start += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(malformed())
    }

    pub(crate) fn number_u32(&mut self) -> io::Result<u32> {
        u32::try_from(self.number()?).map_err(|_| malformed())
    }

    pub(crate) fn count(&mut self) -> io::Result<usize> {
        usize::try_from(self.number()?).map_err(|_| malformed())
    }

    pub(crate) fn signed(&mut self) -> io::Result<i64> {
        self.number().map(unfold_sign)
    }

    pub(crate) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let len = self.number()?;
        if len > PART_BYTES_MAX {
            return Err(malformed());
        }
        let mut bytes = Vec::new();
        let mut wanted = usize::try_from(len).map_err(|_| malformed())?;
        // A forged length must not reserve memory that the file cannot fill.
        bytes.reserve_exact(wanted.min(SAVER_BUFFER_BYTES));
        while wanted > 0 {
            if self.start == self.end && !self.fill()? {
                return Err(malformed());
            }
            let part = self
                .buffer
                .get(self.start..self.end.min(self.start + wanted))
                .ok_or_else(malformed)?;
            bytes.extend_from_slice(part);
            wanted -= part.len();
            self.start += part.len();
        }
        Ok(bytes)
    }

    fn fill(&mut self) -> io::Result<bool> {
        self.start = 0;
        self.end = self.input.read(&mut self.buffer)?;
        Ok(self.end > 0)
    }
}

pub(crate) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a saved projection is malformed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_is_taken(number: u64, signed: i64, bytes: Vec<u8>) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_signed(&mut out, signed);
            put_bytes(&mut out, &bytes);
            let mut cursor = Cursor(&out);
            prop_assert_eq!(cursor.varint(), Some(number));
            prop_assert_eq!(cursor.signed(), Some(signed));
            prop_assert_eq!(cursor.bytes(), Some(&*bytes));
            prop_assert!(cursor.0.is_empty());
        }

        #[test]
        fn what_is_saved_is_loaded(number: u64, signed: i64, bytes in prop::collection::vec(any::<u8>(), 0..200_000)) {
            let mut file = Vec::new();
            let mut saver = Saver::new(&mut file);
            saver.number(number).unwrap();
            saver.bytes(&bytes).unwrap();
            saver.signed(signed).unwrap();
            saver.finish().unwrap();
            let mut input = &*file;
            let mut loader = Loader::new(&mut input);
            prop_assert_eq!(loader.number().unwrap(), number);
            prop_assert_eq!(loader.bytes().unwrap(), bytes);
            prop_assert_eq!(loader.signed().unwrap(), signed);
            loader.finish().unwrap();
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut cursor = Cursor(&bytes);
            while cursor.text().is_some() || cursor.signed().is_some() {}
            let mut input = &*bytes;
            let mut loader = Loader::new(&mut input);
            while loader.bytes().is_ok() {}
        }
    }
}
