//! A node in this process, called over the wire by a raw client.

mod access;
mod append;
mod checkpoints;
mod compile;
mod components;
mod demo;
mod directory;
mod harness;
mod lifecycle;
mod networks;
mod subscribe;
mod uploads;
mod views;
