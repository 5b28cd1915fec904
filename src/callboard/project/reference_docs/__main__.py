"""Write the generated pages, or with `--check` say which of them is not what it would be."""

from __future__ import annotations

import sys

from callboard.project.reference_docs.pages import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
