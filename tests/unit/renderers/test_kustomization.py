"""The overrides of an Application, written into a kustomization (controller.md §3.6)."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.kit import yamlio
from holdfast.renderers.environment import substitute
from holdfast.renderers.kustomization import edit, inspect_graph, parse_image, rewrite
from tests.support.gitrepo import write_tree


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("nginx:1.2", {"name": "nginx", "newTag": "1.2"}),
        ("nginx@sha256:ab", {"name": "nginx", "digest": "sha256:ab"}),
        ("a=b", {"name": "a", "newName": "b"}),
        ("a=b:1", {"name": "a", "newName": "b", "newTag": "1"}),
        ("a=r.io:5000/b", {"name": "a", "newName": "r.io:5000/b"}),
        (
            "a=r.io:5000/b:1@sha256:c",
            {"name": "a", "newName": "r.io:5000/b", "newTag": "1", "digest": "sha256:c"},
        ),
        ("r.io:5000/b:1", {"name": "r.io:5000/b", "newTag": "1"}),
    ],
)
def test_an_image_override_is_read(text: str, image: dict[str, str]) -> None:
    assert parse_image(text) == image


@pytest.mark.parametrize("text", ["nginx", "a=", "=b", "a:", "a=b:", "a@", ""])
def test_a_malformed_image_override_is_named(text: str) -> None:
    with pytest.raises(HoldfastError, match=r"old=\]new") as caught:
        parse_image(text)
    assert caught.value.code == "HF1008"


@pytest.mark.parametrize(
    ("file", "block", "edited"),
    [
        pytest.param(
            {"namePrefix": "a-"},
            {"namePrefix": "b-", "nameSuffix": "-z", "namespace": "n"},
            {"namePrefix": "b-", "nameSuffix": "-z", "namespace": "n"},
            id="prefix, suffix and namespace are set",
        ),
        pytest.param(
            {
                "images": [
                    {"name": "b", "newName": "c", "newTag": "1"},
                    {"name": "x", "newTag": "9"},
                ]
            },
            {"images": ["b=*:2", "a:3"]},
            {
                "images": [
                    {"name": "a", "newTag": "3"},
                    {"name": "b", "newName": "c", "newTag": "2"},
                    {"name": "x", "newTag": "9"},
                ]
            },
            id="images are replaced by name, an asterisk keeps",
        ),
        pytest.param(
            {"replicas": [{"name": "a", "count": 1}, {"name": "b", "count": 1}]},
            {"replicas": [{"name": "a", "count": "3"}]},
            {"replicas": [{"name": "b", "count": 1}, {"name": "a", "count": 3}]},
            id="replicas are replaced by name",
        ),
        pytest.param(
            {"commonLabels": {"a": "1"}},
            {"commonLabels": {"b": 2}},
            {"commonLabels": {"a": "1", "b": "2"}},
            id="labels are added as text",
        ),
        pytest.param(
            {"commonLabels": {"a": "1"}},
            {"commonLabels": {"a": "2"}, "forceCommonLabels": True},
            {"commonLabels": {"a": "2"}},
            id="labels are replaced by force",
        ),
        pytest.param(
            {"labels": [{"pairs": {"a": "1"}, "includeSelectors": True}]},
            {
                "commonLabels": {"b": "2"},
                "labelWithoutSelector": True,
                "labelIncludeTemplates": True,
            },
            {
                "labels": [
                    {"pairs": {"a": "1"}, "includeSelectors": True},
                    {"pairs": {"b": "2"}, "includeSelectors": False, "includeTemplates": True},
                ]
            },
            id="labels outside selectors",
        ),
        pytest.param(
            {"commonAnnotations": {"a": "1"}},
            {"commonAnnotations": {"b": "2"}},
            {"commonAnnotations": {"a": "1", "b": "2"}},
            id="annotations",
        ),
        pytest.param(
            {"patches": [{"path": "p.yaml"}]},
            {"patches": [{"patch": "x", "target": {"kind": "Deployment"}}]},
            {"patches": [{"path": "p.yaml"}, {"patch": "x", "target": {"kind": "Deployment"}}]},
            id="patches come after those of the file",
        ),
        pytest.param(
            {"components": ["c1"]},
            {"components": ["c1", "c2", "missing"], "ignoreMissingComponents": True},
            {"components": ["c1", "c2"]},
            id="missing components are left out when asked",
        ),
        pytest.param(
            {}, {"components": ["missing"]}, {"components": ["missing"]}, id="else kustomize says"
        ),
        pytest.param({"resources": ["a"]}, {}, {"resources": ["a"]}, id="nothing to do"),
    ],
)
def test_a_kustomization_is_edited(
    tmp_path: Path, file: dict[str, Any], block: dict[str, Any], edited: dict[str, Any]
) -> None:
    write_tree(tmp_path, {"c1/kustomization.yaml": "", "c2/kustomization.yaml": ""})
    assert edit(file, block, str(tmp_path)) == edited


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"commonLabels": {"a": "2"}}, "label a already in kustomization file"),
        ({"commonAnnotations": {"a": "2"}}, "annotation a already in kustomization file"),
    ],
)
def test_a_label_of_the_file_is_not_replaced_without_force(
    tmp_path: Path, block: dict[str, Any], message: str
) -> None:
    tree = {"commonLabels": {"a": "1"}, "commonAnnotations": {"a": "1"}}
    with pytest.raises(HoldfastError, match=message):
        edit(tree, block, str(tmp_path))


def test_the_copy_holds_the_overrides_and_the_checkout_stays_as_it_was(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "repo",
        {"base/kustomization.yaml": "{}", "over/kustomization.yaml": "resources: [../base]\n"},
    )
    rewrite(str(root), "over", {"namePrefix": "x-"}, str(tmp_path / "copy"))
    copy = yamlio.load_one((tmp_path / "copy/over/kustomization.yaml").read_text())
    assert copy == {"namePrefix": "x-", "resources": ["../base"]}
    assert (tmp_path / "copy/base/kustomization.yaml").read_text() == "{}"
    assert (root / "over/kustomization.yaml").read_text() == "resources: [../base]\n"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param("https://example.org/x?ref=v1", "HF3008", id="https"),
        pytest.param("github.com/org/repo/base?ref=v1", "HF3008", id="github short form"),
        pytest.param("git@example.org:org/repo.git", "HF3008", id="scp form"),
        pytest.param("ssh://git@example.org/org/repo", "HF3008", id="ssh"),
        pytest.param("../../outside", "HF1006", id="a folder above the repository"),
        pytest.param("/etc", "HF1006", id="an absolute path"),
    ],
)
def test_a_base_outside_the_repository_is_refused(tmp_path: Path, entry: str, code: str) -> None:
    root = write_tree(
        tmp_path / "repo",
        {
            "over/kustomization.yaml": "resources: [../base]\n",
            "base/kustomization.yaml": f"resources: ['{entry}']\n",
        },
    )
    with pytest.raises(HoldfastError, match=r"^base/kustomization\.yaml: ") as caught:
        inspect_graph(str(root), "over")
    assert caught.value.code == code


def test_files_of_generators_must_be_in_the_repository_too(tmp_path: Path) -> None:
    text = "configMapGenerator:\n- name: a\n  files: ['passwd=../../../../../../../etc/passwd']\n"
    root = write_tree(tmp_path / "repo", {"kustomization.yaml": text})
    with pytest.raises(HoldfastError, match="`files` refers to"):
        inspect_graph(str(root), ".")


def test_inline_patches_and_pointers_are_no_files(tmp_path: Path) -> None:
    text = (
        "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: remove\n"
        "      path: /spec/replicas\n- path: /spec/x\n"
        "resources: [../base.v1/app/x.yaml]\n"
    )
    root = write_tree(tmp_path / "repo", {"o/kustomization.yaml": text})
    inspect_graph(str(root), "o")


def test_a_cycle_of_bases_ends(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path,
        {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"},
    )
    inspect_graph(str(root), "a")


def test_a_broken_kustomization_is_named_by_line(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a/kustomization.yaml": "resources:\n- a\n x: [\n"})
    with pytest.raises(HoldfastError, match=r"a/kustomization\.yaml: line 3: does not parse"):
        inspect_graph(str(root), "a")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A-${B}", "1-2"),
        ("$$A", "$A"),
        ("${UNKNOWN}x$UNKNOWN", "x"),
        ("100%", "100%"),
        ("a$", "a$"),
    ],
)
def test_variables_are_substituted(text: str, result: str) -> None:
    assert substitute(text, {"A": "1", "B": "2"}) == result
