"""Projects and the Applications that name them."""

from tests.support.builders import HEALING, app, config_map, project
from tests.support.rig import controlling


async def test_a_changed_project_is_noticed_at_once() -> None:
    """A deviation (appendix B 19): Argo CD notices at the next refresh of each Application."""
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        assert rig.sync() == "Synced", rig.status()
        rig.cluster.put(project(sourceRepos=["https://elsewhere.example/*"]))
        await rig.settle()
        types = [condition["type"] for condition in rig.status().get("conditions") or []]
        assert types == ["InvalidSpecError"]
        assert rig.sync() == "Unknown"


async def test_a_global_project_limits_those_that_inherit_it_while_it_is_set() -> None:
    base = project("base", namespaceResourceBlacklist=[{"group": "", "kind": "ConfigMap"}])
    setting = config_map("argocd-cm", namespace="argocd", globalProjects="[{projectName: base}]")
    async with controlling(app(automated=HEALING), base) as rig:
        rig.cluster.put(setting)
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        assert "resource :ConfigMap is not permitted in project default" in rig.message()

        rig.cluster.put(config_map("argocd-cm", namespace="argocd"))
        rig.git.commit(config_map(a="2"))
        await rig.settle(30)
        assert rig.sync() == "Synced"


async def test_global_projects_that_cannot_be_read_are_a_condition() -> None:
    async with controlling(app()) as rig:
        rig.git.commit(config_map())
        text = "[{labelSelector: {}}]"
        rig.cluster.put(config_map("argocd-cm", namespace="argocd", globalProjects=text))
        await rig.settle(30)
        said = rig.conditions()["NotBuiltWarning"]
        assert "globalProjects (entry 1 names no project)" in said
