"""What `holdfast install` prints is what both servers take."""

from collections.abc import Iterator

import pytest

from holdfast.planning.install import install_manifests
from tests.support.kube_rest import KubeRest, path_of
from tests.support.sandbox import AnyPlane


@pytest.fixture
def server(any_plane: AnyPlane) -> Iterator[KubeRest]:
    """Any server."""
    rest = KubeRest.open(any_plane.kubeconfig)
    yield rest
    rest.close()


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Namespace", "namespaces"),
        ("ServiceAccount", "serviceaccounts"),
        ("ClusterRole", "clusterroles"),
        ("ClusterRoleBinding", "clusterrolebindings"),
        ("ConfigMap", "configmaps"),
        ("Service", "services"),
        ("Deployment", "deployments"),
    ],
)
def test_an_object_of_the_installation_is_accepted(
    server: KubeRest, kind: str, plural: str
) -> None:
    namespace = "not-yet-there" if kind == "Namespace" else server.new_namespace()
    manifests = install_manifests(namespace, "registry.example/holdfast:1")
    for manifest in [manifest for manifest in manifests if manifest.kind == kind]:
        made = server.send(
            "POST",
            path_of(manifest.tree, plural, named=False),
            manifest.tree,
            dryRun="All",
            fieldValidation="Strict",
        )
        assert made.status == 201, made.message
