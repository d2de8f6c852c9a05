//! The filter typed after `/`: words, and words that look at one column.
//!
//! `word` matches anywhere; `ns: from: to: port: by:` look at one column, `is:` at verdicts, finding codes, `drift` and the state
//! of the expectation; `!` in front negates. All terms must hold. Digits after `port:` match a port exactly.

/// A parsed filter. The empty one lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    negated: bool,
    column: Option<Column>,
    /// In lower case.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Namespace,
    From,
    To,
    Port,
    By,
    Is,
}

const COLUMNS: [(&str, Column); 6] = [
    ("ns", Column::Namespace),
    ("from", Column::From),
    ("to", Column::To),
    ("port", Column::Port),
    ("by", Column::By),
    ("is", Column::Is),
];

/// What a row shows, in lower case, prepared once so that filtering is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) anywhere: String,
    pub(super) namespaces: Vec<String>,
    pub(super) from: String,
    pub(super) to: String,
    /// Port texts; their runs of digits are compared.
    pub(super) ports: Vec<String>,
    pub(super) by: String,
    pub(super) is: Vec<String>,
}

impl Filter {
    /// Reads a filter; the error says what is wrong, for people.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for word in text.split_whitespace() {
            let (negated, rest) = word
                .strip_prefix('!')
                .map_or((false, word), |rest| (true, rest));
            let (column, wanted) = match rest.split_once(':') {
                Some((name, wanted)) => {
                    let known = COLUMNS.iter().find(|(known, _)| *known == name);
                    let Some((_, column)) = known else {
                        return Err(format!("no column `{name}`: use ns from to port by is"));
                    };
                    (Some(*column), wanted)
                }
                None => (None, rest),
            };
            if wanted.is_empty() {
                return Err(format!("`{word}` says nothing to look for"));
            }
            terms.push(Term {
                negated,
                column,
                text: wanted.to_lowercase(),
            });
        }
        Ok(Self { terms })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(super) fn matches(&self, facts: &Facts) -> bool {
        self.terms
            .iter()
            .all(|term| term.holds(facts) != term.negated)
    }
}

impl Term {
    fn holds(&self, facts: &Facts) -> bool {
        let wanted = self.text.as_str();
        match self.column {
            None => facts.anywhere.contains(wanted),
            Some(Column::Namespace) => facts.namespaces.iter().any(|name| name.contains(wanted)),
            Some(Column::From) => facts.from.contains(wanted),
            Some(Column::To) => facts.to.contains(wanted),
            Some(Column::By) => facts.by.contains(wanted),
            Some(Column::Is) => facts.is.iter().any(|word| word == wanted),
            Some(Column::Port) if wanted.bytes().all(|b| b.is_ascii_digit()) => facts
                .ports
                .iter()
                .flat_map(|port| port.split(|c: char| !c.is_ascii_digit()))
                .any(|number| number == wanted),
            Some(Column::Port) => facts.ports.iter().any(|port| port.contains(wanted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            anywhere: "in edge/ingress 8080/tcp allow shop/api-from-edge".to_owned(),
            namespaces: vec!["edge".to_owned()],
            from: "edge/ingress".to_owned(),
            to: "shop/api".to_owned(),
            ports: vec!["8080/tcp".to_owned()],
            by: "shop/api-from-edge".to_owned(),
            is: vec!["allow".to_owned(), "drift".to_owned()],
        }
    }

    #[test]
    fn terms_look_where_they_say() {
        for (text, expected) in [
            ("", true),
            ("Ingress", true),
            ("nothing", false),
            ("ns:edge", true),
            ("ns:shop", false),
            ("from:edge to:api", true),
            ("port:8080", true),
            ("port:80", false),
            ("port:tcp", true),
            ("is:drift", true),
            ("is:dri", false),
            ("!is:deny", true),
            ("!edge", false),
            ("by:from-edge", true),
        ] {
            assert_eq!(
                Filter::parse(text).unwrap().matches(&facts()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(
            Filter::parse("nss:x").unwrap_err(),
            "no column `nss`: use ns from to port by is"
        );
        assert_eq!(
            Filter::parse("ns:").unwrap_err(),
            "`ns:` says nothing to look for"
        );
    }
}
