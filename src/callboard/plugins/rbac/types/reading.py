"""Read a policy from plain data (YAML, JSON) and write it back; everything that is wrong is told with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, cast

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.rbac.types.document import (
    CROWDS,
    MAX_ROLES,
    NAMED,
    PLACEHOLDERS,
    RESOLUTIONS,
    Match,
    Member,
    PolicyDocument,
    Resolution,
    Role,
    Statement,
)

API_VERSION, KIND = "callboard.dev/v1", "AccessPolicy"
MAX_DEPTH = 20
ACTIONS = ("create", "read", "update", "delete")

_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9._/:-]{0,98}[a-z0-9])?$")
_PERMISSION = re.compile(r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:\.\*)?$")
_TOP = {"apiVersion", "kind", "name", "description", "resolution", "roles", "tests"}
_ROLE = {"name", "title", "description", "owner", "requestable", "members", "decisions"}
_STATEMENT = {"allow", "deny", "if"}
_MATCH = {"name", "action", "resource", "plugin", "harmless", "administrative"}


class _Reader:
    """Collects what is wrong while the parts are read; what is wrong is left out."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, path: str, message: str, remedy: str) -> None:
        self.problems.append(Problem("policy", message, remedy, Place(path=path)))

    def known(self, value: Mapping[str, Any], keys: set[str], path: str) -> None:
        for key in value:
            if key not in keys:
                place = f"{path}.{key}" if path else str(key)
                self.wrong(place, f"{key!r} means nothing here.", f"Use {', '.join(sorted(keys))}.")

    def text(self, value: Mapping[str, Any], key: str, path: str, limit: int = 2000) -> str:
        found = value.get(key, "")
        if found is None:
            return ""
        if not isinstance(found, str) or len(found) > limit or "\0" in found:
            self.wrong(
                f"{path}.{key}" if path else key, f"{key} is no text of at most {limit} characters.", "Write one."
            )
            return ""
        return found.strip()

    def flag(self, value: Mapping[str, Any], key: str, path: str) -> bool | None:
        found = value.get(key)
        if found is not None and not isinstance(found, bool):
            self.wrong(f"{path}.{key}", f"{key} is neither true nor false.", "Write true or false.")
            return None
        return found

    def items(self, value: Mapping[str, Any], key: str, path: str) -> list[Any]:
        found = value.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            self.wrong(
                f"{path}.{key}" if path else key, f"{key} is not a list.", "Write each entry on a line with a dash."
            )
            return []
        return found


def read_document(value: Any) -> PolicyDocument:
    """Read a policy; raise :class:`ProblemError` with everything that is wrong."""
    reader = _Reader()
    document = _document(value, reader)
    if reader.problems:
        raise ProblemError(reader.problems)
    return document


def _document(value: Any, reader: _Reader) -> PolicyDocument:
    if not isinstance(value, Mapping):
        reader.wrong("", "This is not a policy.", "Write an object with `name` and `roles`.")
        return PolicyDocument()
    reader.known(value, _TOP, "")
    if value.get("kind", KIND) != KIND:
        reader.wrong("kind", f"The kind is {value['kind']!r}.", f"Write kind: {KIND}.")
    if value.get("apiVersion", API_VERSION) != API_VERSION:
        reader.wrong("apiVersion", f"The version is {value['apiVersion']!r}.", f"Write apiVersion: {API_VERSION}.")
    resolution = value.get("resolution", "first-match")
    if resolution not in RESOLUTIONS:
        reader.wrong("resolution", f"There is no resolution {resolution!r}.", f"Choose {', '.join(RESOLUTIONS)}.")
        resolution = "first-match"
    entries = reader.items(value, "roles", "")
    if len(entries) > MAX_ROLES:
        reader.wrong("roles", f"There are {len(entries)} roles.", f"A policy holds at most {MAX_ROLES}.")
        entries = []
    roles: dict[str, Role] = {}
    for index, entry in enumerate(entries):
        path = f"roles[{index}]"
        role = _role(entry, path, reader)
        if role is None:
            continue
        if role.name in roles:
            reader.wrong(f"{path}.name", f"Two roles are called {role.name!r}.", "Give one of them another name.")
        roles[role.name] = role
    return PolicyDocument(
        name=reader.text(value, "name", "", 200),
        description=reader.text(value, "description", ""),
        resolution=cast("Resolution", resolution),
        roles=tuple(roles.values()),
    )


