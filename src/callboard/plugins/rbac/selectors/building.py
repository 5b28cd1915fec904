"""The form behind one decision: a sentence with choices, and a tree of conditions that grows and shrinks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from callboard.plugins.rbac.selectors.sentences import rule_words
from callboard.plugins.rbac.types.document import CURRENT_USER, OWNER_REFS, PLACEHOLDERS, Statement
from callboard.plugins.rbac.types.reading import ACTIONS, statement_to_data
from callboard.sdk.contributions import Permission, ResourceType, Rule
from callboard.sdk.plugins import contribution, contributions

MAX_NODES = 60


@dataclass
class Param:
    """One parameter of a rule, ready for a field."""

    name: str
    title: str
    many: bool
    required: bool
    text: str = ""
    placeholders: tuple[str, ...] = ()
    people: bool = False

    def value(self) -> Any:
        """Answer what was entered, or nothing."""
        if not self.many:
            return self.text or None
        words = [word.strip() for word in self.text.split(",") if word.strip()]
        return [*self.placeholders, *words] or None


@dataclass
class Node:
    """A group of conditions (``all``, ``any``) or a rule; ``negated`` turns it round."""

    path: str
    kind: str = "rule"
    negated: bool = False
    rule: str = ""
    params: list[Param] = field(default_factory=list)
    parts: list[Node] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """How deep it stands."""
        return self.path.count(".")

    @property
    def group(self) -> bool:
        """Whether it holds others."""
        return self.kind != "rule"

    @property
    def words(self) -> str:
        """The rule in words."""
        return rule_words(self.rule, {p.name: p.value() for p in self.params if p.value() is not None})

    def data(self) -> dict[str, Any] | None:
        """Answer the condition; a rule that is not chosen yet is left out."""
        found: dict[str, Any]
        if self.group:
            parts = [data for part in self.parts if (data := part.data())]
            if not parts:
                return None
            key = "allOf" if self.kind == "all" else "anyOf"
            found = parts[0] if len(parts) == 1 else {key: parts}
        elif self.rule:
            values = {p.name: p.value() for p in self.params}
            found = {"rule": self.rule, "params": {name: value for name, value in values.items() if value is not None}}
        else:
            return None
        return {"not": found} if self.negated else found


@dataclass
class Builder:
    """What a form holds of one decision."""

    effect: str = "allow"
    scope: str = "name"
    name: str = ""
    actions: list[str] = field(default_factory=list)
    resource: str = ""
    plugin: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    conditional: bool = False
    root: Node = field(default_factory=lambda: Node("0", "all"))

    @classmethod
    def empty(cls) -> Builder:
        """Answer a form for a new decision."""
        return cls(name="catalog.entity.read")

    @classmethod
    def of(cls, statement: Statement) -> Builder:
        """Answer the form of a decision that there is."""
        data = statement_to_data(statement)
        what = data[statement.effect]
        builder = cls(effect=statement.effect, conditional=statement.condition is not None)
        if what == "all":
            builder.scope = "all"
        elif isinstance(what, str):
            builder.scope, builder.name = "name", what
        else:
            builder.scope = "kinds"
            builder.actions = list(what.pop("action", []))
            resources, plugins = what.pop("resource", []), what.pop("plugin", [])
            builder.resource, builder.plugin = ",".join(resources), ",".join(plugins)
            builder.extra = what
        if statement.condition is not None:
            root = _node_of(statement.condition, "0")
            builder.root = root if root.group and not root.negated else Node("0", "all", parts=[_at(root, "0.0")])
        return builder

    @classmethod
    def read(cls, sent: Any) -> Builder:
        """Read what a form sent; what is missing or strange becomes empty, and is told when it is saved."""
        scope = sent.get("scope", "name")
        builder = cls(
            effect="deny" if sent.get("effect") == "deny" else "allow",
            scope=scope if scope in {"name", "kinds", "all"} else "name",
            name=_clean(sent.get("name", "")),
            actions=[a for a in sent.getlist("action") if a in ACTIONS],
            resource=_clean(sent.get("resource", "")),
            plugin=_clean(sent.get("plugin", "")),
            conditional=sent.get("conditional") == "on" and sent.get("effect") != "deny",
        )
        for flag in ("harmless", "administrative"):
            if sent.get(flag) in {"yes", "no"}:
                builder.extra[flag] = sent[flag] == "yes"
        if _clean(sent.get("beginning", "")):
            builder.extra["name"] = _clean(sent["beginning"])
        builder.root = _read_node(sent, "0", [MAX_NODES])
        if not builder.root.group:
            builder.root = Node("0", "all")
        if builder.conditional and not builder.root.parts:
            builder.root.parts = [Node("0.0")]
        return builder

    def step(self, step: str) -> None:
        """Do what a button asks: ``rule:<path>``, ``group:<path>`` add, ``remove:<path>`` takes away."""
        verb, _colon, path = step.partition(":")
        node = _find(self.root, path)
        if node is None:
            return
        if verb in {"rule", "group"} and node.group and _size(self.root) < MAX_NODES:
            new = Node("", "any", parts=[Node("")]) if verb == "group" else Node("")
            node.parts.append(new)
        elif verb == "remove" and path != "0":
            parent = _find(self.root, path.rpartition(".")[0])
            if parent is not None:
                parent.parts = [part for part in parent.parts if part is not node]
        self.root = _at(self.root, "0")

    def data(self) -> dict[str, Any]:
        """Answer the decision as plain data."""
        what: Any = "all" if self.scope == "all" else self.name
        if self.scope == "kinds":
            what = {
                key: value
                for key, value in (
                    ("action", self.actions),
                    ("resource", _words(self.resource)),
                    ("plugin", _words(self.plugin)),
                )
                if value
            } | self.extra
        condition = self.root.data() if self.conditional and self.effect == "allow" else None
        return {self.effect: what, **({"if": condition} if condition else {})}

    # --- What the form offers ---------------------------------------------------

    @property
    def resource_types(self) -> list[tuple[str, str]]:
        """Types of resources to choose from."""
        return sorted((item.id, item.title or item.id) for item in contributions(ResourceType))

    @property
    def resource_in_question(self) -> str:
        """The type of resource whose rules can be used."""
        if self.scope == "name":
            found = contribution(Permission, self.name)
            return found.resource_type if found else ""
        if self.scope == "kinds":
            return next(iter(_words(self.resource)), "catalog-entity")
        return "catalog-entity"

    @property
    def rules(self) -> list[Rule]:
        """Rules to choose from."""
        kind = self.resource_in_question
        return [rule for rule in contributions(Rule) if rule.resource_type == kind]

    @property
    def nodes(self) -> list[Node]:
        """The conditions in the order they are shown."""
        return list(_walk(self.root))

    @property
    def action_choices(self) -> list[tuple[str, bool]]:
        """Actions, with whether they are chosen."""
        return [(action, action in self.actions) for action in ACTIONS]


def _node_of(condition: Mapping[str, Any], path: str) -> Node:
    negated = "not" in condition
    inner = condition["not"] if negated else condition
    if "not" in inner:
        # Two negations: the outer one becomes a group of one, so that the form can show both.
        return Node(path, "all", negated, parts=[_node_of(inner, f"{path}.0")])
    if "rule" in inner:
        return Node(path, "rule", negated, inner["rule"], _params(inner["rule"], inner.get("params") or {}))
    kind = "all" if "allOf" in inner else "any"
    parts = inner["allOf" if kind == "all" else "anyOf"]
    return Node(path, kind, negated, parts=[_node_of(part, f"{path}.{n}") for n, part in enumerate(parts)])


def _params(rule_id: str, values: Mapping[str, Any]) -> list[Param]:
    rule = contribution(Rule, rule_id)
    if rule is None:
        return [
            Param(name, name, isinstance(value, list), required=False, text=_said(value))
            for name, value in values.items()
        ]
    schema: Mapping[str, Any] = rule.params_schema
    required = set(schema.get("required", ()))
    found = []
    for name, shape in schema.get("properties", {}).items():
        many = shape.get("type") == "array"
        value = values.get(name)
        listed = value if isinstance(value, list) else [value] if value is not None else []
        stand = tuple(item for item in listed if item in PLACEHOLDERS) if many else ()
        text = ", ".join(str(item) for item in listed if item not in stand)
        title = str(shape.get("title") or _titles().get(name) or name.replace("_", " "))
        people = rule_id == "IS_ENTITY_OWNER" or name in {"claims", "owners", "createdBy"}
        found.append(Param(name, title, many, name in required, text, stand, people))
    return found


def _titles() -> dict[str, str]:
    return {
        "claims": _("Owned by"),
        "kinds": _("Kinds"),
        "annotation": _("Annotation"),
        "label": _("Label"),
        "key": _("Field"),
        "value": _("Value"),
        "tag": _("Tag"),
    }


def _read_node(sent: Any, path: str, left: list[int]) -> Node:
    left[0] -= 1
    kind = sent.get(f"k.{path}", "rule")
    node = Node(path, kind if kind in {"all", "any", "rule"} else "rule", sent.get(f"n.{path}") == "on")
    if node.group:
        index = 0
        while left[0] > 0 and f"k.{path}.{index}" in sent:
            node.parts.append(_read_node(sent, f"{path}.{index}", left))
            index += 1
        return node
    node.rule = _clean(sent.get(f"r.{path}", ""))
    if node.rule:
        node.params = _params(node.rule, {})
        for param in node.params:
            param.text = _clean(sent.get(f"p.{path}.{param.name}", ""))
            chosen = sent.getlist(f"s.{path}.{param.name}")
            param.placeholders = tuple(item for item in (OWNER_REFS, CURRENT_USER) if item in chosen)
        untouched = sent.get(f"was.{path}", "") != node.rule
        if untouched and node.rule == "IS_ENTITY_OWNER":
            # What everybody means by it at first.
            node.params[0].placeholders = node.params[0].placeholders or (OWNER_REFS,)
    return node


def _find(node: Node, path: str) -> Node | None:
    return next((item for item in _walk(node) if item.path == path), None)


def _walk(node: Node) -> Any:
    yield node
    for part in node.parts:
        yield from _walk(part)


def _at(node: Node, path: str) -> Node:
    """Answer the tree with its paths counted anew from here."""
    node.path = path
    for n, part in enumerate(node.parts):
        _at(part, f"{path}.{n}")
    return node


def _size(node: Node) -> int:
    return sum(1 for _ in _walk(node))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:1000]
