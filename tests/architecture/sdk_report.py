"""Say what the SDK offers, one line a name: `python -m tests.architecture.sdk_report` writes `sdk_api.txt`."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

SNAPSHOT = Path(__file__).with_name("sdk_api.txt")


def sdk_modules() -> list[str]:
    """Answer the modules of the SDK."""
    import callboard.sdk

    return sorted(f"callboard.sdk.{item.name}" for item in pkgutil.iter_modules(callboard.sdk.__path__))


def report() -> str:
    """Answer all names of the SDK with their shapes."""
    lines = []
    for name in sdk_modules():
        module = importlib.import_module(name)
        lines.append(f"\n{name}")
        lines += [f"  {line}" for item in sorted(module.__all__) for line in shape(item, getattr(module, item))]
    return "\n".join(lines).lstrip() + "\n"


def shape(name: str, value: Any) -> list[str]:
    """Describe one name: signature of a function; fields and methods of a class; type of anything else."""
    if inspect.isclass(value):
        return [f"class {name}", *(f"  {line}" for line in members(value))]
    if callable(value) and (inspect.isroutine(value) or inspect.isfunction(value)):
        return [f"{name}{signature(value)}"]
    return [f"{name}: {type(value).__name__}"]


def members(value: type) -> list[str]:
    """Describe a class by what it defines itself."""
    found = []
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            found.append(f"{field.name}: {text(field.type)}{'' if needed else ' = …'}")
    elif hasattr(value, "_meta") and hasattr(value._meta, "get_fields"):
        return [f"{field.name}: {type(field).__name__}" for field in value._meta.local_fields]
    for name, member in sorted(vars(value).items()):
        if name.startswith("_") or (dataclasses.is_dataclass(value) and name in value.__dataclass_fields__):
            continue
        plain = getattr(member, "__func__", member)
        if inspect.isfunction(plain):
            found.append(f"{name}{signature(plain)}")
        elif isinstance(member, property):
            found.append(f"{name}: property")
    return found


def signature(value: Any) -> str:
    """Answer a signature as it is written."""
    shown = str(inspect.signature(value)).replace("'", "")
    return re.sub(r" at 0x[0-9a-f]+", "", shown)


def text(annotation: Any) -> str:
    """Answer an annotation as it is written."""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


if __name__ == "__main__":
    from callboard.project.boot import start_django

    start_django(database=False)
    SNAPSHOT.write_text(report())
