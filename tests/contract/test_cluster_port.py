"""The ports `Kinds`, `ClusterReader`, `ClusterWriter` and `SystemWriter`: one test or more each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from holdfast.cluster.connection import Options
from holdfast.cluster.events import EventRecorder
from holdfast.cluster.reader import LogQuery
from holdfast.domain.errors import InternalError
from holdfast.domain.events import AppEvent, Reason
from holdfast.domain.identity import GroupKind, GroupVersionKind, Uid
from holdfast.domain.kinds import EVENT
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import ApplyOptions, Propagation, SystemWrite, Verb
from holdfast.kit.clock import SystemClock
from tests.support.kube import (
    APP,
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    Answer,
    Proxy,
    apply,
    config_map,
    connected,
    crd,
    delete,
    deployment,
    make_namespace,
    permit,
    refused,
    secret,
)
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from holdfast.cluster.connection import Connection
    from holdfast.cluster.kubeconfig import Access
    from holdfast.domain.ports import (
        ClusterReader,
        ClusterWriter,
        Kinds,
        Sealing,
        SystemWriter,
        Watching,
    )

pytest_plugins = ("tests.support.kube_fixtures",)

CANARY = "canary-71d3-port"


# --- Kinds -----------------------------------------------------------------------------------


async def test_a_kind_is_found_in_its_version(plane: Connection) -> None:
    info = plane.kinds.find(DEPLOYMENT)
    assert info is not None
    assert (info.plural, info.namespaced, info.can_be_watched) == ("deployments", True, True)
    assert "deploy" in info.short_names
    assert {"status", "scale"} <= set(info.subresources)
    assert plane.kinds.find(GroupVersionKind("apps", "v9", "Deployment")) is None
    namespaces = plane.kinds.find(NAMESPACE)
    assert namespaces is not None
    assert not namespaces.namespaced


async def test_a_kind_is_found_in_the_servers_preferred_version(plane: Connection) -> None:
    info = plane.kinds.find_preferred(GroupKind("autoscaling", "HorizontalPodAutoscaler"))
    assert info is not None
    assert info.gvk.version == "v2"
    assert info in plane.kinds.all()


async def test_a_refresh_sees_a_new_kind(plane: Connection, namespace: str) -> None:
    group = f"{namespace}.example.com"
    await apply(plane, crd(group))
    kind = GroupVersionKind(group, "v1", "Widget")

    async def is_seen() -> bool:
        await plane.kinds.refresh()
        return plane.kinds.find(kind) is not None

    await eventually(is_seen)
    info = plane.kinds.find(kind)
    assert info is not None
    assert (info.plural, info.namespaced) == ("widgets", True)
    await delete(plane, crd(group))


async def test_refreshes_that_come_together_share_one_answer(proxy: Proxy) -> None:
    async with connected(proxy.access) as far:
        before = proxy.count("GET", "/apis")
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(far.kinds.refresh())
        assert proxy.count("GET", "/apis") - before <= 2


# --- ClusterReader ---------------------------------------------------------------------------


async def test_an_object_that_exists_is_read_whole(plane: Connection, namespace: str) -> None:
    answer = await apply(plane, config_map(namespace, "a", x="1"))
    found = await plane.reader.get(CONFIG_MAP, namespace, "a")
    assert found is not None
    assert found.tree == answer.tree


async def test_what_is_missing_reads_as_none(plane: Connection, namespace: str) -> None:
    assert await plane.reader.get(CONFIG_MAP, namespace, "nobody") is None
    assert await plane.reader.get(CONFIG_MAP, "no-such-namespace", "nobody") is None
    ghost = GroupVersionKind("nobody.example.com", "v1", "Ghost")
    assert await plane.reader.get(ghost, namespace, "nobody") is None


async def test_a_list_of_more_than_one_page_is_whole(plane: Connection, namespace: str) -> None:
    names = {f"cm-{number:03}" for number in range(230)}
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(apply(plane, config_map(namespace, name)))
    listed = await plane.reader.list(CONFIG_MAP, namespace)
    assert names <= {item.name for item in listed.items}
    assert all(item.gvk == CONFIG_MAP for item in listed.items)
    assert int(listed.resource_version) >= max(item.version_number for item in listed.items)


async def test_a_list_can_be_of_all_namespaces_and_by_label(
    plane: Connection, namespace: str
) -> None:
    other = await make_namespace(plane)
    for place in (namespace, other):
        await apply(plane, config_map(place, "a").with_label("test", namespace))
    await apply(plane, config_map(namespace, "b"))
    listed = await plane.reader.list(CONFIG_MAP, None, f"test={namespace}")
    assert {(item.namespace, item.name) for item in listed.items} == {
        (namespace, "a"),
        (other, "a"),
    }


async def test_a_list_of_a_kind_that_is_not_served_is_an_error(plane: Connection) -> None:
    ghost = GroupVersionKind("nobody.example.com", "v1", "Ghost")
    error = await refused(plane.reader.list(ghost))
    assert error.code == "HF2006"


async def test_the_server_says_its_version(plane: Connection) -> None:
    assert (await plane.reader.server_version()).startswith("v1.")


async def test_the_server_says_who_we_are(plane: Connection) -> None:
    assert (await plane.reader.whoami()).user


async def test_the_log_of_a_pod_that_is_missing_is_an_error(
    plane: Connection, namespace: str
) -> None:
    async def read() -> None:
        async for _ in plane.reader.logs(namespace, "nobody"):
            pass

    assert (await refused(read())).code == "HF2003"


async def test_a_log_is_read_line_by_line_and_its_last_line_needs_no_newline(
    proxy: Proxy, namespace: str
) -> None:
    async with connected(proxy.access) as far:
        proxy.calls.append(Answer(200, "eins\nzwei €\n\ndrei".encode()))
        query = LogQuery(container="c", tail_lines=4, timestamps=True)
        lines = [line async for line in far.reader.logs(namespace, "pod-a", query)]
    assert lines == ["eins", "zwei €", "", "drei"]
    method, path = proxy.requests[-1]
    assert method == "GET"
    assert path.endswith("/pods/pod-a/log?container=c&tailLines=4&timestamps=true")


# --- ClusterWriter ---------------------------------------------------------------------------


async def test_an_apply_answers_with_the_object_and_our_fields(
    plane: Connection, namespace: str
) -> None:
    answer = await apply(plane, config_map(namespace, "a", x="1"))
    assert answer.uid
    entries = [(e["manager"], e["operation"]) for e in answer.managed_fields]
    assert entries == [("holdfast", "Apply")]


async def test_an_identical_apply_writes_nothing(plane: Connection, namespace: str) -> None:
    first = await apply(plane, config_map(namespace, "a", x="1"))
    second = await apply(plane, config_map(namespace, "a", x="1"))
    assert first.resource_version == second.resource_version


async def test_an_apply_needs_the_permit_of_that_object(plane: Connection, namespace: str) -> None:
    other = permit(config_map(namespace, "other"))
    with pytest.raises(InternalError, match="permit"):
        await plane.writer.apply(config_map(namespace, "a"), other, ApplyOptions())
    assert await plane.reader.get(CONFIG_MAP, namespace, "a") is None


async def test_status_and_managed_fields_of_git_are_not_sent(
    plane: Connection, namespace: str
) -> None:
    wanted = deployment(namespace, "web").with_metadata(managedFields=[{"manager": "x"}])
    wanted = Manifest({**wanted.tree, "status": {"replicas": 7}})
    assert (await apply(plane, wanted)).at("status", "replicas") != 7


async def test_an_apply_with_a_uid_never_creates(plane: Connection, namespace: str) -> None:
    """A heal that loses a race with a deletion must not resurrect (apply.md A3)."""
    there = await apply(plane, config_map(namespace, "a", x="1"))
    changed = config_map(namespace, "a", x="2").with_metadata(uid=there.uid)
    assert (await apply(plane, changed)).at("data", "x") == "2"
    await delete(plane, there, propagation=Propagation.BACKGROUND)
    error = await refused(apply(plane, changed))
    assert (error.code, error.retry) == ("HF2003", "on-prerequisite")
    await apply(plane, config_map(namespace, "a", x="1"))
    assert (await refused(apply(plane, changed))).code == "HF2003"


async def test_a_dry_run_writes_nothing(plane: Connection, namespace: str) -> None:
    answer = await plane.writer.dry_run(config_map(namespace, "a", x="1"))
    assert answer.at("data", "x") == "1"
    answer = await apply(plane, config_map(namespace, "a", x="1"), dry_run=True)
    assert answer.name == "a"
    assert await plane.reader.get(CONFIG_MAP, namespace, "a") is None


async def test_an_object_with_generate_name_is_created_not_applied(
    plane: Connection, namespace: str
) -> None:
    wanted = config_map(namespace, "").with_metadata(name=None, generateName="job-")
    made = await plane.writer.create(wanted, permit(wanted, Verb.CREATE))
    assert made.name.startswith("job-")
    assert (await refused(apply(plane, wanted))).code == "HF2005"
    named = config_map(namespace, "named")
    with pytest.raises(InternalError, match="never POSTed"):
        await plane.writer.create(named, permit(named, Verb.CREATE))


async def test_a_replace_needs_the_live_version(plane: Connection, namespace: str) -> None:
    first = await apply(plane, config_map(namespace, "a", x="1"))
    wanted = Manifest({**first.tree, "data": {"y": "2"}})
    replaced = await plane.writer.replace(wanted, permit(wanted, Verb.REPLACE))
    assert replaced.at("data") == {"y": "2"}
    error = await refused(plane.writer.replace(wanted, permit(wanted, Verb.REPLACE)))
    assert (error.code, error.retry) == ("HF2004", "now")


async def test_a_delete_says_whether_there_was_something_to_delete(
    plane: Connection, namespace: str
) -> None:
    there = await apply(plane, config_map(namespace, "a"))
    background = Propagation.BACKGROUND
    assert not await delete(plane, there, uid=Uid("another"), propagation=background)
    assert await plane.reader.get(CONFIG_MAP, namespace, "a") is not None
    assert await delete(plane, there, uid=there.uid, propagation=background)
    assert not await delete(plane, there, uid=there.uid, propagation=background)
    assert await plane.reader.get(CONFIG_MAP, namespace, "a") is None


async def test_a_delete_needs_a_permit_to_delete(plane: Connection, namespace: str) -> None:
    there = await apply(plane, config_map(namespace, "a"))
    with pytest.raises(InternalError):
        await plane.writer.delete(CONFIG_MAP, permit(there, Verb.APPLY))


async def test_entries_of_other_managers_can_be_made_ours(
    plane: Connection, namespace: str
) -> None:
    """Removals work again after the rename (apply.md A6)."""
    theirs = await apply(plane, config_map(namespace, "a", x="1", y="2"), manager="argocd")
    both = await apply(plane, config_map(namespace, "a", x="1", y="2"))
    renamed = [{**e, "manager": "holdfast"} for e in both.managed_fields]
    patched = await plane.writer.patch_managed_fields(both, renamed, permit(both, Verb.TAKE_OVER))
    assert {e["manager"] for e in patched.managed_fields} == {"holdfast"}
    error = await refused(
        plane.writer.patch_managed_fields(theirs, renamed, permit(both, Verb.TAKE_OVER))
    )
    assert (error.code, error.retry) == ("HF2004", "now")
    answer = await apply(plane, config_map(namespace, "a", x="1"))
    assert answer.at("data") == {"x": "1"}


# --- Secrets ---------------------------------------------------------------------------------


async def test_a_sealed_secret_reaches_the_server_open_and_comes_back_sealed(
    plane: Connection, namespace: str, any_access: Access
) -> None:
    sealed = plane.sealing.seal(secret(namespace, "s", password=CANARY))
    assert CANARY not in repr(sealed)
    answer = await apply(plane, sealed)
    assert answer.at("data") == sealed.at("data")
    read = await plane.reader.get(SECRET, namespace, "s")
    listed = await plane.reader.list(SECRET, namespace)
    dry = await plane.writer.dry_run(sealed)
    for text in (repr(answer), repr(read), repr(listed), repr(dry)):
        assert CANARY not in text
        assert "Y2FuYXJ5LTcxZDMtcG9ydA" not in text
    async with connected(any_access) as stranger:
        raw = await stranger.calls.transport.request(
            "GET", f"/api/v1/namespaces/{namespace}/secrets/s"
        )
    assert orjson.loads(raw.body)["data"]["password"] == "Y2FuYXJ5LTcxZDMtcG9ydA=="


async def test_a_last_applied_annotation_of_a_secret_never_comes_out(
    plane: Connection, namespace: str
) -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    text = orjson.dumps({"stringData": {"p": CANARY}}).decode()
    wanted = secret(namespace, "s", p=CANARY).with_annotation(name, text)
    answer = await apply(plane, plane.sealing.seal(wanted))
    assert str(answer.annotation(name)).startswith("hmac-sha256:")
    assert CANARY not in repr(answer)


async def test_an_error_text_never_quotes_a_secret(plane: Connection, namespace: str) -> None:
    wanted = secret(namespace, "s", **{"not a key!": CANARY})
    error = await refused(apply(plane, plane.sealing.seal(wanted)))
    assert error.code == "HF2005"
    assert CANARY not in error.describe()
    broken = Manifest({**wanted.tree, "stringData": None, "data": {"k": CANARY + "!"}})
    error = await refused(apply(plane, plane.sealing.seal(broken)))
    assert CANARY not in error.describe() + repr(error.causes)


async def test_the_installation_key_outlives_the_process(any_access: Access) -> None:
    async with connected(any_access) as first:
        place = await make_namespace(first)
        assert await first.settle_installation_key(place)
        token = first.sealing.seal(secret(place, "s", p=CANARY)).at("data", "p")
    async with connected(any_access) as second:
        assert second.sealing.seal(secret(place, "s", p=CANARY)).at("data", "p") != token
        assert await second.settle_installation_key(place)
        assert second.sealing.seal(secret(place, "s", p=CANARY)).at("data", "p") == token


# --- SystemWriter ----------------------------------------------------------------------------


async def test_our_own_objects_are_created_replaced_patched_and_deleted(
    plane: Connection, namespace: str
) -> None:
    write = SystemWrite.PROJECT
    made = await plane.system.create(config_map(namespace, "own", x="1"), write)
    with_two = Manifest({**made.tree, "data": {"x": "2"}})
    replaced = await plane.system.replace(with_two, write)
    assert (await refused(plane.system.replace(with_two, write))).code == "HF2004"
    assert (
        await refused(plane.system.create(config_map(namespace, "own"), write))
    ).code == "HF2011"
    merged = await plane.system.merge_patch(
        CONFIG_MAP, namespace, "own", {"data": {"y": "3"}}, write
    )
    assert merged.at("data") == {"x": "2", "y": "3"}
    assert int(merged.resource_version) > int(replaced.resource_version)
    patch = [{"op": "remove", "path": "/data/x"}]
    patched = await plane.system.json_patch(CONFIG_MAP, namespace, "own", patch, write)
    assert patched.at("data") == {"y": "3"}
    stale = [{"op": "test", "path": "/data/y", "value": "9"}, *patch]
    error = await refused(plane.system.json_patch(CONFIG_MAP, namespace, "own", stale, write))
    assert error.code == "HF2004"
    assert await plane.system.delete(CONFIG_MAP, namespace, "own", write)
    assert not await plane.system.delete(CONFIG_MAP, namespace, "own", write)


async def test_an_object_that_kubectl_applied_can_be_replaced_by_us(
    plane: Connection, namespace: str
) -> None:
    """Its last-applied annotation is a token here, and must go back as what it was."""
    name = "kubectl.kubernetes.io/last-applied-configuration"
    theirs = config_map(namespace, "own", x="1").with_annotation(name, '{"a":1}')
    await plane.system.create(theirs, SystemWrite.PROJECT)
    read = await plane.reader.get(CONFIG_MAP, namespace, "own")
    assert read is not None
    assert str(read.annotation(name)).startswith("hmac-sha256:")
    await plane.system.replace(Manifest({**read.tree, "data": {"x": "2"}}), SystemWrite.PROJECT)
    raw = await plane.calls.transport.request(
        "GET", f"/api/v1/namespaces/{namespace}/configmaps/own"
    )
    assert orjson.loads(raw.body)["metadata"]["annotations"][name] == '{"a":1}'


async def test_observing_sends_no_write(proxy: Proxy, plane: Connection, namespace: str) -> None:
    there = await apply(plane, config_map(namespace, "a", x="1"))
    async with connected(proxy.access, Options(observe=True)) as far:
        wanted = config_map(namespace, "a", x="2")
        assert (await refused(apply(far, wanted))).code == "HF2002"
        assert (await refused(delete(far, wanted))).code == "HF2002"
        assert (await far.writer.dry_run(wanted)).at("data", "x") == "2"
        assert (await refused(far.writer.replace(wanted, permit(wanted)))).code == "HF2002"
        assert (await refused(far.writer.create(wanted, permit(wanted)))).code == "HF2002"
        moved = far.writer.patch_managed_fields(there, [], permit(there))
        assert (await refused(moved)).code == "HF2002"
        system, write = far.system, SystemWrite.APPLICATION_STATUS
        await system.create(wanted, write)
        await system.replace(wanted, write)
        await system.merge_patch(CONFIG_MAP, namespace, "a", {"data": {"x": "3"}}, write)
        await system.json_patch(CONFIG_MAP, namespace, "a", [], write)
        assert not await system.delete(CONFIG_MAP, namespace, "a", write)
        assert not await far.settle_installation_key(namespace)
        recorder = far.events()
        recorder.record(_event())
    sent = [(method, path) for method, path in proxy.requests if "dryRun=All" not in path]
    assert {method for method, _ in sent} == {"GET"}
    assert len(proxy.requests) == len(sent) + 1
    after = await plane.reader.get(CONFIG_MAP, namespace, "a")
    assert after is not None
    assert after.resource_version == there.resource_version


# --- Events ----------------------------------------------------------------------------------


def _event(message: str = "Updated sync status: Synced -> OutOfSync") -> AppEvent:
    return AppEvent(APP, Uid("1-2-3"), Reason.RESOURCE_UPDATED, message, dest_server="https://x")


async def test_events_are_written_as_argo_cd_writes_them(plane: Connection, namespace: str) -> None:
    """docs/internals/argocd/controller.md §11.1."""
    app = APP.__class__(namespace, "web")
    recorder = EventRecorder(plane.system, SystemClock())
    for number in range(3):
        event = _event(f"message {number}")
        recorder.record(
            AppEvent(app, event.uid, event.reason, event.message, dest_server="https://x")
        )
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(recorder.run())
        assert await recorder.flush(10)
        writing.cancel()
    assert recorder.dropped == 0
    listed = await plane.reader.list(EVENT, namespace)
    events = [item for item in listed.items if item.name.startswith("web.")]
    assert sorted(str(item.at("message")) for item in events) == [
        "message 0",
        "message 1",
        "message 2",
    ]
    one = events[0]
    assert one.at("reason") == "ResourceUpdated"
    assert one.at("type") == "Normal"
    assert one.at("source", "component") == "argocd-application-controller"
    assert one.at("involvedObject", "kind") == "Application"
    assert one.annotation("dest-server") == "https://x"
    int(one.name.rpartition(".")[2], 16)


def test_a_connection_fits_the_ports() -> None:
    """The type checker is the test: this function is never called with a connection."""

    def fits(
        connection: Connection,
    ) -> tuple[Kinds, ClusterReader, ClusterWriter, SystemWriter, Sealing, Watching]:
        return (
            connection.kinds,
            connection.reader,
            connection.writer,
            connection.system,
            connection.sealing,
            connection.watching,
        )

    assert "connection" in fits.__annotations__
