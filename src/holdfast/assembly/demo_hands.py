"""What the demo does to the cluster: `holdfast` and `kubectl` as programs, each line printed first.

Where there is no kubectl, the request that it would send is sent instead, and the line says so.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Callable

import orjson

from holdfast.assembly.demo_sight import NotSeenError
from holdfast.cluster.connection import Connection
from holdfast.kit import process

_STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
_PLURALS = {"deploy": "deployments"}


class Hands:
    """Types commands."""

    def __init__(self, kubeconfig: str, connection: Connection, say: Callable[[str], None]) -> None:
        """Type against one cluster."""
        self._connection = connection
        self._say = say
        self._kubectl = shutil.which("kubectl")
        self._environ = {**os.environ, "KUBECONFIG": kubeconfig, "PYTHONWARNINGS": "ignore"}

    def shown(self, line: str) -> None:
        """Print a command that was carried out by the demo itself."""
        self._say(f"  $ {line}")

    async def holdfast(
        self, *parts: str, may_fail: bool = False, shows: bool = False
    ) -> tuple[int, str]:
        """Run `holdfast …`; return the exit code and everything it printed.

        Args:
            parts: The line, in pieces that are printed below each other.
            may_fail: A failure is what is expected.
            shows: Print what it prints.
        """
        self.shown(" \\\n      ".join(("holdfast " + parts[0], *parts[1:])))
        words = shlex.split(" ".join(parts))
        answer = await process.run([sys.executable, "-m", "holdfast", *words], env=self._environ)
        text = (answer.stdout + answer.stderr).decode("utf-8", "replace")
        if shows or (may_fail and text):
            for line in text.rstrip().splitlines():
                self._say(f"    {line}".rstrip())
        if answer.code != 0 and not may_fail:
            raise NotSeenError(f"holdfast {parts[0]} succeeds; exit {answer.code}: {text.strip()}")
        return answer.code, text

    async def delete(self, kind: str, name: str, namespace: str) -> None:
        """`kubectl delete`."""
        line = f"kubectl delete {kind} {name} -n {namespace}"
        if await self._run(line):
            return
        await self._request("DELETE", f"{_PLURALS[kind]}/{name}", namespace, {})

    async def set_image(self, name: str, container: str, image: str, namespace: str) -> None:
        """`kubectl set image`."""
        line = f"kubectl set image deploy/{name} {container}={image} -n {namespace}"
        if await self._run(line):
            return
        pod = {"containers": [{"name": container, "image": image}]}
        patch = {"spec": {"template": {"spec": pod}}}
        await self._request("PATCH", f"deployments/{name}", namespace, patch)

    async def _run(self, line: str) -> bool:
        """Run a kubectl line; return False where there is no kubectl."""
        if self._kubectl is None:
            self.shown(f"{line}   # sent by the demo: there is no kubectl here")
            return False
        self.shown(line)
        answer = await process.run(shlex.split(line), env=self._environ)
        if answer.code != 0:
            raise NotSeenError(f"{line} succeeds: {answer.complaint()}")
        return True

    async def _request(self, method: str, path: str, namespace: str, body: object) -> None:
        full = f"/apis/apps/v1/namespaces/{namespace}/{path}"
        headers = _STRATEGIC if method == "PATCH" else {"Content-Type": "application/json"}
        answer = await self._connection.calls.transport.request(
            method, full, body=orjson.dumps(body), headers=headers
        )
        if answer.status >= 300:
            raise NotSeenError(f"{method} {full} succeeds: HTTP {answer.status}")
