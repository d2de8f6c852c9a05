//! What the columns of a table are, by their headers.

use super::scan::{Cell, Table};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Subject,
    Ingress,
    Egress,
    Ports,
    From,
    To,
    Protocol,
    /// Allowed or denied.
    Verdict,
    Comment,
}

/// How the rows of a table are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A row a workload, a cell a direction.
    Cells,
    /// A row a rule of the subject's ingress.
    Incoming,
    /// A row a rule of the subject's egress.
    Outgoing,
    /// A row a flow, between any two ends.
    Flows,
}

/// The roles of a table's columns and its form; `None` when it is not about connections.
pub(super) fn read(table: &Table<'_>) -> Option<(Vec<Role>, Form)> {
    let mut roles: Vec<Role> = Vec::new();
    for cell in &table.header {
        let role = role_of(cell);
        // The first of a kind counts; a second one is beside the point.
        let again = role != Role::Comment && roles.contains(&role);
        roles.push(if again { Role::Comment } else { role });
    }
    let has = |role: Role| roles.contains(&role);
    let source = table.header.iter().any(|cell| words(cell) == ["source"]);
    if !has(Role::Subject) && has(Role::From) && has(Role::To) && !source {
        // `From | To | Port`: who sends is who the row is about.
        let from = roles.iter().position(|role| *role == Role::From)?;
        roles[from] = Role::Subject;
    }
    let has = |role: Role| roles.contains(&role);
    let form = if has(Role::Subject) && (has(Role::Ingress) || has(Role::Egress)) {
        Form::Cells
    } else if has(Role::Subject) && has(Role::Ports) && has(Role::From) && !has(Role::To) {
        Form::Incoming
    } else if has(Role::Subject) && has(Role::Ports) && has(Role::To) && !has(Role::From) {
        Form::Outgoing
    } else if has(Role::Ports) && has(Role::From) && has(Role::To) {
        Form::Flows
    } else {
        return None;
    };
    Some((roles, form))
}

fn words(cell: &Cell<'_>) -> Vec<String> {
    cell.text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn role_of(cell: &Cell<'_>) -> Role {
    let words = words(cell);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let only = |wanted: &[&str]| words.len() == 1 && has(wanted);
    if has(&[
        "description",
        "purpose",
        "note",
        "notes",
        "comment",
        "comments",
    ]) {
        Role::Comment
    } else if has(&["ingress", "inbound"]) {
        Role::Ingress
    } else if has(&["egress", "outbound"]) {
        Role::Egress
    } else if words
        .last()
        .is_some_and(|word| ["port", "ports"].contains(&word.as_str()))
    {
        Role::Ports
    } else if only(&["protocol"]) {
        Role::Protocol
    } else if only(&["action", "verdict", "allowed", "effect"]) {
        Role::Verdict
    } else if words.first().is_some_and(|word| word == "source") || only(&["from"]) {
        Role::From
    } else if words.first().is_some_and(|word| word == "destination") || only(&["to"]) {
        Role::To
    } else if only(&[
        "pod",
        "pods",
        "component",
        "components",
        "service",
        "services",
        "workload",
        "workloads",
        "application",
        "applications",
        "name",
    ]) {
        Role::Subject
    } else {
        Role::Comment
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    type Expected = Option<(&'static [Role], Form)>;

    #[test]
    fn headers_say_how_rows_are_read() {
        use Role::{Comment, Egress, From, Ingress, Ports, Protocol, Subject, To, Verdict};
        let cases: [(&str, Expected); 9] = [
            (
                "Pod | Ingress | Egress",
                Some((&[Subject, Ingress, Egress], Form::Cells)),
            ),
            (
                "**Workload** | Owner | Allowed ingress",
                Some((&[Subject, Comment, Ingress], Form::Cells)),
            ),
            (
                "Component | Pod Port | From | Description",
                Some((&[Subject, Ports, From, Comment], Form::Incoming)),
            ),
            (
                "Service | To | Ports",
                Some((&[Subject, To, Ports], Form::Outgoing)),
            ),
            (
                "From | To | Port",
                Some((&[Subject, To, Ports], Form::Outgoing)),
            ),
            (
                "Source | Destination | Port | Protocol | Action",
                Some((&[From, To, Ports, Protocol, Verdict], Form::Flows)),
            ),
            (
                "Name | From | To | Port",
                Some((&[Subject, From, To, Ports], Form::Flows)),
            ),
            ("Service | Port", None),
            ("Option | Default | Description", None),
        ];
        for (header, expected) in cases {
            let dashes = vec!["---"; header.split('|').count()].join("|");
            let text = format!("{header}\n{dashes}\n");
            let document = scan(&text);
            let expected = expected.map(|(roles, form)| (roles.to_vec(), form));
            assert_eq!(read(&document.tables[0]), expected, "{header}");
        }
    }
}
