"""A plan as text: what it prints, and the file it can be written to."""

from __future__ import annotations

import ast
import contextlib
import math
import os
import re
import runpy
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ejecting import check_in_clean_interpreter, ejected
from hostile import NAMES, PIECES, names
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from autograd_iron.arrays import cpu
from autograd_iron.core import specs
from autograd_iron.core.registry import registry


def problem(rows: int) -> tuple[Any, nn.Module]:
    generator = ai.Generator(0)
    model = nn.Sequential(
        nn.Linear(3, 8, generator=generator), nn.Tanh(), nn.Linear(8, 1, generator=generator)
    )
    x = generator.normal((rows, 3))
    y = (x[:, :1] > 0).astype("float32")
    loss_of, optimizer = nn.BCEWithLogitsLoss(), nn.SGD(model.parameters(), 0.1, momentum=0.9)

    def step() -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return ai.compile(step), model


@pytest.mark.parametrize(("rows", "tiled"), [(5, False), (1000, True), (1003, True)])
def test_the_ejected_file_gives_the_same_bits_without_the_engine(
    rows: int, tiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The file asks for one thread each, as a tile has.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setattr(cpu, "cache_size", lambda: 30_000)
    step, _ = problem(rows)
    step()
    assert bool(step.plan.tile) is tiled
    step.eject(tmp_path / "mine.py")
    expected = [float(step()).hex() for _ in range(3)]
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mine; "
        "print([float(mine.step()).hex() for _ in range(3)]); "
        "assert not any(m.split('.')[0] in ('autograd_iron', 'nn') for m in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(expected)


def test_an_ejected_function_takes_arguments_and_returns_arrays(tmp_path: Path) -> None:
    def function(x: ai.Tensor, i: ai.Tensor) -> Any:
        return {"a": ai.softplus(x)[[0, 2]].sum(axis=0), "b": ai.max(x, axis=0), "c": i * 2}

    compiled = ai.compile(function)
    x, i = np.linspace(-2, 2, 15, dtype="float32").reshape(5, 3), np.arange(4)
    found = compiled(x, i)
    compiled.eject(tmp_path / "ejected_function.py")
    sys.path.insert(0, str(tmp_path))
    try:
        import ejected_function  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    arrays = ejected_function.step(x, i)
    for array, tensor in zip(arrays, found.values(), strict=True):
        np.testing.assert_array_equal(array, tensor.numpy())


def test_a_kernel_of_its_own_cannot_be_ejected(tmp_path: Path) -> None:
    step = ai.compile(lambda x: ai.pad(x, 1))
    step(np.ones(3, "float32"))
    with pytest.raises(
        ValueError, match=r"eject: pad_constant can only be run by its kernel.*decompose"
    ):
        step.eject(tmp_path / "step.py")
    assert not list(tmp_path.iterdir())


def test_the_print_has_the_users_names_and_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "cache_size", lambda: 30_000)
    step, _ = problem(1000)
    with pytest.raises(RuntimeError, match="before the first call"):
        print(step.plan)
    step()
    text = str(step.plan)
    for part in ("0.weight", "FLOP", "B of buffers", "1,000 rows in", "for each tile:"):
        assert part in text
    assert "2.bias <- v" in text
    for stage in step.plan.stages:
        for value, slot in stage.slots.items():
            [line] = [line for line in text.split("\n") if f"  {value} = " in f"  {line}"]
            assert re.search(rf"\[.*\] \w+ in b{slot}\b", line), line
    assert step.plan.bytes < 200_000


def test_the_flops_are_those_of_the_products() -> None:
    step = ai.compile(lambda x, w: x @ w)
    step(np.ones((5, 7), "float32"), np.ones((7, 3), "float32"))
    assert "210 FLOP" in str(step.plan)


@pytest.mark.parametrize(("shape", "spread"), [((128, 256), True), ((600, 600), False)])
def test_an_extreme_with_a_number_takes_an_array_of_it_where_that_is_small(
    shape: tuple[int, int], spread: bool
) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    x[0, :4] = np.nan, np.inf, -np.inf, -0.0
    for word, number in ((ai.maximum, 0.0), (ai.maximum, -0.0), (ai.minimum, 0.5)):
        step = ai.compile(lambda x, word=word, number=number: word(x, number), threads=1)
        for _ in range(2):
            assert step(x).numpy().tobytes() == word(x, number).numpy().tobytes()
        assert (" = full(" in step.plan.source) is (spread or step.plan.tile > 0)


# --- what a file does is what the plan does


