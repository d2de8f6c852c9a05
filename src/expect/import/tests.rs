use super::*;
use crate::expect::file::short::{PeerWord, PortWord};
use crate::expect::file::{Content, Level, Rule};
use crate::model::Direction;

fn read(text: &str) -> Imported {
    import("d.md", text, &Expectations::default()).unwrap_or_else(|told| panic!("{told:?}"))
}

fn told(rule: &Rule) -> String {
    let ports: Vec<String> = rule
        .ports
        .iter()
        .map(|port| match port {
            PortWord::Name(_, name) => name.clone(),
            PortWord::Range(None, range) => range.to_string(),
            other => other.numbers().to_string(),
        })
        .collect();
    let peers = rule.peers.iter().flatten().map(|peer| match peer {
        PeerWord::Name(name) => name.clone(),
        PeerWord::Block(block) => block.to_string(),
    });
    let peers: Vec<String> = peers.collect();
    let level = match rule.level {
        Level::Must => "",
        Level::May => " may",
        Level::Never => " never",
    };
    let why = rule.remarks.why.as_deref().map(|why| format!(" # {why}"));
    format!(
        "{}:{} [{}]{level}{}",
        ports.join("+"),
        rule.at.line,
        peers.join(" "),
        why.unwrap_or_default()
    )
}

/// Every cell in a line: environment, workload, direction, its rules with the line each is from.
fn cells(read: &Imported) -> Vec<String> {
    let mut found = Vec::new();
    for env in &read.expectations.environments {
        for row in &env.expect {
            for direction in [Direction::Ingress, Direction::Egress] {
                let content = match row.cell(direction).map(|cell| &cell.content) {
                    None => continue,
                    Some(Content::Deny) => "deny".to_owned(),
                    Some(Content::Any) => "any".to_owned(),
                    Some(Content::Rules { rules, .. }) => {
                        let rules: Vec<String> = rules.iter().map(told).collect();
                        rules.join(", ")
                    }
                };
                found.push(format!(
                    "{} {} {direction}: {content}",
                    env.name, row.workload
                ));
            }
        }
    }
    found
}

fn check(text: &str, expected: &[&str]) {
    let read = read(text);
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    assert_eq!(cells(&read), expected, "{text}");
}

