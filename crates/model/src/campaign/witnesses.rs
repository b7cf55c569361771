//! Who is asked to cosign the register's checkpoints, and how many must.

use toml::Spanned;

use super::{
    check::{Checked, wrong},
    file::WitnessFile,
};

/// Most witnesses of a campaign: each is asked at every checkpoint.
pub(super) const WITNESSES_MAX: usize = 16;

/// A witness that the register asks to cosign its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its public key as a vkey of cosignatures. Only its form is checked here.
    pub key: String,
    /// Where it listens: the submission prefix of C2SP `tlog-witness`.
    pub url: String,
}

pub(super) fn check(
    files: &[WitnessFile],
    quorum: Option<&Spanned<usize>>,
) -> Checked<(Vec<Witness>, usize)> {
    let mut witnesses: Vec<Witness> = Vec::new();
    for witness in files {
        let (key, url) = (witness.key.get_ref(), witness.url.get_ref());
        if !is_vkey(key) {
            return wrong(&witness.key, "a witness's key is written as name+1f2e3d4c+base64");
        }
        // Cosignatures are counted by name and by key: two of one name could never both count.
        if witnesses.iter().any(|other| name_of(&other.key) == name_of(key)) {
            return wrong(&witness.key, "this witness is named twice");
        }
        if witnesses.len() == WITNESSES_MAX {
            return wrong(
                &witness.key,
                format!("a campaign has at most {WITNESSES_MAX} witnesses"),
            );
        }
        if !url.starts_with("http://") || url.contains(char::is_whitespace) {
            let problem = "a witness's address begins with http://; for https, ask through a local proxy";
            return wrong(&witness.url, problem);
        }
        witnesses.push(Witness {
            key: key.clone(),
            url: url.trim_end_matches('/').to_owned(),
        });
    }
    match quorum {
        None if witnesses.is_empty() => Ok((witnesses, 0)),
        None => {
            let key = files.first().map_or(0..0, |witness| witness.key.span());
            Err((
                key,
                "witnesses need a quorum: quorum = 2 at the top of the file".to_owned(),
            ))
        }
        Some(quorum) if !(1..=witnesses.len()).contains(quorum.get_ref()) => wrong(
            quorum,
            format!("the quorum is 1 to {}, the number of witnesses", witnesses.len()),
        ),
        Some(quorum) => Ok((witnesses, *quorum.get_ref())),
    }
}

fn name_of(key: &str) -> Option<&str> {
    key.split('+').next()
}

/// Whether a text has the form of a vkey. What its bytes mean is for whoever checks signatures.
fn is_vkey(text: &str) -> bool {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || c.is_control())
        && id.len() == 8
        && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}
