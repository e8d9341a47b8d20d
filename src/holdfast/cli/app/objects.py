"""`app get-resource`, `app patch-resource`, `app delete-resource`: single objects (api.md §4.5).

Which are meant: everything in the tree of the Application that has the kind, and the group,
namespace and name as far as they are given. What changes something takes one, or `--all`.
"""

import json
from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.pflag import Flag, FlagKind, RefusedError, UsageError
from holdfast.domain.commands import DeleteResource, PatchResource
from holdfast.domain.identity import ResourceKey
from holdfast.domain.queries import GetResource, ResourceTree

if TYPE_CHECKING:
    from holdfast.cli.session import Link

Tree = dict[str, Any]
_SWITCH = FlagKind.SWITCH
_PATCH_TYPES = {
    "application/merge-patch+json": "merge",
    "application/json-patch+json": "json",
    "application/strategic-merge-patch+json": "strategic",
}
Found = tuple[ResourceKey, str]
"""An object, and the API version in which the tree has it."""


async def find_objects(call: Call, link: "Link") -> list[Found]:
    """Return the objects that the flags mean, in the order of the tree.

    Raises:
        RefusedError: there is none.
    """
    values = call.values
    wanted = {
        "kind": values.text("kind"),
        "group": values.text("group"),
        "namespace": values.text("namespace") if values.knows("namespace") else "",
        "name": values.text("resource-name"),
    }
    tree = await link.queries.answer(ResourceTree(call.app()), "")
    found = [
        (
            ResourceKey(*(layouts.text(node, name) for name in _KEY)),
            layouts.text(node, "version"),
        )
        for node in layouts.items(tree, "nodes")
        if all(not value or layouts.text(node, name) == value for name, value in wanted.items())
    ]  # fmt: skip
    if not found:
        words = " ".join(f"--{_FLAG.get(name, name)} {value}" for name, value in wanted.items()
                         if value)  # fmt: skip
        raise RefusedError(
            f"{call.app()} has no such object: {words}\n\nhint: `holdfast app resources "
            f"{call.app().name}` lists what it has"
        )
    return found


_KEY = ("group", "kind", "namespace", "name")
_FLAG = {"name": "resource-name"}


async def find_one_or_all(call: Call, link: "Link") -> list[Found]:
    """Return the object that is meant; several only with `--all`.

    Raises:
        RefusedError: there is none, or several.
    """
    found = await find_objects(call, link)
    if len(found) > 1 and not call.values.switch("all"):
        names = "\n".join(f"  {key}" for key, _ in found)
        raise RefusedError(
            f"{len(found)} objects are meant; name one, or give --all:\n{names}"
        )  # fmt: skip
    return found


def demand(call: Call, *names: str) -> None:
    """Refuse a call without one of these flags.

    Raises:
        UsageError: one is missing.
    """
    missing = [f'"{name}"' for name in names if not call.values.text(name)]
    if missing:
        raise UsageError(f"required flag(s) {', '.join(missing)} not set")


async def _get(call: Call) -> int:
    demand(call, "kind")
    async with call.link() as link:
        app = call.app()
        trees = [
            await link.queries.answer(GetResource(app, key, version), "")
            for key, version in await find_objects(call, link)
        ]
    if not call.values.switch("show-managed-fields"):
        trees = [_without_managers(tree) for tree in trees]
    fields = call.values.texts("filter-fields")
    if call.values.text("output") in STRUCTURED:
        shown = [_only(tree, fields) if fields else tree for tree in trees]
        # One that is named is the object itself; a question for a kind is answered with a list.
        one = len(shown) == 1 and call.values.text("resource-name")
        call.say(render(shown[0] if one else shown, call.values.text("output")))
        return exit_codes.OK
    rows = [
        (path, layouts.text(tree, "metadata", "name"), json.dumps(value, ensure_ascii=False)
         if not isinstance(value, str) else value)
        for tree in trees
        for path, value in _flat(_only(tree, fields) if fields else tree)
    ]  # fmt: skip
    call.say(layouts.table(("FIELD", "RESOURCE NAME", "VALUE"), rows))
    return exit_codes.OK


def _without_managers(tree: Tree) -> Tree:
    metadata = {k: v for k, v in (tree.get("metadata") or {}).items() if k != "managedFields"}
    return {**tree, "metadata": metadata} if "metadata" in tree else tree


