"""Words of other libraries that are spelled otherwise here, and what to type instead."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, NoReturn

# Of PyTorch and JAX: what stands after `torch.` or `jax.`.
OF_MODULES: dict[str, str] = {
    "as_strided": "ai.sliding_window_view(x, shape), slices and ai.reshape, which name elements",
    "as_tensor": "ai.asarray(values)",
    "bmm": "ai.matmul(x, y), or x @ y",
    "cat": "ai.concat(arrays, axis)",
    "cholesky": "ai.linalg.cholesky(x)",
    "chunk": "ai.array_split(x, parts, axis)",
    "clamp": "ai.clip(x, min, max)",
    "clone": "ai.copy(x)",
    "det": "ai.linalg.det(x)",
    "digamma": "ai.special.digamma(x)",
    "div": "ai.divide(x, y), or x / y",
    "double": "ai.float64",
    "eq": "ai.equal(x, y), or x == y",
    "erf": "ai.special.erf(x)",
    "float": "ai.float32",
    "from_numpy": "ai.asarray(array)",
    "gather": "ai.take_along_axis(x, indices, axis)",
    "ge": "ai.greater_equal(x, y), or x >= y",
    "gt": "ai.greater(x, y), or x > y",
    "half": "ai.float16",
    "index_select": "ai.take(x, index, axis)",
    "inference_mode": "ai.no_grad()",
    "int": "ai.int32",
    "inverse": "ai.linalg.inv(x)",
    "is_tensor": "isinstance(x, ai.Tensor)",
    "jit": "ai.compile(function)",
    "le": "ai.less_equal(x, y), or x <= y",
    "lgamma": "ai.special.gammaln(x)",
    "logdet": "ai.linalg.slogdet(x)",
    "long": "ai.int64",
    "lt": "ai.less(x, y), or x < y",
    "masked_fill": "ai.where(mask, value, x)",
    "masked_select": "x[mask]",
    "mm": "ai.matmul(x, y), or x @ y",
    "movedim": "ai.moveaxis(x, source, destination)",
    "mul": "ai.multiply(x, y), or x * y",
    "mv": "ai.matvec(x, v), or x @ v",
    "narrow": "x[start:stop]",
    "ne": "ai.not_equal(x, y), or x != y",
    "neg": "ai.negative(x), or -x",
    "nn": "the package nn: import nn",
    "numel": "x.size",
    "optim": "the package nn, which has optimizers: import nn",
    "permute": "ai.permute_dims(x, axes)",
    "qr": "ai.linalg.qr(x)",
    "repeat_interleave": "ai.repeat(x, repeats, axis)",
    "scatter": "x.at[index].set(values)",
    "scatter_add": "x.at[index].add(values)",
    "sgn": "ai.sign(x)",
    "slogdet": "ai.linalg.slogdet(x)",
    "std_mean": "ai.std(x, axis) and ai.mean(x, axis)",
    "sub": "ai.subtract(x, y), or x - y",
    "svd": "ai.linalg.svd(x)",
    "swapdims": "ai.swapaxes(x, axis1, axis2)",
    "t": "x.T",
    "take_along_dim": "ai.take_along_axis(x, indices, axis)",
    "tensor_split": "ai.array_split(x, sections, axis)",
    "trapz": "ai.trapezoid(y, x)",
    "unbind": "ai.unstack(x, axis=axis)",
    "unsqueeze": "ai.expand_dims(x, axis)",
    "var_mean": "ai.var(x, axis) and ai.mean(x, axis)",
    "xlogy": "ai.special.xlogy(x, y)",
}

_IN_PLACE = "x.assign(new): tensors are values, and that is the one way to write into one"

# Of the methods and attributes of PyTorch's tensors and NumPy's arrays.
OF_TENSORS: dict[str, str] = {
    **{
        name: OF_MODULES[name]
        for name in (
            *("as_strided", "bmm", "chunk", "clamp", "det", "div", "eq", "erf", "gather", "ge"),
            *("gt", "inverse", "le", "logdet", "lt", "masked_fill", "masked_select", "mm"),
            *("movedim", "mul", "mv", "narrow", "ne", "neg", "repeat_interleave", "sub", "svd"),
            *("swapdims", "t", "take_along_dim", "tensor_split", "unbind", "unsqueeze"),
        )
    },
    **dict.fromkeys(("add_", "copy_", "div_", "fill", "fill_", "mul_", "sub_", "zero_"), _IN_PLACE),
    **dict.fromkeys(("itemset", "put", "clamp_", "masked_fill_"), _IN_PLACE),
    **{
        name: f"x.numpy().{name}"
        for name in ("base", "ctypes", "flags", "flat", "strides", "tobytes", "tofile")
    },
    "add": "x + y",
    "clamp_max": "x.clip(max=...)",
    "clamp_min": "x.clip(min=...)",
    "data_ptr": "x.data",
    "detach_": "x.detach()",
    "element_size": "x.itemsize",
    "expand": "ai.broadcast_to(x, shape)",
    "expand_as": "ai.broadcast_to(x, other.shape)",
    "index_add": "x.at[index].add(values)",
    "index_select": "x[index], or x[:, index] and so on",
    "is_cuda": 'x.device, which is "cuda:0" and so on',
    "new_ones": "ai.ones(shape, dtype=x.dtype, device=x.device)",
    "new_zeros": "ai.zeros(shape, dtype=x.dtype, device=x.device)",
    "requires_grad_": "x.requires_grad = True",
    "reshape_as": "x.reshape(other.shape)",
    "resize": "x.reshape(shape)",
    "scatter_": "x.at[index].set(values)",
    "scatter_add_": "x.at[index].add(values)",
    "true_divide": "x / y",
    "type": "x.astype(dtype)",
    "type_as": "x.astype(other.dtype)",
    "view_as": "x.reshape(other.shape)",
}


class Elsewhere:
    """The part of a Tensor that says what to type for the attributes of `OF_TENSORS`.

    A `__getattr__` would say the same, but with one Python looks up every attribute of every
    Tensor in a slower way, also those that are there: 4% of a small step.
    """

    __slots__ = ()


class _Absent:
    """An attribute that is not there, as `hasattr` finds too."""

    def __init__(self, name: str, meant: str) -> None:
        self.name, self.meant = name, meant

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        whose = (
            f"type object {owner.__name__!r}" if instance is None else f"{owner.__name__!r} object"
        )
        raise AttributeError(
            f"{whose} has no attribute {self.name!r}; write {self.meant}",
            name=self.name,
            obj=owner if instance is None else instance,
        )


for _name, _meant in OF_TENSORS.items():
    setattr(Elsewhere, _name, _Absent(_name, _meant))

# Of the parameters of functions.
OF_PARAMETERS: dict[str, str] = {
    "a": "x",
    "dim": "axis",
    "dims": "axes",
    "input": "x",
    "keepdim": "keepdims",
    "unbiased": "correction",
}


def advise(given: Iterable[str], known: Container[str]) -> str:
    """Return what to type for the names that another library gives parameters known here."""
    pairs = [(OF_PARAMETERS[name], name) for name in given if name in OF_PARAMETERS]
    meant = [f"{ours}= for {theirs}=" for ours, theirs in pairs if ours in known]
    return f"; write {', '.join(meant)}" if meant else ""
