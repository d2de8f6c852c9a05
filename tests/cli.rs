//! Exit statuses and streams of the real binary, as scripts see them.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const DENY_ALL: &str = "{kind: Namespace, apiVersion: v1, metadata: {name: x}}
---
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: b, namespace: x, labels: {app: b}}, status: {phase: Running, podIPs: [{ip: 10.0.0.2}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: lock, namespace: x}, spec: {podSelector: {matchLabels: {app: a}}}}
";

fn netseg(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netseg-tui"));
    let home = std::env::temp_dir().join("netseg-cli-tests-no-home");
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    netseg(args).output().expect("the binary starts")
}

/// Runs with manifests on standard input.
fn with_input(args: &[&str], input: &str) -> Output {
    let mut child = netseg(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes())
        .expect("it reads its input");
    child.wait_with_output().expect("it ends")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", out(output)))
}

#[test]
fn allowed_is_0_denied_is_1_and_the_verdict_comes_first() {
    let allowed = run(&[
        "--demo",
        "probe",
        "stalker/cron-service",
        "stalker/mongo",
        "27017",
    ]);
    assert_eq!(allowed.status.code(), Some(0), "{}", err(&allowed));
    assert!(
        out(&allowed).starts_with("ALLOW    stalker/cron-service → stalker/mongo 27017/TCP"),
        "{}",
        out(&allowed)
    );
    let denied = with_input(&["-f", "-", "probe", "x/b", "x/a", "80"], DENY_ALL);
    assert_eq!(denied.status.code(), Some(1), "{}", err(&denied));
    assert!(
        out(&denied).contains("ingress  DENY    isolated by lock; no rule matches"),
        "{}",
        out(&denied)
    );
    assert_eq!(err(&denied), "");
}

#[test]
fn what_cannot_be_decided_is_2() {
    // The block may or may not hold the address of a pod that only a template speaks of.
    let input = "{kind: Deployment, apiVersion: apps/v1, metadata: {name: t, namespace: x}, spec: {template: {metadata: {labels: {app: t}}}}}
---
{kind: Pod, apiVersion: v1, metadata: {name: a, namespace: x, labels: {app: a}}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {podSelector: {matchLabels: {app: a}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}}";
    let output = with_input(
        &["-f", "-", "probe", "x/t", "x/a", "80", "-o", "json"],
        input,
    );
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    let answer = json(&output);
    assert_eq!(answer["verdict"], "unknown");
    assert_eq!(answer["reason"], "address-unknown");
    assert_eq!(answer["conditions"][0]["holds"], "allow");
}

#[test]
fn a_question_that_cannot_be_asked_is_3_and_says_what_to_do() {
    for (args, message, help) in [
        (
            &["--demo", "probe", "stalker/mongi", "stalker/mongo", "1"][..],
            "cannot find `stalker/mongi`",
            "nearest: stalker/mongo",
        ),
        (
            &["--demo", "probe", "stalker/ui", "stalker/mongo", "99999"],
            "there is no port 99999",
            "",
        ),
        (
            &["--demo", "probe", "stalker/ui", "stalker/mongo", "nope"],
            "has no port named `nope`",
            "it has: ",
        ),
        (
            &["--demo=nope", "flows"],
            "there is no demo `nope`",
            "demos: stalker",
        ),
        (
            &["-f", "/no/such/folder", "flows"],
            "cannot read `/no/such/folder`",
            "-f takes a file",
        ),
        (
            &["--demo", "--env", "test", "table"],
            "there is no environment `test`",
            "known: dev, prod",
        ),
        (
            &["-n", "stalkr", "--demo", "flows"],
            "no namespace `stalkr` was loaded",
            "nearest: stalker",
        ),
        (
            &["--kubeconfig", "/no/such/kubeconfig", "flows"],
            "cannot read the kubeconfig",
            "",
        ),
        (&["flows"], "no kubeconfig found", ""),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(message), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(help), "{args:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{args:?}");
    }
}

