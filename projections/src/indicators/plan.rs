//! The plan: a campaign's indicators with what their evaluation needs to know beforehand: which fields to read, which to
//! look up backwards, and which records an event on a kind may move.

use std::{collections::BTreeSet, sync::Arc};

use rustc_hash::FxHashMap;
use shilu_model::{
    Action, Campaign, Condition, EXTRACT_KIND, EXTRACT_SYSTEM, EXTRACT_THEIRS, FRAME_EXPECTED, FRAME_KIND,
    FRAME_WHAT, Frame, Indicator, ListFrame, Measure, Needed, Number, Part, Path, Population, Property, Side,
    Test, Touched,
};

use super::links::Link;
use crate::{
    names::{Name, Names},
    records::Wanted,
};

/// A campaign's indicators, prepared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// The indicators that are kept by day.
    pub indicators: Vec<Planned>,
    /// Per kind: what an event on one of its records may move.
    pub roles: FxHashMap<Name, Vec<Role>>,
    /// Per kind: the fields that an evaluation reads.
    pub wanted: FxHashMap<Name, Vec<Name>>,
    /// Per kind: the fields that are looked up backwards.
    pub links: FxHashMap<Name, Vec<Name>>,
    /// Whether an evaluation reads every field.
    everything: bool,
    /// Every name that the evaluation looks things up by.
    kinds: FxHashMap<String, Name>,
}

/// One indicator.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Under which its series are kept.
    pub name: Name,
    /// What it measures.
    pub indicator: Arc<Indicator>,
    /// For how many days an event on one of its records counts, for each kind of window that it has.
    pub windows: Vec<u32>,
}

/// What an event on a record of a kind may move.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Role {
    /// Which indicator.
    pub indicator: usize,
    /// How the event's record leads to records in scope.
    pub leads: Leads,
    /// How a record in scope leads to cases.
    pub cases: Cases,
    /// Which events matter.
    pub trigger: Trigger,
}

/// How an event's record leads to records of an indicator's population.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leads {
    /// It is one.
    Own,
    /// They refer to it.
    Referrers(Link),
    /// It refers to them, by this field, and they are of this kind.
    Targets { field: Name, kind: Name },
}

/// How a record leads to cases.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cases {
    /// It is one.
    Itself,
    /// The rows of a list that name it are: by its key or by a field.
    Rows { by: Option<Name>, rows: Link },
    /// The value of a field is one.
    Value(Name),
    /// Its key is one.
    Key,
    /// The values are, that the records which it refers to by the first field have in the second; without a second,
    /// their keys.
    Beyond(Name, Option<Name>),
}

/// Which events on a record matter, beside those that change whether it is live or who collected it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trigger {
    /// Those that set one of these.
    pub fields: Vec<Name>,
    /// Those of these actions, whatever they set.
    pub actions: Vec<Action>,
    /// Those that say where the thing is, whatever else they do.
    pub sites: bool,
}

impl Plan {
    /// Prepares the indicators of a campaign that are kept by day: accuracy and rosters follow from draws.
    pub fn new(campaign: &Campaign, names: &mut Names) -> Self {
        let mut plan = Plan::default();
        for kind in &campaign.kinds {
            let name = names.intern(&kind.id);
            plan.kinds.insert(kind.id.clone(), name);
        }
        for indicator in &campaign.indicators {
            if matches!(
                indicator.measure,
                Measure::Accuracy { .. } | Measure::Roster { .. }
            ) {
                continue;
            }
            let place = plan.indicators.len();
            let windows = windows_of(&indicator.measure);
            plan.indicators.push(Planned {
                name: names.intern(&indicator.id),
                indicator: Arc::new(indicator.clone()),
                windows,
            });
            let mut making = Making {
                plan: &mut plan,
                campaign,
                names,
                indicator: place,
            };
            making.measure(&indicator.measure);
        }
        // Frames are noted also while no indicator asks for them: one that is added later has their whole past.
        for (kind, field) in [(FRAME_KIND, FRAME_WHAT), (EXTRACT_KIND, EXTRACT_SYSTEM)] {
            if let Some(kind) = plan.kind(kind) {
                plan.wanted.entry(kind).or_default().push(names.intern(field));
            }
        }
        for kind in &campaign.kinds {
            if let Some(wanted) = plan
                .kinds
                .get(&kind.id)
                .and_then(|name| plan.wanted.get_mut(name))
            {
                wanted.extend(kind.area.as_deref().map(|area| names.intern(area)));
                wanted.sort_unstable();
                wanted.dedup();
            }
        }
        plan
    }

    /// Reads every field of every kind, and keeps nothing: for questions that no kept indicator asks.
    pub fn of_everything(campaign: &Campaign, names: &Names) -> Self {
        let kinds = campaign.kinds.iter();
        let kinds = kinds.filter_map(|kind| Some((kind.id.clone(), names.find(&kind.id)?)));
        Plan {
            everything: true,
            kinds: kinds.collect(),
            ..Plan::default()
        }
    }

