"""Globs mean what a matcher that tries everything says they mean."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.globs import matches_glob, matches_path_glob


def tries_everything(pattern: str, text: str, separator: str) -> bool:
    """Match `*`, `**` (with a separator) and `?` the slow and obvious way."""
    if not pattern:
        return not text
    if pattern.startswith("*"):
        rest = pattern.lstrip("*")
        crosses = not separator or len(pattern) - len(rest) > 1
        ends = range(len(text) + 1) if crosses else range(_reach(text, separator) + 1)
        return any(tries_everything(rest, text[end:], separator) for end in ends)
    if not text or (pattern[0] == "?" and text[0] == separator):
        return False
    same = pattern[0] in ("?", text[0])
    return same and tries_everything(pattern[1:], text[1:], separator)


def _reach(text: str, separator: str) -> int:
    place = text.find(separator)
    return len(text) if place < 0 else place


PATTERNS = st.text("ab/?*", max_size=8).filter(lambda text: text.count("*") <= 4)
TEXTS = st.text("ab/", max_size=8)


@given(PATTERNS, TEXTS, st.sampled_from(["", "/"]))
def test_a_glob_is_what_it_says(pattern: str, text: str, separator: str) -> None:
    expected = tries_everything(pattern, text, separator)
    assert matches_glob(pattern, text, separator) is expected


@given(PATTERNS, TEXTS)
def test_a_path_glob_has_one_kind_of_star(pattern: str, text: str) -> None:
    single = pattern
    while "**" in single:
        single = single.replace("**", "*")
    assert matches_path_glob(pattern, text) is tries_everything(single, text, "/")
