"""Losses: values and gradients at every number a network can reach, and what they refuse."""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special

import autograd_iron as ai
import nn
from nn.functional import bernoulli

LOSSES = [nn.MSELoss, nn.BCEWithLogitsLoss, nn.BCELoss]
LARGEST = float(np.finfo(np.float32).max)
logits = st.floats(width=32, allow_nan=False, allow_infinity=False)
targets = st.floats(0, 1, width=32)


def loss_and_gradient(loss, prediction, target):
    prediction = ai.tensor(prediction, requires_grad=True)
    value = loss(prediction, target)
    value.backward()
    return value, prediction.grad.numpy()


def sigmoid(z):
    return (
        1 / (1 + math.exp(-z)) if z >= 0 else math.exp(max(z, -745)) / (1 + math.exp(max(z, -745)))
    )


# Binary cross entropy of logits


@given(logits, targets)
@example(LARGEST, 1.0)
@example(LARGEST, 0.0)
@example(-LARGEST, 1.0)
@example(-LARGEST, 0.5)
@example(6.0, 0.9873068928718567)
@example(100.0, 1.0)
@example(0.0, 0.5)
@example(-1e-45, 0.0)
def test_bce_with_logits_is_exact_at_any_logit(z, y):
    value, gradient = loss_and_gradient(nn.BCEWithLogitsLoss(), np.float32([z]), np.float32([y]))
    # -y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z)), each logarithm by itself, in float64.
    lower, upper = (math.log1p(math.exp(-abs(z))) + max(s * z, 0.0) for s in (-1, 1))
    expected = y * lower + (1 - y) * upper
    assert value.dtype == gradient.dtype == np.float32
    # Subtracting a rounded z y costs z's last digits; the least positive float32 is 1.4e-45.
    slack = (1e-7 * abs(z) if 0 < y < 1 else 0.0) + 1e-44
    assert float(value) == pytest.approx(expected, rel=1e-6, abs=slack)
    assert gradient[0] == pytest.approx(sigmoid(z) - y, rel=2e-6, abs=1.2e-7)


def test_bce_with_logits_learns_where_a_sigmoid_has_no_more_digits():
    # At z = 40 sigmoid(z) is 1 in float32, so a loss of probabilities says 0 or infinity.
    value, gradient = loss_and_gradient(nn.BCEWithLogitsLoss(), [[40.0], [-40.0]], [[0.0], [0.0]])
    assert float(value) == 20.0
    assert gradient.ravel().tolist() == [0.5, pytest.approx(np.exp(-40.0) / 2, rel=1e-6)]


def test_bce_with_logits_of_many_huge_logits_does_not_overflow():
    z = np.full(1000, -LARGEST / 2000, np.float32)
    value, gradient = loss_and_gradient(nn.BCEWithLogitsLoss(), z, np.ones(1000, np.float32))
    assert float(value) == pytest.approx(LARGEST / 2000, rel=1e-5)
    assert np.allclose(gradient, -1e-3)


# Binary cross entropy of probabilities


@given(targets, targets)
@example(0.0, 0.0)
@example(0.0, 1.0)
@example(1.0, 0.0)
@example(1.0, 1.0)
@example(0.0, 0.5)
@example(1e-45, 1.0)
@example(1e-8, 1.0)
@example(1.0 - 2.0**-24, 0.0)
def test_bce_is_finite_and_right_at_any_probability(p, y):
    value, gradient = loss_and_gradient(nn.BCELoss(), np.float32([p]), np.float32([y]))
    yes = max(math.log(p), -100.0) if p > 0 else -100.0
    no = max(math.log1p(-p), -100.0) if p < 1 else -100.0
    assert float(value) == pytest.approx(-y * yes - (1 - y) * no, rel=1e-4, abs=1e-6)
    expected = (p - y) / max(p * (1 - p), 1e-12)
    assert gradient[0] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert np.isfinite(gradient[0])


def test_bce_after_a_sigmoid_is_bce_with_logits():
    z = np.linspace(-8, 8, 33)
    y = np.linspace(0, 1, 33)
    ours, gradient = loss_and_gradient(lambda z, y: nn.BCELoss()(ai.sigmoid(z), y), z, y)
    expected, expected_gradient = loss_and_gradient(nn.BCEWithLogitsLoss(), z, y)
    assert float(ours) == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of 0 / 0, as NumPy gives it
