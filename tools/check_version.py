"""The version stands in pyproject.toml alone. Is a tag that version, and does CHANGELOG.md have an entry for it?

python tools/check_version.py [v1.2.3]      prints the version; a tag is for a release, whose entry has a date
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def version() -> str:
    found = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("pyproject.toml names no version")
    return found[1]


def entry(number: str) -> str | None:
    """What the changelog's headline says of this version: its date, or "unreleased"; None when it has none."""
    text = (ROOT / "CHANGELOG.md").read_text()
    found = re.search(rf"^## \[?{re.escape(number)}\]? - (\d{{4}}-\d\d-\d\d|unreleased)$", text, re.MULTILINE)
    return found[1] if found else None


def main() -> None:
    number = version()
    said = entry(number)
    if said is None:
        raise SystemExit(f"CHANGELOG.md has no headline `## {number} - DATE`")
    if len(sys.argv) > 1 and sys.argv[1] != f"v{number}":
        raise SystemExit(f"the tag is {sys.argv[1]}, the version {number}")
    if len(sys.argv) > 1 and said == "unreleased":
        raise SystemExit(f"CHANGELOG.md gives version {number} no date")
    print(number)


if __name__ == "__main__":
    main()
