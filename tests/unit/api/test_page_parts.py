"""The parts that screens are made of: filters, the layout of the tree, diffs, times, links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.api.page.app_view import view_of
from holdfast.api.page.catalogue import Item, Wish, list_items
from holdfast.api.page.diff_view import diffs_of
from holdfast.api.page.drift_view import episodes_of, strip_of
from holdfast.api.page.history_view import deployed_of
from holdfast.api.page.look import commit_url, duration, milliseconds, relative, safe_url, slug
from holdfast.api.page.object_view import objects_of
from holdfast.api.page.switches import switches_of
from holdfast.api.page.tree_layout import GAP_Y, HEIGHT, STEP_X, WIDTH, Node, lay_out, lay_out_below
from holdfast.domain.application import IgnoreRule
from tests.support.page import NOON, episode, open_episode
from tests.unit.requests.given import app

Tree = dict[str, Any]


def item(name: str, health: str = "Healthy", sync: str = "Synced", **more: Any) -> Item:
    tree = app(
        {"syncPolicy": {"automated": {}}} if more.pop("auto", False) else None,
        metadata={"name": name, "namespace": "argocd", "labels": more.pop("labels", {})},
        status={"health": {"status": health}, "sync": {"status": sync}},
    )
    return Item(view_of(tree), **more)


def names(items: tuple[Item, ...]) -> list[str]:
    return [one.app.name for one in items]


ITEMS = [
    item("api", "Degraded", "OutOfSync", labels={"team": "a"}, drifts=2),
    item("db", auto=True, is_paused=True),
    item("web", sync="OutOfSync", labels={"team": "a"}, is_favourite=True),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["web", "api", "db"]),
        ({"sort": ["health"]}, ["api", "web", "db"]),
        ({"search": ["API"]}, ["api"]),
        ({"search": ["nothing"]}, []),
        ({"health": ["Degraded"]}, ["api"]),
        ({"health": ["Degraded", "Healthy"], "sync": ["OutOfSync"]}, ["web", "api"]),
        ({"state": ["drifted"]}, ["api"]),
        ({"state": ["paused"]}, ["db"]),
        ({"autoSync": ["on"]}, ["db"]),
        ({"labels": ["team=a"]}, ["web", "api"]),
        ({"showFavorites": ["true"]}, ["web"]),
        (
            {"page": ["9"], "size": ["junk"], "view": ["junk"], "sort": ["junk"]},
            ["web", "api", "db"],
        ),
        ({"page": ["٣"]}, ["web", "api", "db"]),
    ],
)
def test_a_list_holds_what_its_query_asks_for(
    query: dict[str, list[str]], found: list[str]
) -> None:
    assert names(list_items(ITEMS, Wish.parse(query)).items) == found


def test_a_filter_counts_what_the_other_filters_leave() -> None:
    listing = list_items(ITEMS, Wish.parse({"sync": ["OutOfSync"]}))
    counts = {g.name: {c.value: c.count for c in g.choices} for g in listing.groups}
    assert counts["sync"] == {"Synced": 1, "OutOfSync": 2}
    assert counts["health"] == {"Healthy": 1, "Degraded": 1}


def test_every_choice_has_a_link_that_turns_it() -> None:
    wish = Wish.parse({"sync": ["OutOfSync"], "search": ["a b"], "page": ["3"]})
    assert wish.toggled("sync", "OutOfSync") == "/applications?search=a+b"
    assert wish.toggled("health", "Healthy") == (
        "/applications?sync=OutOfSync&health=Healthy&search=a+b"
    )


def test_a_long_list_has_pages() -> None:
    items = [item(f"app-{n:03}") for n in range(130)]
    listing = list_items(items, Wish.parse({"page": ["3"]}))
    assert (listing.pages, len(listing.items), listing.first) == (3, 10, 121)


def boxes(root: Node) -> list[tuple[float, float]]:
    return [(node.x, node.y) for node in lay_out(root).nodes]


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] - other[0]) < WIDTH and abs(one[1] - other[1]) < HEIGHT


@pytest.mark.parametrize("children", [0, 1, 5, 14, 15, 200])
def test_boxes_of_a_tree_never_overlap(children: int) -> None:
    rows = [
        Node(f"c{n}", None, [Node(f"g{n}", None)] if n % 7 == 0 else []) for n in range(children)
    ]
    found = sorted(boxes(Node("root", None, rows)))
    assert len(found) == 1 + children + len(range(0, children, 7))
    for at, one in enumerate(found):
        assert not any(overlap(one, other) for other in found[at + 1 :])


def test_a_narrow_tree_has_one_object_a_line_below_its_parent() -> None:
    root = Node("root", None, [Node("a", None, [Node("b", None)]), Node("c", None)])
    drawing = lay_out_below(root)
    assert [node.id for node in drawing.nodes] == ["root", "a", "b", "c"]
    assert [node.x / STEP_X for node in drawing.nodes] == [0, 1, 2, 1]
    assert [node.y for node in drawing.nodes] == [n * (HEIGHT + GAP_Y) for n in range(4)]
    assert len(drawing.edges) == 3


def test_a_parent_stands_in_the_middle_of_its_children() -> None:
    root = Node("root", None, [Node("a", None), Node("b", None), Node("c", None)])
    drawing = lay_out(root)
    assert root.y == HEIGHT + GAP_Y
    assert drawing.height == 3 * HEIGHT + 2 * GAP_Y
    assert len(drawing.edges) == 3


def test_a_thousand_objects_make_a_block_and_not_a_ribbon() -> None:
    root = Node("root", None, [Node(f"n{n}", None) for n in range(1000)])
    drawing = lay_out(root)
    assert len(drawing.nodes) == 1001
    assert 0.5 < drawing.width / drawing.height < 3
    assert len(drawing.frames) == 1


def test_children_of_objects_are_not_managed_and_loops_end() -> None:
    pod = {"kind": "Pod", "name": "p", "namespace": "n", "group": "", "version": "v1",
           "parentRefs": [{"kind": "Pod", "name": "p", "namespace": "n", "group": ""}]}  # fmt: skip
    from holdfast.api.page.object_view import draw, pods_by_owner  # noqa: PLC0415

    found = objects_of(app(), [pod])
    assert [one.managed for one in found] == [False]
    assert len(draw(view_of(app()), found).nodes) == 3
    assert len(pods_by_owner(found)) == 1


def record(live: Tree | None, wanted: Tree | None, kind: str = "ConfigMap") -> Tree:
    return {"group": "", "kind": kind, "namespace": "n", "name": "x", "liveState": live,
            "targetState": wanted, "predictedLiveState": wanted if live else None,
            "hook": False, "modified": live != wanted}  # fmt: skip


def test_a_changed_line_is_marked_where_it_differs() -> None:
    live = {"kind": "ConfigMap", "data": {"a": "one.1", "b": "same"}}
    wanted = {"kind": "ConfigMap", "data": {"a": "one.2", "b": "same"}}
    (diff,) = diffs_of([record(live, wanted)], ())
    (line,) = [line for line in diff.lines if line.kind == "changed"]
    assert line.left is not None
    assert line.right is not None
    assert (line.left.before, line.left.mark) == ("  a: one.", "1")
    assert line.right.mark == "2"
    assert (diff.added, diff.removed, diff.outcome) == (1, 1, "change")


def test_what_is_created_and_what_is_not_in_git() -> None:
    tree = {"kind": "ConfigMap", "data": {"a": "b"}}
    created, extra = diffs_of([record(None, tree), record(tree, None)], ())
    assert (created.outcome, extra.outcome) == ("create", "prune")
    assert {line.kind for line in created.lines} == {"added"}
    assert {line.kind for line in extra.lines} == {"removed"}


def test_what_the_server_writes_for_itself_is_no_difference_to_see() -> None:
    live = {"kind": "X", "metadata": {"uid": "1", "resourceVersion": "2"}, "status": {"a": 1}}
    (diff,) = diffs_of([{**record(live, {"kind": "X"}), "modified": True}], ())
    assert not [line for line in diff.lines if "uid" in (line.left.before if line.left else "")]
    assert not [line for line in diff.lines if "status" in (line.left.before if line.left else "")]


def test_ignored_fields_are_explained() -> None:
    rule = IgnoreRule("*", "Config*", "", "", ("/data/a",), (".x",), ("hpa",))
    (diff,) = diffs_of([record(None, {"kind": "ConfigMap"})], (rule,))
    assert diff.ignored == (
        "/data/a is not compared",
        "what .x selects is not compared",
        "fields of the manager hpa are not compared",
    )


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://git.example/x", True),
        ("http://git.example", True),
        ("mailto:a@b.c", True),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("vbscript:x", False),
        ("https:alert(1)", False),
        ("//evil.example", False),
        ("ssh://git@host/x", False),
        ("https://user:secret@git.example/x", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_only_listed_schemes_are_links(url: str, is_link: bool) -> None:
    assert bool(safe_url(url)) is is_link


@pytest.mark.parametrize(
    ("repo", "url"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b/commit/" + "a" * 40),
        ("git@github.com:a/b.git", "https://github.com/a/b/commit/" + "a" * 40),
        ("https://gitlab.example/a/b", "https://gitlab.example/a/b/-/commit/" + "a" * 40),
        ("file:///tmp/x", ""),
        ("javascript:github", ""),
    ],
)
def test_commits_are_links_where_it_is_known_how(repo: str, url: str) -> None:
    assert commit_url(repo, "a" * 40) == url


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "under 1 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h"), (3720, "1 h 2 min"),
     (90000, "1 d 1 h"), (900000, "10 d 10 h")],
)  # fmt: skip
def test_durations_have_one_or_two_units(seconds: float, words: str) -> None:
    assert duration(seconds, whole=True) == words


def test_times_are_relative_to_both_sides() -> None:
    assert relative(NOON, NOON + timedelta(seconds=2)) == "just now"
    assert relative(NOON, NOON + timedelta(minutes=3)) == "3 min ago"
    assert relative(NOON, NOON - timedelta(minutes=3)) == "in 3 min"
    assert milliseconds(0.00742) == "7.4 ms"
    assert milliseconds(0.312) == "312 ms"


def test_ids_are_stable_and_differ_where_texts_differ() -> None:
    assert slug("web") == "web"
    assert slug("a/b") == slug("a/b")
    assert slug("a/b") != slug("a.b")


def test_the_history_is_read_newest_first_with_what_followed() -> None:
    entries = [
        {"id": n, "revision": str(n), "deployedAt": f"2026-01-02T1{n}:00:00Z"} for n in (0, 1)
    ]
    newest, oldest = deployed_of(app(status={"history": entries}))
    assert (newest.id, newest.is_current, newest.until) == (1, True, None)
    assert oldest.active_s(NOON) == 3600


def test_switches_say_what_will_happen() -> None:
    tree = app(
        status={
            "sync": {"status": "OutOfSync"},
            "resources": [{"kind": "X", "name": "a", "status": "OutOfSync"}],
        }
    )
    automated, prune, _ = switches_of(view_of(tree))
    assert "1 object is changed at once" in automated.question
    assert prune.is_idle
    assert automated.patch == {"spec": {"syncPolicy": {"automated": {"enabled": True}}}}


def test_switches_keep_their_place_while_automatic_sync_is_off() -> None:
    policy = {"automated": {"enabled": False, "prune": True, "selfHeal": True}}
    view = view_of(app({"syncPolicy": policy}))
    assert [(one.is_on, one.is_idle) for one in switches_of(view)] == [
        (False, False), (True, True), (True, True)
    ]  # fmt: skip
    assert not view.heals


@pytest.mark.parametrize(("automated", "revision"), [(True, None), (False, "abc")])
def test_a_heal_by_hand_names_a_revision_where_it_may(automated: bool, revision: str) -> None:
    policy: Tree = {"automated": {}} if automated else {}
    view = view_of(app({"syncPolicy": policy}, status={"sync": {"revision": "abc"}}))
    body = episodes_of([open_episode()])[0].heal(view)
    assert body.get("revision") == revision
    assert [one["name"] for one in body["resources"]] == ["web"]


@pytest.mark.parametrize(
    ("ages_s", "span", "marks"),
    [
        ([5], "60 s", 1),
        ([5, 61], "3 min", 2),
        ([5, 200], "10 min", 2),
        ([5] * 8 + [86_400 * 3], "60 s", 8),
        ([7000], "120 min", 1),
        ([86_400 * 2], "3 d", 1),
        ([86_400 * 30], "7 d", 0),
        ([], "60 s", 0),
    ],
)
def test_a_line_of_time_is_as_long_as_most_drifts_need(
    ages_s: list[int], span: str, marks: int
) -> None:
    then = [NOON - timedelta(seconds=age) for age in ages_s]
    views = episodes_of(
        episode(id=str(n), detected_at=at, closed_at=at) for n, at in enumerate(then)
    )
    strip = strip_of(views, NOON)
    assert strip.ticks[0] == (0.0, span)
    assert (len(strip.marks), strip.older) == (marks, len(ages_s) - marks)
    assert all(mark.x >= 0 and mark.x + mark.width <= 1000 for mark in strip.marks)


def test_an_open_drift_older_than_the_line_begins_at_its_edge() -> None:
    old = open_episode(id="old", detected_at=NOON - timedelta(days=2))
    new = [
        episode(id=str(n), detected_at=NOON - timedelta(seconds=9), closed_at=NOON)
        for n in range(9)
    ]
    strip = strip_of(episodes_of([old, *new]), NOON)
    assert strip.ticks[0][1] == "60 s"
    assert (strip.marks[0].x, strip.marks[0].width) == (0.0, 1000.0)


def test_open_drift_comes_first_and_secrets_are_masked() -> None:
    from holdfast.domain.identity import ResourceKey  # noqa: PLC0415
    from holdfast.domain.journal import FieldChange  # noqa: PLC0415

    secret = episode(
        id="ee",
        key=ResourceKey("", "Secret", "n", "s"),
        changes=(FieldChange("data.password", "aHVudGVyMg==", None),),
    )
    views = episodes_of([secret, open_episode()])
    assert [one.state for one in views] == ["open", "healed"]
    assert "aHVudGVyMg" not in str(views[1].changes)
    strip = strip_of(views, NOON + timedelta(minutes=5))
    assert len(strip.marks) == 2
    assert all(0 <= mark.x <= 1000 for mark in strip.marks)


@pytest.mark.parametrize(
    "tree",
    [
        {"metadata": {"name": "x"}},
        {"metadata": {"name": "x", "labels": None}, "spec": [], "status": "?"},
        app({"sources": [None, {"repoURL": 5}]}, status={"history": [1], "conditions": {}}),
        app(status={"operationState": {"startedAt": "junk", "retryCount": "x"}}),
    ],
)
def test_an_application_of_any_form_is_shown(tree: Tree) -> None:
    assert view_of(tree).health == "Unknown"
