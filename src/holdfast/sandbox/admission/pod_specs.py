"""What a pod spec may say, wherever it stands: in a Pod or in the template of a workload.

Only what people get wrong is checked; the words are the real server's.
"""

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.admission.names import label_1123, label_errors
from holdfast.sandbox.statuses import (
    FieldError,
    duplicate,
    forbidden_field,
    invalid_value,
    required,
    unsupported,
)
from holdfast.schema.quantities import parse_quantity

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL = ("Always", "IfNotPresent", "Never")
_ENV_NAME_WORDS = (
    "a valid environment variable name must consist only of printable ASCII characters "
    "other than '='"
)


def pod_spec_errors(spec: Tree, field: str, allowed_restart: tuple[str, ...]) -> list[FieldError]:
    """Return what is wrong with a pod spec.

    Args:
        spec: The spec.
        field: Where it stands: `spec` or `spec.template.spec`.
        allowed_restart: The restart policies that this kind allows.
    """
    errors: list[FieldError] = []
    volumes = spec.get("volumes") or []
    errors += _volume_errors(volumes, f"{field}.volumes")
    names = {str(row.get("name")) for row in volumes}
    containers = spec.get("containers") or []
    if not containers:
        errors.append(required(f"{field}.containers"))
    errors += _container_errors(containers, f"{field}.containers", names)
    seen = {str(row.get("name")) for row in containers}
    initial = spec.get("initContainers") or []
    errors += _container_errors(initial, f"{field}.initContainers", names, seen)
    policy = spec.get("restartPolicy")
    if policy and policy not in allowed_restart:
        errors.append(unsupported(f"{field}.restartPolicy", policy, sorted(allowed_restart)))
    return errors


def _container_errors(
    rows: list[Tree], field: str, volumes: set[str], taken: set[str] | None = None
) -> list[FieldError]:
    errors: list[FieldError] = []
    names = set(taken or ())
    for index, row in enumerate(rows):
        here = f"{field}[{index}]"
        name = row.get("name") or ""
        if not name:
            errors.append(required(f"{here}.name"))
        else:
            errors += [invalid_value(f"{here}.name", name, words) for words in label_1123(name)]
        if name and name in names:
            errors.append(duplicate(f"{here}.name", name))
        names.add(name)
        if not row.get("image"):
            errors.append(required(f"{here}.image"))
        policy = row.get("imagePullPolicy")
        if policy and policy not in _PULL:
            errors.append(unsupported(f"{here}.imagePullPolicy", policy, _PULL))
        errors += _port_errors(row.get("ports") or [], f"{here}.ports")
        errors += _env_errors(row.get("env") or [], f"{here}.env")
        errors += _mount_errors(row.get("volumeMounts") or [], f"{here}.volumeMounts", volumes)
        errors += _probe_errors(row, here, initial=taken is not None)
        errors += _resource_errors(row.get("resources") or {}, f"{here}.resources")
    return errors


def _resource_errors(resources: Tree, field: str) -> list[FieldError]:
    """Nobody asks for more than the limit."""
    errors: list[FieldError] = []
    limits = resources.get("limits") or {}
    for name, asked in (resources.get("requests") or {}).items():
        amount = parse_quantity(asked).nanos
        if amount < 0:
            words = "must be greater than or equal to 0"
            errors.append(invalid_value(f"{field}.requests[{name}]", asked, words))
        limit = limits.get(name)
        if limit is not None and amount > parse_quantity(limit).nanos:
            words = f"must be less than or equal to {name} limit of {limit}"
            errors.append(invalid_value(f"{field}.requests", asked, words))
    return errors


def _probe_errors(row: Tree, field: str, *, initial: bool) -> list[FieldError]:
    """Check the probes; an init container that ends has none."""
    errors: list[FieldError] = []
    ends = initial and row.get("restartPolicy") != "Always"
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if not isinstance(row.get(probe), dict):
            continue
        if ends:
            words = "may not be set for init containers without restartPolicy=Always"
            errors.append(forbidden_field(f"{field}.{probe}", words))
        else:
            errors += _handler_errors(row[probe], f"{field}.{probe}")
    return errors


