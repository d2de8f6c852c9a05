mod calm;
mod laws;
mod measure;
mod pictures;
mod random;
mod reader;
mod signs;
