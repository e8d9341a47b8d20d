"""Clusters that Secrets describe: list, add, change, remove (docs/internals/argocd/api.md §1.7).

The controller deploys to the cluster that it runs in; others are kept and shown, and each of them
says so. Credentials never leave: `config` is returned without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from holdfast.controller.requests.connection_states import NOT_TRIED, ConnectionStates, State, Try
from holdfast.controller.requests.stored import SecretWrites, differs, fnv32a, unknown
from holdfast.domain.application import APPLICATION, IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from holdfast.domain.commands import Done
from holdfast.domain.errors import ConfigurationError, HoldfastError, Retry
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.ports import ClusterReader
from holdfast.domain.stored_settings import (
    SECRET_TYPE_LABEL,
    DeleteCluster,
    ListClusters,
    PutCluster,
    SecretType,
    StoredSecret,
    count_applications,
)

NOT_DEPLOYED = (
    "Holdfast does not deploy to other clusters yet: this one is kept and shown, and Applications "
    "whose destination it is are not synced"
)
_WHAT = "cluster"
_SETTINGS, _OWN_ENABLED = "argocd-cm", "cluster.inClusterEnabled"
_FIELDS = frozenset({"name", "namespaces", "config", "shard", "clusterResources", "labels",
                     "annotations", "project"})  # fmt: skip
_MOST_CONFIG = 512 * 1024


@dataclass(frozen=True, slots=True)
class ClusterRequests:
    """Clusters."""

    writes: SecretWrites
    states: ConnectionStates
    reader: ClusterReader

    async def carry_out(self, command: PutCluster | DeleteCluster) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        if isinstance(command, PutCluster):
            return await self.put(command)
        return await self.delete(command)

    async def put(self, command: PutCluster) -> Done:
        """Keep a cluster.

        Raises:
            ConfigurationError: HF3006, there is another one, or it is the one Holdfast runs in;
                HF3009, it has no address; HF3017, there is none to update.
        """
        tree = command.tree
        server = str(tree.get("server") or "").rstrip("/")
        _check(server)
        before = self._find(await self._all(), server)
        notes = (NOT_DEPLOYED,)
        if command.fields is not None:
            if before is None:
                raise unknown(_WHAT, server)
            chosen = set(command.fields) or set(_FIELDS)
            values = _values({key: tree[key] for key in tree if key in chosen}, chosen)
            await self.writes.replace(before, values, _metadata(before, tree, chosen))
            return Done("updated", await self._one(server), notes)
        values = {"server": server, **_values(tree, set(_FIELDS))}
        if before is None:
            name = _secret_name(server)
            extra = {key: tree.get(key) or {} for key in ("labels", "annotations")}
            await self.writes.create(name, SecretType.CLUSTER, values, extra)
            return Done("created", await self._one(server), notes)
        if all(before.text(key) == value for key, value in values.items()):
            return Done("unchanged", await self._one(server), notes)
        if not command.upsert:
            raise differs(_WHAT)
        await self.writes.replace(before, values, _metadata(before, tree, set(_FIELDS)))
        return Done("updated", await self._one(server), notes)

    async def delete(self, command: DeleteCluster) -> Done:
        """Forget a cluster.

        Raises:
            ConfigurationError: HF3017, there is none.
        """
        found = self._find(await self._all(), command.server.rstrip("/"))
        if found is None:
            raise unknown(_WHAT, command.server)
        await self.writes.delete([found])
        return Done("deleted")

    async def list_all(self, query: ListClusters) -> list[Tree]:
        """Return all: the own one, then the others by name and address."""
        secrets = await self._all()
        tries = {_key(one): self._attempt(one) for one in secrets}
        states = await self.states.look(tries, refresh=False, patience_s=query.patience_s)
        others = [_shown(one, states[_key(one)]) for one in secrets]
        found = sorted(others, key=lambda tree: (tree["name"], tree["server"]))
        if await self._shows_own():
            found.insert(0, await self._own())
        if query.counts:
            apps = (await self.reader.list(APPLICATION, self.writes.namespace)).items
            count_applications(found, [app.tree for app in apps])
        return found

    async def _shows_own(self) -> bool:
        settings = await self.reader.get(CONFIG_MAP, self.writes.namespace, _SETTINGS)
        data = (settings.tree.get("data") or {}) if settings is not None else {}
        return str(data.get(_OWN_ENABLED) or "true").strip().lower() != "false"

    async def _own(self) -> Tree:
        connection, version = {"status": "Successful", "message": ""}, ""
        try:
            version = await self.reader.server_version()
        except HoldfastError as error:
            connection = {"status": "Failed", "message": error.message}
        return _entry(IN_CLUSTER_SERVER, IN_CLUSTER_NAME, {}, connection, version)

    def _attempt(self, secret: StoredSecret) -> Try:
        async def attempt() -> str:
            config = _config(secret)
            return await self.writes.reads().cluster_version(secret.text("server"), config)

        return attempt

    async def _one(self, server: str) -> Tree | None:
        found = self._find(await self._all(), server)
        return _shown(found, NOT_TRIED) if found is not None else None

    async def _all(self) -> Sequence[StoredSecret]:
        return await self.writes.reads().secrets(SecretType.CLUSTER)

    @staticmethod
    def _find(secrets: Sequence[StoredSecret], server: str) -> StoredSecret | None:
        return next((one for one in secrets if one.text("server").rstrip("/") == server), None)


def _check(server: str) -> None:
    parts = urlsplit(server)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.password:
        raise ConfigurationError(
            "HF3009", "a cluster needs the https address of its API server, without a password",
            retry=Retry.NEVER,
        )  # fmt: skip
    if server == IN_CLUSTER_SERVER:
        raise ConfigurationError(
            "HF3006",
            f"{server} is where Holdfast runs ({IN_CLUSTER_NAME}): it is always there",
            retry=Retry.NEVER,
        )


def _values(tree: Tree, chosen: set[str]) -> dict[str, str]:
    """Return the keys of a cluster Secret (api.md §12) for those members."""
    values: dict[str, str] = {}
    if "name" in chosen and tree.get("name"):
        values["name"] = str(tree["name"])
    if "namespaces" in chosen:
        values["namespaces"] = ",".join(str(name) for name in tree.get("namespaces") or ())
    if "clusterResources" in chosen:
        values["clusterResources"] = "true" if tree.get("clusterResources") is True else ""
    if "shard" in chosen:
        values["shard"] = str(tree["shard"]) if tree.get("shard") is not None else ""
    if "project" in chosen:
        values["project"] = str(tree.get("project") or "")
    if "config" in chosen and tree.get("config") is not None:
        text = orjson.dumps(tree["config"], option=orjson.OPT_SORT_KEYS).decode()
        if len(text) > _MOST_CONFIG:
            raise ConfigurationError(
                "HF3009", "the config of the cluster is too large", retry=Retry.NEVER
            )
        values["config"] = text
    return values


def _metadata(before: StoredSecret, tree: Tree, chosen: set[str]) -> Tree:
    changed: Tree = {}
    for key in ("labels", "annotations"):
        if key in chosen and isinstance(tree.get(key), dict):
            changed[key] = {**(before.tree["metadata"].get(key) or {}), **tree[key]}
            if key == "labels":
                changed[key][SECRET_TYPE_LABEL] = SecretType.CLUSTER.value
    return changed


def _secret_name(server: str) -> str:
    host = urlsplit(server).hostname or ""
    safe = "".join(c if c.isalnum() or c in "-." else "-" for c in host.lower()).strip("-.")
    return f"cluster-{safe[:200]}-{fnv32a(server)}"


def _key(secret: StoredSecret) -> str:
    return f"{secret.name} {secret.tree['metadata'].get('resourceVersion', '')}"


def _config(secret: StoredSecret) -> Tree:
    try:
        found: JSON = orjson.loads(secret.text("config") or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _entry(server: str, name: str, config: Tree, connection: Tree, version: str) -> Tree:
    return {
        "server": server,
        "name": name,
        "config": without_credentials(config),
        "info": {
            "connectionState": connection,
            "serverVersion": version,
            "applicationsCount": 0,
            "cacheInfo": {},
        },
        "connectionState": connection,
        "serverVersion": version,
    }


def _shown(secret: StoredSecret, state: State) -> Tree:
    connection = state.tree
    labels = secret.tree["metadata"].get("labels") or {}
    names = [part.strip() for part in secret.text("namespaces").split(",") if part.strip()]
    server, config = secret.text("server"), _config(secret)
    tree = _entry(server, secret.text("name") or server, config, connection, state.detail)
    if names:
        tree["namespaces"] = names
    if secret.text("clusterResources") == "true":
        tree["clusterResources"] = True
    if secret.text("project"):
        tree["project"] = secret.text("project")
    if secret.text("shard").isdigit():
        tree["shard"] = int(secret.text("shard"))
    shown_labels = {key: value for key, value in labels.items() if key != SECRET_TYPE_LABEL}
    if shown_labels:
        tree["labels"] = shown_labels
    return tree


def without_credentials(config: Mapping[str, JSON]) -> Tree:
    """Return what may be shown of how a cluster is reached."""
    tls = config.get("tlsClientConfig")
    found = tls if isinstance(tls, dict) else {}
    shown: Tree = {"insecure": found.get("insecure") is True}
    if found.get("serverName"):
        shown["serverName"] = str(found["serverName"])
    return {"tlsClientConfig": shown}
