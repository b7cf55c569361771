//! The command behind an event gives the same event again, in every register.

use proptest::prelude::*;

use super::*;
use crate::event::Outcome;
use crate::testing::{any, commands::*, register::*};

/// Offers the command behind each event to a second register, at the time of the first.
fn replayed(register: &Register) -> Register {
    let mut again = Register::empty();
    for event in register.events() {
        let command = Command::behind(&event).expect("it came of a command");
        again.now = event.recorded;
        again.takes(command);
    }
    again
}

#[test]
fn every_action_comes_back_with_all_that_was_stated() {
    let mut first = Register::with_mill();
    let target = collect_mill().on("dwelling/2").since(11);
    let mut full = correct_from("rooms", int(3), int(4))
        .since(20)
        .expecting(1)
        .caused_by(event_id(0));
    full.id = Some(event_id(200));
    full.device = Some("平板三号".to_owned());
    full.signature = Some(CommandSignature {
        key_id: 0xfeed_beef,
        bytes: [7; 64],
    });
    let of_origin = correct(&[("area", text("south"))]).since_origin();
    let check = verify(Outcome::Present)
        .seeing(&[("rooms", int(4)), ("built", None)])
        .not_seeing("name");
    let absent = verify(Outcome::Unregistered).on("dwelling/9").in_area("south");
    let own = [
        target,
        full,
        of_origin,
        register().since(30),
        check,
        absent,
        duplicate_of("dwelling/2"),
    ];
    for command in own {
        let event = first.takes(command.clone());
        assert_eq!(Command::behind(&event), Some(command));
    }
    assert_eq!(replayed(&first).events(), first.events());
}

#[test]
fn what_no_command_becomes_has_none_behind_it() {
    let mut register = Register::with_mill();
    let event = register.takes(deregister(Because::Erroneous));
    assert!(Command::behind(&event).is_some());
    let none = |event: Event<'_>| assert_eq!(Command::behind(&event), None);
    for action in [Action::Configure, Action::Appoint, Action::Dismiss, Action::Erase] {
        none(Event {
            action,
            ..event.clone()
        });
    }
    none(Event {
        source: Source::System,
        ..event.clone()
    });
    none(Event {
        because: None,
        ..event.clone()
    });
    none(Event {
        because: Some(Because::DuplicateOf("nothing")),
        ..event.clone()
    });
    none(Event {
        kind: "",
        key: "",
        ..event.clone()
    });
    none(Event {
        action: Action::Verify,
        outcome: None,
        ..event.clone()
    });
    let both = Stated::default()
        .with(Stated::EFFECTIVE, true)
        .with(Stated::ORIGIN, true);
    none(Event {
        stated: both,
        ..event.clone()
    });
    let signature = Some(crate::event::Signature {
        key_id: 7,
        bytes: &[7; 63],
    });
    none(Event { signature, ..event });
}

proptest! {
    #[test]
    fn a_register_decided_again_is_the_same(register in registers()) {
        let again = replayed(&register);
        prop_assert_eq!(again.events(), register.events());
    }

    #[test]
    fn no_event_panics(event in any::event()) {
        let _ = Command::behind(&event);
    }
}
