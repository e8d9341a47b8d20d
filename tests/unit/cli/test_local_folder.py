"""Which root and path `--local` stands for."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.cli.app.local import local_folder

if TYPE_CHECKING:
    from holdfast.cli.pflag import Values


class Given:
    """The two flags as a person gave them."""

    def __init__(self, **texts: str) -> None:
        self._texts = {name.replace("_", "-"): text for name, text in texts.items()}

    def is_given(self, name: str) -> bool:
        return name in self._texts

    def text(self, name: str) -> str:
        return self._texts[name]


def folder_of(**texts: str) -> str:
    values: Values = Given(**texts)  # type: ignore[assignment]  # the two questions that are asked
    return local_folder(values)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "overlays" / "prod"
    folder.mkdir(parents=True)
    return folder


def test_without_the_flag_git_is_meant() -> None:
    assert folder_of() == ""


def test_the_root_is_the_repository_around_the_folder(overlay: Path) -> None:
    root = overlay.parent.parent
    (root / ".git").mkdir()
    assert folder_of(local=str(overlay)) == f"{root}//overlays/prod"


def test_a_folder_outside_of_any_repository_is_its_own_root(overlay: Path) -> None:
    assert folder_of(local=str(overlay)) == f"{overlay}//."


def test_a_root_that_is_given_counts(overlay: Path) -> None:
    root = overlay.parent
    assert folder_of(local=str(overlay), local_repo_root=str(root)) == f"{root}//prod"
