"""After a sync nobody writes: the awkward manifests of docs/internals/argocd/apply.md A5.

What the server stores differently than git writes it must not look like drift, neither after the
sync nor after a look at git without a new commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import controlled
from tests.support.person import Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _pytest.mark import ParameterSet

    from tests.support.controlled import World
    from tests.support.plane import RealPlane
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
NOT_IN_THE_SANDBOX = {"LimitRange", "ValidatingWebhookConfiguration"}
CLUSTER_SCOPED = {"ClusterRole", "ValidatingWebhookConfiguration", "CustomResourceDefinition"}
RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Case:
    """A manifest that is awkward in one way."""

    id: str
    desired: Callable[[], Tree]


def policy(**ingress: Any) -> Tree:
    tree = d.network_policy()
    tree["spec"].update(ingress)
    return tree


def aggregated(name: str) -> Tree:
    return d.thing(
        RBAC,
        "ClusterRole",
        name,
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"no-such": "label"}}]},
        rules=[],
    )


def with_nulls() -> Tree:
    tree = d.deployment()
    tree["metadata"]["creationTimestamp"] = None
    tree["spec"]["template"]["metadata"]["creationTimestamp"] = None
    tree["spec"]["template"]["spec"]["affinity"] = None
    return tree


def old_autoscaler() -> Tree:
    return d.thing(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "web",
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 5,
            "targetCPUUtilizationPercentage": 60,
        },
    )


def with_status() -> Tree:
    return {**d.service(), "status": {"loadBalancer": {}}}


def with_server_metadata() -> Tree:
    tree = d.config_map()
    tree["metadata"].update(
        resourceVersion="1", uid="8a4b1c6e-0000-4000-8000-000000000000", generation=7, selfLink="x"
    )
    return tree


def empty_leaves() -> Tree:
    tree = d.deployment(
        d.container(args=[], env=[], resources={}, securityContext={}),
        pod={"nodeSelector": {}, "tolerations": [], "volumes": [{"name": "a", "emptyDir": {}}]},
    )
    tree["metadata"]["annotations"] = {}
    return tree


CASES = [
    Case("stringData in a secret", lambda: d.secret(stringData={"a": "1"}, data={"b": "eA=="})),
    Case("stringData over the same key in data", lambda: d.secret(
        stringData={"a": "1"}, data={"a": "eA=="})),
    Case("base64 with white space", lambda: d.secret(data={"a": "aGVsbG8g\nd29ybGQ=\n"})),
    Case("nulls in metadata and spec", with_nulls),
    Case("a null in the data of a config map", lambda: d.thing(
        "v1", "ConfigMap", "n", data={"a": None})),
    Case("a null in the data of a secret", lambda: d.thing("v1", "Secret", "n", data={"a": None})),
    Case("empty values that the server drops", empty_leaves),
    Case("an empty map of data", lambda: d.thing("v1", "ConfigMap", "n", data={})),
    Case("node port zero and an empty cluster address", lambda: d.service(
        type="NodePort", clusterIP="", ports=[{"port": 80, "nodePort": 0}])),
    Case("node ports to choose for one number by TCP and UDP", lambda: d.service(
        type="NodePort", ports=[
            {"name": "a", "port": 8080, "protocol": "UDP"},
            {"name": "b", "port": 8080, "protocol": "TCP", "nodePort": 0}])),
    Case("an aggregated cluster role", lambda: aggregated("aggregated-" + d.word())),
    Case("a network policy with an empty except", lambda: policy(
        ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": []}}]}])),
    Case("a network policy with empty labels", lambda: policy(podSelector={"matchLabels": {}})),
    Case("a network policy with no ingress", lambda: policy(ingress=[])),
    Case("environment variables in an unusual order", lambda: d.deployment(
        d.container(env=[{"name": n, "value": "1"} for n in "ZAMB"]))),
    Case("an autoscaler in an old version", old_autoscaler),
    Case("an autoscaler", d.autoscaler),
    Case("a status in git", with_status),
    Case("metadata that only the server writes", with_server_metadata),
    Case("quantities in other words", lambda: d.deployment(d.container(resources={
        "requests": {"cpu": "0.5", "memory": "1024Mi"},
        "limits": {"cpu": 1, "memory": "1073741824"}}))),
    Case("numbers and texts for ports", lambda: d.deployment(d.container(
        ports=[{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]))),
    Case("a resource field reference", lambda: d.deployment(d.container(env=[{
        "name": "M",
        "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}]))),
    Case("a stateful set with claims", d.stateful_set),
    Case("a cron job", d.cron_job),
    Case("an ingress", d.ingress),
    Case("a volume claim", d.volume_claim),
    Case("a limit range", d.limit_range),
    Case("a role binding", d.role_binding),
    Case("a service account", d.service_account),
    Case("a disruption budget", d.disruption_budget),
    Case("a job", d.job),
    Case("a daemon set", d.daemon_set),
    Case("a webhook", lambda: d.webhook("check-" + d.word())),
    Case("a quota", lambda: d.thing(
        "v1", "ResourceQuota", "q", spec={"hard": {"cpu": "0.5", "pods": 10}})),
]  # fmt: skip


def on_planes(cases: list[Case]) -> Iterator[ParameterSet]:
    """Each case on the sandbox, if it has such objects, and on the real plane."""
    for case in cases:
        if case.desired()["kind"] not in NOT_IN_THE_SANDBOX:
            yield pytest.param(case, "sandbox", id=f"{case.id}, on the sandbox")
        yield pytest.param(case, "real", id=case.id, marks=pytest.mark.real)


def substance(tree: Tree) -> tuple[Any, Any]:
    """What changes when somebody writes: the generation, and the time and fields of managers."""
    metadata = tree["metadata"]
    ours = [e for e in metadata["managedFields"] if e["manager"] == "holdfast"]
    return metadata.get("generation"), ours


@pytest.mark.parametrize(("case", "plane"), list(on_planes(CASES)), indirect=["plane"])
async def test_nothing_is_written_after_the_sync_of(
    case: Case, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        tree = case.desired()
        app = await world.deploy(tree)
        namespace = "" if tree["kind"] in CLUSTER_SCOPED else world.namespace
        ref = Ref(tree["apiVersion"], tree["kind"], namespace, tree["metadata"]["name"])
        before = await world.settled(ref)

        await app.worked()
        world.repository.write_text("README", "a commit that changes nothing")
        revision = world.repository.commit()
        app.refresh()
        await app.synced(revision)
        await world.at_rest(ref)

        after = await world.person.get(ref)
        assert substance(after) == substance(before)
        assert len(world.find(ref).memory.recent) == 0
        await _is_steady(world, ref)
        if not namespace:
            await world.person.delete(ref)


async def _is_steady(world: World, ref: Ref) -> None:
    state = world.find(ref)

    async def is_synced() -> bool:
        return state.sync is not None and state.sync.value == "Synced"

    await eventually(is_synced)


async def test_an_object_that_is_equal_already_is_never_applied(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """A cluster that is in sync is taken over by reading alone (C3)."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        trees = [d.config_map(), d.service(), d.deployment()]
        app = await world.deploy(*trees)
        refs = [
            Ref(tree["apiVersion"], tree["kind"], world.namespace, tree["metadata"]["name"])
            for tree in trees
        ]
        before = [substance(await world.settled(ref)) for ref in refs]
        await app.run({"revision": world.repository.head})
        await app.finished()
        assert [substance(await world.settled(ref)) for ref in refs] == before


