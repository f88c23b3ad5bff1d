"""The wing loss, a plugin of nncore with a kernel in Rust."""
