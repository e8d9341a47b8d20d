"""Labelled Secrets of the control namespace: how they are named, made, changed and taken away."""

import base64
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.kinds import SECRET_V1
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import SystemWriter
from holdfast.domain.stored_settings import (
    SECRET_TYPE_LABEL,
    SecretType,
    StoredSecret,
    StoredSettings,
)

MANAGED_BY = {"managed-by": "argocd.argoproj.io"}
UNKNOWN = "HF3017"


@dataclass(frozen=True, slots=True)
class SecretWrites:
    """Writes labelled Secrets.

    Attributes:
        stored: Reads them; None where this connection cannot.
        purpose: Said of each write.
    """

    system: SystemWriter
    stored: StoredSettings | None
    namespace: str
    purpose: SystemWrite

    def reads(self) -> StoredSettings:
        """Return what reads the Secrets.

        Raises:
            ConfigurationError: HF3009, nothing does.
        """
        if self.stored is None:
            raise ConfigurationError("HF3009", "settings cannot be read over this connection")
        return self.stored

    async def create(
        self, name: str, wanted: SecretType, values: Mapping[str, str], metadata: Tree | None = None
    ) -> None:
        """Create one; values that are empty are left out.

        Raises:
            ClusterError: HF2011, there is one of that name; others as they come.
        """
        tree = secret_tree(name, self.namespace, wanted, values, metadata)
        await self.system.create(Manifest(tree), self.purpose)
        self.reads().forget()

    async def replace(
        self, before: StoredSecret, values: Mapping[str, str], metadata: Tree | None = None
    ) -> None:
        """Replace values of one: `""` takes a value away, keys that are not named stay.

        Raises:
            ClusterError: HF2004, somebody else was faster; others as they come.
        """
        tree = copy.deepcopy(before.tree)
        tree.pop("stringData", None)
        tree["metadata"].pop("managedFields", None)
        tree["metadata"].update(metadata or {})
        data: Tree = dict(tree.get("data") or {})
        for key, value in values.items():
            if value:
                data[key] = _encoded(value)
            else:
                data.pop(key, None)
        tree["data"] = data
        await self.system.replace(Manifest(tree), self.purpose)
        self.reads().forget()

    async def delete(self, secrets: Sequence[StoredSecret]) -> None:
        """Delete them."""
        for secret in secrets:
            await self.system.delete(SECRET_V1, self.namespace, secret.name, self.purpose)
        self.reads().forget()


def secret_tree(
    name: str,
    namespace: str,
    wanted: SecretType,
    values: Mapping[str, str],
    metadata: Tree | None = None,
) -> Tree:
    """Return a labelled Secret as Argo CD makes one."""
    extra = metadata or {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**(extra.get("labels") or {}), SECRET_TYPE_LABEL: wanted.value},
            "annotations": {**(extra.get("annotations") or {}), **MANAGED_BY},
        },
        "data": {key: _encoded(value) for key, value in values.items() if value},
    }


def unknown(what: str, url: str) -> ConfigurationError:
    """Return the error for something that no Secret describes."""
    return ConfigurationError(
        UNKNOWN, f"there is no {what} {url} here", hint=f"`holdfast {_LISTS[what]} list` shows all",
        retry=Retry.NEVER,
    )  # fmt: skip


def differs(what: str) -> ConfigurationError:
    """Return the error for something that is there and is not what was asked for."""
    return ConfigurationError(
        "HF3006",
        f"existing {what} spec is different; use upsert flag to force update",
        hint="--upsert changes it",
        retry=Retry.NEVER,
    )


def fnv32a(text: str) -> int:
    """Return FNV-1a of 32 bits, which Argo CD puts into names of Secrets."""
    found = 0x811C9DC5
    for byte in text.encode():
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return found


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


_LISTS = {"repository": "repo", "repository credentials": "repocreds", "cluster": "cluster"}
