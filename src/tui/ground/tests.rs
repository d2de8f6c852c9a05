use super::*;

fn question(line: &str) -> (String, String, String) {
    let question = parse_line(line).unwrap();
    (question.from, question.to, question.port)
}

fn three(from: &str, to: &str, port: &str) -> (String, String, String) {
    (from.to_owned(), to.to_owned(), port.to_owned())
}

#[test]
fn a_probe_can_be_written_with_blanks_or_with_an_arrow() {
    assert_eq!(
        question("shop/web shop/db 5432"),
        three("shop/web", "shop/db", "5432")
    );
    assert_eq!(
        question(" shop/web -> shop/db:5432 "),
        three("shop/web", "shop/db", "5432")
    );
    assert_eq!(
        question("shop/web -> shop/db"),
        three("shop/web", "shop/db", "")
    );
    assert_eq!(
        question("shop/web 2001:db8::1 443"),
        three("shop/web", "2001:db8::1", "443")
    );
    assert_eq!(
        question("a -> 2001:db8::1 443"),
        three("a", "2001:db8::1", "443")
    );
    assert!(parse_line("one").is_err());
    assert!(parse_line("a b 1 2").is_err());
}
