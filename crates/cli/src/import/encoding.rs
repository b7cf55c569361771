//! Bytes to text: UTF-8 (with or without a byte order mark) or GB18030, checked, as a stream.
//!
//! First step of an import: [`examine`] reads the file once for its SHA-256 and its encoding; a [`Decoder`] then gives
//! its text, up to the first place that is not of that encoding.

use std::{
    io::{self, BufRead, Read},
    path::PathBuf,
};

use encoding_rs::{DecoderResult, GB18030};
use sha2::{Digest, Sha256};

use super::error::ImportError;
use crate::args::EncodingArg;

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// GB18030, which holds GBK and GB2312.
    Gb18030,
}

impl Encoding {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Gb18030 => "GB18030",
        }
    }
}

/// Which file is read, and how: for errors.
#[derive(Clone, Debug)]
pub struct About {
    /// The file.
    pub path: PathBuf,
    /// How it is read.
    pub encoding: Encoding,
}

impl Default for About {
    fn default() -> Self {
        About {
            path: PathBuf::new(),
            encoding: Encoding::Utf8,
        }
    }
}

impl About {
    /// The refusal of a text that cannot be read on from a place.
    pub fn unreadable(&self, error: io::Error, line: u64, column: u64) -> ImportError {
        if error.get_ref().is_some_and(|inner| inner.is::<Malformed>()) {
            ImportError::BadEncoding {
                line,
                column,
                encoding: self.encoding.name(),
            }
        } else {
            ImportError::Read {
                path: self.path.clone(),
                source: error,
            }
        }
    }
}

/// What one reading of a file tells.
#[derive(Clone, Copy, Debug)]
pub struct Examined {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many bytes.
    pub bytes: u64,
    /// How it is to be read.
    pub encoding: Encoding,
    /// Whether all of them are ASCII.
    pub ascii: bool,
}

/// Reads a file once: its hash, and its encoding if that is not told.
pub fn examine(
    mut file: impl Read,
    asked: EncodingArg,
    mut progress: impl FnMut(u64),
) -> io::Result<Examined> {
    let mut hash = Sha256::new();
    let mut guess = Guess::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut bytes, mut ascii) = (0, true);
    loop {
        let read = fill(&mut file, &mut chunk)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else {
            break;
        };
        hash.update(part);
        ascii &= part.is_ascii();
        if asked == EncodingArg::Auto {
            guess.see(part);
        }
        bytes += u64::try_from(read).unwrap_or(0);
        progress(bytes);
    }
    let encoding = match asked {
        EncodingArg::Utf8 => Encoding::Utf8,
        EncodingArg::Gb18030 => Encoding::Gb18030,
        EncodingArg::Auto => guess.end(),
    };
    Ok(Examined {
        sha256: hash.finalize().into(),
        bytes,
        encoding,
        ascii,
    })
}

