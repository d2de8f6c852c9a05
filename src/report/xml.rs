//! XML as text: what is opened gets closed, and whatever a cluster sends stays text.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use crate::text::tame;

/// What XML can hold: control characters are written out, and so are the two characters it has no way to spell at all.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let tamed = tame(text);
    if !tamed.contains(['\u{fffe}', '\u{ffff}']) {
        return tamed;
    }
    let spelled = tamed.replace('\u{fffe}', "\\u{fffe}");
    Cow::Owned(spelled.replace('\u{ffff}', "\\u{ffff}"))
}

/// A name and what it is set to.
pub(super) type Attribute<'a> = (&'a str, &'a str);

/// A document being written, an element a line.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    pub(super) fn new() -> Self {
        Self {
            writer: Writer::new_with_indent(Vec::new(), b' ', 1),
        }
    }

    fn put(&mut self, event: Event<'_>) {
        self.writer
            .write_event(event)
            .expect("memory takes every write");
    }

    /// An element around what `content` writes.
    pub(super) fn group(
        &mut self,
        name: &str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Self),
    ) {
        self.put(Event::Start(start(name, attributes)));
        content(self);
        self.put(Event::End(BytesEnd::new(name)));
    }

    /// An element without content.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.put(Event::Empty(start(name, attributes)));
    }

    /// An element around one text.
    pub(super) fn text(&mut self, name: &str, attributes: &[Attribute<'_>], text: &str) {
        self.group(name, attributes, |xml| {
            xml.put(Event::Text(BytesText::new(&plain(text))));
        });
    }

    /// An element around text of our own that may have line breaks and needs no escapes.
    pub(super) fn own_lines(&mut self, name: &str, lines: &str) {
        self.group(name, &[], |xml| {
            xml.put(Event::Text(BytesText::from_escaped(lines)));
        });
    }

    /// The document, ending in a line break.
    pub(super) fn finish(self) -> String {
        let mut text = String::from_utf8(self.writer.into_inner()).expect("only text was written");
        text.push('\n');
        text
    }
}

fn start<'a>(name: &'a str, attributes: &[Attribute<'_>]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, plain(value).as_ref()));
    }
    start
}
