"""Models: what the walker finds, what is saved, what is printed, and where layers start."""

import copy
import doctest
import importlib
import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from nn.module import walk


def param(*values):
    return nn.Parameter(list(values) or [0.0])


class Holder(nn.Module):
    def __init__(self, **attributes):
        vars(self).update(attributes)


def small_model(seed=0):
    generator = ai.Generator(seed)
    return nn.Sequential(
        nn.FourierFeatures(2, 4, sigma=1.0, generator=generator),
        nn.Linear(4, 3, generator=generator),
        nn.Tanh(),
        nn.Linear(3, 1, generator=generator),
    )


def values(model):
    return {path: tensor.numpy().copy() for path, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    "part",
    ["module", "layers.containers", "layers.coordinates", "losses", "optim.sgd", "schedules", ""],
)
def test_the_examples_in_the_docstrings_run(part):
    names = {"nn": nn, "ai": ai, "model": nn.Linear(2, 1), "loss": nn.MSELoss()}
    names |= {"x": ai.zeros((3, 2)), "y": ai.zeros((3, 1))}
    result = doctest.testmod(importlib.import_module(f"nn.{part}".rstrip(".")), extraglobs=names)
    assert result.attempted > 0
    assert result.failed == 0


# The walker


def test_attributes_lists_tuples_and_dicts_are_found_in_the_order_of_assignment():
    model = Holder(
        a=param(), b=[param(), Holder(c=param())], d=(param(),), e={"f": param(), 7: [param()]}
    )
    assert [path for path, _ in model.named_parameters()] == [
        "a",
        "b.0",
        "b.1.c",
        "d.0",
        "e.f",
        "e.7.0",
    ]


def test_a_tied_tensor_has_the_first_path_only():
    shared = param(1.0)
    model = Holder(encoder=Holder(weight=shared), decoder=Holder(weight=shared), last=[shared])
    assert [path for path, _ in model.named_parameters()] == ["encoder.weight"]
    assert list(model.state_dict()) == ["encoder.weight"]
    model.load_state_dict({"encoder.weight": np.array([5.0], np.float32)})
    assert float(model.decoder.weight[0]) == 5.0


def test_cycles_end():
    parent = Holder(weight=param())
    parent.children = [Holder(owner=parent, weight=param())]
    parent.children.append(parent.children)
    assert [path for path, _ in walk(parent)] == [
        "",
        "weight",
        "children.0",
        "children.0.weight",
    ]


def test_a_very_deep_model_is_walked_without_recursion():
    model = Holder(weight=param())
    for _ in range(5000):
        model = Holder(inner=model)
    assert sum(1 for _ in model.named_parameters()) == 1


def test_generators_are_walked_and_are_not_in_the_state_dict():
    generator = ai.Generator(1)
    model = Holder(dropout=Holder(generator=generator), weight=param())
    assert ("dropout.generator", generator) in list(walk(model))
    assert list(model.state_dict()) == ["weight"]


@pytest.mark.parametrize(
    "clash", [{"a.b": param(), "a": {"b": param()}}, {1: param(), "1": param()}]
)
def test_two_objects_under_one_path_are_refused(clash):
    with pytest.raises(ValueError, match=r"two different objects have the path 'tables\.(a\.b|1)'"):
        Holder(tables=clash).state_dict()


pools = st.integers(0, 5)
structures = st.recursive(
    pools,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        st.dictionaries(st.sampled_from("uvw"), inner, max_size=3).map(lambda d: Holder(**d)),
    ),
    max_leaves=12,
)


@given(structures)
def test_every_tensor_is_found_once_under_a_path_that_leads_to_it(structure):
    tensors = [param(float(index)) for index in range(6)]

    def fill(part):
        if isinstance(part, int):
            return tensors[part]
        if isinstance(part, nn.Module):
            vars(part).update({name: fill(inner) for name, inner in vars(part).items()})
            return part
        if isinstance(part, dict):
            return {name: fill(inner) for name, inner in part.items()}
        return type(part)(fill(inner) for inner in part)

    def used(part):
        if isinstance(part, nn.Parameter):
            return {id(part)}
        parts = (
            vars(part).values()
            if isinstance(part, nn.Module)
            else part.values()
            if isinstance(part, dict)
            else part
        )
        return set().union(*map(used, parts))

    model = Holder(root=fill(structure))
    found = list(model.named_parameters())
    assert sorted(id(tensor) for _, tensor in found) == sorted(used(model))
    for path, tensor in found:
        here = model
        for name in path.split("."):
            if isinstance(here, nn.Module):
                here = getattr(here, name)
            else:
                here = here[name if isinstance(here, dict) else int(name)]
        assert here is tensor


