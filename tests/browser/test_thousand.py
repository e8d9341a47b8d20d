"""A thousand applications: the first paint, and how soon a change is seen.

The page's own process (`holdfast serve`) beside a cluster whose Applications stand still: what is
measured is the page, not a controller that deploys a thousand of them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from holdfast.api.page.look import number
from holdfast.schema.argo_crds.manifests import crd_manifests
from holdfast.schema.own_crds import own_crd_manifests
from tests.support.browser import Window, new_context
from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess, sandbox_process
from tests.support.waiting import quiet_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser, Locator

Tree = dict[str, Any]

MANY = 1000
CONTROL = "argocd"
APPS = "argoproj.io/v1alpha1"
ALL = number(MANY)
ROUNDS = 9
CHANGES = 10  # an even number: the last one takes the first one back
PAINT_LIMIT_MS = 200.0
CHANGE_LIMIT_MS = 100.0
SMALLEST_AT_REST_MS = 60.0
"""What the smallest screen takes to its first paint on 2 cores that do nothing else. A machine that
needs longer for it, or on which others take a share of the processor, is given as much more."""
SPIN_S = 0.03
IN_TEAM_AND_DEGRADED = sum(n % 20 == 17 and n % 12 == 1 for n in range(MANY))
SHA = "61e4bfa0d9a4d4d0e5b1c9b8a7f6e5d4c3b2a190"

pytestmark = pytest.mark.xdist_group("timed")


def application(n: int) -> Tree:
    """One of a thousand: of every colour, and as large as a small real one."""
    health = ("Healthy",) * 16 + ("Progressing", "Degraded", "Suspended", "Missing")
    is_out = n % 10 == 0
    spec = {
        "project": f"team-{n % 12}",
        "source": {
            "repoURL": f"https://git.example.com/team-{n % 12}/service-{n % 90}.git",
            "path": f"overlays/{('prod', 'stage', 'dev')[n % 3]}",
            "targetRevision": "main",
        },
        "destination": {
            "server": "https://kubernetes.default.svc",
            "namespace": f"ns-{n % 60}",
        },
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}} if n % 7 else {},
    }
    resources = [
        {"group": "apps" if kind == "Deployment" else "", "version": "v1", "kind": kind,
         "namespace": f"ns-{n % 60}", "name": f"service-{n}-{index}",
         "status": "OutOfSync" if is_out and not index else "Synced",
         "health": {"status": health[n % 20]}}
        for index, kind in enumerate(("Deployment", "Service", "ConfigMap", "Secret") * 3)
    ]  # fmt: skip
    entry = {
        "id": 1, "revision": SHA, "deployedAt": "2026-01-02T12:00:00Z",
        "deployStartedAt": "2026-01-02T11:59:58Z", "source": spec["source"],
    }  # fmt: skip
    status = {
        "sync": {"status": "OutOfSync" if is_out else "Synced", "revision": SHA},
        "health": {"status": health[n % 20]},
        "resources": resources,
        "history": [entry],
        "reconciledAt": "2026-01-02T12:00:00Z",
        "operationState": {
            "operation": {"sync": {"revision": SHA}}, "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "startedAt": "2026-01-02T11:59:58Z", "finishedAt": "2026-01-02T12:00:00Z",
        },
    }  # fmt: skip
    return {
        "apiVersion": APPS,
        "kind": "Application",
        "metadata": {
            "name": f"service-{n:04}",
            "namespace": CONTROL,
            "labels": {"team": f"team-{n % 12}", "tier": ("web", "data")[n % 2]},
        },
        "spec": spec,
        "status": status,
    }


@pytest.fixture(scope="module")
def cluster(chromium: Browser) -> Iterator[Path]:
    """A cluster for this module."""
    del chromium
    with sandbox_process() as kubeconfig:
        yield kubeconfig


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(cluster: Path) -> AsyncIterator[Person]:
    """Somebody who has made a thousand Applications."""
    async with Person(cluster) as person:
        for tree in (*crd_manifests(), *own_crd_manifests()):
            await person.create(tree)
        await person.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONTROL}}
        )
        numbers = iter(range(MANY))

        async def make() -> None:
            for each in numbers:
                await person.create(application(each))

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(make())
        yield person


@pytest.fixture(scope="module")
def served(cluster: Path, crowd: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`holdfast serve`; where it is."""
    del crowd
    folder = tmp_path_factory.mktemp("thousand")
    process = HoldfastProcess.start(
        "serve", "--listen", "127.0.0.1:0", "--kubeconfig", str(cluster), "--disable-auth",
        "--journal", str(folder / "journal.db"),
    )  # fmt: skip
    try:
        yield process.wait_for(r"serving (http://\S+)")[1]
    finally:
        process.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def window(served: str, chromium: Browser) -> AsyncIterator[Window]:
    """A window of somebody who need not sign in."""
    async with new_context(chromium) as context:
        window = Window(await context.new_page(), served)
        yield window
        window.check()


_PAINT = """() => {
  const [visit] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const server = visit.serverTiming.reduce((sum, one) => sum + one.duration, 0);
  return paint ? {paint: paint.startTime, server} : null;
}"""

