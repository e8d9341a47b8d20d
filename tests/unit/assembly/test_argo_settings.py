"""Settings of the control namespace, as its ConfigMaps say them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from holdfast.assembly.argo_settings import ArgoSettings
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.kinds import CONFIG_MAP, SECRET_V1
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor

if TYPE_CHECKING:
    from holdfast.cluster.connection import Connection

SCOPE = WatchScope(CONFIG_MAP, "argocd")
REPLACE = "server.sync.replace.allowed"


def config(name: str, **data: str) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": "argocd"}
    tree: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return Manifest({**tree, "data": {key.replace("__", "."): v for key, v in data.items()}})


def test_parameters_of_the_server_count_where_argocd_cm_has_none() -> None:
    settings = ArgoSettings(cast("Connection", None), "argocd", cast("Supervisor", None))
    assert settings.switch(REPLACE, default=True)
    params = config("argocd-cmd-params-cm", server__sync__replace__allowed="false")
    settings.observe(SCOPE, EventKind.ADDED, params)
    assert not settings.switch(REPLACE, default=True)
    settings.observe(
        SCOPE, EventKind.ADDED, config("argocd-cm", server__sync__replace__allowed="true")
    )
    assert settings.switch(REPLACE)
    assert settings.cm() == {REPLACE: "true"}
    settings.observe(SCOPE, EventKind.DELETED, params)
    settings.observe(SCOPE, EventKind.DELETED, config("argocd-cm"))
    assert settings.text(REPLACE, "unset") == "unset"


async def test_who_only_observes_keeps_what_it_needs_and_writes_nothing() -> None:
    nowhere = cast("Connection", None)  # a request would fail
    settings = ArgoSettings(nowhere, "argocd", cast("Supervisor", None), observes=True)
    await settings.fill_secret({"server.secretkey": "made"})
    assert await settings.make_secret("argocd-initial-admin-secret", {"password": "p"})
    await settings.put_other_secret("holdfast-revoked-tokens", {"id": "1"})
    assert settings.secret("server.secretkey") == "made"
    with pytest.raises(ConfigurationError, match="only observes"):
        await settings.put_secret({"admin.password": "new"})


class Slow(ArgoSettings):
    """Its Secret is in memory; a read has what was there when it began, and ends when told to."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(cast("Connection", None), "argocd", supervisor)
        self.stored: dict[str, bytes] = {}
        self.began: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def read_other_secret(self, name: str) -> dict[str, bytes]:
        seen, may_end = dict(self.stored), asyncio.Event()
        self.began.put_nowait(may_end)
        await may_end.wait()
        return seen

    async def put_keys(
        self, name: str, texts: dict[str, str | None], labels: dict[str, str]
    ) -> None:
        self.stored.update({key: value.encode() for key, value in texts.items() if value})

    def hear(self) -> None:
        """The watch tells of a change."""
        tree = {"apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "argocd-secret", "namespace": "argocd"}}  # fmt: skip
        self.observe(WatchScope(SECRET_V1, "argocd"), EventKind.MODIFIED, Manifest(tree))


async def test_what_was_read_before_a_write_never_replaces_it() -> None:
    async with Supervisor(SystemClock()) as supervisor:
        settings = Slow(supervisor)
        settings.hear()
        first = await settings.began.get()
        await settings.put_secret({"accounts.ann.tokens": "[1]"})
        first.set()
        (await settings.began.get()).set()
        while supervisor.is_running("argocd-secret"):
            assert settings.secret("accounts.ann.tokens") == "[1]"
            await asyncio.sleep(0)
        assert settings.secret("accounts.ann.tokens") == "[1]"


async def test_a_change_that_is_told_while_a_read_ends_is_read() -> None:
    async with Supervisor(SystemClock()) as supervisor:
        settings = Slow(supervisor)

        def told_at_the_end() -> None:
            # The reading task has looked for the last time, and is not forgotten yet.
            if supervisor.is_running("argocd-secret") and not settings.stored:
                settings.stored["admin.password"] = b"new"
                asyncio.get_running_loop().call_soon(settings.hear)

        settings.changed.append(told_at_the_end)
        settings.hear()
        (await settings.began.get()).set()
        again = await settings.began.get()
        told = asyncio.Event()
        settings.changed.append(told.set)
        again.set()
        await told.wait()
        assert settings.secret("admin.password") == "new"
