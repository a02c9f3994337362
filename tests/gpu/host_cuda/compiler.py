"""Compile kernels with g++ where CuPy would use NVRTC: the same source text."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cupy
from cupy._core import core
from cupy.cuda import compiler, function

from .files import CACHE, INCLUDE, write_once

# CUDA contracts a * b + c to one operation unless told otherwise. So does g++ here: the pass that
# does it is one of the expensive optimizations, the rest of which -O1 spares us.
FLAGS = ["-std=c++17", "-O1", "-fexpensive-optimizations", "-ffp-contract=fast"]
FLAGS += ["-w", "-fPIC", "-shared"]
if platform.machine() == "x86_64":
    FLAGS += ["-mfma", "-mf16c"]
CUPY_INCLUDE = Path(cupy.__file__).parent / "_core" / "include"
OPTIONS = (f"-I{INCLUDE}", f"-I{CUPY_INCLUDE}", "-DCUB_DISABLE_NAMESPACE_MAGIC")
CUPY_HEADERS = tuple(core._cupy_header_list)  # what CuPy puts before its own kernels
HEADER = (INCLUDE / "host_cuda.h").read_text(encoding="utf-8")
BFLOAT16_HEADER = (INCLUDE / "cuda_bf16.h").read_text(encoding="utf-8")
VERSION = repr((FLAGS, OPTIONS, HEADER, cupy.__version__))

LAUNCH_BOUNDS = r"(?:__launch_bounds__\([^)]*\)\s*)?"
KERNEL = rf"__global__\s+{LAUNCH_BOUNDS}void\s+{LAUNCH_BOUNDS}(\w+)\s*\("
DYNAMIC_SHARED = (
    r"(?:extern\s+__shared__|__shared__\s+extern)\s+"
    r"(?:__align__\(\d+\)\s+)?([\w:<>, ]+?)\s+(\w+)\s*\[\s*\]\s*;"
)
WAITS_FOR_OTHERS = r"__syncthreads|__syncwarp|__shfl|__ballot|__any_sync|__all_sync"

sources: list[tuple[str, tuple[str, ...]]] = []  # every kernel source compiled, with its options


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr((VERSION, *parts)).encode()).hexdigest()[:20]


def _run_compiler(arguments: Sequence[str | Path]) -> str:
    """Return what g++ complained of, "" if it succeeded."""
    command = ["g++", *FLAGS, *OPTIONS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr[:6000] if done.returncode else ""


def _precompiled(headers: Sequence[str], options: Sequence[str]) -> Path:
    """Return a header that includes these, parsed already: most of a kernel's compile time."""
    header = CACHE / f"headers-{_hash(headers, options)}" / "all.h"
    text = "".join(f"#include <{name}>\n" for name in headers)

    def build(target: Path) -> None:
        complaint = _run_compiler([*options, "-x", "c++-header", header, "-o", target])
        if complaint:
            raise RuntimeError(complaint)

    write_once(header, lambda target: target.write_text(text, encoding="utf-8"))
    write_once(header.with_suffix(".h.gch"), build)
    return header


def _kernel_names(source: str, templates: bool) -> Iterable[str]:
    pattern = rf'extern\s+"C"\s+{KERNEL}' if templates else KERNEL
    return dict.fromkeys(re.findall(pattern, source))


def translate(source: str, expressions: Sequence[str]) -> str:
    """Return CUDA C++ as C++ that exports its kernels."""
    templates = bool(expressions) or "template" in source
    exported = [(name, name) for name in _kernel_names(source, templates)]
    exported += [(f"expression{i}", f"({text})") for i, text in enumerate(expressions)]
    waits = "true" if re.search(WAITS_FOR_OTHERS, source) else "false"
    body = re.sub(DYNAMIC_SHARED, r"\1 *\2 = (\1 *)host_cuda::dynamic_shared_memory;", source)
    return "\n".join(
        [
            '#include "host_cuda.h"',
            body,
            "HOST_CUDA_DEFINE_CUPY_HALF" if "/float16.cuh" in source else "",
            *(f"HOST_CUDA_EXPORT({name}, {text})" for name, text in exported),
            f"static bool host_cuda_waits = host_cuda::uses_barriers = {waits};",
            'extern "C" void host_cuda_set_backwards(int yes) { host_cuda::backwards = yes; }',
        ]
    )


def _understood(options: Sequence[str]) -> list[str]:
    """Return those of NVRTC's options that mean something here: our headers replace CUDA's."""
    kept = [o for o in options if o.startswith(("-I", "-D")) and not _finds_cuda(o)]
    return kept + ["-ffp-contract=off"] * ("--fmad=false" in options)


def _finds_cuda(option: str) -> bool:
    return (Path(option.removeprefix("-I")) / "cuda_runtime.h").exists()


def build(source: str, options: Sequence[str] = (), expressions: Sequence[str] = ()) -> Path:
    """Return a shared library that holds the kernels of a CUDA C++ source."""
    text = translate(source, expressions)
    options = _understood(options)
    own = [BFLOAT16_HEADER] if re.search("bf(loat)?16", text) else []
    library = CACHE / f"kernel-{_hash(text, options, *own)}.so"

    def compile_to(target: Path) -> None:
        unit = target.with_suffix(f"{target.suffix}.cpp")
        unit.write_text(text, encoding="utf-8")
        headers = ["host_cuda.h"]
        if CUPY_HEADERS[0] in source:
            headers += CUPY_HEADERS
        parsed = _precompiled(headers, options)
        complaint = _run_compiler([*options, "-include", parsed, unit, "-o", target])
        if complaint:
            raise compiler.CompileException(complaint, text, str(unit), options, "g++")
        unit.unlink()

    write_once(library, compile_to)
    return library


def compile_module(source: str, options: tuple[str, ...] = (), **other: Any) -> Any:
    """Stand for CuPy's function that compiles with NVRTC and loads the result."""
    sources.append((source, options))
    expressions = list(other.get("name_expressions") or ())
    module = function.Module()
    module.load(str(build(source, options, expressions)).encode())
    if expressions:
        module._set_mapping({text: f"expression{i}" for i, text in enumerate(expressions)})
    return module


def install() -> None:
    compiler._compile_module_with_cache = compile_module
