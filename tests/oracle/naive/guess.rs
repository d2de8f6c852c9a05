//! What is not known is guessed, every way it may be.
//!
//! A reading that comes to something unknown asks for a pick, and is run again and again until every combination of picks has
//! been made. No cleverness: the worlds are small.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Direction, Kind, Tier};

/// Something that is one way or another, in one cluster at one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    BlocksMatchPods,
    BlocksMatchNodes,
    OwnNodeEgress,
    InitContainerPorts,
    SelectorsMatchHostNetwork,
    BaselineEndsForBoth,
    EmptyPeerCloses,
    /// Whether the enforcer acts on policies of this kind.
    InForce(Kind),
    /// Whether a pod of unknown node runs on this one.
    RunsOn {
        pod: usize,
        node: usize,
    },
    /// What a namespace has for a label that may not be read.
    Label {
        namespace: usize,
        key: String,
    },
    /// Which of the policies of one tier and priority comes first.
    Order {
        tier: Tier,
        priority: u16,
    },
    /// Whether a name has this address.
    Resolves {
        name: String,
        address: IpAddr,
    },
    /// What unseen policies do to this connection.
    HiddenPolicies {
        direction: Direction,
    },
    HiddenTier {
        kind: Kind,
        tier: Tier,
        direction: Direction,
    },
    Foreign {
        direction: Direction,
        gate: bool,
    },
}

/// The picks of one run, and which runs are still to come.
pub(crate) struct Guesses {
    /// Whether a fact stays what it was picked to be for the whole run.
    remembers: bool,
    /// Each pick made, and how many ways there were.
    picks: Vec<(usize, usize)>,
    next: usize,
    remembered: BTreeMap<Fact, usize>,
}

impl Guesses {
    pub(crate) fn sharp() -> Self {
        Self::new(true)
    }

    pub(crate) fn loose() -> Self {
        Self::new(false)
    }

    fn new(remembers: bool) -> Self {
        Self {
            remembers,
            picks: Vec::new(),
            next: 0,
            remembered: BTreeMap::new(),
        }
    }

    /// Whether anything had to be guessed in the run that just ended.
    pub(crate) fn were_made(&self) -> bool {
        !self.picks.is_empty()
    }

    /// Counts as a guess, though nothing hangs on it at its sharpest.
    pub(crate) fn note(&mut self) {
        if self.next == self.picks.len() {
            self.picks.push((0, 1));
        }
        self.next += 1;
    }

    pub(crate) fn are_sharp(&self) -> bool {
        self.remembers
    }

    /// One of so many ways.
    pub(crate) fn pick(&mut self, fact: Fact, ways: usize) -> usize {
        if self.remembers
            && let Some(known) = self.remembered.get(&fact)
        {
            return *known;
        }
        if self.next == self.picks.len() {
            self.picks.push((0, ways));
        }
        let picked = self.picks[self.next].0;
        self.next += 1;
        if self.remembers {
            self.remembered.insert(fact, picked);
        }
        picked
    }

    pub(crate) fn whether(&mut self, fact: Fact) -> bool {
        self.pick(fact, 2) == 1
    }

    /// Moves on to the next combination; `false` when all have been run.
    pub(crate) fn advance(&mut self) -> bool {
        self.next = 0;
        self.remembered.clear();
        while let Some((picked, ways)) = self.picks.pop() {
            if picked + 1 < ways {
                self.picks.push((picked + 1, ways));
                return true;
            }
        }
        false
    }
}
