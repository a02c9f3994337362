"""NumPy's own functions called on a Tensor record, or say that they do not."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce, wraps
from typing import Any

import numpy as np
import pytest
from samples import COMPOSITES, PRIMITIVES, SAMPLES, case_of

import autograd_iron as ai
from autograd_iron.core import interop
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import registry

UFUNC_DEFAULTS: dict[str, Any] = {
    "out": None,
    "where": True,
    "dtype": None,
    "casting": "same_kind",
    "order": "K",
    "subok": True,
}
NEW = np.lib.NumpyVersion(np.__version__) >= "2.1.0"  # which gave parameters other names
NO_VALUE = np._NoValue  # type: ignore[attr-defined]
W = np.array([[0.5, -1.5, 2.5], [1.0, 0.25, -0.75]])
M = W > 0

# By the word that must answer: calls of NumPy on x, a (2, 3) array of values in (0, 1).
CALLS: dict[str, list[Callable[[Any], Any]]] = {
    "add": [lambda x: np.add(x, W), lambda x: np.add(1.5, x)],
    "subtract": [lambda x: np.subtract(W, x)],
    "multiply": [lambda x: np.multiply(x, W)],
    "divide": [lambda x: np.divide(W, x), lambda x: np.true_divide(x, 2.0)],
    "negative": [np.negative],
    "pow": [lambda x: np.power(x, 2.5), lambda x: np.power(2.0, x)],
    "float_power": [lambda x: np.float_power(x, 3)],
    **{
        name: [getattr(np, name)]
        for name in ("sinc", "fabs", "modf", "spacing", "positive", "reciprocal", "nan_to_num")
    },
    "arccosh": [lambda x: np.arccosh(1 + x)],
    "deg2rad": [np.deg2rad, np.radians],
    "rad2deg": [np.rad2deg, np.degrees],
    "round": [np.round, lambda x: np.around(x, decimals=1)],
    "trunc": [np.trunc, np.fix],
    "heaviside": [lambda x: np.heaviside(x, 0.5)],
    "divmod": [lambda x: np.divmod(x, W)],
    "i0": [np.i0],
    "isreal": [np.isreal],
    "iscomplex": [np.iscomplex],
    "isposinf": [np.isposinf],
    "isneginf": [np.isneginf],
    "isclose": [lambda x: np.isclose(x, W, rtol=0.5)],
    "ldexp": [lambda x: np.ldexp(x, 3)],
    "left_shift": [lambda x: np.left_shift(x > 0.5, M)],
    "right_shift": [lambda x: np.right_shift(x > 0.5, M)],
    "gcd": [lambda x: np.gcd(6, (x > 0.5).astype("int64"))],
    "bitwise_count": [lambda x: np.bitwise_count((x > 0.5).astype("int64"))],
    "lcm": [lambda x: np.lcm(6, (x > 0.5).astype("int64"))],
    "square": [np.square],
    "abs": [np.abs, np.absolute],
    "sign": [np.sign],
    "conj": [np.conj, np.conjugate],
    "real": [np.real],
    "imag": [np.imag],
    "frexp": [lambda x: np.frexp(x)[0]],
    "tril": [np.tril, lambda x: np.tril(x, 1)],
    "triu": [np.triu, lambda x: np.triu(x, k=-1)],
    "solve": [lambda x: np.linalg.solve(x @ x.T, x)],
    "qr": [lambda x: np.linalg.qr(x.T)],
    "svd": [lambda x: np.linalg.svd(x, full_matrices=False)],
    "fft": [],  # test_fourier.py
    "pinv": [np.linalg.pinv],
    "lstsq": [],  # whose rank has no gradient
    "matrix_rank": [],
    "matrix_power": [lambda x: np.linalg.matrix_power(x @ x.T, 3)],
    "cond": [np.linalg.cond],
    "matrix_norm": [np.linalg.matrix_norm, lambda x: np.linalg.matrix_norm(x, ord="nuc")]
    if NEW
    else [],
    "vector_norm": [lambda x: np.linalg.vector_norm(x, axis=0, ord=3)] if NEW else [],
    "convolve": [lambda x: np.convolve(x[0], x[1], "same")],
    "correlate": [lambda x: np.correlate(x[0], x[1], mode="full")],
    "polyval": [lambda x: np.polyval(x[0], W)],
    "eig": [],  # NumPy's are real where they can be
    "eigvals": [],
    "tensorsolve": [lambda x: np.linalg.tensorsolve(x @ x.T, x[:, 0])],
    "tensorinv": [lambda x: np.linalg.tensorinv(x @ x.T, ind=1)],
    "eigh": [lambda x: np.linalg.eigh(x @ x.T)],
    "exp": [np.exp],
    "expm1": [np.expm1],
    "log": [np.log],
    "log1p": [np.log1p],
    "sqrt": [np.sqrt],
    "sin": [np.sin],
    "cos": [np.cos],
    "tanh": [np.tanh],
    "maximum": [lambda x: np.maximum(x, W)],
    "minimum": [lambda x: np.minimum(W, x)],
    "clip": [
        lambda x: np.clip(x, 0.2, 0.6),
        lambda x: np.clip(x, 0.2, None),
        lambda x: np.clip(x, a_min=None, a_max=0.6),
        *([lambda x: np.clip(x, min=0.2, max=0.6, out=None)] if NEW else []),
        lambda x: np.clip(x, 0.2, 0.6, None),
    ],
    "where": [lambda x: np.where(M, x, 0.0), lambda x: np.where(x > 0.5, W, x)],
    "equal": [lambda x: np.equal(x, W)],
    "not_equal": [lambda x: np.not_equal(x, W)],
    "less": [lambda x: np.less(x, W)],
    "less_equal": [lambda x: np.less_equal(x, W)],
    "greater": [lambda x: np.greater(W, x)],
    "greater_equal": [lambda x: np.greater_equal(x, 0.5)],
    "logical_and": [lambda x: np.logical_and(x > 0.5, M)],
    "logical_or": [lambda x: np.logical_or(M, x > 0.5)],
    "logical_not": [lambda x: np.logical_not(x > 0.5)],
    "bitwise_and": [lambda x: np.bitwise_and(x > 0.5, M)],
    "bitwise_or": [lambda x: np.bitwise_or(M, x > 0.5)],
    "bitwise_xor": [lambda x: np.bitwise_xor(M, x > 0.5)],
    "bitwise_invert": [lambda x: np.invert(x > 0.5), lambda x: np.bitwise_not(x > 0.5)],
    "isfinite": [np.isfinite],
    "isnan": [np.isnan],
    "sum": [
        np.sum,
        lambda x: np.sum(x, 0),
        lambda x: np.sum(x, axis=(0, 1), keepdims=True),
        lambda x: np.sum(x, None, None, None),
        lambda x: np.sum(
            x, axis=1, dtype=None, out=None, keepdims=NO_VALUE, initial=NO_VALUE, where=NO_VALUE
        ),
    ],
    "mean": [
        np.mean,
        lambda x: np.mean(x, axis=1, keepdims=True),
        lambda x: np.mean(x, 0, None, None, NO_VALUE, where=NO_VALUE),
    ],
    "var": [
        np.var,
        lambda x: np.var(x, axis=0),
        lambda x: np.var(x, axis=1, keepdims=True, correction=1),
        lambda x: np.var(x, 0, None, None, 0, NO_VALUE, where=NO_VALUE, mean=NO_VALUE),
    ],
    "max": [
        np.max,
        np.amax,
        lambda x: np.max(x, axis=1, keepdims=True),
        lambda x: np.max(x, 0, None, NO_VALUE, NO_VALUE, NO_VALUE),
    ],
    "min": [np.min, np.amin, lambda x: np.min(x, axis=0)],
    "norm": [
        np.linalg.norm,
        lambda x: np.linalg.norm(x, axis=1, keepdims=True),
        lambda x: np.linalg.norm(x, None, 0, False),
    ],
    "argmax": [np.argmax, lambda x: np.argmax(x, axis=1), lambda x: np.argmax(x, 0, None)],
    "argmin": [np.argmin, lambda x: np.argmin(x, 0, out=None, keepdims=NO_VALUE)],
    "all": [lambda x: np.all(x > 0.1), lambda x: np.all(x > 0.5, axis=0, keepdims=True)],
    "any": [lambda x: np.any(x > 0.9), lambda x: np.any(x > 0.5, 1, None)],
    "reshape": [
        lambda x: np.reshape(x, (3, 2)),
        lambda x: np.reshape(x, -1),
        *([lambda x: np.reshape(x, shape=(6, 1), order="C", copy=None)] if NEW else []),
    ],
    "permute_dims": [
        np.transpose,
        lambda x: np.transpose(x, (1, 0)),
        lambda x: np.permute_dims(x, axes=(1, 0)),
    ],
    "matrix_transpose": [np.matrix_transpose],
    "diagonal": [np.diagonal, lambda x: np.diagonal(x, 1)],
    "trace": [np.trace, lambda x: np.trace(x, offset=1)],
    "diag": [np.diag, lambda x: np.diag(x[0], k=1)],
    "diagflat": [np.diagflat],
    "vander": [lambda x: np.vander(x[0]), lambda x: np.vander(x[0], 2, increasing=True)],
    "meshgrid": [lambda x: np.meshgrid(x[0], x[1], indexing="ij")],
    "take": [
        lambda x: np.take(x, [3, 0]),
        lambda x: np.take(x, [[1, 0]], axis=0),
        lambda x: np.take(x, [5, -1], 1, None, "clip"),
    ],
    "compress": [lambda x: np.compress([True, False], x, axis=0)],
    "extract": [lambda x: np.extract(M, x)],
    "apply_along_axis": [lambda x: np.apply_along_axis(lambda v: v * v, 1, x)],
    "select": [lambda x: np.select([M, ~M], [x, 2 * x])],
    "choose": [lambda x: np.choose([[0], [1]], [x, 2 * x])],
    "piecewise": [lambda x: np.piecewise(x, [M], [lambda v: v * 2.0, lambda v: v])],
    "delete": [lambda x: np.delete(x, 1), lambda x: np.delete(x, [0], axis=1)],
    "insert": [lambda x: np.insert(x, 1, 2.0), lambda x: np.insert(x, [1], 0.5, axis=1)],
    "sliding_window_view": [lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2))],
    "isin": [lambda x: np.isin(x, W)],
    "nonzero": [np.nonzero],
    "argwhere": [np.argwhere],
    "flatnonzero": [np.flatnonzero],
    "union1d": [lambda x: np.union1d(M, x > 0.5)],
    "intersect1d": [lambda x: np.intersect1d(x > 0.5, M)],
    "setdiff1d": [lambda x: np.setdiff1d(M, x > 0.5)],
    "setxor1d": [lambda x: np.setxor1d(M, x > 0.5)],
    "squeeze": [lambda x: np.squeeze(x[:1]), lambda x: np.squeeze(x[:, :1], axis=1)],
    "expand_dims": [lambda x: np.expand_dims(x, 0), lambda x: np.expand_dims(x, axis=(0, -1))],
    "broadcast_to": [lambda x: np.broadcast_to(x, (4, 2, 3), subok=False)],
    "astype": [lambda x: np.astype(x, "float32")],
    "concat": [
        lambda x: np.concatenate([x, W]),
        lambda x: np.concatenate((W, x), axis=1),
        lambda x: np.concat([x, x], axis=None),
        lambda x: np.concatenate([x, W], axis=0, out=None, dtype=None, casting="same_kind"),
    ],
    "stack": [
        lambda x: np.stack([x, W]),
        lambda x: np.stack((W, x), axis=-1, out=None, dtype=None, casting="same_kind"),
    ],
    "split": [lambda x: np.split(x, 3, axis=1), lambda x: np.split(x, [1])],
    "pad": [
        lambda x: np.pad(x, 1),
        lambda x: np.pad(x, ((0, 1), (2, 0)), mode="constant"),
        lambda x: np.pad(x, (1, 0), constant_values=2.0),
        lambda x: np.pad(x, 1, mode="reflect"),
        lambda x: np.pad(x, ((1, 0), (2, 1)), "linear_ramp", end_values=(0.0, 1.0)),
    ],
    "pad_constant": [lambda x: np.pad(x, 1, "constant", constant_values=2.0)],
    "flip": [np.flip, lambda x: np.flip(x, 0), lambda x: np.flip(x, axis=(0, 1))],
    "copy": [np.copy],
    "take_along_axis": [lambda x: np.take_along_axis(x, np.array([[1], [0]]), 1)],
    "ravel": [np.ravel],
    "atleast_1d": [np.atleast_1d, lambda x: np.atleast_1d(x, x)],
    "atleast_2d": [np.atleast_2d],
    "atleast_3d": [np.atleast_3d],
    "broadcast_arrays": [lambda x: np.broadcast_arrays(x, x[:1])],
    "flipud": [np.flipud],
    "fliplr": [np.fliplr],
    "swapaxes": [lambda x: np.swapaxes(x, 0, 1)],
    "moveaxis": [lambda x: np.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, [0, 1], [1, 0])],
    "rollaxis": [lambda x: np.rollaxis(x, 1), lambda x: np.rollaxis(x, 0, 2)],
    "roll": [lambda x: np.roll(x, 1), lambda x: np.roll(x, (1, 2), axis=(0, 1))],
    "rot90": [np.rot90, lambda x: np.rot90(x, k=2)],
    "repeat": [lambda x: np.repeat(x, 2), lambda x: np.repeat(x, [1, 2], axis=0)],
    "tile": [lambda x: np.tile(x, (2, 1)), lambda x: np.tile(x, reps=2)],
    "resize": [lambda x: np.resize(x, (4, 2))],
    "array_split": [lambda x: np.array_split(x, 2, axis=1)],
    "vsplit": [lambda x: np.vsplit(x, 2)],
    "hsplit": [lambda x: np.hsplit(x, 3)],
    "dsplit": [lambda x: np.dsplit(np.expand_dims(x, 0), 3)],
    "unstack": [lambda x: np.unstack(x, axis=1)] if NEW else [],
    "append": [lambda x: np.append(x, 1.0), lambda x: np.append(x, W, axis=0)],
    "vstack": [lambda x: np.vstack([x, W])],
    "hstack": [lambda x: np.hstack((x, W))],
    "dstack": [lambda x: np.dstack([x, W])],
    "column_stack": [lambda x: np.column_stack([x, W])],
    "block": [lambda x: np.block([[x, W], [W, x]])],
    "matmul": [lambda x: np.matmul(x, W.T), lambda x: np.linalg.matmul(W.T, x)],
    "dot": [lambda x: np.dot(x, x.T)],
    "vdot": [lambda x: np.vdot(x, W)],
    "vecdot": [lambda x: np.vecdot(x, W), lambda x: np.linalg.vecdot(x, W, axis=0)],
    "inner": [lambda x: np.inner(W, x)],
    "outer": [lambda x: np.outer(x, W), lambda x: np.linalg.outer(x[0], W[0])],
    "tensordot": [lambda x: np.tensordot(x, W), lambda x: np.tensordot(x, W, axes=(0, 0))],
    "matvec": [lambda x: np.matvec(x, W[0])] if hasattr(np, "matvec") else [],
    "vecmat": [lambda x: np.vecmat(W[:, 0], x)] if hasattr(np, "vecmat") else [],
    "multi_dot": [lambda x: np.linalg.multi_dot([x, W.T, x])],
    "kron": [lambda x: np.kron(x, W)],
    "cross": [lambda x: np.cross(x, W), lambda x: np.linalg.cross(W, x)],
    "einsum": [
        lambda x: np.einsum("ij->j", x),
        lambda x: np.einsum("ij,kj", x, W, optimize=True),
        lambda x: np.einsum(W, [0, 1], x, [2, 1], [2, 0]),
    ],
}


def calls_of(primitive: Primitive) -> list[Callable[[Any], Any]]:
    """Return a call of the function of NumPy's that a primitive's record names."""
    path = primitive.numpy or (primitive.name if primitive.reduction is not None else "")
    function = reduce(lambda owner, part: getattr(owner, part, None), path.split("."), np)
    if function is None or not path:
        return []
    of_matrices = path.startswith("linalg.")
    others = [W] * (primitive.arity - 1)

    def call(x: Any) -> Any:
        return function(x @ x.T + np.eye(2) if of_matrices else x, *others)

    return [call]


# NumPy's functions of these names make arrays of numbers, or something else.
MADE = {
    "empty",
    "put_along_axis",
    "ravel_multi_index",
    "unravel_index",
    "eye",
    "tri",
    "tril_indices_from",
    "triu_indices_from",
}
MADE |= {f"{word}_like" for word in ("empty", "full", "ones", "zeros")}
OF_OUR_OWN = {*MADE, "allclose", "array_equal", "identity", "transpose", "zeros", "ones", "full"}
OF_OUR_OWN |= {word for word in registry if not hasattr(np, word) and not hasattr(np.linalg, word)}
for word in sorted(registry.keys() - CALLS.keys() - OF_OUR_OWN):
    if word in PRIMITIVES and calls_of(PRIMITIVES[word]):
        CALLS[word] = calls_of(PRIMITIVES[word])
    elif hasattr(np.linalg, word):  # of matrices: what is symmetric and definite suits all
        CALLS[word] = [lambda x, word=word: getattr(np.linalg, word)(x @ x.T)]

FLAT = {"imag", "nextafter", "spacing"}  # through which no gradient flows
ROWS = [(name, call) for name, calls in CALLS.items() for call in calls]
every_call = pytest.mark.parametrize(
    ("name", "call"), ROWS, ids=[f"{name} {i}" for i, (name, _) in enumerate(ROWS)]
)


def sample() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).uniform(0.05, 0.95, (2, 3))


def parts(result: Any) -> list[Any]:
    return list(result) if isinstance(result, list | tuple) else [result]


def module_of(word: Any) -> str:
    return str(word.kernel.__module__ if hasattr(word, "kernel") else word.function.__module__)


def numpys(path: str) -> Any:
    return reduce(lambda owner, part: getattr(owner, part, None), path.split("."), np)


# Words that CALLS lacks are tried by their samples, with NumPy's function of the same name.
BY_SAMPLES = {
    path: entry
    for path, entry in {**SAMPLES, **COMPOSITES}.items()
    if path.rpartition(".")[2] not in CALLS.keys() | OF_OUR_OWN
    and callable(numpys(path))
    and (entry.around is None or "." not in path)  # matrices: else their symmetric part is meant
}


@pytest.mark.parametrize("path", sorted(BY_SAMPLES))
def test_numpys_function_answers_on_the_samples(path: str) -> None:
    entry, function = BY_SAMPLES[path], numpys(path)
    for row in entry.calls[:4]:
        case = case_of(entry, row, path)
        try:
            expected = parts(function(*case.arrays, **case.attributes))
        except (TypeError, ValueError, np.exceptions.AxisError):
            continue  # the parameters have other names there
        leaves = [ai.tensor(a, requires_grad=a.dtype.kind == "f") for a in case.arrays]
        ours = parts(function(*leaves, **case.attributes))
        assert len(ours) == len(expected)
        for a, b in zip(ours, expected, strict=True):
            np.testing.assert_allclose(getattr(a, "data", a), b, rtol=1e-9, atol=1e-12)


def test_every_word_with_samples_is_tried_or_our_own() -> None:
    shipped = {n for n, w in registry.items() if module_of(w).startswith(("autograd_iron", "nn"))}
    shipped &= SAMPLES.keys() | COMPOSITES.keys()  # others have no gradient: what is unique, say
    assert shipped - CALLS.keys() - OF_OUR_OWN - BY_SAMPLES.keys() == set()


@every_call
def test_numpy_answers_on_a_tensor_as_on_an_array(name: str, call: Callable[[Any], Any]) -> None:
    x = ai.tensor(sample(), requires_grad=True)
    ours, theirs = parts(call(x)), parts(call(sample()))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, ai.Tensor)
        assert a.dtype == b.dtype
        assert a.requires_grad == (b.dtype.kind == "f" and name not in FLAT)
        np.testing.assert_allclose(a.data, b, rtol=1e-14)


def test_none_is_said_to_a_function_whose_defaults_nobody_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `concatenate` is in NumPy 2.0: its `axis=None` was taken for the default, which is 0."""
    monkeypatch.setattr(interop, "_signature", lambda function: None)
    x = ai.tensor(sample())
    assert np.concatenate([x, W], axis=None).shape == (12,)
    assert np.concatenate([x, W], axis=0, out=None).shape == (4, 3)


