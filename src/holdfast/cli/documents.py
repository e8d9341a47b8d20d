"""Objects as JSON and YAML on stdout, and objects read from files, addresses and stdin.

JSON has two blanks of indent; a list is printed as a JSON array, an empty one as `[]`
(docs/internals/argocd/api.md §4.4).
"""

import json
from collections.abc import Sequence
from typing import Any, TextIO

from holdfast.cli.pflag import UsageError

JSON = Any
Tree = dict[str, Any]
STRUCTURED = ("json", "yaml")


def render(value: JSON, form: str) -> str:
    """Return a tree or a list of trees as `json` or `yaml`, without a last newline."""
    if form == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    from holdfast.kit import yamlio

    return yamlio.dump(value).rstrip("\n")


def without_times(tree: Tree) -> Tree:
    """Return a repository or cluster without when it was tried.

    Straight it is tried for this command, by a server maybe half an hour ago: what is printed
    says how it stands, the same both ways. The member stays, as in Argo CD for what is untried.
    """
    info = tree.get("info")
    found = {**tree, "info": _untimed(info)} if isinstance(info, dict) else tree
    return _untimed(found)


def _untimed(tree: Tree) -> Tree:
    state = tree.get("connectionState")
    if not isinstance(state, dict) or "attemptedAt" not in state:
        return tree
    return {**tree, "connectionState": {**state, "attemptedAt": None}}


def render_documents(trees: Sequence[Tree]) -> str:
    """Return trees as YAML documents, each after a line `---`."""
    from holdfast.kit import yamlio

    return "\n".join(f"---\n{yamlio.dump(tree).rstrip()}" for tree in trees)


def parse_documents(content: str, where: str) -> list[Tree]:
    """Return the objects of a YAML or JSON text; empty documents are passed over.

    Raises:
        UsageError: it does not parse, or a document is no mapping; names file and line.
    """
    from holdfast.kit import yamlio

    trees = []
    try:
        for document in yamlio.load_all(content):
            if document.value is None:
                continue
            if not isinstance(document.value, dict):
                raise UsageError(f"{where}: line {document.line}: this is no object")
            trees.append(document.value)
    except yamlio.YamlError as error:
        raise UsageError(f"{where}: {error}") from error
    return trees


def read_documents(path: str, stdin: TextIO) -> list[Tree]:
    """Return the objects of a file, or of stdin when the path is `-`.

    Raises:
        UsageError: the file cannot be read or does not parse.
    """
    if path == "-":
        return parse_documents(stdin.read(), "stdin")
    if path.startswith(("http://", "https://")):
        return parse_documents(_download(path), path)
    from pathlib import Path

    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"{path}: {reason}") from error
    return parse_documents(content, path)


def _download(url: str) -> str:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http(s) only, above
            return str(answer.read(10_000_000).decode("utf-8"))
    except (urllib.error.URLError, UnicodeDecodeError, TimeoutError) as error:
        raise UsageError(f"{url}: {error}") from error
