//! The draw, computed from the log: the frozen population, the seed, and the records that are first by it. Whether the
//! checkpoint that was stored with the sample may seed it is decided here, every time anew.

use std::{collections::BTreeMap, sync::Arc};

use shilu_merkle::{Checkpoint, Hash, Prover, SignedCheckpoint, Tree, VerifierKey};
use shilu_model::{Action, Entropy, Position, RecordName, Timestamp, Value, setting};
use shilu_sampling::{Candidate, Commitment, Promise, Reveal, Seed, SeedParts, draw, entropy_of};

use super::{
    error::SampleError,
    told::{Strata, Told},
};
use crate::{
    engine::Engine,
    error::EngineError,
    evidence::{Files, witness_key},
    query::ChangesQuery,
};

/// Changes of the key that are looked at: one in a quarter of a year for a thousand years.
const KEYS_MAX: usize = 4_096;

/// How long after the announced time a draw's checkpoint may come; later, what was named could be known before it. A
/// lottery or a round of drand is named that is drawn after this hour.
const CHECKPOINT_WITHIN_MICROS: i64 = 3_600 * 1_000_000;

/// A record that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnRecord {
    /// The record.
    pub record: RecordName,
    /// Its area at the freeze.
    pub area: String,
    /// Its stratum: its area, or nothing.
    pub stratum: String,
    /// Its place in its stratum, from 1.
    pub rank: u64,
}

/// A draw that holds.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub sizes: Arc<BTreeMap<String, u64>>,
    pub seeding: Seeding,
    /// By stratum, and in each by rank.
    pub drawn: Vec<DrawnRecord>,
}

/// What seeds a draw.
#[derive(Clone, Debug)]
pub(crate) struct Seeding {
    pub seed: Seed,
    /// The first checkpoint at or after the announced time: it ends with the first event that was recorded then. The
    /// note that is stored with the sample covers it. So nobody chooses among those that were published later.
    pub checkpoint: Checkpoint,
    /// When the last event that the checkpoint covers was recorded.
    pub covered: Timestamp,
    /// Which witnesses cosigned the note that covers it, and when by their own clocks.
    pub cosigned: Vec<(String, Timestamp)>,
    /// Whether it came so long after the announced time that the outside entropy could be known before it.
    pub is_late: bool,
}

impl Drawing {
    /// A record that was drawn.
    ///
    /// # Errors
    /// `NOT_DRAWN`.
    pub fn record(&self, told: &Told, record: &RecordName) -> Result<&DrawnRecord, SampleError> {
        let drawn = self.drawn.iter().find(|drawn| drawn.record == *record);
        drawn.ok_or_else(|| SampleError::NotDrawn {
            id: told.id.clone(),
            record: record.clone(),
        })
    }
}

/// The outside entropy of a draw, of what was revealed. Of a public draw it has one spelling: the digits as they were drawn,
/// or lower-case hexadecimal, with nothing between them.
///
/// # Errors
/// `REVEAL_MISSING`, `REVEAL_WRONG`.
pub(crate) fn entropy(id: &str, named: &str, revealed: Option<&str>) -> Result<Vec<u8>, SampleError> {
    let missing = || SampleError::RevealMissing {
        id: id.to_owned(),
        entropy: named.to_owned(),
    };
    match Entropy::parse(named) {
        Ok(Entropy::None) | Err(_) => match revealed {
            None => Ok(Vec::new()),
            Some(_) => Err(SampleError::RevealUnasked { id: id.to_owned() }),
        },
        Ok(Entropy::Public(_)) => {
            let numbers = revealed.ok_or_else(missing)?;
            let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            match !numbers.is_empty() && numbers.bytes().all(plain) {
                true => Ok(numbers.as_bytes().to_vec()),
                // Spelt in another way the same numbers would draw others.
                false => Err(SampleError::RevealSpelling { id: id.to_owned() }),
            }
        }
        Ok(Entropy::Commitments(commitments)) => {
            let secrets: Vec<&str> = revealed.ok_or_else(missing)?.lines().collect();
            let most = commitments.len().max(secrets.len());
            let names: Vec<String> = (1..=most).map(|number| format!("auditor {number}")).collect();
            let promises = names
                .iter()
                .zip(commitments)
                .map(|(auditor, commitment)| Promise {
                    auditor,
                    commitment: Commitment::from_bytes(commitment),
                });
            let reveals = names.iter().zip(secrets).map(|(auditor, secret)| Reveal {
                auditor,
                secret: secret.as_bytes(),
            });
            let (promises, reveals): (Vec<_>, Vec<_>) = (promises.collect(), reveals.collect());
            entropy_of(&promises, &reveals).map_err(SampleError::RevealWrong)
        }
    }
}

