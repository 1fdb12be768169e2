//! Counts the body of one function: what a compiler carries from block to block.

use super::{Bound, Problem, Shape};
use wasmparser::{BlockType, Operator, OperatorsReader};

/// The number of parameters and results of a function or block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signature {
    pub(super) parameters: u64,
    pub(super) results: u64,
}

/// A body, as far as it was read.
struct Body<'s> {
    shape: &'s mut Shape,
    types: &'s [Signature],
    locals: u64,
    /// The values that a branch to each open block carries.
    open: Vec<u64>,
    blocks: u64,
    loops: u64,
    carried: u64,
}

/// Counts the operators of a function with this many locals, including its parameters.
pub(super) fn count(
    shape: &mut Shape,
    types: &[Signature],
    locals: u64,
    operators: OperatorsReader<'_>,
) -> Result<(), Problem> {
    let mut body = Body { shape, types, locals, open: vec![0], blocks: 0, loops: 0, carried: 0 };
    for operator in operators {
        body.take(&operator?)?;
    }
    let (in_loops, in_blocks) = (locals.saturating_mul(body.loops), locals.saturating_mul(body.blocks));
    shape.add(Bound::LoopLocalsTotal, in_loops)?;
    shape.add(Bound::BlockLocalsTotal, in_blocks)?;
    Ok(())
}

impl Body<'_> {
    fn take(&mut self, operator: &Operator<'_>) -> Result<(), Problem> {
        match operator {
            Operator::Block { blockty } | Operator::If { blockty } => {
                let of = self.signature(*blockty);
                self.begin(of, of.results)?;
            }
            Operator::Loop { blockty } => {
                let of = self.signature(*blockty);
                self.loops += 1;
                self.shape.raise(Bound::LoopLocals, self.locals.saturating_mul(self.loops))?;
                self.begin(of, of.parameters)?;
            }
            Operator::Else => self.block()?,
            Operator::End => drop(self.open.pop()),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => self.branch(*relative_depth, 1)?,
            Operator::BrTable { targets } => self.branch(targets.default(), u64::from(targets.len()) + 1)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, of: Signature, label: u64) -> Result<(), Problem> {
        self.open.push(label);
        self.shape.raise(Bound::Nesting, self.open.len() as u64)?;
        self.carry(of.parameters.saturating_add(of.results))?;
        self.block()
    }

    /// Counts a branch, which also ends a block.
    fn branch(&mut self, depth: u32, targets: u64) -> Result<(), Problem> {
        let outward = self.open.len().checked_sub(depth as usize + 1);
        let values = outward.and_then(|place| self.open.get(place)).copied().unwrap_or_default();
        self.carry(values.saturating_mul(targets))?;
        self.block()
    }

    fn block(&mut self) -> Result<(), Problem> {
        self.blocks += 1;
        Ok(self.shape.raise(Bound::BlockLocals, self.locals.saturating_mul(self.blocks))?)
    }

    fn carry(&mut self, values: u64) -> Result<(), Problem> {
        self.carried = self.carried.saturating_add(values);
        Ok(self.shape.raise(Bound::BranchValues, self.carried)?)
    }

    fn signature(&self, of: BlockType) -> Signature {
        match of {
            BlockType::Empty => Signature::default(),
            BlockType::Type(_) => Signature { parameters: 0, results: 1 },
            BlockType::FuncType(of) => self.types.get(of as usize).copied().unwrap_or_default(),
        }
    }
}
