"""`status.summary`: what an Application is made of, at a glance."""

from tests.support.builders import HEALING, app, deployment
from tests.support.rig import controlling

INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "namespace": "prod"},
    "spec": {"rules": [{"host": "web.example", "http": {"paths": [{"path": "/"}]}}]},
}


async def test_the_summary_names_images_and_links() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(deployment(image="registry.example/web:1"), INGRESS)
        await rig.settle(10)
        assert rig.status()["summary"] == {
            "images": ["registry.example/web:1"],
            "externalURLs": ["http://web.example"],
        }


async def test_a_link_goes_with_what_it_belongs_to() -> None:
    async with controlling(app(automated={**HEALING, "prune": True})) as rig:
        rig.git.commit(deployment(), INGRESS)
        await rig.settle(10)
        rig.git.commit(deployment())
        await rig.settle(10)
        assert "externalURLs" not in rig.status()["summary"]
