"""Laws of reading repositories: nothing outside is read, and nothing inside is lost."""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.domain.errors import RepositoryError
from holdfast.kit import yamlio
from holdfast.kit.files import OutsideError, is_inside, resolve_inside
from holdfast.renderers.detect import check_path
from holdfast.renderers.directory import DirectoryOptions, read_directory
from holdfast.renderers.globs import compile_glob
from tests.support.gitrepo import write_tree

texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=20
)
numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: not f.is_integer()),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(texts.filter(bool), inner, max_size=4)
    ),
    max_leaves=12,
)
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
objects = st.builds(
    lambda name, spec: {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {"name": name},
        "spec": spec,
    },
    names,
    trees,
)
path_parts = st.sampled_from(["..", ".", "a", "b", "link", "up", "/", "", "etc", "~", "\\", "a b"])


@given(trees)
def test_what_is_dumped_is_read_back(tree: Any) -> None:
    assert yamlio.load_one(yamlio.dump(tree)) == tree


@given(texts)
@example("=")  # YAML 1.1 has a type for it
def test_a_text_stays_a_text_for_other_readers_too(text: str) -> None:
    """Another YAML 1.1 reader (PyYAML with dates and sexagesimals) agrees."""
    assert yaml.safe_load(yamlio.dump({"key": text})) == {"key": text}


@given(trees)
def test_json_is_yaml(tree: Any) -> None:
    text = json.dumps(tree)
    assert yamlio.load_json(text) == [tree]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(yamlio.YamlError):
        list(yamlio.load_all(data))


@given(st.lists(st.lists(objects, max_size=3), min_size=1, max_size=4), st.booleans())
def test_every_object_of_a_folder_is_rendered_in_order(
    files: list[list[dict[str, Any]]],
    deep: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        prefix = "sub/" if deep else ""
        content = {
            f"{prefix}{number}.yaml": yamlio.dump_all(list(documents))
            for number, documents in enumerate(files)
        }
        write_tree(Path(folder), content)
        found = read_directory(folder, ".", DirectoryOptions(recurse=deep))
    assert found.objects == [tree for documents in files for tree in documents]


@given(st.lists(path_parts, max_size=6).map("/".join))
def test_a_resolved_path_never_leaves_its_root(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        (root / "a" / "b").mkdir(parents=True)
        (root / "a" / "up").symlink_to("..")
        (root / "link").symlink_to(folder)
        try:
            resolved = resolve_inside(root, path)
        except OutsideError:
            escaped = os.path.realpath(os.path.join(root, path))
            assert os.path.isabs(path) or not is_inside(root, escaped)
        else:
            assert is_inside(root, resolved)


@given(st.lists(path_parts, max_size=6).map("/".join))
def test_an_app_path_is_inside_or_refused(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        (root / "a" / "b").mkdir(parents=True)
        (root / "link").symlink_to(folder)
        with contextlib.suppress(RepositoryError):
            check_path(str(root), path)
            assert is_inside(root, root / path)


@given(st.text("ab*?[]{},!-\\/.", max_size=12), st.text("ab/.-", max_size=12))
def test_every_glob_compiles_or_is_refused_and_ends(pattern: str, path: str) -> None:
    compiled = compile_glob(pattern)
    if compiled is not None:
        compiled.match(path)
