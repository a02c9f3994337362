"""What is drawn is what was recorded, and what a compiled step runs."""

import errno
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hostile import NAMES, names
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from autograd_iron.support.text import LONGEST, visible


def labels(source: str) -> list[str]:
    """Return the first line of each node's label."""
    return [text.split("\n")[0] for text in re.findall(r'label="([^"]*)"', source)]


def test_the_graph_of_a_result_has_its_operations_and_leaves() -> None:
    x = ai.tensor([1.0, 2.0], requires_grad=True)
    drawn = labels(ai.draw_graph(ai.sum(ai.tanh(x) * x), names={"x": x}).source)
    assert sorted(drawn) == ["multiply", "sum", "tanh", "x"]


def test_a_compiled_step_is_drawn_with_its_update() -> None:
    model = nn.Linear(2, 1)
    optimizer = nn.SGD(model.parameters(), 0.1)

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


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("g.SVG", b"<?xml"),
        ("g.Png", b"\x89PNG"),
        ("g.pdf", b"%PDF"),
        ("g.jpg", b"\xff\xd8"),
        ("g.jpeg", b"\xff\xd8"),
        ("g.gif", b"GIF"),
        ("g.eps", b"%!PS"),
        ("g.ps", b"%!PS"),
        ("g.DOT", b"digraph"),
        ("g.gv", b"digraph"),
    ],
)
def test_the_suffix_says_the_format_in_any_case(tmp_path: Path, name: str, start: bytes) -> None:
    x = ai.tensor(1.0, requires_grad=True)
    ai.draw_graph(ai.exp(x), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["g.html", "g", "g.", "g.svg.txt", ".svg", "g.bmp", "g.svg "])
def test_a_suffix_that_nothing_renders_is_refused(tmp_path: Path, name: str) -> None:
    x = ai.tensor(1.0, requires_grad=True)
    y = ai.exp(x)
    step = ai.compile(ai.exp)
    step(x.detach())
    for drawn in (y, step):
        with pytest.raises(ValueError, match=r"suffix must be one of \.svg, \.png"):
            ai.draw_graph(drawn, tmp_path / name)
    assert not list(tmp_path.iterdir())
    y.backward()  # nothing was used up


@pytest.mark.parametrize(
    "names", [nn.Linear(1, 1), ai.ones((2,)), [ai.ones((2,))], {"x": 1.0}, "x", ["xy"], None]
)
def test_names_that_are_none_are_refused(names: object) -> None:
    y = ai.exp(ai.tensor([1.0, 2.0], requires_grad=True))
    step = ai.compile(lambda: y.detach() * 2)
    step()
    for drawn in (y, step):
        with pytest.raises(TypeError, match=r"names=model\.named_parameters\(\)"):
            ai.draw_graph(drawn, names=names)  # type: ignore[arg-type]


def test_a_step_is_drawn_with_names_given_for_what_it_uses() -> None:
    table = ai.tensor([1.0, 2.0])
    step = ai.compile(lambda: table * 2)
    step()
    names = {"the table": table, "another": ai.ones(3)}
    assert labels(ai.draw_graph(step, names=names).source) == ["the table", "multiply"]
    with pytest.raises(ValueError, match="leave backward=True out"):
        ai.draw_graph(step, backward=True)


@pytest.mark.parametrize(
    "given", [nn.Linear(1, 1), [nn.Linear(1, 1)], ai.exp, 1.0, None, "loss", ai.float32, {1: 2}]
)
def test_what_is_no_result_cannot_be_drawn(given: object) -> None:
    with pytest.raises(TypeError, match=r"such as the loss or model\(x\)"):
        ai.draw_graph(given)  # type: ignore[arg-type]


def test_a_model_with_a_plan_of_its_own_is_no_compiled_step() -> None:
    model = nn.Linear(1, 1)
    model.plan = "none of the engine's"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="a Linear is none"):
        ai.draw_graph(model)  # type: ignore[arg-type]