def test_what_is_returned_and_also_assigned_is_returned_as_it_was(tmp_path: Path) -> None:
    count, weight = ai.tensor(3), ai.tensor(np.arange(6, dtype="f4").reshape(2, 3))

    def step(x: ai.Tensor) -> Any:
        now, turned, kept = count * 1, (weight * 1).T, weight * 1
        count.assign(count + 1)
        weight.assign(weight * 2 + x)
        return now, now, turned, [kept, kept[0]], x, count, weight

    compiled = ai.compile(step)
    x = np.ones((2, 3), "f4")
    compiled(x)
    check_in_clean_interpreter([ejected(compiled, tmp_path / "mine.py", [(x,), (2 * x,)])])


def w_of(*shape: int) -> ai.Tensor:
    return ai.tensor(np.arange(math.prod(shape), dtype="f4").reshape(shape))


W = w_of(4, 3)
STEPS: dict[str, Any] = {
    "a static view": lambda: ai.broadcast_to(W[:, :1], (4, 3)),
    "a view of one element": lambda: w_of(3)[0, ...] * 1,
    "a reshaped view of what is not dense": lambda: W.T.reshape(1, 3, 4) + 1,
    "no function of NumPy": lambda: W.T,
    "nothing": lambda: None,
    "an empty index": lambda: W.at[()].add(1),
    "a part that is set": lambda: W.at[1, ::2].set(W[0, 0]).at[..., 0].set(7),
    "a constant": lambda: ai.zeros((2,)),
    "a number that is not finite": lambda: ai.where(W > 3, W, float("-inf")) * float("nan"),
    "an extreme of rows": lambda: (ai.max(W, axis=0), ai.argmin(W)),
}


def test_files_of_small_steps(tmp_path: Path) -> None:
    files = []
    for i, function in enumerate(STEPS.values()):
        step = ai.compile(function)
        step()
        files.append(ejected(step, tmp_path / f"step_{i}.py"))
    check_in_clean_interpreter(files)


def test_a_file_adds_up_in_the_order_of_the_memory(tmp_path: Path) -> None:
    # A sum over other strides adds in another order: other bits.
    values = np.random.default_rng(0).standard_normal((13, 30, 40)).astype("f4")
    files = []
    for i, order in enumerate([(2, 0, 1), (1, 0, 2), (2, 1, 0)]):
        some = [ai.Tensor(v.transpose(order)) for v in (values, values[:, ::-1, ::-2])]
        step = ai.compile(
            lambda some=some: [ai.sum(t, axis=a) for t in some for a in (None, 0, (0, 2), -1)]
        )
        step()
        files.append(ejected(step, tmp_path / f"step_{i}.py", [()]))
    check_in_clean_interpreter(files)


def test_a_file_leaves_gradients_of_what_it_uses_and_of_its_arguments(tmp_path: Path) -> None:
    w, other = ai.tensor([1.0, 2.0, 3.0], requires_grad=True), w_of(3)

    def step(x: ai.Tensor) -> Any:
        loss = ai.sum(w * w * x)
        loss.backward()
        other.grad = x.detach() * 5

    compiled = ai.compile(step)
    x = ai.tensor(np.ones(3, "f4"), requires_grad=True)
    compiled(x)
    file = ejected(compiled, tmp_path / "mine.py", [(np.full(3, 2, "f4"),)])
    assert len(file.expected[0]) == 4, "three gradients and one weight"
    check_in_clean_interpreter([file])
    text = file.path.read_text()
    argument, weight = (
        str(v) for v in (*compiled.plan.program.arguments, compiled.plan.program.captured[0][1])
    )
    for name in (argument, weight, "gradient_2"):
        assert f'gradients["{name}"]' in text


def test_a_file_refuses_what_its_plan_was_not_made_for(tmp_path: Path) -> None:
    step = ai.compile(lambda x: x + 1)
    step(np.ones((5, 3), "f4"))
    step.eject(tmp_path / "mine.py")
    module = runpy.run_path(str(tmp_path / "mine.py"))
    assert module["step"](np.ones((5, 3), "f4")).shape == (5, 3)
    for wrong in (np.ones((1, 3), "f4"), np.ones((5, 3)), [[1.0] * 3] * 5, np.ones((5, 3), ">f4")):
        with pytest.raises(ValueError, match=r"argument 0 is .*written for float32 \[5, 3\]"):
            module["step"](wrong)


def test_a_file_says_what_it_cannot_draw(tmp_path: Path) -> None:
    generator = ai.Generator(0)
    step = ai.compile(lambda: generator.uniform((3,)) * 2)
    step()
    file = ejected(step, tmp_path / "mine.py")
    check_in_clean_interpreter([file])
    text = file.path.read_text()
    assert "random numbers" in " ".join(text.split())
    assert "# drawn anew each time" in text


# --- names are data


def marker(path: Path) -> str:
    return f"\nopen({str(path)!r}, 'w')\n"


