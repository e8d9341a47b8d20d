"""One run of schemathesis against `holdfast up --example`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CONTROL = "argocd"
_MUCH_LATER_S = 90.0
_NOTHING_ASKED = "No test cases were generated"


class FuzzError(Exception):
    """Something was found; the text is what schemathesis says."""


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        cases: How many requests were made.
        output: All that schemathesis said.
    """

    cases: int
    output: str


@contextlib.contextmanager
def example(folder: Path) -> Iterator[tuple[str, str, HoldfastProcess]]:
    """`holdfast up --example` on a sandbox; yields address, an API key of `admin`, the process."""
    process = HoldfastProcess.start(
        "up", "--example", "--data", str(folder), "--api-port", "0", "--listen", "127.0.0.1:0"
    )
    try:
        base = process.wait_for(r"^open (http://[^/]+)/", seconds=60)[1]
        yield base, asyncio.run(_api_key(folder / "kubeconfig", base)), process
    finally:
        process.kill()


async def _api_key(kubeconfig: Path, base: str) -> str:
    """A key that signing out does not end."""
    async with Person(kubeconfig) as person, aiohttp.ClientSession(base) as session:
        metadata = {"name": "argocd-cm", "namespace": CONTROL}
        data = {"accounts.admin": "apiKey, login", "statusbadge.enabled": "true"}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        await person.apply(config)
        first = Ref("v1", "Secret", CONTROL, "argocd-initial-admin-secret")

        async def password() -> str:
            answer = await person.send("GET", first.path)
            data = answer.body.get("data", {}) if answer.status == 200 else {}
            return base64.b64decode(data.get("password", "")).decode()

        body = {"username": "admin", "password": await eventually(password)}
        async with session.post("/api/v1/session", json=body) as answer:
            headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}

        async def key() -> str:
            path = "/api/v1/account/admin/token"
            async with session.post(path, json={}, headers=headers) as answer:
                return str((await answer.json()).get("token", "")) if answer.status == 200 else ""

        return await eventually(key)


def fuzz(folder: Path, base: str, token: str, *, seconds: int, seed: int, phases: str) -> Report:
    """Makes requests for so many seconds; schemathesis leaves its notes in the folder.

    What it prepares counts as well. Where a busy machine leaves nothing of the time for requests,
    it gets four times as much.

    Raises:
        FuzzError: one was answered in a way that the document does not know, or not at all.
    """
    more = ("--phases", phases, "--seed", str(seed))
    code, output = _run(folder, base, token, more, seconds)
    if _NOTHING_ASKED in output:
        code, output = _run(folder, base, token, more, 4 * seconds)
    cases = re.search(r"(\d+) generated", output)
    if code != 0 or cases is None:
        raise FuzzError(output)
    return Report(int(cases[1]), output)


def _run(
    folder: Path, base: str, token: str, more: tuple[str, ...], seconds: int
) -> tuple[int, str]:
    """Returns the exit status and what was said, without the token."""
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "st"),
            "--config-file", str(HERE / "schemathesis.toml"), "--no-color",
            "run", f"{base}/swagger.json", "-H", f"Authorization: Bearer {token}",
            "--exclude-path-regex", "/stream/|/logs$", *more, "--warnings", "off",
            "--max-time", str(seconds), "--continue-on-failure",
            "--request-timeout", "20", "--max-redirects", "0",
        ],
        env=environ, cwd=folder, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=seconds + _MUCH_LATER_S,
    )  # fmt: skip
    return done.returncode, done.stdout.replace(token, "…")
