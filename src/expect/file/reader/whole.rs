//! What only the whole file shows: what builds on what, and what contradicts itself.

use crate::model::PortSet;
use crate::text::tame;

use super::super::short::PortWord;
use super::super::{Content, Environment, Expectations};
use super::Reader;

impl Reader {
    /// What only the whole file shows: names given twice, environments that build on each other, and contradictions.
    pub(super) fn check(&mut self, read: &Expectations) {
        let names: Vec<&str> = read.environments.iter().map(|e| e.name.as_str()).collect();
        for env in &read.environments {
            let path = format!("environments.{}", env.name);
            if let Some(parent) = &env.extends {
                if !names.contains(&parent.as_str()) {
                    self.fail(
                        &format!("{path}.extends"),
                        format!("there is no environment `{}`", tame(parent)),
                        format!("environments here: {}", names.join(", ")),
                    );
                    continue;
                }
                if cycle(read, &env.name) {
                    self.fail(
                        &format!("{path}.extends"),
                        "environments extend each other in a circle",
                        "take one `extends` out",
                    );
                    continue;
                }
            }
            let parent = env.extends.as_deref().and_then(|name| read.resolve(name));
            self.check_patches(&path, env, parent.as_ref());
            for (what, mut keys) in [
                (
                    "flows",
                    env.flows
                        .iter()
                        .map(|f| f.name.as_str())
                        .collect::<Vec<_>>(),
                ),
                (
                    "exceptions",
                    env.exceptions.iter().map(|e| e.id.as_str()).collect(),
                ),
            ] {
                keys.sort_unstable();
                for pair in keys.windows(2).filter(|pair| pair[0] == pair[1]) {
                    self.fail(
                        &format!("{path}.{what}"),
                        format!("two have the name `{}`", tame(pair[0])),
                        "names are unique within an environment: others replace them by name",
                    );
                }
            }
            if let Some(resolved) = read.resolve(&env.name) {
                self.check_flows(&path, &resolved);
            }
        }
    }

    pub(super) fn check_patches(
        &mut self,
        path: &str,
        env: &Environment,
        parent: Option<&Environment>,
    ) {
        for row in &env.expect {
            for patch in &row.patches {
                let above = || parent?.expect.iter().find(|r| r.workload == row.workload);
                let own = row.cell(patch.direction);
                let base = own.or_else(|| above().and_then(|row| row.cell(patch.direction)));
                let problem = match base.map(|cell| &cell.content) {
                    None => "there is nothing to change: that direction is not listed",
                    Some(Content::Any) => "there is nothing to change: that direction is `any`",
                    Some(Content::Deny) if !patch.adds => {
                        "there is nothing to take out: that direction is `deny`"
                    }
                    Some(_) => continue,
                };
                let sign = if patch.adds { '+' } else { '-' };
                self.fail(
                    &format!("{path}.expect.{}.{}{sign}", row.workload, patch.direction),
                    problem,
                    "write the whole list instead",
                );
            }
        }
    }

    /// The same flow asked for and forbidden.
    pub(super) fn check_flows(&mut self, path: &str, env: &Environment) {
        for denied in env.flows.iter().filter(|flow| !flow.allow) {
            for allowed in env.flows.iter().filter(|flow| flow.allow) {
                let ends_meet = denied.from.iter().any(|end| allowed.from.contains(end))
                    && denied.to.iter().any(|end| allowed.to.contains(end));
                let numbers = |words: &[PortWord]| {
                    words
                        .iter()
                        .fold(PortSet::empty(), |all, word| all.union(&word.numbers()))
                };
                let ports = numbers(&denied.ports).intersection(&numbers(&allowed.ports));
                if ends_meet && !ports.is_empty() {
                    self.fail(
                        &format!("{path}.flows"),
                        format!(
                            "`{}` allows what `{}` denies, on {ports}",
                            tame(&allowed.name),
                            tame(&denied.name)
                        ),
                        "a flow is either wanted or not: take one out, or name what is excepted",
                    );
                }
            }
        }
    }
}

fn cycle(read: &Expectations, start: &str) -> bool {
    let mut name = start.to_owned();
    for _ in 0..=read.environments.len() {
        let env = read.environments.iter().find(|env| env.name == name);
        match env.and_then(|env| env.extends.clone()) {
            None => return false,
            Some(parent) => name = parent,
        }
    }
    true
}