/// Problems in a line each: place, severity, message, help.
fn problems(read: &Imported) -> Vec<String> {
    read.problems
        .iter()
        .map(|problem| {
            format!(
                "{} {}: {} ({})",
                problem.place().unwrap_or_default(),
                problem.severity,
                problem.message,
                problem.help.as_deref().unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn a_row_is_a_workload_and_a_cell_a_direction() {
    check(
        "## Production\n| Pod | Ingress | Egress | Owner |\n|---|---|---|---|\n| Front (UI) | 80, 443 | 53 (DNS), 3000 (BE) | me |\n| Back End (BE) | 3000 (UI); 9100 | Deny All |\n| Jobs | - | any/udp (External), 10.0.0.0/8 except 10.1.0.1 |\n",
        &[
            "prod front ingress: 80:4 [], 443:4 []",
            "prod front egress: 53:4 [dns], 3000:4 [back-end]",
            "prod back-end ingress: 3000:5 [front], 9100:5 []",
            "prod back-end egress: deny",
            "prod jobs ingress: deny",
            "prod jobs egress: any/UDP:6 [external], any:6 [10.0.0.0/8 except 10.1.0.1/32]",
        ],
    );
}

#[test]
fn a_row_may_be_a_rule_and_rows_of_one_subject_add_up() {
    check(
        "| Component | Pod Port | From | Description |\n|---|---|---|---|:---:|\n| Search| 9200 | Viewer, Internal | Data \n| Search | 9300/udp | Internal |\n| Console | 8443 | Kubernetes API Server | Hook\n",
        &[
            "base search ingress: 9200:3 [viewer search] # Data, 9300/UDP:4 [search]",
            "base console ingress: 8443:5 [k8s-api] # Hook",
        ],
    );
    check(
        "| From | To | Port | Protocol |\n|---|---|---|---|\n| web | db | 5432 | TCP |\n| web | DNS | 53 | TCP/UDP |\n",
        &["base web egress: 5432/TCP:3 [db], 53/TCP+53/UDP:4 [dns]"],
    );
}

#[test]
fn flows_keep_their_names_and_say_what_is_forbidden() {
    let read = read(
        "| Source | Destination | Port | Action | Notes |\n|---|---|---|---|---|\n| web | db | 5432 | allow | |\n| Internet | db, cache | any | Deny | never |\n",
    );
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let flows: Vec<String> = read.expectations.environments[0]
        .flows
        .iter()
        .map(|flow| {
            format!(
                "{} {:?} {:?} {} {:?}",
                flow.name, flow.from, flow.to, flow.allow, flow.remarks.why
            )
        })
        .collect();
    assert_eq!(
        flows,
        [
            "line 3 [Name(\"web\")] [Name(\"db\")] true None",
            "line 4 [Name(\"internet\")] [Name(\"db\"), Name(\"cache\")] false Some(\"never\")",
        ]
    );
}

#[test]
fn the_odd_one_among_rows_of_one_description_is_only_tolerated() {
    let read = read(
        "| Component | Port | From | Description |\n|---|---|---|---|\n| a | 1 | API Server | Hook |\n| b | 2 | API Server | hook |\n| c | 3 | a | Hook |\n| d | 4 | K8s API | Hook |\n| a | 5 | b | Other |\n",
    );
    // What the three others say, and what it says itself.
    assert_eq!(
        cells(&read)[2],
        "base c ingress: 3:5 [a k8s-api] may # every other row described as \"Hook\" names somebody else"
    );
    // As the document has it: five rules, each with one peer.
    assert_eq!((read.tables[0].items, read.tables[0].peers), (5, 5));
    assert_eq!(
        problems(&read),
        [
            "d.md:5 warning: tolerated, not demanded, until somebody looks at it: every other row described as \"Hook\" names somebody else (mend the row, or its description)"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_told_and_left_out_and_the_rest_stays() {
    let head = "| Pod | Ingress | Egress |\n|---|---|---|\n";
    for (rows, problem, left) in [
        (
            "| web | 80 | 5432 (dbb) |\n| db | 5432 | Deny All |\n",
            "d.md:3:20 error: nobody is called `dbb` (cell `5432 (dbb)`) (nearest: `db`, `DNS`, `web`)",
            &[
                "base web ingress: 80:3 []",
                "base db ingress: 5432:4 []",
                "base db egress: deny",
            ][..],
        ),
        (
            "| web | 80, 99999 | Deny All |\n",
            "d.md:3:13 error: `99999` is no port; ports run from 1 to 65535 (cell `80, 99999`) (a port is any, 80, 8000-8010, 53/udp or a port name)",
            &["base web egress: deny"],
        ),
        (
            "| web | 80 | 10.0.0.0/33 |\n",
            "d.md:3:14 error: `10.0.0.0/33` is no network (a network is 10.0.0.0/8, 192.168.1.7 or 10.0.0.1-10.0.0.9, and what is excepted lies inside it)",
            &["base web ingress: 80:3 []"],
        ),
        (
            "| web | 80 |\n",
            "d.md:3 warning: the row ends before its egress cell: nothing is expected of that direction (write `Deny All` for nothing, `Any` for everything)",
            &["base web ingress: 80:3 []"],
        ),
        (
            "| web | 80 | Deny All | extra |\n| db | 1 | 2 |\n",
            "d.md:3:25 error: the row has 4 cells, its header 3: `extra` belongs to no column (write a pipe that belongs to a cell as \\|, or give the column a header; the row is left out)",
            &["base db ingress: 1:4 []", "base db egress: 2:4 []"],
        ),
        (
            "| | 80 | Deny All |\n| db | 1 | |\n",
            "d.md:3:3 error: the row names no workload (write who it is about into its first column; the row is left out)",
            &["base db ingress: 1:4 []"],
        ),
        (
            "| db | 1 | - |\n| db | 2 | - |\n",
            "d.md:4 error: the egress of `db` is already written on line 3 (keep one of the two; the first one is used)",
            &["base db ingress: 1:3 []", "base db egress: deny"],
        ),
        (
            "| api (v1) | 1 | - |\n| gate (v1) | 2 | - |\n",
            "d.md:4:3 error: `gate, v1` may be any of `api`, `gate` (an alias belongs to one row; the row is left out)",
            &["base api ingress: 1:3 []", "base api egress: deny"],
        ),
    ] {
        let read = read(&format!("{head}{rows}"));
        let found = problems(&read);
        assert!(found.contains(&problem.to_owned()), "{rows}{found:#?}");
        assert_eq!(cells(&read), left, "{rows}");
    }
}

#[test]
fn what_was_left_out_is_not_judged_and_says_so() {
    let read = read("| Pod | Ingress | Egress |\n|---|---|---|\n| web | 80 | 5432 (nobody) |\n");
    let unread: Vec<String> = read.expectations.environments[0]
        .unread
        .iter()
        .map(|u| format!("{} {} {}: {}", u.at, u.workload, u.direction, u.why))
        .collect();
    assert_eq!(
        unread,
        ["d.md:3 web egress: its cell `5432 (nobody)` cannot be read"]
    );
}

/// Found by documents of random pieces: marks without a word between them are no port.
#[test]
fn a_row_without_a_port_is_left_out() {
    let head = "| Component | Port | From |\n|---|---|---|\n";
    for (row, column) in [("| web | ` | db |", 9), ("| web | | db |", 9)] {
        let read = read(&format!("{head}{row}\n"));
        assert_eq!(cells(&read), Vec::<String>::new());
        assert_eq!(
            problems(&read),
            [format!(
                "d.md:3:{column} error: the row names no port (write a port such as 443 or 53/udp, or `any`; the row is left out)"
            )]
        );
    }
}

#[test]
fn a_word_in_a_from_column_that_looks_mistyped_is_no_new_workload() {
    let read = read(
        "| Component | Port | From |\n|---|---|---|\n| Prometheus | 9090 | Grafana |\n| Search | 9200 | Promtheus |\n",
    );
    assert_eq!(cells(&read), ["base prometheus ingress: 9090:3 [grafana]"]);
    assert_eq!(
        problems(&read),
        ["d.md:4:19 error: nobody is called `Promtheus` (nearest: `Prometheus`, `DNS`, `Grafana`)"]
    );
}

#[test]
fn tables_of_other_things_are_told_of_and_a_document_without_any_is_refused() {
    let read = read(
        "| Option | Default |\n|---|---|\n| a | b |\n\n| Pod | Ingress |\n|---|---|\n| web | 80 |\n",
    );
    assert_eq!(
        problems(&read),
        ["d.md:1 info: this table is not read: its header has nothing about connections ()"]
    );
    let refused = |text: &str| {
        import("d.md", text, &Expectations::default())
            .unwrap_err()
            .message
    };
    assert_eq!(refused("words\n"), "holds no table");
    assert_eq!(
        refused("| a | b |\n|---|---|\n\n| c |\n|---|\n"),
        "holds no table of expectations (tables on line 1, 4)"
    );
}

#[test]
fn what_stands_before_any_environment_holds_for_all() {
    let read = read(
        "| Pod | Ingress |\n|---|---|\n| web | 80 |\n\n## Dev\n| Pod | Ingress |\n|---|---|\n| web | 81 |\n\n## Prod\n| Pod | Ingress |\n|---|---|\n| db | 1 |\n",
    );
    assert_eq!(read.expectations.environments(), ["dev", "prod"]);
    let prod = read.expectations.resolve("prod").unwrap();
    let rows: Vec<&str> = prod
        .expect
        .iter()
        .map(|row| row.workload.as_str())
        .collect();
    assert_eq!(rows, ["web", "db"]);
}

#[test]
fn who_another_file_defines_is_that_one() {
    let others = crate::expect::read(
        "o.yaml",
        "apiVersion: netseg/v1\nkind: Expectations\nworkloads: {fm: {names: [Flow Manager], select: {namespace: x}}}\npeers: {public: {cidr: [0.0.0.0/0]}}\nenvironments: {base: {}}\n",
    )
    .unwrap();
    let text = "| Pod | Ingress | Egress |\n|---|---|---|\n| Flow Manager (FM) | 80 | any (Public) |\n| web | 80 (FM) | - |\n";
    let read = import("d.md", text, &others).unwrap();
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    assert_eq!(
        cells(&read),
        [
            "base fm ingress: 80:3 []",
            "base fm egress: any:3 [public]",
            "base web ingress: 80:4 [fm]",
            "base web egress: deny",
        ]
    );
    let defined: Vec<&str> = read
        .expectations
        .workloads
        .iter()
        .map(|w| w.id.as_str())
        .collect();
    assert_eq!(defined, ["web"]);
}
