"""Whatever a person edits by hand, the whole object is afterwards as it was before.

The first rows are those of docs/internals/argocd/apply.md A1, which a forced apply alone can't
undo. Each edit goes through an `Update` manager of kubectl, as a person's edits do.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.support import declared as d
from tests.support.controlled import controlled, essence, lent, withdraw
from tests.support.person import Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from _pytest.mark import ParameterSet

    from tests.support.controlled import World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]

NOT_IN_THE_SANDBOX = {"LimitRange", "ValidatingWebhookConfiguration"}
CLUSTER_SCOPED = {"ClusterRole", "ValidatingWebhookConfiguration", "PriorityClass", "Namespace"}


@dataclass(frozen=True)
class Edit:
    """One edit of an object that git declares."""

    id: str
    desired: Callable[[], Tree]
    change: Callable[[Tree], object]
    manager: str = "kubectl-edit"
    extra: tuple[Tree, ...] = field(default=())


def pod(tree: Tree) -> Tree:
    spec: Tree = tree["spec"]["template"]["spec"]
    return spec


def one(tree: Tree, place: int = 0) -> Tree:
    found: Tree = pod(tree)["containers"][place]
    return found


def set_in(tree: Tree, *path: str | int, to: Any) -> object:
    here: Any = tree
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = to
    return tree


def unset_in(tree: Tree, *path: str | int) -> object:
    here: Any = tree
    for part in path[:-1]:
        here = here[part]
    del here[path[-1]]
    return tree


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


EDITS = [
    # --- the table of apply.md A1
    Edit(
        "the port of a service moves and keeps its name",
        d.service,
        lambda o: set_in(o, "spec", "ports", 0, "port", to=8080),
    ),
    Edit(
        "the only port of a service, which has no name, moves",
        lambda: d.service(ports=[{"port": 80}]),
        lambda o: set_in(o, "spec", "ports", 0, to={"port": 8080, "targetPort": 8080}),
    ),
    Edit(
        "the protocol of a service port changes",
        d.service,
        lambda o: set_in(o, "spec", "ports", 0, "protocol", to="UDP"),
    ),
    Edit(
        "a container port moves and keeps its name",
        d.deployment,
        lambda o: set_in(one(o), "ports", 0, "containerPort", to=81),
    ),
    Edit(
        "an environment variable takes its value from a config map",
        d.deployment,
        lambda o: set_in(
            one(o),
            "env",
            0,
            to={"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}},
        ),
    ),
    Edit(
        "a probe becomes one of another type",
        d.deployment,
        lambda o: set_in(one(o), "readinessProbe", to={"tcpSocket": {"port": 80}}),
    ),
    Edit(
        "a volume becomes one of another type",
        d.deployment,
        lambda o: set_in(
            pod(o), "volumes", 0, to={"name": "cache", "configMap": {"name": "settings"}}
        ),
    ),
    Edit(
        "the strategy of a deployment changes from Recreate to RollingUpdate",
        lambda: d.deployment(strategy={"type": "Recreate"}),
        lambda o: set_in(
            o, "spec", "strategy", to={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
        ),
    ),
    Edit(
        "the strategy of a deployment changes from RollingUpdate to Recreate",
        lambda: d.deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}),
        lambda o: set_in(o, "spec", "strategy", to={"type": "Recreate"}),
    ),
    Edit(
        "a disruption budget counts what may be missing instead of what must be there",
        d.disruption_budget,
        lambda o: (unset_in(o, "spec", "minAvailable"), set_in(o, "spec", "maxUnavailable", to=1)),
    ),
    Edit(
        "a container is renamed",
        d.deployment,
        lambda o: set_in(one(o, 1), "name", to="other"),
    ),
    # --- workloads
    Edit("a deployment is scaled", d.deployment, lambda o: set_in(o, "spec", "replicas", to=5)),
    Edit(
        "an image is changed",
        d.deployment,
        lambda o: set_in(one(o), "image", to="registry.example/web:2"),
        manager="kubectl-set",
    ),
    Edit(
        "an image in the second container is changed",
        d.deployment,
        lambda o: set_in(one(o, 1), "image", to="registry.example/side:2"),
    ),
    Edit(
        "the value of an environment variable is changed",
        d.deployment,
        lambda o: set_in(one(o), "env", 1, "value", to="x"),
    ),
    Edit(
        "an environment variable is removed",
        d.deployment,
        lambda o: unset_in(one(o), "env", 1),
    ),
    Edit(
        "an environment variable is renamed",
        d.deployment,
        lambda o: set_in(one(o), "env", 1, "name", to="Z"),
    ),
    Edit(
        "all environment variables are removed",
        d.deployment,
        lambda o: unset_in(one(o), "env"),
    ),
    Edit(
        "the order of environment variables is changed",
        d.deployment,
        lambda o: one(o)["env"].reverse(),
    ),
    Edit(
        "the order of init containers is changed",
        d.deployment,
        lambda o: pod(o)["initContainers"].reverse(),
    ),
    Edit(
        "an init container is removed",
        d.deployment,
        lambda o: unset_in(pod(o), "initContainers", 0),
    ),
    Edit("a container is removed", d.deployment, lambda o: unset_in(pod(o), "containers", 1)),
    Edit(
        "the path of a probe is changed",
        d.deployment,
        lambda o: set_in(one(o), "readinessProbe", "httpGet", "path", to="/x"),
    ),
    Edit("a probe is removed", d.deployment, lambda o: unset_in(one(o), "readinessProbe")),
    Edit(
        "the arguments of a container are changed",
        d.deployment,
        lambda o: one(o)["args"].append("--verbose"),
    ),
    Edit("the command is removed", d.deployment, lambda o: unset_in(one(o), "command")),
    Edit(
        "a limit is changed",
        d.deployment,
        lambda o: set_in(one(o), "resources", "limits", "cpu", to="2"),
    ),
    Edit("the resources are removed", d.deployment, lambda o: set_in(one(o), "resources", to={})),
    Edit(
        "a volume is mounted somewhere else",
        d.deployment,
        lambda o: set_in(one(o), "volumeMounts", 0, "mountPath", to="/other"),
    ),
    Edit(
        "a node selector is changed",
        d.deployment,
        lambda o: set_in(pod(o), "nodeSelector", to={"kubernetes.io/os": "windows"}),
    ),
    Edit("the tolerations are removed", d.deployment, lambda o: unset_in(pod(o), "tolerations")),
    Edit(
        "a label of the pod template is changed",
        d.deployment,
        lambda o: set_in(
            o, "spec", "template", "metadata", "annotations", "team.example/note", to="2"
        ),
    ),
    Edit(
        "a label is changed",
        d.deployment,
        lambda o: set_in(o, "metadata", "labels", "tier", to="back"),
        manager="kubectl-label",
    ),
    Edit(
        "a label is removed",
        d.deployment,
        lambda o: unset_in(o, "metadata", "labels", "tier"),
        manager="kubectl-label",
    ),
    Edit(
        "an annotation is changed",
        d.deployment,
        lambda o: set_in(o, "metadata", "annotations", "team.example/owner", to="bob"),
        manager="kubectl-annotate",
    ),
    Edit(
        "all annotations are removed",
        d.deployment,
        lambda o: unset_in(o, "metadata", "annotations"),
    ),
    Edit(
        "a pause that git forbids is set",
        lambda: d.deployment(paused=False),
        lambda o: set_in(o, "spec", "paused", to=True),
    ),
    Edit(
        "many things are changed at once",
        d.deployment,
        lambda o: (
            set_in(o, "spec", "replicas", to=7),
            set_in(one(o), "image", to="registry.example/web:9"),
            set_in(one(o), "ports", 0, "containerPort", to=81),
            set_in(one(o, 1), "name", to="other"),
            set_in(one(o), "readinessProbe", to={"exec": {"command": ["true"]}}),
            unset_in(o, "metadata", "labels", "tier"),
        ),
    ),
    Edit(
        "the template of a stateful set is changed",
        d.stateful_set,
        lambda o: set_in(one(o), "image", to="registry.example/db:2"),
    ),
    Edit(
        "a stateful set is scaled",
        d.stateful_set,
        lambda o: set_in(o, "spec", "replicas", to=0),
    ),
    Edit(
        "the template of a daemon set is changed",
        d.daemon_set,
        lambda o: set_in(one(o), "image", to="registry.example/agent:2"),
    ),
    Edit(
        "the update strategy of a daemon set is changed",
        d.daemon_set,
        lambda o: set_in(o, "spec", "updateStrategy", to={"type": "OnDelete"}),
    ),
    Edit(
        "the schedule of a cron job is changed",
        d.cron_job,
        lambda o: set_in(o, "spec", "schedule", to="* * * * *"),
    ),
    Edit(
        "a cron job is suspended although git says it runs",
        lambda: d.cron_job(suspend=False),
        lambda o: set_in(o, "spec", "suspend", to=True),
    ),
    Edit(
        "the parallelism of a job is changed",
        d.job,
        lambda o: set_in(o, "spec", "parallelism", to=0),
    ),
    # --- services
    Edit(
        "the target port of a service is changed",
        d.service,
        lambda o: set_in(o, "spec", "ports", 0, "targetPort", to=1),
    ),
    Edit(
        "a port of a service is removed",
        d.service,
        lambda o: unset_in(o, "spec", "ports", 0),
    ),
    Edit(
        "the order of ports is changed",
        d.service,
        lambda o: o["spec"]["ports"].reverse(),
    ),
    Edit(
        "a port of a service is renamed",
        d.service,
        lambda o: set_in(o, "spec", "ports", 0, "name", to="www"),
    ),
    Edit(
        "the selector of a service is changed",
        d.service,
        lambda o: set_in(o, "spec", "selector", to={"app": "other"}),
    ),
    Edit(
        "the type of a service is changed",
        d.service,
        lambda o: set_in(o, "spec", "type", to="NodePort"),
    ),
    Edit(
        "a node port is changed",
        lambda: d.service(type="NodePort", ports=[{"port": 80, "nodePort": 31517}]),
        lambda o: set_in(o, "spec", "ports", 0, "nodePort", to=31518),
    ),
    Edit(
        "a service with one port gets a second one and names",
        lambda: d.service(ports=[{"port": 80}]),
        lambda o: set_in(
            o, "spec", "ports", to=[{"name": "a", "port": 81}, {"name": "b", "port": 82}]
        ),
    ),
    # --- configuration
    Edit(
        "a value of a config map is changed",
        d.config_map,
        lambda o: set_in(o, "data", "a", to="x"),
    ),
    Edit("a key of a config map is removed", d.config_map, lambda o: unset_in(o, "data", "a")),
    Edit("a config map is emptied", d.config_map, lambda o: unset_in(o, "data")),
    Edit(
        "a key of a config map becomes binary",
        d.config_map,
        lambda o: (unset_in(o, "data", "a"), set_in(o, "binaryData", to={"a": "AAAA"})),
    ),
    Edit(
        "a value of a secret is changed",
        d.secret,
        lambda o: set_in(o, "data", "a", to="eHg="),
    ),
    Edit(
        "a key of a secret is removed",
        lambda: d.secret(stringData={"a": "1"}, data={"b": "eA=="}),
        lambda o: unset_in(o, "data", "a"),
    ),
    Edit(
        "a secret is emptied",
        lambda: d.secret(data={"b": "eA=="}),
        lambda o: unset_in(o, "data"),
    ),
    # --- policies
    Edit(
        "the maximum of an autoscaler is changed",
        d.autoscaler,
        lambda o: set_in(o, "spec", "maxReplicas", to=50),
    ),
    Edit(
        "the metrics of an autoscaler are replaced",
        d.autoscaler,
        lambda o: set_in(
            o,
            "spec",
            "metrics",
            0,
            "resource",
            "target",
            to={"type": "AverageValue", "averageValue": "100m"},
        ),
    ),
    Edit(
        "a network policy opens another port",
        d.network_policy,
        lambda o: set_in(o, "spec", "ingress", 0, "ports", 0, "port", to=22),
    ),
    Edit(
        "a network policy lets everything in",
        d.network_policy,
        lambda o: set_in(o, "spec", "ingress", to=[{}]),
    ),
    Edit(
        "an ingress leads to another service",
        d.ingress,
        lambda o: set_in(
            o,
            "spec",
            "rules",
            0,
            "http",
            "paths",
            0,
            "backend",
            "service",
            to={"name": "evil", "port": {"name": "http"}},
        ),
    ),
    Edit(
        "the host of an ingress is changed",
        d.ingress,
        lambda o: set_in(o, "spec", "rules", 0, "host", to="evil.example"),
    ),
    Edit(
        "a role gets another verb",
        d.role,
        lambda o: o["rules"][0]["verbs"].append("delete"),
    ),
    Edit("a rule of a role is removed", d.role, lambda o: unset_in(o, "rules", 0)),
    Edit(
        "a cluster role gets another rule",
        lambda: d.role("ClusterRole", unique("reader")),
        lambda o: o["rules"].append({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
    ),
    Edit(
        "a subject is added to a binding",
        d.role_binding,
        lambda o: o["subjects"].append({**o["subjects"][0], "name": "eve"}),
    ),
    Edit(
        "the subjects of a binding are removed",
        d.role_binding,
        lambda o: unset_in(o, "subjects"),
    ),
    Edit(
        "a service account mounts its token",
        d.service_account,
        lambda o: set_in(o, "automountServiceAccountToken", to=True),
    ),
    Edit(
        "the pull secret of a service account is removed",
        d.service_account,
        lambda o: unset_in(o, "imagePullSecrets"),
    ),
    Edit(
        "a label of a volume claim is changed",
        d.volume_claim,
        lambda o: set_in(o, "metadata", "labels", "keep", to="no"),
    ),
    Edit("a quota is raised", d.quota, lambda o: set_in(o, "spec", "hard", "pods", to="1k")),
    Edit(
        "a limit range is changed",
        d.limit_range,
        lambda o: set_in(o, "spec", "limits", 0, "default", "cpu", to="300m"),
    ),
    Edit(
        "a webhook fails closed",
        lambda: d.webhook(unique("check")),
        lambda o: set_in(o, "webhooks", 0, "failurePolicy", to="Fail"),
    ),
    Edit(
        "a webhook is renamed",
        lambda: d.webhook(unique("check")),
        lambda o: set_in(o, "webhooks", 0, "name", to="other.shop.example"),
    ),
    Edit(
        "the description of a priority class is changed",
        lambda: d.priority_class(unique("first")),
        lambda o: set_in(o, "description", to="last"),
    ),
]


def on_planes(edits: list[Edit]) -> Iterator[ParameterSet]:
    """Each edit on the sandbox, if it has such objects, and on the real plane."""
    for edit in edits:
        if edit.desired()["kind"] not in NOT_IN_THE_SANDBOX:
            yield pytest.param(edit, "sandbox", id=f"{edit.id}, on the sandbox")
        yield pytest.param(edit, "real", id=edit.id, marks=pytest.mark.real)


def test_the_table_has_at_least_forty_edits() -> None:
    assert len({edit.id for edit in EDITS}) == len(EDITS) >= 40


@pytest.fixture
def no_task_is_left_behind() -> None:
    """The controllers that the edits share go on from test to test."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def controller_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Callable[[AnyPlane], Awaitable[World]]]:
    """One controller for all edits on a plane: to start 150 took most of their time."""
    worlds: dict[str, World] = {}
    holders: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def hold(plane: AnyPlane, is_there: asyncio.Event) -> None:
        async with controlled(plane.kubeconfig, tmp_path_factory.mktemp("edits")) as world:
            worlds[plane.url] = world
            is_there.set()
            await over.wait()

    async def world_on(plane: AnyPlane) -> World:
        if plane.url not in worlds:
            is_there = asyncio.Event()
            holders.append(asyncio.create_task(hold(plane, is_there)))
            starting = asyncio.create_task(is_there.wait())
            await asyncio.wait([holders[-1], starting], return_when=asyncio.FIRST_COMPLETED)
            starting.cancel()
            if holders[-1].done():
                await holders.pop()  # raises what went wrong
        return worlds[plane.url]

    yield world_on
    over.set()
    for holder in holders:
        await holder


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("edit", "plane"), list(on_planes(EDITS)), indirect=["plane"])
async def test_heal_restores_the_whole_object_when(
    edit: Edit, plane: AnyPlane, controller_of: Callable[[AnyPlane], Awaitable[World]]
) -> None:
    async with lent(await controller_of(plane)) as world:
        tree = edit.desired()
        await world.deploy(tree)
        ref = place_of(world, tree)
        before = await world.settled(ref)

        edited = await world.person.edit(ref, edit.change, edit.manager)
        assert essence(edited) != essence(before), "the edit changed nothing"
        await world.has(ref, lambda live: essence(live) == essence(before))

        assert essence(await world.settled(ref)) == essence(before)
        await is_quiet(world, ref)
        if ref.kind in CLUSTER_SCOPED:
            await withdraw(world)  # else it would come back
            await world.person.delete(ref)


def place_of(world: World, tree: Tree) -> Ref:
    namespace = "" if tree["kind"] in CLUSTER_SCOPED else world.namespace
    return Ref(tree["apiVersion"], tree["kind"], namespace, tree["metadata"]["name"])


async def is_quiet(world: World, ref: Ref) -> None:
    """The controller knows that the object is in sync, after one heal."""
    state = world.find(ref)

    async def is_synced() -> bool:
        return state.sync is not None and state.sync.value == "Synced"

    await eventually(is_synced, explain=lambda: world.person.find(ref))
    assert len(state.memory.recent) == 1
    assert not state.memory.refusal
