"""A service's rules as trees of numbers, which `rules` writes into its structs; made once for each service."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

_Span = tuple[int, int]
_Rule = tuple[str, ...]
_Values = tuple[bytes, ...]


class Trees(NamedTuple):
    """What is compiled.

    rules: as texts. names: of keys and values, one after the other; a span is where one stands there, and its size.
    nodes: of all trees, one tree after the other: [child, sibling, element, key, key size, role]. size: of one tree.
    fields: that conditions name: the numbers of keys to each, and of its values. spans: of these, field by field.
    """

    rules: tuple[_Rule, ...]
    names: bytes
    nodes: list[list[int]]
    size: int
    fields: list[tuple[int, int]]
    spans: list[_Span]


def make_trees(rules: Iterable[Iterable[str]], roles: Sequence[str], most_fields: int) -> Trees:
    """roles: each at its code; 0 is none. ValueError where a rule is none, or conditions name too many fields."""
    told = tuple(_checked(tuple(map(str, rule)), roles) for rule in rules)
    asked = _asked_values(told, most_fields)
    tree, names = [[0, 0, 0, 0, 0]], bytearray()
    places = [_place(tree, names, rule[0]) for rule in told]
    nodes = []
    for combination in _combinations(asked):
        held = _roles_of(told, places, dict(zip(asked, combination, strict=True)), roles)
        nodes += [[*node, held.get(at, 0)] for at, node in enumerate(tree)]
    fields, spans = [], []
    for field, values in asked.items():
        keys = field.encode().split(b".")
        fields.append((len(keys), len(values)))
        spans += [_span_of(names, text) for text in (*keys, *values)]
    return Trees(told, bytes(names), nodes, len(tree), fields, spans)


def _checked(rule: _Rule, roles: Sequence[str]) -> _Rule:
    if len(rule) not in (2, 4):
        raise ValueError(f"a rule is (path, role) or (path, role, when_path, when_value), not {rule!r}")
    if rule[1] not in roles[1:]:
        raise ValueError(f"no such role of a JSON path: {rule[1]!r}")
    if len(rule) == 4 and ("[]" in rule[2] or not all(rule[2].split("."))):
        raise ValueError(f"a condition's path is keys from the document's root, joined by dots, not {rule[2]!r}")
    return rule


def _asked_values(rules: Sequence[_Rule], most: int) -> dict[str, _Values]:
    """The fields that conditions name, each with the values that they ask for."""
    fields: dict[str, dict[bytes, None]] = {}
    for rule in rules:
        if len(rule) == 4:
            fields.setdefault(rule[2], {})[rule[3].encode()] = None
    if len(fields) > most:
        raise ValueError(f"conditions may name {most} fields, not {len(fields)}: {', '.join(fields)}")
    return {field: tuple(values) for field, values in fields.items()}


def _combinations(fields: Mapping[str, _Values]) -> Iterator[tuple[bytes | None, ...]]:
    """Each combination of the fields' values, None for any other, in the order of `tree_for`'s numbers."""
    return product(*((None, *values) for values in fields.values()))


def _roles_of(
    rules: Sequence[_Rule], places: Sequence[int], values: Mapping[str, bytes | None], roles: Sequence[str]
) -> dict[int, int]:
    """The role of each node, by its place, in events whose fields have these values."""
    held = {}
    for (_, role, *when), at in zip(rules, places, strict=True):
        if not when or values[when[0]] == when[1].encode():
            held[at] = roles.index(role)
    return held


def _place(tree: list[list[int]], names: bytearray, path: str) -> int:
    """The node of one path (`choices[].delta.content`), added where it is missing; "" is the document itself."""
    at = 0
    for part in path.split(".") if path else ():
        name = part.removesuffix("[]").encode()
        child = tree[at][0]
        while child and names[tree[child][3] : tree[child][3] + tree[child][4]] != name:
            child = tree[child][1]
        if not child:
            child = len(tree)
            tree.append([0, tree[at][0], 0, *_span_of(names, name)])
            tree[at][0] = child
        at = child
        if part.endswith("[]"):
            if not tree[at][2]:
                tree[at][2] = len(tree)
                tree.append([0, 0, 0, 0, 0])
            at = tree[at][2]
    return at


def _span_of(names: bytearray, text: bytes) -> _Span:
    """Where a text stands in `names`, to which it is added."""
    names += text
    return len(names) - len(text), len(text)