#[test]
fn wrong_arguments_are_3_and_help_is_0() {
    assert_eq!(run(&["--nonsense"]).status.code(), Some(3));
    assert_eq!(run(&["probe"]).status.code(), Some(3));
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(out(&help).contains("Usage: netseg-tui"));
}

#[test]
fn the_screen_needs_a_terminal_and_says_which_command_to_use() {
    let output = run(&["--demo"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("terminal"), "{}", err(&output));
    assert!(err(&output).contains("probe"), "{}", err(&output));
}

#[test]
fn a_reader_that_goes_away_is_success() {
    let mut child = netseg(&["--demo", "flows"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(err(&output), "");
}

#[test]
fn bad_objects_are_told_by_line_and_strict_ends_the_run() {
    let input = format!(
        "{DENY_ALL}---\nkind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {{name: bad, namespace: x}}\nspec:\n  ingress:\n  - from:\n    - {{}}\n"
    );
    let lenient = with_input(&["-f", "-", "probe", "x/a", "x/b", "80"], &input);
    assert!(
        err(&lenient).contains("error: NetworkPolicy x/bad: spec.ingress[0].from[0]: a peer needs"),
        "{}",
        err(&lenient)
    );
    assert!(err(&lenient).contains("  at -:15"), "{}", err(&lenient));
    // Whether that policy is in the cluster is not known, and it selects every pod of the namespace.
    assert_eq!(lenient.status.code(), Some(2), "{}", out(&lenient));
    let strict = with_input(
        &["-f", "-", "--strict", "probe", "x/a", "x/b", "80"],
        &input,
    );
    assert_eq!(strict.status.code(), Some(3));
    assert_eq!(out(&strict), "");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for args in [
        &["--demo", "flows", "-o", "json"][..],
        &["--demo", "table", "-o", "json"],
        &["--demo", "graph", "-o", "json"],
        &["--demo", "graph"],
        &["--demo", "graph", "-o", "svg"],
        &["--demo", "matrix", "-o", "json"],
        &["--demo", "drift", "--all"],
        &["--demo", "drift", "-o", "junit"],
        &["--demo", "drift", "-o", "sarif", "--env", "dev,prod"],
    ] {
        assert_eq!(run(args).stdout, run(args).stdout, "{args:?}");
    }
}

/// The shape promised to scripts, field by field.
#[test]
fn a_probe_in_json_has_every_promised_field() {
    let output = with_input(
        &["-f", "-", "probe", "x/b", "x/a", "web", "-o", "json"],
        DENY_ALL,
    );
    let answer = json(&output);
    let keys: Vec<&str> = answer
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "apiVersion",
            "kind",
            "from",
            "to",
            "protocol",
            "port",
            "verdict",
            "reason",
            "agreement",
            "enforced",
            "egress",
            "ingress",
            "conditions",
            "limits",
            "pairs",
            "via",
            "halfOpen",
            "expected",
            "diagnostics",
        ]
    );
    assert_eq!(answer["apiVersion"], "netseg/v1");
    assert_eq!(answer["kind"], "Probe");
    assert_eq!(answer["from"], "x/pod/b");
    assert_eq!(answer["port"], 80);
    assert_eq!(answer["enforced"], "unknown");
    let isolated = &answer["ingress"]["isolatedBy"][0];
    assert_eq!(isolated["group"], "networking.k8s.io");
    assert_eq!(isolated["kind"], "NetworkPolicy");
    assert_eq!(isolated["name"], "lock");
    assert_eq!(isolated["source"], "-:7");
    let open = with_input(&["-f", "-", "probe", "x/a", "x/b", "-o", "json"], DENY_ALL);
    let open = json(&open);
    assert_eq!(open["port"], serde_json::Value::Null);
    assert_eq!(open["ports"][0]["protocol"], "TCP");
    assert_eq!(
        (&open["ports"][0]["first"], &open["ports"][0]["last"]),
        (&1.into(), &65535.into())
    );
}

#[test]
fn flows_list_what_is_open_and_nothing_else() {
    let output = with_input(&["-f", "-", "flows", "-o", "json"], DENY_ALL);
    assert_eq!(output.status.code(), Some(0));
    let flows = json(&output);
    let pairs: Vec<(String, String)> = flows["flows"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|flow| {
            (
                flow["from"].as_str().unwrap().to_owned(),
                flow["to"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    // x/a may send anywhere; nothing but x/a itself may send to x/a.
    let v4 = "0.0.0.0/0".to_owned();
    for (from, to, open) in [
        ("x/pod/a", "x/pod/b", true),
        ("x/pod/b", "x/pod/a", false),
        ("x/pod/a", "x/pod/a", true),
        (v4.as_str(), "x/pod/a", false),
        (v4.as_str(), "x/pod/b", true),
        ("x/pod/b", v4.as_str(), true),
    ] {
        assert_eq!(
            pairs.contains(&(from.to_owned(), to.to_owned())),
            open,
            "{from} -> {to}: {pairs:?}"
        );
    }
}

#[test]
fn completions_and_the_man_page_come_from_the_same_arguments() {
    for (args, word) in [
        (&["completions", "bash"][..], "netseg-tui"),
        (&["completions", "zsh"], "probe"),
        (&["completions", "fish"], "half-open"),
        (&["man"], ".TH netseg-tui"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains(word), "{args:?}");
    }
}

#[test]
fn drift_ends_with_1_for_errors_and_says_which_line_was_written() {
    let output = run(&["--demo", "drift", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let drift = json(&output);
    assert_eq!(drift["kind"], "Drift");
    assert_eq!(drift["environments"], serde_json::json!(["dev"]));
    // The planted fault: the orchestrator's policy selects kafka's pods, so the orchestrator reaches nothing.
    let findings = drift["findings"].as_array().expect("a list");
    let broken = findings
        .iter()
        .find(|f| {
            f["from"] == "stalker/deployment/orchestrator" && f["to"] == "stalker/statefulset/kafka"
        })
        .expect("orchestrator to kafka is broken");
    assert_eq!(broken["code"], "broken");
    assert_eq!(
        (&broken["first"], &broken["last"]),
        (&9092.into(), &9092.into())
    );
    assert_eq!(
        (&broken["expected"], &broken["actual"]),
        (&"allow".into(), &"deny".into())
    );
    let source = broken["sources"][0].as_str().expect("a line");
    assert!(
        source.starts_with("demo/stalker/expectations.yaml:"),
        "{source}"
    );
    let both = json(&run(&[
        "--demo", "drift", "--env", "dev,prod", "--only", "mongo", "-o", "json",
    ]));
    // Closed from outside in production only.
    let about: Vec<(&str, &str)> = both["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| {
            (
                f["environment"].as_str().unwrap(),
                f["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(about, [("prod", "excess")]);
}

/// What differs in its ports only is one paragraph to a reader, and one finding a range to a script.
#[test]
fn drift_reads_well_at_80_columns_and_json_keeps_each_range_apart() {
    let told = run(&["--demo", "drift", "--env", "dev,prod", "--all"]);
    assert_eq!(told.status.code(), Some(1), "{}", err(&told));
    let told = out(&told);
    let heads = told.lines().filter(|line| line.starts_with("· NARROWER"));
    let heads: Vec<&str> = heads.collect();
    assert!(
        heads.contains(&"· NARROWER     any → stalker/zookeeper 2181, 2888, 3888/TCP"),
        "{heads:#?}"
    );
    for line in told.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let narrower = json(&run(&[
        "--demo",
        "drift",
        "--only",
        "zookeeper",
        "-o",
        "json",
    ]));
    let ports: Vec<_> = narrower["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| (f["code"].clone(), f["first"].clone(), f["last"].clone()))
        .collect();
    let one = |port: u16| ("narrower".into(), port.into(), port.into());
    assert_eq!(ports, [one(2181), one(2888), one(3888)]);
    let keys: Vec<&str> = narrower["findings"][0]
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "code",
            "severity",
            "environment",
            "from",
            "to",
            "protocol",
            "first",
            "last",
            "expected",
            "actual",
            "because",
            "sources",
            "message",
            "name",
            "conditions",
        ]
    );
}

#[test]
fn drift_needs_something_to_compare_with() {
    let output = with_input(&["-f", "-", "drift"], DENY_ALL);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("--expect FILE"), "{}", err(&output));
}

#[test]
fn a_word_that_can_be_about_nothing_is_no_clean_drift() {
    let typo = run(&["--demo", "drift", "--only", "mongi"]);
    assert_eq!(typo.status.code(), Some(3), "{}", out(&typo));
    assert!(
        err(&typo).contains("--only mongi: neither a workload nor a code of findings"),
        "{}",
        err(&typo)
    );
    assert!(err(&typo).contains("nearest: mongo"), "{}", err(&typo));
    // Known words about which there is nothing to say are an answer.
    for word in ["zookeeper", "stalker/zookeeper", "zk", "dns", "expired"] {
        let known = run(&["--demo", "drift", "--only", word, "--env", "dev"]);
        assert!(known.status.code() != Some(3), "{word}: {}", err(&known));
    }
}

#[test]
fn an_empty_source_says_nothing_about_connections() {
    let output = with_input(&["-f", "-", "flows"], "");
    assert_eq!(
        out(&output),
        "no workload was loaded, so nothing can be said\n"
    );
    assert!(
        err(&output).contains("warning: nothing was loaded"),
        "{}",
        err(&output)
    );
    let half_open = with_input(&["-f", "-", "flows", "--half-open"], DENY_ALL);
    assert_eq!(out(&half_open), "no pair is half-open\n");
}

#[test]
fn a_policy_that_cannot_be_read_leaves_the_verdict_open() {
    for broken in [
        "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: x}, spec: {}",
        "kind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {}\n",
        "{{ if .Values.lock }}\nkind: NetworkPolicy\n{{ end }}\n",
    ] {
        let input = format!("{DENY_ALL}---\n{broken}\n");
        let output = with_input(&["-f", "-", "probe", "x/a", "x/b", "80"], &input);
        assert_eq!(output.status.code(), Some(2), "{broken}: {}", out(&output));
        // It may as well let through what the other one closes.
        let denied = with_input(
            &["-f", "-", "probe", "x/b", "x/a", "80", "-o", "json"],
            &input,
        );
        assert_eq!(json(&denied)["ingress"]["verdict"], "unknown", "{broken}");
    }
}

#[test]
fn half_open_pairs_name_the_open_side_in_every_format() {
    let input = format!(
        "{DENY_ALL}---\n{{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {{name: out, namespace: x}}, spec: {{podSelector: {{matchLabels: {{app: b}}}}, policyTypes: [Egress], egress: [{{to: [{{podSelector: {{matchLabels: {{app: a}}}}}}], ports: [{{port: 80}}]}}]}}}}\n"
    );
    for (format, expected) in [
        (
            "text",
            "FROM  TO   PORTS   VERDICT\nx/b   x/a  80/TCP  DENY only the egress side is open\n",
        ),
        (
            "csv",
            "from,to,verdict,protocol,first,last,open\nx/pod/b,x/pod/a,deny,TCP,80,80,egress\n",
        ),
        (
            "md",
            "| From | To  | Ports  | Verdict                   |\n|------|-----|--------|---------------------------|\n| x/b  | x/a | 80/TCP | DENY, only egress is open |\n",
        ),
    ] {
        let output = with_input(&["-f", "-", "flows", "--half-open", "-o", format], &input);
        assert_eq!(out(&output), expected, "{format}");
    }
}

#[test]
fn half_open_is_a_side_that_names_the_other_not_one_open_to_everyone() {
    let half_open = |from: &str, to: &str, port: &str| {
        json(&run(&["--demo", "probe", from, to, port, "-o", "json"]))["halfOpen"].clone()
    };
    // kafka's policy names the orchestrator, whose own egress is closed; mongo's is open to everyone.
    assert_eq!(
        half_open("stalker/orchestrator", "stalker/kafka", "9092"),
        "ingress"
    );
    assert_eq!(
        half_open("stalker/zookeeper", "stalker/mongo", "27017"),
        serde_json::Value::Null
    );
}

const FRONTS: &str = "{kind: Node, apiVersion: v1, metadata: {name: n}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: ui, namespace: x, labels: {app: ui}}, spec: {nodeName: n}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}}
---
{kind: Pod, apiVersion: v1, metadata: {name: ctl, namespace: ctl, labels: {app: ingress-nginx}}, spec: {nodeName: n}, status: {phase: Running, podIPs: [{ip: 10.0.0.2}]}}
---
{kind: Service, apiVersion: v1, metadata: {name: front, namespace: ctl}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: ingress-nginx}, ports: [{port: 443, targetPort: 8443}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.9}]}}}
---
{kind: Service, apiVersion: v1, metadata: {name: ui, namespace: x}, spec: {selector: {app: ui}, ports: [{port: 80, targetPort: 8080}]}}
---
{kind: Ingress, apiVersion: networking.k8s.io/v1, metadata: {name: web, namespace: x}, spec: {ingressClassName: nginx, tls: [{hosts: [a.org], secretName: cert}], rules: [{host: a.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: ui, port: {number: 80}}}}]}}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: lock, namespace: x}, spec: {podSelector: {}}}
";

