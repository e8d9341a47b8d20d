"""The command line through a server: signed in, and the same output as without one."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from holdfast.cli.root import run
from holdfast.cli.session import Session
from tests.support.command_line import Result
from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess
from tests.support.site import Site, config_map, new_control
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.sandbox import AnyPlane
    from tests.support.site import SiteApp

ADDRESS = r"listening address=(\S+) metrics="
INITIAL = "argocd-initial-admin-secret"

READING = {
    "app get": ("app", "get", "{app}", "-o", "json"),
    "app list": ("app", "list", "-o", "json"),
    "app list with a selector": ("app", "list", "-l", "a=b", "-o", "json"),
    "app history": ("app", "history", "{app}", "-o", "json"),
    "app manifests of git": ("app", "manifests", "{app}", "--source", "git"),
    "app manifests that live": ("app", "manifests", "{app}", "--source", "live"),
    "app resources": ("app", "resources", "{app}", "-o", "json"),
    "app diff": ("app", "diff", "{app}"),
    "pauses": ("pauses", "-o", "json"),
    "status": ("status", "-o", "json"),
    "proj list": ("proj", "list", "-o", "json"),
    "proj get": ("proj", "get", "default", "-o", "json"),
    "app get of nothing": ("app", "get", "{app}", "--hard-refresh", "-o", "name"),
}
"""What only reads: said twice, the same comes out."""


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
        done = subprocess.run(
            [sys.executable, "-m", "holdfast", *words, "--kubeconfig", str(self.kubeconfig)],
            env=environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
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


async def deployed(site: Site) -> SiteApp:
    app = await site.deploy(
        "web", {"web.yaml": config_map("web", a="git"), "too.yaml": config_map("too", b="c")}
    )
    await app.synced()
    return app


@pytest.mark.timeout(240)
async def test_what_only_reads_prints_the_same_both_ways(
    signed_in: tuple[Terminal, Site],
) -> None:
    terminal, site = signed_in
    app = await deployed(site)
    terminal.ok("app", "pause", app.name, "--reason", "a look at it", "--for", "1h")
    different = {}
    for name, words in READING.items():
        typed = [word.format(app=app.name) for word in words]
        straight, through = terminal.straight(*typed), terminal.run(*typed)
        one = straight.transcript
        other = through.transcript
        if one != other:
            different[name] = (one, other)
    assert not different


async def test_a_sync_a_change_and_a_deletion_go_through(
    signed_in: tuple[Terminal, Site],
) -> None:
    terminal, site = signed_in
    app = await deployed(site)
    said = terminal.ok("app", "sync", app.name, "--timeout", "30")
    assert "Succeeded" in said
    terminal.ok("app", "set", app.name, "--self-heal=false")
    policy = (await app.tree())["spec"]["syncPolicy"]
    assert not policy["automated"].get("selfHeal")
    who = (await app.status())["operationState"]["operation"]["initiatedBy"]["username"]
    assert who == "admin"
    terminal.ok("app", "wait", app.name, "--timeout", "30")
    assert "deleted" in terminal.ok("app", "delete", app.name, "-y", "--wait")
    assert await site.person.find(app.ref) is None


async def test_accounts_contexts_and_the_end_of_a_session(
    signed_in: tuple[Terminal, Site],
) -> None:
    terminal, _ = signed_in
    assert "admin" in terminal.ok("account", "list")
    assert "Username: admin" in terminal.ok("account", "get-user-info")
    assert terminal.ok("account", "can-i", "sync", "applications", "default/web") == "yes\n"
    assert terminal.address in terminal.ok("context")
    file = terminal.home / ".config" / "holdfast" / "config"
    assert file.stat().st_mode & 0o777 == 0o600
    assert terminal.ok("logout", terminal.address) == f"Logged out from '{terminal.address}'\n"
    refused = terminal.run("app", "list")
    assert refused.code == 20
    assert "HF3015" in refused.err
    assert f"holdfast login {terminal.address}" in refused.err
    assert terminal.ok("context", terminal.address, "--delete").endswith("deleted\n")
