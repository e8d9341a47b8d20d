"""Names, labels and annotations that the server accepts."""

import re
from collections.abc import Callable

from holdfast.domain.manifest import Tree
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.statuses import FieldError, invalid_value, required

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_1123_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_QUALIFIED_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)

MAX_ANNOTATIONS_BYTES = 256 * 1024

_LABEL_NAMED = {("", "namespaces")}
_PATH_NAMED = {
    ("rbac.authorization.k8s.io", plural)
    for plural in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
}


def subdomain(text: str) -> list[str]:
    """What is wrong with a DNS subdomain (most names)."""
    wrong = ["must be no more than 253 characters"] if len(text) > 253 else []
    return wrong if _SUBDOMAIN.fullmatch(text) else [*wrong, _SUBDOMAIN_WORDS]


def label_1123(text: str) -> list[str]:
    """What is wrong with a DNS label (namespaces, containers)."""
    wrong = ["must be no more than 63 bytes"] if len(text) > 63 else []
    return wrong if _LABEL_1123.fullmatch(text) else [*wrong, _LABEL_1123_WORDS]


def path_segment(text: str) -> list[str]:
    """What is wrong with a name that only has to fit into a path (RBAC)."""
    if text in {".", ".."}:
        return [f"may not be '{text}'"]
    return [f"may not contain '{char}'" for char in "/%" if char in text]


def _rule(resource: Resource) -> Callable[[str], list[str]]:
    identity = tuple(resource.id)
    if identity in _PATH_NAMED:
        return path_segment
    if identity in _LABEL_NAMED:
        return label_1123
    if identity == ("", "services"):
        return label_1123
    return subdomain


def name_errors(resource: Resource, metadata: Tree) -> list[FieldError]:
    """Check name and generateName."""
    name = metadata.get("name")
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if not isinstance(name, str):
        return [invalid_value("metadata.name", name, "must be a string")]
    rule = _rule(resource)
    return [invalid_value("metadata.name", name, words) for words in rule(name)]


def qualified_name(key: str) -> list[str]:
    """What is wrong with the key of a label or annotation."""
    prefix, slash, name = key.rpartition("/")
    wrong: list[str] = []
    if slash:
        if not prefix:
            wrong.append("prefix part must be non-empty")
        else:
            wrong.extend("prefix part " + words for words in subdomain(prefix))
    if not name:
        wrong.append("name part must be non-empty")
    elif len(name) > 63:
        wrong.append("name part must be no more than 63 bytes")
    if not _QUALIFIED.fullmatch(name):
        wrong.append(_QUALIFIED_WORDS)
    return wrong


def label_errors(labels: object, field: str) -> list[FieldError]:
    """Check keys and values of labels."""
    errors: list[FieldError] = []
    if not isinstance(labels, dict):
        return errors
    for key, value in labels.items():
        errors.extend(invalid_value(field, key, words) for words in qualified_name(key))
        if isinstance(value, str):
            if len(value) > 63:
                errors.append(invalid_value(field, value, "must be no more than 63 bytes"))
            if not _VALUE.fullmatch(value):
                errors.append(invalid_value(field, value, _VALUE_WORDS))
    return errors


def annotation_errors(annotations: object, field: str) -> list[FieldError]:
    """Check keys and the total size of annotations."""
    errors: list[FieldError] = []
    if not isinstance(annotations, dict):
        return errors
    total = 0
    for key, value in annotations.items():
        errors.extend(invalid_value(field, key, words) for words in qualified_name(key.lower()))
        total += len(key) + len(str(value))
    if total > MAX_ANNOTATIONS_BYTES:
        text = f"Too long: may not be more than {MAX_ANNOTATIONS_BYTES} bytes"
        errors.append(FieldError("FieldValueTooLong", field, text))
    return errors


_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_CONFIG_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def config_key_errors(data: object, field: str) -> list[FieldError]:
    """Check the keys of a ConfigMap or Secret."""
    keys = data if isinstance(data, dict) else {}
    return [
        invalid_value(f"{field}[{key}]", key, _CONFIG_KEY_WORDS)
        for key in keys
        if not _CONFIG_KEY.fullmatch(key)
    ]


def metadata_errors(resource: Resource, metadata: Tree) -> list[FieldError]:
    """Check everything in metadata that people write."""
    errors = name_errors(resource, metadata)
    errors += label_errors(metadata.get("labels"), "metadata.labels")
    errors += annotation_errors(metadata.get("annotations"), "metadata.annotations")
    errors += _finalizer_errors(resource, metadata.get("finalizers") or [])
    for owner in metadata.get("ownerReferences") or []:
        errors += _owner_errors(owner, "metadata.ownerReferences")
    return errors


_STANDARD_FINALIZERS = frozenset({"orphan", "foregroundDeletion", "kubernetes"})


def _finalizer_errors(resource: Resource, finalizers: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    # The API server's own kinds know three short names; CRDs and custom resources take any.
    takes_any = resource.custom or resource.group == "apiextensions.k8s.io"
    for index, name in enumerate(finalizers):
        words = qualified_name(str(name))
        errors.extend(invalid_value("metadata.finalizers", name, text) for text in words)
        is_short = "/" not in str(name)
        if is_short and not takes_any and name not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid_value(f"metadata.finalizers[{index}]", name, text))
    return errors


def _owner_errors(owner: Tree, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, words in (
        ("apiVersion", "version must not be empty"),
        ("kind", "must not be empty"),
        ("name", "must not be empty"),
        ("uid", "must not be empty"),
    ):
        if not owner.get(key):
            errors.append(invalid_value(f"{field}.{key}", owner.get(key) or "", words))
    return errors
