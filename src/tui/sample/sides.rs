//! Environments side by side, made by hand.

use crate::engine::Verdict;
use crate::questions::environments::Opinion;
use crate::tui::view::{SideCell, SideLine, Sides};

use super::{id, question};

/// The environments side by side: of mongo three lines, of the rest two.
pub(super) fn sides() -> Sides {
    use Opinion::{May, Must, MustNot, None};
    let cell = |opinion, sign: &'static str, code: &str| SideCell {
        opinion,
        sign,
        code: code.to_owned(),
        written: if opinion == None {
            ""
        } else {
            "stalker.yaml:41"
        }
        .to_owned(),
    };
    let line = |ends: (&str, &str), port: &str, verdict, dev, prod| {
        let (dev, prod): (SideCell, SideCell) = (dev, prod);
        let short = |end: &str| end.rsplit('/').next().unwrap().to_owned();
        SideLine {
            from: short(ends.0),
            to: short(ends.1),
            from_id: id(ends.0),
            to_id: id(ends.1),
            namespaces: vec!["stalker".to_owned()],
            port: port.to_owned(),
            verdict,
            decided_by: "stalker/mongo".to_owned(),
            differs: (dev.opinion, dev.sign) != (prod.opinion, prod.sign),
            cells: vec![dev, prod],
            by_default: false,
            question: question(ends.0, ends.1, "27017/tcp"),
        }
    };
    Sides {
        environments: vec!["dev".to_owned(), "prod".to_owned()],
        lines: vec![
            line(
                ("stalker/cron-service", "stalker/mongo"),
                "27017/TCP",
                Verdict::Deny,
                cell(Must, "▼", "BROKEN"),
                cell(Must, "▼", "BROKEN"),
            ),
            line(
                ("stalker/flow-manager", "stalker/mongo"),
                "27017/TCP",
                Verdict::Allow,
                cell(Must, "=", ""),
                cell(Must, "=", ""),
            ),
            line(
                ("stalker/ui", "dns"),
                "53/UDP",
                Verdict::Unknown,
                cell(May, "=", ""),
                cell(None, "", ""),
            ),
            line(
                ("any", "stalker/flow-manager"),
                "3000/TCP",
                Verdict::Allow,
                cell(May, "=", ""),
                cell(May, "=", ""),
            ),
            line(
                ("external", "stalker/mongo"),
                "27017/TCP",
                Verdict::Allow,
                cell(Must, "=", ""),
                cell(MustNot, "▲", "EXCESS"),
            ),
        ],
    }
}
