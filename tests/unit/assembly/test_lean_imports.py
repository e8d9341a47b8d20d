"""What a process does not load before it needs it, each in a fresh interpreter.

The controller's is small, and never imports beside a heal: the page and the API live in a process
beside it, git is loaded when a repository is read (see `holdfast.sources.libgit2`).
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Each starts a Python of its own, which takes seconds on a busy machine.
pytestmark = pytest.mark.timeout(60)

NEVER = (
    "jinja2", "pydantic", "casbin", "bcrypt", "jwt", "authlib", "httpx2", "cryptography",
    "sqlalchemy", "psycopg", "jsonpatch", "apprise",
    "holdfast.api.server", "holdfast.sandbox", "holdfast.controller.requests", "holdfast.adopting",
)  # fmt: skip
LATER = ("pygit2", "authlib", "httpx2", "sqlalchemy", "holdfast.renderers.dispatch")

TRUSTED_BEFORE = """
import asyncio, sys
from holdfast.sources import libgit2
from holdfast.sources.trust import Trust
asyncio.run(Trust(sys.argv[1]).replace("git.example ssh-ed25519 AAAA"))
print("pygit2" in sys.modules)
libgit2.load()
import pygit2
from pygit2.enums import Option
print(pygit2.option(Option.GET_HOMEDIR) == sys.argv[1], pygit2.settings.server_timeout > 0)
"""

WARMED = """
import asyncio, sys
from holdfast.kit.clock import SystemClock
from holdfast.sources.git import GitSources
async def main():
    sources = GitSources(sys.argv[1], (), SystemClock())
    await sources.warm()
    await sources.close()
asyncio.run(main())
print("pygit2" in sys.modules)
"""


def said(script: str, *arguments: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return done.stdout.strip()


def loaded(module: str, wanted: tuple[str, ...]) -> str:
    """What of `wanted` a fresh Python has loaded after the import."""
    return said(f"import sys, {module}; print([m for m in {wanted} if m in sys.modules])")


def test_the_controllers_process_loads_neither_the_page_nor_what_answers_requests() -> None:
    assert loaded("holdfast.cli.servers, holdfast.assembly.run", (*NEVER, "pygit2")) == "[]"


def test_the_pages_process_loads_git_and_renderers_when_they_are_needed() -> None:
    assert loaded("holdfast.assembly.front", LATER) == "[]"


def test_a_render_worker_starts_without_an_event_loop() -> None:
    assert loaded("holdfast.renderers.process", ("asyncio", "ssl", "subprocess")) == "[]"


def test_git_is_loaded_at_a_start_where_repositories_were_read_before(tmp_path: Path) -> None:
    """After a restart heals begin before git is read: no import may be left for then."""
    assert said(WARMED, str(tmp_path / "missing")) == "False"
    assert said(WARMED, str(tmp_path)) == "True"


def test_git_trusts_what_it_was_told_before_it_was_loaded(tmp_path: Path) -> None:
    assert said(TRUSTED_BEFORE, str(tmp_path)).split() == ["False", "True", "True"]
    assert "ssh-ed25519" in (tmp_path / ".ssh" / "known_hosts").read_text()