def _role(value: Any, path: str, reader: _Reader) -> Role | None:
    if not isinstance(value, Mapping):
        reader.wrong(path, "This is not a role.", "Write an object with name, members and decisions.")
        return None
    reader.known(value, _ROLE, path)
    name = reader.text(value, "name", path, 100).lower()
    if not _NAME.match(name):
        reader.wrong(
            f"{path}.name",
            f"{name!r} cannot be the name of a role." if name else "The role has no name.",
            "Use small letters, digits and the characters - . _ / : between them.",
        )
        return None
    owner = reader.text(value, "owner", path, 300)
    if owner:
        owner = _entity(owner, f"{path}.owner", reader, ("user", "group"))
    members = [
        _member(item, f"{path}.members[{n}]", reader) for n, item in enumerate(reader.items(value, "members", path))
    ]
    decisions = [
        _statement(item, f"{path}.decisions[{n}]", reader)
        for n, item in enumerate(reader.items(value, "decisions", path))
    ]
    return Role(
        name=name,
        title=reader.text(value, "title", path, 200),
        description=reader.text(value, "description", path),
        owner=owner,
        requestable=reader.flag(value, "requestable", path) is not False,
        members=tuple(dict.fromkeys(member for member in members if member)),
        decisions=tuple(item for item in decisions if item),
    )


def _member(value: Any, path: str, reader: _Reader) -> Member | None:
    until = None
    if isinstance(value, Mapping):
        reader.known(value, {"ref", "until"}, path)
        until = _moment(value.get("until"), f"{path}.until", reader)
        value = value.get("ref")
    if not isinstance(value, str):
        reader.wrong(
            path, "This is not a member.", "Write user:default/ada, group:default/team, everyone, or {ref:, until:}."
        )
        return None
    return member_of(value, path, reader, until)


def member_of(text: str, path: str, reader: _Reader, until: datetime | None = None) -> Member | None:
    """Read one member as people write it."""
    text = text.strip()
    if text.lower() in CROWDS:
        return Member(text.lower(), "", until)
    type_, _colon, rest = text.partition(":")
    type_ = type_.lower()
    if type_ in {"user", "group"}:
        ref = _entity(text, path, reader, (type_,))
        return Member(type_, ref, until) if ref else None
    if type_ in NAMED and rest.strip() and len(rest) <= 300 and rest.isprintable():
        return Member(type_, rest.strip() if type_ == "idp-group" else rest.strip().lower(), until)
    reader.wrong(
        path,
        f"{text[:100]!r} is no member.",
        f"Write {', '.join(f'{name}:…' for name in NAMED)}, or one of {', '.join(CROWDS)}.",
    )
    return None


def read_member(text: str) -> Member:
    """Read one member; raise :class:`ProblemError` if it is none."""
    reader = _Reader()
    member = member_of(text, "member", reader)
    if member is None:
        raise ProblemError(reader.problems)
    return member


def _entity(text: str, path: str, reader: _Reader, kinds: tuple[str, ...]) -> str:
    try:
        ref = EntityRef.parse(text, default_kind=kinds[0], default_namespace="default")
    except RefError as error:
        reader.wrong(path, f"{text[:100]!r} is no entity reference: {error}.", f"Write {kinds[0]}:default/name.")
        return ""
    found = str(ref).lower()
    if found.partition(":")[0] not in kinds:
        reader.wrong(path, f"{text[:100]!r} is neither {' nor '.join(kinds)}.", f"Write {kinds[0]}:default/name.")
        return ""
    return found


def _moment(value: Any, path: str, reader: _Reader) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time.max, UTC).replace(microsecond=0)
    try:
        return _moment(
            datetime.fromisoformat(str(value)) if "T" in str(value) else date.fromisoformat(str(value)), path, reader
        )
    except ValueError:
        reader.wrong(path, f"{str(value)[:40]!r} is no date.", "Write 2026-12-31 or 2026-12-31T18:00:00Z.")
        return None


def _statement(value: Any, path: str, reader: _Reader) -> Statement | None:
    effects = [key for key in ("allow", "deny") if isinstance(value, Mapping) and key in value]
    if len(effects) != 1:
        reader.wrong(path, "A decision allows or denies.", "Write either `allow:` or `deny:`, with what it is about.")
        return None
    reader.known(value, _STATEMENT, path)
    effect = effects[0]
    match = _match(value[effect], f"{path}.{effect}", reader)
    condition = value.get("if")
    if condition is not None:
        if effect == "deny":
            reader.wrong(
                f"{path}.if", "A denial has no condition.", "Allow with the opposite condition instead: if: {not: …}."
            )
            return None
        condition = _condition(condition, f"{path}.if", reader, MAX_DEPTH)
    return None if match is None else Statement("allow" if effect == "allow" else "deny", match, condition)


def _match(value: Any, path: str, reader: _Reader) -> Match | None:
    if isinstance(value, str):
        if value == "all":
            return Match()
        if not _PERMISSION.match(value) or len(value) > 200:
            reader.wrong(path, f"{value[:100]!r} is no permission.", "Write catalog.entity.read, catalog.* or all.")
            return None
        return Match(name=value)
    if not isinstance(value, Mapping) or not value:
        reader.wrong(
            path, "This says nothing about which permissions are meant.", "Write a permission, `all`, or {action: […]}."
        )
        return None
    reader.known(value, _MATCH, path)
    name = reader.text(value, "name", path, 200)
    if name and not _PERMISSION.match(name):
        reader.wrong(f"{path}.name", f"{name[:100]!r} is no permission.", "Write catalog.entity.read or catalog.*.")
        return None
    actions = _words(value, "action", path, reader)
    for action in actions:
        if action not in ACTIONS:
            reader.wrong(f"{path}.action", f"There is no action {action!r}.", f"Use {', '.join(ACTIONS)}.")
    return Match(
        name=name,
        actions=actions,
        resource_types=_words(value, "resource", path, reader),
        plugins=_words(value, "plugin", path, reader),
        harmless=reader.flag(value, "harmless", path),
        administrative=reader.flag(value, "administrative", path),
    )


