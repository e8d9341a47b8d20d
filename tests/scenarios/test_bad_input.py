"""Bad input: a clear sentence on the Application it concerns, and nothing lost.

Each scenario makes one mistake in an Application that works, and reads what a user would: the
conditions and the outcome of the operation, whole, as a golden file (`HOLDFAST_GOLDEN=write`
writes them for a person to review). Each time
  * what was there before is there still, the very same objects;
  * a neighbour in the same cluster stays Synced and is healed all the while;
  * the loop goes on: the mistake is corrected, and the Application becomes Synced.
Source: docs/internals/argocd/controller.md §1.4, §3.7, §3.8, §6.4, §8.1.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command_line import check_golden
from tests.support.controlled import APPS
from tests.support.person import Ref
from tests.support.plant import only_real
from tests.support.site import Site, SiteApp, config_map, new_control
from tests.support.waiting import eventually
from tests.support.webhook import RefusingWebhook

if TYPE_CHECKING:
    from collections.abc import Callable


Tree = dict[str, Any]

GOLDEN = Path(__file__).parent / "golden" / "bad_input"
GOOD: dict[str, str | bytes | None] = {
    "kept.yaml": config_map("kept", text="stays"),
    "web.yaml": config_map("web", color="blue"),
}
JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: once
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: "registry.example/c:1"}]
"""
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 0
  selector: {matchLabels: {app: LABEL}}
  template:
    metadata: {labels: {app: LABEL}}
    spec:
      containers: [{name: c, image: "registry.example/c:1"}]
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"
REPLACEABLE = """\
  name: web
  annotations: {argocd.argoproj.io/sync-options: "Force=true,Replace=true"}
"""


@dataclass
class Neighbour:
    """An Application that nothing is wrong with."""

    app: SiteApp

    async def is_unharmed(self) -> None:
        """It is Synced without a word, and what somebody deletes there comes back."""
        before = (await self.app.uids("kept"))["kept"]
        await self.app.site.person.delete(self.app.place("kept"))

        async def is_back() -> bool:
            found = await self.app.site.person.find(self.app.place("kept"))
            return found is not None and found["metadata"]["uid"] != before

        await eventually(is_back, explain=self.app.status)
        await self.app.synced()


@pytest.fixture
async def neighbour(site: Site) -> Neighbour:
    """It works before the mistake, and must work after it."""
    return Neighbour(await site.deploy("neighbour", {"kept.yaml": config_map("kept")}))


def transcript(tree: Tree, app: SiteApp) -> str:
    """What a user sees on the Application, without what differs from run to run."""
    status = tree.get("status", {})
    lines = [f"sync: {status.get('sync', {}).get('status', '')}"]
    lines += [f"{item['type']}: {item['message']}" for item in status.get("conditions", [])]
    state = status.get("operationState", {})
    if state.get("phase") in ("Failed", "Error"):
        lines.append(f"operation {state['phase']}: {state['message']}")
        for row in state.get("syncResult", {}).get("resources", []):
            if row["status"] == "SyncFailed":
                lines.append(f"  {row['kind']}/{row['name']} {row['status']}: {row['message']}")
    text = "\n".join(lines) + "\n"
    for value, name in (
        (app.namespace or "\0", "NAMESPACE"),
        (str(app.site.folder), "FOLDER"),
        (app.name, "web"),
        (app.site.control, "argocd"),
    ):
        text = text.replace(value, name)
    return re.sub(r"\b[0-9a-f]{40}\b", "SHA", text)


async def says(app: SiteApp, golden: str, holds: Callable[[Tree], object]) -> Tree:
    """Waits until the Application shows the mistake; compares what it says."""
    tree = await app.until(holds)
    check_golden(GOLDEN / f"{golden}.txt", transcript(tree, app))
    return tree


def has_condition(kind: str) -> Callable[[Tree], bool]:
    """The Application has a condition of this type."""
    return lambda tree: any(
        item["type"] == kind for item in tree.get("status", {}).get("conditions", [])
    )