# Parameters and modules


def test_a_parameter_does_not_share_the_memory_it_was_made_from():
    array = np.ones(3, np.float32)
    parameter = nn.Parameter(array)
    parameter.assign(np.zeros(3, np.float32))
    assert array.tolist() == [1, 1, 1]
    assert parameter.requires_grad
    assert parameter.dtype == "float32"
    assert nn.Parameter(np.ones(2)).dtype == "float64"
    assert not nn.Parameter([1.0], requires_grad=False).requires_grad


def test_an_integer_parameter_is_refused():
    for value in (np.arange(3), [1, 2]):
        with pytest.raises(
            TypeError, match=r'dtype int64.*Parameter\(value\.astype\("float32"\)\)'
        ):
            nn.Parameter(value)


def test_a_parameter_collects_gradients():
    weight = param(2.0, 3.0)
    (weight * weight).sum().backward()
    assert weight.grad.numpy().tolist() == [4.0, 6.0]


def test_a_module_needs_neither_super_init_nor_registration():
    class Net(nn.Module):
        def __init__(self):
            self.factor = param(3.0)

        def forward(self, x, shift=0.0):
            return x * self.factor + shift

    assert Net()(ai.tensor([2.0]), shift=1.0).numpy().tolist() == [7.0]


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Holder has no forward: define"):
        Holder()(1)


def test_train_and_eval_reach_every_module():
    model = nn.Sequential(nn.Linear(2, 2), Holder(inner=[nn.Tanh()]))
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert all(module.training for module in model.train().modules())
    assert len(list(model.modules())) == 4


def test_a_deep_copy_is_independent():
    model = small_model()
    twin = copy.deepcopy(model)
    twin[1].weight.assign(ai.zeros((3, 4)))
    assert np.any(model[1].weight.numpy())
    assert [type(tensor) for _, tensor in twin.named_parameters()] == [nn.Parameter] * 4


def test_a_tensor_that_requires_a_gradient_and_is_no_parameter_is_pointed_out():
    model = Holder(head=Holder(w=ai.tensor([1.0], requires_grad=True)))
    with pytest.raises(
        TypeError, match=r"Holder: head\.w is a Tensor that requires.*nn\.Parameter"
    ):
        list(model.named_parameters())


def test_a_result_kept_on_self_is_no_state():
    model = Holder(weight=param(2.0))
    model.last = model.weight * 3
    assert list(model.state_dict()) == ["weight"]
    assert [path for path, _ in model.named_parameters()] == ["weight"]
    assert "last" not in nn.summary(model)


# state_dict


def test_the_state_dict_is_a_snapshot_of_parameters_and_buffers():
    model = small_model()
    state = model.state_dict()
    assert list(state) == [
        "0.frequencies",
        "1.weight",
        "1.bias",
        "3.weight",
        "3.bias",
    ]
    assert [path for path, _ in model.named_buffers()] == ["0.frequencies"]
    before = state["1.weight"].numpy().copy()
    model[1].weight.assign(ai.zeros((3, 4)))
    assert np.array_equal(state["1.weight"].numpy(), before)
    assert not any(tensor.requires_grad for tensor in state.values())


@pytest.mark.parametrize("as_arrays", [False, True])
def test_loading_gives_the_same_model(as_arrays):
    source, target = small_model(1), small_model(2)
    state = source.state_dict()
    if as_arrays:
        state = {path: tensor.numpy() for path, tensor in state.items()}
    parameters = list(target.parameters())
    target.load_state_dict(state)
    assert all(a is b for a, b in zip(parameters, target.parameters(), strict=True))
    x = ai.Generator(3).uniform((5, 2))
    assert np.array_equal(source(x).numpy(), target(x).numpy())


