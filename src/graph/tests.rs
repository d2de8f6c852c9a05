mod laws;
mod measure;
mod pictures;
mod signs;
