"""Compile kernels for real GPUs with NVIDIA's own compilers, which need neither GPU nor driver."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")


class CompileError(RuntimeError):
    """NVRTC refused a source."""


def compile_for(
    source: str, archs: Sequence[str] = ARCHITECTURES, options: Sequence[str] = ()
) -> dict[str, bytes]:
    """Return the machine code of a CUDA C++ source for each architecture."""
    from cupy_backends.cuda.libs import nvrtc

    known = map(str, nvrtc.getSupportedArchs())  # those of Blackwell since CUDA 12.8
    return {arch: _compile(source, f"sm_{arch}", options) for arch in archs if arch in known}


def ptx(source: str, arch: str = "80", options: Sequence[str] = ()) -> str:
    """Return a CUDA C++ source in NVIDIA's intermediate language."""
    return _compile(source, f"compute_{arch}", options).rstrip(b"\0").decode()


def spills(source: str, arch: str = "80") -> dict[str, int]:
    """Return the bytes of registers that each kernel spills to memory; CUDA C++ or PTX.

    Skips the test where ptxas, a part of the CUDA toolkit, is not there.
    """
    ptxas = shutil.which("ptxas")
    if ptxas is None:
        pytest.skip("ptxas is not installed: it comes with the CUDA toolkit")
    text = source if ".version" in source else ptx(source, arch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(text, encoding="utf-8")
        command = [ptxas, "-v", f"-arch=sm_{arch}", path, "-o", path.with_suffix(".cubin")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"ptxas for sm_{arch}:\n{done.stderr}")
    found = re.findall(
        r"Function properties for (\w+)\n.*?(\d+) bytes spill stores, (\d+) bytes spill loads",
        done.stderr,
    )
    return {name: int(stores) + int(loads) for name, stores, loads in found}


def _compile(source: str, architecture: str, options: Sequence[str]) -> bytes:
    from cupy_backends.cuda.libs import nvrtc

    flags = (f"-arch={architecture}", "-std=c++17", *_includes(), *options)
    program = nvrtc.createProgram(source, "kernel.cu", (), ())
    try:
        nvrtc.compileProgram(program, flags)
        real = architecture.startswith("sm_")
        return nvrtc.getCUBIN(program) if real else nvrtc.getPTX(program)
    except nvrtc.NVRTCError as error:
        log = nvrtc.getProgramLog(program)
        raise CompileError(
            f"NVRTC for {architecture}: {error}\n{log}\n{_numbered(source)}"
        ) from None
    finally:
        nvrtc.destroyProgram(program)


def _includes() -> list[str]:
    """Return the flag that finds CUDA's headers, if nvidia-cuda-runtime is installed."""
    package = find_spec("nvidia.cuda_runtime") if find_spec("nvidia") else None
    places = package.submodule_search_locations if package else None
    return [f"-I{Path(place) / 'include'}" for place in places or ()]


def _numbered(source: str) -> str:
    return "\n".join(f"{i:4} {line}" for i, line in enumerate(source.splitlines(), 1))