def test_a_state_that_does_not_fit_is_named_entry_by_entry_and_changes_nothing():
    model = small_model()
    before = values(model)
    state = dict(small_model(1).state_dict())
    del state["1.bias"], state["3.bias"]
    state["1.weight"] = np.zeros((4, 3), np.float32)
    state["3.weight"] = np.zeros((1, 3), np.float64)
    state["0.frequencies"] = "noise"
    state["head.weight"] = np.zeros(2, np.float32)
    with pytest.raises(ValueError, match="the state does not fit") as caught:
        model.load_state_dict(state)
    assert str(caught.value).splitlines()[:-1] == [
        "Sequential.load_state_dict: the state does not fit, and nothing was loaded.",
        "  missing: 1.bias (3,) float32",
        "  missing: 3.bias (1,) float32",
        "  extra:   head.weight (2,) float32",
        "  differs: 0.frequencies is (2, 2) float32 here and a str in the state",
        "  differs: 1.weight is (3, 4) float32 here and (4, 3) float32 in the state",
        "  differs: 3.weight is (1, 3) float32 here and (1, 3) float64 in the state",
    ]
    after = values(model)
    assert all(np.array_equal(before[path], after[path]) for path in before)


@given(st.data())
def test_any_wrong_entry_is_named_and_nothing_changes(data):
    model = small_model()
    before = values(model)
    state = {path: array + 1 for path, array in before.items()}
    wrong = data.draw(st.sets(st.sampled_from(sorted(state)), min_size=1))
    for path in wrong:
        match data.draw(st.sampled_from(["drop", "shape", "dtype", "rename"])):
            case "drop":
                del state[path]
            case "shape":
                state[path] = state[path][None]
            case "dtype":
                state[path] = state[path].astype(np.float64)
            case "rename":
                state[f"other.{path}"] = state.pop(path)
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        model.load_state_dict(state)
    for path in before:
        assert (f" {path} " in str(caught.value)) == (path in wrong)
    after = values(model)
    assert all(np.array_equal(before[path], after[path]) for path in before)


# What is printed


def test_repr_has_a_line_for_every_module():
    model = nn.Sequential(nn.Linear(2, 3, bias=False), ai.tanh, nn.Sine(20))
    model.spare = model[0]
    assert repr(model).splitlines() == [
        "Sequential(1=tanh)",
        "  0: Linear(in_features=2, out_features=3, bias=None)",
        "  2: Sine(omega=20.0)",
    ]
    assert repr(nn.Tanh().eval()) == "Tanh()"


def test_summary_counts_every_tensor_once():
    model = small_model()
    model[3].bias.requires_grad = False
    model.append(model[1])
    model.gains = {"last": param(1.0)}
    assert nn.summary(model).splitlines() == [
        "path    type             tensors                          parameters",
        "(self)  Sequential       gains.last (1,)                           1",
        "0       FourierFeatures  frequencies (2, 2) buffer                 0",
        "1       Linear           weight (3, 4), bias (3,)                 15",
        "2       Tanh                                                       0",
        "3       Linear           weight (1, 3), bias (1,) frozen           4",
        "total: 20 parameters (1 of them frozen), 96 bytes",
    ]


def test_summary_of_a_list_of_models():
    lines = nn.summary([nn.Linear(1000, 2), param(1.0)]).splitlines()
    assert [line.split()[0] for line in lines] == ["path", "0", "(self)", "total:"]
    assert lines[-1] == "total: 2,003 parameters, 8,012 bytes"


# Sequential


