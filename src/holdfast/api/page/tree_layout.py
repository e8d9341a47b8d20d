"""Where the boxes of an Application's tree stand: left to right, parents beside their children.

Pure: nodes in, coordinates out, in pixels at natural size. Many siblings without children are
packed into a block of columns, so that a thousand objects make a square and not a ribbon.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 236, 52
GAP_X, GAP_Y = 64, 12
_PACK_FROM = 15
_DEEPEST = 50
STEP_X = 22
_MARGIN = 8
_LEAST_WIDTH = 330  # a shallow tree is not blown up


@dataclass(slots=True)
class Node:
    """One object.

    Attributes:
        id: Unique in the tree.
        facts: What the template shows.
        x, y: Left upper corner, set by `lay_out`.
    """

    id: str
    facts: object
    children: list["Node"] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from a parent to a child, or to a block of children."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Around a block of siblings."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything with its place."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    frames: tuple[Frame, ...]
    width: float
    height: float
    root_y: float
    view_box: str


@dataclass(slots=True)
class _Pen:
    """What has been drawn so far."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    width: float = 0.0

    @property
    def drawn(self) -> tuple[tuple[Node, ...], tuple[Edge, ...], tuple[Frame, ...]]:
        """What a drawing is made of."""
        return tuple(self.nodes), tuple(self.edges), tuple(self.frames)


def lay_out(root: Node) -> Drawing:
    """Place a tree; children keep their order."""
    pen = _Pen()
    height = _place(root, 0.0, 0.0, pen, 0)
    height = max(height, HEIGHT)
    root_y = root.y + HEIGHT / 2
    box = f"0 0 {pen.width:g} {height:g}"
    return Drawing(*pen.drawn, pen.width, height, root_y, box)


def lay_out_below(root: Node) -> Drawing:
    """Place a tree for a narrow window: each object on a line of its own, below its parent."""
    pen = _Pen()
    waiting: list[tuple[Node, int, Node | None]] = [(root, 0, None)]
    line = 0
    while waiting:
        node, depth, parent = waiting.pop()
        node.x, node.y = float(min(depth, _DEEPEST) * STEP_X), float(line * (HEIGHT + GAP_Y))
        line += 1
        pen.nodes.append(node)
        pen.width = max(pen.width, node.x + WIDTH)
        if parent is not None:
            pen.edges.append(Edge(_elbow(parent, node), node.id))
        waiting += [(child, depth + 1, node) for child in reversed(node.children)]
    height = line * (HEIGHT + GAP_Y) - GAP_Y
    wide = max(pen.width, _LEAST_WIDTH)
    box = f"{-_MARGIN} {-_MARGIN} {wide + 2 * _MARGIN:g} {height + 2 * _MARGIN:g}"
    return Drawing(*pen.drawn, pen.width, height, HEIGHT / 2, box)


def _elbow(parent: Node, child: Node) -> str:
    x = parent.x + STEP_X / 2
    return f"M{x:g} {parent.y + HEIGHT:g}V{child.y + HEIGHT / 2:g}H{child.x:g}"


def _place(node: Node, left: float, top: float, pen: _Pen, depth: int) -> float:
    """Place a node and all below it; return how high they are."""
    node.x = left
    pen.nodes.append(node)
    pen.width = max(pen.width, left + WIDTH)
    leaves = [child for child in node.children if not child.children]
    if len(leaves) < _PACK_FROM:
        leaves = []
    packed = {id(leaf) for leaf in leaves}
    others = [child for child in node.children if id(child) not in packed]
    if depth >= _DEEPEST:
        others, leaves = [], []
    at, inner = top, left + WIDTH + GAP_X
    for child in others:
        at += _place(child, inner, at, pen, depth + 1) + GAP_Y
    targets = [(child.id, child.x, child.y + HEIGHT / 2) for child in others]
    if leaves:
        frame = _pack(leaves, inner, at, pen)
        targets.append(("", frame.x, frame.y + frame.height / 2))
        at = frame.y + frame.height + GAP_Y
    height = max(at - GAP_Y - top, HEIGHT) if targets else HEIGHT
    if targets:
        middle = (targets[0][2] + targets[-1][2]) / 2
        node.y = min(max(middle - HEIGHT / 2, top), top + height - HEIGHT)
    else:
        node.y = top
    pen.edges += [
        Edge(_curve(left + WIDTH, node.y + HEIGHT / 2, x, y), name) for name, x, y in targets
    ]
    return height


def _pack(leaves: Sequence[Node], left: float, top: float, pen: _Pen) -> Frame:
    step_x, step_y = WIDTH + GAP_Y, HEIGHT + GAP_Y
    columns = max(1, round(math.sqrt(len(leaves) * step_y * 1.6 / step_x)))
    lines = -(-len(leaves) // columns)
    for number, leaf in enumerate(leaves):
        leaf.x = left + GAP_Y + (number % columns) * step_x
        leaf.y = top + GAP_Y + (number // columns) * step_y
        pen.nodes.append(leaf)
    frame = Frame(left, top, columns * step_x + GAP_Y, lines * step_y + GAP_Y)
    pen.frames.append(frame)
    pen.width = max(pen.width, frame.x + frame.width)
    return frame


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
