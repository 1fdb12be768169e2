//! The console: its pages, sessions of browsers, and the calls that it asks with.

mod calls;
mod pages;
mod sessions;
