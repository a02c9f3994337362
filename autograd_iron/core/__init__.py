"""The engine: tensors, the graph, and what an operation is."""

from autograd_iron.core.executor import eager
from autograd_iron.core.switches import begin_with

begin_with(eager)
