"""What `holdfast install` prints."""

from holdfast.planning.install import install_manifests

IMAGE = "registry.example/holdfast:1"


def test_an_installation_is_listed_in_the_order_in_which_it_can_be_created() -> None:
    kinds = [manifest.kind for manifest in install_manifests("argocd", IMAGE)]
    assert kinds == [
        *["CustomResourceDefinition"] * 4,
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        *["ConfigMap"] * 3,
        "Service",
        "Deployment",
    ]


def test_everything_namespaced_lies_in_the_control_namespace() -> None:
    manifests = install_manifests("gitops", IMAGE)
    assert {manifest.namespace for manifest in manifests} == {"", "gitops"}
    assert manifests[4].name == "gitops"
    (container,) = manifests[-1].at("spec", "template", "spec", "containers")
    assert container["image"] == IMAGE
    assert "--namespace=gitops" in container["args"]


def test_settings_maps_are_argo_cds_and_change_no_settings_that_are_there() -> None:
    maps = [m for m in install_manifests("argocd", IMAGE) if m.kind == "ConfigMap"]
    assert [m.name for m in maps] == ["argocd-cm", "argocd-rbac-cm", "argocd-cmd-params-cm"]
    for settings in maps:
        assert settings.label("app.kubernetes.io/part-of") == "argocd"
        assert "data" not in settings.tree


def test_the_service_selects_the_pods_of_the_deployment() -> None:
    manifests = {manifest.kind: manifest for manifest in install_manifests("argocd", IMAGE)}
    labels = manifests["Deployment"].at("spec", "template", "metadata", "labels")
    selector = manifests["Service"].at("spec", "selector")
    assert selector.items() <= labels.items()
    assert manifests["Deployment"].at("spec", "selector", "matchLabels").items() <= labels.items()
