"""What an object and an Application take while nobody works on them: `make bench` allows 1.5 KB.

The bench measures all processes on the real plane; this tells at once which change made it grow.
"""

import gc
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING, cast
from uuid import UUID

from holdfast.controller.objects import Objects
from holdfast.controller.remembered import Target
from holdfast.controller.state import AppState, ObjectState, Registry
from holdfast.diffing.canonical import canonicalise
from holdfast.diffing.compare import EQUAL
from holdfast.domain.application import Application
from holdfast.domain.manifest import Manifest, Tree
from holdfast.planning.tracking import Tracking

if TYPE_CHECKING:
    from holdfast.domain.ports import Kinds

EACH = 10
MANY = 60
OBJECT_BYTES = 700
APPLICATION_BYTES = 1600
FIELDS: Tree = {
    "f:data": {"f:mode": {}, "f:size": {}},
    "f:metadata": {"f:annotations": {"f:argocd.argoproj.io/tracking-id": {}}},
}


def declared(app: str, number: int) -> Tree:
    tracking = f"{app}:memory.example/Settings:{app}/settings-{number}"
    return {
        "apiVersion": "memory.example/v1",  # a kind of its own: samples are kept by kind
        "kind": "Settings",
        "metadata": {
            "name": f"settings-{number}",
            "namespace": app,
            "annotations": {"argocd.argoproj.io/tracking-id": tracking},
        },
        "data": {"mode": "production", "size": str(number), "text": "a = b\n" * 100},
    }


def answered(app: str, number: int) -> Manifest:
    tree = declared(app, number)
    serial = hash((app, number)) & (2**64 - 1)
    metadata = {
        **tree["metadata"],
        "uid": str(UUID(int=serial * 2**64 + serial)),
        "resourceVersion": str(10_000 + serial % 90_000),
        "creationTimestamp": "2026-11-23T20:00:00Z",
        "managedFields": [
            {
                "manager": "holdfast",
                "operation": "Apply",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": FIELDS,
            }
        ],
    }
    return Manifest({**tree, "metadata": metadata})


def application(name: str) -> Application:
    rows = [
        {"kind": "Settings", "namespace": name, "name": f"settings-{n}", "status": "Synced"}
        for n in range(EACH)
    ]
    source = {"repoURL": "/repository", "path": name, "targetRevision": "HEAD"}
    tree: Tree = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "uid": f"uid-{name}"},
        "spec": {
            "project": "default",
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
        "status": {"resources": rows, "history": [{"id": 0, "source": source}]},
    }
    return Application.parse(Manifest(tree))


def sync(registry: Registry, objects: Objects, app: AppState) -> None:
    """Let an Application be as it is after a sync."""
    for number in range(EACH):
        manifest = Manifest(declared(app.key.name, number))
        target = Target.pack(canonicalise(manifest), "a" * 40)
        found: ObjectState = registry.object(manifest.key)
        found.app = app.key
        found.declare(target)
        registry.hold(app, found)
        found.in_flight += 1
        objects.applied(found, target, answered(app.key.name, number))
        found.in_flight -= 1
        objects.judge(found, EQUAL)


def test_an_object_at_rest_takes_less_than_seven_hundred_bytes() -> None:
    registry = Registry("argocd")
    objects = Objects(registry, cast("Kinds", None), Tracking())
    apps = [registry.add_app(application(f"team-{number:04d}")) for number in range(2 * MANY)]
    for app in apps[:MANY]:  # samples and caches are there once and for all
        sync(registry, objects, app)

    def work() -> None:
        for app in apps[MANY:]:
            sync(registry, objects, app)

    taken = _growth(work)
    assert taken / (MANY * EACH) < OBJECT_BYTES


def test_an_application_at_rest_takes_less_than_two_kilobytes() -> None:
    registry = Registry("argocd")
    for number in range(MANY):
        registry.add_app(application(f"team-{number:04d}"))
    others = [f"team-{number:04d}" for number in range(MANY, 2 * MANY)]
    taken = _growth(lambda: [registry.add_app(application(name)) for name in others])
    assert taken / MANY < APPLICATION_BYTES


def _growth(work: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
