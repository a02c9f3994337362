"""Words for those who extend the engine: new operations, and code that computes outside the graph.

`docs/custom_primitive.md` shows how an operation is made; `autograd_iron.extend.capture` has what
an optimizer, a schedule or a layer says so that a step with it can be compiled.
"""

from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite
from autograd_iron.core.primitive import elementwise, primitive
from autograd_iron.core.specs import Spec
from autograd_iron.core.tensor import vocabulary
from autograd_iron.extend import capture
from autograd_iron.ops.elementwise.arithmetic import multiply_no_nan

__all__ = [
    "Labels",
    "Spec",
    "capture",
    "composite",
    "elementwise",
    "multiply_no_nan",
    "primitive",
    "vocabulary",
]
