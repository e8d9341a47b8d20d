"""The echo takes no room while the live object says the same, and is kept when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from holdfast.controller.heal_lane import _compare_applied
from holdfast.controller.objects import Objects
from holdfast.controller.remembered import Target
from holdfast.controller.state import ObjectState, Registry
from holdfast.diffing.echo import learn
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.planning.tracking import Tracking
from tests.support import builders

if TYPE_CHECKING:
    from holdfast.domain.ports import Kinds

FIELDS: Tree = {"f:data": {"f:a": {}, "f:b": {}}}


def target(**data: str) -> Target:
    return Target.pack(Manifest(builders.config_map("settings") | {"data": data}), "1" * 40)


def live(version: int, uid: str = "uid-1", fields: Tree = FIELDS, **data: JSON) -> Manifest:
    tree: Tree = builders.config_map("settings") | {"data": data}
    entry = {
        "manager": "holdfast",
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    more = {"uid": uid, "resourceVersion": str(version), "managedFields": [entry]}
    return Manifest({**tree, "metadata": {**tree["metadata"], **more}})


class Given:
    """One object, applied once with a=1 and b=2."""

    def __init__(self) -> None:
        self.objects = Objects(Registry("argocd"), cast("Kinds", None), Tracking())
        self.target = target(a="1", b="2")
        self.answer = live(1, a="1", b="2")
        self.state = ObjectState(self.answer.key)
        self.state.declare(self.target)
        self.objects.applied(self.state, self.target, self.answer)

    def see(self, manifest: Manifest) -> None:
        self.objects.saw(self.state, manifest, _compare_applied(self.state, manifest))

    @property
    def values(self) -> Any:
        echo = self.state.echo
        assert echo is not None
        return echo.projection.values


def test_after_an_apply_the_live_object_is_the_echo() -> None:
    given = Given()
    assert given.state.own_echo is None
    assert given.state.echo == learn(given.answer)
    assert given.state.find_echo(given.target) == learn(given.answer)
    assert given.objects.is_judged(given.state)


def test_what_compares_equal_is_the_echo_from_then_on() -> None:
    given = Given()
    given.see(live(2, a="1", b="2", c="of somebody else"))
    assert given.state.own_echo is None
    assert given.values == ("1", "2")


def test_a_drifted_object_is_compared_with_what_it_was_before() -> None:
    given = Given()
    given.see(live(2, a="other", b="2"))
    given.see(live(3, a="other", b="another"))
    assert given.state.own_echo is not None
    assert given.values == ("1", "2")


def test_once_the_values_are_back_the_echo_takes_no_room() -> None:
    given = Given()
    given.see(live(2, a="other", b="2"))
    given.see(live(3, a="1", b="2"))
    assert given.state.own_echo is None
    assert given.values == ("1", "2")


def test_lost_ownership_leaves_the_echo_as_it_was() -> None:
    given = Given()
    given.see(live(2, fields={"f:data": {"f:a": {}}}, a="1", b="2"))
    echo = given.state.echo
    assert echo is not None
    assert echo.fields == FIELDS


def test_a_form_that_nobody_compared_leaves_the_echo_as_it_was() -> None:
    given = Given()
    given.objects.saw(given.state, live(2, a="other", b="2"))
    assert given.values == ("1", "2")
    assert not given.objects.is_judged(given.state)


def test_the_echo_of_an_object_that_is_gone_is_that_of_its_last_form() -> None:
    given = Given()
    given.objects.lost(given.state)
    lost = given.state.lost_echo
    assert given.state.echo is None
    assert lost is not None
    assert (lost.target, lost.unpack()) == (given.target, learn(given.answer))


def test_another_object_in_its_place_does_not_become_the_echo() -> None:
    given = Given()
    given.see(live(9, uid="uid-2", a="other", b="2"))
    assert given.state.find_echo(given.target) is None
    assert given.state.kept_echo is not None
    assert given.state.kept_echo.uid == "uid-1"
    assert given.values == ("1", "2")


def test_an_equal_target_of_another_commit_takes_the_place_of_the_one_before() -> None:
    given = Given()
    again = Target.pack(given.target.manifest, "2" * 40)
    given.state.declare(again)
    assert given.state.desired is given.state.applied is given.state.echoed is again
    assert given.objects.is_judged(given.state)


def test_another_target_is_not_judged_by_what_was_found_before() -> None:
    given = Given()
    given.state.declare(target(a="1", b="3"))
    assert not given.objects.is_judged(given.state)
    assert given.state.find_echo(given.state.desired) is None
    assert given.state.applied is given.target