def test_nothing_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="at least one Tensor"):
        ai.draw_graph([])


# --- files


@pytest.mark.parametrize("name", ["graph.svg", "graph.dot"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link"])
def test_a_drawing_is_not_written_through_a_link(tmp_path: Path, name: str, kind: str) -> None:
    thesis, place = tmp_path / "thesis", tmp_path / "drawn" / name
    thesis.write_text("years of work")
    place.parent.mkdir()
    if kind == "hard link":
        place.hardlink_to(thesis)
    else:
        place.symlink_to(thesis if kind == "link" else tmp_path / "nowhere")
    ai.draw_graph(ai.tensor(2.0, requires_grad=True) * 3, place)
    assert thesis.read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn", "thesis"]
    assert [path.name for path in place.parent.iterdir()] == [name]
    assert b"multiply" in place.read_bytes()
    assert not place.is_symlink()


@pytest.mark.parametrize("name", ["graph.svg", "graph.dot"])
def test_a_drawing_that_could_not_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / name).write_text("the old one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ai.draw_graph(ai.tensor(2.0, requires_grad=True) * 3, tmp_path / name)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "the old one")]


# --- names are data

SVG = "{http://www.w3.org/2000/svg}"


def drawn_lines(svg: bytes) -> list[list[str]]:
    """Return what the nodes of an SVG show, as an XML parser reads it."""
    nodes = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "node"]
    # Of several blanks Graphviz makes ones that do not break.
    return [[(t.text or "").replace("\xa0", " ") for t in g.iter(f"{SVG}text")] for g in nodes]


def as_drawn(called: list[str], tmp_path: Path) -> list[str]:
    """Draw leaves with these names, and return what stands over their shapes."""
    leaves = [ai.tensor([1.0], requires_grad=True) for _ in called]
    ai.draw_graph(ai.concat(leaves), tmp_path / "graph.svg", names=zip(called, leaves, strict=True))
    found = drawn_lines((tmp_path / "graph.svg").read_bytes())
    [result] = [lines for lines in found if "output" in lines[1:]]
    found.remove(result)
    assert all(lines[1:] == ["1  float32"] for lines in found), "a label has lines of its own"
    return [lines[0] for lines in found]


def test_a_drawing_shows_names_that_graphviz_or_xml_read_otherwise(tmp_path: Path) -> None:
    assert sorted(as_drawn(NAMES, tmp_path)) == sorted(map(visible, NAMES))


@settings(max_examples=20)
@given(called=st.lists(names.filter(bool), min_size=1, max_size=20))
def test_a_drawing_shows_any_name(
    called: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = as_drawn(called, tmp_path_factory.mktemp("drawn"))
    assert sorted(found) == sorted(map(visible, called))


def test_a_compiled_step_is_drawn_with_any_name(tmp_path: Path) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.weights = {name: nn.Parameter([1.0]) for name in NAMES}

        def forward(self) -> ai.Tensor:
            return ai.concat(list(self.weights.values()))

    step = ai.compile(Model())
    step()
    ai.draw_graph(step, tmp_path / "step.svg")
    found = [lines[0] for lines in drawn_lines((tmp_path / "step.svg").read_bytes())]
    paths = [visible(path) for path, _ in step.plan.program.owners[0].named_parameters()]
    assert sorted(found) == sorted([*paths, "join"])


@given(name=names)
def test_what_is_visible_is_one_short_line_and_says_which_name_it_is(name: str) -> None:
    shown = visible(name)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    shown.encode()  # no lone surrogates
    assert len(shown) <= 10 * (LONGEST + 1)
    if name.isprintable() and len(name) <= LONGEST:
        assert shown == name
    if len(name) <= LONGEST and "\\" not in name:
        bytes_of = shown.encode("latin-1", "backslashreplace")
        assert bytes_of.decode("unicode_escape") == name
