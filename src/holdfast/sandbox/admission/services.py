"""Services: addresses and ports that the server gives, and what a Service may say.

Source: https://kubernetes.io/docs/concepts/services-networking/service/ and the real server's
answers (tests/contract).
"""

import ipaddress
import secrets

from holdfast.domain.manifest import Tree
from holdfast.sandbox.admission.names import label_1123
from holdfast.sandbox.admission.rules import Case
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.statuses import (
    FieldError,
    duplicate,
    forbidden_field,
    invalid,
    invalid_value,
    required,
    unsupported,
)
from holdfast.sandbox.store.objects import Change, Store

SERVICES = ResourceId("", "services")
RANGE = ipaddress.ip_network("10.96.0.0/16")
FIRST_PORT, LAST_PORT = 30000, 32767
# What a dry run answers where a real write would allocate.
DRY_RUN_ADDRESS, DRY_RUN_PORT = "10.96.0.0", 32769

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_WITH_NODE_PORTS = frozenset({"NodePort", "LoadBalancer"})


class Addresses:
    """Cluster addresses and node ports that are in use.

    Attributes:
        addresses: Address -> uid of the Service.
        ports: Node port -> uid of the Service.
    """

    def __init__(self, store: Store) -> None:
        """Read what is in use, and follow it."""
        self.addresses: dict[str, str] = {}
        self.ports: dict[int, str] = {}
        for stored in store.all_of(SERVICES):
            self._take(stored.tree)
        store.listen(self._changed, SERVICES)

    def _changed(self, change: Change) -> None:
        if change.before is not None:
            self._free(change.before.tree)
        if change.type != "DELETED":
            self._take(change.now.tree)

    def _take(self, tree: Tree) -> None:
        uid = tree["metadata"]["uid"]
        for address in _addresses(tree):
            self.addresses[address] = uid
        for port in _node_ports(tree):
            self.ports[port] = uid

    def _free(self, tree: Tree) -> None:
        for address in _addresses(tree):
            self.addresses.pop(address, None)
        for port in _node_ports(tree):
            self.ports.pop(port, None)

    def next_address(self) -> str:
        """Return a free address."""
        while True:
            number = secrets.randbelow(RANGE.num_addresses - 2) + 1
            address = str(RANGE[number])
            if address not in self.addresses:
                return address

    def next_port(self, besides: set[int]) -> int:
        """Return a free node port."""
        while True:
            port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT + 1)
            if port not in self.ports and port not in besides:
                return port

    def prepare(self, case: Case) -> None:
        """Give a Service what it needs; keep what it has.

        Raises:
            StatusError: 422, what it asks for is taken or outside the range.
        """
        spec = case.new["spec"] = dict(case.new.get("spec") or {})
        if case.old is not None:
            before = case.old.get("spec") or {}
            _keep_allocated(spec, before)
            _drop_unneeded(spec, before)
        if spec.get("type") == "ExternalName":
            _drop_addresses(spec)
            return
        errors = self._give_address(spec, case)
        errors += self._give_ports(spec, case)
        if errors:
            raise invalid(case.resource.named(case.new["metadata"].get("name") or ""), errors)

    def _give_address(self, spec: Tree, case: Case) -> list[FieldError]:
        wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or []), "")
        if not wanted:
            wanted = DRY_RUN_ADDRESS if case.dry_run else self.next_address()
        elif wanted != "None":
            if not _is_address(wanted):
                words = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                return [invalid_value("spec.clusterIPs[0]", wanted, words)]
            wrong = self._refuse(wanted, case.new["metadata"].get("uid", ""))
            if wrong:
                text = f"failed to allocate IP {wanted}: {wrong}"
                return [invalid_value("spec.clusterIPs", [wanted], text)]
        spec["clusterIP"] = wanted
        spec["clusterIPs"] = spec.get("clusterIPs") or [wanted]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        return []

    def _refuse(self, wanted: str, uid: str) -> str:
        if ipaddress.ip_address(wanted) not in RANGE:
            return "the provided network does not match the current range"
        holder = self.addresses.get(wanted)
        return "provided IP is already allocated" if holder not in {None, uid} else ""

    def _give_ports(self, spec: Tree, case: Case) -> list[FieldError]:
        rows = [dict(row) for row in spec.get("ports") or []]
        if rows:
            spec["ports"] = rows
        if spec.get("type") not in _WITH_NODE_PORTS or (
            spec.get("allocateLoadBalancerNodePorts") is False and spec["type"] == "LoadBalancer"
        ):
            return []
        uid = case.new["metadata"].get("uid", "")
        taken = {row["nodePort"] for row in rows if row.get("nodePort")}
        errors: list[FieldError] = []
        dummy = DRY_RUN_PORT
        for index, row in enumerate(rows):
            port = row.get("nodePort")
            if not port:
                row["nodePort"] = dummy if case.dry_run else self.next_port(taken)
                dummy += 1
                taken.add(row["nodePort"])
            elif not FIRST_PORT <= port <= LAST_PORT:
                words = (
                    "provided port is not in the valid range. "
                    f"The range of valid ports is {FIRST_PORT}-{LAST_PORT}"
                )
                errors.append(invalid_value(f"spec.ports[{index}].nodePort", port, words))
            elif self.ports.get(port, uid) != uid:
                words = "provided port is already allocated"
                errors.append(invalid_value(f"spec.ports[{index}].nodePort", port, words))
        return errors


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _addresses(tree: Tree) -> list[str]:
    rows = (tree.get("spec") or {}).get("clusterIPs") or []
    return [str(row) for row in rows if row != "None"]