#[test]
fn ways_in_are_listed_in_every_form() {
    let listed = |format: &str| {
        let output = with_input(&["-f", "-", "exposure", "-o", format], FRONTS);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        output
    };
    assert_eq!(
        out(&listed("text")),
        "\
INTO     VIA           BY                 AT           PORT            SEEN AS      VERDICT
ctl/ctl  loadBalancer  Service ctl/front  203.0.113.9  443/TCP → 8443  internet     ALLOW
x/ui     ingress       Ingress x/web      a.org        443/TCP → 8080  ctl/pod/ctl  DENY isolated, and no rule matches

gateways are not read: ways of that kind are not listed
"
    );
    assert_eq!(
        out(&listed("csv")),
        "\
via,host,address,protocol,port,workload,targetPort,kind,object,sources,verdict,reason
loadBalancer,,203.0.113.9,TCP,443,ctl/pod/ctl,8443,Service,ctl/front,internet,allow,not-isolated
ingress,a.org,,TCP,443,x/pod/ui,8080,Ingress,x/web,ctl/pod/ctl,deny,isolated-no-match
"
    );
    let md = out(&listed("md"));
    assert!(md.starts_with("| Into    | Via          | By "), "{md}");
    assert_eq!(md.lines().filter(|line| line.starts_with('|')).count(), 4);
    let found = json(&listed("json"));
    assert_eq!(found["kind"], "Exposure");
    let web = &found["ways"][1];
    for (key, expected) in [
        ("via", serde_json::json!("ingress")),
        ("host", "a.org".into()),
        ("address", serde_json::Value::Null),
        ("port", 443.into()),
        ("workload", "x/pod/ui".into()),
        ("targetPort", 8080.into()),
        ("sources", serde_json::json!(["ctl/pod/ctl"])),
        ("verdict", "deny".into()),
        ("reason", "isolated-no-match".into()),
        ("class", "nginx".into()),
    ] {
        assert_eq!(web[key], expected, "{key}");
    }
    assert_eq!(web["object"]["source"], "-:11");
    assert_eq!(found["unseen"][0]["via"], "gateway");
}

