//! The bounds on the shape of a component.

use crate::limits;

/// Something that is counted in a component before it is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Functions.
    Functions,
    /// Bytes of the largest function.
    FunctionBytes,
    /// Parameters and locals of one function.
    Locals,
    /// Nested blocks.
    Nesting,
    /// Locals of a function times its loops: each loop may carry all of them.
    LoopLocals,
    /// Locals of a function times its blocks.
    BlockLocals,
    /// Values that branches and blocks of one function carry.
    BranchValues,
    /// The same as `LoopLocals`, over all functions.
    LoopLocalsTotal,
    /// The same as `BlockLocals`, over all functions.
    BlockLocalsTotal,
    /// Core modules.
    Modules,
    /// Instances of core modules, made by any component.
    CoreInstances,
    /// Tables.
    Tables,
    /// Nested components.
    ComponentDepth,
    /// Instances of components within the component.
    ComponentInstances,
    /// Functions lifted or lowered between a component and its surroundings.
    CanonicalFunctions,
}

/// A bound that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) bound: Bound,
    pub(crate) found: u64,
}

impl Bound {
    /// Every bound, in order.
    pub(crate) const ALL: [Self; 15] = [
        Self::Functions,
        Self::FunctionBytes,
        Self::Locals,
        Self::Nesting,
        Self::LoopLocals,
        Self::BlockLocals,
        Self::BranchValues,
        Self::LoopLocalsTotal,
        Self::BlockLocalsTotal,
        Self::Modules,
        Self::CoreInstances,
        Self::Tables,
        Self::ComponentDepth,
        Self::ComponentInstances,
        Self::CanonicalFunctions,
    ];

    /// The maximum.
    pub fn max(self) -> u64 {
        match self {
            Self::Functions => limits::FUNCTIONS_MAX,
            Self::FunctionBytes => limits::FUNCTION_BYTES_MAX,
            Self::Locals => limits::LOCALS_MAX,
            Self::Nesting => limits::NESTING_MAX,
            Self::LoopLocals => limits::LOOP_LOCALS_MAX,
            Self::BlockLocals => limits::BLOCK_LOCALS_MAX,
            Self::BranchValues => limits::BRANCH_VALUES_MAX,
            Self::LoopLocalsTotal => limits::LOOP_LOCALS_TOTAL_MAX,
            Self::BlockLocalsTotal => limits::BLOCK_LOCALS_TOTAL_MAX,
            Self::Modules => limits::MODULES_MAX,
            Self::CoreInstances => u64::from(limits::CORE_INSTANCES_MAX),
            Self::Tables => u64::from(limits::TABLES_MAX),
            Self::ComponentDepth => limits::COMPONENT_DEPTH_MAX,
            Self::ComponentInstances => limits::COMPONENT_INSTANCES_MAX,
            Self::CanonicalFunctions => limits::CANONICAL_FUNCTIONS_MAX,
        }
    }

    /// What is counted, for error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::FunctionBytes => "bytes in one function",
            Self::Locals => "parameters and locals in one function",
            Self::Nesting => "blocks within each other",
            Self::LoopLocals => "locals times loops in one function",
            Self::BlockLocals => "locals times blocks in one function",
            Self::BranchValues => "values carried by the branches of one function",
            Self::LoopLocalsTotal => "locals times loops over all functions",
            Self::BlockLocalsTotal => "locals times blocks over all functions",
            Self::Modules => "core modules",
            Self::CoreInstances => "core instances",
            Self::Tables => "tables",
            Self::ComponentDepth => "components within each other",
            Self::ComponentInstances => "component instances",
            Self::CanonicalFunctions => "lifted and lowered functions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_has_its_place() {
        for (place, bound) in Bound::ALL.into_iter().enumerate() {
            assert_eq!(bound as usize, place, "{bound:?}");
        }
    }
}
