"""Passes: pure functions from program to program, each making it smaller and none changing bits.

(Except where a comment says so, the results of every remaining step are the same bits as before.)
"""

from __future__ import annotations

from autograd_iron.plan.passes import bfloat16, broadcasts, constants, equals, identities
from autograd_iron.plan.passes.broadcasts import fold_broadcasts
from autograd_iron.plan.passes.constants import fold_constants
from autograd_iron.plan.passes.dead import drop_dead
from autograd_iron.plan.passes.decomposition import HasKernel, decompose
from autograd_iron.plan.passes.equals import share
from autograd_iron.plan.passes.identities import simplify
from autograd_iron.plan.passes.rewrite import rewritten
from autograd_iron.plan.program import Program

__all__ = [
    "decompose",
    "drop_dead",
    "fold_broadcasts",
    "fold_constants",
    "optimise",
    "share",
    "simplify",
]

# In the order in which they look at each step.
RULES = (bfloat16.rule, broadcasts.rule, constants.rule, identities.rule, equals.rule)


def optimise(program: Program, has_kernel: HasKernel | None = None) -> Program:
    """Run all passes; those that look at a step at a time do it in one go.

    Parameters
    ----------
    program : Program
        As it was captured.
    has_kernel : callable, optional
        Whether the executor of the program has a kernel of its own for a primitive.
    """
    program = decompose(program, has_kernel)
    program = rewritten(drop_dead(program), *RULES)
    return drop_dead(program)
