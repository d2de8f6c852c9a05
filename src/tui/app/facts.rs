//! What the filter looks at in each kind of line.

use crate::tui::filter::Facts;
use crate::tui::view::{Finding, Flow, Row, SideCell, SideLine, Sign, verdict_words};

pub(super) fn row_facts(row: &Row) -> Facts {
    let items = || row.ingress.iter().chain(&row.egress);
    let mut is: Vec<String> = items()
        .filter_map(|item| item.sign)
        .map(|sign| sign.word().replace(' ', "-"))
        .collect();
    let drifts = items().filter_map(|item| item.sign).any(is_drift);
    if drifts {
        is.push("drift".to_owned());
    }
    let texts: Vec<&str> = items().map(|item| item.text.as_str()).collect();
    Facts {
        anywhere: format!("{} {} {}", row.namespace, row.name, texts.join(" ")).to_lowercase(),
        namespaces: vec![row.namespace.to_lowercase()],
        from: row.id.to_lowercase(),
        to: row.id.to_lowercase(),
        ports: texts.iter().map(|text| text.to_lowercase()).collect(),
        by: String::new(),
        is,
    }
}

pub(super) fn flow_facts(flow: &Flow, own: &str) -> Facts {
    let (from, to) = if flow.incoming {
        (flow.peer.as_str(), own)
    } else {
        (own, flow.peer.as_str())
    };
    let mut is = vec![flow.verdict.as_str().to_owned()];
    if let Some(sign) = flow.sign {
        is.push(sign.word().replace(' ', "-"));
        if is_drift(sign) {
            is.push("drift".to_owned());
        }
    }
    let direction = if flow.incoming { "in" } else { "out" };
    let verdict = verdict_words(flow.verdict).1;
    Facts {
        anywhere: format!(
            "{direction} {} {} {verdict} {}",
            flow.peer, flow.port, flow.decided_by
        )
        .to_lowercase(),
        namespaces: flow
            .peer
            .split_once('/')
            .map(|(namespace, _)| namespace.to_lowercase())
            .into_iter()
            .collect(),
        from: from.to_lowercase(),
        to: to.to_lowercase(),
        ports: vec![flow.port.to_lowercase()],
        by: flow.decided_by.to_lowercase(),
        is,
    }
}

pub(super) fn finding_facts(finding: &Finding) -> Facts {
    let namespace = |end: &str| {
        end.split_once('/')
            .map(|(namespace, _)| namespace.to_lowercase())
    };
    Facts {
        anywhere: format!(
            "{} {} {} {} {} {}",
            finding.code,
            finding.severity,
            finding.from,
            finding.to,
            finding.port,
            finding.decided_by
        )
        .to_lowercase(),
        namespaces: [namespace(&finding.from), namespace(&finding.to)]
            .into_iter()
            .flatten()
            .collect(),
        from: finding.from.to_lowercase(),
        to: finding.to.to_lowercase(),
        ports: vec![finding.port.to_lowercase()],
        by: finding.decided_by.to_lowercase(),
        is: [
            Some(finding.code.to_lowercase()),
            Some("drift".to_owned()),
            finding.actual.map(|verdict| verdict.as_str().to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

pub(super) fn side_facts(line: &SideLine) -> Facts {
    let verdict = verdict_words(line.verdict).1;
    let mut is = vec![line.verdict.as_str().to_owned()];
    is.extend(
        line.cells
            .iter()
            .filter(|cell| !cell.code.is_empty())
            .map(|cell| cell.code.to_lowercase()),
    );
    if line.cells.iter().any(SideCell::is_drift) {
        is.push("drift".to_owned());
    }
    let said: Vec<&str> = line.cells.iter().map(|cell| cell.words().1).collect();
    is.extend(said.iter().map(|word| word.replace(' ', "-")));
    Facts {
        anywhere: format!(
            "{} {} {} {verdict} {} {}",
            line.from,
            line.to,
            line.port,
            line.decided_by,
            said.join(" ")
        )
        .to_lowercase(),
        namespaces: line.namespaces.iter().map(|ns| ns.to_lowercase()).collect(),
        from: line.from_id.to_lowercase(),
        to: line.to_id.to_lowercase(),
        ports: vec![line.port.to_lowercase()],
        by: line.decided_by.to_lowercase(),
        is,
    }
}

fn is_drift(sign: Sign) -> bool {
    matches!(sign, Sign::Missing | Sign::Unexpected)
}
