"""Contract tests run against the sandbox and against the real control plane."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.kubectl import Kubectl
from tests.support.leaving import what_to_delete
from tests.support.sandbox import AnyPlane, SandboxPlane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PLANE = re.compile(r"^(?P<test>[^\[]+)\[.*?(?P<plane>sandbox|real)(?P<rest>.*)\]$")
_results: dict[str, dict[str, str]] = {}


@pytest.fixture(scope="session")
def sandbox_plane() -> Iterator[SandboxPlane]:
    """One sandbox for the whole session. Each test works in namespaces of its own."""
    plane = SandboxPlane.start()
    yield plane
    plane.stop()


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
def any_plane(request: pytest.FixtureRequest) -> AnyPlane:
    """The sandbox, then the real control plane: a behaviour counts when both show it."""
    plane: AnyPlane = request.getfixturevalue(f"{request.param}_plane")
    return plane


@pytest.fixture(scope="session")
def kubectl_homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders in which kubectl keeps what it discovered, one for each plane."""
    return tmp_path_factory.mktemp("kubectl")


@pytest.fixture
def bare_kubectl(kubectl: Path, any_plane: AnyPlane, kubectl_homes: Path) -> Iterator[Kubectl]:
    """kubectl on a plane, in the namespace `default`."""
    home = kubectl_homes / any_plane.url.rpartition(":")[2]
    home.mkdir(exist_ok=True)
    made = Kubectl(kubectl, any_plane, home)
    yield made
    made.close()


@pytest.fixture
def kube(bare_kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl on a plane, in a namespace of the test's own."""
    namespace = bare_kubectl.enter_new_namespace()
    yield bare_kubectl
    for path in what_to_delete(namespace):
        bare_kubectl.rest.send("DELETE", path)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember on which plane each behaviour was shown."""
    if report.when != "call":
        return
    name = report.nodeid.rpartition("::")[2]
    found = _PLANE.match(name)
    if found is not None:
        row = f"{found['test'].removeprefix('test_').replace('_', ' ')} {found['rest'].strip('-')}"
        _results.setdefault(row.strip(), {})[found["plane"]] = report.outcome


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the list: a behaviour counts as built when both servers show it."""
    if not _results:
        return
    terminalreporter.write_sep("-", "shown on the sandbox and on the real control plane")
    marks = {"passed": "yes", "failed": "NO", "skipped": "-"}
    for row, planes in sorted(_results.items()):
        sandbox, real = (marks.get(planes.get(name, ""), "-") for name in ("sandbox", "real"))
        terminalreporter.write_line(f"{sandbox:>4} {real:>4}  {row}")
