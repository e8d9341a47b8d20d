"""Make the tables of protobuf fields in src/holdfast/sandbox/protobuf/tables.

kubectl sends what it makes itself (`kubectl create deployment`, `auth can-i`) as protobuf, so the
sandbox must be able to read it. The facts needed are few: number, name and type of each field.

In:  the folders of the k8s.io/api and k8s.io/apimachinery modules: `generated.proto` for the
     fields, the Go types for the names in JSON (an embedded struct has none: it is inlined).
Out: one small JSON file for each package: message -> field number -> [JSON name, type].
     Types: `s` text, `i` integer, `b` boolean, `y` bytes, `d` float, `@Name` or `@package/Name` a
     message; `*` before it: repeated; `%` before it: a map from text. An empty name: inlined.

    python -m tools.generate_protobuf_tables --api DIR --apimachinery DIR

Not part of the shipped program.
"""

import argparse
import json
import re
from pathlib import Path

TABLES = Path(__file__).parent.parent / "src" / "holdfast" / "sandbox" / "protobuf" / "tables"

PACKAGES = (
    "admissionregistration/v1",
    "apps/v1",
    "authentication/v1",
    "authorization/v1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "certificates/v1",
    "coordination/v1",
    "core/v1",
    "discovery/v1",
    "events/v1",
    "networking/v1",
    "node/v1",
    "policy/v1",
    "rbac/v1",
    "scheduling/v1",
    "storage/v1",
)
META = "pkg/apis/meta/v1"

_SCALARS = {
    "string": "s",
    "bool": "b",
    "bytes": "y",
    "double": "d",
    "int32": "i",
    "int64": "i",
    "uint32": "i",
}
_FIELD = re.compile(
    r"^\s+(optional|repeated|map<string, (?P<value>[\w.]+)>)\s*(?P<type>[\w.]+)?\s+"
    r"(?P<name>\w+) = (?P<number>\d+);"
)
_STRUCT = re.compile(r"^type (\w+) struct \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r'json:"(?P<json>[^"]*)".*?protobuf:"\w+,(?P<number>\d+),')


def read_json_names(folder: Path) -> dict[tuple[str, int], str]:
    """Return the JSON name of each field of the Go types in a folder, `""` for inlined ones."""
    names: dict[tuple[str, int], str] = {}
    for path in folder.glob("*.go"):
        if path.name.endswith("_test.go") or path.name == "generated.pb.go":
            continue
        for struct in _STRUCT.finditer(path.read_text()):
            for tag in _TAG.finditer(struct.group(2)):
                name = tag.group("json").split(",")[0]
                names[struct.group(1), int(tag.group("number"))] = name
    return names


def read_messages(folder: Path, package: str) -> dict[str, dict[str, list[str]]]:
    """Return the messages of a package: field number -> [JSON name, type]."""
    names = read_json_names(folder)
    messages: dict[str, dict[str, list[str]]] = {}
    current = ""
    for line in (folder / "generated.proto").read_text().splitlines():
        if line.startswith("message "):
            current = line.split()[1]
            messages[current] = {}
        found = _FIELD.match(line)
        if found is None or not current:
            continue
        if found.group("value"):
            code = "%" + type_code(found.group("value"), package)
        else:
            repeated = "*" if found.group(1) == "repeated" else ""
            code = repeated + type_code(found.group("type"), package)
        number = int(found.group("number"))
        name = names.get((current, number), found.group("name"))
        messages[current][str(number)] = [name, code]
    return messages


def type_code(name: str, package: str) -> str:
    """Return the short form of a type."""
    if name in _SCALARS:
        return _SCALARS[name]
    parts = name.lstrip(".").split(".")
    if len(parts) == 1:
        return f"@{name}"
    other = ".".join(parts[-3:-1])
    return f"@{parts[-1]}" if other == package else f"@{other}/{parts[-1]}"


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", type=Path, required=True)
    parser.add_argument("--apimachinery", type=Path, required=True)
    arguments = parser.parse_args()
    TABLES.mkdir(parents=True, exist_ok=True)
    folders = {name.replace("/", "."): arguments.api / name for name in PACKAGES}
    folders["meta.v1"] = arguments.apimachinery / META
    for package, folder in folders.items():
        messages = read_messages(folder, package)
        lines = [
            f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}"
            for name, fields in sorted(messages.items())
            if not name.endswith("List") or name == "APIGroupList"
        ]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (TABLES / f"{package}.json").write_text(text)
        print(package, len(lines), "messages,", len(text), "bytes")


if __name__ == "__main__":
    main()
