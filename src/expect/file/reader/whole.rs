//! What only all files together show: what builds on what, and what contradicts itself.

use crate::model::{Diagnostic, PortSet, SourceRef};
use crate::text::tame;

use super::super::short::PortWord;
use super::super::{Content, Environment, Expectations, Flow};
use super::{Files, Reader};

impl Files {
    /// Tells of something at the path of an environment's part, in the file that has it.
    fn fail(&mut self, path: &str, at: &SourceRef, message: String, help: String) {
        let has = |reader: &Reader| reader.lines.get(path).is_some();
        let own = self
            .readers
            .iter()
            .position(|r| r.file == at.file && has(r));
        let index = own.or_else(|| self.readers.iter().position(has));
        match index {
            Some(index) => self.readers[index].fail(path, message, help),
            None => self
                .problems
                .push(Diagnostic::error(message).at(Some(at.clone())).help(help)),
        }
    }

    /// Environments that build on each other or on none, patches of nothing, and contradictions.
    pub(super) fn check(&mut self) {
        let read = self.made.clone();
        let names: Vec<&str> = read.environments.iter().map(|e| e.name.as_str()).collect();
        for env in &read.environments {
            let path = format!("environments.{}", env.name);
            if let Some(parent) = &env.extends {
                if !names.contains(&parent.as_str()) {
                    self.fail(
                        &format!("{path}.extends"),
                        &env.at,
                        format!("there is no environment `{}`", tame(parent)),
                        format!("environments here: {}", tame(&names.join(", "))),
                    );
                    continue;
                }
                if let Some(circle) = circle(&read, &env.name) {
                    self.fail(
                        &format!("{path}.extends"),
                        &env.at,
                        format!(
                            "environments extend each other in a circle: {}",
                            tame(&circle.join(", "))
                        ),
                        "take one `extends` out".to_owned(),
                    );
                    continue;
                }
            }
            let parent = env.extends.as_deref().and_then(|name| read.resolve(name));
            self.check_patches(&path, env, parent.as_ref());
            if let Some(resolved) = read.resolve(&env.name) {
                self.check_flows(env, &resolved);
            }
        }
    }

    fn check_patches(&mut self, path: &str, env: &Environment, parent: Option<&Environment>) {
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
                    &patch.at,
                    problem.to_owned(),
                    "write the whole list instead".to_owned(),
                );
            }
        }
    }

    /// The same flow asked for and forbidden. What is inherited on both sides is told of where it is written.
    fn check_flows(&mut self, env: &Environment, resolved: &Environment) {
        let is_own = |flow: &Flow| {
            env.flows
                .iter()
                .any(|own| own.at == flow.at && own.name == flow.name)
        };
        for denied in resolved.flows.iter().filter(|flow| !flow.allow) {
            for allowed in resolved.flows.iter().filter(|flow| flow.allow) {
                let ends_meet = denied.from.iter().any(|end| allowed.from.contains(end))
                    && denied.to.iter().any(|end| allowed.to.contains(end));
                let numbers = |words: &[PortWord]| {
                    words
                        .iter()
                        .fold(PortSet::empty(), |all, word| all.union(&word.numbers()))
                };
                let ports = numbers(&denied.ports).intersection(&numbers(&allowed.ports));
                if !ends_meet || ports.is_empty() {
                    continue;
                }
                let (culprit, other) = match (is_own(denied), is_own(allowed)) {
                    (true, _) => (denied, allowed),
                    (false, true) => (allowed, denied),
                    (false, false) => continue,
                };
                let verb = if culprit.allow { "allows" } else { "denies" };
                let others = if culprit.allow { "denies" } else { "allows" };
                let path = self.path_of(culprit);
                self.fail(
                    &path,
                    &culprit.at,
                    format!(
                        "`{}` {verb} what `{}` at {} {others}, on {ports}",
                        tame(&culprit.name),
                        tame(&other.name),
                        other.at,
                    ),
                    "a flow is either wanted or not: take one out, or name what is excepted"
                        .to_owned(),
                );
            }
        }
    }

    /// The path under which a flow stands in its file; one of a document has none.
    fn path_of(&self, flow: &Flow) -> String {
        let all = self.readers.iter().flat_map(|reader| {
            let flows = reader.flows.iter();
            flows.filter(|(_, path)| reader.at(path) == flow.at)
        });
        let mut named = all.filter(|(name, _)| *name == flow.name);
        named
            .next()
            .map(|(_, path)| path.clone())
            .unwrap_or_default()
    }
}

/// The environments that lead from one back to itself.
fn circle(read: &Expectations, start: &str) -> Option<Vec<String>> {
    let mut walked = vec![start.to_owned()];
    loop {
        let name = walked.last()?;
        let env = read.environments.iter().find(|env| env.name == *name)?;
        let parent = env.extends.clone()?;
        let is_known = walked.contains(&parent);
        let is_start = parent == start;
        walked.push(parent);
        if is_known {
            // One that only leads into a circle is not part of it.
            return is_start.then_some(walked);
        }
    }
}
