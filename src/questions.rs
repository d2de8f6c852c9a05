//! What operators ask, one file a question. Answers are plain data; `report` and the screen put them into words.

pub mod connections;
pub mod ends;
pub mod environments;
pub mod exposure;
pub mod flows;
pub mod info;
pub mod matrix;
pub mod probe;
pub mod scope;
pub mod table;
