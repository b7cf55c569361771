//! Asking witnesses to cosign a checkpoint (C2SP `tlog-witness`, the log's side).

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use shilu_merkle::{
    Addition, Algorithm, EvidenceError, NOTE_BYTES_MAX, NoteSignature, Prover, SignedCheckpoint, VerifierKey,
};
use shilu_model::{Campaign, Witness};

use super::files::Files;
use crate::error::EngineError;

/// How long a witness may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long a witness that failed is left alone, so that a dead one holds nobody up.
const PAUSE: Duration = Duration::from_secs(10);

/// How long the others are waited for once there are enough: cosignatures beyond the quorum are welcome, not needed.
const GRACE: Duration = Duration::from_millis(200);

/// The witnesses of a register, and what is known of each.
pub(crate) struct Witnesses {
    /// As the campaign names them.
    named: Vec<Witness>,
    quorum: usize,
    states: Vec<State>,
    agent: ureq::Agent,
}

struct State {
    key: VerifierKey,
    url: Arc<str>,
    /// The size that it cosigned last, as far as is known.
    cosigned: u64,
    problem: Option<String>,
    not_before: Option<Instant>,
}

/// A witness's public key.
pub(crate) fn witness_key(text: &str) -> Result<VerifierKey, EvidenceError> {
    VerifierKey::parse_as(text, Algorithm::Cosignature)
}

/// What one witness answered.
struct Answered {
    place: usize,
    result: Result<Vec<NoteSignature>, Refused>,
}

enum Refused {
    /// It cosigned this size last.
    Behind(u64),
    Failed(String),
}

impl Witnesses {
    /// The witnesses that the campaign names.
    pub fn of(campaign: &Campaign) -> Result<Witnesses, EngineError> {
        let states = campaign.witnesses.iter().map(|witness| {
            Ok(State {
                key: witness_key(&witness.key).map_err(EngineError::Evidence)?,
                url: Arc::from(witness.url.as_str()),
                cosigned: 0,
                problem: None,
                not_before: None,
            })
        });
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_MAX))
            .http_status_as_error(false)
            .build();
        Ok(Witnesses {
            named: campaign.witnesses.clone(),
            quorum: campaign.quorum,
            states: states.collect::<Result<_, EngineError>>()?,
            agent: agent.into(),
        })
    }

    /// Takes up the witnesses of the campaign in force, with what is known of those that stay.
    pub fn follow(&mut self, campaign: &Campaign) -> Result<(), EngineError> {
        self.quorum = campaign.quorum;
        if self.named == campaign.witnesses {
            return Ok(());
        }
        let before = std::mem::replace(self, Witnesses::of(campaign)?);
        for state in &mut self.states {
            let known = before.states.iter().find(|known| known.key == state.key);
            state.cosigned = known.map_or(0, |known| known.cosigned);
        }
        Ok(())
    }

    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// Whether enough witnesses have cosigned: by their keys, for names may be alike.
    ///
    /// # Errors
    /// `QUORUM_MISSING`.
    pub fn check_quorum(&self, checkpoint: &SignedCheckpoint) -> Result<(), EngineError> {
        let missing = self.states.iter().map(|state| &state.key);
        let missing = missing.filter(|key| checkpoint.note().signed_by(key).is_err());
        let missing: Vec<_> = missing.map(|key| key.name().to_owned()).collect();
        if self.states.len() - missing.len() >= self.quorum {
            return Ok(());
        }
        Err(EngineError::QuorumMissing {
            size: checkpoint.unchecked().size,
            quorum: self.quorum,
            missing,
        })
    }

    /// Each witness's name, and what was wrong when it was asked last.
    pub fn states(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.states
            .iter()
            .map(|state| (state.key.name(), state.problem.as_deref()))
    }

    /// Adds the witnesses' cosignatures to a checkpoint. Whether they are enough is for the caller to see.
    pub fn cosign(&mut self, files: &Files, checkpoint: &mut SignedCheckpoint) {
        let now = Instant::now();
        let (tell, answers) = mpsc::channel();
        let size = checkpoint.unchecked().size;
        let mut asked = BTreeSet::new();
        for (place, state) in self.states.iter().enumerate() {
            if state.not_before.is_none_or(|time| time <= now) {
                asked.insert(place);
                let question = Question {
                    agent: self.agent.clone(),
                    url: Arc::clone(&state.url),
                    files: files.clone(),
                    checkpoint: checkpoint.clone(),
                };
                let (tell, old) = (tell.clone(), state.cosigned.min(size));
                // Nobody waits for its end: it ends by its own time limit.
                thread::spawn(move || {
                    let result = question.ask(old);
                    let _ = tell.send(Answered { place, result });
                });
            }
        }
        drop(tell);
        let mut count = 0;
        let mut deadline = now + ANSWER_MAX;
        while let Ok(answered) = answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            asked.remove(&answered.place);
            let Some(state) = self.states.get_mut(answered.place) else {
                continue;
            };
            if state.take(answered.result, checkpoint) {
                count += 1;
            }
            if count >= self.quorum {
                deadline = deadline.min(Instant::now() + GRACE);
            }
        }
        for place in asked {
            if let Some(state) = self.states.get_mut(place) {
                state.failed("it did not answer in time".to_owned());
            }
        }
    }
}