@every_call
def test_gradients_flow_through_numpys_calls(name: str, call: Callable[[Any], Any]) -> None:
    x = ai.tensor(sample(), requires_grad=True)
    if name in interop._COERCIONS:  # they give NumPy's arrays of what requires no gradient
        made = parts(call(x))
        ai.grad(lambda x: sum(ai.sum(part * part) for part in parts(call(x))))(x)
        assert all(isinstance(part, ai.Tensor) for part in made)
        assert all(isinstance(part, np.ndarray) for part in parts(call(x.detach())))
    elif all(part.requires_grad for part in parts(call(x))) and name != "astype":
        ai.check_grads(call, [x])


@every_call
def test_numpys_defaults_never_reach_a_rule(
    name: str, call: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(primitive: Any, rule: Any) -> Any:
        @wraps(rule)
        def checking(F: Any, g: Any, y: Any, *inputs: Any, **attributes: Any) -> Any:
            allowed = set(primitive.defaults) | ({"argument"} if primitive.variadic else set())
            assert set(attributes) == allowed
            assert not any(value is NO_VALUE for value in attributes.values())
            return rule(F, g, y, *inputs, **attributes)

        return checking

    for primitive in PRIMITIVES.values():
        rules = [rule and check(primitive, rule) for rule in primitive.rules]
        monkeypatch.setattr(primitive, "rules", rules)
    x = ai.tensor(sample(), requires_grad=True)
    for part in parts(call(x)):
        if part.requires_grad:
            ai.sum(part).backward(retain_graph=True)
            assert x.grad is not None


@pytest.mark.parametrize("name", [n for n in CALLS if isinstance(getattr(np, n, None), np.ufunc)])
def test_a_ufuncs_defaults_may_be_spelled_out(name: str) -> None:
    ufunc = getattr(np, name)
    dtype = bool if name.startswith("bitwise") else float
    if name in ("gcd", "lcm", "ldexp", "left_shift", "right_shift"):
        dtype = int
    inputs = [ai.tensor(np.abs(W).astype(dtype)) for _ in range(ufunc.nin)]
    if name == "matmul":
        inputs[1] = inputs[1].T
    elif name in ("matvec", "vecmat"):
        inputs[name == "matvec"] = inputs[0][0] if name == "matvec" else inputs[0][:, 0]
    given = UFUNC_DEFAULTS if ufunc.signature is None else {"out": None, "dtype": None}
    if ufunc.nout > 1:
        given = {key: value for key, value in given.items() if key != "out"}
    with np.errstate(all="ignore"):
        spelled, plain = parts(ufunc(*inputs, **given)), parts(ufunc(*inputs))
    for one, other in zip(spelled, plain, strict=True):
        np.testing.assert_array_equal(one.data, other.data)


# --- what has no primitive


REFUSED: dict[str, Callable[[Any], Any]] = {
    "numpy.hypot.reduce": np.hypot.reduce,
    "numpy.add.at": lambda x: np.add.at(x, 0, 1.0),
    "numpy.maximum.accumulate": np.maximum.accumulate,
    "numpy.copyto": lambda x: np.copyto(np.zeros((2, 3)), x),
    "numpy.add.*where=": lambda x: np.add(x, 1.0, where=M, out=None),
    "numpy.exp.*dtype=": lambda x: np.exp(x, dtype="float32"),
    "numpy.sum.*out=": lambda x: np.sum(x, out=np.zeros(())),
    "numpy.reshape.*order=": lambda x: np.reshape(x, (3, 2), order="F"),
    "numpy.clip.*out=": lambda x: np.clip(x, 0.0, 1.0, out=np.zeros((2, 3))),
    "numpy.concatenate.*dtype=": lambda x: np.concatenate([x, x], dtype="float32"),
}


@pytest.mark.parametrize(("message", "call"), REFUSED.items(), ids=REFUSED)
def test_what_has_no_primitive_says_so(message: str, call: Callable[[Any], Any]) -> None:
    x = ai.tensor(sample(), requires_grad=True)
    with pytest.raises(TypeError, match=message) as info:
        call(x)
    assert "cannot be recorded on a Tensor" in str(info.value)
    assert "t.numpy()" in str(info.value)


METHODS_OF_UFUNCS: list[Callable[[Any], Any]] = [
    np.add.reduce,
    lambda x: np.multiply.reduce(x, axis=1, keepdims=True),
    lambda x: np.maximum.reduce(x, axis=None),
    lambda x: np.minimum.reduce(x, 1),
    np.logaddexp.reduce,
    np.add.accumulate,
    lambda x: np.multiply.accumulate(x, axis=1),
    lambda x: np.multiply.outer(x, x),
    lambda x: np.subtract.outer(W, x),
    lambda x: np.add.outer(1.5, x),
]


@pytest.mark.parametrize("call", METHODS_OF_UFUNCS)
def test_methods_of_ufuncs_record(call: Callable[[Any], Any]) -> None:
    x = ai.tensor(sample(), requires_grad=True)
    ours = call(x)
    assert ours.requires_grad
    np.testing.assert_allclose(ours.data, call(sample()), rtol=1e-12)
    ai.check_grads(call, [x])


# --- what needs no gradient


NOT_PURE = {"numpy.add.at", "numpy.copyto", "numpy.add.*where="}
ANSWERED: dict[str, Callable[[Any], Any]] = {
    **{name: call for name, call in REFUSED.items() if name not in NOT_PURE},
    "numpy.interp": lambda x: np.interp(x[0], [0.0, 1.0], [2.0, 3.0]),
    "numpy.apply_along_axis": lambda x: np.apply_along_axis(np.max, 1, x),
    "numpy.histogram": lambda x: np.histogram(x, bins=3)[0],
    "numpy.lexsort": lambda x: np.lexsort((x[0], x[1])),
    "numpy.cov": np.cov,
    "numpy.add.reduceat": lambda x: np.add.reduceat(x, [0, 1]),
}


@pytest.mark.parametrize("call", ANSWERED.values(), ids=ANSWERED)
def test_what_needs_no_gradient_numpy_answers(call: Callable[[Any], Any]) -> None:
    leaf = ai.tensor(sample(), requires_grad=True)
    expected = parts(call(sample()))
    found = [parts(call(leaf.detach()))]
    with ai.no_grad():
        found.append(parts(call(leaf)))
    for ours in found:
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-14)