_WAIT_FOR_HEALTH = """([selector, wanted]) => {
  const seen = new Promise((done) => {
    const observer = new MutationObserver(() => {
      if (document.querySelector(selector)?.dataset.health !== wanted) return;
      observer.disconnect();
      done(performance.timeOrigin + performance.now());
    });
    const what = {subtree: true, childList: true, attributes: true};
    observer.observe(document.body, what);
  });
  return {seen};
}"""


@dataclass
class Paint:
    """What one visit took, in ms; `stretch` is how much of the processor others had."""

    paint: float
    server: float
    stretch: float


async def _paint(window: Window, path: str) -> Paint:
    """The medians of several visits."""
    found = []
    for _ in range(ROUNDS):
        stretch = _stretch()
        await window.open(path)  # live updates are on before the next visit
        painted = await window.page.wait_for_function(_PAINT)
        found.append(Paint(**await painted.json_value(), stretch=stretch))
    return Paint(*(statistics.median(getattr(one, name) for one in found) for name in _NAMES))


_NAMES = ("paint", "server", "stretch")


def _stretch() -> float:
    """How much longer a bit of work takes than its share of the processor; 1 at rest."""
    began, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < SPIN_S:
        pass
    return (time.perf_counter() - began) / SPIN_S


async def _slowness(window: Window) -> float:
    """How much slower than at rest this machine is now, by its smallest screen; at least 1."""
    smallest = await _paint(window, "/pauses")
    return max(1.0, smallest.paint / SMALLEST_AT_REST_MS, smallest.stretch)


async def test_the_first_paint_of_a_thousand_applications_takes_less_than_200_ms(
    window: Window,
) -> None:
    await window.open("/applications")
    await expect(window.test("found")).to_have_text(ALL)
    slowness = await _slowness(window)
    found = await _paint(window, "/applications")
    assert found.paint < PAINT_LIMIT_MS * max(slowness, found.stretch), (found, slowness)
    assert found.server < found.paint


@pytest.mark.parametrize(
    ("path", "selector"),
    [
        ("/applications", "[data-key='argocd/service-0003'] .state[data-health]"),
        ("/applications/argocd/service-0003", "[data-test=health] .state[data-health]"),
    ],
    ids=["list", "application"],
)
async def test_a_change_is_seen_within_100_ms(
    window: Window, crowd: Person, path: str, selector: str
) -> None:
    slowness = await _slowness(window)
    await window.open(path)
    took = [await _until_seen(window, crowd, selector, turn) for turn in range(CHANGES)]
    assert statistics.median(took) < CHANGE_LIMIT_MS * slowness, (took, slowness)


async def _until_seen(window: Window, crowd: Person, selector: str, turn: int) -> float:
    """Milliseconds from before the request that changes it until the page has changed."""
    wanted = ("Degraded", "Healthy")[turn % 2]
    waiting = await window.page.evaluate_handle(_WAIT_FOR_HEALTH, [selector, wanted])
    await quiet_for(0.4, why="a burst is shown three times a second; this is about one change")
    began = time.time()
    await crowd.patch(
        Ref(APPS, "Application", CONTROL, "service-0003"),
        {"status": {"health": {"status": wanted}}},
    )
    seen: float = await waiting.evaluate("(waiting) => waiting.seen")
    return seen - began * 1000


async def test_what_is_chosen_is_found_counted_and_can_be_linked_to(window: Window) -> None:
    await window.open("/applications")
    async with window.without_reload():
        await window.click("filter-health-Degraded")
        await expect(window.test("found")).to_have_text(f"50 of {ALL}")
        await window.click("filter-proj-team-1")
        await expect(window.test("found")).to_have_text(f"{IN_TEAM_AND_DEGRADED} of {ALL}")
    await window.open("/applications?health=Degraded&sync=OutOfSync&view=list")
    await expect(window.test("found")).to_have_text(f"0 of {ALL}")
    await window.click("filter-sync-OutOfSync")
    await expect(window.test("row")).to_have_count(50)


async def test_a_thousand_objects_are_drawn_found_and_fitted(window: Window, crowd: Person) -> None:
    """They are named by the status; the cluster has none of them, and the page says so."""
    place = Ref(APPS, "Application", CONTROL, "service-0005")
    resources = [
        {"version": "v1", "kind": "ConfigMap", "namespace": "ns-5", "name": f"config-{n:04}",
         "status": "Synced"}
        for n in range(MANY)
    ]  # fmt: skip
    await crowd.patch(place, {"status": {"resources": resources}})
    await window.open("/applications/argocd/service-0005")
    nodes = window.test("node")
    await expect(nodes).to_have_count(MANY)
    await expect(window.test("tab-objects")).to_contain_text(ALL)
    tree = window.test("tree")
    async with window.without_reload():
        natural = await _box(tree)
        await window.page.get_by_role("button", name="Fit").click()
        whole = await _box(tree)
        assert whole > natural
        await window.page.get_by_role("button", name="Larger").click()
        assert await _box(tree) < whole
        await window.test("find").fill("config-0777")
        await expect(window.page.locator("#tree a:not([data-out])")).to_have_count(1)
        await window.click("view-list")
        await expect(window.page.locator("tbody tr:not([data-out])")).to_have_count(MANY)


async def _box(tree: Locator) -> float:
    """How wide a part of the tree is shown, in units of the drawing."""
    return float((await tree.get_attribute("viewBox") or "").split()[2])
