"""What the controller's process never loads: the page and the API live in a process beside it."""

from __future__ import annotations

import subprocess
import sys

NEVER = ("jinja2", "pydantic", "casbin", "bcrypt", "authlib", "holdfast.api.server")
LATER = ("pygit2", "authlib", "httpx2", "holdfast.renderers.dispatch")


def loaded(module: str, wanted: tuple[str, ...]) -> str:
    """What of `wanted` a fresh Python has loaded after the import."""
    script = f"import sys, {module}; print([m for m in {wanted} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=50
    )
    return done.stdout.strip()


def test_the_controllers_process_loads_nothing_of_the_page() -> None:
    assert loaded("holdfast.assembly.run", NEVER) == "[]"


def test_the_pages_process_loads_git_and_renderers_when_they_are_needed() -> None:
    assert loaded("holdfast.assembly.front", LATER) == "[]"
