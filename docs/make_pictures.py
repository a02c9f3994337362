"""Make the pictures of README.md and docs/ that are no longer current: `make pictures`.

Each is left by a command that a reader can run. docs/pictures/made.json keeps, for each command,
what it printed, and what tells whether it would still draw the same: how it starts, in words and in
numbers that are compared as numbers, since another processor has other last bits; and the text of
the script that draws. A picture is made anew when its file is removed.
"""

import hashlib
import importlib
import io
import json
import math
import os
import re
import sys
import tempfile
import tokenize
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from PIL import Image, ImageSequence

import autograd_iron as ai

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS.parent / "examples"
FOLDER = DOCS / "pictures"
RECORD = FOLDER / "made.json"
sys.path.insert(0, str(EXAMPLES))

DEMO = "reconstruct_image"
DEMO_FILES = ["horse-comparison.png", "horse-timelapse.gif", "horse-graph.svg"]
KEPT = ["comparison.png", "timelapse.gif"]
PLAIN, SIREN = "plain_network", "siren_start"
# The name of the picture, and the example and its options that make it.
COMMANDS = {
    "horse": (DEMO, ""),
    "plain-xavier": (PLAIN, "--start xavier"),
    "plain-xavier-long": (PLAIN, "--start xavier --steps 12000"),
    "plain-small": (PLAIN, "--start small"),
    "plain-positive": (PLAIN, "--start positive"),
    "plain-normal": (PLAIN, "--start normal"),
    "plain-uniform": (PLAIN, "--start uniform"),
    "plain-spread": (PLAIN, "--start spread"),
    "plain-low-rate": (PLAIN, "--start spread --lr 0.01"),
    "plain-high-rate": (PLAIN, "--start spread --lr 1"),
    "plain-small-batch": (PLAIN, "--start spread --batch 64"),
    "plain-large-batch": (PLAIN, "--start spread --batch 4096"),
    "plain-long": (PLAIN, "--start spread --steps 12000"),
    "plain-tanh": (PLAIN, "--start spread --output tanh"),
    "plain-horse": (PLAIN, "--start xavier --picture horse"),
    "siren": (SIREN, ""),
    "siren-without-factor": (SIREN, "--without-factor"),
    "siren-low-omega": (SIREN, "--omega 5"),
    "siren-high-omega": (SIREN, "--omega 90"),
    "siren-low-rate": (SIREN, "--lr 0.0001"),
    "siren-high-rate": (SIREN, "--lr 0.01"),
    "siren-scaled-little": (SIREN, "--scale 1.5"),
    "siren-scaled": (SIREN, "--scale 2"),
    "siren-scaled-low-omega": (SIREN, "--omega 15 --scale 2"),
}


def command(name: str) -> str:
    """Return what a reader types."""
    example, options = COMMANDS[name]
    return f"python examples/{example}.py {options}".rstrip()


def files(name: str) -> list[Path]:
    """Return the pictures that the command leaves."""
    return [FOLDER / file for file in (DEMO_FILES if name == "horse" else [f"{name}.png"])]


def make(name: str) -> str:
    """Run the command, keep its pictures, and return the line of figures that it ends with."""
    example, options = COMMANDS[name]
    if example != DEMO:
        [picture] = files(name)
        return _call(example, [*options.split(), "--out", str(picture)]).splitlines()[-1]
    with tempfile.TemporaryDirectory() as folder, _forward_graph() as graphs:
        out = Path(folder, "demo")
        printed = _call(DEMO, ["--out", str(out)])
        comparison, timelapse, graph = files(name)
        comparison.write_bytes((out / KEPT[0]).read_bytes())
        _save_smaller(out / KEPT[1], timelapse)
        graphs[0](graph)
        [figures] = re.findall(r"^(.*? after \d+ steps)", printed, re.MULTILINE)
        return figures


def starts(name: str) -> str:
    """Return what the command says and does in its first steps."""
    example, options = COMMANDS[name]
    if example != DEMO:
        return _call(example, [*options.split(), "--steps", "2"])
    with tempfile.TemporaryDirectory() as folder, _forward_graph() as graphs:
        out = Path(folder, "demo")
        line, *_ = _call(DEMO, ["--out", str(out), "--until", "0.01"]).splitlines()
        run = json.loads((out / "run.json").read_text())
        loss = run["result"]["loss"]
        settings = {key: value for key, value in run["settings"].items() if key != "until"}
        graph = hashlib.sha256(graphs[0](None).source.encode()).hexdigest()
        looks = "".join(f"{file} {_look(out / file)}\n" for file in KEPT)
        return f"{line}\n{json.dumps(settings)}\ngraph {graph}\nloss {loss:.3g}\n{looks}"


