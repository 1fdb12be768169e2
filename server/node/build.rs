//! Has the program built anew when files of the console come or go: the compiler itself sees only changes of those that
//! were there.

use std::path::Path;

fn main() {
    let client = Path::new("../../client");
    // Cargo takes a folder that is not there for one that always changes.
    let folder = ["web/dist", "web"].iter().map(|name| client.join(name)).find(|folder| folder.is_dir());
    println!("cargo:rerun-if-changed={}", folder.as_deref().unwrap_or(client).display());
}
