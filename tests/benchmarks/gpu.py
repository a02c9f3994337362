"""Everything that only an NVIDIA GPU can tell, as one JSON file: `python -m tests.benchmarks.gpu`.

It goes to `runs/gpu.json` (`--out` names another) and to the screen. Names of sections run those
alone. Each section has a process of its own: what breaks one, a fault on the device included, is
written down in its place, and the others run.

`--smoke` takes tiny sizes and one round, to see that the program itself works; with AI_GPU=sim it
does so without a GPU. What it then measures means nothing, and the file says so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import autograd_iron as ai
from autograd_iron.plan.cuda import gpu_plan
from tests.benchmarks.memory import SIZES
from tests.benchmarks.peers import EAGER, TORCH, Step, classifier, siren, tanh_network

GRAPH = "ai.compile, one graph"
LAUNCHES = "ai.compile, launch by launch"
BY_HAND = "CuPy by hand"
TORCH_GRAPH = "torch.compile, reduce-overhead"

SMALL = (2, 8, 4, 1)
WARM_UP = gpu_plan.WARM_UP  # runs before a plan is recorded
ROUNDS = 15
STEPS, MICROSECONDS = 1000, 100_000  # a round is so many steps, or as many as take this long
LOSSES = 5
TIMEOUT = 1800
PACKAGES = ("cupy-cuda12x", "cupy-cuda13x", "numpy", "torch")

Json = dict[str, Any]


@dataclass(frozen=True)
class Work:
    module: ModuleType
    size: tuple[Any, ...]
    smoke: tuple[Any, ...]


WORKS = {
    "notes": Work(tanh_network, (SIZES, 40_000), (SMALL, 24)),
    "notes-512": Work(tanh_network, (SIZES, 512), (SMALL, 16)),
    "siren": Work(siren, (65_536,), (16,)),
    "classifier": Work(classifier, (128,), (4,)),
    "xor": Work(tanh_network, ((2, 4, 1), 4), ((2, 4, 1), 4)),
}


class Ours:
    """A compiled step, and what its plan says of itself."""

    def __init__(self, work: Work, size: tuple[Any, ...], recorded: bool, **options: Any) -> None:
        self._warm_up = WARM_UP if recorded else math.inf
        self._step = work.module.ours(*size, through=self._compiled, device="cuda", **options)

    def _compiled(self, step: Callable[..., Any]) -> Callable[..., Any]:
        self.compiled = ai.compile(step)
        return self.compiled

    def __call__(self) -> ai.Tensor:
        gpu_plan.WARM_UP = self._warm_up
        return self._step()


def makers(work: Work, smoke: bool) -> dict[str, Callable[[], Step]]:
    """Return, per name, the function that makes the step on the GPU."""
    import cupy

    size = work.smoke if smoke else work.size
    made: dict[str, Callable[[], Step]] = {
        EAGER: lambda: work.module.ours(*size, device="cuda"),
        LAUNCHES: lambda: Ours(work, size, recorded=False),
        GRAPH: lambda: Ours(work, size, recorded=True),
        BY_HAND: lambda: work.module.by_hand(*size, xp=cupy),
    }
    if find_spec("torch"):
        made[TORCH] = lambda: work.module.in_torch(*size, device="cuda")
        made[TORCH_GRAPH] = lambda: work.module.in_torch(*size, torch_graph, device="cuda")
    return made


def torch_graph(step: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    compiled = torch.compile(step, dynamic=False, mode="reduce-overhead")

    def one(*args: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # what the graph returned before may go
        return compiled(*args)

    return one


def attempted(work: Callable[[], Any]) -> Any:
    """Return what the work gives, or its error as JSON."""
    try:
        return work()
    except Exception as error:  # whatever one of them meets, the others are measured
        return {"error": f"{type(error).__name__}: {error}"[:4000]}


# --- sections


def device(smoke: bool) -> Json:
    """Name the GPU and the versions of all that takes part."""
    import cupy

    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(0)
    versions = {"autograd-iron": ai.__version__}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {
        "name": properties["name"].decode(),
        "compute capability": f"{properties['major']}.{properties['minor']}",
        "multiprocessors": properties["multiProcessorCount"],
        "bytes": runtime.memGetInfo()[1],
        "driver": runtime.driverGetVersion(),
        "runtime": runtime.runtimeGetVersion(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": versions,
    }


def correctness(smoke: bool) -> Json:
    """Return how far the first losses are from the CPU's, relative to the largest."""

    def difference(make: Callable[[], Step]) -> float:
        step = make()
        found = [float(step()) for _ in range(LOSSES)]
        errors = [abs(a - b) for a, b in zip(found, expected, strict=True)]
        return max(errors) / max(map(abs, expected))

    result = {}
    for name, work in WORKS.items():
        on_the_cpu = work.module.ours(*(work.smoke if smoke else work.size))
        expected = [float(on_the_cpu()) for _ in range(LOSSES)]
        result[name] = {
            way: attempted(partial(difference, make)) for way, make in makers(work, smoke).items()
        }
    return result


