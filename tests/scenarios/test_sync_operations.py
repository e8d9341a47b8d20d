"""The sync lane on both planes: switches, prune, operations, waves, history, deletion.

Rules: docs/internals/argocd/controller.md §6, §7, §9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import declared as d
from tests.support.controlled import APPS, QUICK_RETRY, controlled
from tests.support.person import Ref
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.controlled import App, World
    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
CASCADE = "resources-finalizer.argocd.argoproj.io"


def config(world: World, name: str = "settings") -> Ref:
    return Ref("v1", "ConfigMap", world.namespace, name)


def with_annotation(tree: Tree, key: str, value: str) -> Tree:
    metadata = tree["metadata"]
    annotations = {**metadata.get("annotations", {}), f"argocd.argoproj.io/{key}": value}
    return {**tree, "metadata": {**metadata, "annotations": annotations}}


async def data_of(world: World, name: str = "settings") -> Tree:
    data: Tree = (await world.person.get(config(world, name)))["data"]
    return data


async def is_gone(world: World, ref: Ref) -> bool:
    return await world.person.find(ref) is None


def sync_status(tree: Tree) -> str:
    return str(tree.get("status", {}).get("sync", {}).get("status", ""))


async def looked(app: App, world: World) -> Tree:
    """Waits until the head of the repository has been compared."""
    app.refresh()
    head = world.repository.head
    return await app.until(
        lambda tree: tree.get("status", {}).get("sync", {}).get("revision") == head
    )


# --- switches --------------------------------------------------------------------------------


async def test_drift_is_reported_and_left_alone_while_self_heal_is_off(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), self_heal=False)
        await world.person.patch(config(world), {"data": {"a": "hand"}})
        tree = await app.until(lambda tree: sync_status(tree) == "OutOfSync")
        row = tree["status"]["resources"][0]
        assert (row["kind"], row["status"]) == ("ConfigMap", "OutOfSync")
        await world.at_rest(config(world))
        assert (await data_of(world))["a"] == "hand"

        await world.person.patch(config(world), {"data": {"a": "1"}})
        await app.synced()


async def test_drift_is_undone_at_once_when_self_heal_is_switched_on(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), self_heal=False)
        await world.person.patch(config(world), {"data": {"a": "hand"}})
        await app.until(lambda tree: sync_status(tree) == "OutOfSync")
        await app.set_policy({"automated": {"selfHeal": True}})
        await world.has(config(world), lambda tree: tree["data"]["a"] == "1")
        await app.synced()


async def test_nothing_is_applied_while_automatic_sync_is_off(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        world.repository.write("app/all.json", d.config_map())
        world.repository.commit()
        app = await world.create_app(automated=False)
        tree = await app.until(lambda tree: sync_status(tree) == "OutOfSync")
        assert tree["status"]["health"]["status"] == "Missing"
        await world.at_rest(config(world))
        assert await world.person.find(config(world)) is None

        await app.run()
        state = await app.finished()
        assert state["phase"] == "Succeeded"
        await app.synced()


async def test_a_heal_shows_in_status_as_a_self_heal_and_leaves_no_history(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), d.service())
        history = (await app.status())["history"]
        await world.person.delete(config(world))

        def shows(tree: Tree) -> bool:
            state = tree["status"]["operationState"]
            return bool(state["operation"].get("sync", {}).get("autoHealAttemptsCount"))

        tree = await app.until(shows)
        state = tree["status"]["operationState"]
        assert state["operation"]["initiatedBy"] == {"automated": True}
        assert state["phase"] == "Succeeded"
        rows = state["syncResult"]["resources"]
        assert [(row["kind"], row["name"]) for row in rows] == [("ConfigMap", "settings")]
        assert "operation" not in tree
        assert tree["status"]["history"] == history


# --- prune -----------------------------------------------------------------------------------


async def test_what_git_dropped_stays_and_is_out_of_sync_while_prune_is_off(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), d.config_map("extra"), prune=False)
        world.repository.write("app/all.json", d.config_map())
        world.repository.commit()
        tree = await looked(app, world)
        assert sync_status(tree) == "OutOfSync"
        rows = {row["name"]: row for row in tree["status"]["resources"]}
        assert rows["extra"]["requiresPruning"] is True
        await world.at_rest(config(world, "extra"))
        assert await world.person.find(config(world, "extra"))

        await app.run({"prune": True})
        assert (await app.finished())["phase"] == "Succeeded"
        await eventually(lambda: is_gone(world, config(world, "extra")))
        await app.synced()


async def test_an_object_that_says_prune_false_is_never_pruned(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        kept = with_annotation(d.config_map("kept"), "sync-options", "Prune=false")
        app = await world.deploy(d.config_map(), kept, d.config_map("extra"))
        world.repository.write("app/all.json", d.config_map())
        world.repository.commit()
        app.refresh()
        await eventually(lambda: is_gone(world, config(world, "extra")))
        await world.at_rest(config(world, "kept"))
        assert await world.person.find(config(world, "kept"))


async def test_an_empty_repository_prunes_nothing(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        world.repository.remove("app/all.json")
        world.repository.write_text("app/README", "nothing here")
        world.repository.commit()
        app.refresh()
        tree = await app.until(
            lambda tree: any(
                item["type"] == "SyncError" for item in tree["status"].get("conditions", [])
            )
        )
        assert "wipe out all resources" in str(tree["status"]["conditions"])
        assert await world.person.find(config(world))


# --- operations ------------------------------------------------------------------------------


async def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), d.config_map("extra"))
        await app.set_policy(None)
        world.repository.write("app/all.json", d.config_map(a="9"), d.config_map("new"))
        world.repository.commit()
        await looked(app, world)
        await app.run({"dryRun": True, "prune": True})
        state = await app.finished()
        assert state["phase"] == "Succeeded"
        names = {row["name"] for row in state["syncResult"]["resources"]}
        assert {"settings", "new", "extra"} <= names
        assert await data_of(world) == {"a": "1", "b": "2"}
        assert await world.person.find(config(world, "new")) is None
        assert await world.person.find(config(world, "extra"))
        assert len((await app.status())["history"]) == 1


async def test_a_selective_sync_touches_what_it_names_and_leaves_no_history(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map("one"), d.config_map("two"))
        await app.set_policy(None)
        world.repository.write(
            "app/all.json", d.config_map("one", a="9"), d.config_map("two", a="9")
        )
        world.repository.commit()
        await looked(app, world)
        await app.run({"resources": [{"group": "", "kind": "ConfigMap", "name": "one"}]})
        assert (await app.finished())["phase"] == "Succeeded"
        assert await data_of(world, "one") == {"a": "9"}
        assert await data_of(world, "two") == {"a": "1", "b": "2"}
        tree = await app.tree()
        assert sync_status(tree) == "OutOfSync"
        assert len(tree["status"]["history"]) == 1


async def test_a_sync_to_an_older_revision_and_a_rollback_apply_what_it_declared(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="1"), d.config_map("old"))
        first = world.repository.head
        await world.commit(app, d.config_map(a="2"))
        await eventually(lambda: is_gone(world, config(world, "old")))
        await app.set_policy(None)

        await app.run({"revision": first, "prune": True})
        assert (await app.finished())["phase"] == "Succeeded"
        assert await data_of(world) == {"a": "1"}
        assert await world.person.find(config(world, "old"))
        tree = await app.until(lambda tree: sync_status(tree) == "OutOfSync")
        history = tree["status"]["history"]
        assert [entry["revision"] for entry in history][-1] == first
        assert [entry["id"] for entry in history] == sorted(entry["id"] for entry in history)

        source = history[1]["source"]
        await app.run({"revision": history[1]["revision"], "source": source, "prune": True})
        assert (await app.finished())["phase"] == "Succeeded"
        assert await data_of(world) == {"a": "2"}
        await eventually(lambda: is_gone(world, config(world, "old")))


async def test_drift_is_healed_to_the_revision_that_was_synced_last_and_not_to_the_newest(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """A failed sync does not stop healing, and healing never applies what was not synced."""
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(), d.role(), d.role_binding())
        world.repository.write(
            "app/all.json",
            with_annotation(d.config_map(a="new"), "sync-wave", "5"),
            d.role(),
            d.role_binding("writer"),
        )
        world.repository.commit()
        app.refresh()
        await app.until(
            lambda tree: "cannot change roleRef" in str(tree["status"].get("operationState"))
        )
        await world.person.patch(config(world), {"data": {"a": "hand"}})
        await world.has(config(world), lambda tree: tree["data"]["a"] == "1")


async def test_history_keeps_ten_entries_with_growing_ids(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map(a="0"))
        for number in range(1, 13):
            await world.commit(app, d.config_map(a=str(number)))
        history = (await app.status())["history"]
        assert [entry["id"] for entry in history] == list(range(3, 13))
        assert history[-1]["revision"] == world.repository.head


async def test_a_later_wave_waits_until_the_earlier_one_is_healthy(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        never = d.container(image="registry.example/web:does-not-exist")
        slow = d.deployment(never, pod={"terminationGracePeriodSeconds": 1})
        world.repository.write(
            "app/all.json", slow, with_annotation(d.config_map(), "sync-wave", "1")
        )
        world.repository.commit()
        app = await world.create_app(self_heal=False)
        tree = await app.until(
            lambda tree: (
                "waiting for healthy state" in str(tree.get("status", {}).get("operationState"))
            )
        )
        assert "Deployment/web" in tree["status"]["operationState"]["message"]
        await app.worked()
        assert await world.person.find(config(world)) is None

        web = Ref("apps/v1", "Deployment", world.namespace, "web")
        await world.person.edit(
            web,
            lambda o: o["spec"]["template"]["spec"]["containers"][0].update(
                image="registry.example/web:1"
            ),
        )
        await world.has(config(world), lambda _tree: True)
        state = await app.finished()
        assert state["phase"] == "Succeeded"


async def test_a_failed_sync_is_tried_again_and_succeeds_when_the_cause_is_gone(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        quota = d.thing("v1", "ResourceQuota", "q", spec={"hard": {"configmaps": "0"}})
        quota["metadata"]["namespace"] = world.namespace
        await world.person.create(quota)
        limits = Ref("v1", "ResourceQuota", world.namespace, "q")
        # None at all: whether kube-root-ca.crt is there yet, and counted, makes no difference.
        await world.has(limits, lambda t: t.get("status", {}).get("hard") == {"configmaps": "0"})
        world.repository.write("app/all.json", d.config_map())
        world.repository.commit()
        app = await world.create_app(syncPolicy=QUICK_RETRY)
        await app.until(
            lambda tree: (
                tree.get("status", {}).get("operationState", {}).get("retryCount", 0) >= 1
                or "Retrying" in str(tree.get("status", {}).get("operationState"))
            )
        )
        await world.person.delete(limits)
        await app.synced()
        assert await world.person.find(config(world))


async def test_a_running_operation_can_be_terminated(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        never = d.container(image="registry.example/web:does-not-exist")
        slow = d.deployment(never, pod={"terminationGracePeriodSeconds": 1})
        world.repository.write(
            "app/all.json", slow, with_annotation(d.config_map(), "sync-wave", "1")
        )
        world.repository.commit()
        app = await world.create_app(automated=False)
        await app.until(lambda tree: sync_status(tree) == "OutOfSync")
        await app.run()
        await app.until(
            lambda tree: "waiting for healthy state" in str(tree["status"].get("operationState"))
        )
        await world.person.patch(app.ref, {"status": {"operationState": {"phase": "Terminating"}}})
        state = await app.finished()
        assert state["phase"] == "Failed"
        assert "terminated" in state["message"]


async def test_the_namespace_is_created_with_its_metadata(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        name = f"t-made-{d.word()}"
        world.repository.write("app/all.json", d.config_map())
        world.repository.commit()
        app = await world.create_app(
            destination={"server": "https://kubernetes.default.svc", "namespace": name},
            syncPolicy={
                "automated": {"selfHeal": True},
                "syncOptions": ["CreateNamespace=true"],
                "managedNamespaceMetadata": {"labels": {"team": "a"}},
            },
        )
        await app.synced()
        home = Ref("v1", "Namespace", "", name)
        assert (await world.person.get(home))["metadata"]["labels"]["team"] == "a"
        await app.set_policy(None)
        await world.person.delete(home)


# --- deletion --------------------------------------------------------------------------------


async def test_a_cascade_deletes_all_objects_and_then_the_application(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        trees = [d.config_map(), d.service(), d.deployment()]
        app = await world.deploy(*trees, finalizers=(CASCADE,))
        await world.person.create(
            {**d.config_map("mine"), "metadata": {"name": "mine", "namespace": world.namespace}}
        )
        await world.person.delete(app.ref)
        await eventually(lambda: is_gone(world, app.ref))
        for tree in trees:
            ref = Ref(tree["apiVersion"], tree["kind"], world.namespace, tree["metadata"]["name"])
            assert await world.person.find(ref) is None
        assert await world.person.find(config(world, "mine"))


async def test_without_the_finalizer_all_objects_stay(plane: AnyPlane, tmp_path: Path) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        app = await world.deploy(d.config_map())
        await world.person.delete(app.ref)
        await eventually(lambda: is_gone(world, app.ref))
        await world.at_rest(config(world))
        assert await world.person.find(config(world))
        await world.person.delete(config(world))
        await world.at_rest(config(world))
        assert await world.person.find(config(world)) is None


@pytest.mark.parametrize("option", ["Delete=false", "Prune=false"])
async def test_what_must_not_be_deleted_stays_after_a_cascade(
    option: str, plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        kept = with_annotation(d.config_map("kept"), "sync-options", option)
        app = await world.deploy(d.config_map(), kept, finalizers=(CASCADE,))
        await world.person.delete(app.ref)
        await eventually(lambda: is_gone(world, app.ref))
        assert await world.person.find(config(world)) is None
        stays = option == "Delete=false"
        assert bool(await world.person.find(config(world, "kept"))) is stays


async def test_applications_of_an_application_are_synced_and_pruned(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with controlled(plane.kubeconfig, tmp_path) as world:
        world.repository.write("child/all.json", d.config_map())
        world.repository.commit()
        child = {
            "apiVersion": APPS,
            "kind": "Application",
            "metadata": {
                "name": f"child-{d.word()}",
                "namespace": world.control,
                "finalizers": [CASCADE],
            },
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": world.repository.url,
                    "path": "child",
                    "targetRevision": "main",
                },
                "destination": {
                    "server": "https://kubernetes.default.svc",
                    "namespace": world.namespace,
                },
                "syncPolicy": {"automated": {"selfHeal": True}},
            },
        }
        parent = await world.deploy(child, d.config_map("beside"))
        await world.has(config(world), lambda _tree: True)

        await world.commit(parent, d.config_map("beside"))
        # Pruned in the foreground: the garbage collector of a young plane knows the kind in 30 s.
        await eventually(lambda: is_gone(world, config(world)), seconds=45)
