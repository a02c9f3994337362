"""Let CuPy's compiled modules call Python methods where they would call CUDA.

Every Cython module of CuPy finds the functions of its two CUDA wrappers in capsules: a C function
pointer, named by its signature. This file writes, from those names, C functions of the same
signatures that call a Python method and turn its result back, has them compiled, and puts them in
the capsules. It must be done before `cupy` is imported: on import, the pointers are copied.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import subprocess
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from .files import CACHE, write_once

# C type -> (format for Py_BuildValue, conversion of the result, type in which it is passed on)
C_TYPES = {
    "int": ("i", "PyLong_AsLong", "int"),
    "unsigned int": ("I", "PyLong_AsLong", "unsigned int"),
    "size_t": ("n", "PyLong_AsSsize_t", "size_t"),
    "intptr_t": ("n", "PyLong_AsSsize_t", "intptr_t"),
    "uintmax_t": ("n", "PyLong_AsSsize_t", "uintmax_t"),
    "float": ("f", "PyFloat_AsDouble", "float"),
    "CUdevice": ("i", "PyLong_AsLong", "int"),
    "cudaMemcpyKind": ("i", "PyLong_AsLong", "int"),
}
OBJECT = "PyObject *"
# The value by which a function says that it raised, where that is not -1 (or NULL for an object).
RETURNS_0_ON_ERROR = {
    "malloc",
    "mallocAsync",
    "hostAlloc",
    "streamEndCapture",
    "graphInstantiate",
    "moduleLoad",
    "moduleLoadData",
    "moduleGetFunction",
    "moduleGetGlobal",
    "streamCreate",
    "eventCreate",
}
HEAD = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

int closing;  // the interpreter is going down: CuPy still frees what it holds
"""
# An error may be set already when CuPy calls (it frees while one passes through): it is put aside.
FUNCTION = """
static PyObject *method_{symbol};
void set_{symbol}(PyObject *method) {{ Py_INCREF(method); method_{symbol} = method; }}
{returns} call_{symbol}({parameters}) {{
  if (closing) {closed}
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject *result = {call};
  if (!result) {{
    Py_XDECREF(type); Py_XDECREF(value); Py_XDECREF(traceback);
    return {failure};
  }}
  PyErr_Restore(type, value, traceback);
  {give_back}
}}
"""

_capsule_name = ctypes.pythonapi.PyCapsule_GetName
_capsule_name.restype = ctypes.c_char_p
_capsule_name.argtypes = [ctypes.py_object]
_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

_kept_alive: list[Any] = []


@dataclass
class Signature:
    """A function's C signature, as far as a trampoline needs it."""

    returns: str
    parameters: list[str] = field(default_factory=list)
    formats: str = ""
    passed: list[str] = field(default_factory=list)
    has_option: bool = False  # one optional int, in a struct {int given; int value;}

    @classmethod
    def parse(cls, text: str) -> Signature | None:
        """Return the signature, or None if it has a type that is not dealt with here."""
        returns, rest = text.split("(", 1)
        found = cls(returns.strip())
        if not found.returns.endswith("*") and found.returns not in C_TYPES:
            return None
        for position, kind in enumerate(rest.rstrip(")").split(",")):
            if not found._add(kind.strip(), f"a{position}"):
                return None
        return found

    def _add(self, kind: str, name: str) -> bool:
        if kind == "void":
            return True
        if kind == "int __pyx_skip_dispatch":
            self.parameters.append("int skip_dispatch")
            return True
        if kind.startswith("struct __pyx_opt_args"):
            self.parameters.append("int *option")
            self.has_option = True
            return True
        if kind.startswith(OBJECT):
            letter, c_type = "O", OBJECT
        elif kind in C_TYPES:
            letter, _, c_type = C_TYPES[kind]
        else:
            return False
        self.parameters.append(f"{c_type} {name}")
        self.formats += letter
        self.passed.append(name)
        return True

    def _call(self, symbol: str, extra_format: str = "", *extra: str) -> str:
        arguments = "".join(f", {name}" for name in [*self.passed, *extra])
        form = self.formats + extra_format
        return f'PyObject_CallFunction(method_{symbol}, "({form})"{arguments})'

    def c_source(self, name: str, symbol: str) -> str:
        call = self._call(symbol)
        if self.has_option:
            call = f"option && option[0] ? {self._call(symbol, 'i', 'option[1]')} : {call}"
        if self.returns.endswith("*"):
            returns, failure, give_back = OBJECT, "NULL", "return result;"
            closed = "{ Py_INCREF(Py_None); return Py_None; }"
        else:
            _, convert, returns = C_TYPES[self.returns]
            failure = "0" if name in RETURNS_0_ON_ERROR else "-1"
            closed = "return 0;"
            give_back = (
                f"{returns} number = result == Py_None ? 0 : ({returns}){convert}(result);"
                " Py_DECREF(result); return number;"
            )
        return FUNCTION.format(
            symbol=symbol,
            returns=returns,
            parameters=", ".join(self.parameters) or "void",
            closed=closed,
            call=call,
            failure=failure,
            give_back=give_back,
        )


def _compile(source: str) -> ctypes.PyDLL:
    key = hashlib.sha256(source.encode()).hexdigest()[:20]
    library = CACHE / f"trampolines-{key}.so"

    def build(target: Path) -> None:
        include = sysconfig.get_paths()["include"]
        command = ["gcc", "-O1", "-shared", "-fPIC", f"-I{include}", "-x", "c", "-", "-o", target]
        subprocess.run(command, input=source, text=True, check=True)

    write_once(library, build)
    return ctypes.PyDLL(str(library))


def install(methods: object, *modules: ModuleType) -> None:
    """Let the functions of CuPy's wrapper modules be the methods of the same names."""
    found = [
        (module, name, capsule, symbol, signature)
        for number, module in enumerate(modules)
        for name, capsule in module.__pyx_capi__.items()
        if hasattr(methods, name) and b"(" in (text := _capsule_name(capsule))
        for symbol in [f"{number}_{name}"]
        for signature in [Signature.parse(text.decode())]
        if signature is not None
    ]
    source = HEAD + "".join(sig.c_source(name, symbol) for _, name, _, symbol, sig in found)
    library = _compile(source)
    _kept_alive.append(library)
    for module, name, capsule, symbol, _ in found:
        method = getattr(methods, name)
        set_method = getattr(library, f"set_{symbol}")
        set_method.argtypes = [ctypes.py_object]
        set_method.restype = None
        set_method(method)
        address = ctypes.cast(getattr(library, f"call_{symbol}"), ctypes.c_void_p)
        text = ctypes.create_string_buffer(_capsule_name(capsule))
        _kept_alive.append(text)  # a capsule does not copy its name
        module.__pyx_capi__[name] = _new_capsule(address, text, None)
        setattr(module, name, method)  # for callers in Python

    atexit.register(setattr, ctypes.c_int.in_dll(library, "closing"), "value", 1)
