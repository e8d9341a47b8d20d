"""Read a project, change its spec, write it; again where somebody else was faster."""

import copy
from collections.abc import Callable
from typing import Any

from holdfast.cli.command import Call
from holdfast.cli.pflag import RefusedError
from holdfast.domain.commands import UpdateProject
from holdfast.domain.errors import ClusterError
from holdfast.domain.queries import GetProject

Tree = dict[str, Any]
_TRIES = 10
_KEPT = ("name", "namespace", "resourceVersion")


async def read(call: Call) -> Tree:
    """Return the spec of the project that the first argument names.

    Raises:
        HoldfastError: it is not there, or cannot be read.
    """
    async with call.link() as link:
        tree = await link.queries.answer(GetProject(call.arguments[0]), "")
    return dict(tree.get("spec") or {})


async def rewrite(call: Call, change: Callable[[Tree], None]) -> Tree:
    """Change the spec of the project that the first argument names; `change` does it in place.

    Returns:
        The spec as it is afterwards.

    Raises:
        RefusedError: from `change`, when it makes no sense.
        HoldfastError: it is not there, or the change is refused.
    """
    async with call.link() as link:
        for left in reversed(range(_TRIES)):
            tree = await link.queries.answer(GetProject(call.arguments[0]), "")
            spec = copy.deepcopy(tree.get("spec") or {})
            change(spec)
            if spec == (tree.get("spec") or {}):
                return spec
            metadata = {key: tree["metadata"][key] for key in _KEPT if key in tree["metadata"]}
            wanted = {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "AppProject",
                "metadata": metadata,
                "spec": spec,
            }
            try:
                await link.commands.carry_out(UpdateProject(wanted), "")
            except ClusterError as error:
                if error.code != "HF2004" or not left:
                    raise
            else:
                return spec
    raise AssertionError("unreachable: the last try returns or raises")


def add(spec: Tree, name: str, item: Any, words: str) -> None:
    """Add to a list of the spec.

    Raises:
        RefusedError: it is there already.
    """
    items = list(spec.get(name) or ())
    if item in items:
        raise RefusedError(f"{words} is already defined in the project")
    spec[name] = [*items, item]


def remove(spec: Tree, name: str, item: Any, words: str) -> None:
    """Remove from a list of the spec.

    Raises:
        RefusedError: it is not there.
    """
    items = list(spec.get(name) or ())
    if item not in items:
        raise RefusedError(f"{words} does not exist in the project")
    items.remove(item)
    spec[name] = items


def find_named(spec: Tree, name: str, project: str) -> Tree:
    """Return the role of this name.

    Raises:
        RefusedError: there is none.
    """
    for role in spec.get("roles") or ():
        if role.get("name") == name:
            return dict_of(role)
    raise RefusedError(
        f"project '{project}' does not have role '{name}'\n\n"
        f"hint: `holdfast proj role list {project}` shows what it has"
    )


def dict_of(value: Any) -> Tree:
    """Return a mapping as it is.

    Raises:
        RefusedError: it is none.
    """
    if not isinstance(value, dict):
        raise RefusedError("the project's spec is malformed: a role or window is no mapping")
    return value