def test_a_sequential_is_read_like_a_list_of_its_layers():
    layers = [nn.Linear(2, 3), ai.tanh, nn.Linear(3, 1)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert all(found is layer for found, layer in zip(model, layers, strict=True))
    assert model[0] is layers[0]
    assert model[-1] is model[np.int64(2)] is layers[2]
    head = model[:-1]
    assert type(head) is nn.Sequential
    assert list(head) == layers[:-1]
    assert type(nn.SIREN(1, 2, 1, 1)[1:]) is nn.Sequential


def test_a_sequential_is_changed_like_a_list_of_its_layers():
    first, second, third, fourth = (nn.Linear(2, 2) for _ in range(4))
    model = nn.Sequential(first)
    assert model.append(third) is model
    assert model.insert(-1, second) is model
    assert model.insert(3, fourth) is model
    assert list(model) == [first, second, third, fourth]
    model[1] = fourth
    model[-1] = second
    assert list(model) == [first, fourth, third, second]
    del model[1]
    del model[-1]
    assert model.extend(iter([second, fourth])) is model
    assert list(model) == [first, third, second, fourth]
    del model[1:3]
    assert list(model) == [first, fourth]
    del model[:]
    assert list(model) == []
    assert model(3) == 3


def test_a_layer_that_came_later_is_found_by_everything():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Tanh())
    x = ai.ones((1, 2))
    model[0] = nn.Linear(2, 3)
    model.append(nn.Linear(3, 1)).eval()
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [path for path, _ in model.named_parameters()] == list(model.state_dict())
    assert not model[0].training
    assert not model[2].training
    assert model(x).shape == (1, 1)
    assert copy.deepcopy(model)[2].weight.shape == model[2].weight.shape


def test_a_compiled_step_uses_the_layer_that_is_there_now():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    step = ai.compile(model)
    x = ai.ones((1, 2))
    for layer in (nn.Sigmoid(), nn.ReLU()):
        assert np.array_equal(step(x).numpy(), model(x).numpy())
        model[1] = layer
    assert np.array_equal(step(x).numpy(), model(x).numpy())


def test_what_a_sequential_cannot_do_is_said():
    model = nn.Sequential(nn.Tanh(), nn.Tanh())
    with pytest.raises(IndexError, match="there is no layer 2 among 2; append adds one"):
        model[2]
    with pytest.raises(IndexError, match="there is no layer -3 among 2"):
        del model[-3]
    with pytest.raises(IndexError, match="there is no layer 5 among 2"):
        model.insert(5, nn.Tanh())
    with pytest.raises(TypeError, match=r"found by an integer, as in model\[0\].* is a str"):
        model["weight"]
    with pytest.raises(TypeError, match="A slice can be read and deleted, not assigned to"):
        model[:1] = nn.Tanh()
    with pytest.raises(TypeError, match="layer 1 is a list, which cannot be called"):
        model[1] = [nn.Tanh()]
    with pytest.raises(TypeError, match="layer 1 of extend is a int"):
        model.extend([nn.Tanh(), 3])
    assert len(model) == 2


# Layers


def test_linear_is_x_times_the_transposed_weight_plus_bias():
    layer = nn.Linear(3, 2, generator=ai.Generator(0))
    x = ai.Generator(1).normal((5, 4, 3))
    expected = x.numpy() @ layer.weight.numpy().T + layer.bias.numpy()
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-6, atol=1e-6)
    assert layer.weight.shape == (2, 3)
    assert layer.bias.shape == (2,)
    assert nn.Linear(3, 2, bias=False).bias is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_have_the_dtype_asked_for(dtype):
    generator = ai.Generator(0)
    x = ai.ones((4, 2), dtype=dtype)
    for layer in (
        nn.Linear(2, 4, dtype=dtype, generator=generator),
        nn.Linear(2, 4, dtype=dtype, init=nn.init.xavier_normal, generator=generator),
        nn.SIREN(2, 4, 1, 1, generator=generator, dtype=dtype),
        nn.FourierFeatures(2, 4, 1.0, generator=generator, dtype=dtype),
        nn.GridFeatures([(2, 3)], generator=generator, dtype=dtype),
    ):
        kinds = {str(tensor.dtype) for tensor in layer.state_dict().values()}
        assert kinds - {"int64"} == {dtype}
        assert layer(x).dtype == dtype


def test_the_default_start_of_linear_is_uniform_within_one_over_root_in():
    layer = nn.Linear(400, 500, generator=ai.Generator(0))
    for tensor in (layer.weight.numpy(), layer.bias.numpy()):
        assert np.abs(tensor).max() <= 0.05
        assert np.abs(tensor).max() > 0.049
        assert abs(tensor.std() / (0.05 / math.sqrt(3)) - 1) < 0.05


