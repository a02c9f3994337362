"""What convolutions and pools promise beyond the samples: in parts as whole, and in words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from families.windows import conv, conv_input_gradient, conv_weight_gradient, made, settings

import autograd_iron as ai
import nn
from autograd_iron.core.registry import raw
from autograd_iron.ops.windows import convolution, rows

F = nn.functional


@pytest.mark.parametrize("buffer", [1, 4000])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(1, 1, 1, 1), ((2, 1), 0, (1, 2), 2), (1, ((2, 1), (0, 2)), (2, 1), 1), ((1, 2), 1, 1, 2)],
)
@pytest.mark.parametrize("width", [9, 35])
def test_a_convolution_in_parts_is_that_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
    buffer: int,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    width: int,
) -> None:
    monkeypatch.setattr(rows, "BUFFER", buffer)
    monkeypatch.setattr(convolution, "BUFFER", buffer)
    source = np.random.default_rng(0)
    x = source.standard_normal((2, 2, 6, width))
    w = source.standard_normal((4, 2 // groups, 3, 2))
    setting = settings(stride, padding, dilation) | {"groups": groups}
    geometry = settings(stride, padding, dilation)
    y = source.standard_normal(made(x.shape, w.shape, geometry))
    words = raw(np)
    np.testing.assert_allclose(words.conv(x, w, **setting), conv(x, w, **setting), rtol=1e-12)
    np.testing.assert_allclose(
        words.conv_input_gradient(y, w, size=x.shape[2:], **setting),
        conv_input_gradient(y, w, x.shape[2:], **setting),
        rtol=1e-12,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        words.conv_weight_gradient(x, y, kernel=w.shape[2:], **setting),
        conv_weight_gradient(x, y, w.shape[2:], **setting),
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.parametrize("images", [1, 3, 9])
def test_threads_change_no_bit_of_a_convolution(
    monkeypatch: pytest.MonkeyPatch, images: int
) -> None:
    source = np.random.default_rng(0)
    x = source.standard_normal((images, 2, 6, 20), "float32")
    w = source.standard_normal((3, 2, 3, 3), "float32")
    setting = settings(1, 1) | {"groups": 1}
    words = raw(np)

    def results() -> list[Any]:
        y = words.conv(x, w, **setting)
        return [
            y,
            words.conv_input_gradient(y, w, size=(6, 20), **setting),
            words.conv_weight_gradient(x, y, kernel=(3, 3), **setting),
        ]

    alone = results()
    monkeypatch.setattr(rows, "WORTH", 0)
    for cores in (2, 5):
        monkeypatch.setattr("autograd_iron.arrays.cpu.cores", lambda n=cores: n)
        for made_by_several, one in zip(results(), alone, strict=True):
            np.testing.assert_array_equal(made_by_several, one)


def test_places_of_the_largest_values_are_those_that_are_read() -> None:
    x = ai.tensor(np.random.default_rng(0).standard_normal((2, 3, 5, 7)))
    for function, given in (
        (F.max_pool2d, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
        (F.adaptive_max_pool2d, {"output_size": (2, 3)}),
    ):
        y, at = function(x, **given, return_indices=True)
        flat = x.data.reshape(2, 3, 35)
        found = np.take_along_axis(flat, at.data.reshape(2, 3, -1), -1)
        np.testing.assert_array_equal(found.reshape(y.shape), y.data)
        np.testing.assert_array_equal(function(x, **given).data, y.data)


def test_running_values_move_and_then_serve() -> None:
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    mean, var = ai.zeros(2, dtype="float64"), ai.ones(2, dtype="float64")
    F.batch_norm(ai.tensor(x), mean, var, training=True, momentum=0.25)
    np.testing.assert_allclose(mean.data, 0.25 * x.mean((0, 2)))
    np.testing.assert_allclose(var.data, 0.75 + 0.25 * x.var((0, 2), ddof=1))
    served = F.batch_norm(ai.tensor(x), mean, var, eps=0.0).data
    expected = (x - mean.data[:, None]) / np.sqrt(var.data[:, None])
    np.testing.assert_allclose(served, expected)


IMAGE = ai.ones((1, 2, 5, 5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.conv2d(IMAGE, ai.ones((3, 4, 2, 2))), "the weight is for 4 channels"),
        (lambda: F.conv2d(IMAGE, ai.ones((3, 2, 7, 2))), "does not fit into 5"),
        (lambda: F.conv2d(ai.ones((5, 5)), ai.ones((3, 2, 2, 2))), "without the images for one"),
        (
            lambda: F.conv2d(IMAGE, ai.ones((3, 2, 2, 2)), stride=2, padding="same"),
            "padding='same' is for a stride of 1",
        ),
        (lambda: F.max_pool2d(IMAGE, 2, padding=2), "more than half of the kernel"),
        (lambda: F.max_pool2d(IMAGE, (2, 2, 2)), "kernel_size is an integer from 1 up, or 2"),
        (lambda: F.interpolate(IMAGE), "give either size or scale_factor"),
        (lambda: F.interpolate(IMAGE, 3, mode="linear"), "mode='linear' is for 1 sizes"),
        (lambda: F.pixel_shuffle(IMAGE, 2), "a multiple of 2 * 2 channels"),
        (lambda: F.layer_norm(IMAGE, 4), "its last axes are to be (4,)"),
        (lambda: F.batch_norm(IMAGE, None, None), "running_mean and running_var are needed"),
        (lambda: F.embedding(ai.tensor([0, 4]), ai.ones((4, 2))), "the table has rows 0 to 3"),
        (lambda: F.one_hot(ai.tensor([0, 4]), 3), "with num_classes=3 they are 0 to 2"),
        (lambda: F.mse_loss(ai.ones(3), ai.ones((3, 1))), "target.reshape(input.shape)"),
        (lambda: F.mse_loss(ai.ones(3), ai.ones(3), reduction="all"), "reduction is 'mean'"),
        (lambda: F.cross_entropy(ai.ones((2, 3)), ai.tensor([0, 3])), "room for 0 to 2"),
        (lambda: F.nll_loss(ai.ones((2, 3)), ai.tensor([[0], [1]])), "it is (2,), one class"),
    ],
)
def test_what_cannot_be_is_refused_in_words(call: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call()


def test_labels_out_of_range_are_refused_in_a_compiled_step_too() -> None:
    step = ai.compile(F.cross_entropy)
    assert np.isfinite(float(step(ai.ones((2, 3)), ai.tensor([0, -100]))))
    with pytest.raises(ValueError, match="class numbers range from 0 to 3"):
        step(ai.ones((2, 3)), ai.tensor([0, 3]))


@pytest.mark.parametrize("width", [4, 20])
@pytest.mark.parametrize("dtype", ["float32", "complex64", "float16"])
def test_a_convolution_is_written_where_a_plan_wants_it(width: int, dtype: str) -> None:
    source = np.random.default_rng(0)
    x = source.standard_normal((2, 4, 6, width)).astype(dtype)
    w = source.standard_normal((3, 4, 3, 3)).astype(dtype)
    setting = settings(1, 1, 1) | {"groups": 1}
    y = convolution.conv.kernel(np, x, w, **setting)
    back = setting | {"size": x.shape[2:]}
    both = (
        (convolution.conv, [x, w], setting),
        (convolution.conv_input_gradient, [y, w], back),
    )
    for word, arrays, own in both:
        expected = word.kernel(np, *arrays, **own)
        out = np.full_like(expected, np.nan)
        assert word.write(out, arrays, own) == (dtype != "float16")
        assert dtype == "float16" or np.array_equal(out, expected)
        assert not word.write(out[..., ::2], arrays, own)  # has gaps


def test_of_a_window_with_nan_the_last_place_is_that_of_the_largest() -> None:
    x = np.array([[3.0, np.nan, 5.0, 5.0]])
    setting = {"kernel": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}
    y = raw(np).max_pool(x, **setting)
    assert np.isnan(y[0, 0])
    assert raw(np).place_of_max(x, y, **setting).tolist() == [[1, 0]]
