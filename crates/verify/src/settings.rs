//! The register's own events: what they may change, and what was in force at each position. Announcements of samples,
//! which judge visits to any record, are kept beside them.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};
use shilu_merkle::{Algorithm, SignedCheckpoint, VerifierKey};
use shilu_model::{
    Announced, CAMPAIGN_BYTES_MAX, Campaign, Change, Event, EventId, Rejection, Timestamp, Value, check_name,
    check_reason, setting,
};

use crate::{
    damage::Damage, form::check_id, published::Published, report::ActorKeyChange, rules::differing_part,
};

/// What origins of simulated registers end in.
pub(crate) const SIMULATED: &str = "/simulated";

/// All that register-level events have set so far. What was in force at a position is what the last event before
/// that position set.
#[derive(Default)]
pub(crate) struct Settings {
    /// How many of these events there were.
    version: u32,
    /// What every setting holds now.
    now: BTreeMap<String, String>,
    /// The campaigns, each with the position of the event that named it.
    campaigns: Vec<(u64, Campaign)>,
    /// The log's own keys.
    keys: Vec<LogKey>,
    /// The keys of actors by the name of their setting; `None` once withdrawn.
    actor_keys: HashMap<String, Vec<(u64, Option<VerifierKey>)>>,
    /// The announcements by their ids: few, and needed wherever records are judged.
    announced: HashMap<EventId, Announced>,
    /// The same, in order, and who did it.
    pub actor_key_changes: Vec<ActorKeyChange>,
}

/// A key of the log, and how it came to be.
pub(crate) struct LogKey {
    /// The position of the event that named it.
    pub set_at: u64,
    pub key: VerifierKey,
    /// What is published as the first checkpoint after it, if the log had another key before.
    pub note: Option<Note>,
}

/// A rotation's note, or what is wrong with it.
pub(crate) type Note = Result<SignedCheckpoint, Damage>;

impl Settings {
    /// The campaign by which the event at a position was judged.
    pub fn campaign_at(&self, position: u64) -> Option<&Campaign> {
        before(&self.campaigns, position)
    }

    /// The key of an actor that was admitted, and not withdrawn, before a position.
    pub fn actor_key_at(&self, actor: &str, key_id: u32, position: u64) -> Option<&VerifierKey> {
        let keys = self.actor_keys.get(&setting::actor_key(actor, key_id))?;
        before(keys, position)?.as_ref()
    }

    /// Keeps an event on a record, if it announces a sample. Whether it says so rightly is judged with its record; an id
    /// that stands there twice is found among the claims.
    pub fn keep_announcement(&mut self, event: &Event<'_>) {
        if let Some(announced) = Announced::by(event) {
            self.announced.entry(event.id).or_insert(announced);
        }
    }

    /// The announcement of a sample with this id, wherever it stands.
    pub fn announced(&self, id: EventId) -> Option<Announced> {
        self.announced.get(&id).copied()
    }

    /// The log's keys, the newest last, as a log of `size` events names them.
    pub fn keys_at(&self, size: u64) -> impl DoubleEndedIterator<Item = &LogKey> {
        self.keys.iter().filter(move |key| key.set_at < size)
    }

    /// The size of the checkpoint that is said to vouch for the rotation at a position, if there was one.
    pub fn rotation_size(&self, position: u64) -> Option<u64> {
        let key = self.keys.last().filter(|key| key.set_at == position)?;
        Some(key.note.as_ref()?.as_ref().ok()?.unchecked().size)
    }

    /// How many campaigns were named.
    pub const fn campaigns(&self) -> usize {
        self.campaigns.len()
    }

    /// Whether the register's clock is simulated.
    pub fn is_simulated(&self) -> bool {
        self.now
            .get(setting::CLOCK)
            .is_some_and(|clock| clock == "simulated")
    }

