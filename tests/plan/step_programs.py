"""Random steps that assign: state, arguments, views, draws, integers and narrow floats.

A step is a list of instructions.  Which of them make sense is found by running them eagerly once.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes  # noqa: F401  (lets NumPy know bfloat16 by its name)
import numpy as np

import autograd_iron as ai

Array = np.ndarray[Any, Any]
ROWS = 4

UNARY: dict[str, Callable[[Any], Any]] = {
    "times one": lambda x: x * 1,
    "plus zero": lambda x: x + 0,
    "double": lambda x: x + x,
    "minus": lambda x: 1 - x,
    "shift": lambda x: x + 0.5,
    "tanh": ai.tanh,
    "square": ai.square,
    "clip": lambda x: ai.clip(x, 0, 2),
    "small clip": lambda x: ai.clip(x, -1, 1),
    "relu": ai.relu,
    "below": lambda x: x < 1,
    "transpose": lambda x: x.T,
    "first": lambda x: x[0],
    "last column": lambda x: x[..., -1],
    "rows": lambda x: x[1:3],
    "backwards": lambda x: x[::-1],
    "new axis": lambda x: x[None],
    "whole": lambda x: x[...],
    "nothing": lambda x: x[()],
    "picked": lambda x: x[np.array([1, 0, 0])],
    "listed": lambda x: x[[1, 0, 0]],
    "flat": lambda x: x.reshape(-1),
    "split": lambda x: x.reshape(-1, 1),
    "stretched": lambda x: ai.broadcast_to(x, (2, *x.shape)),
    "wide": lambda x: ai.broadcast_to(x[:, :1], (ROWS, 3)),
    "flip": lambda x: ai.flip(x, 0),
    "set": lambda x: x.at[0].set(2),
    "added": lambda x: x.at[np.array([0, 1, 1])].add(1),
    "added everywhere": lambda x: x.at[()].add(1),
    "sum": ai.sum,
    "row sum": lambda x: ai.sum(x, axis=-1),
    "column sum": lambda x: ai.sum(x, axis=0, keepdims=True),
    "max": lambda x: ai.max(x, axis=0),
    "argmax": lambda x: ai.argmax(x, axis=-1),
    "detach": lambda x: x.detach(),
    "itself": lambda x: x,
    "padded": lambda x: ai.pad(x, 1),
    **{
        f"as {dtype}": lambda x, dtype=dtype: x.astype(dtype)
        for dtype in ("float16", "bfloat16", "float32", "float64", "int8", "int64", "bool")
    },
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (1 + y * y),
    "maximum": ai.maximum,
    "where": lambda x, y: ai.where(x > 0, x, y),
    "matmul": lambda x, y: x @ y,
    "concat": lambda x, y: ai.concat([x, y], axis=0),
    "looked up": lambda x, y: x[ai.clip(y, 0, 2).astype("int64")],
}
# What changes more than it returns.
OTHERS = ("assign", "draw", "normal")
WORDS = (*UNARY, *BINARY, *OTHERS)

STATE: list[tuple[tuple[int, ...], str]] = [
    ((ROWS, 3), "float32"),
    ((3,), "float32"),
    ((), "int64"),
    ((ROWS, 3), "int32"),
    ((3,), "float16"),
    ((3,), "bfloat16"),
    ((), "float32"),
]
ARGUMENTS: list[tuple[tuple[int, ...], str]] = [((ROWS, 3), "float32"), ((3,), "int64")]


def filled(shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> Array:
    if np.dtype(dtype).kind == "i":
        return np.asarray(rng.integers(-3, 4, shape)).astype(dtype)
    return np.asarray(rng.standard_normal(shape)).astype(dtype)


@dataclass
class Step:
    """A step with tensors of its own: what `__call__` does is a function of `seed` alone."""

    seed: int
    program: list[tuple[str, int, int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    backward: bool = False
    device: str = "cpu"

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.state = [
            ai.tensor(
                filled(*s, rng),
                requires_grad=s[1] == "float32" and self.seed % 2 == 0,
                device=self.device,
            )
            for s in STATE
        ]
        self.generator = ai.Generator(self.seed)

    @staticmethod
    def arguments(seed: int) -> list[Array]:
        rng = np.random.default_rng(seed)
        return [filled(*s, rng) for s in ARGUMENTS]

    def __call__(self, *given: ai.Tensor) -> Any:
        values = [*self.state, *given]
        for instruction in self.program:
            values.append(self.made(instruction, values))
        left: list[Any] = []
        if self.backward:
            left.append(self.pulled(values))
        chosen = [values[end % len(values)] for end in self.ends]
        return {"a": chosen[:2], "\n": (chosen[2:], None, 3, left)}

    def made(self, instruction: tuple[str, int, int], values: list[ai.Tensor]) -> ai.Tensor:
        word, first, second = instruction
        x, y = values[first % len(values)], values[second % len(values)]
        if word in UNARY:
            return UNARY[word](x)
        if word in BINARY:
            return BINARY[word](x, y)
        if word == "draw":
            return self.generator.uniform((3,), device=self.device)
        if word == "normal":
            return self.generator.normal((ROWS, 3), device=self.device)
        target = self.state[first % len(STATE)]
        target.assign(y)
        return target

    def pulled(self, values: list[ai.Tensor]) -> ai.Tensor:
        some = [v for v in values if v.dtype in ("float32", "float64") and v.size]
        loss = sum((ai.mean(ai.sin(v)).astype("float32") for v in some), self.zero())
        loss.backward()
        return loss

    def zero(self) -> ai.Tensor:
        return ai.zeros((), device=self.device)

    def twin(self, device: str = "cpu") -> Step:
        """Return the same step with tensors of its own."""
        return Step(self.seed, self.program, self.ends, self.backward, device)


def random_step(seed: int) -> Step:
    """Return a step of instructions that make sense."""
    choose = random.Random(seed)
    tried = Step(seed)
    values = [*tried.state, *map(ai.tensor, Step.arguments(0))]
    program = []
    for _ in range(choose.randint(1, 10)):
        word = choose.choice([*WORDS, *["assign"] * 12, *["times one"] * 5])
        instruction = (word, choose.randrange(1000), choose.randrange(1000))
        try:
            with np.errstate(all="ignore"):
                made = tried.made(instruction, values)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
        if made.size < 200:
            # The places are those that the values have at this point.
            first = instruction[1] % (len(STATE) if word == "assign" else len(values))
            program.append((word, first, instruction[2] % len(values)))
            values.append(made)
    ends = [choose.randrange(len(values)) for _ in range(choose.randint(0, 4))]
    return Step(seed, program, ends, backward=seed % 4 == 0)
