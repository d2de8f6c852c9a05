mod calm;
mod laws;
mod pictures;
mod random;
mod reader;
