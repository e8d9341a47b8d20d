"""Everyone who works in the cluster: what is always on, and the stand-ins that can be left out."""

from typing import Protocol

from holdfast.sandbox.controllers.access import Access
from holdfast.sandbox.controllers.cron_jobs import CronJobs
from holdfast.sandbox.controllers.daemon_sets import DaemonSets
from holdfast.sandbox.controllers.definitions import Definitions
from holdfast.sandbox.controllers.deployments import Deployments
from holdfast.sandbox.controllers.endpoints import Endpoints
from holdfast.sandbox.controllers.engine import Engine, Reconciler
from holdfast.sandbox.controllers.garbage import GarbageCollector
from holdfast.sandbox.controllers.jobs import Jobs
from holdfast.sandbox.controllers.namespaces import Namespaces
from holdfast.sandbox.controllers.pods import Pods
from holdfast.sandbox.controllers.quotas import Budgets, Quotas
from holdfast.sandbox.controllers.replicas import CONTROLLERS, Replicas
from holdfast.sandbox.controllers.roles import AggregatedRoles
from holdfast.sandbox.controllers.stateful_sets import StatefulSets
from holdfast.sandbox.controllers.volumes import Volumes
from holdfast.sandbox.kinds.crds import served_resources
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import CRDS, Plane
from holdfast.sandbox.store.objects import Change
from holdfast.sandbox.verbs.deleting import Deleter
from holdfast.sandbox.verbs.writing import Writer


class OpenWatches(Protocol):
    """What ends the watches of a kind that is no longer served."""

    def close(self, resource: Resource | None = None) -> None:
        """End watches of a resource."""


class Staff:
    """Starts and stops the controllers."""

    def __init__(
        self, plane: Plane, writer: Writer, deleter: Deleter, watches: OpenWatches, ca_pem: str
    ) -> None:
        """Make them; `start` lets them work."""
        self._plane = plane
        self._watches = watches
        self._access = Access(plane, writer, deleter)
        reconcilers: list[Reconciler] = [Definitions()]
        if plane.builtin_controllers:
            reconcilers += [Namespaces(ca_pem), GarbageCollector()]
            reconcilers += [Deployments(), Replicas(), Pods()]
            reconcilers += [
                Endpoints(),
                StatefulSets(),
                DaemonSets(),
                Jobs(),
                CronJobs(),
                Volumes(),
                Quotas(),
                AggregatedRoles(),
                Budgets(),
            ]
            reconcilers.append(Replicas(CONTROLLERS, "ReplicationController", "replication"))
        self._engine = Engine(self._access, reconcilers)

    def start(self) -> None:
        """Serve the kinds of the CRDs, index the objects, begin."""
        for stored in self._plane.store.all_of(CRDS):
            self._serve(Change("ADDED", CRDS, ("", stored.tree["metadata"]["name"]), stored, None))
        self._plane.store.listen(self._serve, CRDS)
        self._access.start()
        self._engine.start()

    def stop(self) -> None:
        """End."""
        self._engine.stop()

    def _serve(self, change: Change) -> None:
        """A CRD changed: what it serves is served from this moment on."""
        tree = change.now.tree
        gone = change.type == "DELETED"
        resources = () if gone else served_resources(tree)
        if gone:
            for resource in self._plane.registry.custom(change.key[1]):
                self._watches.close(resource)
        self._plane.registry.set_custom(change.key[1], resources)
