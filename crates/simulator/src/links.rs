//! What the register can be pointed at: a device offers only records that are there when it uploads, so a reference to
//! something that a colleague has not uploaded yet, or that was found to be a mistake, is left out.

use std::collections::BTreeSet;

use shilu_model::{Command, Deed, OwnedValue};

/// The records that somebody collected and that are not void, by name.
#[derive(Default)]
pub struct Links(BTreeSet<String>);

impl Links {
    /// The list as it is uploaded, with the references that can be made; a correction of nothing else is none.
    pub fn made(&mut self, list: Vec<Command>) -> Vec<Command> {
        let made = list.into_iter().filter_map(|mut command| {
            match &mut command.deed {
                Deed::Collect(fields) => {
                    fields.retain(|(_, value)| self.can_be(value.as_ref()));
                    self.0.insert(command.record.as_str().to_owned());
                }
                Deed::Correct(corrections) => {
                    corrections.retain(|correction| self.can_be(correction.after.as_ref()));
                    if corrections.is_empty() {
                        return None;
                    }
                }
                Deed::Deregister(reason) if reason.borrow().voids() => {
                    self.0.remove(command.record.as_str());
                }
                _ => {}
            }
            Some(command)
        });
        made.collect()
    }

    fn can_be(&self, value: Option<&OwnedValue>) -> bool {
        match value {
            Some(OwnedValue::Reference(name)) => self.0.contains(name),
            _ => true,
        }
    }
}
