"""The sandbox as a server: its folder, its lock, its restarts, and whom it lets in."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from holdfast.domain.errors import ConfigurationError
from holdfast.sandbox import Sandbox, SandboxSettings
from tests.support.kube_rest import KubeRest
from tests.support.kubectl import config_map, deployment
from tests.support.sandbox import SandboxPlane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAPS = "/api/v1/namespaces/default/configmaps"

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from holdfast.sandbox import Sandbox, SandboxSettings

async def main():
    async with Sandbox(SandboxSettings(data=Path(sys.argv[1]))) as sandbox:
        print(sandbox.kubeconfig_path, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[SandboxPlane]:
    """A sandbox that keeps its objects."""
    plane = SandboxPlane.start(SandboxSettings(data=tmp_path / "data"))
    yield plane
    plane.stop()


def _ask(plane: SandboxPlane, path: str, **headers: str) -> tuple[int, Any]:
    where = urlsplit(plane.url)
    trust = ssl.create_default_context(cadata=plane.sandbox.ca_pem)
    connection = http.client.HTTPSConnection("127.0.0.1", where.port, context=trust, timeout=5)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_nobody_gets_in_without_the_token(sandbox_plane: SandboxPlane) -> None:
    for headers in ({}, {"Authorization": "Bearer guessed"}):
        status, body = _ask(sandbox_plane, "/api/v1/namespaces", **headers)
        assert (status, body["reason"], body["message"]) == (401, "Unauthorized", "Unauthorized")


def test_a_foreign_host_name_is_refused(sandbox_plane: SandboxPlane) -> None:
    """A page that made its own name point to 127.0.0.1 must not reach the cluster."""
    token = f"Bearer {sandbox_plane.token}"
    status, _ = _ask(sandbox_plane, "/api", Authorization=token, Host="evil.example:443")
    assert status == 403
    status, _ = _ask(sandbox_plane, "/api", Authorization=token, Host="localhost:1")
    assert status == 200


def test_what_is_not_built_says_so(sandbox_plane: SandboxPlane) -> None:
    client = KubeRest.open(sandbox_plane.kubeconfig)
    group = "/apis/admissionregistration.k8s.io/v1"
    for path in (
        f"{group}/validatingwebhookconfigurations",
        f"{group}/validatingadmissionpolicies",
        "/apis/apiregistration.k8s.io/v1/apiservices",
        "/api/v1/namespaces/default/serviceaccounts/default/token",
    ):
        answer = client.send("POST", path, {"metadata": {"name": "x"}})
        assert (answer.status, answer.body["reason"]) == (501, "NotImplemented"), path
        assert "the Holdfast sandbox has no" in answer.message
    client.close()


def test_the_kubeconfig_is_private_and_outlives_a_restart(kept: SandboxPlane) -> None:
    assert stat.S_IMODE(os.stat(kept.kubeconfig).st_mode) == 0o600
    token, authority = kept.token, kept.sandbox.ca_pem
    folder = kept.settings.data
    kept.stop()
    again = SandboxPlane.start(SandboxSettings(data=folder))
    assert (again.token, again.sandbox.ca_pem) == (token, authority)
    again.stop()


def test_a_second_sandbox_on_the_same_folder_names_the_first(kept: SandboxPlane) -> None:
    with pytest.raises(ConfigurationError, match=f"in use by process {os.getpid()}") as caught:
        SandboxPlane.start(SandboxSettings(data=kept.settings.data))
    assert caught.value.code == "HF3007"


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"data folder .* cannot be used") as caught:
        SandboxPlane.start(SandboxSettings(data=tmp_path / "file" / "data"))
    assert caught.value.code == "HF3009"
    assert "--data" in caught.value.hint


def test_a_kubeconfig_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"kubeconfig .* cannot be used") as caught:
        SandboxPlane.start(SandboxSettings(kubeconfig=tmp_path / "file" / "kubeconfig"))
    assert "--kubeconfig" in caught.value.hint


def test_objects_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "objects.sqlite").write_text("this is no database, and long enough to be read")
    with pytest.raises(ConfigurationError, match=r"objects\.sqlite cannot be read") as caught:
        SandboxPlane.start(SandboxSettings(data=tmp_path))
    assert caught.value.code == "HF3009"


def test_objects_and_versions_outlive_a_restart(kept: SandboxPlane) -> None:
    client = KubeRest.open(kept.kubeconfig)
    made = client.send("POST", MAPS, config_map("kept", a="1")).body
    client.send("POST", MAPS, config_map("gone"))
    client.send("DELETE", f"{MAPS}/gone")
    client.close()
    kept.stop()
    again = SandboxPlane.start(SandboxSettings(data=kept.settings.data))
    client = KubeRest.open(again.kubeconfig)
    assert client.send("GET", f"{MAPS}/kept").body == made
    assert client.send("GET", f"{MAPS}/gone").status == 404
    version = int(client.send("GET", MAPS).body["metadata"]["resourceVersion"])
    assert version > int(made["metadata"]["resourceVersion"])
    client.close()
    again.stop()


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-c", _PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        client = KubeRest.open(folder / "kubeconfig")
        for number in range(50):
            assert client.send("POST", MAPS, config_map(f"m{number}")).status == 201
        process.send_signal(signal.SIGKILL)
        client.close()
    again = SandboxPlane.start(SandboxSettings(data=folder))
    client = KubeRest.open(again.kubeconfig)
    names = {row["metadata"]["name"] for row in client.send("GET", MAPS).body["items"]}
    assert {f"m{number}" for number in range(50)} <= names
    client.close()
    again.stop()


def test_it_starts_and_stops_at_once_even_with_open_watches() -> None:
    begun = time.monotonic()
    plane = SandboxPlane.start()
    ready = time.monotonic() - begun
    where = urlsplit(plane.url)
    trust = ssl.create_default_context(cadata=plane.sandbox.ca_pem)
    connection = http.client.HTTPSConnection("127.0.0.1", where.port, context=trust, timeout=5)
    headers = {"Authorization": f"Bearer {plane.token}"}
    connection.request("GET", "/api/v1/pods?watch=true", headers=headers)
    response = connection.getresponse()
    begun = time.monotonic()
    plane.stop()
    stopped = time.monotonic() - begun
    assert response.read() == b""
    connection.close()
    assert ready < 1
    assert stopped < 2


def test_a_sandbox_without_controllers_makes_nothing_by_itself() -> None:
    plane = SandboxPlane.start(SandboxSettings(controllers=False))
    client = KubeRest.open(plane.kubeconfig)
    assert client.send("GET", "/api/v1/serviceaccounts").body["items"] == []
    assert client.send("GET", "/api/v1/nodes").body["items"] == []
    client.close()
    plane.stop()


async def _ask_in_loop(sandbox: Sandbox, method: str, path: str, body: Any = None) -> bytes:
    trust = ssl.create_default_context(cadata=sandbox.ca_pem)
    port = int(sandbox.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    raw = b"" if body is None else json.dumps(body).encode()
    kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {sandbox.token}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(raw)}\r\n\r\n"
    )
    writer.write(head.encode() + raw)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_no_request_blocks_the_event_loop(tmp_path: Path) -> None:
    """The loop of this test is watched: reading a file or a socket on it fails the test."""
    async with Sandbox(SandboxSettings(data=tmp_path / "data")) as sandbox:
        for path in ("/api", "/apis", "/openapi/v3/apis/apps/v1", "/openapi/v2", "/api/v1/pods"):
            assert b" 200 OK" in await _ask_in_loop(sandbox, "GET", path)
        web = "/apis/apps/v1/namespaces/default/deployments/web"
        made = await _ask_in_loop(sandbox, "PATCH", f"{web}?fieldManager=t", deployment("web"))
        assert b" 201 Created" in made
        while b'"readyReplicas":2' not in await _ask_in_loop(sandbox, "GET", web):
            pass
