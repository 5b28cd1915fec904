"""Write values as YAML people like to read, and that every reader reads back the same."""

import re
from typing import Any

import yaml

from callboard.lib.yaml12.scalars import FLOAT, HEXADECIMAL, INTEGER, NOT_FINITE, OCTAL


class _Dumper(yaml.CSafeDumper):
    """Quote what either YAML 1.1 or 1.2 would misread; never write anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the name is given by PyYAML
        return True


def _write_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and _fits_a_block(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_a_block(text: str) -> bool:
    """Tell whether a literal block holds the text without tricks: no odd blanks, no control characters."""
    lines = text.split("\n")
    if not lines[0].strip() or text.endswith("\n\n"):
        return False
    return all(
        (line.isprintable() or line.replace("\t", "").isprintable())
        and line == line.rstrip()
        and not line.startswith("\t")
        and "\ufeff" not in line
        for line in lines
    )


_Dumper.add_representer(str, _write_text)
# The dumper knows the words of YAML 1.1 already; these are numbers in 1.2 only.
for _pattern in (INTEGER, OCTAL, HEXADECIMAL, FLOAT, NOT_FINITE):
    _Dumper.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(rf"(?:{_pattern.pattern})\Z"), list("0123456789+-.")
    )


def dump(value: Any) -> str:
    """Answer YAML: keys in their order, long texts as literal blocks, doubtful words in quotes."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )
    return text.removesuffix("...\n")
