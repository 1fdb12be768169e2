//! Views and reports with their status, as lists show them.

use super::{Failure, reports};
use crate::views::{Served, ServedView};
use kith_proto::v1;
use kith_views::wire;

/// A view or report as clients see it.
pub(super) fn served(name: &str, served: &Served) -> Result<v1::View, Failure> {
    match served {
        Served::View(served) => view(name, served),
        Served::Report(served) => reports::view(name, served),
    }
}

/// A view as clients see it.
pub(crate) fn view(name: &str, served: &ServedView) -> Result<v1::View, Failure> {
    let mut view = wire::view(name, served.handle.status()?);
    if served.paused && view.state() == v1::ViewState::Running {
        view.set_state(v1::ViewState::Paused);
    }
    Ok(view)
}