def test_an_init_scheme_starts_the_bias_at_zero():
    layer = nn.Linear(4, 3, init=nn.init.kaiming_normal, generator=ai.Generator(0))
    assert layer.bias.numpy().tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match=r"init returned \(4, 3\) float32 .* is \(3, 4\) float32"):
        nn.Linear(4, 3, init=lambda shape, generator, dtype: ai.zeros(shape[::-1], dtype=dtype))


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match=r"Linear: in_features must be an integer from 1 up.* 0"):
        nn.Linear(0, 3)
    with pytest.raises(ValueError, match=r"out_features must be an integer from 1 up.* 2\.5"):
        nn.Linear(3, 2.5)
    with pytest.raises(ValueError, match=r"hidden_layers must be an integer from 0 up.* -1"):
        nn.SIREN(2, 8, -1, 1)
    with pytest.raises(ValueError, match="omega_0 must be positive"):
        nn.SIREN(2, 8, 1, 1, omega_0=0.0)
    with pytest.raises(ValueError, match=r"out_features must be even.* 5; try 6"):
        nn.FourierFeatures(2, 5, 1.0)
    with pytest.raises(ValueError, match="sigma must be positive"):
        nn.FourierFeatures(2, 4, -1.0)
    with pytest.raises(ValueError, match=r"nodes must be an integer from 2 up.* 1"):
        nn.GridFeatures([(4, 4), (4, 1)])
    with pytest.raises(ValueError, match=r"must have a number for each coordinate"):
        nn.GridFeatures([(4, 4), (4,)])
    with pytest.raises(ValueError, match=r"must have a number for each coordinate"):
        nn.GridFeatures([(4, 4)], extent=(1.0, 0.0))
    with pytest.raises(ValueError, match=r"shapes must be an integer from 1 up.* 0"):
        nn.GridFeatures([])


def test_sequential_takes_functions_and_refuses_a_list():
    model = nn.Sequential(ai.sin, nn.ReLU(), lambda x: x + 1)
    assert model(ai.tensor([-1.0])).numpy().tolist() == [1.0]
    assert nn.Sequential()(3) == 3
    with pytest.raises(TypeError, match=r"argument 0 is a list.*Sequential\(\*layers\)"):
        nn.Sequential([nn.ReLU()])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Tanh(), np.tanh),
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (nn.Sine(4.0), lambda x: np.sin(4 * x)),
    ],
)
def test_activations(layer, expected):
    x = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(layer(ai.tensor(x)).numpy(), expected(x), rtol=1e-12)


def test_fourier_features_are_cosines_and_sines_of_fixed_gaussian_frequencies():
    layer = nn.FourierFeatures(2, 4000, sigma=10.0, generator=ai.Generator(0), dtype="float64")
    frequencies = layer.frequencies.numpy()
    assert abs(frequencies.std() / 10 - 1) < 0.03
    x = ai.Generator(1).uniform((3, 2), dtype="float64")
    phases = 2 * np.pi * x.numpy() @ frequencies
    expected = np.concatenate([np.cos(phases), np.sin(phases)], axis=-1)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-10, atol=1e-10)
    assert list(layer.parameters()) == []


def test_grid_features_are_linear_between_the_nodes_of_each_grid():
    layer = nn.GridFeatures([(3, 4), (6, 2)], 2, (1.0, 0.8), ai.Generator(0), dtype="float64")
    layer.table.assign(ai.Generator(1).normal((24, 2), dtype="float64"))
    x = ai.Generator(2).uniform((50, 2), -1, 1, dtype="float64").numpy()
    expected, first = [], 0
    for nodes in ((3, 4), (6, 2)):
        across, down = (
            extent * ((np.arange(n) + 0.5) / n * 2 - 1)
            for n, extent in zip(nodes, (1.0, 0.8), strict=True)
        )
        grid = layer.table.numpy()[first : first + nodes[0] * nodes[1]].reshape(
            nodes[1], nodes[0], 2
        )
        first += nodes[0] * nodes[1]
        rows = [
            [[np.interp(px, across, row) for row in grid[..., feature]] for feature in range(2)]
            for px in x[:, 0]
        ]
        expected.append(
            [
                [np.interp(py, down, column) for column in row]
                for py, row in zip(x[:, 1], rows, strict=True)
            ]
        )
    np.testing.assert_allclose(layer(ai.tensor(x)).numpy(), np.concatenate(expected, axis=1))
    one, many = nn.GridFeatures([(5,)], 3), nn.GridFeatures([(2, 3, 4)] * 2, 1)
    assert one(ai.zeros((2, 7, 1))).shape == (2, 7, 3)
    assert many(ai.zeros((7, 3))).shape == (7, 2)


