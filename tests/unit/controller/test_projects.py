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
