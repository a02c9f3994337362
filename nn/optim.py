"""Optimizers: one pure update rule per parameter, and a flat state with the step inside.

A rule is a function ``(F, p, g, *slots, *numbers, ...) -> (p, *slots)``: the vocabulary ``F``, the
parameter, its gradient, what the rule keeps between steps, and the numbers of the step (its
rate first) as 0-d arrays of the parameter's dtype. It returns new arrays and changes none.

A rule computes in the parameter's dtype, float16 too, where an update of less than a 2000th of a
parameter is lost and Adam's eps of 1e-8 is 0, and bfloat16, where that is a 250th and Adam's 0.999
is 1. To train with 16 bits, keep the parameters in float32 and cast them, and the inputs, in the
forward pass: ``x.astype("bfloat16") @ w.astype("bfloat16")``.
Gradients then have 16 bits up to the cast, and reach the parameter in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import autograd_iron as ai
from autograd_iron.support.closed import Closed
from autograd_iron.support.watched import Watched
from nn.module import Module, Parameter, check_entries

Schedule = Callable[[int], float]
Named = Module | Iterable[tuple[str, Parameter]]


class Optimizer(Watched, Closed):
    """What all optimizers share: the parameters, the rate, and saving.

    A subclass names what its rule keeps per parameter in ``slots``, gives the rule as `update`, and
    the numbers that change from step to step as `numbers`: the rule finds them as 0-d arrays, so
    that a compiled step needs no new plan when they change.

    Parameters
    ----------
    parameters : Module, or iterable of (name, Parameter)
        ``model`` or ``model.named_parameters()``: the state is saved under these names.
    rate : float, or function from the step (counted from 0) to a float
        The learning rate; see `nn.CosineDecay`.

    Attributes
    ----------
    parameters : dict of str to Parameter
    step_count : int
        How many steps were made.

    Raises
    ------
    TypeError
        When the parameters come without names.
    ValueError
        When there are none, or one comes twice, or the rate is negative or not finite.
    """

    slots: tuple[str, ...] = ()
    counts_updates = False
    names_elsewhere: ClassVar[dict[str, str]] = {
        "lr": "rate",
        "learning_rate": "rate",
        "param_groups": "rate",
    }

    def __init__(self, parameters: Named, rate: float | Schedule) -> None:
        self.parameters = _named(type(self).__name__, parameters)
        self.step_count = 0
        self._schedule: Schedule = rate if callable(rate) else _Constant(_checked_rate(rate))
        # By hand the rate was set to `_changed_to` where the schedule gave `_changed_from`. The
        # pair rather than the quotient, so that the rate reads exactly as it was set.
        self._changed_to = self._changed_from = 1.0
        self._numbers: dict[Any, list[ai.Tensor]] = {}
        self._entries = [
            _Entry(
                parameter,
                [ai.zeros(parameter.shape, parameter.dtype, parameter.device) for _ in self.slots],
            )
            for parameter in self.parameters.values()
        ]

    def numbers(self, rate: float, updates: int) -> tuple[float, ...]:
        """Return what the rule needs of the rate and of how often a parameter was updated."""
        return (rate,)

    def update(self, F: Any, p: Any, g: Any, slots: list[Any], numbers: list[Any]) -> Any:
        """Return ``(new p, *new slots)``: the rule of the subclass."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule: define `update`.")

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are.

        A gradient that is not finite makes parameters that are not finite: nothing is repaired in
        silence.  If the model was moved to another device since, what is kept of its parameters
        goes after it.
        """
        gradients = [(entry, entry.parameter.grad) for entry in self._entries]
        ready = [(entry, gradient) for entry, gradient in gradients if gradient is not None]
        active = [entry for entry, _ in ready]
        for entry in active:
            if entry.parameter.data is not entry.array:
                entry.follow()
            if self.counts_updates or not entry.numbers:
                late = self.step_count - entry.updates if self.counts_updates else 0
                entry.numbers = self._numbers_of(entry.parameter, late)
        if ai.capturing():
            for name in vars(self):
                if not name.startswith("_") and name not in ("parameters", "step_count"):
                    ai.guard(self, name)  # a setting of the rule, frozen in a plan
        ai.each_time(partial(self._advance, active), partial(self._go_back, active))
        with ai.beside(active[0].parameter) if active else nullcontext():
            for entry, gradient in ready:
                slots, numbers, parameter = entry.slots, entry.numbers, entry.parameter
                F, (p, g, *rest) = ai.operands(parameter, gradient, *slots, *numbers)
                new, *kept = self.update(F, p, g, rest[: len(slots)], rest[len(slots) :])
                parameter.assign(new)
                for slot, value in zip(slots, kept, strict=True):
                    slot.assign(value)

    def _numbers_of(self, parameter: Parameter, late: int) -> list[ai.Tensor]:
        """Return where the numbers lie for parameters like this with so many updates not made."""
        key = parameter.dtype, parameter.device, late
        tensors = self._numbers.get(key)
        if tensors is None:
            count = len(self.numbers(0.0, 1))
            dtype, device, _ = key
            tensors = [ai.tensor(0.0, dtype=dtype, device=device) for _ in range(count)]
            self._numbers[key] = tensors
        return tensors

    def _advance(self, active: list[_Entry]) -> None:
        """Count the step, and put its numbers where the rule reads them: part of a plan's input."""
        rate = self.rate
        vars(self)["step_count"] += 1  # not `Watched`: a plan does not depend on it
        for (_, _, late), tensors in self._numbers.items():
            numbers = self.numbers(rate, self.step_count - late)
            for tensor, number in zip(tensors, numbers, strict=True):
                ai.fill(tensor, number)
        if self.counts_updates:
            for entry in active:
                entry.updates += 1

    def _go_back(self, active: list[_Entry]) -> None:
        vars(self)["step_count"] -= 1
        if self.counts_updates:
            for entry in active:
                entry.updates -= 1

    def zero_grad(self) -> None:
        """Forget all gradients: every ``.grad`` becomes None."""
        for parameter in self.parameters.values():
            parameter.grad = None

    @property
    def rate(self) -> float:
        """The learning rate of the next step.

        Setting it changes the course from here on: the schedule continues, multiplied by the
        quotient of the new rate and the one that it gives at this step.

        Raises
        ------
        ValueError
            When the rate is negative or not finite, or the schedule is 0 here, so that no factor
            leads to the new rate.
        """
        planned = self._planned()
        if self._changed_to == self._changed_from:
            return planned
        return _checked_rate(self._changed_to * (planned / self._changed_from))

    @rate.setter
    def rate(self, value: float) -> None:
        value = _checked_rate(value)
        planned = self._planned()
        if planned == 0:
            raise ValueError(
                f"rate: the schedule gives 0 at step {self.step_count}, and a change by hand "
                f"multiplies the schedule, so no factor leads to {value:g}. Give the schedule a "
                f"floor above 0, as in CosineDecay(rate, steps, floor=1e-4), or more steps."
            )
        self._changed_to, self._changed_from = value, planned

    def _planned(self) -> float:
        return _checked_rate(self._schedule(self.step_count), self.step_count)

    def state_dict(self) -> dict[str, ai.Tensor]:
        """Return a snapshot of all that the next steps depend on, gradients and parameters apart.

        Returns
        -------
        dict of str to Tensor
            ``step`` (0-d int64), ``rate_scale`` (the rate set by hand, and what the schedule gave
            there: two float64), and ``<slot>.<parameter>`` for every slot of every parameter.
        """
        state = {
            "step": ai.tensor(self.step_count, dtype="int64"),
            "rate_scale": ai.tensor([self._changed_to, self._changed_from], dtype="float64"),
        }
        for name, entry in zip(self.parameters, self._entries, strict=True):
            for slot, value in zip(self.slots, entry.slots, strict=True):
                state[f"{slot}.{name}"] = ai.tensor(value)
            if self.counts_updates:
                state[f"updates.{name}"] = ai.tensor(entry.updates, dtype="int64")
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`.

        The schedule is not in it: it is this optimizer's own, so a script may be resumed with
        another one. A rate that was set by hand continues as the same multiple of it.

        Parameters
        ----------
        state : mapping from name to Tensor or array

        Raises
        ------
        ValueError
            Naming every missing, extra and differing entry, or a number that cannot be; the
            optimizer is then unchanged.
        """
        self.check_state_dict(state)
        self.step_count = int(state["step"].item())
        self._changed_to, self._changed_from = (float(number) for number in state["rate_scale"])
        for name, entry in zip(self.parameters, self._entries, strict=True):
            for slot, value in zip(self.slots, entry.slots, strict=True):
                value.assign(ai.asarray(state[f"{slot}.{name}"], device=value.device))
            if self.counts_updates:
                entry.updates = int(state[f"updates.{name}"].item())

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise what `load_state_dict` would raise, and load nothing."""
        caller = f"{type(self).__name__}.load_state_dict"
        check_entries(caller, self.state_dict(), state)
        for value in state.values():
            ai.asarray(value)
        steps = int(state["step"].item())
        updates = [int(state[name].item()) for name in state if name.startswith("updates.")]
        changed = [float(number) for number in state["rate_scale"]]
        if steps < 0 or not all(0 <= count <= steps for count in updates):
            raise ValueError(f"{caller}: {steps} steps, with {updates} updates, cannot be")
        if not (0 <= changed[0] < math.inf and 0 < changed[1] < math.inf):
            raise ValueError(f"{caller}: a rate cannot have been changed from and to {changed}")


class _Constant:
    """The schedule of a plain rate."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: int) -> float:
        return self.rate


class _Entry:
    """A parameter, what its rule keeps, and the numbers of the step that comes."""

    def __init__(self, parameter: Parameter, slots: list[ai.Tensor]) -> None:
        self.parameter = parameter
        self.array = parameter.data
        self.slots = slots
        self.updates = 0
        self.numbers: list[ai.Tensor] = []

    def follow(self) -> None:
        """Go where the parameter was moved, and take its dtype: its array is another one then."""
        self.array = self.parameter.data
        there, dtype = self.parameter.device, self.parameter.dtype
        for slot in self.slots:
            if slot.device != there or slot.dtype != dtype:
                # Not by `to`, which is a part of a step that is being compiled; this is none.
                slot.data = ai.tensor(slot, dtype=dtype, device=there).data
        self.numbers = []


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    With gradient g, weight decay d, momentum m and rate r (``torch.optim.SGD``'s form; Sutskever,
    Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013)::

        g = g + d p
        v = m v + g
        p = p - r v             or with nesterov    p = p - r (g + m v)

    Parameters
    ----------
    parameters : Module, or iterable of (name, Parameter)
    rate : float, or function from the step to a float
    momentum : float
        In [0, 1); usually 0.9.
    nesterov : bool
        Look ahead along the velocity; needs a momentum.
    weight_decay : float
        d, the factor of an L2 penalty ``d p^2 / 2``.

    Raises
    ------
    TypeError, ValueError
        As `Optimizer`, and ValueError for a setting out of its range.

    Examples
    --------
    >>> optimizer = nn.SGD(model, nn.CosineDecay(0.5, steps=300), momentum=0.9)
    >>> loss(model(x), y).backward()
    >>> optimizer.step()
    >>> optimizer.zero_grad()
    """

    def __init__(
        self,
        parameters: Named,
        rate: float | Schedule,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        _check_fraction("SGD", "momentum", momentum)
        _check_decay("SGD", weight_decay)
        if nesterov and not momentum:
            raise ValueError(
                "SGD: nesterov=True looks ahead along the momentum, and momentum is 0; try "
                "momentum=0.9."
            )
        self.momentum = float(momentum)
        self.nesterov = bool(nesterov)
        self.weight_decay = float(weight_decay)
        self.slots = ("velocity",) if momentum else ()
        super().__init__(parameters, rate)

    def update(self, F: Any, p: Any, g: Any, slots: list[Any], numbers: list[Any]) -> Any:
        """Return ``(p, v)``, or ``(p,)`` without momentum."""
        velocity = slots[0] if slots else None
        if self.momentum and velocity is None:
            raise ValueError(
                f"SGD: momentum was set to {self.momentum} on an optimizer made without any, which "
                "keeps no velocity. Make it with the momentum: SGD(model, rate, momentum=0.9)."
            )
        (rate,) = numbers
        return sgd(F, p, g, velocity, rate, self.momentum, self.nesterov, self.weight_decay)


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015,
    https://arxiv.org/abs/1412.6980, algorithm 1, as in ``torch.optim.Adam``: with weight decay d,
    ``g = g + d p`` comes first. Each parameter counts its own updates for the bias correction, so
    that one which gets its first gradient late starts as the others did.

    Parameters
    ----------
    parameters : Module, or iterable of (name, Parameter)
    rate : float, or function from the step to a float
    betas : (float, float)
        Decay of the mean of g and of the mean of g^2; each in [0, 1).
    eps : float
        Keeps the quotient finite where gradients vanish.
    weight_decay : float
        d, the factor of an L2 penalty ``d p^2 / 2``.

    Raises
    ------
    TypeError, ValueError
        As `Optimizer`, and ValueError for a setting out of its range.
    """

    slots = ("first_moment", "second_moment")
    counts_updates = True

    def __init__(
        self,
        parameters: Named,
        rate: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        for index, beta in enumerate(betas):
            _check_fraction("Adam", f"betas[{index}]", beta)
        if not eps > 0:
            raise ValueError(f"Adam: eps must be positive, and it is {eps}; try 1e-8.")
        _check_decay("Adam", weight_decay)
        self.betas = (float(betas[0]), float(betas[1]))
        self.eps = float(eps)
        self.weight_decay = float(weight_decay)
        super().__init__(parameters, rate)

    def numbers(self, rate: float, updates: int) -> tuple[float, ...]:
        """Return the rate and the root, both with the bias of the means taken out.

        They are computed in Python's floats: in float32, 1 - 0.999 has only four digits left.
        """
        first = 1.0 - self.betas[0] ** updates
        return rate / first, math.sqrt(1.0 - self.betas[1] ** updates)

    def update(self, F: Any, p: Any, g: Any, slots: list[Any], numbers: list[Any]) -> Any:
        """Return ``(p, m, v)``."""
        (m, v), (rate, root) = slots, numbers
        return adam(F, p, g, m, v, rate, root, self.betas, self.eps, self.weight_decay)


def sgd(
    F: Any,
    p: Any,
    g: Any,
    v: Any,
    rate: Any,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Update rule of `SGD`: velocity v, None without momentum."""
    if weight_decay:
        g = g + weight_decay * p
    if v is None:
        return (p - rate * g,)
    v = momentum * v + g
    return p - rate * (g + momentum * v if nesterov else v), v


def adam(
    F: Any,
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    rate: Any,
    root: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Update rule of `Adam`: moments m and v; rate and root are corrected for their bias."""
    if weight_decay:
        g = g + weight_decay * p
    m = betas[0] * m + (1.0 - betas[0]) * g
    v = betas[1] * v + (1.0 - betas[1]) * (g * g)
    return p - rate * (m / (F.sqrt(v) / root + eps)), m, v


def _named(optimizer: str, parameters: Named) -> dict[str, Parameter]:
    pairs = parameters.named_parameters() if isinstance(parameters, Module) else parameters
    named: dict[str, Parameter] = {}
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Parameter)):
            raise TypeError(
                f"{optimizer}: expected a model or (name, Parameter) pairs, and met a "
                f"{type(pair).__name__}. Pass the model itself, or model.named_parameters() rather "
                f"than model.parameters(): the names are what the state is saved under."
            )
        name, parameter = pair
        if name in named or any(parameter is other for other in named.values()):
            raise ValueError(
                f"{optimizer}: the name {name!r} or its parameter comes twice, and would be "
                f"updated twice in each step. Leave one out."
            )
        named[name] = parameter
    if not named:
        raise ValueError(
            f"{optimizer}: there are no parameters to train. In the model, assign nn.Parameter "
            f"tensors, or layers that have some, to self; and pass a generator such as "
            f"model.named_parameters() only once, for it is then used up."
        )
    return named


def _checked_rate(rate: float, step: int | None = None) -> float:
    rate = float(rate)
    if not 0 <= rate < math.inf:
        where = "" if step is None else f" (from the schedule, at step {step})"
        raise ValueError(
            f"rate: a learning rate is a finite number from 0 up, and this is {rate}{where}."
        )
    return rate


def _check_fraction(optimizer: str, name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(
            f"{optimizer}: {name} must be at least 0 and below 1, and it is {value}; a usual value "
            f"is 0.9."
        )


def _check_decay(optimizer: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(
            f"{optimizer}: weight_decay must be a finite number from 0 up, and it is {value}; "
            f"a usual value is 1e-4."
        )
