"""No flag is taken and forgotten: each that help shows is read by its command."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from holdfast.cli.pflag import Values
from tests.support.command_line import holdfast
from tests.unit.cli.test_golden_output import CASES, link
from tools.write_cli_reference import commands

if TYPE_CHECKING:
    from collections.abc import Iterable

APP = "go-sample-app-prod"
MORE = (
    f"app sync {APP} --retry-limit 2 --label a=b",
    "app sync --selector a=b",
    f"app diff {APP} --local . --source-positions 1 --revisions a",
    f"app manifests {APP} --local . --source-positions 1 --revisions a",
    f"app manifests {APP} --local .",
    f"app sync {APP} --local .",
    f"app delete {APP} --wait",
    "app delete --selector a=b",
    "app wait --selector a=b",
    f"app get {APP} --refresh --show-params --source-position 1",
    "app list --selector a=b",
    "app create web --repo x --label a=b --annotations c=d",
)
SPECS = dict(commands())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the flags that were asked for."""
    names: set[str] = set()
    read, is_given, any_given = Values._raw, Values.is_given, Values.any_given

    def noted_read(self: Values, name: str) -> list[str]:
        names.add(name)
        return read(self, name)

    def noted_is_given(self: Values, name: str) -> bool:
        names.add(name)
        return is_given(self, name)

    def noted_any_given(self: Values, wanted: Iterable[str]) -> bool:
        wanted = list(wanted)
        names.update(wanted)
        return any_given(self, wanted)

    monkeypatch.setattr(Values, "_raw", noted_read)
    monkeypatch.setattr(Values, "is_given", noted_is_given)
    monkeypatch.setattr(Values, "any_given", noted_any_given)
    return names


def test_every_flag_that_help_shows_is_read(asked: set[str]) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for line in (*(line for _, line in CASES), *MORE):
        words = line.split()
        name = " ".join(words[:2]) if words[0] in ("app", "proj") else words[0]
        if name not in SPECS:
            continue
        asked.clear()
        holdfast(link(), *words)
        found[name] |= asked
    assert len(found) > 20
    unread = {
        f"{name} --{flag.name}"
        for name, names in found.items()
        for flag in SPECS[name].flags
        if not flag.hidden and flag.name not in names
    }
    assert unread == set()