def test_numpys_questions_are_always_answered(tmp_path: Any) -> None:
    x, array = ai.tensor(sample(), requires_grad=True), sample()
    assert np.allclose(x, array) is True
    assert np.array_equal(x, array + 1) is False
    assert np.array_equiv(array, x) is True
    assert np.shape(x) == (2, 3)
    assert (np.ndim(x), np.size(x), np.size(x, 1)) == (2, 6, 3)
    assert np.iscomplexobj(x) is False
    assert np.isrealobj(x * 1j) is False
    assert np.array_repr(x) == np.array_repr(array)
    np.save(tmp_path / "x.npy", x)
    assert np.load(tmp_path / "x.npy").tolist() == array.tolist()
    step = ai.compile(lambda x: x * np.ndim(x) + np.shape(x)[0])
    assert step(x).tolist() == (x * 2 + 2).tolist()
    with pytest.raises(RuntimeError, match="a value is read on the host"):
        ai.compile(lambda x: x if np.allclose(x, 0) else -x)(x)


def test_a_step_of_an_optimizer_in_c_gets_arrays() -> None:
    """As SciPy's do: `scipy.optimize.minimize(ai.value_and_grad(f), x0, jac=True)`."""
    value, slope = ai.value_and_grad(lambda x: ai.sum(x * x))(np.arange(3.0))
    assert np.isscalar(np.asarray(value).item())
    found = np.atleast_1d(slope)
    assert type(found) is np.ndarray
    assert found.tolist() == [0, 2, 4]


