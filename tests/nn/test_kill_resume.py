"""Killed or interrupted at any moment and resumed, a run ends with the bits of one left alone.

Every process here is a real one, killed by a real signal.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from folders import quick_folder

import nn

# At its end it says why, at which step, and a digest of everything that the run ended with.
TRAIN = """
import hashlib, os, signal, sys
import autograd_iron as ai, nn, nn.training.fit, safetensors

# A process in the background may start with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Noise(nn.Module):
    def __init__(self):
        self.generator = ai.Generator(4)
    def forward(self, x):
        return x + 0.01 * self.generator.normal(x.shape)

def train(folder, *callbacks, steps=60, compile=True):
    generator = ai.Generator(1)
    model = nn.Sequential(
        nn.Linear(2, 32, generator=generator), nn.Tanh(), Noise(),
        nn.Linear(32, 1, generator=generator),
    )
    x = generator.uniform((100, 2), -1.0, 1.0)
    y = (x[:, :1] * x[:, 1:] > 0).astype("float32")
    # The same generator drew the weights, draws the data's order, and is drawn from by a callback.
    data = nn.Batches(x, y, batch_size=16, generator=generator)
    optimizer = nn.SGD(model.parameters(), nn.CosineDecay(0.5, steps, warmup=3), momentum=0.9)
    def accuracy(model):
        return float(((model(x) > 0).astype("float32") == y).astype("float32").mean())
    return nn.fit(
        model, data, nn.BCEWithLogitsLoss(), optimizer, steps=steps, metric=accuracy,
        metric_every=4, run_dir=folder, resume=True, checkpoint_every=3, keep=2, progress=False,
        callbacks=[lambda run: generator.normal((2,)), *callbacks], compile=compile,
    )

def digest(run):
    found = hashlib.sha256()
    for name, value in run.state_dict().items():
        value = value.numpy() if isinstance(value, ai.Tensor) else value
        found.update(name.encode())
        found.update(value.tobytes() if hasattr(value, "tobytes") else repr(value).encode())
    return found.hexdigest()

def ask(run):
    # Says the step, and waits for leave to make the next one.
    print("step", run.step, flush=True)
    os.read(0, 1)

def end(run):
    print(run.stop_reason, run.step, digest(run), flush=True)
"""

ASKING = "end(train(sys.argv[1], ask))"


class Process:
    """One life of the training script."""

    def __init__(self, code: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", TRAIN + code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # The promise is for the same number of threads.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def allow(self, steps: int) -> None:
        """Let a script that asks make so many more steps."""
        assert self.process.stdin is not None
        self.process.stdin.write("." * steps)
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line that the script says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str, str]:
        """Let it go on; return the exit code, and what else was said on stdout and stderr."""
        try:
            out, err = self.process.communicate("." * 1000, timeout=300)
        finally:
            self.process.kill()
        return self.process.returncode, out, err

    def last_line(self) -> str:
        code, out, err = self.end()
        assert code == 0, err
        return out.splitlines()[-1]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the run that nobody disturbs says at its end."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    return Process(ASKING, folder).last_line()


def test_the_run_left_alone_is_done(alone: str) -> None:
    assert alone.startswith("steps 60 ")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12))]
)
def test_killed_from_outside_at_random_moments(tmp_path: Path, alone: str, seed: int) -> None:
    """Each life gets leave for some steps and is killed while it makes them, or waits."""
    chance = random.Random(seed)
    folder = tmp_path / "run"
    for _ in range(3):
        life = Process(ASKING, folder)
        for _ in range(chance.randrange(16)):
            life.hear()
            life.allow(1)
        life.allow(1)
        # Anywhere within these two steps and their save; the moment only varies what is met.
        for _ in range(chance.randrange(30_000)):
            pass
        life.process.kill()
        life.process.communicate()
        assert life.process.returncode == -signal.SIGKILL
    assert Process(ASKING, folder).last_line() == alone


# Forks one process after the other into the same run, each to be killed, by itself, at a line that
# chance chooses of nn/, safetensors or autograd_iron/support/files.py, until the run is done; then
# starts a new run.
KILLED_AT_LINES = """
import os, random, shutil, signal
from pathlib import Path

folder, seed, rounds, steps = Path(sys.argv[1]), *map(int, sys.argv[2:])
import autograd_iron.support.files
watched = tuple(str(Path(module.__file__).parent) for module in (nn, sys.modules["safetensors"]))
watched += (autograd_iron.support.files.__file__,)
chance = random.Random(seed)
kills = {}

def said_of(run):
    return f"{run.stop_reason} {run.step} {digest(run)}"

def killed_at(count, place):
    def trace(frame, event, argument):
        nonlocal count
        if not frame.f_code.co_filename.startswith(watched):
            return None
        count -= 1
        if count == 0:
            code = frame.f_code
            os.write(place, f"{Path(code.co_filename).name}:{code.co_name}".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)

