"""Repositories, trust, clusters and project tokens, asked for and changed through a server."""

import base64
from collections.abc import Mapping
from typing import Any, assert_never

from holdfast.assembly.rest import Answered, Rest, segment
from holdfast.domain.commands import Done
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.stored_settings import (
    AddProjectToken,
    AnySettingsCommand,
    AnySettingsQuery,
    CheckRepository,
    DeleteCluster,
    DeleteProjectToken,
    DeleteRepoCreds,
    DeleteRepository,
    DeleteTrustedKeys,
    GetWindowWeek,
    ListClusters,
    ListGlobalProjects,
    ListRepoCreds,
    ListRepositories,
    ListTrustedKeys,
    PutCluster,
    PutRepoCreds,
    PutRepository,
    PutTrustedKeys,
)

_REPOSITORIES = "/api/v1/repositories"
_CREDS = "/api/v1/repocreds"
_CERTIFICATES = "/api/v1/certificates"
_CLUSTERS = "/api/v1/clusters"
_NUMBERS = frozenset({"depth", "githubAppID", "githubAppInstallationID"})
_FLAGS = ("insecure", "insecureIgnoreHostKey", "enableLfs", "enableOCI", "forceHttpBasicAuth",
          "useAzureWorkloadIdentity", "insecureOCIForceHttp")  # fmt: skip


async def ask_settings(rest: Rest, query: AnySettingsQuery) -> JSON:
    """Return what a server tells.

    Raises:
        HoldfastError: the server refused, or cannot be reached.
    """
    match query:
        case ListRepositories():
            asked = {"forceRefresh": query.refresh or None, "repo": query.url}
            found = await rest.get(_REPOSITORIES, asked)
        case ListRepoCreds():
            found = await rest.get(_CREDS)
        case ListTrustedKeys():
            found = await rest.get(_CERTIFICATES)
        case ListClusters():
            found = await rest.get(_CLUSTERS)
        case ListGlobalProjects(project):
            found = await rest.get(f"/api/v1/projects/{segment(project)}/globalprojects")
        case GetWindowWeek():
            raise _not_here("the week of sync windows")
        case _:
            assert_never(query)
    items: list[Tree] = found.get("items") or []
    return items


async def write_settings(rest: Rest, command: AnySettingsCommand) -> Done:
    """Have a server carry a command out.

    Raises:
        HoldfastError: the server refused, or cannot be reached.
    """
    match command:
        case PutRepository() | DeleteRepository() | CheckRepository():
            return _done(await _repository(rest, command))
        case PutRepoCreds():
            body = _body(command.values)
            if command.must_exist:
                path = f"{_CREDS}/{segment(command.values['url'])}"
                return _done(await rest.send("PUT", path, None, body))
            return _done(await rest.send("POST", _CREDS, {"upsert": command.upsert}, body))
        case DeleteRepoCreds(url):
            return _done(await rest.send("DELETE", f"{_CREDS}/{segment(url)}"))
        case PutTrustedKeys() | DeleteTrustedKeys():
            return _done(await _trust(rest, command))
        case PutCluster() | DeleteCluster():
            return _done(await _cluster(rest, command))
        case AddProjectToken() | DeleteProjectToken():
            raise _not_here("listing a token that was made elsewhere")
        case _:
            assert_never(command)


async def _repository(
    rest: Rest, command: PutRepository | DeleteRepository | CheckRepository
) -> Answered:
    match command:
        case PutRepository():
            body = _body({("repo" if k == "url" else k): v for k, v in command.values.items()})
            if command.must_exist:
                path = f"{_REPOSITORIES}/{segment(command.values['url'])}"
                return await rest.send("PUT", path, None, body)
            return await rest.send("POST", _REPOSITORIES, {"upsert": command.upsert}, body)
        case DeleteRepository(url, project):
            path = f"{_REPOSITORIES}/{segment(url)}"
            return await rest.send("DELETE", path, {"appProject": project})
        case CheckRepository():
            # Argo CD puts credentials into the query here, which proxies log; a repository is
            # tried by keeping it (`PutRepository`).
            raise _not_here("trying a repository without keeping it")


async def _trust(rest: Rest, command: PutTrustedKeys | DeleteTrustedKeys) -> Answered:
    if isinstance(command, DeleteTrustedKeys):
        asked = {
            "hostNamePattern": command.host,
            "certType": command.type,
            "certSubType": command.sub_type,
        }
        return await rest.send("DELETE", _CERTIFICATES, asked)
    items = [
        {
            "serverName": key.host,
            "certType": key.type,
            "certSubType": key.sub_type,
            "certData": base64.b64encode(key.data.encode()).decode(),
        }
        for key in command.keys
    ]
    return await rest.send("POST", _CERTIFICATES, {"upsert": command.upsert}, {"items": items})


async def _cluster(rest: Rest, command: PutCluster | DeleteCluster) -> Answered:
    if isinstance(command, DeleteCluster):
        return await rest.send("DELETE", f"{_CLUSTERS}/{segment(command.server)}")
    if command.fields is None:
        return await rest.send("POST", _CLUSTERS, {"upsert": command.upsert}, command.tree)
    path = f"{_CLUSTERS}/{segment(str(command.tree['server']))}"
    return await rest.send("PUT", path, {"updatedFields": command.fields}, command.tree)


def _body(values: Mapping[str, str]) -> dict[str, Any]:
    """Return Secret keys as Argo CD's API writes them."""
    numbers = {key: int(text) for key, text in values.items() if key in _NUMBERS and text.isdigit()}
    flags = {key: values[key] == "true" for key in _FLAGS if key in values}
    return {**values, **numbers, **flags}


def _done(answered: Answered) -> Done:
    said = answered.done
    notes = tuple(str(note) for note in said.get("notes") or ())
    return Done(str(said.get("outcome") or "updated"), answered.tree or None, notes)


def _not_here(what: str) -> ConfigurationError:
    return ConfigurationError(
        "HF3016",
        f"a server cannot be asked for this: {what}",
        hint="--core goes straight to the cluster",
        retry=Retry.NEVER,
    )
