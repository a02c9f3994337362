"""The options of the command line."""

from __future__ import annotations

import argparse
import math
from typing import Any, NoReturn

import devices
from reconstruct import networks
from reconstruct.pictures import UserError

DESCRIPTION = "A network learns a picture: from (x, y) alone it tells how black the paper is there."
USUAL_SIZE = 200  # pixels along the longer side of a larger picture
LARGEST_SIZE = 4096
LARGEST_COUNT = 2**53  # up to here a float counts whole numbers exactly

# What the training depends on, with what it is unless the user says otherwise; None is decided
# from the picture or the recipe.
DEFAULTS: dict[str, Any] = {
    "picture": None,
    "kind": None,
    "threshold": None,
    "size": None,
    "recipe": "auto",
    "optimizer": None,
    "until": None,
    "steps": None,
    "checkpoint_every": 50,
    "rows": False,
    "seed": 0,
    "device": "cpu",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def parser() -> argparse.ArgumentParser:
    """Return the parser, which raises a UserError for what it does not understand."""
    # What is not given stays out of the result, so that --resume knows what the user insists on.
    made = _Parser(description=DESCRIPTION, argument_default=argparse.SUPPRESS)
    add = made.add_argument
    add(
        "picture",
        nargs="?",
        metavar="PICTURE",
        help="PNG, JPEG, WebP, or CSV with the header x,y,pixel_value (1 = black) or x,y,r,g,b "
        "(1 = full light); without one, a horse",
    )
    kind = made.add_mutually_exclusive_group()
    for name, what in (
        ("black and white", "learn it as black and white, whatever it is"),
        ("grey", "learn it in shades of grey"),
        ("colour", "learn it in colour"),
    ):
        option = "--" + name.replace(" ", "-")
        kind.add_argument(option, dest="kind", action="store_const", const=name, help=what)
    add(
        "--threshold",
        type=_whole_number(1, 255),
        metavar="N",
        help="learn it as black and white: black is what is darker than N of 255 (Otsu's number)",
    )
    add(
        "--size",
        type=_whole_number(1, LARGEST_SIZE),
        metavar="N",
        help=f"pixels along the longer side ({USUAL_SIZE}, or those of a smaller picture)",
    )
    add(
        "--recipe",
        choices=("auto", *networks.RECIPES),
        help="the network and its training; auto chooses them for the picture (auto)",
    )
    add(
        "--optimizer",
        choices=("sgd", "adam"),
        help="sgd has momentum 0.9 (by the recipe: adam, and nothing else, for auto; sgd for the "
        "others)",
    )
    add(
        "--until",
        type=_number,
        metavar="SCORE",
        help="stop at this share of the pixels right, of black and white (1.0), or at this PSNR in "
        "dB, of grey and colour, of which 1 is all that 256 levels hold (by the picture)",
    )
    add(
        "--steps",
        type=_whole_number(1),
        metavar="N",
        help="at most so many, as one plan (by the recipe, and by the picture)",
    )
    add(
        "--checkpoint-every",
        type=_whole_number(1),
        metavar="N",
        help=f"save every N steps ({DEFAULTS['checkpoint_every']})",
    )
    add("--rows", action="store_true", help="learn the picture row by row, from the top")
    add("--seed", type=_whole_number(0), metavar="N", help="of all that is random (0)")
    add("--device", metavar="NAME", help=devices.HELP)
    add("--out", metavar="DIR", help="where the results go (runs/ and the picture's name)")
    add(
        "--resume",
        action="store_true",
        help="go on from DIR's newest good checkpoint; options that are not given are as they were",
    )
    add("--no-compile", action="store_true", help="run each step eagerly: slower, to debug by")
    add("--to-csv", metavar="FILE", help="only write the picture, at its --size, as such a CSV")
    return made


def _whole_number(lowest: int, highest: int = LARGEST_COUNT) -> Any:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            below = number < lowest and highest == LARGEST_COUNT
            limits = f"from {lowest} up" if below else f"from {lowest} to {highest}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
        return number

    return parse


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return number
