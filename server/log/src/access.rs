//! Who reads the logs of this server, and where it sends them of itself. It is about this server and not about a log, so it
//! lies beside the log, in a folder of its own: no backup of the log carries it.

pub(crate) mod replicas;
pub(crate) mod webhooks;

use crate::{error::OpenError, files::make_private_folder};
use redb::Builder;
use std::path::{Path, PathBuf};

/// Memory of the pages of each file.
const CACHE_BYTES: usize = 1024 * 1024;

/// The path of a file in the folder, which is created if there is none.
fn place(data: &Path, file: &str) -> Result<PathBuf, OpenError> {
    let folder = data.join("access");
    make_private_folder(&folder)?;
    Ok(folder.join(file))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}