def times(name: str, smoke: bool) -> Json:
    """Return microseconds a step of each way, taken in turns."""
    return compared(makers(WORKS[name], smoke), smoke)


def dtypes(smoke: bool) -> Json:
    """Return microseconds a step of the notes' network in each floating dtype."""
    assert str(ai.bfloat16) == "bfloat16"  # from now on NumPy knows the name
    work = WORKS["notes"]
    size = work.smoke if smoke else work.size
    return compared(
        {
            dtype: partial(Ours, work, size, recorded=True, dtype=dtype)
            for dtype in ("float32", "float64", "float16", "bfloat16")
        },
        smoke,
    )


def compared(made: dict[str, Callable[[], Step]], smoke: bool) -> Json:
    """Return the microseconds of steps that take turns, and what their plans say."""
    result: Json = {}
    steps: dict[str, Step] = {}
    repeats: dict[str, int] = {}
    samples: dict[str, list[float]] = {}

    def ready(name: str, make: Callable[[], Step]) -> None:
        step = make()
        for _ in range(WARM_UP + 2):
            step()
        microseconds(step, 1)
        once = microseconds(step, 1)
        count = min(STEPS, max(1, int(MICROSECONDS / max(once, 1.0))))
        steps[name], repeats[name], samples[name] = step, 1 if smoke else count, []

    for name, make in made.items():
        failed = attempted(partial(ready, name, make))
        if failed:
            result[name] = failed
    for _ in range(1 if smoke else ROUNDS):
        for name, step in steps.items():
            step()
            samples[name].append(microseconds(step, repeats[name]))
    for name, step in steps.items():
        result[name] = {
            "median": statistics.median(samples[name]),
            "least": min(samples[name]),
            "steps in a round": repeats[name],
        }
        if isinstance(step, Ours):
            plan = step.compiled.plan
            result[name] |= {"plan": plan.how, "launches": len(plan.launches), "bytes": plan.bytes}
    return result


def microseconds(step: Step, count: int) -> float:
    """Return what a step takes, by the GPU's own clock around so many of them."""
    import cupy

    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    for _ in range(count):
        step()
    stop.record()
    stop.synchronize()
    return cupy.cuda.get_elapsed_time(start, stop) * 1e3 / count


def counts(smoke: bool) -> Json:
    """Return what one step asks of the driver: launches, allocations, copies, waits."""
    from tests.gpu import device_under_test

    def asked(make: Callable[[], Step]) -> Json:
        step = make()
        for _ in range(WARM_UP + 2):
            step()
        device_under_test.reset()
        step()
        return {kind: number for kind, number in device_under_test.counts().items() if number}

    ways = (EAGER, LAUNCHES, GRAPH, BY_HAND)
    return {
        name: {way: attempted(partial(asked, makers(work, smoke)[way])) for way in ways}
        for name, work in WORKS.items()
    }