def _only(tree: Tree, fields: tuple[str, ...]) -> Tree:
    """Return the fields that are asked for, as `spec.replicas`, each in its place."""
    kept: Tree = {}
    for path in fields:
        *above, last = path.split(".")
        value: Any = tree
        for step in (*above, last):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            continue
        place = kept
        for step in above:
            place = place.setdefault(step, {})
        place[last] = value
    return kept


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return every leaf with its path."""
    if isinstance(value, dict) and value:
        return [leaf for name, inner in value.items()
                for leaf in _flat(inner, f"{path}.{name}" if path else str(name))]  # fmt: skip
    if isinstance(value, list) and value:
        return [
            leaf for number, inner in enumerate(value) for leaf in _flat(inner, f"{path}[{number}]")
        ]
    return [(path, value)]


async def _patch(call: Call) -> int:
    demand(call, "patch", "kind")
    try:
        patch = json.loads(call.values.text("patch"))
    except json.JSONDecodeError as error:
        raise UsageError(f"--patch is no JSON: {error}") from error
    kind = _PATCH_TYPES[call.values.text("patch-type")]
    if isinstance(patch, list) != (kind == "json") or not isinstance(patch, list | dict):
        raise UsageError(
            "a patch is an object; for a list of steps give --patch-type "
            "application/json-patch+json"
        )
    async with call.link() as link:
        for key, version in await find_one_or_all(call, link):
            command = PatchResource(call.app(), key, patch, kind, version)
            await link.commands.carry_out(command, "")
            call.say(f"Resource '{key.name}' patched")
    return exit_codes.OK


async def _delete(call: Call) -> int:
    demand(call, "kind")
    force, orphan = call.values.switch("force"), call.values.switch("orphan")
    async with call.link() as link:
        for key, version in await find_one_or_all(call, link):
            command = DeleteResource(call.app(), key, version, force=force, orphan=orphan)
            await link.commands.carry_out(command, "")
            call.say(f"Resource '{key.name}' deleted")
    return exit_codes.OK


KIND = Flag("kind", "Kind of the object.")
GROUP = Flag("group", "API group of the object.")
NAMESPACE = Flag("namespace", "Namespace of the object.")
NAME = Flag("resource-name", "Name of the object.")
ALL = Flag("all", "All objects that are meant, and not just one.", _SWITCH)
_PROJECT = Flag("project", "Accepted for compatibility.", hidden=True)
_CHOICE = (KIND, GROUP, NAMESPACE, NAME, ALL, _PROJECT, APP_NAMESPACE)

COMMANDS = {
    "get-resource": CommandSpec(
        "get-resource",
        "APPNAME",
        "Show live objects of an Application; Secrets are masked. As JSON and YAML: the object "
        "when --resource-name names one, else a list.",
        _get,
        (
            KIND,
            GROUP,
            NAMESPACE,
            NAME,
            Flag("filter-fields", "Only these fields, as spec.replicas.", FlagKind.STRINGS),
            Flag("show-managed-fields", "Show metadata.managedFields too.", _SWITCH),
            Flag("output", "How to print.", short="o", default="wide",
                 choices=("wide", "json", "yaml")),
            _PROJECT,
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        examples=(
            "holdfast app get-resource web --kind Deployment --resource-name web -o yaml",
            "holdfast app get-resource web --kind Deployment --filter-fields spec.replicas",
        ),
    ),
    "patch-resource": CommandSpec(
        "patch-resource",
        "APPNAME",
        "Patch a live object. Where git declares the field and self-heal is on, it is put back.",
        _patch,
        (
            Flag("patch", "The patch, as JSON."),
            Flag("patch-type", "Kind of patch.", default="application/merge-patch+json",
                 choices=tuple(_PATCH_TYPES)),
            *_CHOICE,
        ),
        least=1,
        most=1,
        examples=(
            "holdfast app patch-resource web --kind Deployment --resource-name web "
            "--patch '{\"spec\":{\"paused\":true}}'",
        ),
    ),
    "delete-resource": CommandSpec(
        "delete-resource",
        "APPNAME",
        "Delete a live object. Where git declares it and self-heal is on, it comes back.",
        _delete,
        (
            Flag("force", "At once, without a grace period.", _SWITCH),
            Flag("orphan", "Leave what depends on it.", _SWITCH),
            *_CHOICE,
        ),
        least=1,
        most=1,
        examples=("holdfast app delete-resource web --kind Pod --resource-name web-1",),
    ),
}  # fmt: skip