def test_the_mean_over_no_samples_is_nan_however_targets_are_given():
    x = np.zeros((0, 3), "float32")
    for target in (np.zeros(0, "int64"), x):
        made = nn.functional.cross_entropy(x, target)
        assert math.isnan(made.item())
        assert nn.functional.cross_entropy(x, target, reduction="sum").item() == 0


def test_bce_lets_nan_through():
    value, _ = loss_and_gradient(nn.BCELoss(), [math.nan, 0.5], [1.0, 1.0])
    assert math.isnan(float(value))


# Mean squared error


def test_mse_is_the_mean_of_squares():
    value, gradient = loss_and_gradient(nn.MSELoss(), [[1.0, 2.0]], [[3.0, 2.5]])
    assert float(value) == (4 + 0.25) / 2
    assert gradient.tolist() == [[-2.0, -0.5]]


# Cross entropy of class numbers


def cross_entropy_in_float64(z, labels):
    z = np.asarray(z, np.float64)
    logs = special.log_softmax(z, axis=-1)
    chosen = np.take_along_axis(logs, np.asarray(labels)[..., None], -1)
    one_hot = np.eye(z.shape[-1])[labels]
    return -chosen.mean(), (np.exp(logs) - one_hot) / chosen.size


@given(st.lists(logits.map(lambda z: z / 4), min_size=1, max_size=5), st.data())
@example([LARGEST / 4, -LARGEST / 4], None)
@example([1000.0, 1000.0, -1000.0], None)
@example([-1e-45, 0.0], None)
@example([3.0], None)
def test_cross_entropy_is_exact_at_any_logits(z, data):
    label = data.draw(st.integers(0, len(z) - 1)) if data else len(z) - 1
    loss = nn.CrossEntropyLoss()
    value, gradient = loss_and_gradient(loss, np.float32([z]), np.array([label]))
    expected, expected_gradient = cross_entropy_in_float64(np.float32([z]), [label])
    assert value.dtype == gradient.dtype == np.float32
    # Subtracting the largest logit costs the last digits of the differences.
    assert float(value) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 5, 3)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "uint64"])
def test_cross_entropy_takes_labels_of_any_shape_and_integer_dtype(shape, dtype):
    generator = np.random.default_rng(0)
    z = np.float32(generator.normal(0, 3, shape))
    labels = generator.integers(0, 3, shape[:-1])
    value, gradient = loss_and_gradient(nn.CrossEntropyLoss(), z, np.asarray(labels, dtype))
    expected, expected_gradient = cross_entropy_in_float64(z, labels)
    assert value.shape == ()
    assert value.dtype == gradient.dtype == np.float32
    assert float(value) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-5, atol=1e-7)


def test_cross_entropy_tells_more_classes_apart_than_the_labels_dtype_counts():
    z = np.zeros((1, 300), np.float32)
    z[0, 256] = 5.0
    value, gradient = loss_and_gradient(nn.CrossEntropyLoss(), z, np.uint8([0]))
    assert float(value) == pytest.approx(np.log(299 + np.exp(5.0)), rel=1e-6)
    assert (gradient < 0).sum() == 1


def test_cross_entropy_gradients_of_first_and_second_order_are_right():
    z = ai.Generator(0).normal((3, 4), dtype="float64")
    labels = np.array([0, 3, 3])
    ai.check_grads(lambda z: nn.CrossEntropyLoss()(z, labels), (z,), order=2)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_log_softmax_and_its_gradient_are_right_along_any_axis(axis):
    z = np.random.default_rng(0).normal(0, 3, (3, 4))
    np.testing.assert_allclose(
        ai.log_softmax(z, axis=axis).numpy(), special.log_softmax(z, axis), rtol=1e-13
    )
    weights = np.random.default_rng(1).normal(size=(3, 4))
    ai.check_grads(lambda z: (ai.log_softmax(z, axis=axis) * weights).sum(), (z,), order=2)


