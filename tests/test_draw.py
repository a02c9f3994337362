"""What is drawn is what was recorded, and what a compiled step runs."""

import re
from pathlib import Path

import pytest

import autograd_iron as ai
import nn


def labels(source: str) -> list[str]:
    """Return the first line of each node's label."""
    return [text.split("\n")[0] for text in re.findall(r'label="([^"]*)"', source)]


def test_the_graph_of_a_result_has_its_operations_and_leaves() -> None:
    x = ai.tensor([1.0, 2.0], requires_grad=True)
    drawn = labels(ai.draw_graph(ai.sum(ai.tanh(x) * x), names={"x": x}).source)
    assert sorted(drawn) == ["multiply", "sum", "tanh", "x"]


def test_a_compiled_step_is_drawn_with_its_update() -> None:
    model = nn.Linear(2, 1)
    optimizer = nn.SGD(model, 0.1)

    @ai.compile
    def step(x: ai.Tensor) -> ai.Tensor:
        loss = ai.mean(ai.square(model(x)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    with pytest.raises(RuntimeError, match="call the function once"):
        ai.draw_graph(step)
    step(ai.ones((3, 2)))
    source = ai.draw_graph(step).source
    drawn = labels(source)
    assert drawn.count("matmul") == 2
    assert drawn.count("subtract") == 2
    for name in ("argument 0", "weight", "bias"):
        assert name in drawn
    for end in ("returned", "new weight", "new bias"):
        assert end in source
    edges = {
        tuple(re.findall(r'"?([\w.]+)"?', line)) for line in source.split("\n") if "->" in line
    }
    read = [(str(v), str(s.output)) for s in step.plan.program.steps for v in s.values]
    assert edges == set(read)


def test_the_text_of_a_drawing_needs_no_graphviz(tmp_path: Path) -> None:
    x = ai.tensor(1.0, requires_grad=True)
    ai.draw_graph(ai.exp(x), tmp_path / "graph.dot")
    assert "exp" in (tmp_path / "graph.dot").read_text()


def test_what_has_no_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="has no graph"):
        ai.draw_graph(ai.tensor(1.0))
