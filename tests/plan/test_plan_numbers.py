"""Numbers among Tensors, as Python and NumPy have them: compiled is what eager is, to the bit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import same_bits

import autograd_iron as ai

DTYPES = ["bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64"]
NUMBERS: list[Any] = [
    *(0, -1, 300, 2**70, -(10**50), 10**400, True, False, -0.0, 0.5, 1e-300, 1e300, np.nan),
    *(np.float64(0.1), np.float32(0.1), np.int8(-3), np.uint64(2**64 - 1), np.True_, np.array(300)),
]
OPERATIONS: dict[str, Callable[[ai.Tensor, Any], Any]] = {
    "plus": lambda x, n: x + n,
    "divided by": lambda x, n: n / x,
    "to the power": lambda x, n: x**n,
    "extreme": lambda x, n: ai.maximum(n, x),
    "greater": lambda x, n: x > n,
    "and": lambda x, n: ai.logical_and(x > 0, n),
    "chosen": lambda x, n: ai.where(x > 0, n, x),
    "chosen beside a number": lambda x, n: ai.where(x > 0, n, 1),
    "what chooses": lambda x, n: ai.where(n, x, x * 2),
    "what chooses a number": lambda x, n: ai.where(n, 1, x),
    "bounds": lambda x, n: ai.clip(x, n, None),
    "written": lambda x, n: x.at[0].set(n),
    "alone": lambda x, n: [ai.exp(n), ai.sum(n), ai.broadcast_to(n, (2,)), ai.reshape(n, (1,))],
}


def outcome(function: Any, x: ai.Tensor) -> Any:
    """Return what a function makes, or the words in which it refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return function(x)
    except (TypeError, ValueError, OverflowError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_number_means_the_same_in_a_compiled_step(name: str, dtype: str) -> None:
    x = ai.tensor([1, 0, 3], dtype=dtype)
    for number in NUMBERS:

        def step(x: ai.Tensor, number: Any = number) -> Any:
            return OPERATIONS[name](x, number)

        wanted, compiled = outcome(step, x), ai.compile(step, threads=1)
        for _ in range(2):
            found = outcome(compiled, x)
            if isinstance(wanted, str):
                assert found == wanted, number
            else:
                assert not isinstance(found, str), (number, found)
                same_bits(found, wanted)


def test_an_integer_of_any_size_is_a_float_of_that_size() -> None:
    assert float(ai.tensor(2**70, dtype="float32")) == 2.0**70
    assert ai.asarray(10**50, dtype="float64").item() == 1e50
    with pytest.raises(OverflowError, match="out of range for every integer dtype"):
        ai.tensor(2**70, dtype="int64")
    with pytest.raises(OverflowError, match="too large"):
        ai.tensor(10**400, dtype="float64")


def test_a_step_refuses_in_the_words_of_the_operation_that_was_called() -> None:
    refused: list[Callable[[ai.Tensor], Any]] = [
        lambda x: ai.clip(x, "1", 2),
        lambda x: ai.linear(x, ai.ones((2, 4))),
        lambda x: x.astype("uint8") + 300,
        lambda x: x.astype("uint8") ** -1,
    ]
    for step in refused:
        wanted = outcome(step, ai.ones((2, 3)))
        assert isinstance(wanted, str)
        assert "[2, 3]" in wanted, "the shape of the operand"
        assert outcome(ai.compile(step), ai.ones((2, 3))) == wanted


@pytest.mark.parametrize(
    ("dtype", "value", "fits"),
    [
        ("uint8", 255, True),
        ("uint8", 256, False),
        ("uint8", ai.tensor([1], dtype="int64"), False),
        ("int32", ai.tensor([1], dtype="int64"), True),
        ("bool", True, True),
        ("bool", 1, False),
        ("float16", ai.tensor([1.0], dtype="float64"), True),
    ],
)
def test_what_is_written_fits_or_is_refused_whatever_the_index(
    dtype: str, value: Any, fits: bool
) -> None:
    x = ai.tensor([1, 0, 0], dtype=dtype)
    for index in (ai.tensor([0, 2], dtype="int64"), slice(0, 2), [0, 2]):
        for write in (
            lambda x, index=index: x.at[index].set(value),
            lambda x, index=index: x.at[index].add(value),
        ):
            for function in (write, ai.compile(write)):
                if fits:
                    assert function(x).dtype == dtype
                else:
                    with pytest.raises(TypeError, match=f"does not fit {dtype}"):
                        function(x)


@pytest.mark.parametrize(("dtype", "number"), [("uint8", 300), ("int64", 2**63), ("bool", 2**63)])
def test_a_choice_that_does_not_fit_is_refused(dtype: str, number: int) -> None:
    x = ai.tensor([1, 0], dtype=dtype)
    for choose in (lambda x: ai.where(x > 0, x, number), lambda x: ai.where(x > 0, number, x)):
        for function in (choose, ai.compile(choose)):
            with pytest.raises(OverflowError, match=f"where.* {number} out of bounds"):
                function(x)
