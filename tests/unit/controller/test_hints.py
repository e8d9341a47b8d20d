"""After a start drift is healed from the file of hints, before git has been read."""

import zlib
from collections.abc import Callable

import orjson
import pytest

from holdfast.domain.errors import RepositoryError
from holdfast.domain.events import DriftOpened
from holdfast.domain.manifest import Tree
from tests.support.builders import (
    HEALING,
    app,
    config_map,
    deployment,
    namespace,
    project,
    secret,
)
from tests.support.fake_cluster import FakeCluster, FakeSources
from tests.support.rig import Told, controlling, key_of

CM = key_of(config_map())
AWAY = RepositoryError("HF1001", "git is away")


class Store:
    """A file in memory."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.writes = 0
        self.error: Exception | None = None
        self.full = False

    async def read(self) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.content

    async def write(self, content: bytes) -> None:
        if self.full:
            raise OSError("no space left")
        self.content = content
        self.writes += 1

    def names(self) -> list[str]:
        return [entry[1] for entry in self._head()["apps"]]

    def texts(self) -> str:
        """All that is in it, in clear."""
        blocks = (self.content or b"").partition(b"\n")[2]
        found, at = [], 0
        for *_, length in self._head()["apps"]:
            found.append(zlib.decompress(blocks[at : at + length]).decode())
            at += length
        return "\n".join(found)

    def edit(self, change: Callable[[Tree], object]) -> None:
        """Change what is said of the only Application."""
        tree = orjson.loads(self.texts())
        change(tree)
        block = zlib.compress(orjson.dumps(tree))
        (entry,) = self._head()["apps"]
        head = {**self._head(), "checksum": zlib.crc32(block), "apps": [[*entry[:2], len(block)]]}
        self.content = orjson.dumps(head) + b"\n" + block

    def _head(self) -> Tree:
        head: Tree = orjson.loads((self.content or b"").partition(b"\n")[0])
        return head


async def first_life(store: Store, git: FakeSources, *trees: Tree) -> FakeCluster:
    """Syncs, and ends."""
    async with controlling(app(automated=HEALING), git=git, hint_store=store) as rig:
        git.commit(*(trees or (config_map(a="1"),)))
        await rig.settle(30)
        assert rig.sync() == "Synced"
        return rig.cluster


async def test_a_deletion_in_the_gap_is_healed_while_git_is_away() -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    cluster.remove(CM)
    git.error = AWAY
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(1)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_a_change_in_the_gap_is_healed_while_git_is_away() -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    cluster.edit(CM, lambda tree: tree["data"].update(a="edited"))
    git.error = AWAY
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(1)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


async def test_what_equals_is_not_written() -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git, config_map(a="1"), deployment())
    cluster.requests.clear()
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(30)
        assert rig.cluster.writes("apply") == []


def _cut(content: bytes) -> bytes:
    return content[:-3]


def _spoilt(content: bytes) -> bytes:
    return content[:-5] + b"xxxxx"


def _of_later(content: bytes) -> bytes:
    return content.replace(b'"format":1', b'"format":9')


@pytest.mark.parametrize(
    "damage", [_cut, _spoilt, _of_later, lambda _: b"", lambda _: b"{}\n", lambda _: b"nonsense"]
)
async def test_a_damaged_file_costs_time_and_nothing_else(
    damage: Callable[[bytes], bytes],
) -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    store.content = damage(store.content or b"")
    cluster.remove(CM)
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}, "healed from git, as ever"


async def test_a_file_that_cannot_be_read_costs_time_and_nothing_else() -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    store.error = PermissionError("no")
    cluster.remove(CM)
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(10)
        assert rig.cluster.objects[CM]["data"] == {"a": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"source": {"repoURL": "https://git.example/other", "path": "."}},
        {"syncPolicy": {"automated": {}}},
        {"ignoreDifferences": [{"kind": "ConfigMap", "jsonPointers": ["/data/z"]}]},
    ],
)
async def test_a_hint_for_something_else_is_no_hint(change: Tree) -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    cluster.remove(CM)
    cluster.edit(key_of(app()), lambda tree: tree["spec"].update(change))
    git.error = AWAY
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(20)
        assert CM not in rig.cluster.objects


async def test_a_hint_older_than_the_last_sync_is_no_hint() -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    old = store.content
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        git.commit(config_map(a="2"))
        await rig.settle(200)
    assert store.content != old
    store.content = old
    cluster.remove(CM)
    git.error = AWAY
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(20)
        assert CM not in rig.cluster.objects


async def test_values_of_secrets_are_never_in_the_file() -> None:
    store, git = Store(), FakeSources()
    await first_life(store, git, config_map(a="plain"), secret(password="canary-7d1"))
    assert "plain" in store.texts()
    assert "canary-7d1" not in store.texts()
    assert '"Secret"' not in store.texts()


async def test_a_quiet_cluster_writes_the_file_once() -> None:
    store, git = Store(), FakeSources()
    async with controlling(app(automated=HEALING), git=git, hint_store=store) as rig:
        git.commit(config_map(a="1"))
        await rig.settle(3600)
        assert store.writes == 1


@pytest.mark.parametrize("damage", [lambda _: None, _cut])
async def test_a_file_that_was_lost_meanwhile_is_written_anew(
    damage: Callable[[bytes], bytes | None],
) -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(30)
        store.content = damage(store.content or b"")
        cluster.put(app("other", automated=HEALING))
        await rig.settle(60)
    assert sorted(store.names()) == ["other", "web"]


async def test_what_could_not_be_written_is_written_with_the_next_change() -> None:
    store, git = Store(), FakeSources()
    store.full = True
    async with controlling(app(automated=HEALING), git=git, hint_store=store) as rig:
        git.commit(config_map(a="1"))
        await rig.settle(30)
        assert store.content is None
        store.full = False
        rig.cluster.put(app("other", automated=HEALING))
        await rig.settle(60)
    assert sorted(store.names()) == ["other", "web"]


async def test_an_application_that_is_gone_leaves_the_file() -> None:
    store, git = Store(), FakeSources()
    cluster = await first_life(store, git)
    cluster.put(app("other", automated=HEALING))
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(30)
        cluster.remove(key_of(app()))
        git.commit(config_map(a="3"))
        await rig.settle(60)
    assert store.names() == ["other"]


def rewrite_images(tree: Tree) -> None:
    """A mutating webhook that lets every image come from a mirror."""
    if tree["kind"] == "Deployment":
        for container in tree["spec"]["template"]["spec"]["containers"]:
            container["image"] = "mirror.example/" + container["image"].rpartition("/")[2]


async def test_what_an_admission_webhook_rewrote_is_no_drift_after_a_start() -> None:
    store, git, cluster = Store(), FakeSources(), rewriting()
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        git.commit(config_map(a="1"), deployment())
        await rig.settle(30)
        assert rig.sync() == "Synced"
    cluster.requests.clear()
    git.error, told = AWAY, Told()
    async with controlling(cluster=cluster, git=git, hint_store=store, listeners=(told,)) as rig:
        await rig.settle(30)
        assert cluster.writes("apply") == []
        assert [one for one in told.happenings if isinstance(one, DriftOpened)] == []


async def test_an_edit_in_the_gap_of_what_a_webhook_rewrote_is_healed() -> None:
    store, git, cluster = Store(), FakeSources(), rewriting()
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        git.commit(deployment(replicas=2))
        await rig.settle(30)
    cluster.edit(key_of(deployment()), lambda tree: tree["spec"].update(replicas=7))
    cluster.requests.clear()
    git.error, told = AWAY, Told()
    async with controlling(cluster=cluster, git=git, hint_store=store, listeners=(told,)) as rig:
        await rig.settle(30)
        assert len(cluster.writes("apply")) == 1
        (drift,) = [one for one in told.happenings if isinstance(one, DriftOpened)]
        assert [row.path for row in drift.drift.differences] == ["spec.replicas"]


async def test_the_file_knows_the_object_that_took_the_place_of_a_deleted_one() -> None:
    """Its echo belongs to the uid: a port may be another one."""
    store, git, cluster = Store(), FakeSources(), rewriting()
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        git.commit(deployment())
        await rig.settle(30)
        cluster.remove(key_of(deployment()))
        await rig.settle(30)
    cluster.requests.clear()
    git.error = AWAY
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(30)
        assert cluster.writes("apply") == []


async def test_a_damaged_echo_costs_time_and_nothing_else() -> None:
    store, git, cluster = Store(), FakeSources(), rewriting()
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        git.commit(deployment())
        await rig.settle(30)
    store.edit(lambda tree: tree["echoes"][0][-1].update(v=None))
    async with controlling(cluster=cluster, git=git, hint_store=store) as rig:
        await rig.settle(30)
        assert rig.sync() == "Synced"


def rewriting() -> FakeCluster:
    cluster = FakeCluster(project(), namespace(), app(automated=HEALING))
    cluster.validators.append(rewrite_images)
    return cluster
