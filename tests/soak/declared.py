"""What git declares in the soak, and what an adversary can do to each kind of it."""

from __future__ import annotations

import base64
import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Tree = dict[str, Any]
LABELS = {"tier": "front", "team": "a"}
ANNOTATIONS = {"team.example/owner": "ada"}


def _thing(api_version: str, kind: str, name: str, **members: Any) -> Tree:
    metadata = {"name": name, "labels": dict(LABELS), "annotations": dict(ANNOTATIONS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **members}


def declared() -> list[Tree]:
    """The objects of one Application."""
    pod = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "web", "image": "registry.example/web:1"}],
            "terminationGracePeriodSeconds": 0,
        },
    }
    deployment = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
    service = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    return [
        _thing("apps/v1", "Deployment", "web", spec=deployment),
        _thing("v1", "Service", "web", spec=service),
        _thing("v1", "ConfigMap", "one", data={"a": "1", "b": "2"}),
        _thing("v1", "ConfigMap", "two", data={"a": "1"}),
        _thing("v1", "Secret", "keys", data={"a": _encoded("1")}, type="Opaque"),
        _thing("v1", "ServiceAccount", "web", automountServiceAccountToken=False),
        _thing("rbac.authorization.k8s.io/v1", "Role", "reader", rules=[rule]),
    ]


def as_file(tree: Tree) -> str:
    """As it stands in git."""
    return json.dumps(tree, indent=1) + "\n"


def holds(declared: Any, live: Any) -> bool:
    """Whether everything that is declared is live: an oracle that shares no code with Holdfast."""
    if isinstance(declared, dict):
        return isinstance(live, dict) and all(
            key in live and holds(value, live[key]) for key, value in declared.items()
        )
    if isinstance(declared, list):
        return (
            isinstance(live, list)
            and len(live) == len(declared)
            and all(holds(one, other) for one, other in zip(declared, live, strict=True))
        )
    return bool(declared == live)


def edited(tree: Tree, number: int) -> Tree:
    """The object with one declared field changed to a value that it never had."""
    tree = copy.deepcopy(tree)
    _EDITS[tree["kind"]](tree, number)
    return tree


def noise(tree: Tree, number: int) -> Tree:
    """A merge patch of something that nobody declares."""
    extra: dict[str, Tree] = {
        "Deployment": {"spec": {"minReadySeconds": number % 3 + 1}},
        "Service": {"spec": {"sessionAffinity": ("ClientIP", "None")[number % 2]}},
        "ConfigMap": {"data": {"undeclared": str(number)}},
        "Secret": {"data": {"undeclared": _encoded(str(number))}},
    }
    fallback = {"metadata": {"labels": {"undeclared": f"n{number}"}}}
    return extra.get(tree["kind"], fallback)


def _edit_deployment(tree: Tree, number: int) -> None:
    tree["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example/web:{number}x"


def _edit_service(tree: Tree, number: int) -> None:
    tree["spec"]["ports"][0]["port"] = 1000 + number % 60_000


def _edit_data(tree: Tree, number: int) -> None:
    tree["data"]["a"] = f"edited-{number}"


def _edit_secret(tree: Tree, number: int) -> None:
    tree["data"]["a"] = _encoded(f"edited-{number}")


def _edit_account(tree: Tree, number: int) -> None:
    del number
    tree["automountServiceAccountToken"] = True


def _edit_role(tree: Tree, number: int) -> None:
    tree["rules"][0]["verbs"] = ["get", f"use-{number}"]


_EDITS: dict[str, Callable[[Tree, int], None]] = {
    "Deployment": _edit_deployment,
    "Service": _edit_service,
    "ConfigMap": _edit_data,
    "Secret": _edit_secret,
    "ServiceAccount": _edit_account,
    "Role": _edit_role,
}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
