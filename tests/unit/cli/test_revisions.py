"""Which revision is for which of several sources."""

from typing import Any

import pytest

from holdfast.cli.app.revisions import REVISION_FLAGS, choose_revisions
from holdfast.cli.pflag import UsageError, Values

SPEC: dict[str, Any] = {"sources": [{"name": "base"}, {"repoURL": "b"}, {"name": "values"}]}


def values(**given: list[str]) -> Values:
    named = {name.replace("_", "-"): texts for name, texts in given.items()}
    return Values(REVISION_FLAGS, named)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({}, ()),
        ({"revisions": ["a", "b"]}, ("a", "b")),
        ({"revisions": ["v3", "v1"], "source_positions": ["3", "1"]}, ("v1", "", "v3")),
        ({"revisions": ["v3"], "source_names": ["values"]}, ("", "", "v3")),
    ],
)
def test_a_revision_goes_to_its_source(
    given: dict[str, list[str]], chosen: tuple[str, ...]
) -> None:
    assert choose_revisions(values(**given), SPEC) == chosen


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"revisions": ["a"], "source_positions": ["1"], "source_names": ["x"]}, "Only one of"),
        ({"revisions": ["a"], "source_positions": ["1", "2"]}, "length of values for both"),
        ({"revisions": ["a"], "source_positions": ["4"]}, "there is no source 4"),
        ({"revisions": ["a"], "source_positions": ["0"]}, "from 1"),
        ({"revisions": ["a"], "source_positions": ["one"]}, "one is no number"),
        ({"revisions": ["a"], "source_names": ["x"]}, 'no source named "x"'),
    ],
)
def test_flags_that_make_no_sense_are_refused(given: dict[str, list[str]], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        choose_revisions(values(**given), SPEC)


def test_a_single_source_has_no_positions() -> None:
    given = values(revisions=["a"], source_positions=["1"])
    with pytest.raises(UsageError, match="use --revision"):
        choose_revisions(given, {"source": {"repoURL": "a"}})
