import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_the_generated_reference_says_what_the_code_says():
    done = subprocess.run(
        [sys.executable, "-m", "callboard.project.reference_docs", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_built_in_kind_has_the_heading_that_messages_point_to():
    text = (ROOT / "docs" / "reference" / "catalog-format.md").read_text()
    assert "\n## Entity format\n" in text
    for kind in (
        "API",
        "AiResource",
        "Component",
        "Domain",
        "Group",
        "Location",
        "Resource",
        "System",
        "Template",
        "User",
    ):
        assert f'\n## Kind "{kind}"\n' in text