def run_alone(*paths: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-W", "error", "-c"),
            f"import runpy\nfor p in {list(map(str, paths))!r}: runpy.run_path(p)['step']()",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Named(nn.Module):
    """A model whose parameters have names of the user's."""

    def __init__(self, names: Any) -> None:
        self.weights = {name: nn.Parameter([1.0]) for name in names}

    def forward(self) -> ai.Tensor:
        return sum((w * w for w in self.weights.values()), ai.zeros((1,)))


def step_of(names: Any, title: str) -> Any:
    step = ai.compile(Named(names))
    step.__name__ = title
    step()
    return step


def instructions_of(text: str) -> str:
    """Return a program without its comments, its docstring and the seal over them."""
    tree = ast.parse(text)
    assert isinstance(tree.body[0], ast.Expr), "the docstring is the first statement"
    return re.sub(r"[0-9a-f]{64}", "", ast.dump(ast.Module(tree.body[1:], [])))


def test_no_name_runs_when_the_file_is_imported(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    attacks = [f"{a}{marker(ran)}{b}" for a in PIECES for b in ("", '"""', "#")]
    step = step_of([*NAMES, *attacks], '"""' + marker(ran) + '"""')
    step.eject(tmp_path / "mine.py")
    run_alone(tmp_path / "mine.py")
    assert not ran.exists()


@settings(max_examples=30)
@given(called=st.lists(names, min_size=1, max_size=4, unique=True), title=names)
def test_the_program_is_the_same_whatever_things_are_called(
    called: list[str], title: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("named")
    step, other = step_of(called, title), step_of(range(len(called)), "plain")
    texts = []
    for made, name in ((step, "named.py"), (other, "plain.py")):
        made.eject(folder / name)
        texts.append((folder / name).read_bytes().decode())
    assert instructions_of(texts[0]) == instructions_of(texts[1])
    assert step.plan.source == other.plan.source
    for text in (texts[0], str(step.plan), step.explain()):
        assert all(line.isprintable() for line in text.split("\n"))


def test_why_a_step_was_captured_again_is_one_short_line_whatever_an_argument_is() -> None:
    @dataclass(frozen=True, repr=False)
    class Setting:
        def __repr__(self) -> str:
            return "a\nsetting"

    step = ai.compile(lambda x, how: x * 1)
    for how in (Setting(), "z" * 100_000, "\x1b[31m", tuple(range(10_000)), {"\n" * 500: W}):
        step(W, how)
    lines = step.explain().split("\n")
    assert len(lines) == 1 + 5 + 3
    assert all(line.isprintable() and len(line) < 1000 for line in lines)


@pytest.mark.parametrize("called", ["<lambda>", "a b", "1", "é·", "pad", *NAMES[::7]])
def test_a_primitive_may_have_any_name(called: str) -> None:
    def kernel(xp: Any, x: Any, /, *, shape: Any, é: float = 1.0) -> Any:  # noqa: PLC2401  (it is about such names)
        return x * len(shape) + é

    kernel.__name__ = called
    with forgotten():
        mine, other = ai.extend.primitive(kernel), ai.extend.primitive(named(kernel, "another"))
        mine.shape(specs.same)
        other.shape(specs.same)
        step = ai.compile(lambda x: (mine(x, shape=(7, 7, 7), é=2.0), other(x, shape=(7,))))
        for _ in range(2):
            found = step(np.ones(3, "f4"))
        assert [t.tolist() for t in found] == [[5.0] * 3, [2.0] * 3]
        assert step.plan.source.isascii()
        for text in (str(step.plan), str(ai.draw_graph(step).source)):
            assert all(line.isprintable() for line in text.expandtabs().split("\n"))
        with pytest.raises(ValueError, match="can only be run by its kernel") as refused:
            step.eject("never.py")
        assert str(refused.value).isprintable()


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Take out of the vocabulary what is defined inside."""
    before = dict(registry)
    registry.clear()
    registry.update({name: word for name, word in before.items() if name != "pad"})
    try:
        yield
    finally:
        registry.clear()
        registry.update(before)


def named(function: Any, name: str) -> Any:
    copy = types.FunctionType(function.__code__, function.__globals__, name)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def test_two_primitives_whose_names_look_alike_are_told_apart() -> None:
    def more(xp: Any, x: Any, /) -> Any:
        return x + 1

    def less(xp: Any, x: Any, /) -> Any:
        return x - 1

    more.__name__, less.__name__ = "a b", "a-b"
    with forgotten():
        one, two = ai.extend.elementwise(more), ai.extend.elementwise(less)
        step = ai.compile(lambda x: (one(x), two(x), one(x * 2)))
        assert [float(t) for t in step(np.float32([3.0]))] == [4.0, 2.0, 7.0]


class Loud(int):
    """A number that prints as an instruction."""

    def __repr__(self) -> str:
        return "print('ran')"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)


@pytest.mark.parametrize("kind", [Loud, np.int64, np.int8])
def test_a_number_stands_in_the_text_as_its_value(kind: Any, tmp_path: Path) -> None:
    zero, one, two = map(kind, range(3))

    def step() -> Any:
        ai.extend.capture.check_range(W, zero, kind(20), "out of range")
        return (
            *(ai.sum(W, axis=one), ai.flip(W, axis=(zero, one)), ai.argmax(W, axis=one)),
            *(W[one], W[one:two], W[zero, None, ::two], W.at[one, zero].add(two)),
            *(ai.permute_dims(W, (one, zero)), W * two, two > W, W**two, ai.clip(W, one, two)),
            *(ai.concat([W, W], axis=one), W.reshape(two, 6), ai.broadcast_to(W, (two, 4, 3))),
        )

    compiled = ai.compile(step)
    for one_found, one_wanted in zip(compiled(), step(), strict=True):
        np.testing.assert_array_equal(one_found.numpy(), one_wanted.numpy())
    assert "print(" not in compiled.plan.source
    check_in_clean_interpreter([ejected(compiled, tmp_path / "mine.py")])
    assert "('ran'" not in (tmp_path / "mine.py").read_text()


# --- files


def a_step() -> Any:
    step = ai.compile(lambda: W.T + 1)
    step()
    return step


def test_a_file_may_have_any_name_that_ends_in_py(tmp_path: Path) -> None:
    step = a_step()
    paths = [
        tmp_path / name
        for name in ("step.py", "my-step.py", "2 layers.py", "class.py", "a.b.py", "é.py", "#.py")
    ]
    paths += [tmp_path / 'a"b\\.py', tmp_path / f"{marker(tmp_path / 'ran').replace('/', '')}.py"]
    for path in [*paths, *paths]:  # its own files are written over
        step.eject(path)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask()
    assert len(list(tmp_path.iterdir())) == 2 * len(paths)
    run_alone(*paths)
    assert len(list(tmp_path.iterdir())) == 2 * len(paths)


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


@pytest.mark.parametrize("name", ["a.npz", "step", "step.txt", ".py", "step.py.bak", "step.pyc"])
def test_a_file_that_is_not_called_python_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"does not end in \.py"):
        a_step().eject(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["numpy.py", "random.py", "ml_dtypes.py", "os.py"])
def test_a_file_that_would_hide_what_it_needs_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="would hide the module"):
        a_step().eject(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".py", ".npz"])
@pytest.mark.parametrize("kind", ["text", "arrays", "folder", "link", "dangling", "fifo"])
def test_what_is_there_is_never_written_over(suffix: str, kind: str, tmp_path: Path) -> None:
    there, elsewhere = tmp_path / f"step{suffix}", tmp_path / "elsewhere"
    if kind == "text":
        there.write_text("print('mine')")
    elif kind == "arrays":
        with there.open("wb") as file:
            np.savez(file, weights=np.ones(3))
    elif kind == "folder":
        there.mkdir()
    elif kind == "fifo":
        os.mkfifo(there)
    else:
        if kind == "link":
            elsewhere.write_text("mine")
        there.symlink_to(elsewhere)
    before = [(p, p.is_file() and p.read_bytes()) for p in sorted(tmp_path.iterdir())]
    with pytest.raises(FileExistsError, match="was not written by eject"):
        a_step().eject(tmp_path / "step.py")
    assert [(p, p.is_file() and p.read_bytes()) for p in sorted(tmp_path.iterdir())] == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        a_step().eject(tmp_path / "nowhere" / "step.py")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="file"):
        a_step().eject(tmp_path / "file" / "step.py")


@pytest.mark.parametrize("again", [False, True], ids=["new", "over an old one"])
@pytest.mark.parametrize("where", ["write", "replace"])
def test_what_stops_on_the_way_leaves_no_half(
    where: str, again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = a_step()
    if again:
        step.eject(tmp_path / "step.py")
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    calls = 0

    def stop(*_: Any, **__: Any) -> Any:
        nonlocal calls
        calls += 1
        raise KeyboardInterrupt

    if where == "write":
        monkeypatch.setattr(cpu, "save_arrays", stop)
    else:
        monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        step.eject(tmp_path / "step.py")
    assert calls == 1
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_file_beside_the_arrays_of_another_says_so(tmp_path: Path) -> None:
    # As after a kill between the two, or a copy of one of them.
    for name, shift in (("one", 1), ("two", 2)):
        step = ai.compile(lambda shift=shift: W + shift)
        step()
        step.eject(tmp_path / f"{name}.py")
    (tmp_path / "one.npz").replace(tmp_path / "two.npz")
    with pytest.raises(ImportError, match="written for another"):
        runpy.run_path(str(tmp_path / "two.py"))
    step.eject(tmp_path / "two.py")
    run_alone(tmp_path / "two.py")
