"""Run what matrix.toml says of the cells that this machine can run, and name the others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def interpreter(version: str) -> str | None:
    """Return a Python of this version that runs, from PATH or pyenv."""
    pyenv = Path.home() / ".pyenv" / "versions"
    found = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for path in filter(None, found):
        command = [str(path), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        said = subprocess.run(command, check=False, capture_output=True, text=True)
        if said.returncode == 0 and said.stdout.strip() == version:
            return str(path)
    return None


def main() -> None:
    """Run the cells, and fail after the last if one failed."""
    matrix = tomllib.loads((ROOT / ".ci" / "matrix.toml").read_text(encoding="utf-8"))
    failed = []
    for cell in matrix["cells"]:
        name = f"{cell['system']}, Python {cell['python']}, NumPy {cell['numpy'] or 'newest'}"
        python = interpreter(cell["python"]) if cell["system"] == sys.platform else None
        if python is None:
            print(f"left out, not on this machine: {name}", flush=True)
            continue
        print(f"running: {name}", flush=True)
        home = ROOT / f".venv-{cell['python']}"
        run = home / "bin" / "python"
        subprocess.run([python, "-m", "venv", "--clear", home], check=True)
        wanted = ["--editable", ".[pytest,draw]", f"numpy{cell['numpy']}"]
        install = [run, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        subprocess.run(install, cwd=ROOT, check=True)
        tests = [run, "-m", "pytest", "-q", "-n", "2", *matrix["tests"]["paths"]]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        if subprocess.run(tests, check=False, cwd=ROOT, env=environment).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