alone = said_of(train(folder / "alone", steps=steps))
for round in range(rounds):
    run = folder / str(round)
    for life in range(1000):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            killed_at(int(10 ** chance.uniform(2.8, 4.2)), writer)
            found = train(run, steps=steps)
            sys.settrace(None)
            os.write(writer, said_of(found).encode())
            os._exit(0)
        chance.random()
        os.close(writer)
        said = os.fdopen(reader).read()
        if os.waitpid(pid, 0)[1] == 0:
            break
        kills[said] = kills.get(said, 0) + 1
    assert said == alone, (round, life, said, alone)
    shutil.rmtree(run)
print(sum(kills.values()), "kills in", *sorted(kills))
"""


@pytest.mark.parametrize(
    ("rounds", "steps"), [(1, 24), pytest.param(8, 60, marks=pytest.mark.slow)]
)
def test_killed_at_any_line_again_and_again(rounds: int, steps: int) -> None:
    with quick_folder() as folder:
        summary = Process(KILLED_AT_LINES, folder, 1, rounds, steps).last_line()
    assert int(summary.split()[0]) > 20 * rounds, summary
    for place in ("checkpoint.py:", "fit.py:", "optimizer.py:", "batches.py:"):
        assert place in summary, f"nothing was killed in {place}: {summary}"


def test_ctrl_c_saves_and_leaves_and_the_run_goes_on(tmp_path: Path, alone: str) -> None:
    folder = tmp_path / "run"
    for step in (7, 20):
        life = Process(ASKING, folder)
        while life.hear() != f"step {step}":
            life.allow(1)
        life.process.send_signal(signal.SIGINT)
        code, out, err = life.end()
        assert code == 0
        assert out.startswith(f"interrupted {step} ")
        assert err.count("Stopping after this step; Ctrl-C again to leave without saving.") == 1
        saved = nn.Checkpoints(folder).load()
        assert saved is not None
        assert saved.step == step
    assert Process(ASKING, folder).last_line() == alone


PRESSED_IN_THE_LAST_SAVE = """
save = nn.Checkpoints.save
def pressed(checkpoints, state, step, metric):
    if step == 60:
        signal.raise_signal(signal.SIGINT)
    return save(checkpoints, state, step, metric)
nn.Checkpoints.save = pressed
end(train(sys.argv[1]))
"""


def test_ctrl_c_after_the_last_step_is_not_forgotten(tmp_path: Path, alone: str) -> None:
    """All is saved, and the script is told that its user wants to leave."""
    said = Process(PRESSED_IN_THE_LAST_SAVE, tmp_path / "run").last_line()
    assert said == alone.replace("steps 60", "interrupted 60")


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(tmp_path: Path, alone: str) -> None:
    life = Process("signal.signal(signal.SIGINT, signal.SIG_IGN); " + ASKING, tmp_path / "run")
    life.hear()
    life.process.send_signal(signal.SIGINT)
    assert life.last_line() == alone


# Ctrl-C comes at a chosen line of a chosen function, where a KeyboardInterrupt would do most harm,
# after the first step of each life; and, if it comes twice, again at the next line.
INTERRUPTED = """
import signal
from pathlib import Path

folder, alone, apart = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
before = signal.getsignal(signal.SIGINT)

def life(run, name, function, count, times):
    def trace(frame, event, argument):
        nonlocal count, times
        path = Path(frame.f_code.co_filename)
        if "nn" not in path.parts and path.name != "files.py":
            return None
        if count < 0 or (path.name, frame.f_code.co_name) == (name, function):
            count -= 1
            if count < 0 and times:
                times -= 1
                signal.raise_signal(signal.SIGINT)
        return trace

    def arm(run):
        if sys.gettrace() is None:
            sys._getframe(1).f_trace = trace
            sys.settrace(trace)

    try:
        # Compiled, no step but the first goes through the lines of the optimizer.
        return train(run, arm, compile=name == "fit.py")
    except KeyboardInterrupt:
        return None
    finally:
        sys.settrace(None)
        assert signal.getsignal(signal.SIGINT) is before

PLACES = [
    ("optim.py", "step", 55), ("run.py", "state_dict", 20), ("files.py", "write_together", 30),
    ("checkpoint.py", "_pack", 100), ("fit.py", "fit", 60), ("looks.py", "settle", 30),
]
SAVES = ("run.py", "files.py", "checkpoint.py")
raised = interrupted = 0
for name, function, lines in PLACES:
    for times in (1, 2):
        run = folder / f"{name}-{function}-{times}"
        for count in range(0, lines, apart):
            found = life(run, name, function, count, times)
            saved = nn.Checkpoints(run).load()
            if found is None:
                # Once never raises, nor does twice within a save.
                assert times == 2 and name not in SAVES, (name, count)
                raised += 1
            elif found.stop_reason == "interrupted":
                assert saved.step == found.step
                interrupted += 1
        done = train(run)
        assert f"{done.stop_reason} {done.step} {digest(done)}" == alone, (name, function)
print(raised, interrupted)
"""


@pytest.mark.parametrize("apart", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_ctrl_c_in_the_middle_of_an_update_or_a_save_once_and_twice(alone: str, apart: int) -> None:
    """At lines that are so far apart."""
    with quick_folder() as folder:
        said = Process(INTERRUPTED, folder, alone, apart).last_line()
    raised, interrupted = map(int, said.split())
    assert raised > 5
    assert interrupted > 30
