//! Lines of a document, told apart: tables, prose, headings, code.
//!
//! Documents are read as people left them, not as a Markdown library wants them: tables glued to prose, without outer pipes, with more
//! delimiter cells than headers, rows without their last pipe.

use std::borrow::Cow;

/// A document in pieces, in the order they stand.
#[derive(Debug, Default)]
pub(super) struct Document<'t> {
    pub(super) lines: Vec<Line<'t>>,
    pub(super) tables: Vec<Table<'t>>,
}

#[derive(Debug)]
pub(super) struct Line<'t> {
    /// From 1.
    pub(super) number: u32,
    pub(super) text: &'t str,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Blank,
    /// `## Title`, a rule of dashes: what comes after belongs to something else.
    Heading,
    /// Between fences, and the fences.
    Code,
    Quote,
    /// The first line of a list's item.
    Item,
    /// A line of the table of this index.
    Table(usize),
    Prose,
}

#[derive(Debug)]
pub(super) struct Table<'t> {
    /// The line of the header.
    pub(super) line: u32,
    /// Index of the header in the document's lines.
    pub(super) first: usize,
    pub(super) header: Vec<Cell<'t>>,
    pub(super) rows: Vec<Row<'t>>,
}

#[derive(Debug)]
pub(super) struct Row<'t> {
    pub(super) line: u32,
    /// As written, without blanks around it.
    pub(super) text: &'t str,
    pub(super) cells: Vec<Cell<'t>>,
}

#[derive(Clone, Debug)]
pub(super) struct Cell<'t> {
    /// Without blanks around it; an escaped pipe is a pipe.
    pub(super) text: Cow<'t, str>,
    /// Where it begins in its line, in characters from 1.
    pub(super) column: u32,
}

/// Cuts a text into lines and tables. Never fails; a text without tables has none. Linear in the text.
pub(super) fn scan(text: &str) -> Document<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut document = Document::default();
    let mut fence: Option<&str> = None;
    for (number, line) in (1u32..).zip(text.lines()) {
        let trimmed = line.trim();
        let opens = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        let kind = match (fence, opens) {
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                Kind::Code
            }
            (Some(_), _) => Kind::Code,
            (None, Some(mark)) => {
                fence = Some(mark);
                Kind::Code
            }
            (None, None) => kind_of(trimmed),
        };
        document.lines.push(Line {
            number,
            text: line,
            kind,
        });
    }
    let mut index = 1;
    while index < document.lines.len() {
        if is_header_of(&document.lines[index - 1], &document.lines[index]) {
            index = table(&mut document, index);
        } else {
            index += 1;
        }
    }
    document
}

fn kind_of(trimmed: &str) -> Kind {
    let numbered = trimmed
        .split_once(['.', ')'])
        .is_some_and(|(number, rest)| {
            !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
                && rest.starts_with(' ')
        });
    if trimmed.is_empty() {
        Kind::Blank
    } else if trimmed.starts_with('#') || is_rule(trimmed) {
        Kind::Heading
    } else if trimmed.starts_with('>') {
        Kind::Quote
    } else if numbered
        || ["- ", "* ", "+ "]
            .iter()
            .any(|mark| trimmed.starts_with(mark))
    {
        Kind::Item
    } else {
        Kind::Prose
    }
}

fn is_rule(trimmed: &str) -> bool {
    trimmed.len() >= 3
        && ['-', '*', '_', '=']
            .iter()
            .any(|mark| trimmed.chars().all(|c| c == *mark))
}

fn is_header_of(above: &Line<'_>, line: &Line<'_>) -> bool {
    above.kind != Kind::Code
        && line.kind != Kind::Code
        && is_delimiter(line.text)
        && above.text.contains('|')
        && !is_delimiter(above.text)
}

/// A line of `---` cells with at least one pipe; colons for alignment may stand at their ends.
fn is_delimiter(line: &str) -> bool {
    let is_dashes = |cell: &Cell<'_>| {
        let text = cell.text.strip_prefix(':').unwrap_or(&cell.text);
        let text = text.strip_suffix(':').unwrap_or(text);
        text.len() >= 3 && text.bytes().all(|b| b == b'-')
    };
    line.contains('|') && {
        let cells = cells(line);
        !cells.is_empty() && cells.iter().all(is_dashes)
    }
}