def test_numpys_functions_write_into_no_tensor() -> None:
    x, array = ai.tensor([3.0, 1.0]), np.zeros(2)
    np.copyto(array, x)
    np.cumsum(x, out=array)
    assert array.tolist() == [3, 4]
    for write in (lambda: np.copyto(x, array), lambda: np.put(x, [0], 1.0)):
        with pytest.raises(TypeError, match=r"t\.assign\(new\)"):
            write()


# --- operators


BINARY = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
]


@pytest.mark.parametrize("other", [np.abs(W), np.float64(1.5), np.array(1.5), np.abs(W[0])])
@pytest.mark.parametrize("apply", BINARY)
def test_arrays_meet_tensors_on_either_side(apply: Callable[..., Any], other: Any) -> None:
    x = ai.tensor(sample(), requires_grad=True)
    for ours, theirs in [
        (apply(x, other), apply(sample(), other)),
        (apply(other, x), apply(other, sample())),
    ]:
        assert isinstance(ours, ai.Tensor)
        assert ours.requires_grad == (theirs.dtype.kind == "f")
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-14)


def test_arrays_multiply_tensors_as_matrices_on_either_side() -> None:
    x = ai.tensor(sample(), requires_grad=True)
    for ours, theirs in [(x @ W.T, sample() @ W.T), (W.T @ x, W.T @ sample())]:
        assert isinstance(ours, ai.Tensor)
        assert ours.requires_grad
        np.testing.assert_allclose(ours.data, theirs)