def _words(value: Mapping[str, Any], key: str, path: str, reader: _Reader) -> tuple[str, ...]:
    found = value.get(key)
    found = [found] if isinstance(found, str) else found or []
    if not isinstance(found, list) or not all(isinstance(word, str) and word for word in found):
        reader.wrong(
            f"{path}.{key}", f"{key} is neither a word nor a list of words.", "Write one, or several in brackets."
        )
        return ()
    return tuple(dict.fromkeys(found))


def _condition(value: Any, path: str, reader: _Reader, depth: int) -> dict[str, Any] | None:
    """Check the shape of a condition; whether its rules exist is known to the portal alone."""
    if not isinstance(value, Mapping) or depth == 0:
        reader.wrong(
            path, "This is no condition." if depth else "The condition is too deep.", "Write rule, allOf, anyOf or not."
        )
        return None
    keys = [key for key in ("allOf", "anyOf", "not", "rule") if key in value]
    if len(keys) != 1:
        reader.wrong(path, "A condition is one of rule, allOf, anyOf and not.", "Write exactly one of them.")
        return None
    key = keys[0]
    reader.known(value, {key, "params", "resourceType"} if key == "rule" else {key}, path)
    if key == "rule":
        params = {} if value.get("params") is None else value["params"]
        if not isinstance(value["rule"], str) or not isinstance(params, Mapping):
            reader.wrong(
                path, "A rule has a name and parameters.", "Write {rule: IS_ENTITY_KIND, params: {kinds: [API]}}."
            )
            return None
        return {"rule": value["rule"], "params": plain(params)}
    if key == "not":
        return {"not": _condition(value["not"], f"{path}.not", reader, depth - 1)}
    parts = value[key]
    if not isinstance(parts, list) or not parts:
        reader.wrong(f"{path}.{key}", f"{key} is empty.", "Name at least one condition.")
        return None
    return {key: [_condition(part, f"{path}.{key}[{n}]", reader, depth - 1) for n, part in enumerate(parts)]}


def plain(value: Any) -> Any:
    """Answer plain lists and objects of whatever kind of them a reader made."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


# --- Writing ---------------------------------------------------------------------


def document_to_data(document: PolicyDocument, *, envelope: bool = True) -> dict[str, Any]:
    """Answer a policy as plain data; reading it again answers an equal policy."""
    head = {"apiVersion": API_VERSION, "kind": KIND} if envelope else {}
    return {
        **head,
        "name": document.name,
        **_given(description=document.description),
        "resolution": document.resolution,
        "roles": [role_to_data(role) for role in document.roles],
    }


def role_to_data(role: Role) -> dict[str, Any]:
    """Answer a role as plain data."""
    return {
        "name": role.name,
        **_given(title=role.title, description=role.description, owner=role.owner),
        **({} if role.requestable else {"requestable": False}),
        "members": [_member_to_data(member) for member in role.members],
        "decisions": [statement_to_data(item) for item in role.decisions],
    }


def _member_to_data(member: Member) -> Any:
    if member.until is None:
        return member.text
    return {"ref": member.text, "until": member.until.isoformat().replace("+00:00", "Z")}


def statement_to_data(statement: Statement) -> dict[str, Any]:
    """Answer one decision as plain data."""
    found: dict[str, Any] = {statement.effect: match_to_data(statement.match)}
    if statement.condition is not None:
        found["if"] = plain(statement.condition)
    return found


def match_to_data(match: Match) -> Any:
    """Answer what a decision is about as plain data."""
    if match.everything:
        return "all"
    if match == Match(name=match.name):
        return match.name
    flags = {"harmless": match.harmless, "administrative": match.administrative}
    return {
        **_given(name=match.name),
        **_given(action=list(match.actions), resource=list(match.resource_types), plugin=list(match.plugins)),
        **{key: value for key, value in flags.items() if value is not None},
    }


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def leaves(condition: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Yield the rules of a condition."""
    if not condition:
        return
    if "rule" in condition:
        yield condition
    elif "not" in condition:
        yield from leaves(condition["not"])
    else:
        for part in condition.get("allOf") or condition.get("anyOf") or ():
            yield from leaves(part)


def has_placeholder(condition: Mapping[str, Any] | None) -> bool:
    """Whether a condition means something else for everybody who asks."""
    return any(placeholder in _texts(leaf.get("params")) for leaf in leaves(condition) for placeholder in PLACEHOLDERS)


def _texts(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return {text for inner in value.values() for text in _texts(inner)}
    if isinstance(value, list | tuple):
        return {text for inner in value for text in _texts(inner)}
    return {value} if isinstance(value, str) else set()
