"""GET: one object, a list in pages, a watch."""

import base64
import binascii
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.http.answers import (
    LIST_FORMS,
    OBJECT_FORMS,
    Answer,
    Form,
    json_answer,
    negotiate,
    raw_answer,
)
from holdfast.sandbox.http.conversion import Viewer
from holdfast.sandbox.http.requests import Request
from holdfast.sandbox.kinds.paths import Target
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import (
    FieldError,
    Named,
    StatusError,
    bad_request,
    expired,
    invalid,
    not_found,
    too_large,
)
from holdfast.sandbox.store.objects import Stored
from holdfast.sandbox.store.selectors import Match, label_match, parse_fields, parse_labels

# Lists that are being paged through, kept so that every page is of the same moment.
MAX_OPEN_LISTS = 64


@dataclass(slots=True)
class OpenList:
    """The rest of a list whose first pages were read."""

    version: int
    rest: list[Stored]
    path: str


@dataclass(slots=True)
class Reader:
    """Answers GET requests.

    Attributes:
        plane: State.
        viewer: Turns stored objects into what the client asked for.
        open_lists: Paged lists by token.
    """

    plane: Plane
    viewer: Viewer
    open_lists: OrderedDict[str, OpenList] = field(default_factory=OrderedDict)

    def get(self, request: Request, resource: Resource, target: Target) -> Answer:
        """Answer with one object."""
        form = negotiate(request.accept, OBJECT_FORMS)
        self._check_asked_version(request.query.get("resourceVersion", ""))
        namespace = target.namespace if resource.namespaced else ""
        stored = self.plane.store.find(resource.id, namespace, target.name)
        if stored is None:
            raise not_found(resource.named(target.name))
        return self.one(request, resource, stored, form)

    def one(
        self,
        request: Request,
        resource: Resource,
        stored: Stored,
        form: Form,
        status: int = 200,
        warnings: tuple[str, ...] = (),
    ) -> Answer:
        """Answer with one object in the form that was asked for."""
        if form.shape == "Table":
            include = request.query.get("includeObject", "")
            table = self.viewer.table(resource, [stored], include, with_columns=True)
            table["metadata"] = {
                "resourceVersion": stored.tree["metadata"].get("resourceVersion", "")
            }
            return json_answer(table, status, warnings)
        if form.shape:
            return json_answer(self.viewer.partial(stored.tree, form.version), status, warnings)
        return raw_answer(self.viewer.raw(resource, stored), status, warnings)

    def read_list(self, request: Request, resource: Resource, target: Target) -> Answer:
        """Answer with a list, or one page of it."""
        form = negotiate(request.accept, LIST_FORMS)
        check_list_options(request)
        items, meta = self._page(request, resource, target)
        if form.shape == "Table":
            include = request.query.get("includeObject", "")
            table = self.viewer.table(resource, items, include, with_columns=True)
            table["metadata"] = meta
            return json_answer(table)
        if form.shape:
            partial = [self.viewer.partial(item.tree, form.version, inside=True) for item in items]
            head = {
                "kind": "PartialObjectMetadataList",
                "apiVersion": f"meta.k8s.io/{form.version}",
            }
            return json_answer({**head, "metadata": meta, "items": partial})
        return raw_answer(self._list_bytes(resource, items, meta))

    def _list_bytes(self, resource: Resource, items: list[Stored], meta: Tree) -> bytes:
        head = orjson.dumps(
            {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": meta}
        )
        body = b",".join([self.viewer.raw(resource, item) for item in items])
        return head[:-1] + b',"items":[' + body + b"]}"

    def _page(
        self, request: Request, resource: Resource, target: Target
    ) -> tuple[list[Stored], Tree]:
        token = request.query.get("continue", "")
        limit = _number(request.query.get("limit", ""))
        if token:
            version, items = self._resumed(request, token)
        else:
            version = self._list_version(request)
            match = match_of(request, resource, target)
            items = self.plane.store.all_of(resource.id, target.namespace)
            if match is not None:
                items = [item for item in items if match(item.tree)]
        meta: Tree = {"resourceVersion": str(version)}
        if resource.custom:
            meta["continue"] = ""
        if limit and len(items) > limit:
            rest = items[limit:]
            meta["continue"] = self._keep(OpenList(version, rest, request.path))
            if not request.query.get("labelSelector") and not request.query.get("fieldSelector"):
                meta["remainingItemCount"] = len(rest)
            items = items[:limit]
        return items, meta

    def _list_version(self, request: Request) -> int:
        asked = request.query.get("resourceVersion", "")
        current = self._check_asked_version(asked)
        if request.query.get("resourceVersionMatch") == "Exact" and int(asked or 0) != current:
            raise expired("The resourceVersion for the provided list is too old.")
        return current

    def _check_asked_version(self, asked: str) -> int:
        current = self.plane.store.version
        if asked and not asked.isdigit():
            raise bad_request(
                f'invalid resource version: resourceVersion: Invalid value: "{asked}": '
                f'strconv.ParseUint: parsing "{asked}": invalid syntax'
            )
        if asked and int(asked) > current:
            raise too_large(int(asked), current)
        return current

    def _keep(self, rest: OpenList) -> str:
        token = secrets.token_urlsafe(12)
        self.open_lists[token] = rest
        while len(self.open_lists) > MAX_OPEN_LISTS:
            self.open_lists.popitem(last=False)
        return base64.urlsafe_b64encode(orjson.dumps({"v": "sandbox/v1", "t": token})).decode()

    def _resumed(self, request: Request, token: str) -> tuple[int, list[Stored]]:
        try:
            key = orjson.loads(base64.urlsafe_b64decode(token + "=="))["t"]
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            words = "invalid continue token: continue key is not valid"
            raise bad_request(words) from error
        if request.query.get("resourceVersion", "0") not in {"", "0"}:
            raise bad_request("specifying resource version is not allowed when using continue")
        found = self.open_lists.pop(key, None)
        if found is None or found.path != request.path:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. "
                "You can start a new list without the continue parameter."
            )
        return found.version, found.rest


