"""Einstein's sums and chains of products: NumPy's values, gradients, batches and errors."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sampling import Array

import autograd_iron as ai

EXPRESSIONS: list[tuple[str, *tuple[tuple[int, ...], ...]]] = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ji", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij,jk->ki", (2, 2, 3), (3, 4)),
    ("ijij->ji", (2, 3, 2, 3)),
    ("iii->i", (2, 2, 2)),
    ("i,j->ij", (2,), (3,)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 2)),
    ("...i,...i", (2, 1, 3), (4, 3)),
    ("i...->...", (2, 3)),
    ("ijk,ilk,im->mlj", (2, 3, 2), (2, 2, 2), (2, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    (",ij->ij", (), (2, 3)),
    ("ij,jk->", (0, 3), (3, 2)),
]
every_expression = pytest.mark.parametrize(
    ("subscripts", "shapes"), [(text, shapes) for text, *shapes in EXPRESSIONS]
)


def arrays(shapes: Any, seed: int = 0) -> list[Array]:
    source = np.random.default_rng(seed)
    return [source.uniform(-2, 2, shape) for shape in shapes]


@every_expression
def test_values_and_gradients(subscripts: str, shapes: Any) -> None:
    given = arrays(shapes)
    expected = np.einsum(subscripts, *given)
    found = ai.einsum(subscripts, *given)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)
    if found.size and all(x.size for x in given):
        ai.check_grads(lambda *xs: ai.einsum(subscripts, *xs), given, order=2)


@pytest.mark.parametrize(
    "optimize", [True, False, "greedy", "optimal", ["einsum_path", (1, 2), (0, 1)]]
)
def test_every_path_gives_the_same(optimize: Any) -> None:
    given = arrays([(2, 3), (3, 4), (4, 2)])
    found = ai.einsum("ij,jk,kl->il", *given, optimize=optimize)
    np.testing.assert_allclose(found.numpy(), given[0] @ given[1] @ given[2], rtol=1e-12)


def test_a_chain_is_multiplied_in_the_order_that_costs_least() -> None:
    sizes = [(60, 2), (2, 60), (60, 2), (2,)]
    given = [ai.tensor(x, requires_grad=True) for x in arrays(sizes)]
    step = ai.compile(lambda *xs: ai.einsum("ij,jk,kl,l->i", *xs))
    step(*(x.detach() for x in given))
    made = [s.output.shape for s in step.plan.program.steps if s.primitive.name == "matmul"]
    assert (60, 60) not in made
    expected = np.linalg.multi_dot([x.detach().numpy() for x in given])
    np.testing.assert_allclose(step(*given).numpy(), expected, rtol=1e-12)


@given(data=st.data())
@settings(max_examples=60)
def test_drawn_expressions(data: st.DataObject) -> None:
    sizes = {letter: data.draw(st.integers(0, 3), label=letter) for letter in "abcd"}
    letters = st.text("abcd", max_size=3)
    terms = data.draw(st.lists(letters, min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    result = data.draw(st.permutations(used))[: data.draw(st.integers(0, len(used)))]
    subscripts = f"{','.join(terms)}->{''.join(result)}"
    given = arrays([[sizes[letter] for letter in term] for term in terms])
    expected = np.einsum(subscripts, *given)
    found = ai.einsum(subscripts, *given)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-10)


def test_operands_and_lists_in_turns() -> None:
    x, y = arrays([(2, 3), (3, 4)])
    np.testing.assert_allclose(ai.einsum(x, [0, 1], y, [1, 2], [2, 0]).numpy(), (x @ y).T)
    np.testing.assert_allclose(ai.einsum(x, [0, 1], y, [1, 2]).numpy(), x @ y)
    np.testing.assert_allclose(
        ai.einsum(ai.tensor(x), [..., 1], y, [1, 2], [..., 2]).numpy(), x @ y
    )


def test_integers_stay_integers_of_their_size() -> None:
    x = np.arange(6, dtype="i4").reshape(2, 3)
    assert ai.einsum("ij->i", x).dtype == np.einsum("ij->i", x).dtype == "int32"
    assert ai.einsum("ij,kj->ik", x, x).dtype == "int32"


def test_compiled_and_in_batches() -> None:
    x, y = map(ai.tensor, arrays([(5, 2, 3), (5, 3, 4)]))
    together = ai.einsum("bij,bjk->bik", x, y)
    np.testing.assert_allclose(
        ai.compile(lambda x, y: ai.einsum("bij,bjk->bik", x, y))(x, y).numpy(), together.numpy()
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x, y: ai.einsum("ij,jk->il", x, y), "'il' names an axis that no operand has"),
        (lambda x, y: ai.einsum("ij,jk->ii", x, y), "or one twice"),
        (lambda x, y: ai.einsum("ij,jk", x), "for 2 operands, got 1"),
        (lambda x, y: ai.einsum("i", x), r"'i' does not name the axes of operand 0"),
        (lambda x, y: ai.einsum("i?", x), "hold more than letters"),
        (lambda x, y: ai.einsum("ij->i->j", x), "more than one ->"),
        (lambda x, y: ai.einsum("...i->i", x), "does not say where to"),
        (lambda x, y: ai.einsum("ij,kj", x, y), "axis 'j' has size 3, and in operand 1"),
        (ai.einsum, "operands and lists of whole numbers in turns"),
        (lambda x, y: ai.tensordot(x, y, 2), r"have sizes \(2, 3\)"),
        (lambda x, y: ai.tensordot(x, y, 3), "give how many of the last axes"),
        (lambda x, y: ai.cross(y, y), "vectors of 3 elements, got 4 and 4"),
        (ai.vecdot, "vectors of 3 and of 4 elements"),
        (lambda x, y: ai.linalg.multi_dot([x]), "two or more"),
        (lambda x, y: ai.linalg.multi_dot([x, [1.0, 2.0, 3.0], x]), "array 1 of multi_dot"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(*arrays([(2, 3), (3, 4)]))


@pytest.mark.parametrize(
    "sizes", [[(2, 30), (30, 4), (4, 5), (5,)], [(3,), (3, 4), (4, 2)], [(3,), (3,)]]
)
def test_a_chain_of_matrices(sizes: Any) -> None:
    given = arrays(sizes)
    found = ai.linalg.multi_dot(given)
    np.testing.assert_allclose(found.numpy(), np.linalg.multi_dot(given), rtol=1e-12)
    if len(given) == 3:
        ai.check_grads(lambda *xs: ai.linalg.multi_dot(list(xs)), given, order=2)


def test_einsum_is_called_as_numpys() -> None:
    assert [*inspect.signature(ai.einsum).parameters][-1] == "optimize"
