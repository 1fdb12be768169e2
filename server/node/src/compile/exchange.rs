//! What a server and the process that compiles for it say to each other. All numbers are little-endian.
//!
//! The server sends how many packs of functions follow (4 bytes); of each its length (8 bytes), its bytes, and 1 if they are
//! what this program wrote for the author; then the component, to the end. The process answers with the length of the
//! code (8 bytes), the code, a bit for each pack that was of use (8 bytes), and a pack of the functions that it had to
//! compile, to the end.
//!
//! Invariant: of a pack the server holds a piece at a time, and never looks into one.

use crate::limits::COMPILER_WORDS_BYTES_MAX;
use kith_views::{NewPack, Pack, limits};
use std::io;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout},
};

/// What follows a pack that is what this program wrote for the author.
pub(super) const IS_OURS: u8 = 1;

/// What a child said.
pub(super) struct Said {
    /// The code, if it sent all of it.
    pub(super) code: Option<Vec<u8>>,
    /// A bit for each pack that was of use.
    pub(super) used: u64,
    /// The functions that it had to compile, if there was room for all of them.
    pub(super) made: Option<NewPack>,
    /// What it wrote to standard error.
    pub(super) words: String,
    /// The packs that cannot be used.
    pub(super) damaged: Vec<usize>,
}

/// Sends packs and a component to a child and reads its answer to the end.
pub(super) async fn exchange(
    child: &mut Child,
    component: &[u8],
    packs: &[Pack],
    new: Option<NewPack>,
) -> io::Result<Said> {
    let (stdin, stdout, stderr) = (
        child.stdin.take().expect("it is piped"),
        child.stdout.take().expect("it is piped"),
        child.stderr.take().expect("it is piped"),
    );
    let give = async {
        let mut damaged = Vec::new();
        // If a child ends before it has read everything, its exit code says why.
        drop(give(stdin, component, packs, &mut damaged).await);
        damaged
    };
    let (damaged, answer, words) = tokio::join!(give, take(stdout, new), read(stderr, COMPILER_WORDS_BYTES_MAX));
    let ((code, used, made), words) = (answer?, String::from_utf8_lossy(&words?).trim().to_owned());
    Ok(Said { code, used, made, words, damaged })
}

async fn give(mut stdin: ChildStdin, component: &[u8], packs: &[Pack], damaged: &mut Vec<usize>) -> io::Result<()> {
    stdin.write_u32_le(u32::try_from(packs.len()).expect("an author has few packs")).await?;
    for (number, pack) in packs.iter().enumerate() {
        stdin.write_u64_le(pack.bytes()).await?;
        if give_pack(&mut stdin, pack).await? {
            stdin.write_u8(IS_OURS).await?;
        } else {
            tracing::warn!("compiled functions were damaged or not made here; they are compiled again");
            stdin.write_u8(0).await?;
            damaged.push(number);
        }
    }
    stdin.write_all(component).await?;
    stdin.shutdown().await
}

/// Sends the bytes of a pack, as many as were announced. Returns whether they may be used.
async fn give_pack(stdin: &mut ChildStdin, pack: &Pack) -> io::Result<bool> {
    let (mut left, opened) = (pack.bytes(), pack.clone());
    let mut reader = kith_log::blocking(move || opened.open()).await.ok();
    while left > 0 {
        let piece = match reader.take() {
            Some(mut open) => kith_log::blocking(move || open.next_piece().map(|piece| (open, piece))).await.ok(),
            None => None,
        };
        let piece = match piece {
            Some((open, piece)) if !piece.is_empty() => {
                reader = Some(open);
                piece
            }
            Some(_) | None => vec![0; usize::try_from(left.min(limits::PACK_PIECE_BYTES)).expect("a piece is small")],
        };
        stdin.write_all(&piece).await?;
        left -= piece.len() as u64;
    }
    Ok(reader.is_some_and(kith_views::PackReader::is_ours))
}

type Answer = (Option<Vec<u8>>, u64, Option<NewPack>);

async fn take(mut stdout: ChildStdout, new: Option<NewPack>) -> io::Result<Answer> {
    let nothing = Ok((None, 0, None));
    let Ok(length) = stdout.read_u64_le().await else { return nothing };
    if length > limits::CODE_BYTES_MAX {
        return nothing;
    }
    let mut code = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    (&mut stdout).take(length).read_to_end(&mut code).await?;
    if code.len() as u64 != length {
        return nothing;
    }
    let Ok(used) = stdout.read_u64_le().await else { return Ok((Some(code), 0, None)) };
    Ok((Some(code), used, take_pack(stdout, new).await?))
}

/// Writes what is left of an answer to a pack. Reads to the end in any case: a child that nobody reads does not end.
async fn take_pack(mut stdout: ChildStdout, mut new: Option<NewPack>) -> io::Result<Option<NewPack>> {
    loop {
        let piece = read(&mut stdout, limits::PACK_PIECE_BYTES).await?;
        if piece.is_empty() {
            return Ok(new);
        }
        let Some(mut pack) = new.take() else { continue };
        new = kith_log::blocking(move || match pack.push(&piece) {
            Ok(true) => Some(pack),
            Ok(false) => None,
            Err(error) => {
                tracing::warn!(%error, "compiled functions could not be stored");
                None
            }
        })
        .await;
    }
}

async fn read(from: impl AsyncRead + Unpin, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
