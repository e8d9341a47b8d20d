"""The glob dialects of settings (controller.md, conventions)."""

import time

import pytest

from holdfast.domain.globs import is_glob, matches_glob, matches_path_glob


@pytest.mark.parametrize(
    ("pattern", "text", "separator", "matches"),
    [
        pytest.param("*", "a/b", "", True, id="a star crosses slashes without separator"),
        pytest.param("a*", "abc", "", True, id="star at the end"),
        pytest.param("*c", "abc", "", True, id="star at the start"),
        pytest.param("a*c*e", "abcde", "", True, id="several stars"),
        pytest.param("a*c*e", "acccde", "", True, id="the first place is enough"),
        pytest.param("*ab", "aab", "", True, id="a star gives back at the end"),
        pytest.param("*a*ab", "aaab", "", True, id="a star gives back behind another"),
        pytest.param("a?c", "abc", "", True, id="one character"),
        pytest.param("a?c", "ac", "", False, id="not none"),
        pytest.param("[ab]x", "bx", "", True, id="class"),
        pytest.param("[!ab]x", "bx", "", False, id="negated class"),
        pytest.param("[a-c]x", "bx", "", True, id="range"),
        pytest.param("{dev,prod}-*", "prod-1", "", True, id="alternatives"),
        pytest.param("{dev,prod}-*", "test-1", "", False, id="other alternatives"),
        pytest.param("a\\*b", "a*b", "", True, id="escaped star"),
        pytest.param("a\\*b", "axb", "", False, id="an escaped star is no star"),
        pytest.param("a.b", "axb", "", False, id="a dot is a dot"),
        pytest.param("https://h/*", "https://h/a", "/", True, id="one part"),
        pytest.param("https://h/*", "https://h/a/b", "/", False, id="not two parts"),
        pytest.param("https://h/*/*", "https://h/a/b", "/", True, id="two parts"),
        pytest.param("https://h/**", "https://h/a/b", "/", True, id="all parts"),
        pytest.param("**a*c", "a/ac", "/", True, id="both kinds of stars"),
        pytest.param("", "", "", True, id="nothing matches nothing"),
        pytest.param("", "a", "", False, id="nothing does not match something"),
        pytest.param("[a", "[a", "", False, id="an unclosed class matches nothing"),
        pytest.param("{a", "{a", "", False, id="an unclosed brace matches nothing"),
    ],
)
def test_a_glob_matches_the_whole_text(
    pattern: str, text: str, separator: str, matches: bool
) -> None:
    assert matches_glob(pattern, text, separator) is matches


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "Deployment", True),
        ("*", "a/b", False),
        ("[^D]*", "Deployment", False),
        ("Deploy*", "Deployment", True),
        ("{a,b}", "a", False),
        ("{a,b}", "{a,b}", True),
    ],
)
def test_path_globs_have_no_braces_and_stop_at_slashes(
    pattern: str, text: str, matches: bool
) -> None:
    assert matches_path_glob(pattern, text) is matches


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "*b", "**a" * 60 + "b", "{x,*a}" * 30 + "b", "*" * 500 + "b"]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    """A project's author must not be able to stop the controller."""
    began = time.process_time()
    assert not matches_glob(pattern, "a" * 253)
    assert time.process_time() - began < 0.5


def test_a_pattern_that_cannot_be_read_says_so() -> None:
    assert is_glob("a*")
    assert not is_glob("[a")
    assert not is_glob("a" * 2000)
