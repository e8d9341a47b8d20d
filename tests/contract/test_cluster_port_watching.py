"""The port `Watching`: nothing is lost, whatever the network does."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import orjson
import pytest

from holdfast.cluster.connection import Options
from holdfast.cluster.watch import WatchTimes
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.ports import EventKind, WatchScope
from tests.support.kube import (
    CONFIG_MAP,
    SECRET,
    Answer,
    CutAfter,
    Proxy,
    RecordingSink,
    Stall,
    agrees_with_list,
    apply,
    config_map,
    connected,
    crd,
    delete,
    secret,
)
from tests.support.waiting import until

if TYPE_CHECKING:
    from holdfast.cluster.connection import Connection
    from holdfast.domain.manifest import Manifest

pytest_plugins = ("tests.support.kube_fixtures",)

GONE = orjson.dumps(
    {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410, "message": "too old"}
)


async def test_a_watch_lists_first_and_then_tells_every_change(
    plane: Connection, namespace: str
) -> None:
    await apply(plane, config_map(namespace, "before", x="1"))
    sink, scope = RecordingSink(), WatchScope(CONFIG_MAP, namespace)
    plane.watching.start(scope, sink)
    assert await plane.watching.wait_synced([scope], 10)
    assert plane.watching.is_synced(scope)
    keys, version = sink.lists[0]
    assert "before" in {key.name for key in keys}
    assert version > 0
    assert sink.has(EventKind.LISTED, "before")
    made = config_map(namespace, "made", x="1")
    await apply(plane, made)
    changed = await apply(plane, config_map(namespace, "made", x="2"))
    await delete(plane, made)
    await until(lambda: sink.has(EventKind.DELETED, "made"))
    # In between a server may tell of a deletion that was asked for (`deletionTimestamp`).
    kinds = [
        kind
        for kind, manifest in sink.seen
        if manifest.name == "made" and not (kind is EventKind.MODIFIED and manifest.is_terminating)
    ]
    assert kinds == [EventKind.ADDED, EventKind.MODIFIED, EventKind.DELETED]
    assert sink.seen[-1][1].uid == changed.uid
    assert plane.watching.lag_s() < 5


async def test_a_watch_of_a_namespace_says_nothing_of_others(
    plane: Connection, namespace: str
) -> None:
    sink, everywhere = RecordingSink(), RecordingSink()
    scope, wide = WatchScope(CONFIG_MAP, namespace), WatchScope(CONFIG_MAP)
    plane.watching.start(scope, sink)
    plane.watching.start(wide, everywhere)
    assert await plane.watching.wait_synced([scope, wide], 10)
    await apply(plane, config_map("default", f"other-{namespace}"))
    await apply(plane, config_map(namespace, "mine"))
    await until(lambda: sink.has(EventKind.ADDED, "mine"))
    await until(lambda: everywhere.has(EventKind.ADDED, f"other-{namespace}"))
    assert {manifest.namespace for _, manifest in sink.seen} <= {namespace}
    await delete(plane, config_map("default", f"other-{namespace}"))


async def test_a_watch_that_was_stopped_says_nothing_more(
    plane: Connection, namespace: str
) -> None:
    stopped, open_one = RecordingSink(), RecordingSink()
    scope, other = WatchScope(CONFIG_MAP, namespace), WatchScope(CONFIG_MAP)
    plane.watching.start(scope, stopped)
    plane.watching.start(other, open_one)
    assert await plane.watching.wait_synced([scope, other], 10)
    plane.watching.stop(scope)
    await apply(plane, config_map(namespace, "late"))
    await until(lambda: open_one.has(EventKind.ADDED, "late"))
    assert not stopped.has(EventKind.ADDED, "late")
    assert not plane.watching.is_synced(scope)


async def test_a_cut_in_the_middle_of_a_line_loses_nothing(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    proxy.watches.append(CutAfter(b'"name":"cm-1"'))
    proxy.watches.append(CutAfter(b'"name":"cm-3"'))
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        for number in range(5):
            await apply(plane, config_map(namespace, f"cm-{number}"))
        await until(lambda: sink.has(EventKind.ADDED, "cm-4"))
        assert [manifest.name for kind, manifest in sink.seen if kind is EventKind.ADDED] == [
            f"cm-{number}" for number in range(5)
        ]
        assert len(sink.lists) == 1  # resumed, not listed again
        assert not sink.failures


async def test_random_cuts_during_many_changes_end_in_the_state_of_a_list(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    rng = random.Random(11)
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        for step in range(150):
            name = f"cm-{rng.randrange(12)}"
            if rng.random() < 0.3:
                await delete(plane, config_map(namespace, name))
            else:
                await apply(plane, config_map(namespace, name, step=str(step)))
            if rng.random() < 0.15:
                proxy.cut_all()
        await agrees_with_list(sink, plane, scope)


@pytest.mark.parametrize("form", ["status", "event"])
async def test_a_watch_lists_again_after_410(
    plane: Connection, namespace: str, proxy: Proxy, form: str
) -> None:
    event = b'{"type":"ERROR","object":' + GONE + b"}\n"
    proxy.watches.append(Answer(410, GONE) if form == "status" else Answer(200, event))
    await apply(plane, config_map(namespace, "there"))
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        await until(lambda: len(sink.lists) == 2)
        await until(lambda: proxy.count("GET", "watch=true") == 2)
        await apply(plane, config_map(namespace, "after"))
        await until(lambda: sink.has(EventKind.ADDED, "after"))
        assert not sink.failures


async def test_a_server_that_always_says_410_is_not_flooded(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    proxy.watches.extend(Answer(410, GONE) for _ in range(1000))
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        began = time.monotonic()
        await until(lambda: len(sink.lists) >= 6)
        assert time.monotonic() - began > 1.0, "the pauses grow: 0, 0.1, 0.2, 0.4, 0.8 s"
        proxy.watches.clear()
        await apply(plane, config_map(namespace, "after"))
        await until(lambda: "after" in sink.versions())


async def test_retry_after_is_honoured_when_the_server_sheds_load(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    await apply(plane, config_map(namespace, "there"))
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    proxy.watches.append(Answer(429, b"busy", (("Retry-After", "1"),)))
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        await until(lambda: proxy.count("GET", "watch=true") == 1)
        began = asyncio.get_running_loop().time()
        await until(lambda: proxy.count("GET", "watch=true") == 2)
        assert asyncio.get_running_loop().time() - began > 0.9
        await apply(plane, config_map(namespace, "after"))
        await until(lambda: sink.has(EventKind.ADDED, "after"))
        assert len(sink.lists) == 1


async def test_a_server_that_goes_away_and_comes_back_loses_no_event(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    gone = config_map(namespace, "deleted-meanwhile")
    await apply(plane, gone)
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        proxy.is_away = True
        proxy.cut_all()
        await apply(plane, config_map(namespace, "made-meanwhile"))
        await delete(plane, gone)
        await until(lambda: bool(sink.failures))
        error = sink.failures[0]
        assert isinstance(error, ClusterError)
        assert error.code == "HF2001"
        assert not far.watching.is_synced(scope)
        proxy.is_away = False
        await agrees_with_list(sink, plane, scope)
        assert far.watching.is_synced(scope)
        assert len(sink.failures) == 1


async def test_a_watch_goes_on_where_it_was_after_the_server_was_away(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    gone = config_map(namespace, "deleted-meanwhile")
    await apply(plane, gone)
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        proxy.is_away = True
        proxy.cut_all()
        await apply(plane, config_map(namespace, "made-meanwhile"))
        await delete(plane, gone)
        await until(lambda: bool(sink.failures))  # three attempts failed
        proxy.is_away = False
        await until(lambda: sink.has(EventKind.ADDED, "made-meanwhile"))
        await until(lambda: sink.has(EventKind.DELETED, "deleted-meanwhile"))
        assert far.watching.is_synced(scope)
        assert len(sink.lists) == 1


async def test_a_server_that_forgot_the_version_while_it_was_away_is_listed_again(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        proxy.is_away = True
        proxy.cut_all()
        await apply(plane, config_map(namespace, "made-meanwhile"))
        await until(lambda: bool(sink.failures))
        proxy.watches.append(Answer(410, GONE))
        proxy.is_away = False
        await until(lambda: len(sink.lists) == 2)
        assert sink.has(EventKind.LISTED, "made-meanwhile")
        await until(lambda: far.watching.is_synced(scope))


async def test_a_version_from_which_nothing_is_ever_heard_is_not_trusted_for_ever(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    proxy.watches.extend(Stall() for _ in range(3))
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access, Options(watch_times=WatchTimes(silence_s=0.3))) as far:
        far.watching.start(scope, sink)
        await until(lambda: len(sink.lists) == 2)
        await apply(plane, config_map(namespace, "after"))
        await until(lambda: sink.has(EventKind.ADDED, "after"))


async def test_a_silent_stream_is_taken_for_broken(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    proxy.watches.append(Stall())
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    options = Options(watch_times=WatchTimes(silence_s=0.5))
    async with connected(proxy.access, options) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        await apply(plane, config_map(namespace, "unheard"))
        await until(lambda: sink.has(EventKind.ADDED, "unheard"))


async def test_a_stream_that_ends_at_once_without_a_word_is_no_busy_loop(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    proxy.watches.extend(Answer(200, b"") for _ in range(1000))
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        began = time.monotonic()
        await until(lambda: proxy.count("GET", "watch=true") >= 5)
        assert time.monotonic() - began > 1.0, "the pauses grow: 0.1, 0.2, 0.4, 0.8 s"


async def test_a_kind_that_goes_and_comes_again_is_watched_again(
    plane: Connection, namespace: str
) -> None:
    definition = crd(f"{namespace}.example.com")
    kind = GroupVersionKind(f"{namespace}.example.com", "v1", "Widget")
    await _install(plane, definition, kind)
    scope, sink = WatchScope(kind, namespace), RecordingSink()
    plane.watching.start(scope, sink)
    assert await plane.watching.wait_synced([scope], 10)
    await delete(plane, definition)
    await until(lambda: bool(sink.failures))
    error = sink.failures[0]
    assert isinstance(error, ClusterError)
    assert error.code == "HF2006"
    assert not plane.watching.is_synced(scope)
    await _install(plane, definition, kind)
    await until(lambda: len(sink.lists) >= 2)
    assert plane.watching.is_synced(scope)
    await delete(plane, definition)


async def test_a_kind_that_is_not_served_is_reported_and_not_asked_for_again(
    plane: Connection, proxy: Proxy
) -> None:
    scope, sink = WatchScope(GroupVersionKind("nobody.example.com", "v1", "Ghost")), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        assert len(sink.failures) == 1
        # No timer: it sleeps until the kinds change.
        await until(lambda: far.watching._watched[scope].parked)
        before = len(proxy.requests)
        another, heard = WatchScope(CONFIG_MAP, "default"), RecordingSink()
        far.watching.start(another, heard)
        assert await far.watching.wait_synced([another], 10)
        assert [path for _, path in proxy.requests[before:] if "nobody" in path] == []


async def test_an_event_of_a_megabyte_arrives(plane: Connection, namespace: str) -> None:
    """aiohttp's own line reader ends at 512 KB (docs/internals/argocd/apply.md D1)."""
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    plane.watching.start(scope, sink)
    assert await plane.watching.wait_synced([scope], 10)
    text = "0123456789" * 95_000
    await apply(plane, config_map(namespace, "big", text=text))
    await until(lambda: sink.has(EventKind.ADDED, "big"))
    assert sink.seen[-1][1].at("data", "text") == text


