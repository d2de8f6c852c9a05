//! JUnit's XML, as the schema of Jenkins' xUnit plug-in describes it: what CI systems show as test results.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::xml::plain;

/// Test cases that are counted together.
pub struct Suite {
    pub name: String,
    pub cases: Vec<Case>,
}

/// One test case. Class and name together are what viewers follow a case by from run to run.
pub struct Case {
    pub class: String,
    pub name: String,
    pub outcome: Outcome,
}

pub enum Outcome {
    Passed,
    Failed(Told),
    /// It could not be decided.
    Error(Told),
    /// Something is to be said, and no test fails for it.
    Skipped(Told),
}

/// Why a case did not pass.
pub struct Told {
    /// A stable word, for viewers that group by it.
    pub kind: &'static str,
    /// One sentence.
    pub message: String,
    /// Everything, line by line.
    pub text: String,
}

/// Writes the whole document, ending in a line break. Durations are zero: nothing was measured, and some readers want them.
pub fn write(name: &str, suites: &[Suite]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    put(
        &mut writer,
        Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)),
    );
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    let counts = Counts::of(all());
    let mut root = BytesStart::new("testsuites");
    attribute(&mut root, "name", name);
    attribute(&mut root, "tests", &counts.tests.to_string());
    attribute(&mut root, "failures", &counts.failures.to_string());
    attribute(&mut root, "errors", &counts.errors.to_string());
    attribute(&mut root, "time", "0");
    element(&mut writer, root, suites.is_empty(), |writer| {
        for suite in suites {
            write_suite(writer, suite);
        }
    });
    let mut text = String::from_utf8(writer.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of<'a>(cases: impl Iterator<Item = &'a Case>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.tests += 1;
            match case.outcome {
                Outcome::Passed => {}
                Outcome::Failed(_) => counts.failures += 1,
                Outcome::Error(_) => counts.errors += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }
}

type Xml = Writer<Vec<u8>>;

fn write_suite(writer: &mut Xml, suite: &Suite) {
    let counts = Counts::of(suite.cases.iter());
    let mut start = BytesStart::new("testsuite");
    attribute(&mut start, "name", &suite.name);
    attribute(&mut start, "tests", &counts.tests.to_string());
    attribute(&mut start, "failures", &counts.failures.to_string());
    attribute(&mut start, "errors", &counts.errors.to_string());
    attribute(&mut start, "skipped", &counts.skipped.to_string());
    attribute(&mut start, "time", "0");
    element(writer, start, suite.cases.is_empty(), |writer| {
        for case in &suite.cases {
            write_case(writer, case);
        }
    });
}

fn write_case(writer: &mut Xml, case: &Case) {
    let mut start = BytesStart::new("testcase");
    attribute(&mut start, "classname", &case.class);
    attribute(&mut start, "name", &case.name);
    attribute(&mut start, "time", "0");
    let (tag, told) = match &case.outcome {
        Outcome::Passed => return put(writer, Event::Empty(start)),
        Outcome::Failed(told) => ("failure", told),
        Outcome::Error(told) => ("error", told),
        Outcome::Skipped(told) => ("skipped", told),
    };
    element(writer, start, false, |writer| {
        let mut start = BytesStart::new(tag);
        attribute(&mut start, "type", told.kind);
        attribute(&mut start, "message", &told.message);
        put(writer, Event::Start(start));
        let lines: Vec<Cow<'_, str>> = told.text.lines().map(plain).collect();
        put(writer, Event::Text(BytesText::new(&lines.join("\n"))));
        put(writer, Event::End(BytesEnd::new(tag)));
    });
}

fn element(
    writer: &mut Xml,
    start: BytesStart<'_>,
    is_empty: bool,
    content: impl FnOnce(&mut Xml),
) {
    if is_empty {
        return put(writer, Event::Empty(start));
    }
    let end = start.to_end().into_owned();
    put(writer, Event::Start(start));
    content(writer);
    put(writer, Event::End(end));
}

fn put(writer: &mut Xml, event: Event<'_>) {
    writer.write_event(event).expect("memory takes every write");
}

fn attribute(start: &mut BytesStart<'_>, name: &str, value: &str) {
    start.push_attribute((name, plain(value).as_ref()));
}
