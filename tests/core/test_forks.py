"""A forked process goes on, whatever the threads of its parent were in the middle of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_iron as ai

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

# What a child that hangs has to be stopped by; a good one takes milliseconds.
LIMIT = 20

PARENT = """
import faulthandler, os, sys, threading, time
import numpy as np
import autograd_iron as ai

def answers(work, what):
    "Fork; the child does the work, and the parent says whether it came back."
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later({limit}, exit=True)  # should it hang
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(what, repr(error), file=sys.stderr)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status != 0:
        print(f"{{what}}: the child ended with {{status}}", file=sys.stderr, flush=True)
        os._exit(1)  # whatever other threads do

{body}
print("good")
"""


def run(body: str, **environment: str) -> None:
    source = PARENT.format(body=body, limit=LIMIT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", source],
        capture_output=True,
        text=True,
        check=False,
        # A fork while another thread is in a product of several threads can hang OpenBLAS itself.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment,
        timeout=3 * LIMIT,
    )
    assert done.stdout == "good\n", done.stderr


def test_a_child_replays_the_step_that_another_thread_is_inside() -> None:
    run(
        """
inside, leave = threading.Event(), threading.Event()

@ai.extend.elementwise
def wait(xp, x, /):
    "Stand still in the middle of a step."
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        leave.wait()
    return x + 1

@ai.compile
def step(x):
    return ai.sum(wait(x) * 2)

x = ai.ones(3)
assert float(step(x)) == 12
thread = threading.Thread(target=step, args=(x,))
thread.start()
inside.wait()

def work():
    assert float(step(x)) == 12
    assert float(step(ai.ones(4))) == 16  # and captures

for _ in range(3):
    answers(work, "a replay")
leave.set()
thread.join()
assert float(step(x)) == 12
"""
    )


def test_a_child_captures_what_another_thread_is_capturing() -> None:
    run(
        """
inside, leave = threading.Event(), threading.Event()
w = ai.tensor([2.0], requires_grad=True)
w.grad = ai.tensor([7.0])
generator = ai.Generator(0)

@ai.compile
def step(x):
    w.grad = None
    loss = ai.sum(w * x + 0 * generator.uniform((1,)))
    loss.backward()
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        leave.wait()
    return loss

x = ai.tensor([3.0])
thread = threading.Thread(target=step, args=(x,))
thread.start()
inside.wait()

def work():
    assert w.grad.tolist() == [7.0], "what the capture had put there is gone"
    assert generator.state["draws"] == 0
    for draws in (1, 2):
        assert float(step(x)) == 6
        assert w.grad.tolist() == [3.0]
        assert generator.state["draws"] == draws

answers(work, "a capture")
leave.set()
thread.join()
assert w.grad.tolist() == [3.0]
"""
    )


def test_a_capture_that_forks_goes_on() -> None:
    run(
        """
w = ai.tensor([2.0], requires_grad=True)
child = None

@ai.compile
def step(x):
    global child
    loss = ai.sum(w * x)
    loss.backward()
    child = os.fork()
    if child == 0:
        os._exit(0)
    return loss

assert float(step(ai.tensor([3.0]))) == 6
assert w.grad.tolist() == [3.0]
assert os.waitpid(child, 0)[1] == 0
"""
    )


def test_a_child_shares_tiles_out() -> None:
    run(
        """
w = ai.tensor(np.ones((64, 64), "float32"), requires_grad=True)
x = ai.ones((20_000, 64))

def loss(x):
    w.grad = None
    loss = ai.mean(ai.tanh(x @ w / 64.0))
    loss.backward()
    return loss

step = ai.compile(loss, threads=2)
expected = float(step(x))
assert "2 threads" in step.explain(), step.explain()
stop = False

def go_on():
    while not stop:
        step(x)

thread = threading.Thread(target=go_on)
thread.start()

def work():
    assert float(step(x)) == expected

for _ in range(5):
    time.sleep(0.003)
    answers(work, "tiles")
stop = True
thread.join()
"""
    )


def test_a_child_has_the_threads_of_blas_that_it_had_outside_of_a_step() -> None:
    run(
        """
from threadpoolctl import threadpool_info
from autograd_iron.arrays import cpu

def threads():
    return [part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"]

def stand():
    with cpu.single_threaded_blas():
        inside.set()
        leave.wait()

before = threads()
inside, leave = threading.Event(), threading.Event()
thread = threading.Thread(target=stand)
thread.start()
inside.wait()
assert set(threads()) == {1}

def work():
    assert threads() == before, (threads(), before)
    with cpu.single_threaded_blas():
        assert set(threads()) == {1}
    assert threads() == before, (threads(), before)

answers(work, "threads")
leave.set()
thread.join()
assert threads() == before
""",
        OPENBLAS_NUM_THREADS="2",
    )


def test_a_child_of_a_first_call_in_another_thread() -> None:
    run(
        """
step = ai.compile(lambda x: ai.sum(x * 2))
loaded = set(sys.modules)
thread = threading.Thread(target=step, args=(ai.ones(2),))
thread.start()
for _ in range(5):
    answers(lambda: step(ai.ones(3)), "a first call")
assert {"autograd_iron.plan.numpy.build", "threadpoolctl"} <= loaded, "nothing is left to import"
thread.join()
"""
    )


def test_every_lock_of_the_package_is_made_anew() -> None:
    root = Path(ai.__file__).parent
    for path in [*root.rglob("*.py"), *(root.parent / "nn").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for line in map(str.strip, text.splitlines()):
            made = ("Lock()", "Condition()", "Semaphore(", "Event()", "Queue(", "Barrier(")
            if any(word in line for word in made):
                assert "def after_fork" in text, f"{path.name} has a lock: {line}"
                assert "forks.renew(self)" in text, f"{path.name} has a lock: {line}"


TRAINS = """
import multiprocessing, signal, tempfile
import nn

class Stream:
    "Takes the lines of runs, and does what it is told in the middle of one."
    def write(self, text):
        happens()
    def flush(self):
        pass

def train():
    model = nn.Linear(1, 1)
    data = nn.Batches(ai.ones((4, 1)), ai.ones((4, 1)))
    with tempfile.TemporaryDirectory() as folder:
        optimizer = nn.SGD(model.parameters(), 0.1)
        nn.fit(model, data, nn.MSELoss(), optimizer, steps=2, run_dir=folder, resume=True)

def happens():
    pass

sys.stderr, shown = Stream(), sys.stderr
train()
"""


def test_a_child_trains_while_another_thread_is_in_the_middle_of_a_line() -> None:
    run(
        TRAINS
        + """
inside, leave = threading.Event(), threading.Event()

def happens():
    if threading.current_thread().name == "writing":
        inside.set()
        leave.wait()

thread = threading.Thread(target=train, name="writing")
thread.start()
inside.wait()
sys.stderr, stream = shown, sys.stderr
for _ in range(3):
    answers(train, "a run")
sys.stderr = stream
leave.set()
thread.join()
"""
    )


def test_a_process_killed_in_the_middle_of_a_line_stops_no_other() -> None:
    run(
        TRAINS
        + """
victim = os.fork()
if victim == 0:
    def happens():
        os.kill(os.getpid(), signal.SIGKILL)
    train()
assert os.waitpid(victim, 0)[1] == signal.SIGKILL
sys.stderr = shown
answers(train, "a run")
# The start method of multiprocessing is still the user's to choose.
assert multiprocessing.get_start_method(allow_none=True) is None
train()
"""
    )