def _port_errors(rows: list[Tree], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, row in enumerate(rows):
        here = f"{field}[{index}]"
        name, port = row.get("name"), row.get("containerPort")
        if name:
            if name in names:
                errors.append(duplicate(f"{here}.name", name))
            names.add(name)
        if not port:
            errors.append(required(f"{here}.containerPort"))
        elif not 1 <= port <= 65535:
            words = "must be between 1 and 65535, inclusive"
            errors.append(invalid_value(f"{here}.containerPort", port, words))
        protocol = row.get("protocol")
        if protocol and protocol not in _PROTOCOLS:
            errors.append(unsupported(f"{here}.protocol", protocol, _PROTOCOLS))
    return errors


def _env_errors(rows: list[Tree], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, row in enumerate(rows):
        here = f"{field}[{index}]"
        name = row.get("name") or ""
        if not name:
            errors.append(required(f"{here}.name"))
        elif "=" in name or not name.isprintable() or not name.isascii():
            errors.append(invalid_value(f"{here}.name", name, _ENV_NAME_WORDS))
        source = row.get("valueFrom")
        if source is None:
            continue
        if row.get("value"):
            words = "may not be specified when `value` is not empty"
            errors.append(invalid_value(f"{here}.valueFrom", "", words))
        kinds = [key for key, item in source.items() if item is not None]
        if not kinds:
            words = (
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                "`secretKeyRef` or `fileKeyRef`"
            )
            errors.append(invalid_value(f"{here}.valueFrom", "", words))
        elif len(kinds) > 1:
            words = "may not have more than one field specified at a time"
            errors.append(invalid_value(f"{here}.valueFrom", "", words))
    return errors


def _mount_errors(rows: list[Tree], field: str, volumes: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    paths: set[str] = set()
    for index, row in enumerate(rows):
        here = f"{field}[{index}]"
        name, path = row.get("name") or "", row.get("mountPath") or ""
        if not name:
            errors.append(required(f"{here}.name"))
        elif name not in volumes:
            errors.append(FieldError("FieldValueNotFound", f"{here}.name", f'Not found: "{name}"'))
        if not path:
            errors.append(required(f"{here}.mountPath"))
        elif path in paths:
            errors.append(invalid_value(f"{here}.mountPath", path, "must be unique"))
        paths.add(path)
    return errors


def _handler_errors(probe: Tree, field: str) -> list[FieldError]:
    given = [key for key in _HANDLERS if probe.get(key) is not None]
    if not given:
        return [required(field, "must specify a handler type")]
    return [
        forbidden_field(f"{field}.{key}", "may not specify more than 1 handler type")
        for key in given[1:]
    ]


def _volume_errors(rows: list[Tree], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, row in enumerate(rows):
        here = f"{field}[{index}]"
        sources = [key for key, item in row.items() if key != "name" and item is not None]
        if not sources:
            errors.append(required(here, "must specify a volume type"))
        errors += [
            forbidden_field(f"{here}.{key}", "may not specify more than 1 volume type")
            for key in _volume_order(sources)[1:]
        ]
        name = row.get("name") or ""
        if not name:
            errors.append(required(f"{here}.name"))
        else:
            errors += [invalid_value(f"{here}.name", name, words) for words in label_1123(name)]
            if name in names:
                errors.append(duplicate(f"{here}.name", name))
        names.add(name)
    return errors


# The order in which the server looks at the sources: the first one counts, the others are too many.
_SOURCES = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
)


def _volume_order(sources: list[str]) -> list[str]:
    return sorted(sources, key=lambda name: _SOURCES.index(name) if name in _SOURCES else 99)


def template_errors(
    template: JSON, field: str, allowed_restart: tuple[str, ...] = ("Always",)
) -> list[FieldError]:
    """Return what is wrong with a pod template."""
    template = template or {}
    metadata = template.get("metadata") or {}
    errors = label_errors(metadata.get("labels"), f"{field}.labels")
    errors += pod_spec_errors(template.get("spec") or {}, f"{field}.spec", allowed_restart)
    return errors