    /// The number of a kind's name.
    pub fn kind(&self, id: &str) -> Option<Name> {
        self.kinds.get(id).copied()
    }

    /// The fields of a kind that are read.
    pub fn wanted(&self, kind: Name) -> Wanted<'_> {
        match self.everything {
            true => Wanted::All,
            false => Wanted::These(self.wanted.get(&kind).map_or(&[], Vec::as_slice)),
        }
    }
}

fn windows_of(measure: &Measure) -> Vec<u32> {
    let windows: BTreeSet<u32> = match measure {
        Measure::Share { property, .. } => {
            let referred = property
                .referred
                .as_ref()
                .and_then(|referred| referred.touched.as_ref());
            let touched = property.touched.iter().chain(referred);
            touched.map(|touched| touched.days).collect()
        }
        Measure::Sum { latest, .. } => latest.iter().map(|latest| latest.days).collect(),
        _ => BTreeSet::new(),
    };
    windows.into_iter().collect()
}

/// A plan in the making, at one indicator.
struct Making<'a> {
    plan: &'a mut Plan,
    campaign: &'a Campaign,
    names: &'a mut Names,
    indicator: usize,
}

impl Making<'_> {
    fn measure(&mut self, measure: &Measure) {
        match measure {
            Measure::Collected { of, frame } => match frame {
                Frame::Count { .. } => {
                    self.population(of, None, &Cases::Itself);
                    self.expected(FRAME_KIND, [FRAME_WHAT, FRAME_EXPECTED]);
                }
                Frame::List(list) => self.listed(of, None, list),
            },
            Measure::Share {
                of,
                list: None,
                property,
            } => {
                self.population(of, Some(property), &Cases::Itself);
            }
            Measure::Share {
                of,
                list: Some(list),
                property,
            } => self.listed(of, Some(property), list),
            Measure::Sum {
                of,
                numerator,
                denominator,
                latest,
            } => {
                let cases = match latest {
                    Some(latest) => {
                        self.link(&of.kind, &latest.per);
                        Cases::Value(self.names.intern(&latest.per))
                    }
                    None => Cases::Itself,
                };
                self.population(of, None, &cases);
                self.role(&of.kind, Leads::Own, cases, &[numerator, denominator], &[]);
            }
            Measure::Agree { left, right } => {
                self.side(left);
                self.side(right);
            }
            Measure::Accuracy { .. } | Measure::Roster { .. } => {}
        }
    }

    /// Rows are the cases; records in scope lead to them.
    fn listed(&mut self, of: &Population, property: Option<&Property>, list: &ListFrame) {
        self.link(EXTRACT_KIND, EXTRACT_THEIRS);
        let rows = Link {
            kind: self.names.intern(EXTRACT_KIND),
            field: self.names.intern(EXTRACT_THEIRS),
        };
        let by = match &list.by {
            Part::Key => None,
            Part::Field(field) => {
                self.link(&of.kind, field);
                self.read(&of.kind, field);
                Some(self.names.intern(field))
            }
        };
        let cases = Cases::Rows { by, rows };
        self.population(of, property, &cases);
        if let Part::Field(field) = &list.by {
            self.role(&of.kind, Leads::Own, cases, &[field], &[]);
        }
        self.expected(EXTRACT_KIND, [EXTRACT_SYSTEM, EXTRACT_THEIRS]);
    }

    /// What ought to be there: frames, or rows of a list.
    fn expected(&mut self, kind: &str, fields: [&str; 2]) {
        self.role(kind, Leads::Own, Cases::Itself, &fields, &[]);
        self.placed(kind, &Cases::Itself);
    }

    /// Wherever a record moves, its cases move too.
    fn placed(&mut self, kind: &str, cases: &Cases) {
        let area = self.campaign.kind(kind).and_then(|kind| kind.area.as_deref());
        self.role(kind, Leads::Own, cases.clone(), area.as_slice(), &[]);
    }

    fn side(&mut self, side: &Side) {
        let cases = match (&side.key.via, &side.key.part) {
            (None, Part::Key) => Cases::Key,
            (None, Part::Field(field)) => {
                self.link(&side.of.kind, field);
                Cases::Value(self.names.intern(field))
            }
            (Some(hop), part) => {
                let beyond = match part {
                    Part::Key => None,
                    Part::Field(field) => {
                        for kind in &hop.kinds {
                            self.link(kind, field);
                        }
                        Some(self.names.intern(field))
                    }
                };
                Cases::Beyond(self.names.intern(&hop.field), beyond)
            }
        };
        self.population(&side.of, None, &cases);
        self.path(&side.of.kind, &side.key, &cases);
        self.path(&side.of.kind, &side.value, &cases);
    }

    fn population(&mut self, of: &Population, property: Option<&Property>, cases: &Cases) {
        self.placed(&of.kind, cases);
        self.conditions(&of.kind, &of.conditions, cases);
        let Some(property) = property else { return };
        self.conditions(&of.kind, &property.having, cases);
        let complete: Vec<&str> = property.complete.iter().map(String::as_str).collect();
        self.role(&of.kind, Leads::Own, cases.clone(), &complete, &[]);
        self.touching(&of.kind, Leads::Own, cases, property.touched.as_ref());
        if let Some(referred) = &property.referred {
            let (Needed::Exactly(needed) | Needed::AtLeast(needed)) = &referred.needed;
            if let Number::Field(field) = needed {
                self.role(&of.kind, Leads::Own, cases.clone(), &[field], &[]);
            }
            self.link(&referred.kind, &referred.field);
            let leads = Leads::Targets {
                field: self.names.intern(&referred.field),
                kind: self.names.intern(&of.kind),
            };
            let mut fields = vec![referred.field.as_str()];
            for condition in &referred.conditions {
                if let Part::Field(field) = &condition.path.part {
                    fields.push(field);
                }
            }
            self.role(&referred.kind, leads.clone(), cases.clone(), &fields, &[]);
            let touched = referred.touched.as_ref();
            self.touching(&referred.kind, leads, cases, touched);
            if touched.is_some_and(|touched| touched.on_site) {
                let role = self.role(&of.kind, Leads::Own, cases.clone(), &[], &[]);
                role.trigger.sites = true;
            }
        }
    }

    fn conditions(&mut self, kind: &str, conditions: &[Condition], cases: &Cases) {
        for condition in conditions {
            self.path(kind, &condition.path, cases);
            // A campaign asks this of the record's own references only.
            if let (Test::Live { kinds }, Part::Field(field)) = (&condition.test, &condition.path.part) {
                self.hop(kind, field, kinds, &[], cases);
            }
        }
    }

    fn path(&mut self, kind: &str, path: &Path, cases: &Cases) {
        let fields: Vec<&str> = match &path.part {
            Part::Key => Vec::new(),
            Part::Field(field) => vec![field],
        };
        match &path.via {
            None => {
                self.role(kind, Leads::Own, cases.clone(), &fields, &[]);
            }
            Some(hop) => self.hop(kind, &hop.field, &hop.kinds, &fields, cases),
        }
    }

    /// Records of other kinds, one reference away.
    fn hop(&mut self, kind: &str, field: &str, kinds: &[String], fields: &[&str], cases: &Cases) {
        self.role(kind, Leads::Own, cases.clone(), &[field], &[]);
        self.link(kind, field);
        let link = Link {
            kind: self.names.intern(kind),
            field: self.names.intern(field),
        };
        for target in kinds {
            self.role(target, Leads::Referrers(link), cases.clone(), fields, &[]);
        }
    }

    fn role(
        &mut self,
        kind: &str,
        leads: Leads,
        cases: Cases,
        fields: &[&str],
        actions: &[Action],
    ) -> &mut Role {
        for field in fields {
            self.read(kind, field);
        }
        let kind = self.names.intern(kind);
        self.plan.wanted.entry(kind).or_default();
        let roles = self.plan.roles.entry(kind).or_default();
        let same =
            |role: &Role| role.indicator == self.indicator && role.leads == leads && role.cases == cases;
        let place = roles.iter().position(same).unwrap_or(roles.len());
        if place == roles.len() {
            let trigger = Trigger {
                fields: Vec::new(),
                actions: Vec::new(),
                sites: false,
            };
            roles.push(Role {
                indicator: self.indicator,
                leads,
                cases,
                trigger,
            });
        }
        let role = roles.get_mut(place).expect("it was there, or was just pushed");
        role.trigger
            .fields
            .extend(fields.iter().map(|field| self.names.intern(field)));
        role.trigger.actions.extend(actions);
        role
    }

    /// Events that count if they took place where the thing is: each that took place somewhere may tell where that is.
    fn touching(&mut self, kind: &str, leads: Leads, cases: &Cases, touched: Option<&Touched>) {
        if let Some(touched) = touched {
            let role = self.role(kind, leads, cases.clone(), &[], &touched.actions);
            role.trigger.sites |= touched.on_site;
        }
    }

    fn read(&mut self, kind: &str, field: &str) {
        let (kind, field) = (self.names.intern(kind), self.names.intern(field));
        let wanted = self.plan.wanted.entry(kind).or_default();
        if !wanted.contains(&field) {
            wanted.push(field);
        }
    }

    fn link(&mut self, kind: &str, field: &str) {
        self.read(kind, field);
        let (kind, field) = (self.names.intern(kind), self.names.intern(field));
        let links = self.plan.links.entry(kind).or_default();
        if !links.contains(&field) {
            links.push(field);
        }
    }
}
