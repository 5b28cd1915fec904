"""Run the cases that authors keep beside their templates: answers in, expected files out."""

from __future__ import annotations

import base64
import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from callboard.plugins.scaffolder.services.dry_runs import dry_run
from callboard.plugins.scaffolder.types.tasks import ScaffolderError, WrongAnswersError

CASES = "template.test.yaml"
MAX_FILE = 5_000_000


@dataclass
class CaseResult:
    """How one case went."""

    template: str
    case: str
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Answer it as JSON."""
        return {"template": self.template, "case": self.case, "passed": self.passed, "problems": self.problems}


def run_template_tests(path: Path) -> list[CaseResult]:
    """Run all cases at or below a path. Raises :class:`ScaffolderError` where there are none."""
    templates = [path] if path.is_file() else sorted(path.rglob("template.yaml"))
    results = [result for template in templates for result in _run_cases(template)]
    if not results:
        raise ScaffolderError(
            f"there is no {CASES} at or below {path}", "Write one beside template.yaml; it holds a list of cases."
        )
    return results


def _run_cases(template: Path) -> Iterator[CaseResult]:
    cases = template.parent / CASES
    if not cases.exists():
        return
    entity, listed = _loaded(template), _loaded(cases)
    given = listed.get("cases") if isinstance(listed, Mapping) else listed
    if not isinstance(given, list):
        raise ScaffolderError(f"{cases}: a list of cases was expected", "Begin it with `cases:`.")
    name = str((entity.get("metadata") or {}).get("name") or template) if isinstance(entity, Mapping) else str(template)
    contents = [
        {
            "path": str(file.relative_to(template.parent)),
            "base64Content": base64.b64encode(file.read_bytes()).decode(),
            "executable": bool(file.stat().st_mode & 0o100),
        }
        for file in sorted(template.parent.rglob("*"))
        if file.is_file() and not file.is_symlink() and ".git" not in file.parts and file.stat().st_size < MAX_FILE
    ]
    for number, case in enumerate(given):
        yield _run_case(name, entity, contents, case if isinstance(case, Mapping) else {}, number)


def _loaded(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScaffolderError(f"{path} cannot be read: {error}", "Correct the file.") from error


def _run_case(
    name: str, entity: Any, contents: list[dict[str, Any]], case: Mapping[str, Any], number: int
) -> CaseResult:
    result = CaseResult(name, str(case.get("name") or f"case {number + 1}"))
    expected = case.get("expect") or {}
    try:
        found = dry_run(entity, case.get("values") or {}, case.get("secrets") or {}, contents)
    except WrongAnswersError as error:
        said = [f"{'.'.join(map(str, m.path))}: {m.message}" for m in error.mistakes]
        if expected.get("invalid"):
            missing = [str(part) for part in expected["invalid"] if not any(str(part) in text for text in said)]
            result.problems += [f"nothing is wrong with {part}, though it should be" for part in missing]
        else:
            result.problems += said
        return result
    except ScaffolderError as error:
        result.problems.append(f"{error.message} {error.remedy}".strip())
        return result
    if expected.get("invalid"):
        result.problems.append("the answers should be refused, and were taken")
    if found.get("error"):
        result.problems.append(str(found["error"]))
    _compare(result, found, expected)
    return result


def _compare(result: CaseResult, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    files = {item["path"]: base64.b64decode(item["base64Content"]) for item in found["directoryContents"]}
    for path, content in (expected.get("files") or {}).items():
        if path not in files:
            result.problems.append(f"{path} is missing; there are {', '.join(sorted(files)) or 'no files'}")
            continue
        text = files[path].decode("utf-8", "replace")
        if isinstance(content, Mapping):
            for part in _several(content.get("contains")):
                if part not in text:
                    result.problems.append(f"{path} does not contain {part!r}")
            for part in _several(content.get("lacks")):
                if part in text:
                    result.problems.append(f"{path} contains {part!r}")
        elif content is not None and text != content:
            result.problems.append(f"{path} is {text[:300]!r}, expected {str(content)[:300]!r}")
    for pattern in _several(expected.get("absent")):
        result.problems += [f"{path} is there" for path in files if fnmatch.fnmatchcase(path, pattern)]
    if "output" in expected and found["output"] != expected["output"]:
        result.problems.append(f"the output is {found['output']!r}, expected {expected['output']!r}")


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value or []]
