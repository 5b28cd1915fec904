"""Say in readable words what a JSON Schema found wrong, without repeating the offending value at length."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from callboard.lib.nearest import nearest
from callboard.lib.problems import Place, Problem
from callboard.plugins.catalog.types.envelope import MAX_PROBLEMS, shown

_TYPES = {
    "string": "a string",
    "array": "a list",
    "object": "an object",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def problems_of(errors: Iterator[jsonschema_rs.ValidationError], entity: Any, what: str, url: str) -> Iterator[Problem]:
    """Answer a problem for each schema error; ``what`` names the kind in the remedies."""
    for count, error in enumerate(errors):
        if count >= MAX_PROBLEMS:
            yield Problem(
                "schema",
                f"The entity has more than {MAX_PROBLEMS} problems; the rest is not shown.",
                "Mend the ones above first.",
                Place(url),
            )
            return
        yield _problem(error, entity, what, url)


def _problem(error: jsonschema_rs.ValidationError, entity: Any, what: str, url: str) -> Problem:
    path = json_path(error.instance_path)
    found = _at(entity, error.instance_path)
    details: Any = error.kind.as_dict()
    rule = error.kind.name
    remedy = f'Correct it. See kind "{what}" in the reference.'
    if rule == "required":
        return _missing(path, found, details["property"], what, url)
    if rule == "type":
        expected = " or ".join(_TYPES.get(name, name) for name in details["types"])
        if found is None:
            remedy = "Remove the field or give it a value."
        elif "string" in details["types"] and isinstance(found, bool | int | float):
            remedy = "If text was meant, put it in quotes."
        elif "array" in details["types"] and isinstance(found, str):
            remedy = "Write it as a list, with - before each item."
    elif rule == "minLength" and details["limit"] == 1:
        expected, remedy = "a string that is not empty", "Give it a value, or remove the field."
    elif rule == "enum":
        options = [str(option) for option in details["options"]]
        expected = "one of " + ", ".join(options)
        if isinstance(found, str) and (close := nearest(found, options)):
            remedy = f'Did you mean "{close}"?'
    elif rule == "const":
        expected = shown(details.get("expected_value", "another value"))
    elif rule == "pattern":
        expected = f"text of the form {details['pattern']}"
    elif rule == "anyOf" and (names := _alternatives(details)):
        return Problem(
            "missing-field",
            f'"{path or "the entity"}" needs at least one of {" and ".join(names)}.',
            f'Add one of them. See kind "{what}" in the reference.',
            Place(url, path=path),
        )
    else:
        message = error.message if len(error.message) <= 300 else f"it breaks the rule {rule}"
        return Problem("schema", f'"{path}" is not valid; {message}.', remedy, Place(url, path=path))
    return Problem(
        "schema",
        f'"{path or "the entity"}" is not valid; expected {expected}, got {shown(found)}.',
        remedy,
        Place(url, path=path),
    )


def _missing(path: str, found: Any, name: str, what: str, url: str) -> Problem:
    full = f"{path}.{name}" if path else name
    remedy = f'Add it. See kind "{what}" in the reference.'
    if isinstance(found, dict) and (close := nearest(name, found, cutoff=0.75)):
        remedy = f'Did you write "{close}" instead? {remedy}'
    return Problem("missing-field", f'"{full}" is missing.', remedy, Place(url, path=full))


def _alternatives(details: Any) -> list[str]:
    """Name the fields of an ``anyOf`` that only asks for one field or another."""
    names = []
    for branch in details.get("context", ()):
        if len(branch) != 1 or branch[0].kind.name != "required":
            return []
        names.append(f'"{branch[0].kind.as_dict()["property"]}"')
    return names


def json_path(steps: list[str | int]) -> str:
    """Write the steps of a path as ``spec.dependsOn[1]``."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _at(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value
