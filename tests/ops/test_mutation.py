"""The checker is checked: a gradient rule that is wrong by a thousandth must be noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import pytest
from samples import (
    PRIMITIVES,
    RULES,
    SAMPLES,
    ZERO_OF_REALS,
    Call,
    fixed_case,
    of_smooth,
    some_rows,
)

import autograd_iron as ai

# Rules whose gradient is zero everywhere, so that no scaling can show; each with its reason.
ALWAYS_ZERO: dict[tuple[str, int], str] = {
    (name, 0): "that of real numbers is zero" for name in ZERO_OF_REALS
}

Rule = Callable[..., Any]


def scaled(rule: Rule) -> Rule:
    """Wrong in both readings."""

    @wraps(rule)
    def wrong(*args: Any, **attributes: Any) -> Any:
        return rule(*args, **attributes) * 1.001

    return wrong


def scaled_where_recorded(rule: Rule) -> Rule:
    """Right on raw arrays, wrong on Tensors: only a second derivative can tell."""

    @wraps(rule)
    def wrong(F: Any, *args: Any, **attributes: Any) -> Any:
        gradient = rule(F, *args, **attributes)
        return gradient if F.xp is not None else gradient * 1.001

    return wrong


def cut_off_where_recorded(rule: Rule) -> Rule:
    """Of the right value on Tensors, but a constant in the graph."""

    @wraps(rule)
    def wrong(F: Any, *args: Any, **attributes: Any) -> Any:
        gradient = rule(F, *args, **attributes)
        return gradient if F.xp is not None else gradient.detach()

    return wrong


def caught(name: str, order: int, rows: Sequence[Call] | None = None) -> bool:
    """Return whether check_grads fails on some call of the samples, or of these rows."""
    for row in SAMPLES[name].calls if rows is None else rows:
        function, arrays = of_smooth(name, fixed_case(name, row))
        try:
            ai.check_grads(function, arrays, order=order, eps=SAMPLES[name].eps)
        except AssertionError:
            return True
    return False


def replace(name: str, number: int, change: Callable[[Rule], Rule], patch: Any) -> None:
    rules = list(PRIMITIVES[name].rules)
    rule = rules[number]
    assert rule is not None
    rules[number] = change(rule)
    patch.setattr(PRIMITIVES[name], "rules", rules)


@pytest.mark.parametrize(("name", "number"), RULES)
def test_every_scaled_rule_is_caught(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(name, number, scaled, monkeypatch)
    assert caught(name, order=1) == ((name, number) not in ALWAYS_ZERO)


@pytest.mark.parametrize("change", [scaled_where_recorded, cut_off_where_recorded])
@pytest.mark.parametrize(("name", "number"), RULES)
def test_every_rule_wrong_in_second_order_is_caught(
    name: str, number: int, change: Callable[[Rule], Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(name, number, change, monkeypatch)
    assert not caught(name, 1, some_rows(SAMPLES[name], change.__name__))
    assert caught(name, order=2) == ((name, number) not in ALWAYS_ZERO)


@pytest.mark.parametrize("name", sorted({name for name, _ in RULES}))
def test_unchanged_rules_pass(name: str) -> None:
    assert not caught(name, 2, some_rows(SAMPLES[name], "unchanged"))