def _node_ports(tree: Tree) -> list[int]:
    rows = (tree.get("spec") or {}).get("ports") or []
    return [row["nodePort"] for row in rows if row.get("nodePort")]


def _keep_allocated(spec: Tree, old: Tree) -> None:
    """An update that does not speak of addresses and ports keeps them."""
    needs = spec.get("type") != "ExternalName" and old.get("type") != "ExternalName"
    if needs:
        for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(key) and old.get(key):
                spec[key] = old[key]
    if spec.get("type") in _WITH_NODE_PORTS and old.get("type") in _WITH_NODE_PORTS:
        known = {(row.get("protocol"), row.get("port")): row for row in old.get("ports") or []}
        rows = [dict(row) for row in spec.get("ports") or []]
        taken = {row.get("nodePort") for row in rows}
        for row in rows:
            before = known.get((row.get("protocol"), row.get("port"))) or {}
            port = before.get("nodePort")
            if not row.get("nodePort") and port and port not in taken:
                row["nodePort"] = port
        spec["ports"] = rows
    elif spec.get("type") == "ClusterIP" and old.get("type") in _WITH_NODE_PORTS:
        _drop_node_ports(spec, old)


def _drop_unneeded(spec: Tree, old: Tree) -> None:
    """A Service that is no longer reached from outside has no policy for that traffic."""
    outside = spec.get("type") in _WITH_NODE_PORTS or spec.get("externalIPs")
    key = "externalTrafficPolicy"
    if not outside and spec.get(key) == old.get(key):
        spec.pop(key, None)


def _drop_node_ports(spec: Tree, old: Tree) -> None:
    """A Service that is no longer reached from outside loses the ports it had for that."""
    known_ports = {row.get("nodePort") for row in old.get("ports") or []}
    rows = [dict(row) for row in spec.get("ports") or []]
    for row in rows:
        if row.get("nodePort") in known_ports:
            row.pop("nodePort", None)
    spec["ports"] = rows
    for key in ("externalTrafficPolicy", "allocateLoadBalancerNodePorts"):
        spec.pop(key, None)


def _drop_addresses(spec: Tree) -> None:
    for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        spec.pop(key, None)


def check_service(case: Case) -> list[FieldError]:
    """Return what is wrong with a Service."""
    spec = case.new.get("spec") or {}
    errors: list[FieldError] = []
    kind = spec.get("type", "ClusterIP")
    if kind not in _TYPES:
        errors.append(unsupported("spec.type", kind, _TYPES))
    headless = spec.get("clusterIP") == "None"
    rows = spec.get("ports") or []
    if not rows and not headless and kind != "ExternalName":
        errors.append(required("spec.ports"))
    if kind == "ExternalName" and not spec.get("externalName"):
        errors.append(required("spec.externalName"))
    errors += _port_errors(rows)
    if kind not in _WITH_NODE_PORTS:
        errors += [
            forbidden_field(
                f"spec.ports[{index}].nodePort",
                f"may not be used when `type` is '{kind}'",
            )
            for index, row in enumerate(rows)
            if row.get("nodePort")
        ]
    if case.old is not None:
        errors += _fixed_errors(spec, case.old.get("spec") or {})
    return errors


def _port_errors(rows: list[Tree]) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, row in enumerate(rows):
        field = f"spec.ports[{index}]"
        name = row.get("name", "")
        if len(rows) > 1 and not name:
            errors.append(required(f"{field}.name"))
        elif name:
            errors += [invalid_value(f"{field}.name", name, w) for w in label_1123(name)]
            if name in names:
                errors.append(duplicate(f"{field}.name", name))
            names.add(name)
        words = "must be between 1 and 65535, inclusive"
        for key in ("port", "targetPort"):
            number = row.get(key, 0)
            if isinstance(number, int) and not 1 <= number <= 65535:
                errors.append(invalid_value(f"{field}.{key}", number, words))
        if row.get("protocol", "TCP") not in {"TCP", "UDP", "SCTP"}:
            allowed = ["SCTP", "TCP", "UDP"]
            errors.append(unsupported(f"{field}.protocol", row["protocol"], allowed))
    seen: set[tuple[str, int]] = set()
    for index, row in enumerate(rows):
        pair = (row.get("protocol", "TCP"), row.get("port", 0))
        if pair in seen:
            errors.append(duplicate(f"spec.ports[{index}]", _internal_port(*pair)))
        seen.add(pair)
    return errors


def _internal_port(protocol: str, port: int) -> Tree:
    """The server shows its internal type here."""
    return {
        "Name": "",
        "Protocol": protocol,
        "AppProtocol": None,
        "Port": port,
        "TargetPort": 0,
        "NodePort": 0,
    }


def _fixed_errors(spec: Tree, old: Tree) -> list[FieldError]:
    if "ExternalName" in {spec.get("type"), old.get("type")}:
        return []
    before, after = old.get("clusterIPs") or [], spec.get("clusterIPs") or []
    given = spec.get("clusterIP")
    if before and after and (before[0] != after[0] or given not in {None, before[0]}):
        shown = [given, *after[1:]] if given else after
        return [invalid_value("spec.clusterIPs[0]", shown, "may not change once set")]
    return []