impl State {
    /// Takes up an answer. True if it is a cosignature.
    fn take(
        &mut self,
        result: Result<Vec<NoteSignature>, Refused>,
        checkpoint: &mut SignedCheckpoint,
    ) -> bool {
        let lines = match result {
            Ok(lines) => lines,
            Err(Refused::Behind(size)) => {
                self.failed(format!(
                    "it cosigned size {size} last, which this log does not continue"
                ));
                return false;
            }
            Err(Refused::Failed(problem)) => {
                self.failed(problem);
                return false;
            }
        };
        let mut cosigned = checkpoint.clone();
        let own = |line: &NoteSignature| line.id == self.key.id() && line.name == self.key.name();
        cosigned.add(lines.into_iter().filter(own));
        match cosigned.note().signed_by(&self.key) {
            Ok(_) => {
                self.cosigned = checkpoint.unchecked().size;
                self.problem = None;
                self.not_before = None;
                *checkpoint = cosigned;
                true
            }
            Err(error) => {
                self.failed(error.to_string());
                false
            }
        }
    }

    fn failed(&mut self, problem: String) {
        self.problem = Some(problem);
        self.not_before = Some(Instant::now() + PAUSE);
    }
}

/// What one witness is asked.
struct Question {
    agent: ureq::Agent,
    url: Arc<str>,
    files: Files,
    checkpoint: SignedCheckpoint,
}

impl Question {
    /// Asks it to go on from a size; asks again if it says from where.
    fn ask(&self, old: u64) -> Result<Vec<NoteSignature>, Refused> {
        match self.ask_from(old) {
            Err(Refused::Behind(size)) if size != old && size <= self.checkpoint.unchecked().size => {
                self.ask_from(size)
            }
            answer => answer,
        }
    }

    fn ask_from(&self, old: u64) -> Result<Vec<NoteSignature>, Refused> {
        let Question {
            agent,
            url,
            files,
            checkpoint,
        } = self;
        let failed = |problem: String| Refused::Failed(problem);
        let mut prover = Prover::new(checkpoint.unchecked().size, |tile| files.required(&tile));
        let proof = prover.consistency(old);
        let request = Addition {
            old,
            proof: proof.map_err(|error| failed(error.to_string()))?,
            checkpoint: checkpoint.clone(),
        };
        let answer = agent
            .post(&format!("{url}/add-checkpoint"))
            .send(request.to_string());
        let mut answer = answer.map_err(|error| failed(error.to_string()))?;
        let limit = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(limit).read_to_string();
        let body = body.map_err(|error| failed(error.to_string()))?;
        match status {
            200 => body
                .lines()
                .map(|line| NoteSignature::parse(line).map_err(|error| failed(error.to_string())))
                .collect(),
            409 => match body.trim_end().parse() {
                Ok(size) => Err(Refused::Behind(size)),
                Err(_) => Err(failed("it cosigned another history of this log".to_owned())),
            },
            status => {
                let shown: String = body.chars().filter(|c| !c.is_control()).take(200).collect();
                Err(failed(format!("it answered {status}: {shown}")))
            }
        }
    }
}