@pytest.mark.parametrize("apply", [operator.and_, operator.or_, operator.xor])
def test_masks_meet_on_either_side(apply: Callable[..., Any]) -> None:
    mask = sample() > 0.5
    t = ai.tensor(mask)
    for ours, theirs in [
        (apply(t, M), apply(mask, M)),
        (apply(M, t), apply(M, mask)),
        (apply(t, True), apply(mask, True)),
        (apply(True, t), apply(True, mask)),
        (~t, ~mask),
    ]:
        assert isinstance(ours, ai.Tensor)
        np.testing.assert_array_equal(ours.data, theirs)


def test_gradients_reach_a_tensor_behind_an_array() -> None:
    x = ai.tensor(sample(), requires_grad=True)
    ai.sum(W * x + W / x - W).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), W - W / sample() ** 2)


# --- leaving for NumPy


@pytest.mark.parametrize("convert", [np.asarray, np.array, lambda t: np.asarray([t, t])])
def test_a_tensor_in_the_graph_does_not_become_an_array(convert: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"cut it off from the graph.*detach\(\) or \.numpy\(\)"):
        convert(ai.tensor(sample(), requires_grad=True))


def test_a_plain_tensor_becomes_an_array() -> None:
    t = ai.tensor(sample())
    view = np.asarray(t)
    assert np.shares_memory(view, t.data)
    assert not view.flags.writeable
    copied = np.array(t)
    assert not np.shares_memory(copied, t.data)
    copied[:] = 0.0
    assert np.asarray(t, dtype="float32").dtype == np.float32
    np.testing.assert_array_equal(t.numpy(), sample())


