"""What every test gets: its tier's marker and time limit, the real plane, an unblocked loop.

Environment:
    HOLDFAST_PLANE: the kubeconfig that `make plane` printed; tests use that plane and start none.
    CI: "true" turns what is skipped for a missing tool into a failure.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest
from blockbuster import blockbuster_ctx

from tests.support.plane import RealPlane
from tools import control_plane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.support.plane import AuditWebhook

TESTS = Path(__file__).parent
TIME_LIMIT_S = {
    "unit": 5,
    "property": 60,
    "contract": 60,
    "scenarios": 120,
    "browser": 120,
    "docs": 60,
    "tools": 60,
}
LONGEST_FIRST = ("scenarios", "browser", "contract", "docs", "tools", "property", "unit")
NEEDS_PLANE = {"plane_programs", "real_plane", "start_plane", "kubectl", "kustomize"}

# Hundreds of processes start here. Without kept bytecode each compiles Holdfast anew, and each
# reads all certificates that the machine trusts: together 0.4 s of processor time for nothing.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["SSL_CERT_FILE"] = str(TESTS / "support" / "nobody.pem")
os.environ["SSL_CERT_DIR"] = str(TESTS / "support" / "no-folder")

# A shell that starts the tests in the background has its children ignore Ctrl-C; those of the tests
# must not inherit that: what Ctrl-C does to them is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine is slow now and then: only the time limit of the tier fails a test.
hypothesis.settings.register_profile("holdfast", deadline=None, print_blob=True)
hypothesis.settings.load_profile("holdfast")


def _refuse_the_internet(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not (host.startswith("127.") or host in {"::1", "localhost"}):
            raise RuntimeError(f"a test tried to reach {host}: tests stay on the loopback")


sys.addaudithook(_refuse_the_internet)


def _tier(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        tier = _tier(item)
        if tier not in TIME_LIMIT_S:
            raise pytest.UsageError(f"{item.path}: tests live in one of {', '.join(TIME_LIMIT_S)}")
        item.add_marker(tier)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIME_LIMIT_S[tier], func_only=True))
        if isinstance(item, pytest.Function) and NEEDS_PLANE & set(item.fixturenames):
            item.add_marker("real")
    if hasattr(config, "workerinput"):  # of several: they end together when short files come last
        items.sort(key=lambda item: LONGEST_FIRST.index(_tier(item)))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly, in one line for each reason, what was left out.

    The reports are what comes here from every worker; what a worker remembers stays there.
    """
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple | list)
    )
    for reason, count in sorted(reasons.items()):
        text = f"SKIPPED: {reason} ({count} tests)"
        terminalreporter.write_sep("!", text, red=True, bold=True)


def _go_without(reason: str) -> NoReturn:
    """Skips, and says so loudly at the end; in CI nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def go_without() -> Callable[[str], None]:
    """Call it with the reason where a program of the system is missing: `_go_without`."""
    return _go_without


@pytest.fixture(scope="session")
def plane_programs() -> Path:
    """The folder of the real control plane's programs. Tests never build them."""
    programs = control_plane.find(os.environ)
    if programs is None:
        _go_without("the real control plane is not built; `make control-plane` does (Go)")
    return programs


@pytest.fixture(scope="session")
def real_plane(plane_programs: Path) -> Iterator[RealPlane]:
    """One real control plane for the whole session. Each test works in namespaces of its own.

    A test that stops a part of it, or needs its audit log, takes `start_plane`.
    """
    running = os.environ.get("HOLDFAST_PLANE")
    if running:
        yield RealPlane.attach(plane_programs, Path(running))
        return
    plane = RealPlane.start(plane_programs)
    yield plane
    plane.stop()


@pytest.fixture
def start_plane(plane_programs: Path) -> Iterator[Callable[..., RealPlane]]:
    """Starts a plane of the test's own: `start_plane(audit=True)`."""
    planes: list[RealPlane] = []

    def start(*, audit: bool = False, webhook: AuditWebhook | None = None) -> RealPlane:
        planes.append(RealPlane.start(plane_programs, audit=audit, webhook=webhook))
        return planes[-1]

    yield start
    for plane in planes:
        plane.stop()


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """A kubectl: the plane's own, else the one on PATH."""
    return _program("kubectl")


@pytest.fixture(scope="session")
def kustomize() -> Path:
    """A kustomize: the plane's own, else the one on PATH."""
    return _program("kustomize")


def _program(name: str) -> Path:
    folder = control_plane.find(os.environ)
    path = str(folder / name) if folder else shutil.which(name)
    if path is None:
        _go_without(f"{name} is not there; `make control-plane` builds it (Go)")
    return Path(path)


@pytest.fixture(autouse=True)
def loop_is_never_blocked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Our code that blocks the event loop of an async test (file, socket, sleep) fails it."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    request.getfixturevalue("no_task_is_left_behind")
    with blockbuster_ctx(scanned_modules=["holdfast"]):
        yield


@pytest.fixture
async def no_task_is_left_behind() -> AsyncIterator[None]:
    """A task that outlives its test loses its errors, and disturbs the next test."""
    yield
    await asyncio.sleep(0)  # a task that was cancelled last needs one turn to end
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left running: {left}"
