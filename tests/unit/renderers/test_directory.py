"""Which files of a folder are manifests (docs/internals/argocd/controller.md §3.7)."""

from pathlib import Path

import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.renderers.directory import DirectoryOptions, read_directory
from tests.support.gitrepo import write_tree


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def names(root: Path, path: str = ".", **options: object) -> list[str]:
    found = read_directory(str(root), path, DirectoryOptions(**options))  # type: ignore[arg-type]  # each test names fields that exist
    return [tree["metadata"]["name"] for tree in found.objects]


FILES = {
    "app/b.yaml": config_map("b1") + "---\n# nothing\n---\n" + config_map("b2"),
    "app/a.yml": config_map("a"),
    "app/c.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}',
    "app/sub/d.yaml": config_map("d"),
    "app/notes.txt": config_map("text"),
    "other/e.yaml": config_map("e"),
}


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    assert names(write_tree(tmp_path, FILES), "app") == ["a", "b1", "b2", "c"]


def test_sub_folders_are_read_when_asked(tmp_path: Path) -> None:
    assert names(write_tree(tmp_path, FILES), "app", recurse=True)[-1] == "d"


def test_every_extension_is_read_when_asked(tmp_path: Path) -> None:
    assert "text" in names(write_tree(tmp_path, FILES), "app", every_extension=True)


def test_exclude_wins_over_include(tmp_path: Path) -> None:
    root = write_tree(tmp_path, FILES)
    assert names(root, "app", include="*.yaml", recurse=True) == ["b1", "b2", "d"]
    assert names(root, "app", include="*.yaml", exclude="sub/*", recurse=True) == ["b1", "b2"]


def test_each_object_knows_its_file(tmp_path: Path) -> None:
    found = read_directory(str(write_tree(tmp_path, FILES)), "app", DirectoryOptions())
    assert found.origins == ["app/a.yml", "app/b.yaml", "app/b.yaml", "app/c.json"]


def test_lists_are_replaced_by_their_items(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
        "  metadata: {name: one}\n- apiVersion: v1\n  kind: ConfigMapList\n  items:\n"
        "  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: two}\n"
        "---\napiVersion: v1\nkind: ConfigMapList\nmetadata: {name: x}\nitems: null\n"
    )
    assert names(write_tree(tmp_path, {"a.yaml": text})) == ["one", "two"]


def test_a_file_with_the_skip_marker_is_skipped(tmp_path: Path) -> None:
    files = {"a.yaml": "# +argocd:skip-file-rendering\n" + config_map("a"), "b.yaml": "{}\n"}
    assert names(write_tree(tmp_path, files)) == []


def test_a_link_inside_the_repository_is_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app/x": "", "shared/a.yaml": config_map("a")})
    (tmp_path / "app" / "a.yaml").symlink_to("../shared/a.yaml")
    assert names(tmp_path, "app") == ["a"]


def test_a_link_that_leaves_the_repository_is_an_error(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "repo", {"app/x.txt": ""})
    write_tree(tmp_path, {"secret.yaml": config_map("secret")})
    (root / "app" / "a.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(HoldfastError, match=r"^app/a\.yaml: the link leaves") as caught:
        names(root, "app")
    assert caught.value.code == "HF1006"


def test_links_to_nothing_and_folders_are_skipped_with_a_warning(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app/sub/a.yaml": config_map("a")})
    (tmp_path / "app" / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "app" / "folder.yaml").symlink_to("sub")
    found = read_directory(str(tmp_path), "app", DirectoryOptions())
    assert found.objects == []
    assert found.warnings == [
        "app/folder.yaml: not a regular file; skipped",
        "app/gone.yaml: a link to a missing file; skipped",
    ]


def test_the_sizes_of_all_files_together_are_limited(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    assert names(root, size_bytes=0) == ["a", "b"]
    with pytest.raises(HoldfastError, match="larger than 60 bytes together") as caught:
        names(root, size_bytes=60)
    assert caught.value.code == "HF1007"


def test_jsonnet_files_say_that_they_are_not_built(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a.jsonnet": "{}", "b.yaml": config_map("b")})
    assert names(root, jsonnet_enabled=False) == ["b"]
    with pytest.raises(HoldfastError, match=r"a\.jsonnet: jsonnet is not built yet") as caught:
        names(root)
    assert caught.value.code == "HF3008"


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        pytest.param(
            {"a.yaml": config_map("a") + "data:\n  x: 1\n x: y\n"},
            "HF1004",
            "a.yaml: line 6: does not parse: did not find expected key",
            id="bad indentation",
        ),
        pytest.param(
            {"a.yaml": config_map("a") + "---\nx: {{ .Values.y }}: z\n"},
            "HF1004",
            "a.yaml: line 5: does not parse: ",
            id="a later document",
        ),
        pytest.param(
            {"a.yaml": config_map("a") + "kind: Secret\n"},
            "HF1004",
            "a.yaml: line 4: does not parse: a key stands twice in one mapping, first on line 2",
            id="a key twice",
        ),
        pytest.param(
            {"a.json": '{"a": 1,}'}, "HF1004", "a.json: line 1: does not parse: ", id="JSON"
        ),
        pytest.param(
            {"a.json": "{} {}"},
            "HF1004",
            'Found multiple objects in "a.json". Only single objects are allowed in JSON files.',
            id="two JSON objects",
        ),
        pytest.param(
            {"a.yaml": "apiVersion: v1\nmetadata: {name: a}\n"},
            "HF1005",
            "a.yaml (document 1, line 1): an object has no kind",
            id="no kind",
        ),
        pytest.param(
            {"a.yaml": config_map("a") + "---\n\napiVersion: v1\nkind: ConfigMap\n"},
            "HF1005",
            "a.yaml (document 2, line 6): the ConfigMap has no metadata.name",
            id="no name",
        ),
        pytest.param(
            {"a.yaml": "x: 1\n"},
            "HF1005",
            "a.yaml (document 1, line 1): an object has no apiVersion and no kind and no"
            " metadata.name",
            id="no manifest at all",
        ),
        pytest.param(
            {"a.yaml": "- a\n"}, "HF1005", "a.yaml (document 1, line 1): not an object", id="list"
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(
    tmp_path: Path, files: dict[str, str], code: str, message: str
) -> None:
    with pytest.raises(HoldfastError) as caught:
        names(write_tree(tmp_path, files))
    assert caught.value.code == code
    assert caught.value.message.startswith(message)


def test_an_object_with_generate_name_needs_no_name(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n"
    found = read_directory(str(write_tree(tmp_path, {"a.yaml": text})), ".", DirectoryOptions())
    assert len(found.objects) == 1


def test_a_template_that_looks_like_no_manifest_is_left_alone(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a.yaml": config_map("a"), "t.yaml": "x: {{ .Values.y }}: z\n"})
    assert names(root) == ["a"]


def test_no_error_quotes_a_file(tmp_path: Path) -> None:
    text = config_map("a") + "stringData:\n  password: hunter2\n  password: hunter3: x\n"
    with pytest.raises(HoldfastError) as caught:
        names(write_tree(tmp_path, {"a.yaml": text}))
    assert "hunter" not in caught.value.describe()


@pytest.mark.parametrize("field", ["include", "exclude"])
def test_a_broken_glob_is_named(field: str) -> None:
    with pytest.raises(HoldfastError, match=rf"`directory\.{field}` is not a glob: \{{a") as caught:
        DirectoryOptions.parse({field: "{a"}, jsonnet_enabled=True, size_bytes=0)
    assert caught.value.code == "HF1008"
