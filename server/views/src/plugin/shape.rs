//! The shape of a component, counted before anything is compiled: its size alone does not show what compiling costs.
//!
//! Invariant: counting takes time and memory bounded by the component's size, and stops at the first bound that is
//! exceeded.

mod bound;
mod component;
mod function;

pub use bound::Bound;

use super::refused::Refused;
use bound::Excess;
use component::Scope;
use function::Signature;
use wasmparser::{CompositeInnerType, FunctionBody, Instance, Parser, Payload, TypeSectionReader};

/// The counts of a component.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    counts: [u64; Bound::ALL.len()],
}

/// Why a shape is refused.
#[derive(Debug)]
pub(crate) enum Problem {
    /// A bound is exceeded.
    Excess(Excess),
    /// It is not a component.
    Malformed(wasmparser::Error),
}

impl From<Excess> for Problem {
    fn from(excess: Excess) -> Self {
        Self::Excess(excess)
    }
}

impl From<wasmparser::Error> for Problem {
    fn from(error: wasmparser::Error) -> Self {
        Self::Malformed(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Excess(Excess { bound, found }) => Self::Shape { bound, found },
            Problem::Malformed(error) => Self::malformed(&error),
        }
    }
}

/// A core module, as far as it was read.
#[derive(Default)]
struct Module {
    types: Vec<Signature>,
    /// The types of the functions with a body, in order.
    functions: Vec<u32>,
    bodies: usize,
}

/// What is being read: components contain modules and components.
enum Frame {
    Module(Module),
    Component(Scope),
}

impl Shape {
    /// Counts a component; the error is the first bound that it exceeds.
    pub(crate) fn of(component: &[u8]) -> Result<Self, Problem> {
        let mut shape = Self::default();
        let mut frames: Vec<Frame> = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            shape.take(&mut frames, payload?)?;
        }
        Ok(shape)
    }

    /// The count for a bound.
    pub(crate) fn count(&self, bound: Bound) -> u64 {
        self.counts[bound as usize]
    }

    /// Adds to a count over the whole component.
    fn add(&mut self, bound: Bound, more: u64) -> Result<(), Excess> {
        let sum = self.count(bound).saturating_add(more);
        self.raise(bound, sum)
    }

    /// Raises a maximum to what was found.
    fn raise(&mut self, bound: Bound, found: u64) -> Result<(), Excess> {
        let count = &mut self.counts[bound as usize];
        *count = (*count).max(found);
        if found > bound.max() { Err(Excess { bound, found }) } else { Ok(()) }
    }

    fn take(&mut self, frames: &mut Vec<Frame>, payload: Payload<'_>) -> Result<(), Problem> {
        match payload {
            Payload::Version { encoding: wasmparser::Encoding::Module, .. } => {
                frames.push(Frame::Module(Module::default()));
            }
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                frames.push(Frame::Component(Scope::default()));
                self.raise(Bound::ComponentDepth, frames.len() as u64)?;
            }
            Payload::End(_) => self.end(frames)?,
            payload => match frames.last_mut() {
                Some(Frame::Module(module)) => self.take_module(module, payload)?,
                Some(Frame::Component(_)) => self.take_component(frames, payload)?,
                None => {}
            },
        }
        Ok(())
    }

    /// Ends a component, which the enclosing component may now instantiate.
    fn end(&mut self, frames: &mut Vec<Frame>) -> Result<(), Excess> {
        let Some(Frame::Component(ended)) = frames.pop() else { return Ok(()) };
        match frames.last_mut() {
            Some(Frame::Component(outer)) => outer.define(ended.totals()),
            Some(Frame::Module(_)) | None => {
                let totals = ended.totals();
                self.raise(Bound::CoreInstances, totals.core_instances)?;
                self.raise(Bound::ComponentInstances, totals.component_instances)?;
            }
        }
        Ok(())
    }

    fn take_module(&mut self, module: &mut Module, payload: Payload<'_>) -> Result<(), Problem> {
        match payload {
            Payload::TypeSection(types) => module.types.extend(signatures(types)?),
            Payload::FunctionSection(functions) => {
                self.add(Bound::Functions, u64::from(functions.count()))?;
                for function in functions {
                    module.functions.push(function?);
                }
            }
            Payload::TableSection(tables) => self.add(Bound::Tables, u64::from(tables.count()))?,
            Payload::CodeSectionEntry(body) => {
                let of = module.functions.get(module.bodies).and_then(|of| module.types.get(*of as usize));
                let parameters = of.map_or(0, |of| of.parameters);
                module.bodies += 1;
                self.take_function(&module.types, parameters, &body)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn take_function(&mut self, types: &[Signature], parameters: u64, body: &FunctionBody<'_>) -> Result<(), Problem> {
        self.raise(Bound::FunctionBytes, body.range().len() as u64)?;
        let mut locals = parameters;
        for group in body.get_locals_reader()? {
            locals = locals.saturating_add(u64::from(group?.0));
        }
        self.raise(Bound::Locals, locals)?;
        function::count(self, types, locals, body.get_operators_reader()?)
    }

    fn take_component(&mut self, frames: &mut [Frame], payload: Payload<'_>) -> Result<(), Problem> {
        match payload {
            Payload::ModuleSection { .. } => self.add(Bound::Modules, 1)?,
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    if let Instance::Instantiate { .. } = instance?
                        && let Some(scope) = component::innermost(frames)
                    {
                        scope.instantiate_module();
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => component::instantiate(self, frames, instances)?,
            Payload::ComponentAliasSection(aliases) => component::alias(frames, aliases)?,
            Payload::ComponentImportSection(imports) => component::import(frames, imports)?,
            Payload::ComponentCanonicalSection(functions) => {
                self.add(Bound::CanonicalFunctions, u64::from(functions.count()))?;
            }
            _ => {}
        }
        if let Some(Frame::Component(scope)) = frames.last() {
            let totals = scope.totals();
            self.raise(Bound::CoreInstances, totals.core_instances)?;
            self.raise(Bound::ComponentInstances, totals.component_instances)?;
        }
        Ok(())
    }
}

/// The signature of each type of a module; an empty one for types that are not functions.
fn signatures(types: TypeSectionReader<'_>) -> Result<Vec<Signature>, wasmparser::Error> {
    let mut signatures = Vec::new();
    for group in types {
        signatures.extend(group?.types().map(|of| match &of.composite_type.inner {
            CompositeInnerType::Func(of) => {
                Signature { parameters: of.params().len() as u64, results: of.results().len() as u64 }
            }
            CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) | CompositeInnerType::Cont(_) => {
                Signature::default()
            }
        }));
    }
    Ok(signatures)
}
