"""`include` and `exclude` are globs whose `*` crosses folders."""

import pytest

from holdfast.renderers.globs import compile_glob, matches


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.yaml", "a.yaml"),
        ("*.yaml", "a/b/c.yaml"),
        ("a/*", "a/b/c.yaml"),
        ("**/x.yaml", "a/b/x.yaml"),
        ("?.yaml", "a.yaml"),
        ("[a-c].yaml", "b.yaml"),
        ("[!a].yaml", "b.yaml"),
        ("{a,b}.yaml", "b.yaml"),
        ("{*.yml,{c,d}.json}", "d.json"),
        (r"\*.yaml", "*.yaml"),
        ("a+b(1).yaml", "a+b(1).yaml"),
    ],
)
def test_a_glob_matches(pattern: str, path: str) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.yaml", "a.yml"),
        ("a", "ab"),
        ("?.yaml", "ab.yaml"),
        ("[!a].yaml", "a.yaml"),
        ("{a,b}.yaml", "c.yaml"),
        (".yaml", "xyaml"),
        ("a,b", "a"),
    ],
)
def test_a_glob_does_not_match(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@pytest.mark.parametrize("pattern", ["{a", "a}", "[a", "[]"])
def test_a_broken_glob_is_none(pattern: str) -> None:
    assert compile_glob(pattern) is None
    assert not matches(pattern, pattern)
