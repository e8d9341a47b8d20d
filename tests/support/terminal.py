"""A terminal of a person who has signed in to a server of a controller of its own."""

from __future__ import annotations

import base64
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from holdfast.cli.root import run
from holdfast.cli.session import Session
from tests.support.command_line import Result
from tests.support.loaded import type_holdfast
from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess
from tests.support.site import Site, new_control
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.sandbox import AnyPlane

ADDRESS = r"listening address=(\S+) metrics="
INITIAL = "argocd-initial-admin-secret"


@dataclass
class Terminal:
    """A person's shell: a home of its own, and two ways to the cluster."""

    kubeconfig: Path
    control: str
    home: Path
    address: str

    def run(self, *words: str, stdin: str = "") -> Result:
        """Runs one command line, in a thread: it has an event loop of its own."""
        out, err = io.StringIO(), io.StringIO()
        environ = {"HOME": str(self.home), "HOLDFAST_NAMESPACE": self.control}
        session = Session(out=out, err=err, stdin=io.StringIO(stdin), environ=environ)
        with ThreadPoolExecutor(1) as threads:
            code = threads.submit(run, list(words), session).result(60)
        return Result(code, out.getvalue(), err.getvalue())

    def straight(self, *words: str) -> Result:
        """Runs one as a program of its own: there it may read files where it likes."""
        environ = {**os.environ, "HOLDFAST_NAMESPACE": self.control}
        done = type_holdfast(*words, "--kubeconfig", str(self.kubeconfig), env=environ)
        return Result(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, stdin: str = "") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.code == 0, f"{words}: {done.out}{done.err}"
        return done.out


@pytest.fixture
async def signed_in(
    plane: AnyPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Terminal, Site]]:
    """A controller with its page, and a person who has signed in as admin."""
    control = new_control()
    process = HoldfastProcess.run(
        plane.kubeconfig, control, tmp_path / "data", "--listen", "127.0.0.1:0",
        repositories=str(tmp_path),
    )  # fmt: skip
    try:
        process.is_leading()
        address = process.wait_for(ADDRESS)[1]
        (tmp_path / "home").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        terminal = Terminal(plane.kubeconfig, control, tmp_path / "home", address)
        async with Person(plane.kubeconfig) as person:
            secret: dict[str, dict[str, str]] = {}

            async def has_password() -> bool:
                found = await person.find(Ref("v1", "Secret", control, INITIAL))
                secret.update(found or {})
                return found is not None

            await eventually(has_password)
            password = base64.b64decode(secret["data"]["password"]).decode()
            login = ("login", address, "--plaintext", "--username", "admin")

            async def is_in() -> bool:
                return terminal.run(*login, "--password", password).code == 0

            await eventually(is_in)
            site = Site(plane.kubeconfig, tmp_path, control, person, process)
            yield terminal, site
            await site.clean_up()
    finally:
        process.kill()