    /// Takes the next event on the register itself. `last` is the recorded time of the event before it.
    pub fn apply(
        &mut self,
        event: &Event<'_>,
        last: Option<Timestamp>,
        published: &dyn Published,
    ) -> Result<(), Damage> {
        check_id(event)?;
        check_account(event).map_err(Damage::AgainstTheRules)?;
        self.version = self.version.saturating_add(1);
        if let Some(part) = differing_part(event, &self.expected(event)) {
            return Err(Damage::NotWhatTheRulesGive { part });
        }
        if self.version == 1 {
            check_first(event)?;
        }
        if event.changes.is_empty() {
            return Err(bad("", "it changes nothing"));
        }
        for (index, change) in event.changes.iter().enumerate() {
            let earlier = event.changes.iter().take(index);
            if earlier.into_iter().any(|other| other.field == change.field) {
                return Err(bad(change.field, "it is changed twice in one event"));
            }
            let after = match change.after {
                Some(Value::Text(text)) => Some(text),
                None => None,
                Some(_) => return Err(bad(change.field, "its value is not a text")),
            };
            if after == self.now.get(change.field).map(String::as_str) {
                return Err(bad(change.field, "it holds that already"));
            }
            self.set(change.field, after, event.position.get(), last, published)?;
            self.note_actor_key(event, change.field, after);
            match after {
                Some(text) => self.now.insert(change.field.to_owned(), text.to_owned()),
                None => self.now.remove(change.field),
            };
        }
        Ok(())
    }

    /// The event as the engine makes it from its stated parts.
    fn expected<'e>(&'e self, event: &Event<'e>) -> Event<'e> {
        let in_force = |change: &Change<'e>| Change {
            before: self.now.get(change.field).map(|text| Value::Text(text)),
            before_stated: false,
            ..*change
        };
        let changes = event.changes.iter().map(in_force).collect();
        let (position, id, recorded) = (event.position, event.id, event.recorded);
        Event::on_register(
            position,
            id,
            recorded,
            self.version,
            event.actor,
            event.reason,
            changes,
        )
    }

    fn set(
        &mut self,
        name: &str,
        after: Option<&str>,
        position: u64,
        last: Option<Timestamp>,
        published: &dyn Published,
    ) -> Result<(), Damage> {
        let begins = position == 0;
        match (name, after) {
            (setting::CLOCK | setting::ORIGIN, Some(_)) if begins => Ok(()),
            (setting::CLOCK | setting::ORIGIN, _) => Err(bad(name, "the first event fixed it for ever")),
            (setting::KEY, Some(vkey)) => self.set_key(vkey, position, published),
            (setting::CAMPAIGN, Some(hash)) => {
                let campaign = self.campaign(hash, published)?;
                if let Some((_, before)) = self.campaigns.last() {
                    campaign.check_change(before).map_err(Damage::CampaignChange)?;
                }
                self.campaigns.push((position, campaign));
                Ok(())
            }
            (setting::CLOCK_ACCEPTED, Some(time)) => {
                let is_last = last.is_some_and(|last| last.to_string() == time);
                let problem = "it is not the recorded time of the event before";
                is_last.then_some(()).ok_or_else(|| bad(name, problem))
            }
            _ if name.starts_with(setting::ACTOR_KEY) => self.set_actor_key(name, after, position),
            _ => Err(bad(name, "there is no such setting")),
        }
    }

    fn set_key(&mut self, vkey: &str, position: u64, published: &dyn Published) -> Result<(), Damage> {
        let key = read_key(setting::KEY, vkey)?;
        if Some(key.name()) != self.now.get(setting::ORIGIN).map(String::as_str) {
            return Err(bad(setting::KEY, "its name is not the log's"));
        }
        let note = (position > 0).then(|| read_note(position, published));
        self.keys.push(LogKey {
            set_at: position,
            key,
            note,
        });
        Ok(())
    }

    fn set_actor_key(&mut self, name: &str, after: Option<&str>, position: u64) -> Result<(), Damage> {
        let key = after.map(|vkey| read_key(name, vkey)).transpose()?;
        if let Some(key) = &key
            && setting::actor_key(key.name(), key.id()) != name
        {
            return Err(bad(name, "the key is another one than the setting names"));
        }
        if key.is_none() && !self.now.contains_key(name) {
            return Err(bad(name, "a key is withdrawn that is not in force"));
        }
        let history = self.actor_keys.entry(name.to_owned()).or_default();
        history.push((position, key));
        Ok(())
    }

    /// Notes that a key was admitted, or the one in force until now withdrawn. [`Settings::set`] has checked it.
    fn note_actor_key(&mut self, event: &Event<'_>, name: &str, after: Option<&str>) {
        if !name.starts_with(setting::ACTOR_KEY) {
            return;
        }
        let vkey = after.or(self.now.get(name).map(String::as_str));
        let key = vkey.and_then(|vkey| VerifierKey::parse(vkey).ok());
        self.actor_key_changes.extend(key.map(|key| ActorKeyChange {
            position: event.position.get(),
            key,
            admitted: after.is_some(),
            by: event.actor.to_owned(),
            recorded: event.recorded,
        }));
    }

    /// The campaign that a hash names: of the same origin, and exactly these bytes.
    fn campaign(&self, hash: &str, published: &dyn Published) -> Result<Campaign, Damage> {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hash {
            // Else the register would choose what the auditor reads.
            return Err(bad(setting::CAMPAIGN, "it is not a SHA-256 in hexadecimal"));
        }
        let file = format!("attachments/{hash}");
        let Some(bytes) = published.read(&file)? else {
            return Err(Damage::CampaignMissing { file });
        };
        let changed = |problem| Damage::CampaignChanged {
            file: file.clone(),
            problem,
        };
        if bytes.len() > CAMPAIGN_BYTES_MAX {
            return Err(changed("it is larger than any campaign"));
        }
        let sha256 = Sha256::digest(&bytes);
        let found: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        if found != hash {
            return Err(changed("it has another SHA-256"));
        }
        let text = String::from_utf8(bytes).map_err(|_| changed("it is not a text"))?;
        let campaign = Campaign::parse(&text).map_err(|_| changed("it makes no sense as a campaign"))?;
        let end = if self.is_simulated() { SIMULATED } else { "" };
        let origin = format!("{}{end}", campaign.origin);
        if self.now.get(setting::ORIGIN) == Some(&origin) {
            Ok(campaign)
        } else {
            Err(bad(setting::CAMPAIGN, "it is of another origin than the log"))
        }
    }
}

