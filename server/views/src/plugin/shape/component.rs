//! Counts the instances that a component makes. Those of a nested component count each time it is instantiated.

use super::{Bound, Frame, Problem, Shape, bound::Excess};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentImportSectionReader, ComponentInstance,
    ComponentInstanceSectionReader, ComponentOuterAliasKind, ComponentTypeRef, SectionLimited,
};

/// The instances that one instance of a component makes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) core_instances: u64,
    pub(super) component_instances: u64,
}

/// A component, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Scope {
    totals: Totals,
    /// The components that it can refer to; `None` for those that come from elsewhere, of which nothing is known.
    components: Vec<Option<Totals>>,
}

impl Scope {
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn define(&mut self, component: Totals) {
        self.components.push(Some(component));
    }

    pub(super) fn instantiate_module(&mut self) {
        self.totals.core_instances += 1;
    }

    fn instantiate(&mut self, component: Totals) {
        let Totals { core_instances, component_instances } = &mut self.totals;
        *core_instances = core_instances.saturating_add(component.core_instances);
        *component_instances = component_instances.saturating_add(component.component_instances).saturating_add(1);
    }
}

/// The component that is being read. Sections of components occur only in components: the validation that runs
/// alongside refuses anything else.
pub(super) fn innermost(frames: &mut [Frame]) -> Option<&mut Scope> {
    match frames.last_mut() {
        Some(Frame::Component(scope)) => Some(scope),
        Some(Frame::Module(_)) | None => None,
    }
}

/// Counts instances. Refuses to instantiate a component that comes from elsewhere: it could make any number of them.
pub(super) fn instantiate(
    shape: &mut Shape,
    frames: &mut [Frame],
    instances: ComponentInstanceSectionReader<'_>,
) -> Result<(), Problem> {
    let Some(scope) = innermost(frames) else { return Ok(()) };
    for instance in instances {
        let ComponentInstance::Instantiate { component_index, .. } = instance? else { continue };
        let Some(known) = scope.components.get(component_index as usize).copied().flatten() else {
            return Err(Excess { bound: Bound::ComponentInstances, found: u64::MAX }.into());
        };
        scope.instantiate(known);
        shape.raise(Bound::CoreInstances, scope.totals.core_instances)?;
        shape.raise(Bound::ComponentInstances, scope.totals.component_instances)?;
    }
    Ok(())
}

/// Adds aliased components to the index space.
pub(super) fn alias(
    frames: &mut [Frame],
    aliases: SectionLimited<'_, ComponentAlias<'_>>,
) -> Result<(), wasmparser::Error> {
    for alias in aliases {
        let known = match alias? {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                outer(frames, count as usize, index as usize)
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => None,
            ComponentAlias::Outer { .. }
            | ComponentAlias::InstanceExport { .. }
            | ComponentAlias::CoreInstanceExport { .. } => continue,
        };
        if let Some(scope) = innermost(frames) {
            scope.components.push(known);
        }
    }
    Ok(())
}

fn outer(frames: &[Frame], count: usize, index: usize) -> Option<Totals> {
    match frames.get(frames.len().checked_sub(count + 1)?)? {
        Frame::Component(scope) => scope.components.get(index).copied().flatten(),
        Frame::Module(_) => None,
    }
}

/// Adds imported components to the index space.
pub(super) fn import(frames: &mut [Frame], imports: ComponentImportSectionReader<'_>) -> Result<(), wasmparser::Error> {
    for import in imports {
        if let ComponentTypeRef::Component(_) = import?.ty
            && let Some(scope) = innermost(frames)
        {
            scope.components.push(None);
        }
    }
    Ok(())
}
