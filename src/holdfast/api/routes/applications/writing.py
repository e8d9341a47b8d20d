"""Create, change and delete Applications."""

from dataclasses import replace
from typing import Any

import orjson

from holdfast.api.applications import (
    Which,
    demand_application,
    demand_move,
    key_of,
    rbac_name,
    which,
)
from holdfast.api.call import Call
from holdfast.api.failures import invalid
from holdfast.api.models.applications import (
    Application,
    ApplicationBody,
    ApplicationQuery,
    CreateQuery,
    DeleteQuery,
    PatchBody,
    SpecBody,
    UpdateQuery,
)
from holdfast.api.models.base import Nothing
from holdfast.api.table import Route
from holdfast.domain.commands import (
    CreateApplication,
    DeleteApplication,
    PatchApplication,
    UpdateApplication,
    UpdateSpec,
)
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import JSON, Tree

_NAME = "/api/v1/applications/{name}"
_DEFAULT_PROJECT = "default"


async def _create(call: Call[CreateQuery, ApplicationBody]) -> Tree:
    manifest = _manifest(call, call.body)
    target = _target(call, manifest)
    call.demand("applications", "create", target)
    if call.query.upsert:
        call.demand("applications", "update", target)
    command = CreateApplication(manifest, upsert=call.query.upsert, validate=call.query.validation)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _update(call: Call[UpdateQuery, ApplicationBody]) -> Tree:
    query, wanted = call.query, _manifest(call, call.body)
    before = await demand_application(
        call,
        "update",
        Which(call.path["name"], wanted["metadata"]["namespace"], query.project),
        fresh=True,
    )
    wanted["metadata"]["name"] = before["metadata"]["name"]
    demand_move(call, before, wanted["spec"])
    command = UpdateApplication(wanted, validate=query.validation)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _update_spec(call: Call[UpdateQuery, SpecBody]) -> Tree:
    query, spec = call.query, call.body.model_dump(mode="json")
    before = await demand_application(call, "update", which(call, query), fresh=True)
    demand_move(call, before, spec)
    command = UpdateSpec(key_of(before), spec, validate=query.validation)
    done = await call.services.commands.carry_out(command, call.caller.username)
    found: Tree = (done.tree or {}).get("spec") or {}
    return found


async def _patch(call: Call[Nothing, PatchBody]) -> Tree:
    body = call.body
    if body.patch_type not in ("json", "merge"):
        raise invalid(f"Patch type '{body.patch_type}' is not supported")
    asked = which(call, body)
    await demand_application(call, "get", asked)
    before = await demand_application(call, "update", asked, fresh=True)
    who, carry_out = call.caller.username, call.services.commands.carry_out
    command = PatchApplication(key_of(before), _parse(body.patch), kind=body.patch_type)
    # A patch may move the Application to another project: what comes out is judged, and then
    # written only if nothing has changed since.
    seen = replace(command, dry_run=True, resource_version=before["metadata"]["resourceVersion"])
    preview = (await carry_out(seen, who)).tree or {}
    demand_move(call, before, preview.get("spec") or {})
    done = await carry_out(replace(seen, dry_run=False), who)
    return done.tree or {}


async def _delete(call: Call[DeleteQuery, None]) -> Tree:
    query = call.query
    asked = which(call, query)
    await demand_application(call, "get", asked)
    tree = await demand_application(call, "delete", asked, fresh=True)
    cascade = True if query.cascade is None else query.cascade
    command = DeleteApplication(key_of(tree), cascade, query.propagation_policy)
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


def _manifest(call: Call[Any, Any], body: ApplicationBody) -> Tree:
    metadata = body.metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = {key: value for key, value in metadata.items() if value != ""}
    if not metadata.get("name") and "name" not in call.path:
        # A plain error in Argo CD, so 500 there (api.md §1.6.3): it is the caller's mistake.
        raise invalid("application name is required")
    metadata.setdefault("namespace", call.services.facts.control_namespace)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": body.spec,
    }


def _target(call: Call[Any, Any], manifest: Tree) -> str:
    project = str(manifest["spec"].get("project") or _DEFAULT_PROJECT)
    metadata = manifest["metadata"]
    app = AppKey(metadata["namespace"], metadata["name"])
    return rbac_name(project, app, call.services.facts.control_namespace)


def _parse(patch: str) -> JSON:
    try:
        return orjson.loads(patch)
    except orjson.JSONDecodeError as error:
        raise invalid(f"the patch is no JSON: {error}") from error


ROUTES = (
    Route("POST", "/api/v1/applications", _create, "Create an Application.",
          query=CreateQuery, body=ApplicationBody, answer=Application),
    Route("PUT", _NAME, _update, "Replace labels, annotations, finalizers and spec.",
          query=UpdateQuery, body=ApplicationBody, answer=Application),
    Route("PUT", f"{_NAME}/spec", _update_spec, "Replace the spec.",
          query=UpdateQuery, body=SpecBody, answer=SpecBody),
    Route("PATCH", _NAME, _patch, "Patch an Application.", query=ApplicationQuery,
          body=PatchBody, answer=Application),
    Route("DELETE", _NAME, _delete, "Delete an Application.", query=DeleteQuery, answer=Nothing),
)  # fmt: skip