def has_failed(sha: str) -> Callable[[Tree], bool]:
    """The operation of a commit ended without success, and the round after it said so."""

    def holds(tree: Tree) -> bool:
        status = tree.get("status", {})
        state = status.get("operationState", {})
        return (
            "operation" not in tree
            and state.get("phase") in ("Failed", "Error")
            and state.get("syncResult", {}).get("revision") == sha
            and has_condition("SyncError")(tree)
        )

    return holds


comparison_error = has_condition("ComparisonError")
invalid_spec = has_condition("InvalidSpecError")


# --- the repository --------------------------------------------------------------------------


async def test_an_unreadable_local_repository_is_a_comparison_error(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("unreadable", GOOD)
    before = await app.uids("kept", "web")
    away = app.repository.path.with_suffix(".away")
    app.repository.path.rename(away)
    await app.refresh("hard")
    await says(app, "unreadable_local_repository", comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    away.rename(app.repository.path)
    await app.refresh()
    await app.synced()


async def test_an_unreachable_remote_repository_is_a_comparison_error(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("unreachable", GOOD)
    before = await app.uids("kept", "web")
    await app.patch({"spec": {"source": {"repoURL": "https://127.0.0.1:1/team/apps.git"}}})
    await says(app, "unreachable_remote_repository", comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"source": {"repoURL": app.repository.url}}})
    await app.synced()


async def test_a_local_repository_outside_the_allowed_folders_is_not_read(
    site: Site, neighbour: Neighbour, tmp_path: Path
) -> None:
    app = await site.deploy("outside", GOOD)
    before = await app.uids("kept", "web")
    outside = tmp_path / "outside"
    shutil.copytree(app.repository.path, outside)
    await app.patch({"spec": {"source": {"repoURL": f"file://{outside}"}}})
    tree = await app.until(comparison_error)
    text = transcript(tree, app).replace(str(tmp_path), "ELSEWHERE")
    check_golden(GOLDEN / "local_repository_outside.txt", text)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"source": {"repoURL": app.repository.url}}})
    await app.synced()


async def test_a_missing_path_is_a_comparison_error(site: Site, neighbour: Neighbour) -> None:
    app = await site.deploy("path", GOOD)
    before = await app.uids("kept", "web")
    await app.patch({"spec": {"source": {"path": "apps/web"}}})
    await says(app, "missing_path", comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"source": {"path": "app"}}})
    await app.synced()


async def test_a_missing_revision_is_a_comparison_error(site: Site, neighbour: Neighbour) -> None:
    app = await site.deploy("revision", GOOD)
    before = await app.uids("kept", "web")
    await app.patch({"spec": {"source": {"targetRevision": "release-7"}}})
    await says(app, "missing_revision", comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    app.commit({"web.yaml": config_map("web", color="green")}, branch="release-7")
    await app.synced()


async def test_an_empty_path_is_an_invalid_spec(site: Site, neighbour: Neighbour) -> None:
    app = await site.deploy("empty-path", GOOD)
    before = await app.uids("kept", "web")
    await app.patch({"spec": {"source": {"path": None}}})
    await says(app, "no_path_and_no_chart", invalid_spec)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"source": {"path": "app"}}})
    await app.synced()


@pytest.mark.parametrize(
    ("golden", "source"),
    [
        pytest.param(
            "helm_chart",
            {"repoURL": "https://127.0.0.1:1/charts", "path": None, "chart": "web",
             "targetRevision": "1.2.3"},
            id="a_chart_of_a_helm_repository",
        ),
        pytest.param("plugin", {"plugin": {"name": "mine"}}, id="a_plugin"),
        pytest.param("helm_values", {"helm": {"releaseName": "web"}}, id="helm_in_git"),
    ],
)  # fmt: skip
async def test_a_source_type_that_is_not_built_touches_nothing(
    site: Site, neighbour: Neighbour, golden: str, source: Tree
) -> None:
    app = await site.deploy("unbuilt", GOOD)
    before = await app.uids("kept", "web")
    good = (await app.tree())["spec"]["source"]
    await app.patch({"spec": {"source": source}})
    await says(app, f"not_built_{golden}", comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"source": {**dict.fromkeys(source), **good}}})
    await app.synced()


