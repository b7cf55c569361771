//! What a receipt proved: each thing that was checked, and by whom it was signed.

use serde_json::{Value, json, value::RawValue};
use shilu_merkle::{Checkpoint, Receipt, VerifierKey};
use shilu_model::{Event, Timestamp, decode_canonical, signed_form};

use crate::error::CliError;

/// Ends the origin of a register on a simulated clock.
const SIMULATED: &str = "/simulated";

/// Whom the caller believes.
pub struct Trust {
    /// The log.
    pub log: VerifierKey,
    /// The witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have cosigned.
    pub quorum: usize,
    /// The actor.
    pub actor: Option<VerifierKey>,
}

/// What a receipt proved.
pub struct Proof<'a> {
    /// The event.
    pub event: Event<'a>,
    /// The checkpoint that the log signed.
    pub checkpoint: Checkpoint,
    /// The id of the log's key.
    pub key_id: u32,
    /// Each witness that was named, and when it cosigned, if it did.
    pub witnesses: Vec<(String, Option<String>)>,
    /// The actor's signature.
    pub actor: ActorSignature,
    /// Whether the register's clock is simulated.
    pub simulated: bool,
}

/// What is known of the actor's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorSignature {
    /// There is none.
    None,
    /// There is one by the key of this id; nobody gave the key to check it.
    Unchecked(u32),
    /// It is the actor's.
    Checked(u32),
}

impl<'a> Proof<'a> {
    /// Checks everything.
    pub fn of(receipt: &'a Receipt, trust: &Trust) -> Result<Proof<'a>, CliError> {
        let checked = receipt.check(&trust.log, &trust.witnesses)?;
        let witnesses = trust.witnesses.iter().map(|witness| {
            let cosigned = checked
                .cosigned
                .iter()
                .find(|cosigned| cosigned.witness == witness.name());
            (
                witness.name().to_owned(),
                cosigned.map(|cosigned| time(cosigned.seconds)),
            )
        });
        let witnesses: Vec<_> = witnesses.collect();
        enough(&witnesses, trust.quorum)?;
        let event = event(receipt)?;
        Ok(Proof {
            actor: actor(&event, trust.actor.as_ref())?,
            simulated: checked.checkpoint.origin.ends_with(SIMULATED),
            checkpoint: checked.checkpoint,
            key_id: trust.log.id(),
            event,
            witnesses,
        })
    }

    /// The same as one JSON object.
    pub fn json(&self) -> Value {
        let event = RawValue::from_string(shilu_service::event_json(&self.event));
        let (yes, no): (Vec<_>, Vec<_>) = self.witnesses.iter().partition(|(_, time)| time.is_some());
        let yes = yes
            .iter()
            .map(|(witness, time)| json!({"witness": witness, "time": time}));
        let no = no.iter().map(|(witness, _)| witness);
        let signature = match self.actor {
            ActorSignature::None => Value::Null,
            ActorSignature::Unchecked(key) => json!({"key": format!("{key:08x}"), "checked": false}),
            ActorSignature::Checked(key) => json!({"key": format!("{key:08x}"), "checked": true}),
        };
        json!({
            "log": self.checkpoint.origin,
            "simulated": self.simulated,
            "key": format!("{:08x}", self.key_id),
            "size": self.checkpoint.size,
            "root": self.checkpoint.root.to_string(),
            "position": self.event.position.get(),
            "cosigned": yes.collect::<Vec<_>>(),
            "not_cosigned": no.collect::<Vec<_>>(),
            "actor_signature": signature,
            "event": event.ok().and_then(|event| serde_json::to_value(event).ok()),
            "not_proved": self.not_proved(),
        })
    }

    /// What the receipt leaves open, in stable words.
    fn not_proved(&self) -> Vec<&'static str> {
        let mut open = vec!["that-it-is-true", "that-it-is-the-newest"];
        if self.nobody_cosigned() {
            open.push("that-all-see-the-same-history");
        }
        if !matches!(self.actor, ActorSignature::Checked(_)) {
            open.push("that-the-actor-said-so");
        }
        open
    }

    /// Whether the operator alone stands for the history.
    pub fn nobody_cosigned(&self) -> bool {
        self.witnesses.iter().all(|(_, time)| time.is_none())
    }
}

/// A witness's time, by its own clock.
fn time(seconds: u64) -> String {
    let micros = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000));
    micros.map_or_else(
        || format!("{seconds} s"),
        |micros| Timestamp::from_micros(micros).to_string(),
    )
}

fn enough(witnesses: &[(String, Option<String>)], quorum: usize) -> Result<(), CliError> {
    let missing = witnesses.iter().filter(|(_, time)| time.is_none());
    let missing: Vec<_> = missing.map(|(witness, _)| witness.as_str()).collect();
    let found = witnesses.len().saturating_sub(missing.len());
    if found >= quorum {
        return Ok(());
    }
    Err(CliError::Refused {
        code: "QUORUM_MISSING",
        problem: format!(
            "{found} of {quorum} witnesses cosigned; not by: {}",
            missing.join(", ")
        ),
        hint: "ask for a newer receipt; if these witnesses still have not cosigned, ask them what they know of the log",
    })
}

fn event(receipt: &Receipt) -> Result<Event<'_>, CliError> {
    let event = decode_canonical(&receipt.entry).map_err(|error| CliError::Refused {
        code: "BAD_EVENT",
        problem: format!("the log holds this entry, but it is no event: {error}"),
        hint: "use a newer shilu, which may know its format",
    })?;
    if event.position.get() == receipt.index {
        return Ok(event);
    }
    Err(CliError::Refused {
        code: "POSITION_DIFFERS",
        problem: format!(
            "the log holds at position {} an event that says it is at {}",
            receipt.index,
            event.position.get()
        ),
        hint: "keep the receipt: the log signed a history that no register writes",
    })
}

/// Checks the actor's signature, if there is a key to check it with.
fn actor(event: &Event<'_>, key: Option<&VerifierKey>) -> Result<ActorSignature, CliError> {
    let Some(key) = key else {
        return Ok(event.signature.map_or(ActorSignature::None, |signature| {
            ActorSignature::Unchecked(signature.key_id)
        }));
    };
    let refused = |code, problem, hint| Err(CliError::Refused { code, problem, hint });
    let (Some(signature), Some(form)) = (event.signature, signed_form(event)) else {
        let problem = format!("{} did not sign this event", event.actor);
        return refused(
            "SIGNATURE_MISSING",
            problem,
            "leave --actor-key out to check the rest",
        );
    };
    if key.name() != event.actor || key.id() != signature.key_id {
        let problem = format!(
            "the event names the key {:08x} of {}, and --actor-key is {:08x} of {}",
            signature.key_id,
            event.actor,
            key.id(),
            key.name()
        );
        return refused("UNKNOWN_KEY", problem, "give the key that the event names");
    }
    if key.verifies(form.as_bytes(), signature.bytes) {
        Ok(ActorSignature::Checked(key.id()))
    } else {
        let problem = format!(
            "the signature is not one by the key {:08x} of {} over {form}",
            key.id(),
            event.actor
        );
        refused(
            "BAD_SIGNATURE",
            problem,
            "keep the receipt: the log took in somebody's name what was not signed",
        )
    }
}
