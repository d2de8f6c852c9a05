//! Plans as they are typed: a size, and what differs from the usual, such as `L,seed=3,cuts=32,tiers=0`.

use crate::generate::{Plan, Size};

/// What was typed, without what cargo adds.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect()
}

pub(crate) fn parse(text: &str) -> Result<Plan, String> {
    let mut parts = text.split(',');
    let name = parts.next().unwrap_or_default();
    let size = Size::ALL.into_iter().find(|size| size.name == name);
    let size = size.ok_or_else(|| format!("no size `{name}`; there are S, M, L and XL"))?;
    let mut plan = Plan::new(size, 1);
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let number: usize = value
            .parse()
            .map_err(|error| format!("`{part}`: {error}"))?;
        match key {
            "seed" => plan.seed = number as u64,
            "cuts" => plan.cuts = number,
            "tiers" => plan.tier_policies = number,
            _ => return Err(format!("no `{key}`; there are seed, cuts and tiers")),
        }
    }
    Ok(plan)
}

/// Model and number of processors, where the system tells.
pub(crate) fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut models = told
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches(['\t', ' ', ':']));
    let first = models.next().unwrap_or("unknown processor").to_owned();
    format!("{} x {first}", models.count() + 1)
}