def check_list_options(request: Request) -> None:
    """Refuse combinations of list options that have no meaning.

    Raises:
        StatusError: 422.
    """
    match = request.query.get("resourceVersionMatch", "")
    version = request.query.get("resourceVersion", "")
    watching = request.flag("watch")
    initial = "sendInitialEvents" in request.query
    if initial and not watching:
        raise _bad_options("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if watching:
        if initial and match != "NotOlderThan":
            raise _bad_options(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
        if match and not initial:
            raise _bad_options(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
        return
    if not match:
        return
    if match not in {"Exact", "NotOlderThan"}:
        words = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        wrong = FieldError("FieldValueNotSupported", "resourceVersionMatch", words)
        raise invalid(Named("meta.k8s.io", "", "ListOptions"), [wrong])
    if not version:
        raise _bad_options(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        )
    if request.query.get("continue"):
        raise _bad_options(
            "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"
        )
    if match == "Exact" and version == "0":
        raise _bad_options(
            "resourceVersionMatch",
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        )


def _bad_options(where: str, words: str) -> StatusError:
    wrong = FieldError("FieldValueForbidden", where, f"Forbidden: {words}")
    return invalid(Named("meta.k8s.io", "", "ListOptions"), [wrong])


def match_of(request: Request, resource: Resource, target: Target) -> Match | None:
    """Return the selectors of a list or watch as one predicate, None for everything."""
    matches: list[Match] = []
    labels = request.query.get("labelSelector", "")
    if labels:
        matches.append(label_match(parse_labels(labels)))
    fields = request.query.get("fieldSelector", "")
    if fields:
        matches.append(parse_fields(fields, *resource.id, extra=resource.selectable))
    if target.name:
        name = target.name
        matches.append(lambda tree: bool(tree["metadata"]["name"] == name))
    if not matches:
        return None
    return lambda tree: all(match(tree) for match in matches)


def _number(text: str) -> int:
    if not text:
        return 0
    if not text.lstrip("-").isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(int(text), 0)
