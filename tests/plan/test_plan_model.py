"""`model = ai.compile(model)`: called as a plan, and in all else the model."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import same_bits

import autograd_iron as ai
import nn
from nn.module import walk

X = np.arange(8, dtype=np.float32).reshape(4, 2) / 8


class Named(nn.Module):
    """A module without a length, whose mode is seen in what it returns."""

    def __init__(self) -> None:
        self.alpha = 2.0
        self.body = network()

    def forward(self, x: Any) -> Any:
        return self.body(x) * (self.alpha if self.training else 1.0)


def network() -> nn.Sequential:
    g = ai.Generator(0)
    return nn.Sequential(nn.Linear(2, 3, generator=g), nn.Tanh(), nn.Linear(3, 1, generator=g))


def test_it_is_called_as_a_plan() -> None:
    model = network()
    compiled = ai.compile(model)
    with ai.no_grad():
        for _ in range(3):
            same_bits(compiled(X), model(ai.tensor(X)))
    assert "1 captures" in compiled.explain()
    assert "0.weight" in str(compiled.plan)


def test_it_is_the_model_in_all_else() -> None:
    model = Named()
    compiled: Any = ai.compile(model)
    assert isinstance(compiled, nn.Module)
    assert isinstance(compiled, Named)
    assert repr(compiled) == repr(model)
    assert nn.summary(compiled) == nn.summary(model)
    assert list(compiled.named_parameters()) == list(model.named_parameters())
    assert list(map(id, compiled.parameters())) == list(map(id, model.parameters()))
    assert next(iter(compiled.modules())) is model
    same_bits(compiled.state_dict(), model.state_dict())
    assert compiled.body is model.body
    assert "alpha" in dir(compiled)
    assert "explain" in dir(compiled)
    with pytest.raises(AttributeError, match=r"Named.*nothing"):
        _ = compiled.nothing


def test_attributes_are_set_and_deleted_on_the_model() -> None:
    model = Named()
    compiled: Any = ai.compile(model)
    compiled.alpha = 3.0
    compiled.more = 1.0
    assert (model.alpha, vars(model)["more"]) == (3.0, 1.0)
    del compiled.more
    assert not hasattr(model, "more")


def test_methods_that_return_the_model_return_the_compiled_one() -> None:
    compiled: Any = ai.compile(network())
    assert compiled.eval() is compiled
    assert compiled.train() is compiled
    assert compiled.to("float64") is compiled
    assert compiled(X.astype("float64")).dtype == "float64"


def test_the_mode_and_attributes_choose_the_plan() -> None:
    model = Named()
    compiled: Any = ai.compile(model)
    with ai.no_grad():
        for _ in range(2):
            for change in (compiled.train, compiled.eval, lambda: setattr(compiled, "alpha", 4.0)):
                change()
                same_bits(compiled(X), model(ai.tensor(X)))
            compiled.alpha = 2.0
    assert "Named.training was True and is False" in compiled.explain()
    compiled.load_state_dict({k: v * 2 for k, v in compiled.state_dict().items()})
    with ai.no_grad():
        same_bits(compiled(X), model(ai.tensor(X)))


def test_a_sequential_is_still_indexed_and_iterated() -> None:
    model = network()
    compiled: Any = ai.compile(model)
    assert len(compiled) == 3
    assert list(compiled) == list(model)
    assert compiled[0] is model[0]
    with ai.no_grad():
        compiled(X)
        compiled[1] = nn.Sigmoid()
        assert isinstance(model[1], nn.Sigmoid)
        same_bits(compiled(X), model(ai.tensor(X)))
    named: Any = ai.compile(Named())
    assert named
    with pytest.raises(TypeError, match="len"):
        len(named)


def test_a_compiled_model_within_a_model() -> None:
    class Outer(nn.Module):
        def __init__(self, body: Any) -> None:
            self.body = body
            self.again = [body]

        def forward(self, x: Any) -> Any:
            return self.body(x) + 1

    inner = network()
    plain, outer = Outer(inner), Outer(ai.compile(inner))
    assert [path for path, _ in walk(outer)] == [path for path, _ in walk(plain)]
    same_bits(outer.state_dict(), plain.state_dict())
    assert repr(outer) == repr(plain)
    outer.eval()
    assert not inner[0].training
    step: Any = ai.compile(outer)
    with ai.no_grad():
        same_bits(step(X), plain(ai.tensor(X)))
        inner[1] = nn.ReLU()
        same_bits(step(X), plain(ai.tensor(X)))


def test_as_an_attribute_of_a_class_it_is_no_method() -> None:
    class Holder:
        model = ai.compile(network())

    with ai.no_grad():
        same_bits(Holder().model(X), Holder.model(X))


def test_copies_and_pickles_compile_for_themselves() -> None:
    compiled: Any = ai.compile(network(), threads=1)
    with ai.no_grad():
        before = compiled(X)
        for twin in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
            same_bits(twin(X), before)
            assert twin[0].weight is not compiled[0].weight
            assert "1 captures" in twin.explain()


def trained(through: Any, folder: Path) -> Any:
    model = through(network())
    data = nn.Batches(ai.tensor(X), ai.tensor(X[:, :1]), batch_size=2)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    nn.fit(
        model,
        data,
        nn.MSELoss(),
        optimizer,
        steps=6,
        run_dir=folder,
        checkpoint_every=3,
        progress=False,
    )
    return model


def test_it_is_fitted_and_saved(tmp_path: Path) -> None:
    found = trained(ai.compile, tmp_path / "one")
    wanted = trained(lambda model: model, tmp_path / "two")
    same_bits(found.state_dict(), wanted.state_dict())