def test_grids_grow_by_the_same_factor():
    shapes = nn.GridFeatures.growing((4, 1), (64, 16), 3)
    assert shapes == [(4, 2), (16, 4), (64, 16)]
    assert nn.GridFeatures.growing((8,), (64,), 1) == [(8,)]


def test_gradients_of_whole_models_are_right():
    generator = ai.Generator(0)
    x = ai.Generator(1).uniform((3, 2), dtype="float64")
    for model in (
        nn.SIREN(2, 4, 1, 1, omega_0=3.0, generator=generator, dtype="float64"),
        nn.Sequential(
            nn.FourierFeatures(2, 4, 0.5, generator=generator, dtype="float64"),
            nn.Linear(4, 3, generator=generator, dtype="float64"),
            nn.Tanh(),
            nn.Linear(3, 1, generator=generator, dtype="float64"),
            nn.Sigmoid(),
        ),
        nn.Sequential(
            nn.GridFeatures([(3, 4), (6, 5)], generator=generator, dtype="float64"),
            nn.Linear(4, 3, generator=generator, dtype="float64"),
            nn.Tanh(),
        ),
    ):
        ai.check_grads(lambda x, model=model: ai.mean(ai.square(model(x))), (x,), order=2)


def test_gradients_of_the_nodes_of_grids_are_right():
    layer = nn.GridFeatures([(3, 4), (2, 2)], generator=ai.Generator(0), dtype="float64")
    x = ai.Generator(1).uniform((9, 2), -1, 1, dtype="float64")
    y = ai.sum(ai.square(layer(x)))
    y.backward()
    table, step = layer.table.numpy().copy(), 1e-6
    for place in np.ndindex(table.shape):
        moved = table.copy()
        moved[place] += step
        layer.table.assign(ai.tensor(moved))
        found = (float(ai.sum(ai.square(layer(x)))) - float(y)) / step
        assert abs(found - float(layer.table.grad[place])) < 1e-5


# Initial values

SCHEMES = {
    "xavier_uniform": (nn.init.xavier_uniform, math.sqrt(2 / 500), "uniform"),
    "xavier_normal": (nn.init.xavier_normal, math.sqrt(2 / 500), "normal"),
    "kaiming_uniform": (nn.init.kaiming_uniform, math.sqrt(2 / 200), "uniform"),
    "kaiming_normal": (nn.init.kaiming_normal, math.sqrt(2 / 200), "normal"),
    "fan_in_uniform": (nn.init.fan_in_uniform, math.sqrt(1 / 600), "uniform"),
    "siren_first": (nn.init.siren_first, 1 / (200 * math.sqrt(3)), "uniform"),
    "siren": (nn.init.siren, math.sqrt(2 / 200) / 30, "uniform"),
}


def normal_cdf(x):
    return np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in np.ravel(x)])


def distance(sample, cdf):
    """Largest difference between a sample's distribution and a cdf (Kolmogorov and Smirnov)."""
    ordered = np.sort(np.ravel(sample)).astype(np.float64)
    steps = np.arange(ordered.size + 1) / ordered.size
    expected = cdf(ordered)
    return max(np.abs(expected - steps[:-1]).max(), np.abs(expected - steps[1:]).max())


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes_draw_from_the_distribution_of_their_paper(name):
    scheme, std, kind = SCHEMES[name]
    weight = scheme((300, 200), ai.Generator(0)).numpy() / std
    assert weight.dtype == np.float32
    cdf = normal_cdf if kind == "normal" else lambda x: (x / math.sqrt(3) + 1) / 2
    # 1.95 / sqrt(n) is exceeded by one sample in a thousand, and these are always the same.
    assert distance(weight, cdf) < 1.95 / math.sqrt(weight.size)
    if kind == "uniform":
        assert np.abs(weight).max() <= math.sqrt(3) * (1 + 1e-6)
    assert scheme((2, 3), ai.Generator(0), dtype="float64").dtype == "float64"
    with pytest.raises(ValueError, match=rf"{name}: a shape \(fan_out, fan_in\).*\(3,\)"):
        scheme((3,), ai.Generator(0))


