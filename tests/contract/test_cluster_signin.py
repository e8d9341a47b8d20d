"""Credentials that change: token files, plugins, and a server that refuses the old ones."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from holdfast.cluster.kubeconfig import Access, ExecPlugin, TokenFile
from holdfast.cluster.signin import SignInSource
from holdfast.domain.errors import ConfigurationError, ToolError
from tests.support.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

SERVER = "https://127.0.0.1:6443"
V1 = "client.authentication.k8s.io/v1"


def _plugin(program: str, **rest: object) -> Access:
    plugin = ExecPlugin(sys.executable, ("-c", program), user="dev", **rest)  # type: ignore[arg-type]
    return Access(SERVER, plugin)


def _prints(status: object, api_version: str = V1) -> str:
    tree = {"apiVersion": api_version, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(tree)!r})"


async def test_a_token_file_is_read_again_after_a_minute(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "token"
    path.write_text("one\n")
    source = SignInSource(Access(SERVER, TokenFile(path)), clock)
    assert source.current() is None
    assert (await source.obtain()).headers == {"Authorization": "Bearer one"}
    path.write_text("two\n")
    assert (await source.obtain()).headers == {"Authorization": "Bearer one"}
    clock.move(61)
    assert source.current() is None
    assert (await source.obtain()).headers == {"Authorization": "Bearer two"}


async def test_refused_credentials_are_renewed_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    source = SignInSource(Access(SERVER, TokenFile(path)), FakeClock())
    first = await source.obtain()
    path.write_text("two")
    assert await source.renew(first)
    assert (await source.obtain()).headers == {"Authorization": "Bearer two"}
    assert await source.renew(first)  # another request was refused with the same old ones
    assert not await SignInSource(Access(SERVER), FakeClock()).renew(first)


async def test_a_token_file_that_is_missing_says_so(tmp_path: Path) -> None:
    source = SignInSource(Access(SERVER, TokenFile(tmp_path / "t")), FakeClock())
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await source.obtain()
    (tmp_path / "t").write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        await source.obtain()


async def test_a_plugin_signs_in_until_its_token_ends() -> None:
    clock = FakeClock()
    ends = (clock.now() + timedelta(minutes=5)).isoformat()
    source = SignInSource(_plugin(_prints({"token": "abc", "expirationTimestamp": ends})), clock)
    assert (await source.obtain()).headers == {"Authorization": "Bearer abc"}
    assert source.current() is not None
    clock.move(5 * 60 - 20)
    assert source.current() is None


async def test_a_plugin_may_give_a_certificate() -> None:
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    found = await SignInSource(_plugin(_prints(status)), FakeClock()).obtain()
    assert (found.client_cert, found.client_key, dict(found.headers)) == (b"CERT", b"KEY", {})


async def test_a_plugin_is_told_the_cluster_and_its_variables() -> None:
    program = (
        "import json, os\n"
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "token = info['spec']['cluster']['server'] + os.environ['EXTRA']\n"
        "print(json.dumps({**info, 'status': {'token': token}}))"
    )
    access = _plugin(program, env=(("EXTRA", "!"),), provide_cluster_info=True)
    found = await SignInSource(access, FakeClock()).obtain()
    assert found.headers["Authorization"] == f"Bearer {SERVER}!"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        pytest.param("import sys; sys.exit('no luck')", "ended with status 1: no luck", id="exit"),
        pytest.param("print('hush')", "did not print JSON", id="no json"),
        pytest.param("print('{}')", "did not print an ExecCredential", id="other json"),
        pytest.param(_prints({}), "neither a token nor", id="empty"),
        pytest.param(_prints({"token": "t"}, "v9"), "speaks 'v9'", id="version"),
        pytest.param(
            _prints({"token": "hush", "expirationTimestamp": "soon"}), "is no time", id="time"
        ),
    ],
)
async def test_a_plugin_that_fails_says_how_and_what_to_do(program: str, words: str) -> None:
    source = SignInSource(_plugin(program, install_hint="get it at example.com"), FakeClock())
    with pytest.raises(ToolError) as caught:
        await source.obtain()
    error = caught.value
    assert error.code == "HF4004"
    assert words in error.message
    assert "user dev" in error.message
    assert error.hint == "get it at example.com"
    assert "hush" not in error.describe()


async def test_a_plugin_that_is_missing_or_wants_a_terminal_says_so() -> None:
    missing = Access(SERVER, ExecPlugin("/nowhere/sign-in", user="dev"))
    with pytest.raises(ToolError, match="cannot be run"):
        await SignInSource(missing, FakeClock()).obtain()
    with pytest.raises(ToolError, match="terminal"):
        await SignInSource(_plugin("", needs_terminal=True), FakeClock()).obtain()


async def test_impersonation_is_sent_along() -> None:
    access = Access(SERVER, impersonate=(("Impersonate-User", "somebody"),))
    found = await SignInSource(access, FakeClock()).obtain()
    assert found.headers == {"Impersonate-User": "somebody"}
