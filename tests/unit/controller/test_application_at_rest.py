"""An Application that nobody works on is kept small, and loses nothing that is asked of it."""

from holdfast.controller.packing import PackedApplication, at_rest
from holdfast.domain.application import Application
from holdfast.domain.manifest import Manifest, Tree

STATUS: Tree = {
    "sync": {"status": "Synced", "revision": "a" * 40},
    "history": [{"id": 0, "revision": "a" * 40}],
    "operationState": {"phase": "Succeeded"},
}


def application(**more: object) -> Application:
    tree: Tree = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": "web",
            "namespace": "argocd",
            "resourceVersion": "7",
            "annotations": {"holdfast.dev/heal-delay": "1s"},
            "managedFields": [{"manager": "holdfast", "fieldsV1": {"f:status": {}}}],
        },
        "spec": {"project": "default", "source": {"repoURL": "/repo", "path": "web"}},
        **more,
    }
    return Application.parse(Manifest(tree))


def rested(app: Application) -> Application:
    """Return an Application that was put to rest and is asked for again."""
    packed: PackedApplication = at_rest(app)
    return packed.unpack()


def test_the_status_of_an_application_at_rest_is_the_one_it_had() -> None:
    kept = rested(application(status=STATUS))
    assert kept.status == STATUS
    assert kept.operation_state == STATUS["operationState"]
    assert kept.history == tuple(STATUS["history"])
    assert "status" not in kept.manifest.tree


def test_an_application_at_rest_keeps_all_but_the_owners_of_its_fields() -> None:
    before = application(status=STATUS)
    kept = rested(before)
    assert kept.spec == before.spec
    assert kept.sources == before.sources
    assert kept.manifest.annotations == before.manifest.annotations
    assert kept.manifest.version_number == 7
    assert kept.manifest.managed_fields == ()


def test_an_application_without_status_has_an_empty_one() -> None:
    assert rested(application()).status == {}


def test_an_application_that_rests_can_be_put_to_rest_again() -> None:
    kept = rested(application(status=STATUS))
    again = rested(kept)
    assert again.status == STATUS


def test_an_application_with_an_operation_comes_back_with_it() -> None:
    before = application(operation={"sync": {"revision": "b" * 40}}, status=STATUS)
    kept = rested(before)
    assert kept.operation == before.operation
    assert kept.key == before.key
    assert kept.destination == before.destination
    assert kept.sync_policy == before.sync_policy