def kernels(smoke: bool) -> Json:
    """Run each kernel of each network once, and those that draw random numbers.

    Each array has memory of its own: a pool would hide from the sanitizer where one ends.
    """
    assert ai.cuda.is_available()
    cupy = import_module("cupy")
    cupy.cuda.set_allocator(None)
    generator = ai.Generator(0)
    result: Json = {"random": 2}
    for draw in (generator.uniform, generator.normal):
        assert math.isfinite(float(ai.sum(draw((10_001,), device="cuda"))))
    for name, work in WORKS.items():
        step = Ours(work, work.smoke if smoke else work.size, recorded=False)
        assert math.isfinite(float(step()))
        result[name] = len(step.compiled.plan.kernels)
    return result


def sanitizer(smoke: bool) -> Json:
    """Run all kernels under compute-sanitizer, which finds reads and writes out of bounds."""
    tool = shutil.which("compute-sanitizer", path=f"{os.environ['PATH']}:/usr/local/cuda/bin")
    if tool is None:
        return {"left out": "there is no compute-sanitizer here: it comes with the CUDA toolkit"}
    found: Json = {}
    for check in ("memcheck", "racecheck"):
        with tempfile.TemporaryDirectory() as folder:
            command = [tool, "--tool", check, "--error-exitcode", "9"]
            command += in_a_process("kernels", Path(folder) / "kernels.json", smoke)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        found[check] = {
            "exit code": done.returncode,
            "output": (done.stdout + done.stderr)[-4000:],
        }
    return found


SECTIONS: dict[str, Callable[[bool], Json]] = {
    "device": device,
    "correctness": correctness,
    **{f"times.{name}": partial(times, name) for name in WORKS},
    "dtypes": dtypes,
    "counts": counts,
    "kernels": kernels,
    "sanitizer": sanitizer,
}


# --- running them


def in_a_process(section: str, into: Path, smoke: bool) -> list[str]:
    command = [sys.executable, "-m", "tests.benchmarks.gpu", section, "--into", str(into)]
    return [*command, "--smoke"] if smoke else command


def measured(section: str, smoke: bool) -> Any:
    """Return what a section gives in a process of its own, or how that ended."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "section.json"
        command = in_a_process(section, into, smoke)
        try:
            done = subprocess.run(
                command, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return {"error": f"not done after {TIMEOUT} s"}
        if done.returncode == 0:
            return json.loads(into.read_text())
        return {"error": f"exit code {done.returncode}: {done.stderr[-4000:]}"}


@contextlib.contextmanager
def the_device(section: str) -> Iterator[None]:
    """Have the section find its device: the real one is counted only where that is the question."""
    if os.environ["AI_GPU"] == "real" and section != "counts":
        yield
        return
    from tests.gpu import device_under_test

    with device_under_test.in_place():
        yield


def main(arguments: list[str] | None = None) -> None:
    """Run the sections and write the file, or one section as a process of its own."""
    os.environ.setdefault("AI_GPU", "real")
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu.json"))
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one round")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in SECTIONS:
            parser.error(f"there is no {name!r}; choose from {', '.join(SECTIONS)}")
    if given.into:
        [section] = given.names
        with the_device(section):
            given.into.write_text(json.dumps(SECTIONS[section](given.smoke)))
        return
    given.out.parent.mkdir(parents=True, exist_ok=True)
    imitated = os.environ["AI_GPU"] != "real"
    result: Json = {
        "started": time.strftime("%Y-%m-%d %H:%M:%S"),
        "the figures mean nothing": given.smoke or imitated,
        "device under test": os.environ["AI_GPU"],
    }
    for section in given.names or SECTIONS:
        print(f"{section}...", file=sys.stderr, flush=True)
        group, _, name = section.partition(".")
        found = measured(section, given.smoke)
        if name:
            result.setdefault(group, {})[name] = found
        else:
            result[group] = found
        # Written anew after each, so that nothing measured is lost.
        given.out.write_text(json.dumps(result, indent=2) + "\n")
    print(given.out.read_text(), end="")
    print(f"written to {given.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
