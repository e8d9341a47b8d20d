"""What is known is found by what it is asked for, without a look at every object."""

from __future__ import annotations

from typing import Any, NoReturn

from holdfast.controller.objects import Objects
from holdfast.controller.state import ObjectState, Registry
from holdfast.domain.application import Application
from holdfast.domain.identity import AppKey, GroupKind, ResourceKey
from holdfast.domain.kinds import CRD, NAMESPACE
from holdfast.domain.manifest import Manifest, Tree
from holdfast.planning.tracking import Tracking
from tests.support import builders
from tests.support.fake_cluster import FakeCluster

WEB = AppKey("argocd", "web")


class NeverScanned(dict[ResourceKey, ObjectState]):
    """Knows its entries by key and refuses to go through them."""

    def _refuse(self) -> NoReturn:
        raise AssertionError("every known object was looked at")

    __iter__ = keys = values = items = _refuse


class Given:
    """A registry that may not be gone through, and what keeps it true."""

    def __init__(self) -> None:
        self.registry = Registry("argocd")
        self.registry.objects = NeverScanned()
        self.objects = Objects(self.registry, FakeCluster().kinds, Tracking())

    def add_app(self, name: str = "web") -> Any:
        return self.registry.add_app(Application.parse(Manifest(builders.app(name))))

    def see(self, name: str, *, owner: str = "", child: bool = False) -> ObjectState:
        tree: Tree = builders.config_map(name)
        meta = tree["metadata"]
        meta.update({"uid": f"uid-{name}", "resourceVersion": "7"})
        if owner:
            tracked = f"{owner}:/ConfigMap:prod/{name}"
            meta["annotations"] = {"argocd.argoproj.io/tracking-id": tracked}
        if child:
            meta["ownerReferences"] = [
                {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y", "controller": True}
            ]
        manifest = Manifest(tree)
        state = self.registry.object(manifest.key)
        self.objects.saw(state, manifest)
        return state


def names(keys: set[ResourceKey]) -> set[str]:
    return {key.name for key in keys}


def test_an_application_that_comes_late_finds_what_names_it() -> None:
    given = Given()
    given.see("a", owner="web")
    given.see("b", owner="shop")
    given.see("c", owner="web")
    given.see("c", owner="shop")  # it changed hands before the Application came
    given.objects.lost(given.see("d", owner="web"))
    assert names(given.add_app("web").keys) == {"a"}
    assert names(given.add_app("shop").keys) == {"b", "c"}


def test_an_application_that_comes_back_finds_its_objects_again() -> None:
    given = Given()
    given.add_app()
    given.see("a", owner="web")
    given.registry.remove_app(WEB)
    assert names(given.add_app().keys) == {"a"}


def test_an_object_that_two_applications_hold_is_forgotten_by_both() -> None:
    given = Given()
    web, shop = given.add_app("web"), given.add_app("shop")
    state = given.see("a", owner="web")
    given.registry.hold(shop, state)
    given.objects.lost(state)
    assert (web.keys, shop.keys) == ({}, {})
    assert state.key not in given.registry.objects


def test_a_live_object_that_is_forgotten_is_read_before_it_is_taken_for_missing() -> None:
    given = Given()
    app = given.add_app()
    state = given.see("a")
    given.registry.hold(app, state)
    state.app = WEB
    given.registry.remove_app(WEB)
    assert state.key not in given.registry.objects
    assert state.key in given.registry.untracked


def test_objects_are_found_by_what_they_wait_for() -> None:
    given = Given()
    prod = ResourceKey(NAMESPACE.group, NAMESPACE.kind, "", "prod")
    crd = ResourceKey(CRD.group, CRD.kind, "", "widgets.example.com")
    other = ResourceKey(CRD.group, CRD.kind, "", "gears.example.com")
    a, b, c = (given.see(name) for name in "abc")
    index = given.registry.index
    for state, needed in ((a, prod), (b, crd), (c, other)):
        index.set_waiting(state, needed)
    assert given.objects.waiting_for(prod) == [a]
    assert given.objects.waiting_for(crd) == [b, c]  # a CRD may bring kinds that another needs
    assert index.waiting() == [a, b, c]
    given.see("a")  # it is back: it waits no longer
    given.objects.lost(b)
    assert index.waiting() == [c]


def test_objects_are_found_by_kind() -> None:
    given = Given()
    given.registry.objects = {}  # only the end of a list asks so: it may look at all
    a = given.see("a")
    b = given.see("b")
    assert given.registry.of_kind(GroupKind("", "ConfigMap")) == [a, b]
    given.registry.drop(a)
    assert given.registry.of_kind(GroupKind("", "ConfigMap")) == [b]
    assert given.registry.of_kind(GroupKind("", "Secret")) == []


def test_an_owned_child_belongs_to_no_application() -> None:
    given = Given()
    given.see("a", owner="web", child=True)
    assert given.add_app().keys == {}


def test_applications_of_one_name_in_two_namespaces_are_kept_apart() -> None:
    """A deviation (docs/internals/argocd/controller.md, appendix B 22)."""
    registry = Registry("argocd")
    trees = (builders.app("web"), builders.app("web", project="team"))
    trees[1]["metadata"]["namespace"] = "team"
    for tree in trees:
        registry.add_app(Application.parse(Manifest(tree)))
    found = {key: state.application.project for key, state in registry.apps.items()}
    assert found == {WEB: "default", AppKey("team", "web"): "team"}
