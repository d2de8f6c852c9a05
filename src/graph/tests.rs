mod laws;
mod pictures;