def test_log_softmax_of_an_impossible_class_is_minus_infinity():
    z = ai.tensor([-math.inf, 0.0, 0.0], requires_grad=True)
    logs = ai.log_softmax(z)
    np.testing.assert_allclose(logs.numpy(), [-math.inf, -math.log(2), -math.log(2)], rtol=1e-6)
    # A class that is masked out this way costs nothing while no sample belongs to it.
    z = ai.tensor([[-math.inf, 0.0, 0.0]], requires_grad=True)
    loss = nn.CrossEntropyLoss()(z, np.array([1]))
    loss.backward()
    assert float(loss) == pytest.approx(math.log(2), rel=1e-6)
    assert z.grad.tolist() == [[0.0, pytest.approx(-0.5), pytest.approx(0.5)]]


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        ((4, 3), (3,), r"shape \(4, 3\) and the target \(3,\); .*one class number for each row"),
        ((4, 3), (4, 3), r"one-hot, write ai\.argmax\(target, axis=-1\)"),
        ((4, 3), (4, 1), r"Write target\.reshape\(prediction\.shape\[:-1\]\)"),
        ((4, 1), (4, 1), r"one-hot"),
        ((), (), r"shape \(\) and the target \(\)"),
        ((0, 3), (0,), r"the batch is empty \(shape \(0, 3\)\)"),
        ((3, 0), (3,), r"the batch is empty \(shape \(3, 0\)\)"),
    ],
)
def test_cross_entropy_refuses_labels_of_another_shape(prediction, target, message):
    with pytest.raises(ValueError, match=f"CrossEntropyLoss: .*{message}"):
        nn.CrossEntropyLoss()(ai.zeros(prediction), np.zeros(target, np.int64))


@pytest.mark.parametrize("labels", [[0.0, 1.0], [True, False]])
def test_cross_entropy_refuses_labels_that_are_not_integers(labels):
    with pytest.raises(TypeError, match=r'target has dtype .*ai\.tensor\(labels, dtype="int64"\)'):
        nn.CrossEntropyLoss()(ai.zeros((2, 2)), np.array(labels))


def test_cross_entropy_refuses_logits_that_are_not_floating():
    with pytest.raises(TypeError, match=r"prediction has dtype int64, and logits are floating"):
        nn.CrossEntropyLoss()(ai.tensor(np.zeros((2, 2), np.int64)), np.array([0, 1]))


@pytest.mark.parametrize(("bad", "extent"), [([1, 3], "1 to 3"), ([-1, 2], "-1 to 2")])
def test_cross_entropy_refuses_class_numbers_out_of_range(bad, extent):
    loss = nn.CrossEntropyLoss()
    loss(ai.zeros((2, 3)), np.array([0, 2]))
    message = rf"class numbers range from {extent}, but .* of 3, has room for 0 to 2\. Count"
    with pytest.raises(ValueError, match=message):
        loss(ai.zeros((2, 3)), np.array(bad))


def test_labels_are_looked_at_in_every_call():
    loss, labels = nn.CrossEntropyLoss(), np.array([0, 3])
    loss(ai.zeros((2, 4)), labels)
    with pytest.raises(ValueError, match="class numbers range from 0 to 3"):
        loss(ai.zeros((2, 3)), labels)
    labels[0] = -1
    with pytest.raises(ValueError, match="class numbers range from -1 to 3"):
        loss(ai.zeros((2, 4)), labels)


# All of them


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_first_and_second_order_are_right(loss):
    generator = ai.Generator(0)
    prediction = generator.uniform((3, 4), low=0.1, high=0.9, dtype="float64")
    target = generator.uniform((3, 4), low=0.1, high=0.9, dtype="float64")
    ai.check_grads(lambda p: loss()(p, target), (prediction,), order=2)
    ai.check_grads(lambda t: loss()(prediction, t), (target,), order=2)
    weights = generator.uniform((3, 4), dtype="float64")
    for elementwise in (
        bernoulli.bce_of_probabilities,
        bernoulli.bce_of_logits,
    ):
        ai.check_grads(
            lambda p, t, f=elementwise: (f(p, t) * weights).sum(), (prediction, target), order=2
        )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", ["float64", "int64", "uint8", "bool"])
def test_targets_of_any_dtype_leave_float32_as_it_is(loss, dtype):
    target = np.array([[0], [1], [1]], dtype)
    prediction = np.float32([[0.25], [0.5], [0.75]])
    value, gradient = loss_and_gradient(loss(), prediction, target)
    expected, expected_gradient = loss_and_gradient(loss(), prediction, target.astype(np.float32))
    assert value.shape == ()
    assert value.dtype == gradient.dtype == np.float32
    assert float(value) == float(expected)
    assert np.array_equal(gradient, expected_gradient)