@pytest.mark.parametrize("omega", [10.0, 30.0])
@pytest.mark.parametrize("width", [128, 512])
def test_siren_starts_with_arcsine_activations_and_normal_phases_at_any_depth(width, omega):
    # Theorem 1.8 of the paper's supplement; E[sin^2] of N(0, s^2) is (1 - exp(-2 s^2)) / 2.
    model = nn.SIREN(2, width, 6, 1, omega_0=omega, generator=ai.Generator(0))
    x = ai.Generator(1).uniform((1000, 2), low=-1.0, high=1.0)
    expected = None
    for linear, sine in zip(model[::2], model[1::2], strict=False):
        before = linear(x)
        phases = omega * before.numpy()
        if expected is None:
            assert phases.std() > 4
            expected = 1.0
        else:
            assert abs(phases.mean()) < 0.06
            assert phases.std() == pytest.approx(expected, rel=0.04)
            assert distance(phases / phases.std(), normal_cdf) < 0.025
            expected = math.sqrt(1 - math.exp(-2 * expected**2))
        x = sine(before)
        assert distance(x.numpy(), lambda y: 0.5 + np.arcsin(np.clip(y, -1, 1)) / np.pi) < 0.08


def test_siren_layers_start_within_the_bounds_of_the_paper():
    model = nn.SIREN(3, 100, 2, 4, omega_0=20.0, generator=ai.Generator(0))
    weights = [layer.weight.numpy() for layer in model[::2]]
    bounds = [1 / 3] + [math.sqrt(6 / 100) / 20] * 3
    assert [weight.shape for weight in weights] == [(100, 3), (100, 100), (100, 100), (4, 100)]
    assert [type(layer) for layer in model[1::2]] == [nn.Sine] * 3
    for weight, bound in zip(weights, bounds, strict=True):
        assert 0.95 * bound < np.abs(weight).max() <= bound * (1 + 1e-6)


def test_without_a_generator_every_process_starts_alike_and_every_layer_differs():
    code = "import nn; print([nn.Linear(2, 2).weight.numpy().tolist() for _ in range(2)])"
    runs = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    first, second = eval(runs[0].stdout)
    assert first != second


def test_one_seed_gives_one_model():
    assert all(
        np.array_equal(a, b)
        for a, b in zip(
            values(small_model(5)).values(), values(small_model(5)).values(), strict=True
        )
    )
    first, second = (small_model(seed)[1].weight.numpy() for seed in (5, 6))
    assert not np.array_equal(first, second)


# Against PyTorch, where it is installed


def test_layers_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    sizes = [3, 8, 5, 1]
    ours, theirs = [], []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out, generator=ai.Generator(fan_in))
        twin = torch.nn.Linear(fan_in, fan_out)
        with torch.no_grad():
            twin.weight.copy_(torch.tensor(linear.weight.numpy().copy()))
            twin.bias.copy_(torch.tensor(linear.bias.numpy().copy()))
        ours += [linear, nn.Tanh()]
        theirs += [twin, torch.nn.Tanh()]
    ours, theirs = nn.Sequential(*ours), torch.nn.Sequential(*theirs)
    x = ai.Generator(9).normal((7, 3))
    y, y_torch = ours(x), theirs(torch.tensor(x.numpy().copy()))
    np.testing.assert_allclose(y.numpy(), y_torch.detach().numpy(), rtol=1e-5, atol=1e-6)
    y.sum().backward()
    y_torch.sum().backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        expected = other.grad.numpy().T
        np.testing.assert_allclose(mine.grad.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_schemes_have_the_spread_of_pytorchs():
    torch = pytest.importorskip("torch")
    for name, (scheme, std, _) in SCHEMES.items():
        if hasattr(torch.nn.init, f"{name}_"):
            theirs = torch.empty(300, 200)
            extra = {"nonlinearity": "relu"} if name.startswith("kaiming") else {}
            getattr(torch.nn.init, f"{name}_")(theirs, **extra)
            assert abs(float(theirs.std()) / std - 1) < 0.02
            assert abs(scheme((200, 300), ai.Generator(0)).numpy().std() / std - 1) < 0.02
