//! Rows that contradict the others of their table.

use std::collections::BTreeMap;

use super::super::cell::{self, PeerText};
use super::super::heads::{Form, Role};
use super::super::names::{Meaning, key};
use super::entries::{cell_of, comment};
use super::{Builder, Found};

/// Why a row is only tolerated, and who else may be meant.
pub(super) struct Review {
    pub(super) usual: Vec<Meaning>,
    pub(super) why: String,
}

impl Builder<'_> {
    /// Rows of one description whose peers are the same but for one row: that one contradicts itself or the others, and is tolerated in
    /// both readings until somebody looks at it.
    pub(super) fn odd_ones_out(
        &self,
        found: &Found<'_>,
        subjects: &[Option<usize>],
    ) -> BTreeMap<usize, Review> {
        let mut odd = BTreeMap::new();
        if found.form != Form::Incoming {
            return odd;
        }
        let mut alike: BTreeMap<String, Vec<(usize, Vec<Meaning>)>> = BTreeMap::new();
        for (index, row) in found.table.rows.iter().enumerate() {
            let (Some(said), Some(cell)) =
                (comment(found, row), cell_of(row, &found.roles, Role::From))
            else {
                continue;
            };
            let meant: Vec<Meaning> = cell::peers(&cell.text)
                .0
                .iter()
                .filter_map(|peer| match peer {
                    PeerText::Name(name) => {
                        self.names.meaning(name, subjects[index], self.others).ok()
                    }
                    PeerText::Block(_) => None,
                })
                .collect();
            alike.entry(key(&said)).or_default().push((index, meant));
        }
        for rows in alike.values().filter(|rows| rows.len() >= 4) {
            let mut counts: Vec<(&Vec<Meaning>, Vec<usize>)> = Vec::new();
            for (index, meant) in rows {
                match counts.iter_mut().find(|(known, _)| *known == meant) {
                    Some((_, rows)) => rows.push(*index),
                    None => counts.push((meant, vec![*index])),
                }
            }
            counts.sort_by_key(|(_, rows)| rows.len());
            if let [(_, one), (usual, _)] = counts.as_slice()
                && let [index] = one.as_slice()
            {
                let row = &found.table.rows[*index];
                let said = comment(found, row).unwrap_or_default();
                odd.insert(
                    *index,
                    Review {
                        usual: (*usual).clone(),
                        why: format!("every other row described as \"{said}\" names somebody else"),
                    },
                );
            }
        }
        odd
    }
}