async def test_secrets_are_sealed_in_lists_and_events(plane: Connection, namespace: str) -> None:
    canary = "canary-4f1d-watch"
    await apply(plane, plane.sealing.seal(secret(namespace, "before", password=canary)))
    scope, sink = WatchScope(SECRET, namespace), RecordingSink()
    plane.watching.start(scope, sink)
    assert await plane.watching.wait_synced([scope], 10)
    await apply(plane, plane.sealing.seal(secret(namespace, "after", password=canary)))
    await until(lambda: sink.has(EventKind.ADDED, "after"))
    assert canary not in repr(sink.seen)
    tokens = {manifest.at("data", "password") for _, manifest in sink.seen}
    assert len(tokens - {None}) == 1
    assert all(str(token).startswith("hmac-sha256:") for token in tokens - {None})


async def _install(plane: Connection, definition: Manifest, kind: GroupVersionKind) -> None:
    await apply(plane, definition)

    async with asyncio.timeout(20):
        while plane.kinds.find(kind) is None:
            await plane.kinds.refresh()


async def test_a_list_of_large_objects_comes_in_small_pages(
    plane: Connection, namespace: str, proxy: Proxy
) -> None:
    """More than 256 KB are not decoded at once (apply.md C1); the first page is a short one."""
    text = "x" * 60_000
    for number in range(30):
        await apply(plane, config_map(namespace, f"large-{number:02d}", text=text))
    scope, sink = WatchScope(CONFIG_MAP, namespace), RecordingSink()
    async with connected(proxy.access) as far:
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
    keys, _ = sink.lists[0]
    assert sum(key.name.startswith("large-") for key in keys) == 30
    pages = [path for _, path in proxy.requests if "continue=" in path]
    assert len(pages) >= 3
    assert all("limit=4&" in path for path in pages)