/// Power over the register is accounted for like any work: by whom, and why.
fn check_account(event: &Event<'_>) -> Result<(), Rejection> {
    check_name("actor", event.actor)?;
    check_reason(event.reason.ok_or(Rejection::ReasonMissing)?)
}

/// The last of a history that was set before a position.
fn before<T>(history: &[(u64, T)], position: u64) -> Option<&T> {
    let last = history.iter().rev().find(|(set_at, _)| *set_at < position)?;
    Some(&last.1)
}

/// The first event fixes the clock, the origin, the key and the campaign, and nothing else, in this order.
fn check_first(event: &Event<'_>) -> Result<(), Damage> {
    let [clock, origin, key, campaign] = event.changes.as_slice() else {
        let problem = "it does not set clock, origin, key and campaign, and nothing else";
        return Err(Damage::BadFirstEvent { problem });
    };
    let names = [clock, origin, key, campaign].map(|change| change.field);
    if names != [setting::CLOCK, setting::ORIGIN, setting::KEY, setting::CAMPAIGN] {
        let problem = "it does not set clock, origin, key and campaign, in this order";
        return Err(Damage::BadFirstEvent { problem });
    }
    let ends_simulated = matches!(origin.after, Some(Value::Text(origin)) if origin.ends_with(SIMULATED));
    match clock.after {
        Some(Value::Text("real")) if !ends_simulated => Ok(()),
        Some(Value::Text("simulated")) if ends_simulated => Ok(()),
        Some(Value::Text("real" | "simulated")) => Err(Damage::BadFirstEvent {
            problem: "an origin ends in /simulated where the clock is, and only there",
        }),
        _ => Err(Damage::BadFirstEvent {
            problem: "its clock is neither real nor simulated",
        }),
    }
}

fn read_key(name: &str, vkey: &str) -> Result<VerifierKey, Damage> {
    // A vkey that is read prints as the same text.
    VerifierKey::parse_as(vkey, Algorithm::Ed25519)
        .map_err(|_| bad(name, "it is not a public key of Ed25519"))
}

fn read_note(position: u64, published: &dyn Published) -> Note {
    let file = format!("rotation/{position}");
    match published.read(&file)? {
        Some(bytes) => SignedCheckpoint::parse(&bytes).map_err(|source| Damage::Evidence { file, source }),
        None => Err(Damage::KeyNotVouched {
            problem: "the first checkpoint after the rotation is not published",
        }),
    }
}

fn bad(setting: &str, problem: &'static str) -> Damage {
    Damage::BadSetting {
        setting: setting.to_owned(),
        problem,
    }
}