#[test]
fn ways_in_are_listed_for_the_namespaces_asked_for() {
    let ctl = with_input(&["-f", "-", "-n", "ctl", "exposure", "-o", "csv"], FRONTS);
    assert_eq!(out(&ctl).lines().count(), 2, "{}", out(&ctl));
    let none = with_input(&["-f", "-", "exposure"], DENY_ALL);
    assert_eq!(none.status.code(), Some(0));
    assert!(
        out(&none).starts_with("nothing was found that leads in from outside\n"),
        "{}",
        out(&none)
    );
}

#[test]
fn an_ingress_that_cannot_be_read_is_told_and_leaves_its_kind_unknown() {
    let broken = FRONTS.replace("rules: [{host: a.org", "rules: [{host: [a.org]");
    let output = with_input(&["-f", "-", "exposure"], &broken);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(
        err(&output).contains("Ingress x/web: cannot be read"),
        "{}",
        err(&output)
    );
    assert!(
        out(&output)
            .contains("some ways of kind ingress may be missing: ingress x/web could not be read"),
        "{}",
        out(&output)
    );
}

/// 14 of the document's 22 flows work in the demo; each is told with the name the document gives it.
#[test]
fn the_results_of_named_flows_carry_their_names() {
    let told = json(&run(&[
        "--demo",
        "e-commerce",
        "drift",
        "--all",
        "-o",
        "json",
    ]));
    let findings = told["findings"].as_array().expect("a list").iter();
    let named: Vec<&str> = findings
        .filter(|one| {
            one["name"]
                .as_str()
                .is_some_and(|name| name.starts_with('D'))
        })
        .filter_map(|one| one["code"].as_str())
        .collect();
    let of = |code: &str| named.iter().filter(|own| **own == code).count();
    assert_eq!((named.len(), of("met"), of("broken")), (22, 14, 8));
    let text = out(&run(&["--demo", "e-commerce", "drift"]));
    assert!(
        text.contains("    written  demo/e-commerce/expectations.yaml:57 as `D3-D5`\n"),
        "{text}"
    );
    // What says the name already does not say it twice.
    assert!(
        text.contains("    written  demo/e-commerce/expectations.yaml:70\n"),
        "{text}"
    );
}

