"""Requests over a fake cluster with one Application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.controller.requests.commands import DirectCommands, RequestPorts
from holdfast.controller.requests.feed import ApplicationFeed
from holdfast.controller.requests.queries import DirectQueries
from holdfast.domain.identity import AppKey
from holdfast.domain.log_lines import LogLine
from tests.support.fakes import (
    FakeClock,
    FakeCluster,
    FakeKinds,
    FakeRenderer,
    FakeSealing,
    FakeSources,
)
from tests.support.stored import FakeStored

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from holdfast.domain.commands import Command, Done
    from holdfast.domain.manifest import Manifest
    from holdfast.domain.queries import PodLogs, Query

Tree = dict[str, Any]
WEB = AppKey("argocd", "web")


def app(spec: Tree | None = None, **rest: Any) -> Tree:
    """`argocd/web`; members of `spec` replace those of the default."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd", **rest.pop("metadata", {})},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example/apps", "path": "web"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "prod"},
            **(spec or {}),
        },
        **rest,
    }


def default_project() -> Tree:
    """The project that allows everything."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }


class Printer:
    """Logs: every pod has printed the same."""

    def __init__(self) -> None:
        self.raw: tuple[str, ...] = ()

    async def lines(
        self, pod: Manifest, container: str, query: PodLogs
    ) -> AsyncGenerator[LogLine, None]:
        del container, query
        for each in self.raw:
            yield LogLine.parse(each, pod.name)


class World:
    """A fake cluster, and both ports over it."""

    def __init__(self, *objects: Tree, renders: tuple[Tree, ...] = ()) -> None:
        self.cluster = FakeCluster(default_project(), *objects)
        self.kinds = FakeKinds()
        self.sources = FakeSources()
        self.renderer = FakeRenderer(*renders)
        self.clock = FakeClock()
        self.stored = FakeStored(self.cluster)
        ports = RequestPorts(
            reader=self.cluster,
            writer=self.cluster,
            system=self.cluster,
            kinds=self.kinds,
            watching=self.cluster.watching,
            sealing=FakeSealing(),
            sources=self.sources,
            renderer=self.renderer,
            clock=self.clock,
            control_namespace="argocd",
            server="https://127.0.0.1:6443",
            stored=self.stored,
        )
        self.feed = ApplicationFeed(self.cluster.watching)
        self.commands = DirectCommands(ports, self.feed)
        self.printer = Printer()
        self.queries = DirectQueries(ports, self.feed, self.printer)

    def prints(self, *lines: str) -> None:
        """Let every pod print these lines, each as the API server gives it."""
        self.printer.raw = lines

    async def do(self, command: Command, who: str = "") -> Done:
        """Carry a command out."""
        return await self.commands.carry_out(command, who)

    async def ask(self, query: Query) -> Any:
        """Answer a query."""
        return await self.queries.answer(query, "")

    @property
    def web(self) -> Tree:
        """The Application as it stands."""
        found = self.cluster.find("Application", "argocd", "web")
        assert found is not None
        return found

    @property
    def written(self) -> list[str]:
        """What was written, in order."""
        return [f"{verb} {key.kind}" for verb, key, _ in self.cluster.writes]