impl Engine {
    /// The records that are in scope at the freeze and in the sample's area, each with its area then.
    pub(super) fn frozen(&self, told: &Told) -> Vec<(RecordName, String)> {
        let of = told.measured().population();
        let mut frozen = self
            .read()
            .subjects
            .population(of, (told.recorded, told.position));
        frozen.retain(|(_, area)| told.covers(area));
        frozen
    }

    /// How many records each stratum had at the freeze.
    pub(super) fn sizes(&self, told: &Told) -> Arc<BTreeMap<String, u64>> {
        let kept = self.shared.samples.lock();
        let known = kept.get(&told.position).and_then(|kept| kept.sizes.clone());
        drop(kept);
        if let Some(known) = known {
            return known;
        }
        let sizes = Arc::new(sizes_of(told.strata, &self.frozen(told)));
        let mut kept = self.shared.samples.lock();
        kept.entry(told.position).or_default().sizes = Some(Arc::clone(&sizes));
        sizes
    }

    /// The draw; `None` where there is none yet, or why it does not hold.
    pub(super) fn drawing(&self, told: &Told) -> Result<Option<Arc<Result<Drawing, String>>>, EngineError> {
        let Some((note, stored_at)) = told.checkpoint.as_ref().filter(|_| !told.is_waiting()) else {
            return Ok(None);
        };
        let kept = self.shared.samples.lock();
        let known = kept
            .get(&told.position)
            .and_then(|kept| kept.drawing.get(&told.added));
        drop(kept);
        if let Some(drawing) = known {
            return Ok(Some(drawing));
        }
        let drawing = self.draw_anew(told, note, *stored_at)?;
        let drawing = Arc::new(drawing);
        let mut kept = self.shared.samples.lock();
        let kept = kept.entry(told.position).or_default();
        kept.drawing.keep(told.added, Arc::clone(&drawing));
        if let Ok(drawing) = &*drawing {
            kept.sizes = Some(Arc::clone(&drawing.sizes));
        }
        Ok(Some(drawing))
    }

    /// The draw, computed whatever is kept.
    pub(super) fn draw_anew(
        &self,
        told: &Told,
        note: &str,
        stored_at: Position,
    ) -> Result<Result<Drawing, String>, EngineError> {
        let seeding = match self.seeding(told, note, stored_at)? {
            Ok(seeding) => seeding,
            Err(problem) => return Ok(Err(problem)),
        };
        let frozen = self.frozen(told);
        let candidates: Vec<_> = frozen
            .iter()
            .map(|(record, area)| Candidate {
                record,
                stratum: told.strata.of(area),
            })
            .collect();
        let area_of: BTreeMap<_, _> = frozen.iter().map(|(record, area)| (record, area)).collect();
        let drawn = draw(&seeding.seed, &candidates, told.size);
        let drawn = drawn.into_iter().map(|drawn| DrawnRecord {
            record: drawn.record.clone(),
            area: area_of
                .get(drawn.record)
                .map_or_else(String::new, |area| (*area).clone()),
            stratum: drawn.stratum.to_owned(),
            rank: drawn.rank,
        });
        Ok(Ok(Drawing {
            sizes: Arc::new(sizes_of(told.strata, &frozen)),
            drawn: drawn.collect(),
            seeding,
        }))
    }

    /// The draw of a sample that must have one.
    ///
    /// # Errors
    /// `NO_DRAW`, `DRAW_INVALID`, and what the log says.
    pub(super) fn drawn_of(&self, told: &Told) -> Result<Drawing, EngineError> {
        let id = told.id.clone();
        match self.drawing(told)?.as_deref() {
            None if told.is_waiting() => {
                let entropy = told.entropy.clone();
                Err(SampleError::RevealMissing { id, entropy }.into())
            }
            None => Err(SampleError::NoDraw { id }.into()),
            Some(Err(problem)) => {
                let problem = problem.clone();
                Err(SampleError::DrawInvalid { id, problem }.into())
            }
            Some(Ok(drawing)) => Ok(drawing.clone()),
        }
    }

