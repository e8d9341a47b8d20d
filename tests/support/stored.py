"""`StoredSettings` over a fake cluster: labelled Secrets as they lie there, and repositories that
answer who signs in rightly."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from holdfast.domain.errors import RepositoryError
from holdfast.domain.stored_settings import SECRET_TYPE_LABEL, SecretType, StoredSecret

if TYPE_CHECKING:
    from collections.abc import Sequence

Tree = dict[str, Any]


class FakeStored:
    """Attributes:
    private: Repositories that only a password opens, by URL.
    tried: URLs that were tried, in turn.
    forgotten: How often what was read was given up.
    """

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.private: dict[str, str] = {}
        self.tried: list[str] = []
        self.forgotten = 0

    async def secrets(self, wanted: SecretType) -> Sequence[StoredSecret]:
        found = [
            StoredSecret(tree, values_of(tree))
            for key, tree in self._cluster.objects.items()
            if key.kind == "Secret"
            and (tree["metadata"].get("labels") or {}).get(SECRET_TYPE_LABEL) == wanted.value
        ]
        return sorted(found, key=lambda one: one.name)

    async def check_repository(self, url: str, secrets: Sequence[Tree]) -> None:
        self.tried.append(url)
        wanted = self.private.get(url)
        known = [values_of(tree) for tree in secrets]
        passwords = [one.get("password") for one in known if url.startswith(one.get("url", "-"))]
        if wanted is not None and wanted not in passwords:
            raise RepositoryError("HF1001", f"the repository {url} cannot be read: no credentials")

    async def cluster_version(self, server: str, config: Tree) -> str:
        self.tried.append(server)
        if not config.get("bearerToken"):
            raise RepositoryError("HF1001", "no token")
        return "v1.34.1"

    def forget(self) -> None:
        self.forgotten += 1


def values_of(tree: Tree) -> dict[str, str]:
    """What the data of a Secret says."""
    data = tree.get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}
