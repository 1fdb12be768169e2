//! Components and their compiled code: compiled once, and deleted when nothing names it.

use super::{NetworkViews, NotKept, builtin_component};
use crate::compile::{CompileError, For};
use kith_core::{
    id::NetworkName,
    may::{Principal, Reach},
};
use kith_log::{ComponentDigest, Network};
use kith_views::{Author, Compiled, Declared};

impl NetworkViews {
    /// Compiles a component for the principal that installs it and reads its manifest. It is not compiled again while
    /// the returned code is held.
    pub(crate) async fn inspect(
        &self,
        network: &NetworkName,
        principal: &Principal,
        component: bytes::Bytes,
        settings: String,
    ) -> Result<(Declared, Compiled), CompileError> {
        let author = Author { network: network.clone(), principal: author(principal) };
        let compiled = self.compile(component.clone(), For::principal(principal), Some(author)).await?;
        let host = self.host.clone();
        let declared = kith_log::blocking(move || host.inspect(&component, &settings)).await?;
        Ok((declared, compiled))
    }

    /// The code of a component, compiled if necessary.
    pub(super) async fn compile(
        &self,
        component: bytes::Bytes,
        of: For,
        author: Option<Author>,
    ) -> Result<Compiled, CompileError> {
        let (host, bytes) = (self.host.clone(), component.clone());
        if let Some(compiled) = kith_log::blocking(move || host.find_compiled(&bytes)).await? {
            return Ok(compiled);
        }
        let code = self.compiler.compile(&component, of, author).await?;
        let host = self.host.clone();
        Ok(kith_log::blocking(move || host.adopt(&component, &code)).await?)
    }

    /// Deletes from disk the code of all components that no plugin names and that are not built in, and the functions of
    /// networks that are no longer there.
    pub(crate) async fn forget_code(&self) {
        let (packs, log) = (self.compiler.packs(), self.log.clone());
        let is_there = move |name: &str| name.parse().is_ok_and(|name| log.network(&name).is_some());
        if let Err(error) = kith_log::blocking(move || packs.retain_networks(is_there)).await {
            tracing::warn!(%error, "the folder of compiled functions cannot be read");
        }
        let plugins: Vec<_> = self.log.networks().iter().map(Network::plugins).collect();
        let host = self.host.clone();
        let deleted = kith_log::blocking(move || {
            let is_named = |digest: &ComponentDigest| plugins.iter().any(|plugins| plugins.uses(digest));
            host.retain_compiled(|digest| is_named(digest) || builtin_component(digest).is_some())
        });
        match deleted.await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "deleted unused compiled code"),
            Err(error) => tracing::warn!(%error, "the folder of compiled code cannot be read"),
        }
    }

    /// The bytes of a component, built in or from the log.
    pub(super) async fn component(&self, digest: &ComponentDigest) -> Result<bytes::Bytes, NotKept> {
        if let Some(component) = builtin_component(digest) {
            return Ok(component);
        }
        let (log, digest) = (self.log.clone(), *digest);
        kith_log::blocking(move || log.component(&digest)).await?.ok_or(NotKept::ComponentGone)
    }
}

/// Whose components share their functions: those of one principal. A token for the whole server is another one than a
/// network's with the same id.
fn author(principal: &Principal) -> String {
    let reach = match principal.reach {
        Reach::Server => "server",
        Reach::Network(_) => "network",
    };
    format!("{reach} {}", principal.id)
}