# --- the files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("golden", "file", "text"),
    [
        pytest.param(
            "yaml_does_not_parse", "web.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  color: [blue\n",
            id="yaml_that_does_not_parse",
        ),
        pytest.param(
            "yaml_with_a_key_twice", "web.yaml", config_map("web", color="blue") + "  color: red\n",
            id="a_key_that_stands_twice",
        ),
        pytest.param(
            "json_does_not_parse", "web.json", '{"apiVersion": "v1",\n "kind": "ConfigMap",,}',
            id="json_that_does_not_parse",
        ),
        pytest.param(
            "object_without_kind", "web.yaml", "apiVersion: v1\nmetadata:\n  name: web\n",
            id="an_object_without_a_kind",
        ),
        pytest.param(
            "object_without_name", "web.yaml",
            config_map("first") + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
            id="an_object_without_a_name",
        ),
        pytest.param(
            "not_an_object", "web.yaml", "- apiVersion: v1\n- kind: ConfigMap\n",
            id="a_file_that_holds_a_list",
        ),
        pytest.param(
            "kustomization_does_not_parse", "kustomization.yaml", "resources: [web.yaml\n",
            id="a_kustomization_that_does_not_parse",
        ),
    ],
)  # fmt: skip
async def test_a_file_that_is_wrong_is_named_and_nothing_is_pruned(
    site: Site, neighbour: Neighbour, golden: str, file: str, text: str
) -> None:
    app = await site.deploy("file", {**GOOD, "extra.yaml": config_map("extra")})
    before = await app.uids("kept", "web", "extra")
    # `extra` leaves git in the same commit: it may go only when everything can be read again.
    app.commit({file: text, "extra.yaml": None})
    await says(app, golden, comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web", "extra") == before
    app.commit({file: GOOD.get(file), **GOOD})
    await app.synced()
    assert await app.site.person.find(app.place("extra")) is None
    assert await app.uids("kept") == {"kept": before["kept"]}


async def test_a_kustomization_that_names_a_missing_file_says_which_and_prunes_nothing(
    site: Site, neighbour: Neighbour, kustomize: Path
) -> None:
    app = await site.deploy("kustomize", GOOD)
    before = await app.uids("kept", "web")
    app.commit({"kustomization.yaml": "resources:\n- kept.yaml\n- wbe.yaml\n"})
    await says(app, "kustomization_names_a_missing_file", comparison_error)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    app.commit({"kustomization.yaml": "resources:\n- kept.yaml\n- web.yaml\n"})
    await app.synced()


async def test_an_object_declared_twice_is_a_warning_and_the_last_one_counts(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("twice", GOOD)
    before = await app.uids("kept", "web")
    sha = app.commit({"zz.yaml": config_map("web", color="red")})
    await app.until(lambda tree: tree["status"]["sync"].get("revision") == sha)
    await says(
        app,
        "duplicate_objects",
        lambda tree: (
            has_condition("RepeatedResourceWarning")(tree)
            and tree["status"]["sync"]["status"] == "Synced"
        ),
    )
    live = await site.person.get(app.place("web"))
    assert live["data"] == {"color": "red"}
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    app.commit({"zz.yaml": None})
    await app.synced()


# --- the cluster says no ---------------------------------------------------------------------


async def test_an_unknown_kind_fails_the_operation_and_names_the_definition(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("kind", GOOD)
    before = await app.uids("kept", "web")
    gear = "apiVersion: shop.example/v1\nkind: Gear\nmetadata:\n  name: cog\n"
    sha = app.commit({"gear.yaml": gear})
    await says(app, "unknown_kind", has_failed(sha))
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    app.commit({"gear.yaml": None})
    await app.synced()


async def test_an_unknown_version_of_a_kind_fails_and_names_the_one_there_is(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("version", GOOD)
    before = await app.uids("kept", "web")
    job = JOB.replace("batch/v1", "batch/v1beta1")
    sha = app.commit({"job.yaml": job})
    await says(app, "unknown_version", has_failed(sha))
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    app.commit({"job.yaml": None})
    await app.synced()


async def test_a_missing_namespace_fails_the_operation_until_it_is_there(
    site: Site, neighbour: Neighbour
) -> None:
    namespace = f"later-{new_control()}"
    app = await site.make("namespace", GOOD, namespace=namespace)
    await says(app, "missing_namespace", has_failed(app.sha))
    await neighbour.is_unharmed()
    tree = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await site.person.create(tree)
    await app.sync()
    await app.synced()


async def test_a_namespaced_object_without_any_namespace_is_an_invalid_spec(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.make("nowhere", GOOD, namespace="")
    await says(
        app,
        "no_namespace_at_all",
        lambda tree: invalid_spec(tree) and has_condition("SyncError")(tree),
    )
    await neighbour.is_unharmed()
    app.namespace = await site.new_namespace()
    await app.patch({"spec": {"destination": {"namespace": app.namespace}}})
    await app.until(lambda tree: not invalid_spec(tree))
    await app.sync()  # automatic sync tries a commit once
    await app.synced()


async def test_an_immutable_field_fails_the_operation_and_says_how_to_replace(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("immutable", {**GOOD, "d.yaml": WORKLOAD.replace("LABEL", "web")})
    before = await app.uids("kept", "web")
    workload = app.place("web", "Deployment", "apps/v1")
    uid = (await site.person.get(workload))["metadata"]["uid"]
    sha = app.commit({"d.yaml": WORKLOAD.replace("LABEL", "shop")})
    await says(app, "immutable_field", has_failed(sha))
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    assert (await site.person.get(workload))["metadata"]["uid"] == uid
    app.commit({"d.yaml": WORKLOAD.replace("LABEL", "web")})
    await app.synced()


async def test_an_immutable_field_is_replaced_where_the_object_allows_it(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("replaced", {**GOOD, "d.yaml": WORKLOAD.replace("LABEL", "web")})
    before = await app.uids("kept", "web")
    workload = app.place("web", "Deployment", "apps/v1")
    uid = (await site.person.get(workload))["metadata"]["uid"]
    allowed = WORKLOAD.replace("LABEL", "shop").replace("  name: web\n", REPLACEABLE)
    app.commit({"d.yaml": allowed})
    await app.synced()
    live = await site.person.get(workload)
    assert live["metadata"]["uid"] != uid
    assert live["spec"]["selector"]["matchLabels"] == {"app": "shop"}
    assert await app.uids("kept", "web") == before
    await neighbour.is_unharmed()


async def test_an_invalid_object_fails_the_operation_with_the_field(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("invalid", GOOD)
    before = await app.uids("kept", "web")
    sha = app.commit({"web.yaml": config_map("web", **{"a b": "blue"}).replace("a b:", '"a b":')})
    await says(app, "invalid_object", has_failed(sha))
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    app.commit(GOOD)
    await app.synced()


@only_real
async def test_a_refusal_by_a_webhook_fails_the_operation_with_its_words(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("webhook", GOOD)
    before = await app.uids("kept", "web")
    async with RefusingWebhook(site.person, app.namespace, "team label is missing"):
        sha = app.commit({"web.yaml": config_map("web", color="green")})
        await says(app, "webhook_refusal", has_failed(sha))
        await neighbour.is_unharmed()
        assert await app.uids("kept", "web") == before
        assert (await site.person.get(app.place("web")))["data"] == {"color": "blue"}
    await app.sync()
    await app.synced()


@only_real
async def test_a_refused_prune_fails_the_operation_and_nothing_is_applied_beside_it(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("prune", {**GOOD, "extra.yaml": config_map("extra")})
    before = await app.uids("kept", "web", "extra")
    words = "extra is on loan"
    async with RefusingWebhook(site.person, app.namespace, words, deletions=True):
        sha = app.commit({"extra.yaml": None, "web.yaml": config_map("web", color="green")})
        await says(app, "refused_prune", has_failed(sha))
        await neighbour.is_unharmed()
        assert await app.uids("kept", "web", "extra") == before
        assert (await site.person.get(app.place("web")))["data"] == {"color": "blue"}
    await app.sync(prune=True)
    await app.synced()
    assert await site.person.find(app.place("extra")) is None


@only_real
async def test_an_exhausted_quota_fails_the_operation_with_its_name(
    site: Site, neighbour: Neighbour
) -> None:
    app = await site.deploy("quota", GOOD)
    before = await app.uids("kept", "web")
    quota = Ref("v1", "ResourceQuota", app.namespace, "small")
    await site.person.create(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": app.namespace},
            "spec": {"hard": {"count/services": "0", "services": "0"}},
        }
    )

    async def is_counted() -> bool:
        return "hard" in (await site.person.get(quota)).get("status", {})

    await eventually(is_counted)
    sha = app.commit({"service.yaml": SERVICE})
    await says(app, "quota_exhausted", has_failed(sha))
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await site.person.delete(quota)
    await app.sync()
    await app.synced()


# --- limits and owners -----------------------------------------------------------------------


async def _new_project(site: Site, **limits: Any) -> str:
    name = f"limited-{new_control()}"
    await site.person.create(
        {
            "apiVersion": APPS,
            "kind": "AppProject",
            "metadata": {"name": name, "namespace": site.control},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                **limits,
            },
        }
    )
    return name


@pytest.mark.parametrize(
    ("golden", "limits"),
    [
        pytest.param(
            "project_source", {"sourceRepos": ["https://git.example/team/*"]}, id="source"
        ),
        pytest.param(
            "project_destination",
            {"destinations": [{"server": "*", "namespace": "team-*"}]},
            id="destination",
        ),
    ],
)
async def test_a_project_limit_on_the_application_is_an_invalid_spec(
    site: Site, neighbour: Neighbour, golden: str, limits: Tree
) -> None:
    app = await site.deploy("limited", GOOD)
    before = await app.uids("kept", "web")
    project = await _new_project(site, **limits)
    await app.patch({"spec": {"project": project}})
    tree = await app.until(invalid_spec)
    text = transcript(tree, app).replace(project, "PROJECT")
    check_golden(GOLDEN / f"{golden}.txt", text)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"project": "default"}})
    await app.synced()


async def test_an_unknown_project_is_an_invalid_spec(site: Site, neighbour: Neighbour) -> None:
    app = await site.deploy("project", GOOD)
    before = await app.uids("kept", "web")
    await app.patch({"spec": {"project": "tema-a"}})
    await says(app, "unknown_project", invalid_spec)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    await app.patch({"spec": {"project": "default"}})
    await app.synced()


async def test_a_kind_that_the_project_forbids_fails_the_operation(
    site: Site, neighbour: Neighbour
) -> None:
    project = await _new_project(
        site, namespaceResourceBlacklist=[{"group": "", "kind": "Service"}]
    )
    app = await site.deploy("forbidden", GOOD, project=project)
    before = await app.uids("kept", "web")
    service = (
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: [{port: 80}]\n"
    )
    sha = app.commit({"service.yaml": service})
    tree = await app.until(has_failed(sha))
    text = transcript(tree, app).replace(project, "PROJECT")
    check_golden(GOLDEN / "project_kind.txt", text)
    await neighbour.is_unharmed()
    assert await app.uids("kept", "web") == before
    assert await site.person.find(app.place("web", "Service")) is None
    app.commit({"service.yaml": None})
    await app.synced()


async def test_an_object_that_another_application_owns_is_a_warning_and_stays_with_its_owner(
    site: Site, neighbour: Neighbour
) -> None:
    owner = await site.deploy("owner", GOOD)
    before = await owner.uids("kept", "web")
    other = await site.make(
        "other",
        {"web.yaml": config_map("web", color="blue"), "own.yaml": config_map("own")},
        namespace=owner.namespace,
        policy={},
    )
    tree = await other.until(has_condition("SharedResourceWarning"))
    text = transcript(tree, other).replace(owner.name, "owner")
    check_golden(GOLDEN / "owned_by_another.txt", text)
    await other.sync(syncOptions=["FailOnSharedResource=true"])
    await other.finished()
    tree = await other.tree()
    text = transcript(tree, other).replace(owner.name, "owner")
    check_golden(GOLDEN / "owned_by_another_and_refused.txt", text)
    await neighbour.is_unharmed()
    await owner.synced()
    assert await owner.uids("kept", "web") == before
    other.commit({"web.yaml": None})
    await other.until(lambda tree: not has_condition("SharedResourceWarning")(tree))
    await other.sync()
    await other.synced()
    assert await owner.uids("kept", "web") == before
