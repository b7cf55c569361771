//! A proof in words, in both languages: the event, what is proved, and what is not.

use shilu_model::{Action, Because, Event, Source, Value};

use super::proof::{ActorSignature, Proof};
use crate::{
    error::printable,
    messages::{Language, Text},
};

/// The lines for a person.
pub fn lines(proof: &Proof<'_>, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    if proof.simulated {
        lines.push(format!("!!! {} !!!", language.say(Text::Simulated)));
        lines.push(String::new());
    }
    lines.push(deed(&proof.event, language));
    lines.extend(facts(proof, language).into_iter().map(|(word, fact)| {
        let colon = if language == Language::Zh { "：" } else { ": " };
        format!("  {word}{colon}{fact}")
    }));
    for (title, sentences) in [
        (Text::Proved, proved(proof, language)),
        (Text::NotProved, open(proof, language)),
    ] {
        lines.push(String::new());
        lines.push(language.say(title).to_owned());
        lines.extend(sentences.into_iter().map(|sentence| format!("  - {sentence}")));
    }
    // Every text of the event is somebody else's.
    lines.iter().map(|line| printable(line)).collect()
}

/// Who did what to which record.
fn deed(event: &Event<'_>, language: Language) -> String {
    let record = if event.is_administrative() {
        language.say(Text::TheRegister).to_owned()
    } else {
        format!("{}/{}", event.kind, event.key)
    };
    match language {
        Language::En => format!("{} {} {record}", event.actor, past(event.action)),
        Language::Zh => format!(
            "{} 对 {record} 进行了{}",
            event.actor,
            language.word(event.action.word())
        ),
    }
}

const fn past(action: Action) -> &'static str {
    match action {
        Action::Collect => "collected",
        Action::Correct => "corrected",
        Action::Register => "registered",
        Action::Deregister => "deregistered",
        Action::Verify => "verified",
        Action::Configure => "configured",
        Action::Appoint => "appointed",
        Action::Dismiss => "dismissed",
        Action::Erase => "erased",
    }
}

/// The rest of the event, a word and a fact per line.
fn facts(proof: &Proof<'_>, language: Language) -> Vec<(String, String)> {
    let event = &proof.event;
    let mut facts = Vec::new();
    let mut add = |word: Text, fact: Option<String>| {
        facts.extend(fact.map(|fact| (language.say(word).to_owned(), fact)));
    };
    add(Text::Recorded, Some(event.recorded.to_string()));
    add(Text::Effective, Some(event.effective.to_string()));
    for change in &event.changes {
        add(Text::Field, Some(change_line(change, language)));
    }
    add(
        Text::Outcome,
        event
            .outcome
            .map(|outcome| language.word(outcome.word()).to_owned()),
    );
    for seen in &event.observed {
        let value = value(seen.value, language);
        add(
            Text::Observed,
            Some(format!(
                "{} {value} ({})",
                seen.field,
                language.word(seen.verdict.word())
            )),
        );
    }
    add(Text::Because, event.because.map(because));
    add(Text::Reason, event.reason.map(str::to_owned));
    add(Text::Source, Some(source(event.source, language)));
    add(Text::Device, event.device.map(str::to_owned));
    add(Text::CausedBy, event.cause.map(|cause| cause.to_string()));
    add(Text::EventId, Some(event.id.to_string()));
    add(Text::Signature, Some(signature(proof, language)));
    facts
}

fn change_line(change: &shilu_model::Change<'_>, language: Language) -> String {
    let after = value(change.after, language);
    if change.sets() {
        format!("{} {} → {after}", change.field, value(change.before, language))
    } else {
        format!("{} {after}", change.field)
    }
}

fn value(value: Option<Value<'_>>, language: Language) -> String {
    value.map_or_else(
        || language.say(Text::NoValue).to_owned(),
        |value| value.to_string(),
    )
}

fn because(because: Because<'_>) -> String {
    match because {
        Because::DuplicateOf(record) => format!("{} {record}", because.word()),
        plain => plain.word().to_owned(),
    }
}

fn source(source: Source<'_>, language: Language) -> String {
    match source {
        Source::Field => language.say(Text::FieldVisit).to_owned(),
        Source::System => language.say(Text::TheRegister).to_owned(),
        Source::Import { sha256, file, row } => {
            let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            match language {
                Language::En => format!("row {row} of {file}, SHA-256 {sha256}"),
                Language::Zh => format!("{file} 第 {row} 行，SHA-256 {sha256}"),
            }
        }
    }
}

fn signature(proof: &Proof<'_>, language: Language) -> String {
    let actor = proof.event.actor;
    match (proof.actor, language) {
        (ActorSignature::None, Language::En) => "none by the actor".to_owned(),
        (ActorSignature::None, Language::Zh) => "人员未签名".to_owned(),
        (ActorSignature::Unchecked(key), Language::En) => {
            format!("signed by key id {key:08x} of actor {actor}; checked only with --actor-key VKEY")
        }
        (ActorSignature::Unchecked(key), Language::Zh) => {
            format!("由人员 {actor} 的密钥 {key:08x} 签名；仅在给出 --actor-key VKEY 时核验")
        }
        (ActorSignature::Checked(key), Language::En) => {
            format!("signed by key id {key:08x} of actor {actor}; checked")
        }
        (ActorSignature::Checked(key), Language::Zh) => {
            format!("由人员 {actor} 的密钥 {key:08x} 签名；已核验")
        }
    }
}

fn proved(proof: &Proof<'_>, language: Language) -> Vec<String> {
    let (origin, size) = (&proof.checkpoint.origin, proof.checkpoint.size);
    let (key, position) = (proof.key_id, proof.event.position.get());
    let mut sentences = vec![match language {
        Language::En => format!(
            "The log {origin}, at size {size}, signed by its key {key:08x}, contains this event at position {position}."
        ),
        Language::Zh => {
            format!(
                "日志 {origin} 在大小为 {size} 时（由其密钥 {key:08x} 签名），在位次 {position} 处含有此事件。"
            )
        }
    }];
    for (witness, time) in &proof.witnesses {
        sentences.extend(time.as_ref().map(|time| match language {
            Language::En => format!("Cosigned by {witness} at {time}, by its own clock."),
            Language::Zh => format!("由见证人 {witness} 于 {time}（按其自身时钟）连署。"),
        }));
    }
    if let ActorSignature::Checked(key) = proof.actor {
        let actor = proof.event.actor;
        sentences.push(match language {
            Language::En => format!("The key {key:08x} of {actor} signed what this event says."),
            Language::Zh => format!("{actor} 的密钥 {key:08x} 签署了此事件的内容。"),
        });
    }
    sentences
}

fn open(proof: &Proof<'_>, language: Language) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut add = |text| sentences.push(language.say(text).to_owned());
    add(Text::NotProvedTruth);
    add(Text::NotProvedNewest);
    if !matches!(proof.actor, ActorSignature::Checked(_)) {
        add(Text::NotProvedActor);
    }
    if proof.witnesses.is_empty() {
        add(Text::NoWitnessNamed);
    } else if proof.nobody_cosigned() {
        add(Text::NoWitnessCosigned);
    }
    for (witness, _) in proof.witnesses.iter().filter(|(_, time)| time.is_none()) {
        sentences.push(match language {
            Language::En => format!("Not cosigned by {witness}."),
            Language::Zh => format!("见证人 {witness} 未连署。"),
        });
    }
    sentences
}
