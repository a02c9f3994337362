"""Optimizers and schedules: every step's numbers, changing the rate, saving and resuming."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import autograd_iron as ai
import nn

SGD_SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.05},
]
ADAM_SETTINGS = [
    {},
    {"betas": (0.5, 0.9)},
    {"eps": 1e-2},
    {"weight_decay": 0.1},
    {"betas": (0.0, 0.0)},
]
OPTIMIZERS = [(nn.SGD, settings) for settings in SGD_SETTINGS] + [
    (nn.Adam, settings) for settings in ADAM_SETTINGS
]
each_optimizer = pytest.mark.parametrize(("kind", "settings"), OPTIMIZERS)


def parameters(dtype="float32", shapes=((3, 2), (2,), ())):
    generator = np.random.default_rng(0)
    return {
        f"p{index}": nn.Parameter(generator.normal(size=shape).astype(dtype))
        for index, shape in enumerate(shapes)
    }


def gradient(index, step, shape, dtype="float32"):
    return np.random.default_rng([index, step]).normal(size=shape).astype(dtype)


def give_gradients(named, step):
    for index, p in enumerate(named.values()):
        p.grad = ai.tensor(gradient(index, step, p.shape, p.dtype))


def train(optimizer, steps, first=0):
    for step in range(first, first + steps):
        give_gradients(optimizer.parameters, step)
        optimizer.step()


def snapshot(optimizer):
    return {name: p.numpy().copy() for name, p in optimizer.parameters.items()}


def same(first, second):
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


# The update rules, written once more in float64 from the papers, one number at a time


def sgd_by_hand(p, gradients, rate, momentum=0.0, nesterov=False, weight_decay=0.0):
    velocity = 0.0
    for g in gradients:
        g = g + weight_decay * p
        velocity = momentum * velocity + g
        p = p - rate * (g + momentum * velocity if nesterov else velocity)
    return p


def adam_by_hand(p, gradients, rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    first = second = 0.0
    for count, g in enumerate(gradients, start=1):
        g = g + weight_decay * p
        first = betas[0] * first + (1 - betas[0]) * g
        second = betas[1] * second + (1 - betas[1]) * g**2
        corrected = first / (1 - betas[0] ** count), second / (1 - betas[1] ** count)
        p = p - rate * corrected[0] / (math.sqrt(corrected[1]) + eps)
    return p


@each_optimizer
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 2e-5)])
def test_every_number_follows_the_papers(kind, settings, dtype, rtol):
    optimizer = kind(parameters(dtype).items(), 0.05, **settings)
    by_hand = {nn.SGD: sgd_by_hand, nn.Adam: adam_by_hand}[kind]
    before = snapshot(optimizer)
    train(optimizer, 7)
    for index, (name, p) in enumerate(optimizer.parameters.items()):
        assert p.dtype == dtype
        for place in np.ndindex(p.shape):
            gradients = [float(gradient(index, step, p.shape, dtype)[place]) for step in range(7)]
            expected = by_hand(float(before[name][place]), gradients, 0.05, **settings)
            assert p.numpy()[place] == pytest.approx(expected, rel=rtol, abs=rtol)


@each_optimizer
def test_every_step_is_that_of_pytorch(kind, settings):
    torch = pytest.importorskip("torch")
    ours = kind(parameters().items(), 0.05, **settings)
    theirs = [torch.nn.Parameter(torch.tensor(p)) for p in snapshot(ours).values()]
    twin = {nn.SGD: torch.optim.SGD, nn.Adam: torch.optim.Adam}[kind](theirs, lr=0.05, **settings)
    for step in range(20):
        give_gradients(ours.parameters, step)
        for index, p in enumerate(theirs):
            p.grad = torch.tensor(gradient(index, step, tuple(p.shape)))
        ours.step()
        twin.step()
        for mine, other in zip(ours.parameters.values(), theirs, strict=True):
            expected = other.detach().numpy()
            np.testing.assert_allclose(mine.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_adam_starts_a_late_parameter_as_it_starts_the_others():
    # Also what PyTorch does: each parameter has its own bias correction.
    optimizer = nn.Adam(parameters(shapes=((), ())).items(), 0.1)
    early, late = optimizer.parameters.values()
    for _ in range(50):
        early.grad = ai.tensor(1.0)
        optimizer.step()
    before = float(late)
    late.grad = ai.tensor(0.01)
    optimizer.step()
    assert before - float(late) == pytest.approx(0.1, rel=1e-4)


@each_optimizer
def test_a_quadratic_is_minimised(kind, settings):
    settings = {**settings, "weight_decay": 0.0}
    model = nn.Linear(1, 1, bias=False, generator=ai.Generator(0))
    optimizer = kind(model.parameters(), nn.CosineDecay(0.1, steps=300), **settings)
    x, y = ai.tensor([[1.0], [2.0]]), ai.tensor([[3.0], [6.0]])
    for _ in range(300):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    assert float(model.weight) == pytest.approx(3.0, abs=0.02)


# What a step touches


@each_optimizer
def test_a_parameter_without_a_gradient_stays_as_it_is(kind, settings):
    optimizer = kind(parameters().items(), 0.1, **settings)
    train(optimizer, 2)
    before = snapshot(optimizer)
    state = optimizer.state_dict()
    give_gradients(optimizer.parameters, 2)
    optimizer.parameters["p1"].grad = None
    optimizer.step()
    after = snapshot(optimizer)
    assert [name for name in before if np.array_equal(before[name], after[name])] == ["p1"]
    changed = optimizer.state_dict()
    assert all(np.array_equal(state[k].numpy(), changed[k].numpy()) for k in state if ".p1" in k)
    assert optimizer.step_count == 3


def test_zero_grad_forgets_gradients():
    optimizer = nn.SGD(parameters().items(), 0.1)
    give_gradients(optimizer.parameters, 0)
    optimizer.zero_grad()
    assert [p.grad for p in optimizer.parameters.values()] == [None] * 3


@each_optimizer
def test_a_gradient_is_not_changed_by_a_step(kind, settings):
    optimizer = kind(parameters().items(), 0.1, **settings)
    for step in range(3):
        give_gradients(optimizer.parameters, step)
        before = [p.grad.numpy().copy() for p in optimizer.parameters.values()]
        optimizer.step()
        after = [p.grad.numpy() for p in optimizer.parameters.values()]
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@each_optimizer
def test_a_parameter_keeps_its_memory_and_a_stale_graph_is_noticed(kind, settings):
    p = nn.Parameter([1.0, 2.0])
    memory = p.data
    optimizer = kind([("p", p)], 0.1, **settings)
    loss = (p * p).sum()
    p.grad = ai.tensor([1.0, 1.0])
    optimizer.step()
    assert p.data is memory
    with pytest.raises(RuntimeError, match="optimizer's step"):
        loss.backward()


@each_optimizer
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_gradients_that_are_not_finite_are_not_repaired(kind, settings, bad):
    optimizer = kind([("p", nn.Parameter([1.0, 1.0]))], 0.1, **settings)
    p = optimizer.parameters["p"]
    p.grad = ai.tensor([bad, 1.0])
    with np.errstate(all="ignore"):
        optimizer.step()
    assert np.isfinite(p.numpy()).tolist() == [False, True]


@each_optimizer
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_no_rate_widens_a_parameter_or_its_state(kind, settings, dtype, monkeypatch):
    computed = []
    assign = ai.Tensor.assign
    spy = lambda p, new: computed.append(str(new.dtype)) or assign(p, new)  # noqa: E731
    monkeypatch.setattr(nn.Parameter, "assign", spy)
    for rate in (np.float64(0.1), lambda step: np.float64(0.1)):
        optimizer = kind(parameters(dtype).items(), rate, **settings)
        assert type(optimizer.lr) is float
        train(optimizer, 2)
        assert set(computed) == {dtype}
        assert {str(p.dtype) for p in optimizer.parameters.values()} == {dtype}
        state = optimizer.state_dict()
        moments = {str(t.dtype) for n, t in state.items() if "." in n and "updates" not in n}
        assert moments <= {dtype}


def test_dtypes_can_be_mixed():
    named = parameters("float32") | {"wide": nn.Parameter(np.ones(2))}
    optimizer = nn.SGD(named.items(), 1 / 3)
    for p in named.values():
        p.grad = ai.ones(p.shape, dtype=p.dtype)
    optimizer.step()
    assert named["wide"].numpy().tolist() == [1 - 1 / 3] * 2


def test_a_tied_parameter_is_updated_once():
    model = nn.Sequential(nn.Linear(1, 1, generator=ai.Generator(0)))
    model.append(model[0])
    optimizer = nn.SGD(model.named_parameters(), 0.5)
    assert list(optimizer.parameters) == ["0.weight", "0.bias"]
    before = float(model[0].bias)
    model[0].bias.grad = ai.tensor([1.0])
    optimizer.step()
    assert float(model[0].bias) == pytest.approx(before - 0.5)


# What is refused


def test_parameters_come_as_an_iterable_with_names_or_without():
    model = nn.Linear(2, 2)
    for params in (model.parameters(), list(model.parameters()), tuple(model.parameters())):
        assert list(nn.SGD(params).parameters) == ["0", "1"]
    assert list(nn.SGD(model.named_parameters()).parameters) == ["weight", "bias"]
    w = ai.tensor([1.0, 2.0], requires_grad=True)
    optimizer = nn.SGD([w], lr=0.5)
    ai.sum(w * w).backward()
    optimizer.step()
    assert w.numpy().tolist() == [0.0, 0.0]


def test_what_are_no_parameters_is_refused():
    model = nn.Sequential(nn.Linear(2, 2))
    w = ai.tensor([1.0, 2.0], requires_grad=True)
    for params, error, message in [
        (model, TypeError, r"is a model; write SGD\(model\.parameters\(\), \.\.\.\)"),
        (w, TypeError, r"is one tensor; write it in a list: \[w\]"),
        ([{"params": [w], "lr": 0.1}], TypeError, "Make an optimizer for each group"),
        (dict(model.named_parameters()), TypeError, "met a str. Pass model.parameters"),
        ([ai.tensor([1, 2]).astype("int64")], TypeError, "parameter 0 has dtype int64"),
        ([w, 2 * w], ValueError, "parameter 1 was computed from other tensors"),
        ([w, w], ValueError, "'1' or its parameter comes twice"),
    ]:
        with pytest.raises(error, match=message):
            nn.SGD(params)


def test_parameters_come_once():
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="Adam: there are no parameters to train"):
        nn.Adam(nn.Tanh().parameters())
    with pytest.raises(ValueError, match="'b' or its parameter comes twice"):
        nn.SGD([("a", model.bias), ("b", model.bias)], 0.1)
    with pytest.raises(ValueError, match="'a' or its parameter comes twice"):
        nn.SGD([("a", model.bias), ("a", model.weight)], 0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: nn.SGD(m.parameters(), -0.1), r"finite number from 0 up, and this is -0\.1"),
        (lambda m: nn.SGD(m.parameters(), math.nan), "this is nan"),
        (
            lambda m: nn.SGD(m.parameters(), lambda step: math.inf).step(),
            "inf .from the schedule, at step 0",
        ),
        (
            lambda m: nn.SGD(m.parameters(), 0.1, momentum=1.0),
            r"momentum must be at least 0 and below 1.*1\.0",
        ),
        (
            lambda m: nn.SGD(m.parameters(), 0.1, nesterov=True),
            r"nesterov=True looks ahead.*try momentum=0\.9",
        ),
        (
            lambda m: nn.SGD(m.parameters(), 0.1, weight_decay=-1),
            "weight_decay must be a finite number from 0",
        ),
        (
            lambda m: nn.Adam(m.parameters(), betas=(0.9, 1.0)),
            r"betas\[1\] must be at least 0 and below 1",
        ),
        (
            lambda m: nn.Adam(m.parameters(), eps=0.0),
            r"eps must be positive, and it is 0\.0; try 1e-8",
        ),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(nn.Linear(1, 1))


# The learning rate


def test_the_rate_follows_the_schedule():
    schedule = nn.CosineDecay(1.0, steps=10)
    optimizer = nn.SGD([("p", nn.Parameter(np.zeros(1)))], schedule)
    p = optimizer.parameters["p"]
    moved = []
    for _ in range(10):
        before = float(p)
        p.grad = ai.tensor(np.ones(1))
        optimizer.step()
        moved.append(before - float(p))
    assert moved == pytest.approx([schedule(step) for step in range(10)])


rates = st.floats(1e-6, 1e3)


@given(rates, rates, st.integers(0, 90), st.booleans())
def test_a_rate_set_by_hand_is_kept_and_the_schedule_continues_from_there(new, top, step, constant):
    schedule = (lambda k: top) if constant else nn.CosineDecay(top, 100, warmup=20, floor=top / 50)
    optimizer = nn.SGD(parameters().items(), top if constant else schedule)
    optimizer.step_count = step
    optimizer.lr = new
    assert optimizer.lr == new
    for later in (step + 1, step + 7, 100):
        optimizer.step_count = later
        expected = new * schedule(later) / schedule(step)
        assert optimizer.lr == pytest.approx(expected, rel=1e-12)


def test_a_second_change_replaces_the_first():
    optimizer = nn.SGD(parameters().items(), nn.CosineDecay(1.0, 100))
    optimizer.lr = 0.0
    assert optimizer.lr == 0.0
    optimizer.step_count = 50
    optimizer.lr = 0.5
    assert optimizer.lr == 0.5
    optimizer.step_count = 0
    assert optimizer.lr == pytest.approx(1.0)


def test_no_factor_leads_away_from_a_schedule_that_is_0():
    optimizer = nn.SGD(parameters().items(), nn.CosineDecay(0.5, steps=10))
    train(optimizer, 10)
    with pytest.raises(
        ValueError, match=r"gives 0 at step 10.*no factor leads to 0\.1.*floor=1e-4"
    ):
        optimizer.lr = 0.1
    with pytest.raises(ValueError, match="this is -1"):
        optimizer.lr = -1
    assert optimizer.lr == 0.0


def test_settings_have_pytorchs_words_too():
    optimizer = nn.SGD(parameters().items(), nn.CosineDecay(1.0, 100), momentum=0.9)
    (group,) = optimizer.param_groups
    assert list(group) == ["params", "lr", "momentum", "weight_decay", "nesterov"]
    assert len(group) == 5
    assert all(a is b for a, b in zip(group["params"], optimizer.parameters.values(), strict=True))
    assert (group["lr"], group["momentum"]) == (1.0, 0.9)
    for group in optimizer.param_groups:
        group["lr"] *= 0.5
        group["momentum"] = 0.5
    assert (optimizer.lr, optimizer.momentum) == (0.5, 0.5)
    with pytest.raises(KeyError, match="there is no 'betas'; there are params, lr, momentum"):
        group["betas"] = (0.5, 0.5)
    with pytest.raises(TypeError, match="keeps its parameters; make another one"):
        group["params"] = []


def test_a_compiled_step_follows_settings_that_change():
    def trained(compiled):
        model = nn.Linear(2, 1, generator=ai.Generator(0))
        optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)

        def train(x):
            ai.sum(model(x) ** 2).backward()
            optimizer.step()
            optimizer.zero_grad()

        step = ai.compile(train) if compiled else train
        for count in range(6):
            step(ai.ones((3, 2)))
            if count == 2:
                optimizer.momentum, optimizer.weight_decay = 0.5, 0.1
        return model.weight.numpy()

    np.testing.assert_allclose(trained(True), trained(False), rtol=1e-6)


# Saving and resuming


@each_optimizer
def test_a_resumed_run_ends_with_the_same_bits(kind, settings):
    def make():
        return kind(parameters().items(), nn.CosineDecay(0.1, 40, warmup=3), **settings)

    whole = make()
    train(whole, 9)
    whole.lr = 0.07
    train(whole, 4, first=9)
    state, weights = whole.state_dict(), snapshot(whole)
    train(whole, 10, first=13)

    resumed = make()
    resumed.load_state_dict({name: tensor.numpy() for name, tensor in state.items()})
    for name, p in resumed.parameters.items():
        p.assign(weights[name])
    assert resumed.step_count == 13
    train(resumed, 10, first=13)
    assert same(snapshot(whole), snapshot(resumed))
    assert resumed.lr == whole.lr
    assert same(
        {name: t.numpy() for name, t in whole.state_dict().items()},
        {name: t.numpy() for name, t in resumed.state_dict().items()},
    )


def test_the_state_is_flat_and_a_snapshot():
    optimizer = nn.Adam(nn.Linear(2, 1, generator=ai.Generator(0)).named_parameters())
    state = optimizer.state_dict()
    assert {name: (tensor.shape, str(tensor.dtype)) for name, tensor in state.items()} == {
        "step": ((), "int64"),
        "lr_scale": ((2,), "float64"),
        "first_moment.weight": ((1, 2), "float32"),
        "second_moment.weight": ((1, 2), "float32"),
        "updates.weight": ((), "int64"),
        "first_moment.bias": ((1,), "float32"),
        "second_moment.bias": ((1,), "float32"),
        "updates.bias": ((), "int64"),
    }
    train(optimizer, 2)
    assert all(not np.any(t.numpy()) for name, t in state.items() if name != "lr_scale")
    assert list(nn.SGD(nn.Linear(2, 1).parameters(), 0.1).state_dict()) == ["step", "lr_scale"]


def test_the_state_taken_over_is_not_shared():
    optimizer = nn.SGD(parameters().items(), 0.1, momentum=0.9)
    state = {name: tensor.numpy().copy() for name, tensor in optimizer.state_dict().items()}
    optimizer.load_state_dict(state)
    state["velocity.p0"][...] = 5
    assert not np.any(optimizer.state_dict()["velocity.p0"].numpy())


def test_the_state_of_another_optimizer_is_named_and_changes_nothing():
    adam = nn.Adam(parameters(shapes=((2,),)).items())
    train(adam, 3)
    before = {name: tensor.numpy() for name, tensor in adam.state_dict().items()}
    sgd = nn.SGD(parameters(shapes=((3,),)).items(), 0.1, momentum=0.9)
    train(sgd, 5)
    with pytest.raises(
        ValueError, match=r"Adam\.load_state_dict: the state does not fit"
    ) as caught:
        adam.load_state_dict(sgd.state_dict())
    assert str(caught.value).splitlines()[1:-1] == [
        "  missing: first_moment.p0 (2,) float32",
        "  missing: second_moment.p0 (2,) float32",
        "  missing: updates.p0 () int64",
        "  extra:   velocity.p0 (3,) float32",
    ]
    assert same(before, {name: tensor.numpy() for name, tensor in adam.state_dict().items()})


# Schedules

schedules = st.builds(
    lambda rate, decay, warmup, floor, restarts: nn.CosineDecay(
        rate, warmup + decay, warmup, floor * rate, min(restarts, decay - 1)
    ),
    st.floats(1e-6, 100),
    st.integers(1, 200),
    st.integers(0, 50),
    st.floats(0, 1),
    st.integers(0, 5),
)


@given(schedules, st.integers(0, 400))
def test_cosine_decay_is_the_formula(schedule, step):
    s = schedule
    length = s.steps - s.warmup
    if step >= s.steps:
        expected = s.floor
    elif step < s.warmup:
        expected = s.lr * (step + 1) / s.warmup
    else:
        cycle = length / (s.restarts + 1)
        since = step - s.warmup - cycle * math.floor((step - s.warmup) / cycle)
        assume(min(since, cycle - since) > 1e-9 * length or since == 0)
        expected = s.floor + (s.lr - s.floor) * (1 + math.cos(math.pi * since / cycle)) / 2
    assert s(step) == pytest.approx(expected, rel=1e-9, abs=1e-12 * s.lr)


@given(schedules)
def test_cosine_decay_rises_falls_restarts_and_stays(schedule):
    s = schedule
    rates = [s(step) for step in range(s.steps + 5)]
    slack = 1e-12 * s.lr
    assert all(0 <= rate <= s.lr + slack for rate in rates)
    assert all(b >= a for a, b in pairwise(rates[: s.warmup]))
    assert s.warmup == 0 or rates[s.warmup - 1] == s.lr
    assert rates[s.warmup] == pytest.approx(s.lr)
    decay = rates[s.warmup : s.steps]
    jumps = sum(b > a + slack for a, b in pairwise(decay))
    assert jumps == s.restarts or s.floor >= s.lr * (1 - 1e-9) or jumps < s.restarts
    assert rates[s.steps :] == [s.floor] * 5
    assert all(type(rate) is float for rate in rates)


def test_restarts_are_where_they_should_be():
    s = nn.CosineDecay(1.0, steps=26, warmup=2, floor=0.1, restarts=2)
    tops = [step for step in range(26) if s(step) == 1.0]
    assert tops == [1, 2, 10, 18]
    assert s(6) == s(14) == s(22) == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.0, "steps": 10}, r"lr must be positive and finite, not 0\.0"),
        ({"lr": math.inf, "steps": 10}, "lr must be positive and finite, not inf"),
        ({"lr": 1.0, "steps": 0}, "steps must be an integer from 1 up, not 0"),
        ({"lr": 1.0, "steps": 1e4}, r"steps must be an integer from 1 up, not 10000\.0"),
        ({"lr": 1.0, "steps": 10, "warmup": -1}, "warmup must be an integer from 0 up, not -1"),
        ({"lr": 1.0, "steps": 10, "warmup": 10}, "a warm-up of 10 steps leaves none of the 10"),
        ({"lr": 0.1, "steps": 10, "floor": 0.2}, r"between 0 and the lr 0\.1.*is 0\.2"),
        ({"lr": 0.1, "steps": 10, "restarts": 10}, "10 restarts need at least 11 steps.* are 10"),
    ],
)
def test_schedules_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.CosineDecay(**arguments)
