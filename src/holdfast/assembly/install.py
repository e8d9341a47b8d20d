"""What `holdfast install` prints, and the CRDs that `--upgrade` brings up to date."""

import random
from contextlib import AsyncExitStack

from holdfast import __version__
from holdfast.cluster.connection import connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.kinds import CRD
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from holdfast.planning import install
from holdfast.schema.argo_crds import crd_manifests
from holdfast.schema.own_crds import own_crd_manifests

IMAGE = f"holdfast:v{__version__}"
"""Nothing is published yet: an image that the cluster can pull is named with `--image`."""


def install_manifests(namespace: str, *, crds_only: bool, image: str = "") -> list[Tree]:
    """Return the manifests, in the order in which they can be created."""
    if crds_only:
        return _definitions()
    return [manifest.tree for manifest in install.install_manifests(namespace, image or IMAGE)]


async def upgrade_definitions(kubeconfig: str, context: str) -> list[tuple[str, str]]:
    """Bring the CRDs of a cluster up to date; return each name with what became of it.

    Only `spec` is replaced, so that labels and annotations of others stay.

    Raises:
        HoldfastError: the cluster cannot be reached, or forbids it.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(clock))
        connection = await connect(
            find_access(kubeconfig or None, context),
            clock=clock,
            supervisor=supervisor,
            rng=random.Random(),  # noqa: S311 - jitter
        )
        stack.push_async_callback(connection.close)
        changed = []
        for tree in _definitions():
            wanted = Manifest(tree)
            live = await connection.reader.get(CRD, "", wanted.name)
            if live is None:
                await connection.system.create(wanted, SystemWrite.CRD)
                changed.append((wanted.name, "created"))
                continue
            step = {"op": "replace", "path": "/spec", "value": tree["spec"]}
            after = await connection.system.json_patch(
                CRD, "", wanted.name, [step], SystemWrite.CRD
            )
            same = after.resource_version == live.resource_version
            changed.append((wanted.name, "unchanged" if same else "updated"))
        return changed


def _definitions() -> list[Tree]:
    return [*crd_manifests(), *own_crd_manifests()]
