//! `ActivatePlugin`, `RollbackPlugin`, `PausePlugin`, `ResumePlugin`, `RemovePlugin`: each appends an entry to the log,
//! or does nothing if it would change nothing.

use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
    plugins::Pause,
};
use kith_core::id::EventId;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn activate_plugin(
    node: &Node,
    request: Request<v1::ActivatePluginRequest>,
) -> Result<v1::ActivatePluginResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let position = node.plugins().activate(&network, &caller.principal, &message.name, &message.version).await?;
    Ok(v1::ActivatePluginResponse { position: position.get() })
}

pub(super) async fn rollback_plugin(
    node: &Node,
    request: Request<v1::RollbackPluginRequest>,
) -> Result<v1::RollbackPluginResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let (version, position) = node.plugins().rollback(&network, &caller.principal, &message.name).await?;
    Ok(v1::RollbackPluginResponse { version, position: position.get() })
}

pub(super) async fn pause_plugin(
    node: &Node,
    request: Request<v1::PausePluginRequest>,
) -> Result<v1::PausePluginResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let position = node.plugins().pause(&network, &caller.principal, &message.name, Pause::Hold).await?;
    Ok(v1::PausePluginResponse { position: position.get() })
}

pub(super) async fn resume_plugin(
    node: &Node,
    request: Request<v1::ResumePluginRequest>,
) -> Result<v1::ResumePluginResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let position = node.plugins().pause(&network, &caller.principal, &message.name, Pause::GoOn).await?;
    Ok(v1::ResumePluginResponse { position: position.get() })
}

pub(super) async fn remove_plugin(
    node: &Node,
    request: Request<v1::RemovePluginRequest>,
) -> Result<v1::RemovePluginResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let principal = &caller.principal;
    let position = match (message.name.as_str(), &message.installed[..]) {
        (name, []) => node.plugins().remove(&network, principal, name).await?,
        ("", installed) => {
            let installed = EventId::parse_field(installed, "installed");
            let installed = installed.map_err(|invalid| convert::request_invalid(&invalid))?;
            node.plugins().end(&network, principal, installed).await?
        }
        (_, _) => return Err(Failure::request("installed", "cannot be combined with name")),
    };
    Ok(v1::RemovePluginResponse { position: position.get() })
}
