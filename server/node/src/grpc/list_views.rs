//! `ListViews`: the views of a network and how they are doing.

use super::{Call, Failure, blocking, enter, reports, rows};
use crate::{node::Node, views::ServedView};
use kith_proto::v1;
use kith_views::{QuarantinedKey, ViewState, ViewStatus};
use tonic::Request;

/// Keys in quarantine that are told.
const QUARANTINED_MAX: usize = 100;

pub(super) async fn list_views(
    node: &Node,
    request: Request<v1::ListViewsRequest>,
) -> Result<v1::ListViewsResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let views = node.views().list(network.name(), &caller.principal);
    let head = network.head().get();
    let reports = node.views().reports(network.name(), &caller.principal);
    let views = blocking(move || {
        let views = views.iter().map(|(name, served)| view(name, served));
        views
            .chain(reports.iter().map(|(name, served)| reports::view(name, served)))
            .collect::<Result<Vec<_>, Failure>>()
    });
    Ok(v1::ListViewsResponse { views: views.await?, head })
}

/// A view as clients see it.
pub(crate) fn view(name: &str, served: &ServedView) -> Result<v1::View, Failure> {
    let mut view = with_status(name, served.handle.status()?);
    rows::view_key(served.handle.manifest().key_shape()).clone_into(&mut view.key);
    if served.paused && view.state() == v1::ViewState::Running {
        view.set_state(v1::ViewState::Paused);
    }
    Ok(view)
}

fn with_status(name: &str, status: ViewStatus) -> v1::View {
    let (events_per_second, fuel_per_event) = (status.events_per_second(), status.fuel_per_event());
    let (state, last_error) = state(status.state);
    v1::View {
        name: name.to_owned(),
        version: status.manifest.version,
        contract: status.contract.to_owned(),
        component: status.component.to_vec(),
        settings: status.settings,
        fields: rows::fields(&status.manifest.fields),
        state: state.into(),
        cursor: status.cursor.position.get(),
        lag: status.lag,
        keys: status.keys,
        rows: status.rows,
        events_folded: status.events_folded,
        fuel: status.fuel,
        state_bytes: status.state_bytes,
        faults: status.faults,
        quarantined: status.quarantined.into_iter().take(QUARANTINED_MAX).map(quarantined).collect(),
        last_error,
        events_per_second,
        fuel_per_event,
        ..v1::View::default()
    }
}

/// A view that waits after a failure still follows; the failure is told.
fn state(state: ViewState) -> (v1::ViewState, String) {
    match state {
        ViewState::Building => (v1::ViewState::Building, String::new()),
        ViewState::Running => (v1::ViewState::Running, String::new()),
        ViewState::Paused { reason } => (v1::ViewState::Running, reason),
        ViewState::Stopped { reason } => (v1::ViewState::Stopped, reason),
    }
}

fn quarantined(key: QuarantinedKey) -> v1::Quarantined {
    v1::Quarantined { key: rows::ids(&key.key), position: rows::number(key.position), message: key.message }
}