fn fill(file: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Counts what speaks for UTF-8 and what against it.
///
/// In a GB18030 text hardly any character happens to be a UTF-8 sequence, and nearly each one breaks UTF-8; in a
/// damaged UTF-8 text it is the other way round. A text that is UTF-8 but for a sequence cut off at its end broke off.
#[derive(Default)]
struct Guess {
    sequences: u64,
    breaks: u64,
    rest: Vec<u8>,
}

impl Guess {
    fn see(&mut self, part: &[u8]) {
        let joined;
        let mut left = if self.rest.is_empty() {
            part
        } else {
            self.rest.extend_from_slice(part);
            joined = std::mem::take(&mut self.rest);
            joined.as_slice()
        };
        loop {
            match std::str::from_utf8(left) {
                Ok(text) => return self.count(text),
                Err(error) => {
                    let (good, bad) = left.split_at_checked(error.valid_up_to()).unwrap_or((left, &[]));
                    self.count(std::str::from_utf8(good).unwrap_or_default());
                    let Some(length) = error.error_len() else {
                        self.rest = bad.to_vec();
                        return;
                    };
                    self.breaks += 1;
                    left = bad.get(length..).unwrap_or_default();
                }
            }
        }
    }

    fn count(&mut self, text: &str) {
        let leads = text.bytes().filter(|byte| *byte >= 0xC0).count();
        self.sequences += u64::try_from(leads).unwrap_or(0);
    }

    fn end(self) -> Encoding {
        if self.breaks == 0 || self.sequences > self.breaks {
            return Encoding::Utf8;
        }
        Encoding::Gb18030
    }
}

/// The text of a file, as checked UTF-8, up to its end or to the first malformed place.
pub struct Decoder<R> {
    file: R,
    coder: Coder,
    raw: Vec<u8>,
    text: Vec<u8>,
    taken: usize,
    bytes_read: u64,
    stage: Stage,
}

enum Coder {
    Utf8,
    Gb18030(Box<encoding_rs::Decoder>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Middle,
    End,
    Malformed,
}

/// The text ends here: what follows is not of the encoding. Comes inside an `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("malformed bytes")]
pub struct Malformed;

impl<R: Read> Decoder<R> {
    /// Reads a file in an encoding.
    pub fn new(file: R, encoding: Encoding) -> Self {
        let coder = match encoding {
            Encoding::Utf8 => Coder::Utf8,
            Encoding::Gb18030 => Coder::Gb18030(Box::new(GB18030.new_decoder_without_bom_handling())),
        };
        Decoder {
            file,
            coder,
            raw: Vec::new(),
            text: Vec::new(),
            taken: 0,
            bytes_read: 0,
            stage: Stage::Start,
        }
    }

    /// How many of the file's bytes have been read, for a progress bar.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Decodes the next part into `text`.
    fn decode_more(&mut self) -> io::Result<()> {
        self.text.clear();
        self.taken = 0;
        let kept = self.raw.len();
        self.raw.resize(kept + CHUNK_BYTES, 0);
        let read = fill(&mut self.file, self.raw.get_mut(kept..).unwrap_or_default())?;
        self.raw.truncate(kept + read);
        self.bytes_read += u64::try_from(read).unwrap_or(0);
        if self.stage == Stage::Start && read > 0 {
            if self.raw.starts_with(MARK) {
                self.raw.drain(..MARK.len());
            } else if MARK.starts_with(&self.raw) && self.raw.len() < MARK.len() {
                return Ok(());
            }
            self.stage = Stage::Middle;
        }
        let last = read == 0;
        let good = match &mut self.coder {
            Coder::Utf8 => take_utf8(&mut self.raw, &mut self.text, last),
            Coder::Gb18030(decoder) => take_gb18030(decoder, &mut self.raw, &mut self.text, last),
        };
        self.stage = match (good, last) {
            (false, _) => Stage::Malformed,
            (true, true) => Stage::End,
            (true, false) => self.stage,
        };
        Ok(())
    }
}

/// Moves the valid text over, and keeps a sequence that may go on. False where it is malformed.
fn take_utf8(raw: &mut Vec<u8>, text: &mut Vec<u8>, last: bool) -> bool {
    let (valid, good) = match std::str::from_utf8(raw) {
        Ok(_) => (raw.len(), true),
        Err(error) => (error.valid_up_to(), error.error_len().is_none() && !last),
    };
    text.extend(raw.drain(..valid));
    good
}

fn take_gb18030(
    decoder: &mut encoding_rs::Decoder,
    raw: &mut Vec<u8>,
    text: &mut Vec<u8>,
    last: bool,
) -> bool {
    // Each byte gives at most three bytes of UTF-8, and what the decoder keeps between calls at most a few more.
    text.resize(raw.len() * 3 + 16, 0);
    let (result, _, written) = decoder.decode_to_utf8_without_replacement(raw, text, last);
    text.truncate(written);
    raw.clear();
    result == DecoderResult::InputEmpty
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Decoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken >= self.text.len() {
            match self.stage {
                Stage::End => return Ok(&[]),
                Stage::Malformed => return Err(io::Error::other(Malformed)),
                Stage::Start | Stage::Middle => self.decode_more()?,
            }
        }
        Ok(self.text.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoding_of(bytes: &[u8]) -> Encoding {
        examine(bytes, EncodingArg::Auto, |_| {}).unwrap().encoding
    }

    fn decode(bytes: &[u8], encoding: Encoding) -> Result<String, String> {
        let mut text = Vec::new();
        let result = Decoder::new(bytes, encoding).read_to_end(&mut text);
        let text = String::from_utf8(text).unwrap();
        if result.is_ok() { Ok(text) } else { Err(text) }
    }

    const TEXT: &str = "code,name\n110101001,东华门街道办事处\n110101002,景山街道办事处\n";

    #[test]
    fn gb18030_is_told_from_damaged_utf_8() {
        let (gb, _, _) = GB18030.encode(TEXT);
        assert_eq!(encoding_of(&gb), Encoding::Gb18030);
        assert_eq!(decode(&gb, Encoding::Gb18030), Ok(TEXT.to_owned()));
        assert_eq!(encoding_of(TEXT.as_bytes()), Encoding::Utf8);
        let mut damaged = TEXT.as_bytes().to_vec();
        damaged[24] = b'?';
        assert_eq!(encoding_of(&damaged), Encoding::Utf8);
        assert_eq!(
            decode(&damaged, Encoding::Utf8),
            Err("code,name\n110101001,东".into())
        );
    }

    #[test]
    fn a_file_cut_off_within_a_character_is_damaged_utf_8() {
        let cut = "code,name\n1,\u{4e1c}".as_bytes();
        let cut = &cut[..cut.len() - 1];
        assert_eq!(encoding_of(cut), Encoding::Utf8);
        assert_eq!(decode(cut, Encoding::Utf8), Err("code,name\n1,".into()));
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(decode(b"\xef\xbb\xbfcode\n", Encoding::Utf8), Ok("code\n".into()));
        assert_eq!(decode(b"\xef\xbb\xbf", Encoding::Utf8), Ok(String::new()));
        assert_eq!(decode(b"\xef\xbb", Encoding::Utf8), Err(String::new()));
    }

    #[test]
    fn gb18030_that_breaks_off_is_malformed() {
        let (gb, _, _) = GB18030.encode("1,东");
        assert_eq!(decode(&gb[..gb.len() - 1], Encoding::Gb18030), Err("1,".into()));
        assert_eq!(decode(b"1,\xff\xff", Encoding::Gb18030), Err("1,".into()));
    }

    /// Gives its bytes in small pieces, so that sequences break in between.
    struct Pieces<'a>(&'a [u8], usize);
    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let limit = self.1.min(buffer.len());
            self.0.read(&mut buffer[..limit])
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_text_or_stop(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..7) {
            for encoding in [Encoding::Utf8, Encoding::Gb18030] {
                let mut text = Vec::new();
                let result = Decoder::new(Pieces(&bytes, piece), encoding).read_to_end(&mut text).is_ok();
                let text = String::from_utf8(text).unwrap();
                prop_assert_eq!(decode(&bytes, encoding), if result { Ok(text) } else { Err(text) });
            }
            let whole = examine(bytes.as_slice(), EncodingArg::Auto, |_| {}).unwrap();
            let parts = examine(Pieces(&bytes, piece), EncodingArg::Auto, |_| {}).unwrap();
            prop_assert_eq!(whole.encoding, parts.encoding);
            prop_assert_eq!(whole.sha256, parts.sha256);
        }

        #[test]
        fn chinese_text_survives_either_encoding(text in "[a-z,\n东华门街道办事处村委会社区小越镇]{20,200}") {
            let (gb, _, _) = GB18030.encode(&text);
            prop_assert_eq!(decode(&gb, Encoding::Gb18030), Ok(text.clone()));
            prop_assert_eq!(decode(text.as_bytes(), Encoding::Utf8), Ok(text.clone()));
            prop_assert_eq!(encoding_of(text.as_bytes()), Encoding::Utf8);
        }
    }
}
