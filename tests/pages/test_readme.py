"""Every Python block of the README and of docs/ runs, in order, as one script for each page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
SKIP = "<!-- not run -->"


def script(page: str) -> str:
    """Return the page's Python blocks, each line where it stands on the page, the rest blank."""
    lines, indent, last_text = [], None, ""
    for line in page.splitlines():
        kept = ""
        if indent is None:
            fence = re.fullmatch(r"( *)```(\w*).*", line)
            if fence:
                runs = fence[2] == "python" and last_text != SKIP
                indent = fence[1]
        elif line.strip() == "```":
            indent = None
        elif runs:
            kept = line.removeprefix(indent)
        lines.append(kept)
        last_text = line.strip() or last_text
    return "\n".join(lines)


def run_page(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the page in a process and a folder of its own; tracebacks then name the page's lines."""
    copy = folder / f"page_{page.stem}.py"  # a page may be called nn.md
    copy.write_text(script(page.read_text(encoding="utf-8")), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", copy.name],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_page_runs(page: Path, tmp_path: Path) -> None:
    result = run_page(page, tmp_path)
    assert result.returncode == 0, f"{page}:\n{result.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_tests_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(\w+)", page.read_text(encoding="utf-8"))
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"\ndef {name}(" not in (REPOSITORY / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_readme_has_code() -> None:
    assert script(PAGES[0].read_text(encoding="utf-8")).strip()


def test_only_python_blocks_run_in_one_namespace(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n```python\nx = 1\n```\ntext\n```bash\nrm x\n```\n"
        f"{SKIP}\n\n```python\nx = 5\n```\n"
        "- item\n  ```python\n  if x:\n      print(x + 1)\n  ```\n"
    )
    result = run_page(page, tmp_path)
    assert (result.stdout, result.stderr) == ("2\n", "")


def test_a_broken_block_is_named_by_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nx = 1\n```\n\n```python\nx.nothing\n```\n")
    result = run_page(page, tmp_path)
    assert result.returncode == 1
    assert "line 8" in result.stderr
    assert "no attribute 'nothing'" in result.stderr
