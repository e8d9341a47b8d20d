"""Fails when a test lets real time pass by itself: part of `make check`.

A test waits for an event, or says with `tests/support/waiting.py` why there is none. `sleep(0)`,
one turn of the event loop, is no wait; nor is `asyncio.sleep` where the loop's time is virtual
(`tests/support/virtual_time.py`).
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCKS = frozenset({"time", "asyncio", "SystemClock"})
VIRTUAL = "VirtualLoop"
ALLOWED: dict[str, str] = {
    "tests/support/waiting.py": "the one place where real time passes",
    "tests/support/virtual_time.py": "the clock of a loop on which waiting takes no time",
    "tests/support/rig.py": "runs on that loop",
    "tests/support/fake_cluster.py": "runs on that loop",
}  # path: reason


def sleeps_in(path: str, source: str, *, is_virtual: bool = False) -> Iterator[str]:
    """Yields `path:line: what to do` for each wait.

    Args:
        path: relative to the root of the repository, with slashes.
        source: its text.
        is_virtual: its tests run on a loop whose time is virtual.
    """
    if path in ALLOWED:
        return
    clocks = CLOCKS - {"asyncio"} if is_virtual else CLOCKS
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Call | ast.ImportFrom) and _waits(node, clocks):
            yield f"{path}:{node.lineno}: wait for an event (tests/support/waiting.py)"


def _waits(node: ast.Call | ast.ImportFrom, clocks: frozenset[str]) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in clocks and any(name.name == "sleep" for name in node.names)
    func = node.func
    if not isinstance(func, ast.Attribute) or func.attr != "sleep" or _is_one_turn(node):
        return False
    owner = func.value.func if isinstance(func.value, ast.Call) else func.value
    return isinstance(owner, ast.Name) and owner.id in clocks


def _is_one_turn(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and first.value == 0


def _has_virtual_time(conftest: Path) -> bool:
    return conftest.exists() and VIRTUAL in conftest.read_text(encoding="utf-8")


def main(root: Path = Path()) -> int:
    """Prints the waits below `root`; exit status 1 when there is one."""
    found = [
        line
        for path in sorted((root / "tests").rglob("*.py"))
        for line in sleeps_in(
            path.relative_to(root).as_posix(),
            path.read_text(encoding="utf-8"),
            is_virtual=_has_virtual_time(path.with_name("conftest.py")),
        )
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
