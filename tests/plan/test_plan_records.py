"""What the record of an operation says wrongly is refused by a compiled step, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import close, proven, small_cache  # noqa: F401
from samples import own_words

import autograd_iron as ai
from autograd_iron.extend import Spec

pytestmark = pytest.mark.usefixtures("small_cache")

X = np.random.default_rng(0).standard_normal((203, 4))  # four tiles


def same(x: Any) -> Spec:
    return Spec(x.shape, x.dtype)


def without_rows(x: Any) -> Spec:
    return Spec(x.shape[1:], x.dtype)


def operation(kernel: Callable[..., Any], shape: Callable[..., Any] | None) -> Any:
    """Return an operation of the name `own`; without a shape rule it is elementwise."""

    def own(xp: Any, x: Any, /) -> Any:
        """Return what the kernel makes."""
        return kernel(xp, x)

    if shape is None:
        return ai.extend.elementwise(own)
    made = ai.extend.primitive(own)
    made.shape(shape)
    return made


def step_of(own: Any) -> Callable[[ai.Tensor], Any]:
    return lambda x: ai.tanh(own(ai.tanh(x)))


@pytest.mark.parametrize(
    ("kernel", "shape", "labels", "combine", "says"),
    [
        (lambda xp, x: x - xp.mean(x, axis=0), same, "ij -> ij", None, "cut along axis 0"),
        (lambda xp, x: x - xp.mean(x, axis=0), None, None, None, "cut along axis 0"),
        (lambda xp, x: x[::-1] * 1, same, "ij -> ij", None, "cut along axis 0"),
        (lambda xp, x: xp.mean(x, axis=0), without_rows, "ij -> j", "sum", "is the sum of"),
        (lambda xp, x: xp.sum(x, axis=0), without_rows, "ij -> j", "max", "is the max of"),
    ],
)
def test_labels_that_the_kernel_does_not_keep(
    kernel: Any, shape: Any, labels: str | None, combine: str | None, says: str
) -> None:
    with own_words():
        own = operation(kernel, shape)
        if labels is not None:
            own.axes(labels, combine=combine)
        compiled = ai.compile(step_of(own))
        for _ in range(2):
            with pytest.raises(TypeError, match=f"own: by its labels the result .*{says}"):
                compiled(X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kernel", "shape", "labels", "combine"),
    [
        (lambda xp, x: x - xp.mean(x, axis=0), same, "Ij -> Ij", None),
        (lambda xp, x: x - xp.mean(x, axis=1, keepdims=True), same, "iJ -> iJ", None),
        (lambda xp, x: xp.sum(x * 1e6, axis=0), without_rows, "ij -> j", "sum"),
        (lambda xp, x: xp.max(x, axis=0), without_rows, "ij -> j", "max"),
        (
            lambda xp, x: xp.sum(x - xp.mean(x, axis=1)[:, None], axis=1),
            lambda x: Spec(x.shape[:1], x.dtype),
            "iJ -> i",
            None,
        ),
        (lambda xp, x: xp.where(x > 0, xp.inf, xp.nan).astype(x.dtype), same, "ij -> ij", None),
    ],
)
def test_labels_that_the_kernel_keeps(
    dtype: str, kernel: Any, shape: Any, labels: str, combine: str | None
) -> None:
    with own_words():
        own = operation(kernel, shape)
        own.axes(labels, combine=combine)
        x = ai.tensor(X, dtype=dtype)
        close(ai.compile(step_of(own))(x), step_of(own)(x))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ("i -> i", r"own\(float64\[203, 4\]\): 'i -> i' does not name the axes of an operand"),
        ("ij -> i", r"own\(.*: its labels name 1 axes of a result of shape \(203, 4\)"),
        ("ij -> ij, ij", r"own\(.*: its labels name 2 results, and there are 1"),
    ],
)
def test_labels_that_are_not_those_of_the_axes(labels: str, says: str) -> None:
    with own_words():
        own = operation(lambda xp, x: x * 2, same)
        own.axes(labels, combine="sum")
        with pytest.raises(ValueError, match=says):
            ai.compile(step_of(own))(X)


@pytest.mark.parametrize(
    "rule",
    [
        lambda x: None,
        lambda x: (x.shape, x.dtype),
        lambda x: Spec(list(x.shape), x.dtype),  # type: ignore[arg-type]
        lambda x: Spec((-1, 4), x.dtype),
        lambda x: Spec((2.0, 4), x.dtype),  # type: ignore[arg-type]
        lambda x: Spec(x.shape, "float64"),
        lambda x: Spec(x.shape, np.float64),
    ],
)
def test_a_shape_rule_that_returns_no_spec(rule: Any) -> None:
    with own_words():
        own = operation(lambda xp, x: x * 2, rule)
        with pytest.raises(TypeError, match=r"own\(.*: the shape rule returned .*Spec\(shape, d"):
            ai.compile(own)(X)


@pytest.mark.parametrize("count", [1, 3])
def test_a_shape_rule_of_another_number_of_outputs(count: int) -> None:
    with own_words():
        own = operation(lambda xp, x: (x * 2, x * 3), lambda x: (same(x),) * count)
        with pytest.raises(TypeError, match=f"own: the shape rule says {count} outputs, and .* 2"):
            ai.compile(lambda x: own(x)[0])(X)


def test_a_kernel_that_writes_into_its_operand() -> None:
    def kernel(xp: Any, x: Any) -> Any:
        x += 1
        return x

    with own_words():
        own = operation(kernel, same)
        x = ai.tensor(X)
        with pytest.raises(TypeError, match="own: the kernel writes into its operand 0, of shape"):
            ai.compile(lambda x: own(x * 1) + x)(x)
        np.testing.assert_array_equal(x.numpy(), X)
