"""Files whose checksum is right and whose content is senseless: passed over, or refused, whole."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fit_problem import everything, problem
from folders import quick_folder
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from nn.training.checkpoint import _BLANK, FORMAT, _checksum, _digits, read

DEEP = "[" * 100_000 + "]" * 100_000


def signed(header: dict[str, Any] | str, data: bytes = b"") -> bytes:
    """A file with this header and a right checksum."""
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    encoded = text.encode()
    encoded += b" " * (-len(encoded) % 8)
    content = bytearray(len(encoded).to_bytes(8, "little") + encoded + data)
    digits = _digits(content)
    assert digits is not None
    content[digits] = _checksum(content, digits).encode()
    return bytes(content)


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """The header of a file, what of it is saved as JSON, and the bytes of the arrays."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    return header, json.loads(header["__metadata__"]["state"]), content[end:]


def rewritten(content: bytes, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> bytes:
    """The file with its header, and what is in it, changed, and signed again."""
    header, rest, data = parts(content)
    change(header, rest)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict):
        metadata["sha256"] = _BLANK
        if isinstance(metadata.get("state"), str) and metadata["state"] != "kept":
            metadata["state"] = json.dumps(rest)
    return signed(header, data)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the good checkpoints of steps 2 and 4 of a run."""
    folder = tmp_path_factory.mktemp("saved") / "run"
    nn.fit(**problem(), steps=4, run_dir=folder, checkpoint_every=2)
    return folder


def put(value: Any, *path: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """A change that puts a value somewhere in the JSON."""

    def change(header: dict[str, Any], rest: dict[str, Any]) -> None:
        place = rest
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def lose(*path: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(header: dict[str, Any], rest: dict[str, Any]) -> None:
        place = header if path[0] in header else rest
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def entry(**fields: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda header, rest: header["model.0.bias"].update(fields)


def metadata(**fields: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda header, rest: header["__metadata__"].update(fields)


UNREADABLE = {
    **{f"step {s!r}": put(s, "step") for s in (-1, 3, True, 2.0, "4", None, [], {}, 10**30)},
    **{f"step {s!r}": put(s, "step") for s in (math.nan, math.inf)},
    "no step": lose("step"),
    **{f"metric {m!r}": put(m, "metric") for m in ("0.5", True, [], math.nan, math.inf)},
    "no metric": lose("metric"),
    "no names": lose("names"),
    "no values": lose("values"),
    **{f"names {n!r}": put(n, "names") for n in (None, 3, "model", {}, [], [[]], [1], ["step"])},
    **{f"values {v!r}": put(v, "values") for v in (None, 3, "text", [], {})},
    "a name without an entry": lambda header, rest: rest["names"].append("missing"),
    "a name twice": lambda header, rest: rest["names"].append(rest["names"][0]),
    "an array that is also a value": lambda header, rest: rest["values"].update(
        {"model.0.bias": 1}
    ),
    "an array and a value of one name, twice": lambda header, rest: (
        rest["values"].update({"model.0.bias": 1}),
        rest["names"].append("model.0.bias"),
    ),
    "no array": lose("model.0.bias"),
    "no format": lose("__metadata__", "format"),
    "another format": metadata(format="something else"),
    "a format that is none": metadata(format="7"),
    "no state": lose("__metadata__", "state"),
    "an empty dtype": entry(dtype=""),
    "an unknown dtype": entry(dtype="Q7"),
    "a dtype that NumPy has not": entry(dtype="F8_E4M3"),
    "another dtype": entry(dtype="I64"),
    "another shape": entry(shape=[3, 3]),
    "a negative shape": entry(shape=[-8]),
    "an endless shape": entry(shape=[2**62, 2**62]),
    "offsets outside": entry(data_offsets=[0, 10**12]),
    "offsets backwards": entry(data_offsets=[32, 0]),
    "offsets of another": entry(data_offsets=[0, 32]),
}

HEADERS = {
    "a list": '["sha256"]',
    "deep brackets": DEEP,
    "deep tables": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "no metadata": "{}",
    "metadata that is none": '{"__metadata__":3}',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_senseless_file_is_a_checkpoint_error_and_passed_over(
    saved: Path, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(saved, tmp_path / "copy"))
    newest = folder / "step-00000004.safetensors"
    newest.write_bytes(rewritten(newest.read_bytes(), UNREADABLE[name]))
    with pytest.warns(RuntimeWarning, match=r"step-00000004.*back to step-00000002"):
        found = nn.Checkpoints(folder).load()
    assert found is not None
    assert found.step == 2
    assert nn.Checkpoints(folder).best is None


def with_texts() -> dict[str, bytes]:
    hash_text = f'"sha256":"{_BLANK}"'
    states = {
        "deep state": json.dumps(DEEP),
        "deep value": json.dumps(
            '{"step":4,"metric":null,"names":["a"],"values":{"a":' + DEEP + "}}"
        ),
        "endless number": json.dumps('{"step":' + "9" * 5000 + "}"),
        "not JSON": '"{"',
        "not text": "7",
        "null": "null",
        "a list": json.dumps("[1]"),
        "a name twice": json.dumps('{"step":4,"step":4,"metric":null,"names":[],"values":{}}'),
        "a value twice": json.dumps(
            '{"step":4,"metric":null,"names":["a"],"values":{"a":1,"a":2}}'
        ),
    }
    files = {
        name: f'{{"__metadata__":{{"format":"{FORMAT}",{hash_text},"state":{state}}}}}'
        for name, state in states.items()
    }
    files |= {
        f"header: {name}": text[:-1] + f',"x":{{{hash_text}}}' + text[-1]
        if text[0] == "{" and text != "{}"
        else f"{{{hash_text}}}"
        if text == "{}"
        else f"[{{{hash_text}}},{text}]"
        for name, text in HEADERS.items()
    }
    return {name: signed(text) for name, text in files.items()}


@pytest.mark.parametrize("name", with_texts())
def test_a_senseless_text_is_a_checkpoint_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "step-00000004.safetensors"
    path.write_bytes(with_texts()[name])
    with pytest.raises(nn.CheckpointError, match=r"step-00000004\S* is no checkpoint that can"):
        read(path)
    nn.Checkpoints(tmp_path).save({"fine": 1}, 3)
    with pytest.warns(RuntimeWarning, match="step-00000004"):
        found = nn.Checkpoints(tmp_path).load()
    assert found is not None
    assert found.state == {"fine": 1}


# --- what is a checkpoint, and of no run that there is


def value(name: str, to: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return put(to, "values", name)


def instead_of_array(name: str, to: Any) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.update({name: to})


UNUSABLE: dict[str, Callable[[dict[str, Any]], Any]] = {
    **{f"no {name}": lambda s, name=name: s.pop(name) for name in (
        "step", "metric", "model.0.bias", "optimizer.step", "optimizer.lr_scale",
        "optimizer.velocity.1", "data.samples", "data.epoch", "data.generator",
        "generator.2.generator",
    )},
    **{
        f"{name} {to!r}": instead_of_array(name, to)
        for name, tos in {
            "step": (-1, 3, "4", True, 4.0, math.nan, None),
            "metric": ("good", [1], {}, True),
            "model.0.bias": (0, None, "x", [0.0] * 8, np.zeros(8), np.zeros((8, 1))),
            "optimizer.step": (4, np.array(-4), np.array(4.0), np.zeros(1, np.int64)),
            "optimizer.lr_scale": (1, np.zeros(2), np.array([np.nan, 1]), np.ones(3)),
            "history.loss": (7, "x", [], np.zeros(3), np.zeros((2, 3)), np.full((1, 2), np.nan),
                             np.full((1, 2), 0.5), np.float64(3)),
            "data.epoch": (-1, "0", True, 1.5, None, math.nan),
            "data.position": (-1, 21, "0", True, 1.5, None),
            "data.limit": (0, 21, "3", True, 1.5),
            "data.samples": (21, "20", None),
            **{
                name: (None, 3, "x", [], {}, {"seed": 1}, {"seed": -1, "draws": 0},
                       {"seed": 1, "draws": -1}, {"seed": 1, "draws": math.nan},
                       {"seed": "1", "draws": 0}, {"seed": True, "draws": 0},
                       {"seed": 1, "draws": 1 << 64}, {"seed": 1 << 128, "draws": 0})
                for name in ("data.generator", "data.epoch_generator",
                             "generator.2.generator")
            },
            "control.lr": ("x", -1, 0, math.inf, math.nan, True, []),
        }.items()
        for to in tos
    },
}  # fmt: skip


def trained() -> tuple[dict[str, Any], nn.Run]:
    """Arguments that trained already, so that there is something to spoil."""
    arguments = problem()
    nn.fit(**arguments, steps=3, compile=False)
    run = nn.Run(arguments["model"], arguments["data"], arguments["optimizer"])
    run.history = {"loss": [(1, 2.0)]}
    return arguments, run


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_restored_is_refused_before_anything_changes(saved: Path, name: str) -> None:
    state = nn.Checkpoints(saved).load().state
    UNUSABLE[name](state)
    arguments, run = trained()
    before = everything(run), run.history, run.step
    with quick_folder() as folder:
        nn.Checkpoints(folder).save(state, 4)
        with pytest.raises(nn.CheckpointError, match="step-00000004"):
            nn.fit(**arguments, steps=8, run_dir=folder, resume=True)
        assert everything(run) == before[0]
        if not name.startswith("control"):
            with pytest.raises(nn.CheckpointError, match="of another run"):
                run.restore(nn.Checkpoints(folder).load())
    assert (everything(run), run.history, run.step) == before


def test_a_folder_of_ones_own_saves_is_resumed() -> None:
    """Of `run.state_dict()` alone, which knows nothing of `control.toml`."""
    arguments = problem()
    run = nn.Run(arguments["model"], arguments["data"], arguments["optimizer"])
    with quick_folder() as folder:
        nn.Checkpoints(folder).save(run.state_dict(), 0)
        resumed = nn.fit(**problem(), steps=5, run_dir=folder, resume=True)
    assert everything(resumed) == everything(nn.fit(**problem(), steps=5))


def test_a_folder_of_another_kind_of_saves_says_what_is_missing() -> None:
    arguments, run = trained()
    before = everything(run)
    with quick_folder() as folder:
        nn.Checkpoints(folder).save(arguments["model"].state_dict(), 0)
        with pytest.raises(nn.CheckpointError, match=r"lacks step, metric: save all of run\.state"):
            nn.fit(**arguments, steps=5, run_dir=folder, resume=True)
        nn.Checkpoints(folder).save(run.state_dict(), 7)
        with pytest.raises(nn.CheckpointError, match="was saved as step 7 and holds step 0"):
            nn.fit(**arguments, steps=9, run_dir=folder, resume=True)
    assert everything(run) == before


# --- anything else


@pytest.fixture(scope="module")
def run() -> nn.Run:
    return trained()[1]


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 30), st.sampled_from([2**63, 10**30]),
    st.floats(), st.text(max_size=4), st.just([]), st.just({}),
)  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_mutated_state_is_restored_whole_or_not_at_all(
    saved: Path, run: nn.Run, data: st.DataObject
) -> None:
    """Any part of the JSON replaced, dropped or copied over another, and signed again."""

    def change(header: dict[str, Any], rest: dict[str, Any]) -> None:
        for _ in range(data.draw(st.integers(1, 3))):
            place: Any = [header, rest, rest["values"]][data.draw(st.integers(0, 2))]
            while True:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                if not keys:
                    return
                key = data.draw(st.sampled_from(keys))
                inner = place[key]
                if not (isinstance(inner, dict | list) and inner and data.draw(st.booleans())):
                    break
                place = inner
            if key in ("sha256", "__metadata__"):
                continue
            kind = data.draw(st.sampled_from(["replace", "drop", "copy"]))
            if kind == "drop":
                del place[key]
            elif kind == "copy":
                other = data.draw(st.sampled_from(keys))
                place[key] = place[key if other in ("sha256", "__metadata__") else other]
            else:
                place[key] = data.draw(JSON)
            if not isinstance(rest.get("values"), dict):
                return

    good = (saved / "step-00000004.safetensors").read_bytes()
    before = everything(run), run.history, run.step
    with quick_folder() as folder:
        shutil.copy(saved / "step-00000002.safetensors", folder)
        newest = folder / "step-00000004.safetensors"
        newest.write_bytes(rewritten(good, change))
        lines: list[str] = []
        found = nn.Checkpoints(folder).load(lines.append)
        assert found is not None
        assert (found.step == 2) == bool(lines)
        try:
            run.restore(found)
        except nn.CheckpointError:
            assert (everything(run), run.history, run.step) == before
        else:
            assert run.step == found.step
            state = run.state_dict()
            state |= {name: v for name, v in found.state.items() if name not in state}
            assert nn.Checkpoints(folder / "again").save(state, found.step).exists()


# --- what is saved can be read


def test_what_could_not_be_read_again_is_not_saved(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    circle: list[Any] = []
    circle.append(circle)
    checkpoints = nn.Checkpoints(tmp_path)
    for state in (
        {"a": deep},
        {"a": circle},
        {"a": {1: 1, "1": 2}},
        {1: 2},
        {"__metadata__": np.zeros(2)},
        {"a": np.zeros(2, complex)},
        {"a": np.array(["x"])},
        {"a": np.array([object()])},
        {"a": {1, 2}},
    ):
        with pytest.raises(TypeError, match="state entry"):
            checkpoints.save(state, 1)
    for step, kind in ((-1, ValueError), (True, TypeError), (1.0, TypeError), ("1", TypeError)):
        with pytest.raises(kind, match=r"a step is"):
            checkpoints.save({}, step)
    assert list(tmp_path.iterdir()) == []
    state = {"big": np.arange(3, dtype=">f4"), "half": ai.ones(2, dtype="bfloat16")}
    checkpoints.save(state, np.int64(1))
    found = checkpoints.load().state
    assert found["big"].dtype == np.float32
    assert found["big"].tolist() == [0, 1, 2]
    assert found["half"].dtype == ai.bfloat16


def test_a_file_under_the_name_of_another_step_is_passed_over(saved: Path, tmp_path: Path) -> None:
    shutil.copy(saved / "step-00000002.safetensors", tmp_path / "step-00000009.safetensors")
    with pytest.raises(nn.CheckpointError, match=r"009\S* holds the checkpoint of step 2: it bel"):
        nn.Checkpoints(tmp_path).load()
    assert read(tmp_path / "step-00000009.safetensors").step == 2
