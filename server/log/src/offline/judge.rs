//! Compares the logs in a data folder with their signed checkpoints.

use crate::{
    config::Config,
    error::OpenError,
    files::open_database,
    keys::{key_file, place::KeyPlace, signing_key},
    sign::{
        checkpoint_file::CheckpointFile,
        judge::{Judgement, judge_all},
    },
};

/// Judges the logs in a data folder that no server has open, in the order of their origins.
pub fn judge(config: &Config) -> Result<Vec<Judgement>, OpenError> {
    let file = config.data.join("log.redb");
    let database = open_database(config, &file)?;
    let place = KeyPlace::of(config);
    let key = signing_key::read_or_make(place.folder(), &key_file::open(&place, false)?)?;
    let signed = CheckpointFile::new(config.checkpoint_path()).read()?;
    judge_all(&database, &key, &signed)
}
