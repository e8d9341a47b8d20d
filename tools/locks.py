"""Writes and checks the locked requirements: `make lock`, and a part of `make check`.

`requirements/{run,build,test,lint}.txt` pin every package by version and hash; uv and pip read
them. The first line of each holds a fingerprint of what pyproject.toml asks for, so that a check
needs no network. No index is named in them: who installs uses the index of their own settings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path("requirements")
GROUPS = {
    "run": ["--no-dev"],
    "build": ["--only-group", "build"],
    "test": ["--only-group", "test"],
    "lint": ["--only-group", "lint"],
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def fingerprint(pyproject: dict[str, Any], group: str) -> str:
    """Returns a short hash of what one group of packages asks for."""
    project = pyproject["project"]
    if group == "run":
        wanted = [project["dependencies"], project.get("optional-dependencies", {})]
    else:
        wanted = [pyproject["dependency-groups"][group]]
    # The rest of a lock follows from the others: one resolution serves them all.
    asked = json.dumps([project["requires-python"], wanted], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def header(pyproject: dict[str, Any], group: str) -> str:
    """Returns the first line of a lock."""
    return f"# made by `make lock` for {fingerprint(pyproject, group)}\n"


def problems_of(pyproject: dict[str, Any], group: str, lock: str) -> list[str]:
    """Returns what is wrong with a lock, as sentences."""
    found = []
    if not lock.startswith(header(pyproject, group)):
        found.append("doesn't match pyproject.toml; run `make lock`")
    if re.search(r"https?://|^\s*--(extra-)?(index|find)", lock, re.MULTILINE):
        found.append("names an index or an address")
    for entry in re.split(r"\n(?=[A-Za-z])", lock):
        pin = _PIN.match(entry)
        if pin and "--hash=sha256:" not in entry:
            found.append(f"has no hash for {pin[1]}")
    return found


def check(root: Path) -> int:
    """Says what is wrong with the locks; exit status 1 when something is."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    wrong = False
    for group in GROUPS:
        path = root / FOLDER / f"{group}.txt"
        lock = path.read_text() if path.exists() else ""
        for problem in problems_of(pyproject, group, lock):
            wrong = True
            print(f"{FOLDER / path.name}: {problem}")
    return 1 if wrong else 0


def renew(root: Path, *, upgrade: bool) -> int:
    """Resolves anew. What is pinned stays at its version unless `upgrade`, or it can't."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        print("`make lock` needs uv: pip install uv", file=sys.stderr)
        return 1
    text = (root / "pyproject.toml").read_text()
    pyproject = tomllib.loads(text)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "pyproject.toml").write_text(text)
        (scratch / "README.md").write_text("")
        if not upgrade:
            _keep_pins(root, scratch)
        for group, options in GROUPS.items():
            command = [uv, "export", "--quiet", "--no-emit-project", "--no-header", *options]
            answer = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, check=False
            )
            if answer.returncode != 0:
                print(answer.stderr, file=sys.stderr)
                print("If pins stand in the way: `make lock UPGRADE=1`", file=sys.stderr)
                return 1
            lock = header(pyproject, group) + answer.stdout
            (root / FOLDER / f"{group}.txt").write_text(lock)
    return 0


def _keep_pins(root: Path, scratch: Path) -> None:
    """Hands the present pins to uv as constraints."""
    pins = set()
    for path in (root / FOLDER).glob("*.txt"):
        pins |= {f"{name}=={version}" for name, version in _PIN.findall(path.read_text())}
    constraints = json.dumps(sorted(pins))
    (scratch / "uv.toml").write_text(f"constraint-dependencies = {constraints}\n")


def main() -> int:
    """Checks the locks, or renews them with `--renew`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--renew", action="store_true", help="write them (needs uv and an index)")
    parser.add_argument("--upgrade", action="store_true", help="with --renew: newest versions")
    options = parser.parse_args()
    if options.renew:
        return renew(Path(), upgrade=options.upgrade)
    return check(Path())


if __name__ == "__main__":
    sys.exit(main())
