"""`Shapes`: the one place where the sandbox asks `holdfast.schema` about types.

Unknown fields, canonical values, defaults, the merges and who owns what are facts and algorithms of
Kubernetes' types; they live in `schema`. Here they are only put into the order of a request.
"""

from functools import cache

from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.options import WriteOptions
from holdfast.sandbox.statuses import (
    Cause,
    FieldError,
    StatusError,
    apply_conflict,
    bad_request,
    plain_failure,
)
from holdfast.schema.apply_merge import (
    ApplyConflict,
    ApplyRequestError,
    TypedPatchError,
    Writer,
    record_update,
    server_side_apply,
)
from holdfast.schema.decoding import (
    find_decode_error,
    refusal,
    strict_reason,
    unknown_field,
    unknown_fields,
)
from holdfast.schema.defaults import with_defaults
from holdfast.schema.field_path import field_path
from holdfast.schema.field_set import EMPTY, FieldSet
from holdfast.schema.kinds import builtin_kinds, find_builtin_kind, reset_fields
from holdfast.schema.managed_fields import ManagedFieldsError
from holdfast.schema.strategic_merge import PatchError, strategic_merge
from holdfast.schema.structural import shape_custom
from holdfast.schema.types import (
    ObjectType,
    find_type,
    get_named_type,
    type_from_crd_schema,
)
from holdfast.schema.validation import validate_custom

_STATUS = FieldSet.of(field_path("status"))
_SPEC = FieldSet.of(field_path("spec"))


_SHARED = (
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
)


def read_tables() -> None:
    """Read every table of types from disk, so that no request does it on the event loop."""
    for kind in builtin_kinds():
        find_type(kind.gvk)
    for name in _SHARED:
        get_named_type(name)


class Shapes:
    """What types know."""

    def __init__(self) -> None:
        """Start with no type of a custom resource."""
        self._custom: dict[int, tuple[Tree | None, ObjectType]] = {}

    def type_of(self, resource: Resource) -> ObjectType:
        """Return the type of a resource's objects."""
        if not resource.custom:
            return _builtin(resource.group, resource.version, resource.kind)
        known = self._custom.get(id(resource.schema))
        if known is None or known[0] is not resource.schema:
            made = type_from_crd_schema(resource.schema, preserve_unknown_fields=resource.preserves)
            known = resource.schema, made
            self._custom[id(resource.schema)] = known
        return known[1]

    def completed(
        self, resource: Resource, tree: Tree, validation: str, warnings: list[str]
    ) -> Tree:
        """Return a complete object: known fields only, canonical values, defaults.

        Args:
            resource: What it is.
            tree: What the client sent.
            validation: `Ignore`, `Warn` or `Strict`: what happens to unknown fields.
            warnings: Filled with what `Warn` has to say.

        Raises:
            StatusError: 400, it is no such object.
        """
        if resource.custom:
            shaped = shape_custom(tree, resource.schema, preserve_unknown_fields=resource.preserves)
            made, error, unknown = shaped.tree, shaped.error, list(shaped.dropped)
        else:
            kind = self.type_of(resource)
            made, error = tree, find_decode_error(tree, kind)
            unknown = unknown_fields(tree, kind) if validation != "Ignore" else []
        if error:
            raise _unfit(resource, error)
        if unknown and validation == "Strict":
            raise _unfit(resource, strict_reason(unknown))
        if validation == "Warn":
            warnings.extend(unknown_field(path) for path in unknown)
        if not resource.custom:
            made = with_defaults(made, self.type_of(resource))
        return {**made, "apiVersion": resource.api_version, "kind": resource.kind}

    @staticmethod
    def loses_empties(resource: Resource, sent: Tree, made: Tree) -> bool:
        """Whether what was sent holds empty lists or maps that are not stored.

        NetworkPolicies alone compare so closely that this is a change of theirs (apply.md A5).
        """
        if resource.id != ("networking.k8s.io", "networkpolicies"):
            return False
        return _loses(sent.get("spec"), made.get("spec"))

    @staticmethod
    def problems(resource: Resource, tree: Tree) -> list[FieldError]:
        """Return what the schema of a custom resource has against an object."""
        if not resource.custom or resource.schema is None:
            return []
        return [
            FieldError(problem.reason, problem.field, problem.message)
            for problem in validate_custom(tree, resource.schema)
        ]

    def strategic(self, resource: Resource, live: Tree, patch: Tree) -> Tree:
        """Return the object after a strategic merge patch.

        Raises:
            StatusError: 400, the patch makes no sense.
        """
        try:
            return strategic_merge(live, patch, type=self.type_of(resource))
        except PatchError as error:
            raise bad_request(str(error)) from error

    def apply(
        self, resource: Resource, live: Tree | None, config: Tree, options: WriteOptions, now: str
    ) -> Tree:
        """Return the object after a server-side apply, its managedFields included.

        Raises:
            StatusError: 409, 500 for what cannot be expressed (A7), 400.
        """
        writer = self._writer(resource, options, now)
        try:
            merged = server_side_apply(
                live, config, type=self.type_of(resource), writer=writer, force=bool(options.force)
            )
        except ApplyConflict as error:
            causes = [
                Cause("FieldManagerConflict", cause.message, cause.field) for cause in error.causes
            ]
            raise apply_conflict(causes, str(error)) from error
        except TypedPatchError as error:
            raise plain_failure(str(error)) from error
        except (ApplyRequestError, ManagedFieldsError) as error:
            raise bad_request(str(error)) from error
        return merged.tree

    def recorded(
        self,
        resource: Resource,
        old: Tree | None,
        new: Tree,
        options: WriteOptions,
        now: str,
    ) -> list[Tree] | None:
        """Return the managedFields after an ordinary write.

        `new` carries those that the client sent, if it sent any.

        Raises:
            StatusError: 400, the client's managedFields cannot be read.
        """
        writer = self._writer(resource, options, now)
        try:
            tree = record_update(old, new, type=self.type_of(resource), writer=writer)
        except ManagedFieldsError as error:
            raise StatusError(400, "BadRequest", str(error)) from error
        managers: list[Tree] | None = tree["metadata"].get("managedFields")
        return managers

    @staticmethod
    def _writer(resource: Resource, options: WriteOptions, now: str) -> Writer:
        reset = EMPTY
        kind = find_builtin_kind(GroupVersionKind(resource.group, resource.version, resource.kind))
        if kind is not None and not resource.custom:
            if not options.controller:
                reset = reset_fields(kind, options.subresource)
        elif options.subresource == "status":
            reset = _SPEC
        elif resource.has_status:
            reset = _STATUS
        return Writer(
            manager=options.manager,
            api_version=resource.api_version,
            now=now,
            subresource=options.subresource,
            reset_fields=reset,
        )


def _loses(sent: JSON, made: JSON) -> bool:
    if isinstance(sent, dict):
        kept = made if isinstance(made, dict) else {}
        return any(
            (item in ({}, []) and name not in kept) or _loses(item, kept.get(name))
            for name, item in sent.items()
        )
    if isinstance(sent, list) and isinstance(made, list):
        return any(_loses(one, other) for one, other in zip(sent, made, strict=False))
    return False


def _unfit(resource: Resource, why: str) -> StatusError:
    return bad_request(refusal(resource.api_version, resource.kind, why))


@cache
def _builtin(group: str, version: str, kind: str) -> ObjectType:
    found = find_type(GroupVersionKind(group, version, kind))
    if found is None:
        raise KeyError(f"{group}/{version} {kind}")
    return found
