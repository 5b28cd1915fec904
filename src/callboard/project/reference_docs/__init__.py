"""Write the reference pages that follow from the code, so that they cannot say anything else.

`python -m callboard.project.reference_docs` in a source tree writes them; `--check` only compares.
"""

from callboard.project.reference_docs.contribution_points import CONTRIBUTIONS, contributions_page, examples, points

__all__ = ["CONTRIBUTIONS", "contributions_page", "examples", "points"]
