"""The page's process beside the controller: it answers, it may die, and it never stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.person import Person
from tests.support.process import HoldfastProcess
from tests.support.site import Site, config_map
from tests.support.waiting import eventually, eventually_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse

    from tests.support.sandbox import AnyPlane

PAGE = r"the page is served by process (\d+)"
ADDRESS = r"listening address=(\S+) metrics="


@pytest.fixture
def control() -> str:
    """A control namespace of the test's own."""
    return f"page-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def running(plane: AnyPlane, control: str, tmp_path: Path) -> Iterator[HoldfastProcess]:
    """`holdfast run` with its page."""
    process = HoldfastProcess.run(
        plane.kubeconfig, control, tmp_path / "data",
        "--listen", "127.0.0.1:0", "--disable-auth", repositories=str(tmp_path),
    )  # fmt: skip
    try:
        process.is_leading()
        yield process
    finally:
        process.kill()


def ask(process: HoldfastProcess, path: str) -> tuple[int, str]:
    """Ask the page's address; while no child is there the request waits."""
    url = f"http://{process.wait_for(ADDRESS)[1]}{path}"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""  # it died while it answered


def until_answered(process: HoldfastProcess, path: str) -> str:
    """Ask until the page answers: a child that dies takes its questions with it."""
    found: list[str] = []

    def is_answered() -> bool:
        status, text = ask(process, path)
        found[:] = [text]
        return status == 200

    eventually_now(is_answered, seconds=60)
    return found[0]


def is_alive(pid: int) -> bool:
    """Whether it runs; one that ended and waits to be asked for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_the_api_and_the_controllers_health_answer_on_one_address(
    running: HoldfastProcess,
) -> None:
    answer = json.loads(until_answered(running, "/api/v1/applications"))
    assert answer["metadata"]["resourceVersion"]
    assert "Version" in json.loads(until_answered(running, "/api/version"))
    assert until_answered(running, "/healthz") == "ok"
    assert until_answered(running, "/readyz") == "ok"
    assert running.stop() == 0


async def test_heals_go_on_without_the_page_and_it_comes_back(
    plane: AnyPlane, running: HoldfastProcess, control: str, tmp_path: Path
) -> None:
    async with Person(plane.kubeconfig) as person:
        site = Site(plane.kubeconfig, tmp_path, control, person, running)
        app = await site.deploy("web", {"web.yaml": config_map("web", a="git")})
        await app.synced()
        page = int(running.wait_for(PAGE)[1])
        await asyncio.to_thread(until_answered, running, "/api/v1/applications")
        seen = len(running.lines)
        os.kill(page, signal.SIGKILL)
        await person.patch(app.place("web"), {"data": {"a": "by hand"}})

        async def is_healed() -> bool:
            return bool((await person.get(app.place("web")))["data"]["a"] == "git")

        await eventually(is_healed)
        after = await asyncio.to_thread(running.wait_for, PAGE, after=seen)
        assert int(after[1]) != page
        await asyncio.to_thread(until_answered, running, "/api/v1/applications")
        assert not any("starting again" in line for line in running.lines), "the controller went on"
        await site.clean_up()


def test_the_page_ends_with_the_process_that_started_it(running: HoldfastProcess) -> None:
    page = int(running.wait_for(PAGE)[1])
    until_answered(running, "/api/v1/applications")
    with contextlib.closing(open_stream(running)):
        running.kill()
        eventually_now(lambda: not is_alive(page), seconds=15)


def open_stream(process: HoldfastProcess) -> HTTPResponse:
    """A reader that would keep the page busy for ever."""
    url = f"http://{process.wait_for(ADDRESS)[1]}/api/v1/stream/applications"
    stream: HTTPResponse = urllib.request.urlopen(url, timeout=20)
    return stream


def test_it_is_not_served_to_others_without_sign_in(
    plane: AnyPlane, control: str, tmp_path: Path
) -> None:
    refused = HoldfastProcess.run(
        plane.kubeconfig, control, tmp_path / "data",
        "--listen", "0.0.0.0:0", "--disable-auth",
    )  # fmt: skip
    assert refused.wait() == 20
    assert "HF3009" in refused.text
    assert "let people sign in" in refused.text