def drawn_by(name: str) -> str:
    """Return a fingerprint of the file that draws last, its comments left out."""
    example, _ = COMMANDS[name]
    return hashlib.sha256(
        _code(Path(__file__) if example == DEMO else EXAMPLES / f"{example}.py").encode()
    ).hexdigest()


def outdated(name: str) -> str:
    """Say why the pictures of the command are no longer current; empty when they are."""
    made = read_record().get(name)
    if made is None or made["command"] != command(name):
        return "it was made by another command"
    if made["sha256"] != _hashes(name):
        return "a picture is missing or not the one that was made"
    if made["drawn_by"] != drawn_by(name):
        return "the code that draws it has changed"
    if not alike(made["starts"], now := starts(name)):
        return f"the command started with\n{made['starts']}and now starts with\n{now}"
    return ""


def alike(text: str, other: str) -> bool:
    """Compare texts, their words exactly, and their numbers to one digit less than is shown."""
    number = re.compile(r"-?\b\d+(?:\.\d+)?(?:e[+-]\d+)?\b")
    pairs = zip(number.findall(text), number.findall(other), strict=False)
    return number.sub("#", text).split() == number.sub("#", other).split() and all(
        math.isclose(float(a), float(b), rel_tol=0.11, abs_tol=0 if "e" in a + b else 0.011)
        for a, b in pairs
    )


def read_record() -> dict[str, Any]:
    """Return what is known of each command that has been run."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def main() -> None:
    """Make what is not current."""
    for name in COMMANDS:
        if reason := outdated(name):
            print(f"{command(name)}: {reason}", flush=True)
            made = {
                "command": command(name),
                "prints": make(name),
                "sha256": _hashes(name),
                "drawn_by": drawn_by(name),
                "starts": starts(name),
            }
            kept = read_record() | {name: made}
            ordered = {known: kept[known] for known in COMMANDS if known in kept}
            RECORD.write_text(json.dumps(ordered, indent=1) + "\n")
            print(made["prints"], flush=True)


def _call(example: str, arguments: list[str]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        result = importlib.import_module(example).main(arguments)
    if result not in (0, None):
        raise RuntimeError(f"{example}.py {' '.join(arguments)} ended with {result}")
    return printed.getvalue()


@contextmanager
def _forward_graph() -> Iterator[list[Callable[[Path | None], Any]]]:
    """Collect functions that draw what leads to a loss that is drawn with its gradients."""
    draw, drawings = ai.draw_graph, []

    def draw_and_keep(loss: ai.Tensor, path: Path, *, backward: bool, names: Any) -> Any:
        names = list(names)
        drawings.append(lambda path: draw(loss, path, names=names))
        return draw(loss, path, backward=backward, names=names)

    with patch.object(ai, "draw_graph", draw_and_keep):
        yield drawings


def _save_smaller(timelapse: Path, path: Path) -> None:
    """Write the animation with fewer frames, pixels and greys."""
    with Image.open(timelapse) as animation:
        frames = [frame.convert("L") for frame in ImageSequence.Iterator(animation)]
    frames = [*frames[: -1 : math.ceil(len(frames) / 20)], frames[-1]]
    size = round(0.75 * frames[0].width), round(0.75 * frames[0].height)
    greys = [round(round(value / 255 * 6) / 6 * 255) for value in range(256)]
    first, *rest = (frame.resize(size, Image.Resampling.BOX).point(greys, "L") for frame in frames)
    times = [120] * len(rest) + [2500]
    first.save(path, save_all=True, append_images=rest, duration=times, loop=0)


def _look(path: Path) -> str:
    """Return how large a picture is, and how light its parts are."""
    with Image.open(path) as image:
        parts = image.convert("L").resize((24, 16), Image.Resampling.BOX)
        return f"{image.size} {list(parts.tobytes())}"


def _code(path: Path) -> str:
    lines = path.read_text().splitlines()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(filter(None, lines))


def _hashes(name: str) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(name)
        if path.exists()
    }


if __name__ == "__main__":
    main()
