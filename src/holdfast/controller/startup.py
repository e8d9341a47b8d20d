"""What must be true before the controller starts, and is made so where that is safe.

In this order, first refusal wins:
  1. Argo CD's application controller runs in the namespace  -> refuse, unless told to take over
                                                                or only to observe
  2. CustomResourceDefinitions that are missing              -> created, and said so
     CRDs that exist                                         -> left as they are
  3. the control namespace, the AppProject `default`         -> created when missing, and said so

With `observe` nothing is written: what is missing is said, and what cannot be done without it is
refused. Two controllers on the same Applications would undo each other's status and operations;
that is why the first check comes first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.domain.application import DEFAULT_PROJECT
from holdfast.domain.errors import ClusterError, ConfigurationError, Retry
from holdfast.domain.identity import GroupKind, GroupVersionKind
from holdfast.domain.kinds import CRD, NAMESPACE
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, ClusterReader, Kinds, SystemWriter
from holdfast.domain.project import PROJECT
from holdfast.schema.argo_crds import crd_manifests
from holdfast.schema.own_crds import own_crd_manifests

ARGO_CONTROLLER = "argocd-application-controller"
_WORKLOADS = (
    GroupVersionKind("apps", "v1", "StatefulSet"),
    GroupVersionKind("apps", "v1", "Deployment"),
)
_FORBIDDEN = "HF2002"
_NEEDED = frozenset({"applications.argoproj.io", "appprojects.argoproj.io"})
_ESTABLISH_S = 20.0
_LOOK_AGAIN_S = 0.05
_ANYTHING: Tree = {
    "sourceRepos": ["*"],
    "destinations": [{"server": "*", "namespace": "*"}],
    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
}


@dataclass(frozen=True, slots=True)
class StartPorts:
    """What the start needs from outside."""

    reader: ClusterReader
    system: SystemWriter
    kinds: Kinds
    clock: Clock


@dataclass(frozen=True, slots=True)
class StartSettings:
    """How to start.

    Attributes:
        control_namespace: Namespace of Applications, projects and the Lease.
        observe: Write nothing.
        take_over: Start although Argo CD's application controller runs.
    """

    control_namespace: str
    observe: bool = False
    take_over: bool = False


async def prepare(ports: StartPorts, settings: StartSettings, say: Callable[[str], None]) -> None:
    """Make the cluster ready for the controller.

    Args:
        ports: The cluster.
        settings: How to start.
        say: Told in a sentence about everything that was made.

    Raises:
        ConfigurationError: HF3002, Argo CD runs there; HF3010, the CRDs are missing and may not be
            made.
        ClusterError: the cluster cannot be reached, or forbids it.
    """
    await _check_alone(ports, settings)
    await _ensure_definitions(ports, settings, say)
    await _ensure_namespace(ports, settings, say)
    await _ensure_default_project(ports, settings, say)


async def _check_alone(ports: StartPorts, settings: StartSettings) -> None:
    if settings.take_over or settings.observe:
        return
    for gvk in _WORKLOADS:
        found = await ports.reader.get(gvk, settings.control_namespace, ARGO_CONTROLLER)
        if found is None or not _runs(found):
            continue
        where = settings.control_namespace
        raise ConfigurationError(
            "HF3002",
            f"{gvk.kind} {ARGO_CONTROLLER} runs in namespace {where}; two controllers on the same "
            "Applications would undo each other's work. Nothing was started.",
            about=f"{gvk.kind} {where}/{ARGO_CONTROLLER}",
            hint="--observe compares and reports beside it without a single write; to change over, "
            f"`kubectl -n {where} scale {gvk.kind.lower()} {ARGO_CONTROLLER} --replicas=0`, or "
            "start with --take-over",
            retry=Retry.NEVER,
        )


def _runs(workload: Manifest) -> bool:
    desired = workload.at("spec", "replicas")
    ready = workload.at("status", "readyReplicas") or 0
    return (1 if desired is None else desired) > 0 or ready > 0


async def _ensure_definitions(
    ports: StartPorts, settings: StartSettings, say: Callable[[str], None]
) -> None:
    wanted = [Manifest(tree) for tree in (*crd_manifests(), *own_crd_manifests())]
    missing = [crd for crd in wanted if not await _is_there(ports, crd)]
    if not missing:
        return
    names = ", ".join(crd.name for crd in missing)
    if settings.observe:
        if not any(crd.name in _NEEDED for crd in missing):
            return  # nothing to observe in the others
        raise ConfigurationError(
            "HF3010",
            f"the cluster does not know {names}, and --observe writes nothing",
            hint="holdfast install --crds-only | kubectl apply --server-side -f -",
        )
    for crd in missing:
        await _create(ports, crd, SystemWrite.CRD)
    await _wait_established(ports, missing)
    await ports.kinds.refresh()
    say(f"installed what was missing: {names}")


async def _is_there(ports: StartPorts, crd: Manifest) -> bool:
    """Whether a definition is in the cluster.

    With Roles alone it cannot be read; discovery tells everybody what is served (apply.md B4).
    """
    try:
        return await ports.reader.get(CRD, "", crd.name) is not None
    except ClusterError as error:
        if error.code != _FORBIDDEN:
            raise
    group, kind = str(crd.at("spec", "group")), str(crd.at("spec", "names", "kind"))
    return ports.kinds.find_preferred(GroupKind(group, kind)) is not None


async def _wait_established(ports: StartPorts, definitions: list[Manifest]) -> None:
    until = ports.clock.monotonic() + _ESTABLISH_S
    for crd in definitions:
        while not _is_established(await ports.reader.get(CRD, "", crd.name)):
            if ports.clock.monotonic() > until:
                raise ClusterError(
                    "HF2010", f"{crd.name} was created but is not served", about=crd.name
                )
            await ports.clock.sleep(_LOOK_AGAIN_S)


def _is_established(crd: Manifest | None) -> bool:
    conditions = crd.at("status", "conditions") if crd is not None else None
    return isinstance(conditions, list) and any(
        item.get("type") == "Established" and item.get("status") == "True"
        for item in conditions
        if isinstance(item, dict)
    )


async def _ensure_namespace(
    ports: StartPorts, settings: StartSettings, say: Callable[[str], None]
) -> None:
    name = settings.control_namespace
    try:
        if await ports.reader.get(NAMESPACE, "", name) is not None:
            return
    except ClusterError as error:
        if error.code != _FORBIDDEN:
            raise
        return  # with Roles alone it cannot be read, and a Role in it says that it is there (B4)
    if settings.observe:
        say(f"namespace {name} does not exist; there is nothing to observe in it")
        return
    tree: Tree = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    if await _create(ports, Manifest(tree), SystemWrite.NAMESPACE):
        say(f"created namespace {name}")


async def _ensure_default_project(
    ports: StartPorts, settings: StartSettings, say: Callable[[str], None]
) -> None:
    namespace = settings.control_namespace
    if await ports.reader.get(PROJECT, namespace, DEFAULT_PROJECT) is not None:
        return
    if settings.observe:
        say(f"AppProject {namespace}/{DEFAULT_PROJECT} does not exist")
        return
    tree: Tree = {
        "apiVersion": PROJECT.api_version,
        "kind": PROJECT.kind,
        "metadata": {"name": DEFAULT_PROJECT, "namespace": namespace},
        "spec": _ANYTHING,
    }
    if await _create(ports, Manifest(tree), SystemWrite.PROJECT):
        say(f"created AppProject {DEFAULT_PROJECT}, which allows everything")


async def _create(ports: StartPorts, manifest: Manifest, write: SystemWrite) -> bool:
    """Create an object; False when somebody else was faster, which is as good."""
    try:
        await ports.system.create(manifest, write)
    except ClusterError as error:
        if error.code != "HF2011":
            raise
        return False
    return True
