"""Names of outputs as names of files."""

from __future__ import annotations

import re


def file_name(name: str) -> str:
    """Letters, digits and "_", "-", "." stay; others are "%" and their bytes in hex, so that no two names become one."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)
    return "%2E" + safe[1:] if safe.startswith(".") else safe
