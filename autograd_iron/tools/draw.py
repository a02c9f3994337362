"""Drawing the graph: what you see is what was recorded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from autograd_iron.core import graph
from autograd_iron.core.backward import pull_back
from autograd_iron.core.graph import Leaf, Node, Output
from autograd_iron.core.tensor import Tensor
from autograd_iron.support.files import write_whole
from autograd_iron.support.text import visible

if TYPE_CHECKING:
    from graphviz import Digraph

_INK = "#24313d"
_LEAF = "#dbe9f6"
_FORWARD = "#ffffff"
_BACKWARD = "#fdeccf"
_RESULT = "#d9efd9"

_TEXT = ("dot", "gv")
_PICTURES = ("svg", "png", "pdf", "jpg", "jpeg", "gif", "eps", "ps")


class CompiledStep(Protocol):
    """What `compile` returns, as far as drawing it goes."""

    @property
    def plan(self) -> Any:
        """The plan of the last call."""


def draw_graph(
    outputs: Tensor | Sequence[Tensor] | CompiledStep,
    path: str | os.PathLike[str] | None = None,
    *,
    backward: bool = False,
    names: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] = (),
) -> Digraph:
    """Draw the graph that leads to the outputs, or the plan of a compiled step.

    Nodes are numbered in the order in which they were computed, so the same program gives the same
    drawing.  Boxes are leaves, ellipses operations; each shows its shape and dtype.

    Parameters
    ----------
    outputs : Tensor, sequence of Tensor, or a step that `compile` made
        Results with a graph behind them; or a step after its first call, all of whose plan is
        drawn: forward, backward and update.
    path : path, optional
        Where to write the drawing: .svg, .png, .pdf, .jpg, .gif or .eps; or .dot for the text. A
        file or link of that name is replaced, and never written through.
    backward : bool
        Draw the backward pass too.  It needs a single output of one element, before its
        `backward()`.
    names : mapping or pairs of str and Tensor
        What to call the tensors, for example `model.named_parameters()`; shown as they are, in one
        line.

    Returns
    -------
    graphviz.Digraph

    Raises
    ------
    TypeError
        The outputs are no Tensors, but a model, say: draw what it returns, `model(x)`. Or the names
        are none.
    ValueError
        An output has no graph; there is none; `backward` with several outputs or a step; or nothing
        renders files with the suffix of `path`.
    RuntimeError
        Neither pygraphviz nor Graphviz's `dot` is there to render with; or the step has not been
        called yet.
    """
    kind = _kind(path) if path is not None else ""
    if hasattr(type(outputs), "plan"):
        if backward:
            raise ValueError(
                "draw_graph: a compiled step is drawn with all that it does, its backward pass "
                "included; leave backward=True out"
            )
        step: Any = outputs
        drawing = _draw_program(step.plan.program, _named(names))
        if path is not None:
            _render(drawing, path, kind)
        return drawing
    results: list[Any] = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if not results:
        raise ValueError("draw_graph: there is no output; pass at least one Tensor")
    roots = []
    for result in results:
        if not isinstance(result, Tensor):
            raise TypeError(
                "draw_graph draws how a result was computed, and a "
                f"{type(result).__name__} is none. Pass Tensors, such as the loss or model(x); or "
                "a step that `compile` made"
            )
        if result.node is None:
            raise ValueError(
                f"draw_graph: the output of shape {result.shape} has no graph; nothing it was "
                "computed from requires a gradient, or it was computed under no_grad"
            )
        roots.append(result.node)
    forward_end = max(node.number for node in roots)
    called: dict[Node | None, str] = {t.node: n for n, t in _named(names) if t.node is not None}
    ends = dict.fromkeys(roots, "output")
    if backward:
        if len(results) != 1:
            raise ValueError(
                f"draw_graph: backward=True draws one output's gradients, not {len(results)}'s"
            )
        for leaf, gradient in pull_back(results, create_graph=True).items():
            if gradient.node is not None:
                ends[gradient.node] = f"gradient of {called.get(leaf, 'leaf')}"
    drawing = _draw(ends, called, forward_end)
    if path is not None:
        _render(drawing, path, kind)
    return drawing


def _named(names: Any) -> list[tuple[str, Tensor]]:
    """Return the names with what they are of."""
    try:
        pairs = [*(names.items() if isinstance(names, Mapping) else names)]
        right = all(isinstance(t, Tensor) and not isinstance(name, Tensor) for name, t in pairs)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise TypeError(
            "draw_graph: names are pairs of a name and a Tensor, or a mapping from names to "
            'Tensors: names=model.named_parameters(), or names={"x": x}'
        )
    return pairs


def _draw_program(program: Any, given: list[tuple[str, Tensor]]) -> Digraph:
    drawing = _empty_drawing()
    captured = {id(tensor): v for tensor, v in program.captured}
    names = program.names
    names |= {captured[id(t)]: name for name, t in given if id(t) in captured}
    names |= {v: f"argument {i}" for i, v in enumerate(program.arguments)}
    names |= {v: "constant" for _, v in program.constants}
    names |= {v: "random numbers" for _, v in program.draws}
    ends = dict.fromkeys(program.results, "returned")
    ends |= {v: "gradient" for _, v in program.gradients}
    called = {id(tensor): names.get(v, "tensor") for tensor, v in program.captured}
    ends |= {v: f"new {called.get(id(tensor), 'tensor')}" for tensor, v in program.effects}
    used = {v for step in program.steps for v in step.values}
    for value in program.sources():
        if value in used:
            label = _label(names.get(value, "tensor"), _spec(value))
            drawing.node(str(value), label, shape="box", fillcolor=_LEAF)
    made_by: dict[Any, Any] = {}  # the first of several outputs stands for the step
    for step in program.steps:
        first = step.outputs[0]
        made_by |= dict.fromkeys(step.outputs, first)
        lines = [step.primitive.name]
        for out in step.outputs:
            lines += [ends[out]] if out in ends else []
            lines.append(_spec(out))
        fill = _FORWARD if ends.keys().isdisjoint(step.outputs) else _RESULT
        drawing.node(str(first), _label(*lines), shape="ellipse", fillcolor=fill)
        for value in step.values:
            drawing.edge(str(made_by.get(value, value)), str(first))
    return drawing


def _empty_drawing() -> Digraph:
    import graphviz

    return graphviz.Digraph(
        graph_attr={"rankdir": "TB", "nodesep": "0.25", "ranksep": "0.35", "bgcolor": "white"},
        node_attr={"fontname": "Helvetica", "fontsize": "11", "color": _INK, "style": "filled"},
        edge_attr={"color": _INK, "arrowsize": "0.7"},
    )


def _draw(ends: dict[Node, str], called: dict[Node | None, str], forward_end: int) -> Digraph:
    drawing = _empty_drawing()
    reached = graph.reachable(ends)[::-1]
    nodes = [node for node in reached if not isinstance(node, Output)]
    ids = {node: str(i) for i, node in enumerate(nodes)}
    outputs: dict[Node, list[Output]] = {}
    for node in reached:
        if isinstance(node, Output):
            outputs.setdefault(node.of, []).append(node)
            ids[node] = ids[node.of]
    constants: dict[int, str] = {}
    for node in nodes:
        leaf = isinstance(node, Leaf)
        lines = [called.get(node) or node.label]
        values = outputs.get(node, [node])
        for value in values:
            lines += [ends[value]] if value in ends and not leaf else []
            lines.append(_spec(value))
        late = node.number > forward_end
        ended = not ends.keys().isdisjoint(values)
        fill = _LEAF if leaf else _RESULT if ended else _BACKWARD if late else _FORWARD
        shape = "box" if leaf else "ellipse"
        drawing.node(ids[node], _label(*lines), shape=shape, fillcolor=fill)
        for i, parent in enumerate(node.parents):
            if parent is not None:
                style = "dashed" if late and parent.number <= forward_end else "solid"
                drawing.edge(ids[parent], ids[node], style=style)
            elif node.inputs is not None and getattr(node.inputs[i], "shape", None):
                array = node.inputs[i]
                key = constants.setdefault(id(array), f"c{len(constants)}")
                drawing.node(key, _label("data", _spec(array)), shape="box", fillcolor="#eeeeee")
                drawing.edge(key, ids[node])
    return drawing


def _label(*lines: str) -> str:
    """Return lines as a label that shows them as they are: nothing in them is markup."""
    import graphviz

    text = "\n".join(map(visible, lines))
    label: str = graphviz.escape(text.replace("&", "&amp;"))
    return label


def _spec(value: Any) -> str:
    return f"{' × '.join(map(str, value.shape)) or 'scalar'}  {value.dtype}"


def _kind(where: str | os.PathLike[str]) -> str:
    """Return the format that the suffix of a path names."""
    kind = os.path.splitext(os.fsdecode(where))[1].lower().lstrip(".")
    if kind not in _TEXT + _PICTURES:
        known = ", ".join(f".{name}" for name in _PICTURES + _TEXT)
        page = " A browser shows an .svg as it is." if kind in ("html", "htm") else ""
        raise ValueError(
            f"draw_graph: nothing renders {os.fspath(where)!r}, whose suffix must be one of "
            f"{known}.{page}"
        )
    return kind


def _render(drawing: Digraph, where: str | os.PathLike[str], kind: str) -> None:
    from pathlib import Path

    path = Path(os.fsdecode(where))
    if kind in _TEXT:
        write_whole(path, drawing.source.encode())
        return
    try:
        import pygraphviz
    except ImportError:
        pass
    else:
        # Rendered in memory: its own writing of files ends the process on a full disk.
        write_whole(path, pygraphviz.AGraph(string=drawing.source).draw(format=kind, prog="dot"))
        return
    from graphviz import ExecutableNotFound

    try:
        write_whole(path, drawing.pipe(format=kind))
    except ExecutableNotFound:
        raise RuntimeError(
            f"draw_graph: nothing here can render {path.name}. Install Graphviz with "
            "pip install 'autograd-iron[draw]', or write the text to a .dot file"
        ) from None
