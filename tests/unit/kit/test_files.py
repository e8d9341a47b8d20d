"""Paths from outside stay inside a root."""

from pathlib import Path

import pytest

from holdfast.kit.files import OutsideError, is_inside, resolve_inside


def test_a_path_inside_is_resolved_even_when_it_does_not_exist(tmp_path: Path) -> None:
    assert resolve_inside(tmp_path, "a/../b/c") == tmp_path.resolve() / "b" / "c"
    assert resolve_inside(tmp_path, ".") == tmp_path.resolve()


@pytest.mark.parametrize("path", ["..", "a/../../x", "/etc/passwd", "link/x", "a\0b"])
def test_a_path_that_leaves_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(OutsideError):
        resolve_inside(root, path)


def test_a_folder_with_the_same_beginning_is_not_inside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root-two").mkdir()
    assert not is_inside(tmp_path / "root", tmp_path / "root-two")
    assert is_inside(tmp_path / "root", tmp_path / "root")
    assert is_inside("/", tmp_path)