    /// Whether a note may seed a sample, and what it then gives.
    pub(super) fn seeding(
        &self,
        told: &Told,
        note: &str,
        stored_at: Position,
    ) -> Result<Result<Seeding, String>, EngineError> {
        let no = |problem: &str| Ok(Err(problem.to_owned()));
        if let Err(problem) = self.witnessed(told)? {
            return Ok(Err(problem));
        }
        let signed = match self.own_note(told, note, stored_at)? {
            Ok(signed) => signed,
            Err(problem) => return Ok(Err(problem)),
        };
        let held = signed.unchecked().size;
        let Some((first, covered)) = self.first_recorded(told, Position::new(held))? else {
            return no("its checkpoint could be known before the announced time of the draw");
        };
        let cosigned = match cosigned_after(told, &signed) {
            Ok(cosigned) => cosigned,
            Err(problem) => return Ok(Err(problem)),
        };
        let revealed = told.revealed.as_ref().map(|(text, _)| text.as_str());
        let entropy = match entropy(&told.id, &told.entropy, revealed) {
            Ok(entropy) => entropy,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let size = first.next().get();
        let root = self.root_at(size)?;
        let checkpoint = Checkpoint {
            size,
            root,
            ..signed.unchecked().clone()
        };
        let seed = Seed::of(&SeedParts {
            announcement: told.leaf.0,
            checkpoint_root: root.0,
            entropy: &entropy,
        });
        let seen = quorum_time(told, &cosigned).map_or(covered, |seen| seen.max(covered));
        Ok(Ok(Seeding {
            seed,
            checkpoint,
            covered,
            cosigned,
            is_late: seen > told.draw_at.plus_micros(CHECKPOINT_WITHIN_MICROS),
        }))
    }

    /// Whether enough witnesses knew the announcement before the time of the draw: else it could be written, and dated
    /// back, by whoever knows the outside entropy already. Where the campaign has none, nobody can tell.
    pub(super) fn witnessed(&self, told: &Told) -> Result<Result<(), String>, EngineError> {
        if told.campaign.quorum == 0 {
            return Ok(Ok(()));
        }
        let Some((note, stored_at)) = &told.witnessed else {
            let problem = "no checkpoint that witnesses cosigned before the draw shows its announcement";
            return Ok(Err(problem.to_owned()));
        };
        let signed = self.own_note(told, note, *stored_at)?;
        Ok(signed.and_then(|signed| cosigned_before(told, &signed)))
    }

    /// A note that this register published after the announcement and before a position.
    fn own_note(
        &self,
        told: &Told,
        note: &str,
        stored_at: Position,
    ) -> Result<Result<SignedCheckpoint, String>, EngineError> {
        let no = |problem: &str| Ok(Err(problem.to_owned()));
        let Ok(signed) = SignedCheckpoint::parse(note.as_bytes()) else {
            return no("what is stored as its checkpoint is none");
        };
        let keys = self.keys_named_before(stored_at)?;
        if !keys.iter().any(|key| signed.check(key).is_ok()) {
            return no("its checkpoint is not signed by a key of this register");
        }
        let checkpoint = signed.unchecked();
        if checkpoint.size <= told.position.get() || checkpoint.size > stored_at.get() {
            return no("its checkpoint does not stand between the announcement and the draw");
        }
        if self.root_at(checkpoint.size)? != checkpoint.root {
            return no("its checkpoint is not one of this log");
        }
        Ok(Ok(signed))
    }

    /// The first event before a position that was recorded at the announced time or later, and when. Recorded times
    /// never decrease, so that it is found by halving.
    fn first_recorded(
        &self,
        told: &Told,
        end: Position,
    ) -> Result<Option<(Position, Timestamp)>, EngineError> {
        let (mut early, mut due) = (told.position.get(), end.get());
        let mut found = None;
        while early + 1 < due {
            let middle = early.midpoint(due);
            let recorded = self.stored(Position::new(middle))?.event().recorded;
            if recorded < told.draw_at {
                early = middle;
            } else {
                (due, found) = (middle, Some((Position::new(middle), recorded)));
            }
        }
        Ok(found)
    }

    /// Every key that the log had named for its checkpoints before a position.
    fn keys_named_before(&self, end: Position) -> Result<Vec<VerifierKey>, EngineError> {
        let query = ChangesQuery {
            action: Some(Action::Configure),
            field: Some(setting::KEY.to_owned()),
            before: Some(end),
            limit: KEYS_MAX,
            ..ChangesQuery::default()
        };
        let mut keys = Vec::new();
        for stored in self.changes(&query)?.items {
            let event = stored.event();
            let named = event.changes.iter().filter(|change| change.field == setting::KEY);
            for change in named.filter(|_| event.is_administrative()) {
                if let Some(Value::Text(text)) = change.after {
                    keys.extend(VerifierKey::parse(text).ok());
                }
            }
        }
        Ok(keys)
    }

    /// The root of the log at an earlier size: from its tiles, or else from its events.
    fn root_at(&self, size: u64) -> Result<Hash, EngineError> {
        let published = self.shared.publication.borrow().size();
        if size <= published {
            let files = Files::new(&self.shared.dir);
            let mut prover = Prover::new(published, |tile| files.required(&tile));
            if let Ok(root) = prover.root(size) {
                return Ok(root);
            }
        }
        let mut tree = Tree::default();
        for chunk in self.shared.log.scan(Position::ZERO, Position::new(size)) {
            for (_, bytes) in chunk?.iter() {
                tree.push(Hash::leaf(bytes));
            }
        }
        Ok(tree.root())
    }
}

/// The witnesses of the campaign that cosigned a note, and when by their own clocks.
fn cosigned(told: &Told, signed: &SignedCheckpoint) -> Result<Vec<(String, Timestamp)>, String> {
    let witnesses = told.campaign.witnesses.iter();
    let keys: Vec<_> = witnesses
        .filter_map(|witness| witness_key(&witness.key).ok())
        .collect();
    let cosigned = signed.cosigned(&keys).map_err(|error| error.to_string())?;
    let times = cosigned.into_iter().map(|one| {
        let micros = i64::try_from(one.seconds)
            .ok()
            .and_then(|seconds| seconds.checked_mul(1_000_000));
        (one.witness, Timestamp::from_micros(micros.unwrap_or(i64::MAX)))
    });
    Ok(times.collect())
}

/// Where the campaign had witnesses, enough of them signed at the announced time or later.
pub(super) fn cosigned_after(
    told: &Told,
    signed: &SignedCheckpoint,
) -> Result<Vec<(String, Timestamp)>, String> {
    let times = cosigned(told, signed)?;
    let in_time = times.iter().filter(|(_, time)| *time >= due(told)).count();
    if in_time < told.campaign.quorum {
        let wanted = told.campaign.quorum;
        return Err(format!(
            "{in_time} witnesses cosigned its checkpoint at the announced time or later, and {wanted} are needed"
        ));
    }
    Ok(times)
}

/// Where the campaign had witnesses, enough of them signed before the announced time.
pub(super) fn cosigned_before(told: &Told, signed: &SignedCheckpoint) -> Result<(), String> {
    let times = cosigned(told, signed)?;
    let early = times.iter().filter(|(_, time)| *time < told.draw_at).count();
    if early < told.campaign.quorum {
        let wanted = told.campaign.quorum;
        return Err(format!(
            "{early} witnesses knew its announcement before the draw, and {wanted} are needed"
        ));
    }
    Ok(())
}

/// When the quorum was reached; none where there are no witnesses.
fn quorum_time(told: &Told, cosigned: &[(String, Timestamp)]) -> Option<Timestamp> {
    let times = cosigned.iter().map(|(_, time)| *time);
    let mut times: Vec<_> = times.filter(|time| *time >= due(told)).collect();
    times.sort_unstable();
    times.get(told.campaign.quorum.checked_sub(1)?).copied()
}

/// A witness's clock counts in whole seconds.
fn due(told: &Told) -> Timestamp {
    told.draw_at.plus_micros(-999_999)
}

fn sizes_of(strata: Strata, frozen: &[(RecordName, String)]) -> BTreeMap<String, u64> {
    let mut sizes = BTreeMap::new();
    for (_, area) in frozen {
        *sizes.entry(strata.of(area).to_owned()).or_default() += 1;
    }
    sizes
}
