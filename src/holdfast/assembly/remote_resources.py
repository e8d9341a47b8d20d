"""One object of an Application, asked for and changed through a server (api.md §1.6.11)."""

from typing import Any, assert_never

import orjson

from holdfast.assembly.rest import Asked, Rest, segment
from holdfast.domain.commands import DeleteResource, Done, PatchResource, RunAction
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import JSON
from holdfast.domain.queries import GetResource, ListActions

_PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


async def ask_resource(rest: Rest, query: GetResource | ListActions) -> JSON:
    """Return an object, or what can be done with it.

    Raises:
        HoldfastError: the server refused, or cannot be reached.
    """
    path, asked = _path(query.app), _named(query.app, query.key, query.version)
    if isinstance(query, GetResource):
        return orjson.loads((await rest.get(path, asked))["manifest"])
    return (await rest.get(f"{path}/actions", asked)).get("actions") or []


async def write_resource(rest: Rest, command: PatchResource | DeleteResource | RunAction) -> Done:
    """Change or delete an object, or run an action on it.

    Raises:
        HoldfastError: the server refused, or cannot be reached.
    """
    path, asked = _path(command.app), _named(command.app, command.key, command.version)
    tree: Any = None
    match command:
        case PatchResource(patch=patch, kind=kind):
            # A kind that nobody knows is for the server to refuse, in the words it has for that.
            asked = {**asked, "patchType": _PATCH_TYPES.get(kind, kind)}
            text = orjson.dumps(patch).decode()
            answered = await rest.send("POST", path, asked, text)
            tree = orjson.loads(answered.tree["manifest"])
        case DeleteResource():
            asked = {**asked, "force": command.force, "orphan": command.orphan}
            answered = await rest.send("DELETE", path, asked)
        case RunAction():
            parameters = [{"name": name, "value": value} for name, value in command.parameters]
            body = {**asked, "action": command.action, "resourceActionParameters": parameters}
            answered = await rest.send("POST", f"{path}/actions/v2", body=body)
        case _:
            assert_never(command)
    return Done(str(answered.done.get("outcome") or "updated"), tree)


def _path(app: AppKey) -> str:
    return f"/api/v1/applications/{segment(app.name)}/resource"


def _named(app: AppKey, key: ResourceKey, version: str) -> Asked:
    return {
        "appNamespace": app.namespace,
        "namespace": key.namespace,
        "resourceName": key.name,
        "version": version,
        "group": key.group,
        "kind": key.kind,
    }