/// What the picture needs and does not get is said, and what is drawn is the narrowest there is.
#[test]
fn a_picture_that_does_not_fit_says_what_it_needs() {
    let output = netseg(&["--demo", "graph"])
        .env("COLUMNS", "60")
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0));
    let widest = out(&output).lines().map(|line| line.chars().count()).max();
    let widest = widest.expect("a picture");
    assert!((61..100).contains(&widest), "{widest}\n{}", out(&output));
    let told = err(&output);
    assert!(
        told.starts_with("note: the picture needs ")
            && told.contains(" columns, COLUMNS says 60: "),
        "{told}"
    );
    let output = netseg(&["--demo", "graph"])
        .env("COLUMNS", "200")
        .output()
        .expect("the binary starts");
    assert_eq!(err(&output), "");
}

#[test]
fn a_drawing_is_titled_by_its_arguments_and_drawn_with_the_traffic_asked_for() {
    let drawn = |args: &[&str]| {
        let output = run(&[&["--demo", "graph", "-o", "svg"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        out(&output)
    };
    let default = drawn(&[]);
    assert!(default.contains(">demo stalker</text>"), "{default}");
    assert!(
        default.contains(">all namespaces · as dev expects</text>"),
        "{default}"
    );
    let titled = drawn(&["--title", "a <b> & \"c\""]);
    assert!(titled.contains(">a &lt;b&gt; &amp; "), "{titled}");
    let dns = "data-from=\"stalker/deployment/flow-manager\" data-to=\"dns\"";
    assert!(!default.contains(dns), "{default}");
    let with_dns = drawn(&["--classes", "app,dns"]);
    assert!(with_dns.contains(dns), "{with_dns}");
    // What is not as expected is drawn whatever its kind.
    let missing = "data-from=\"stalker/deployment/orchestrator\" data-to=\"dns\"";
    assert!(default.contains(missing), "{default}");
}

#[test]
fn what_would_have_no_effect_on_a_graph_is_refused() {
    for args in [
        &["--demo", "graph", "--title", "x"][..],
        &["--demo", "graph", "-o", "json", "--title", "x"],
        &["--demo", "graph", "-o", "json", "--classes", "dns"],
        &["--demo", "graph", "--classes", "nonsense"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert_eq!(out(&output), "", "{args:?}");
    }
}

#[test]
fn a_picture_in_ascii_has_its_legend_in_ascii_too() {
    let output = run(&["--demo", "--ascii", "graph"]);
    let text = out(&output);
    assert!(text.is_ascii(), "{text}");
    // The signs of the lines themselves, as `Cell::ascii` has them.
    assert!(text.contains(".O.> expected, not allowed"), "{text}");
}
