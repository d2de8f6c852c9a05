//! `keys`: the key table, printed from the same list that the screen reads.

use crate::report::json;
use crate::tui::keys;

use super::OK;
use super::args::{KeysArgs, TextJson};
use super::out::Out;

pub(crate) fn run(asked: &KeysArgs, out: &mut Out) -> u8 {
    out.data(&match asked.output {
        TextJson::Text => keys::text(),
        TextJson::Json => {
            let listed: Vec<(&str, &str)> = keys::table()
                .iter()
                .map(|binding| (binding.keys, binding.does))
                .collect();
            json::keys(&listed)
        }
    });
    OK
}
