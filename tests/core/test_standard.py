"""What the array API standard asks of a library beside its functions: dtypes, DLPack, itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
DTYPES = ["bool", *INTEGERS, *FLOATS, "complex64", "complex128"]


def test_the_names_of_dtypes_and_constants() -> None:
    for name in DTYPES:
        assert getattr(ai, name) == name
        assert ai.ones(2, dtype=getattr(ai, name)).dtype == name
    assert (ai.pi, ai.e, ai.inf) == (math.pi, math.e, math.inf)
    assert math.isnan(ai.nan)
    assert ai.ones(3)[ai.newaxis].shape == (1, 3)


@pytest.mark.parametrize("name", FLOATS)
def test_the_limits_of_floats_are_numpys(name: str) -> None:
    expected = np.finfo(name)
    for asked in (name, getattr(ai, name), getattr(np, name), ai.ones(1, dtype=name)):
        found = ai.finfo(asked)
        assert found.dtype == name
        assert type(found.bits) is int
        for limit in ("bits", "eps", "max", "min", "smallest_normal", "tiny", "resolution"):
            assert getattr(found, limit) == getattr(expected, limit)
            assert type(getattr(found, limit)) in (int, float)
    assert ai.finfo("bfloat16").eps == 2**-7


@pytest.mark.parametrize("name", INTEGERS)
def test_the_limits_of_integers_are_numpys(name: str) -> None:
    expected = np.iinfo(name)
    for asked in (name, getattr(ai, name), getattr(np, name), ai.ones(1, dtype=name)):
        found = ai.iinfo(asked)
        assert (found.bits, found.min, found.max) == (expected.bits, expected.min, expected.max)


def test_the_classes_of_numpy_are_dtypes() -> None:
    assert ai.result_type(np.float64, 3) == ai.float64
    assert ai.can_cast(np.int8, np.int64)


def test_limits_are_asked_by_the_right_word() -> None:
    with pytest.raises(TypeError, match=r"of integers iinfo; not of int32"):
        ai.finfo(ai.int32)
    with pytest.raises(TypeError, match=r"of floats finfo; not of float32"):
        ai.iinfo(ai.ones(2))


@pytest.mark.parametrize("name", DTYPES)
def test_kinds_are_numpys(name: str) -> None:
    kinds = ["bool", "signed integer", "unsigned integer", "integral", "real floating"]
    kinds += ["complex floating", "numeric"]
    found = getattr(ai, name)
    for kind in [*kinds, ai.int8, ai.float32, ("bool", ai.int16), ("integral", "real floating")]:
        assert ai.isdtype(found, kind) is np.isdtype(found, kind)
    assert ai.isdtype(ai.bfloat16, "real floating")
    with pytest.raises(ValueError, match=r"no kind 'float'; the kinds are \['bool'"):
        ai.isdtype(found, "float")


def test_casts_and_meetings_are_those_of_operations() -> None:
    for one in DTYPES:
        for other in DTYPES:
            a, b = ai.ones(2, dtype=one), ai.ones(2, dtype=other)
            assert ai.can_cast(a, other) is np.can_cast(one, other)
            assert ai.result_type(a, getattr(ai, other)) == ai.add(a, b).dtype
        for number in (True, 2, 2.5, 1j):
            assert ai.result_type(number, a) == ai.add(a, number).dtype, (one, number)
    assert ai.result_type(1, 2.5) == ai.result_type(ai.bfloat16, ai.float32) == "float32"
    assert ai.result_type(1, True) == "int64"
    with pytest.raises(ValueError, match="give an array"):
        ai.result_type()


def test_what_the_library_says_about_itself() -> None:
    info = ai.ones(1).__array_namespace__(api_version="2023.12").__array_namespace_info__()
    assert ai.ones(1).__array_namespace__() is ai
    assert info.default_device() in info.devices()
    assert info.default_dtypes()["real floating"] == ai.zeros(1).dtype
    assert info.default_dtypes()["indexing"] == ai.argmax(ai.ones(2)).dtype
    assert info.dtypes(kind="bool") == {"bool": ai.bool}
    assert set(info.dtypes()) >= {*INTEGERS, "bool", "float32", "float64"}
    assert info.capabilities()["boolean indexing"] is True
    with pytest.raises(ValueError, match=r"'1999\.12' is not known here"):
        ai.ones(1).__array_namespace__(api_version="1999.12")


def test_astype_copies_unless_it_need_not() -> None:
    x = ai.tensor([1.5, 2.5])
    assert ai.astype(x, "float32", copy=False) is x
    assert not np.shares_memory(ai.astype(x, "float32").data, x.data)
    assert ai.astype(x, ai.int8, copy=False).dtype == "int8"
    assert ai.astype(x, ai.float64, device="cpu").dtype == "float64"


def test_asarray_copies_as_asked() -> None:
    a = np.arange(3.0)
    assert np.shares_memory(ai.asarray(a).data, a)
    assert np.shares_memory(ai.asarray(a, copy=False).data, a)
    assert not np.shares_memory(ai.asarray(a, copy=True).data, a)
    x = ai.asarray(a)
    assert ai.asarray(x, copy=False) is ai.asarray(x) is x
    assert not np.shares_memory(ai.asarray(x, copy=True).data, a)
    for value, dtype in ((a, ai.float32), (x, ai.float32), ([1.0, 2.0], None), (2.0, None)):
        with pytest.raises(ValueError, match="copy=False forbids"):
            ai.asarray(value, dtype, copy=False)
    y = ai.tensor([1.0], requires_grad=True)
    ai.asarray(y, copy=True).backward()
    assert y.grad is not None


def test_a_filled_tensor_has_the_dtype_of_its_number() -> None:
    for value, dtype in ((7, "int64"), (True, "bool"), (1.5, "float32"), ([1, 2], "int64")):
        assert ai.full((3, 2), value).dtype == dtype
    assert ai.full(2, 7, "float64").dtype == "float64"


# --- DLPack


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_shares_memory_both_ways(dtype: str) -> None:
    array = np.ones((2, 3), dtype)
    here = ai.from_dlpack(array)
    assert here.dtype == dtype
    assert np.shares_memory(here.data, array)
    assert not np.shares_memory(ai.from_dlpack(array, copy=True).data, array)
    assert here.__dlpack_device__() == (1, 0)
    back = np.from_dlpack(here)
    assert np.shares_memory(back, array)
    assert ai.from_dlpack(here, device="cpu").tolist() == here.tolist()


def test_dlpack_ends_no_gradient_in_silence() -> None:
    x = ai.tensor([1.0], requires_grad=True)
    with pytest.raises(BufferError, match=r"t\.detach\(\)"):
        np.from_dlpack(x)
    with pytest.raises(TypeError, match=r"a list has no __dlpack__.*ai\.asarray"):
        ai.from_dlpack([1.0])


def test_to_device_is_to() -> None:
    x = ai.ones(2)
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="there is no device"):
        x.to_device("nowhere")
    with pytest.raises(ValueError, match="stream"):
        x.to_device("cpu", stream=1)


def test_every_conversion_of_a_value_keeps_it() -> None:
    value: Any = ai.copy([1, 2])
    assert value.tolist() == [1, 2]
