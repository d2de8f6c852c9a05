mod laws;
mod measure;
mod pictures;