def test_a_copy_that_is_forbidden_is_refused() -> None:
    t = ai.tensor(sample())
    assert np.shares_memory(np.array(t, copy=False), t.data)
    with pytest.raises(ValueError, match="cannot become float32 without a copy"):
        np.array(t, dtype="float32", copy=False)


def test_numpy_gives_a_view_that_cannot_be_written() -> None:
    x = ai.tensor(sample(), requires_grad=True)
    view = x.numpy()
    assert np.shares_memory(view, x.data)
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1.0


def test_tensor_copies_and_asarray_shares() -> None:
    array = sample()
    copied, shared = ai.tensor(array), ai.asarray(array)
    array[:] = 0.0
    np.testing.assert_array_equal(copied.numpy(), sample())
    np.testing.assert_array_equal(shared.numpy(), 0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_array_takes_a_tensor_in_place_as_it_takes_an_array(dtype: str) -> None:
    g = np.arange(3, dtype="float32")
    for write in (
        operator.iadd,
        operator.isub,
        operator.imul,
        operator.itruediv,
        operator.ipow,
    ):
        ours, expected = np.ones(3, dtype) * 3, np.ones(3, dtype) * 3
        with np.errstate(divide="ignore"):
            result = write(ours, 0.5 * ai.tensor(g))
            write(expected, np.float32(0.5) * g)
        assert result is ours
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected)
    ours = np.eye(3, dtype=dtype)
    assert np.add(ai.tensor(g), 1, out=ours[0]).tolist() == [1, 2, 3]
    assert ours[0].tolist() == [1, 2, 3]


def test_an_array_takes_no_tensor_that_requires_a_gradient() -> None:
    w, g = np.ones(3, "float32"), ai.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(TypeError, match="Write array = array - t to make a new Tensor"):
        w -= 0.1 * g
    assert w.tolist() == [1, 1, 1]
    w = w - 0.1 * g
    assert isinstance(w, ai.Tensor)


def test_an_array_takes_no_other_dtype_than_numpy_lets_it() -> None:
    w = np.ones(3, "int64")
    with pytest.raises(TypeError, match="same_kind"):
        w -= ai.tensor([0.5, 0.5, 0.5])


def test_numpy_writes_into_no_tensor() -> None:
    t = ai.tensor([1.0])
    with pytest.raises(TypeError, match=r"write t\.assign\(new\)"):
        np.add(np.ones(1, "float32"), 1, out=t)


def test_a_compiled_step_writes_into_no_array() -> None:
    w = np.ones(1, "float32")

    def step(x: ai.Tensor) -> None:
        nonlocal w
        w += x

    with pytest.raises(RuntimeError, match=r"numpy\.add meets a Tensor"):
        ai.compile(step)(ai.tensor([1.0]))
    assert w.tolist() == [1]
