"""A whole controller on fakes, in virtual time: `async with controlling(...) as rig`."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from holdfast.config.settings import ControllerSettings, SyncSettings
from holdfast.controller.controller import Controller, ControllerPorts
from holdfast.controller.state import AppState, ObjectState
from holdfast.domain.application import APPLICATION
from holdfast.domain.events import AppEvent, Happening, Listener
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import HintStore
from holdfast.kit.tasks import Supervisor
from tests.support import builders
from tests.support.fake_cluster import FakeCluster, FakeRenderer, FakeSealing, FakeSources
from tests.support.virtual_time import LoopClock

WEB = AppKey("argocd", "web")
APP = ResourceKey(APPLICATION.group, APPLICATION.kind, "argocd", "web")


class Recorder:
    """Keeps Events."""

    def __init__(self) -> None:
        self.events: list[AppEvent] = []

    def record(self, event: AppEvent) -> None:
        self.events.append(event)


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []

    def take(self, happening: Happening) -> None:
        self.happenings.append(happening)


class Counters:
    """Keeps counters by name."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def increment(self, metric: str, amount: float = 1.0, /, **labels: str) -> None:
        del labels
        self.counts[metric] += int(amount)

    def observe(self, metric: str, value: float, /, **labels: str) -> None:
        del metric, value, labels

    def set_gauge(self, metric: str, value: float, /, **labels: str) -> None:
        del metric, value, labels

    def drop(self, metric: str, /, **labels: str) -> None:
        del metric, labels


@dataclass
class Rig:
    """A controller and everything around it."""

    cluster: FakeCluster
    git: FakeSources
    renderer: FakeRenderer
    clock: LoopClock
    supervisor: Supervisor
    controller: Controller
    recorder: Recorder
    counters: Counters

    async def settle(self, seconds: float = 5.0) -> None:
        """Let so much (virtual) time pass."""
        await asyncio.sleep(seconds)

    def app(self, name: str = "web") -> Tree:
        """The Application object as the cluster holds it."""
        return self.cluster.objects[replace(APP, name=name)]

    def status(self, name: str = "web") -> Tree:
        status = self.app(name).get("status")
        assert isinstance(status, dict), "no status was written"
        return status

    def phase(self, name: str = "web") -> str:
        state = self.status(name).get("operationState") or {}
        return str(state.get("phase") or "")

    def message(self, name: str = "web") -> str:
        return str(self.status(name)["operationState"]["message"])

    def sync(self, name: str = "web") -> str:
        return str(self.status(name)["sync"]["status"])

    def conditions(self, name: str = "web") -> dict[str, str]:
        found = self.status(name).get("conditions") or []
        return {item["type"]: item["message"] for item in found}

    def rows(self, name: str = "web") -> dict[str, str]:
        result = self.status(name)["operationState"].get("syncResult") or {}
        return {item["name"]: item["status"] for item in result.get("resources") or ()}

    def state(self, name: str = "web") -> AppState:
        return self.controller.registry.apps[AppKey("argocd", name)]

    def found(self, key: ResourceKey) -> ObjectState:
        return self.controller.registry.objects[key]

    def request_sync(self, operation: Tree | None = None, name: str = "web") -> None:
        """Put an operation on the Application, as the CLI does."""

        def change(tree: Tree) -> None:
            tree["operation"] = operation or {"sync": {}}
            (tree.get("status") or {}).pop("operationState", None)

        self.cluster.edit(replace(APP, name=name), change)

    def edit_app(self, name: str = "web", **spec: object) -> None:
        self.cluster.edit(replace(APP, name=name), lambda tree: tree["spec"].update(spec))


def quick(**changes: object) -> ControllerSettings:
    """Settings with waves that follow each other at once, and no refresh by time."""
    settings = ControllerSettings(sync=SyncSettings(wave_delay_s=0.1, recheck_s=5.0))
    return replace(settings, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def controlling(
    *trees: Tree,
    cluster: FakeCluster | None = None,
    git: FakeSources | None = None,
    settings: ControllerSettings | None = None,
    hint_store: HintStore | None = None,
    listeners: tuple[Listener, ...] = (),
) -> AsyncIterator[Rig]:
    """Run a controller on a cluster that holds `trees`, a project and the namespace `prod`."""
    if cluster is None:
        cluster = FakeCluster(builders.project(), builders.namespace(), *trees)
    git = git or FakeSources()
    clock, renderer = LoopClock(), FakeRenderer(git)
    recorder, counters = Recorder(), Counters()
    async with Supervisor(clock) as supervisor:
        controller = Controller(
            ControllerPorts(
                clock=clock,
                supervisor=supervisor,
                reader=cluster.reader,
                writer=cluster.writer,
                system=cluster.system,
                kinds=cluster.kinds,
                sealing=FakeSealing(),
                watching=cluster.watching,
                sources=git,
                renderer=renderer,
                recorder=recorder,
                metrics=counters,
                rng=random.Random(7),
                hint_store=hint_store,
                listeners=listeners,
            ),
            settings or quick(),
        )
        running = asyncio.create_task(controller.run())
        try:
            yield Rig(cluster, git, renderer, clock, supervisor, controller, recorder, counters)
        finally:
            failed = dict(supervisor.errors)
            running.cancel()
            await asyncio.wait([running])
    if not running.cancelled() and running.exception() is not None:
        raise running.exception() or AssertionError
    assert not failed, f"background tasks failed: {failed} {supervisor.last_errors}"
    assert not controller._queue.errors, f"work failed: {controller._queue.errors}"


def key_of(tree: Tree) -> ResourceKey:
    """Identity of a tree."""
    return Manifest(tree).key
