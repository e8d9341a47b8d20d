"""Settings of the control namespace, as its ConfigMaps say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from holdfast.assembly.argo_settings import ArgoSettings
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope

if TYPE_CHECKING:
    from holdfast.cluster.connection import Connection
    from holdfast.kit.tasks import Supervisor

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