@pytest.mark.parametrize("key", ["a", "b"])
async def test_a_changed_key_of_a_secret_written_as_string_data_is_seen_and_healed(
    key: str, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.secret(stringData={"a": "1"}, data={"b": "eA=="}))
        ref = Ref("v1", "Secret", world.namespace, "keys")
        before = await world.person.get(ref)
        await world.person.patch(ref, {"data": {key: "aGFuZA=="}})
        await world.has(ref, lambda tree: tree["data"] == before["data"])
        await world.person.patch(ref, {"data": {key: None}})
        await world.has(ref, lambda tree: tree["data"] == before["data"])


async def test_a_key_of_string_data_that_git_dropped_goes(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.secret(stringData={"a": "1", "b": "2"}))
        ref = Ref("v1", "Secret", world.namespace, "keys")
        await world.commit(app, d.secret(stringData={"a": "1"}))
        assert (await world.person.get(ref))["data"] == {"a": "MQ=="}


async def test_an_authority_that_a_controller_fills_in_is_no_drift(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    """`caBundle: ""` in git, filled by cainjector: our heal would remove it."""
    async with controlled(real_plane.kubeconfig, tmp_path) as world:
        tree = d.webhook("check-" + d.word())
        tree["webhooks"][0]["clientConfig"]["caBundle"] = ""
        app = await world.deploy(tree)
        ref = Ref(tree["apiVersion"], tree["kind"], "", tree["metadata"]["name"])
        bundle = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

        await world.person.edit(
            ref,
            lambda o: o["webhooks"][0]["clientConfig"].update(caBundle=bundle),
            manager="cert-manager-cainjector",
        )
        await world.at_rest(ref)
        assert (await world.person.get(ref))["webhooks"][0]["clientConfig"]["caBundle"] == bundle

        tree["webhooks"][0]["timeoutSeconds"] = 7
        await world.commit(app, tree)
        live = await world.person.get(ref)
        assert live["webhooks"][0]["timeoutSeconds"] == 7
        assert live["webhooks"][0]["clientConfig"]["caBundle"] == bundle
        await app.synced()
        await world.person.delete(ref)


async def test_what_others_add_beside_ours_stays_and_is_no_drift(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """A sidecar put first, a label, an annotation, an environment variable (A5, D3)."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.deployment())
        ref = Ref("apps/v1", "Deployment", world.namespace, "web")

        def change(tree: Tree) -> None:
            spec = tree["spec"]["template"]["spec"]
            spec["containers"].insert(0, d.container("sidecar"))
            spec["containers"][1]["env"].insert(0, {"name": "INJECTED", "value": "1"})
            tree["metadata"]["labels"]["added"] = "by-hand"
            tree["spec"]["template"]["metadata"]["annotations"]["restartedAt"] = "now"

        edited = await world.person.edit(ref, change)
        after = await world.settled(ref)
        assert after["spec"] == edited["spec"]
        assert after["metadata"]["labels"] == edited["metadata"]["labels"]
        assert len(world.find(ref).memory.recent) == 0


async def test_managed_fields_that_were_cleared_are_ours_again(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        await world.deploy(d.config_map())
        ref = Ref("v1", "ConfigMap", world.namespace, "settings")

        await world.person.patch(ref, {"metadata": {"managedFields": [{}]}})

        def is_ours(tree: Tree) -> bool:
            entries = tree["metadata"].get("managedFields", [])
            return any(entry["manager"] == "holdfast" for entry in entries)

        await world.has(ref, is_ours)
        await world.settled(ref)
        assert len(world.find(ref).memory.recent) == 1
