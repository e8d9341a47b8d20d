"""Which journal is meant when none is named."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast.assembly.journal import (
    default_journal,
    find_journal,
    journal_of,
    open_journal,
    source_name,
    writing_journal,
)
from holdfast.assembly.sandbox import ClusterSettings
from holdfast.assembly.up import journal_folder
from holdfast.domain.journal import EpisodeFilter
from holdfast.kit.clock import SystemClock
from holdfast.sandbox.folder import kubeconfig_text
from tests.support import happenings as h


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def made(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_the_environment_names_one(tmp_path: Path) -> None:
    made(tmp_path / "journal.db")
    environ = {"HOLDFAST_JOURNAL": "postgresql://db/holdfast", "KUBECONFIG": str(tmp_path / "k")}
    assert find_journal("", environ) == "postgresql://db/holdfast"


def test_the_one_beside_the_kubeconfig_belongs_to_that_cluster(tmp_path: Path) -> None:
    """`holdfast up` leaves it there."""
    made(tmp_path / "state" / "holdfast" / "journal.db")
    beside = made(tmp_path / "up" / "journal.db")
    kubeconfig = str(tmp_path / "up" / "kubeconfig")
    assert find_journal("", {"KUBECONFIG": kubeconfig}) == beside
    assert find_journal(kubeconfig, {}) == beside


def test_else_the_usual_place_even_when_nothing_is_there_yet(tmp_path: Path) -> None:
    usual = str(tmp_path / "state" / "holdfast" / "journal.db")
    assert find_journal("", {}) == usual
    assert default_journal() == usual


def test_a_data_folder_holds_its_own(tmp_path: Path) -> None:
    assert default_journal(tmp_path) == str(tmp_path / "journal.db")


def test_a_cluster_that_keeps_nothing_has_its_journal_beside_its_kubeconfig(
    tmp_path: Path,
) -> None:
    kubeconfig, data = tmp_path / "cluster" / "kubeconfig", tmp_path / "controller"
    folder = journal_folder(ClusterSettings(data=None), kubeconfig, data)
    journal = made(Path(default_journal(folder)))
    assert find_journal("", {"KUBECONFIG": str(kubeconfig)}) == journal


def test_a_kubeconfig_written_elsewhere_takes_no_journal_along(tmp_path: Path) -> None:
    kubeconfig, data = tmp_path / "home" / "kubeconfig", tmp_path / "data"
    settings = ClusterSettings(data=data, kubeconfig=kubeconfig)
    assert journal_folder(settings, kubeconfig, data) == data


async def test_in_the_usual_place_only_the_drifts_of_the_cluster_that_is_meant_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account may run Holdfast for several clusters, and all write there."""
    monkeypatch.delenv("HOLDFAST_JOURNAL", raising=False)
    for server in ("https://one:6443", "https://two:6443"):
        async with writing_journal(
            default_journal(), source_name(server, "argocd"), SystemClock()
        ) as it:
            assert it is not None
            for happening in h.whole(h.new_id(), at=SystemClock().now()):
                it.take(happening)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig_text("https://one:6443", "", "token"))
    mine = await asyncio.to_thread(journal_of, str(kubeconfig), "", "argocd")
    found = await mine.episodes(EpisodeFilter())
    assert [episode.source for episode in found] == ["https://one:6443 argocd"]
    elsewhere = await asyncio.to_thread(journal_of, str(kubeconfig), "", "elsewhere")
    assert await elsewhere.episodes(EpisodeFilter()) == ()
    everything = await open_journal(default_journal()).episodes(EpisodeFilter())
    assert len(everything) == 2
