"""One Chromium and one `holdfast up` for a worker; a window of its own for each test.

All tests of this tier run on one event loop, the browser's. Each works on Applications of its own;
`windows` opens windows, signed in as `admin` or as `reader`, who may look and no more.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.support.browser import Window, expecting, find_chromium, new_context, running_chromium
from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess
from tests.support.site import Site
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from playwright.async_api import Browser, StorageState

HERE = Path(__file__).parent
CONTROL = "argocd"
READER = "reader"
PASSWORD = "look-and-no-more-1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session")
async def no_task_is_left_behind() -> AsyncIterator[None]:
    """The browser's own tasks stay; a test leaves none of its own."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = {task for task in asyncio.all_tasks() - before if "playwright" not in repr(task)}
    assert not left - {asyncio.current_task()}, f"tasks left running: {left}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(go_without: Callable[[str], None]) -> AsyncIterator[Browser]:
    """The browser of this worker."""
    program = find_chromium()
    if program is None:
        go_without("Chromium is not installed: the page was not tested (apt-get install chromium)")
    assert program is not None
    async with running_chromium(program) as browser:
        yield browser


@dataclass
class Up:
    """A running `holdfast up --example`, and who may come in.

    Attributes:
        base: Where the page is.
        states: Cookies of those who are signed in, by name.
    """

    process: HoldfastProcess
    folder: Path
    base: str
    kubeconfig: Path
    link: str
    states: dict[str, StorageState]


@pytest.fixture(scope="session")
def up(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`holdfast up --example` for the session."""
    del chromium  # without a browser there is nothing to start
    folder = tmp_path_factory.mktemp("up")
    process = HoldfastProcess.start(
        "up", "--example", "--data", str(folder / "data"), "--api-port", "0",
        "--listen", "127.0.0.1:0", "--allow-local-repos", str(folder),
    )  # fmt: skip
    try:
        link = process.wait_for(r"^open (http://\S+)$", seconds=60)[1]
        yield Up(
            process, folder, link.partition("/auth/")[0], folder / "data" / "kubeconfig", link, {}
        )
    finally:
        process.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def person(up: Up) -> AsyncIterator[Person]:
    """Somebody with kubectl."""
    async with Person(up.kubeconfig) as person:
        yield person


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signed_in(chromium: Browser, up: Up, person: Person) -> Up:
    """Signs `admin` in by the link that `up` prints, and `reader` by the form."""
    async with new_context(chromium) as context:
        window = Window(await context.new_page(), up.base)
        await window.page.goto(up.link)
        await window.is_live()
        up.states["admin"] = await context.storage_state()
        await _make_reader(window, person)
        window.check()
    async with new_context(chromium) as context:
        window = Window(await context.new_page(), up.base)
        await sign_in(window, READER, PASSWORD)
        up.states[READER] = await context.storage_state()
        window.check()
    return up


async def _make_reader(window: Window, person: Person) -> None:
    secret = Ref("v1", "Secret", CONTROL, "argocd-initial-admin-secret")
    first = base64.b64decode((await person.get(secret))["data"]["password"]).decode()
    await _write(person, "argocd-cm", {f"accounts.{READER}": "login"})
    await _write(person, "argocd-rbac-cm", {"policy.csv": f"g, {READER}, role:readonly\n"})
    body = {"name": READER, "currentPassword": first, "newPassword": PASSWORD}

    async def is_given() -> bool:
        return (await window.ask("PUT", "/api/v1/account/password", body))[0] == 200

    with expecting(window, 404):  # the account is known once its ConfigMap was seen
        await eventually(is_given)


async def _write(person: Person, name: str, data: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": CONTROL}
    tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    await person.apply(tree)


async def sign_in(window: Window, name: str, password: str) -> None:
    """Signs in by the form, on the way to the applications."""
    await window.open("/applications", live=False)
    await window.page.get_by_label("Name").fill(name)
    await window.page.get_by_label("Password").fill(password)
    await window.page.get_by_role("button", name="Sign in").click()
    await window.is_live()


OpenWindow = "Callable[..., Awaitable[Window]]"


@pytest_asyncio.fixture(loop_scope="session")
async def windows(signed_in: Up, chromium: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Opens windows: `await windows("reader", viewport=NARROW)`; what went wrong in one fails."""
    async with contextlib.AsyncExitStack() as stack:
        opened: list[Window] = []

        async def open_window(who: str = "admin", **options: Any) -> Window:
            made = new_context(chromium, state=signed_in.states[who], **options)
            context = await stack.enter_async_context(made)
            opened.append(Window(await context.new_page(), signed_in.base))
            return opened[-1]

        yield open_window
        for window in opened:
            window.check()


@pytest_asyncio.fixture(loop_scope="session")
async def window(windows: Callable[..., Awaitable[Window]]) -> Window:
    """A window of `admin`."""
    return await windows()


@pytest_asyncio.fixture(loop_scope="session")
async def site(signed_in: Up, person: Person) -> AsyncIterator[Site]:
    """Makes Applications for one test."""
    site = Site(signed_in.kubeconfig, signed_in.folder, CONTROL, person, signed_in.process)
    yield site
    await site.clean_up()