@pytest.mark.parametrize("loss", LOSSES)
def test_different_shapes_are_refused_and_both_are_named(loss):
    for first, second in [((4, 1), (4,)), ((4,), (4, 1)), ((2, 3), (3,)), ((), (1,))]:
        message = (
            rf"{loss.__name__}: the prediction has shape {re.escape(str(first))} and the target "
            rf"{re.escape(str(second))};.*target\.reshape\(prediction\.shape\)"
        )
        with pytest.raises(ValueError, match=message):
            loss()(ai.full(first, 0.5), ai.full(second, 0.5))


@pytest.mark.parametrize("loss", LOSSES)
def test_an_empty_batch_is_refused(loss):
    with pytest.raises(ValueError, match=rf"{loss.__name__}: the batch is empty .*\(0, 1\)"):
        loss()(ai.zeros((0, 1)), ai.zeros((0, 1)))


def test_an_integer_prediction_with_a_floating_target_is_refused():
    with pytest.raises(TypeError, match=r'dtype int64.*prediction\.astype\("float32"\)'):
        nn.MSELoss()(ai.tensor(np.arange(3)), ai.zeros(3))


@pytest.mark.parametrize("loss", [nn.BCEWithLogitsLoss, nn.BCELoss])
@pytest.mark.parametrize(
    ("bad", "extent"),
    [([0.0, 255.0], "0 to 255"), ([-1.0, 1.0], "-1 to 1"), ([1.0, math.nan], "nan to nan")],
)
def test_targets_outside_0_to_1_are_refused(loss, bad, extent):
    instance = loss()
    good = ai.tensor([0.0, 1.0])
    prediction = ai.tensor([0.5, 0.5])
    instance(prediction, good)
    with pytest.raises(ValueError, match=rf"{loss.__name__}: the target ranges from {extent}, but"):
        instance(prediction, ai.tensor(bad))
    instance(prediction, good)


@pytest.mark.parametrize("loss", [nn.BCEWithLogitsLoss, nn.BCELoss])
def test_a_target_array_is_looked_at_again_when_it_was_changed(loss):
    instance, target = loss(), np.float32([[0.0], [1.0]])
    instance(ai.full((2, 1), 0.5), target)
    target[0] = 255.0
    with pytest.raises(ValueError, match="target ranges from 1 to 255"):
        instance(ai.full((2, 1), 0.5), target)


def test_probabilities_outside_0_to_1_are_taken_for_logits():
    loss = nn.BCELoss()
    with pytest.raises(ValueError, match=r"prediction ranges from -2 to 0\.5.*BCEWithLogitsLoss"):
        loss(ai.tensor([-2.0, 0.5]), ai.tensor([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"prediction ranges from 0\.5 to 1\.5"):
        loss(ai.tensor([1.5, 0.5]), ai.tensor([0.0, 1.0]))


def test_losses_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    z = np.float32(generator.normal(0, 20, (50, 2)))
    p = np.float32(generator.uniform(0, 1, (50, 2)))
    p[:4] = [[0, 0], [1, 1], [0, 1], [1, 0]]
    y = np.float32(generator.integers(0, 2, (50, 2)))
    for ours, theirs, prediction in [
        (nn.MSELoss(), torch.nn.MSELoss(), z),
        (nn.BCEWithLogitsLoss(), torch.nn.BCEWithLogitsLoss(), z),
        (nn.BCELoss(), torch.nn.BCELoss(), p),
    ]:
        value, gradient = loss_and_gradient(ours, prediction, y)
        twin = torch.tensor(prediction, requires_grad=True)
        expected = theirs(twin, torch.tensor(y))
        expected.backward()
        np.testing.assert_allclose(float(value), expected.item(), rtol=2e-6)
        np.testing.assert_allclose(gradient, twin.grad.numpy(), rtol=2e-5, atol=1e-9)
    labels = generator.integers(0, 2, 50)
    value, gradient = loss_and_gradient(nn.CrossEntropyLoss(), z, labels)
    twin = torch.tensor(z, requires_grad=True)
    expected = torch.nn.CrossEntropyLoss()(twin, torch.tensor(labels))
    expected.backward()
    np.testing.assert_allclose(float(value), expected.item(), rtol=2e-6)
    np.testing.assert_allclose(gradient, twin.grad.numpy(), rtol=2e-5, atol=1e-9)