/// Takes the table whose delimiter is the line of this index; returns the index of the first line behind it.
fn table(document: &mut Document<'_>, delimiter: usize) -> usize {
    let number = document.tables.len();
    let first = delimiter - 1;
    let mut found = Table {
        line: document.lines[first].number,
        first,
        header: cells(document.lines[first].text),
        rows: Vec::new(),
    };
    document.lines[first].kind = Kind::Table(number);
    document.lines[delimiter].kind = Kind::Table(number);
    let mut index = delimiter + 1;
    while let Some(line) = document.lines.get(index) {
        // The header of the next table is glued on where its delimiter follows.
        let next = document.lines.get(index + 1);
        let begins_another = next.is_some_and(|next| is_header_of(line, next));
        if line.kind == Kind::Code || !line.text.contains('|') || begins_another {
            break;
        }
        found.rows.push(Row {
            line: line.number,
            text: line.text.trim(),
            cells: cells(line.text),
        });
        document.lines[index].kind = Kind::Table(number);
        index += 1;
    }
    document.tables.push(found);
    index
}

/// The cells of a line. A pipe at either end encloses and separates nothing.
fn cells(line: &str) -> Vec<Cell<'_>> {
    let mut found: Vec<Cell<'_>> = Vec::new();
    let mut start = (0, 1);
    let mut escaped = false;
    for (column, (at, c)) in (1..).zip(line.char_indices()) {
        if c == '|' && !escaped {
            found.push(cell(&line[start.0..at], start.1));
            start = (at + 1, column + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    found.push(cell(&line[start.0..], start.1));
    let piped = found.len() > 1;
    if piped && found.last().is_some_and(|last| last.text.is_empty()) {
        found.pop();
    }
    if piped && found.first().is_some_and(|first| first.text.is_empty()) {
        found.remove(0);
    }
    found
}

fn cell(text: &str, column: u32) -> Cell<'_> {
    let before = text.len() - text.trim_start().len();
    let blanks = u32::try_from(text[..before].chars().count()).unwrap_or(u32::MAX);
    let text = text.trim();
    Cell {
        text: if text.contains("\\|") {
            Cow::Owned(text.replace("\\|", "|"))
        } else {
            Cow::Borrowed(text)
        },
        column: column.saturating_add(blanks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each table as `line: header / row / row`, cells between `,`.
    fn check(text: &str, expected: &[&str]) {
        let joined = |cells: &[Cell<'_>]| {
            let texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_ref()).collect();
            texts.join(",")
        };
        let told: Vec<String> = scan(text)
            .tables
            .iter()
            .map(|table| {
                let rows: Vec<String> = table.rows.iter().map(|row| joined(&row.cells)).collect();
                format!(
                    "{}: {} / {}",
                    table.line,
                    joined(&table.header),
                    rows.join(" / ")
                )
            })
            .collect();
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn tables_are_found_as_people_leave_them() {
        check(
            "| A | B |\n| --- | :---: |\n| 1 | 2 |\n\nafter\n",
            &["1: A,B / 1,2"],
        );
        // No outer pipes in front, prose at once before and behind.
        check(
            "The table :\nPod | In |\n---|---|\nx | 80 |\ny | 90 |\nYou can | not\nend",
            &["2: Pod,In / x,80 / y,90 / You can,not"],
        );
        // More delimiters than headers, rows without their last pipe, pipes glued to words.
        check(
            "| C  | P | F |\n|-----|:---- |:--- |:----:|\n| a b| 80 | x \n| c | 90 | \n",
            &["1: C,P,F / a b,80,x / c,90"],
        );
        check("a | b\n-|-\n1 | 2\n", &[]);
        check("one\n---\ntwo | three\n", &[]);
        check(
            "```\n| A | B |\n|---|---|\n| 1 | 2 |\n```\n| C |\n|---|\n| 3 |",
            &["6: C / 3"],
        );
        check("\u{feff}| A |\r\n|---|\r\n| x |\r\n", &["1: A / x"]);
        // Two tables one right behind the other.
        check(
            "| A | B |\n|---|---|\n| 1 | 2 |\n| C | D |\n|---|---|\n| 3 | 4 |",
            &["1: A,B / 1,2", "4: C,D / 3,4"],
        );
    }

    #[test]
    fn an_escaped_pipe_belongs_to_its_cell_and_columns_count_characters() {
        let document = scan("| A | B |\n|---|---|\n|  ä\\|b |  c |");
        let row = &document.tables[0].rows[0];
        let told: Vec<(&str, u32)> = row
            .cells
            .iter()
            .map(|cell| (cell.text.as_ref(), cell.column))
            .collect();
        assert_eq!(told, [("ä|b", 4), ("c", 12)]);
    }

    #[test]
    fn lines_say_what_they_are() {
        use Kind::{Blank, Code, Heading, Item, Prose, Quote};
        let kinds: Vec<Kind> =
            scan("# T\ntext\n- item\n1. item\n> quote\n\n---\n~~~\n# no title\n~~~\n")
                .lines
                .iter()
                .map(|line| line.kind)
                .collect();
        assert_eq!(
            kinds,
            [
                Heading, Prose, Item, Item, Quote, Blank, Heading, Code, Code, Code
            ]
        );
    }
}
