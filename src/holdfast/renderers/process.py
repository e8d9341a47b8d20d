"""The render worker: `python -m holdfast.renderers.process`, spoken to by `holdfast.kit.worker`.

Everything that parses YAML happens here. A request is one line of JSON (`op` and its arguments),
then bytes. An answer is one line of JSON, then one line for each object (apply.md C1).
"""

import json
import os
import sys
from typing import Any

from holdfast.kit import worker_loop, yaml_positions, yamlio
from holdfast.renderers.detect import check_path, detect_type, merge_overrides
from holdfast.renderers.directory import DirectoryOptions, read_directory
from holdfast.renderers.kustomization import components_of, inspect_graph, rewrite
from holdfast.renderers.objects import Found
from holdfast.renderers.problems import to_details, wrong


def handle(request: bytes) -> bytes:
    """Answer one request."""
    head, _, payload = request.partition(b"\n")
    arguments = json.loads(head)
    operation = arguments.pop("op")
    if operation == "inspect":
        return _line(_inspect(**arguments))
    if operation == "directory":
        return _objects(_directory(**arguments))
    if operation == "kustomization":
        return _line(_kustomization(**arguments))
    if operation == "locate":
        return _line(_locate(payload, **arguments))
    return _objects(_parse(payload, **arguments))


def _inspect(
    *, root: str, path: str, source: dict[str, Any], instance: str, settings: dict[str, str]
) -> dict[str, Any]:
    check_path(root, path)
    merged = merge_overrides(root, path, source, instance)
    return {"type": detect_type(root, path, merged, settings).value, "source": merged}


def _directory(
    *, root: str, path: str, block: dict[str, Any], jsonnet_enabled: bool, size_bytes: int
) -> Found:
    options = DirectoryOptions.parse(block, jsonnet_enabled=jsonnet_enabled, size_bytes=size_bytes)
    return read_directory(root, path, options)


def _kustomization(
    *, root: str, path: str, block: dict[str, Any], copy: str, whole: bool
) -> dict[str, Any]:
    folders = inspect_graph(root, path)
    new = {folder for folder in components_of(block, path) if os.path.isdir(f"{root}/{folder}")}
    for folder in new:
        folders |= inspect_graph(root, folder)
    if copy:
        rewrite(root, path, block, copy, ["."] if whole else folders)
    return {}


def _parse(text: bytes, *, where: str) -> Found:
    found = Found()
    try:
        for document in yamlio.load_all(text):
            place = f"{where} (document {document.number} of the output)"
            found.add(document.value, file="", where=place)
    except yamlio.YamlError as error:
        message = f"{where}: line {error.line} of the output: does not parse: {error.reason}"
        raise wrong("HF1004", message) from None
    return found


def _locate(text: bytes, *, file: str) -> list[dict[str, Any] | None]:
    try:
        nodes = list(yaml_positions.locate_all(text.decode("utf-8")))
        for _ in yamlio.load_all(text):
            pass  # stricter: a key that stands twice
        return [yaml_positions.to_json(node) if node is not None else None for node in nodes]
    except UnicodeDecodeError:
        raise wrong("HF1004", f"{file}: not UTF-8 text") from None
    except yamlio.YamlError as error:
        raise wrong("HF1004", f"{file}: line {error.line}: {error.reason}") from None


def _objects(found: Found) -> bytes:
    lines = [_line({"origins": found.origins, "warnings": found.warnings})]
    lines += [_line(tree) for tree in found.objects]
    return b"\n".join(lines)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def main() -> None:
    """Serve until stdin ends."""
    sys.setrecursionlimit(5000)
    worker_loop.serve(handle, to_details)


if __name__ == "__main__":
    main()
