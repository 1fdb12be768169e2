//! Finds the views that a report reads, to fold them locally.

use crate::{failure::Failure, place::Place};
use kith_authoring::host::report::{Input, builtin, check_given, unknown};
use kith_client::{Client, v1};
use kith_views::ReportManifest;
use std::collections::BTreeMap;

/// The views that a report reads: those that were given, by name, and the others as the network has them.
pub(crate) async fn find_all(
    place: &Place,
    manifest: &ReportManifest,
    mut given: BTreeMap<String, Input>,
) -> Result<Vec<Input>, Failure> {
    check_given(manifest, given.keys())?;
    let mut inputs = Vec::with_capacity(manifest.inputs.len());
    for input in &manifest.inputs {
        inputs.push(match given.remove(&input.view) {
            Some(given) => given,
            None => find(place, &input.view).await?,
        });
    }
    Ok(inputs)
}

/// A view that a report reads: as the server has it; without a server the built-in one.
async fn find(place: &Place, name: &str) -> Result<Input, Failure> {
    let Place::Server(client) = place else { return builtin(name).ok_or_else(|| unknown(name).into()) };
    let views = client.list_views().await?.views;
    let view = views.into_iter().find(|view| view.name == name).ok_or_else(|| unknown(name))?;
    fetch(client, view).await
}

/// The component of a view or report of a server, and its settings.
pub(crate) async fn fetch(client: &Client, view: v1::View) -> Result<Input, Failure> {
    let digest = view.component.try_into().map_err(|_| Failure::Unexpected("the server gave no digest".to_owned()))?;
    let component = client.fetch_component(&digest).await?.to_vec();
    Ok(Input { component, settings: view.settings })
}
