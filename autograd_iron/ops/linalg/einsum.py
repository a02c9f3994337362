"""Einstein's sums: `einsum("bij,bjk->bik", x, y)`, two operands after two."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections import Counter

from autograd_iron.arrays import device
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.ops.linalg.operands import last

__all__ = ["einsum"]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@composite
def einsum(F, subscripts, /, *operands, optimize=True):
    """Return the sum of products that letters of axes say, as NumPy's einsum.

    An axis whose letter the result lacks is summed over; a letter that an operand has twice is its
    diagonal; `...` stands for axes that broadcast.  Without `->` the result has the letters that
    occur once, in the order of the alphabet.

    Parameters
    ----------
    subscripts : str
        `"ij,jk->ik"`.  Or operands and lists of whole numbers take turns, the last list being that
        of the result: `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
    *operands : array
    optimize : bool, str or list
        How an order is found for more than two operands: what `numpy.einsum_path` takes, or the
        path that it returns.  False: from left to right.

    Raises
    ------
    ValueError
        The subscripts do not fit the operands.
    """
    if isinstance(subscripts, str):
        terms, result = _of_text(subscripts)
    else:
        operands, terms, result = _of_lists((subscripts, *operands))
    operands = tuple(operand(F, x, operands) for x in operands)
    if len(terms) != len(operands):
        raise ValueError(f"the subscripts are for {len(terms)} operands, got {len(operands)}")
    labels, result = _without_dots(terms, result, [x.shape for x in operands])
    sizes = _sizes(labels, operands)
    unknown = [label for label in result if label not in sizes]
    if unknown or len(set(result)) < len(result):
        raise ValueError(
            f"the result {_text(result)} names an axis that no operand has, or one twice"
        )
    path = _path(labels, result, [x.shape for x in operands], optimize)
    terms = [_once(F, x, own, sizes) for x, own in zip(operands, labels, strict=True)]
    for places in path:
        taken = [terms.pop(i) for i in sorted(places, reverse=True)][::-1]
        while len(taken) > 1:
            others = [own for _, own in (*terms, *taken[2:])]
            wanted = set(result).union(*others)
            taken[:2] = [_product(F, taken[0], taken[1], wanted)]
        terms += taken
    ((made, own),) = terms
    made, own = _summed(F, made, own, set(result))
    return last(F, made, tuple(own.index(label) for label in result))


# --- what the subscripts say


def _of_text(text):
    """Return the labels of each operand, and of the result or None; dots are one label."""
    sides = text.replace(" ", "").split("->")
    if len(sides) > 2:
        raise ValueError(f"the subscripts {text!r} have more than one ->")
    terms = [_letters(part, text) for part in sides[0].split(",")]
    return terms, _letters(sides[1], text) if len(sides) == 2 else None


def _letters(part, text):
    labels = [... if label == "." else label for label in part.replace("...", ".")]
    bad = [label for label in labels if label is not ... and label not in LETTERS]
    if bad or labels.count(...) > 1 or "." in part.replace("...", ""):
        raise ValueError(f"the subscripts {text!r} hold more than letters, commas, ... and ->")
    return labels


def _of_lists(given):
    pairs = given[: len(given) - len(given) % 2]
    lists = [setting(own) for own in (*pairs[1::2], *given[len(pairs) :])]
    if not all(isinstance(own, tuple) and _are_labels(own) for own in lists):
        raise ValueError(
            "einsum takes subscripts like 'ij,jk->ik' and operands, or operands and lists of whole "
            "numbers in turns"
        )
    terms = [list(own) for own in lists]
    return pairs[::2], terms, terms.pop() if len(given) % 2 else None


def _are_labels(labels):
    return all(label is ... or isinstance(label, int) for label in labels)


def _without_dots(terms, result, shapes):
    """Return the labels with those of axes in the place of dots."""
    lead = max(
        (len(shape) - len(own) + 1 for own, shape in zip(terms, shapes, strict=True) if ... in own),
        default=0,
    )
    stand_ins = [("...", i) for i in range(max(lead, 0))]
    labels = []
    for number, (own, shape) in enumerate(zip(terms, shapes, strict=True)):
        count = len(shape) - len(own) + (... in own)
        if count < 0 or (count and ... not in own):
            raise ValueError(
                f"{_text(own)} does not name the axes of operand {number}, whose shape is {shape}"
            )
        labels.append(_filled(own, stand_ins[len(stand_ins) - count :] if count else []))
    if result is None:
        counts = Counter(label for own in terms for label in own if label is not ...)
        result = [..., *sorted(label for label, count in counts.items() if count == 1)]
    elif ... not in result and stand_ins:
        raise ValueError("the operands have axes at ..., and the result does not say where to")
    return labels, _filled(result, stand_ins)


def _filled(labels, stand_ins):
    if ... not in labels:
        return labels
    at = labels.index(...)
    return [*labels[:at], *stand_ins, *labels[at + 1 :]]


def _sizes(labels, operands):
    sizes: dict[object, int] = {}
    for number, (own, x) in enumerate(zip(labels, operands, strict=True)):
        for label, n in zip(own, x.shape, strict=True):
            known = sizes.setdefault(label, n)
            if known == 1:
                sizes[label] = n
            elif n not in (1, known):
                raise ValueError(
                    f"axis {_text([label])} has size {known}, and in operand {number} of shape "
                    f"{x.shape} it has size {n}"
                )
    return sizes


def _text(labels):
    shown = ["..." if label is ... or isinstance(label, tuple) else str(label) for label in labels]
    return repr("".join(shown))


def _path(labels, result, shapes, optimize):
    """Return which terms to multiply in each step; the product comes last in what is left."""
    count = len(labels)
    known = list(dict.fromkeys(label for own in labels for label in own))
    if count < 3 or optimize is False or len(known) > len(LETTERS):
        return [(0, 1)] + [(0, count - 1 - i) for i in range(1, count - 1)] if count > 1 else []
    if isinstance(optimize, list | tuple) and optimize and optimize[0] == "einsum_path":
        return [tuple(step) for step in optimize[1:]]
    letter = dict(zip(known, LETTERS, strict=False))
    sides = ["".join(letter[label] for label in own) for own in (*labels, result)]
    text = f"{','.join(sides[:-1])}->{sides[-1]}"
    stand_ins = [device.host.broadcast_to(0.0, shape) for shape in shapes]
    path, _ = device.host.einsum_path(text, *stand_ins, optimize=optimize)
    return path[1:]


# --- what they mean


def _once(F, x, labels, sizes):
    """Return an operand each of whose labels is there once, of the size it has elsewhere."""
    kept = [label for label, n in zip(labels, x.shape, strict=True) if n == sizes[label]]
    if len(kept) < len(labels):  # an axis of size 1 that is stretched elsewhere
        sides = zip(labels, x.shape, strict=True)
        x = F.reshape(x, shape=tuple(n for label, n in sides if n == sizes[label]))
    for label, count in Counter(kept).items():
        for _ in range(count - 1):
            first = kept.index(label)
            second = kept.index(label, first + 1)
            x = F.diagonal(x, 0, first, second)
            kept = [*(k for i, k in enumerate(kept) if i not in (first, second)), label]
    return x, kept


def _summed(F, x, labels, wanted):
    """Return the sum over the axes whose labels are not wanted."""
    axes = tuple(i for i, label in enumerate(labels) if label not in wanted)
    if not axes:
        return x, labels
    total = F.sum(x, axis=axes)
    if total.dtype != x.dtype:  # NumPy's einsum does not widen integers
        total = F.astype(total, dtype=x.dtype)
    return total, [label for label in labels if label in wanted]


def _product(F, one, other, wanted):
    """Return the product of two terms, summed over what both have and nothing else wants."""
    (x, left), (y, right) = one, other
    x, left = _summed(F, x, left, wanted.union(right))
    y, right = _summed(F, y, right, wanted.union(left))
    both = [label for label in left if label in right]
    batch = [label for label in both if label in wanted]
    over = [label for label in both if label not in wanted]
    rows = [label for label in left if label not in both]
    columns = [label for label in right if label not in both]
    size = dict(zip((*left, *right), (*x.shape, *y.shape), strict=True))
    made = [*batch, *rows, *columns]
    if not over:
        x = _laid_out(F, x, left, [batch, rows], size, (1,) * len(columns))
        y = _laid_out(F, y, right, [batch, columns], size)
        lead = tuple(size[label] for label in batch)
        y = F.reshape(y, shape=(*lead, *(1,) * len(rows), *y.shape[len(lead) :]))
        return x * y, made
    x = _as_matrices(F, x, left, batch, rows, over, size)
    y = _as_matrices(F, y, right, batch, over, columns, size)
    product = F.matmul(x, y)
    return F.reshape(product, shape=tuple(size[label] for label in made)), made


def _laid_out(F, x, labels, groups, size, more=()):
    order = [label for group in groups for label in group]
    x = last(F, x, tuple(labels.index(label) for label in order))
    return F.reshape(x, shape=(*(size[label] for label in order), *more)) if more else x


def _as_matrices(F, x, labels, batch, rows, columns, size):
    """Return a term as a stack of matrices, one for each place of the batch."""
    x = _laid_out(F, x, labels, [batch, rows, columns], size)
    lead = [size[label] for label in batch]
    sides = [math.prod(size[label] for label in group) for group in (rows, columns)]
    return x if x.shape == (*lead, *sides) else F.reshape(x, shape=(*lead, *sides))
