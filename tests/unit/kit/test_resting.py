"""Trees at rest are what they were, and small."""

import sys

from holdfast.kit.resting import RestingTrees


def _tree(number: int) -> dict[str, object]:
    rows = [{"kind": "ConfigMap", "name": f"settings-{row}", "of": number} for row in range(50)]
    return {"metadata": {"name": f"app-{number}"}, "status": {"resources": rows}}


def test_every_tree_comes_back_as_it_was_whether_it_rests_or_not() -> None:
    trees: RestingTrees[int] = RestingTrees(whole=3)
    for number in range(10):
        trees.keep(number, _tree(number))
    assert sorted(trees) == list(range(10))
    assert len(trees) == 10
    assert [trees.find(number) for number in range(10)] == [_tree(n) for n in range(10)]
    assert trees.find(99) is None


def test_a_new_form_takes_the_place_of_one_that_rests() -> None:
    trees: RestingTrees[str] = RestingTrees(whole=1)
    trees.keep("a", _tree(1))
    trees.keep("b", _tree(2))
    trees.keep("a", _tree(3))
    assert trees.find("a") == _tree(3)
    assert len(trees) == 2
    trees.forget("a")
    trees.forget("b")
    trees.forget("c")
    assert "a" not in trees
    assert not len(trees)


def test_what_rests_takes_a_small_part_of_its_text() -> None:
    trees: RestingTrees[int] = RestingTrees(whole=1)
    for number in range(20):
        trees.keep(number, _tree(number))
    packed = trees._packed.values()  # its size is the promise
    assert max(sys.getsizeof(data) for data in packed) < 500


def test_a_first_tree_that_looks_unlike_the_others_does_not_spoil_their_size() -> None:
    trees: RestingTrees[int] = RestingTrees(whole=1)
    trees.keep(-1, {"metadata": {"name": "first"}})
    for number in range(20):
        trees.keep(number, _tree(number))
    packed = list(trees._packed.values())
    assert max(sys.getsizeof(data) for data in packed[2:]) < 500
    assert trees.find(-1) == {"metadata": {"name": "first"}}
    assert [trees.find(number) for number in range(20)] == [_tree(n) for n in range(20)]


def test_trees_of_many_forms_come_back_as_they_were() -> None:
    trees: RestingTrees[int] = RestingTrees(whole=1)
    forms = [{f"{n}-{m}": str((n * 31 + m) ** 5) for m in range(50)} for n in range(40)]
    for number, tree in enumerate(forms):
        trees.keep(number, tree)
    assert [trees.find(number) for number in range(40)] == forms
