"""Files of one JSON object a line, read so that whatever is wrong is told with its line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ketqa.errors import KetqaError


def read_rows(file: Path, error: type[KetqaError]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each object of a file, with its place in words; empty lines are left out.

    Args:
        file: In UTF-8.
        error: What to raise where the file or a line cannot be read.
    """
    try:
        with file.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    where = f"{file}: line {number}"
                    yield _object(line, where, error), where
    except OSError as problem:
        raise error(f"{file}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise error(f"{file}: is not UTF-8: {problem}") from None


def _object(line: str, where: str, error: type[KetqaError]) -> dict[str, Any]:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise error(f"{where}: half a character (a lone surrogate)") from None
    except (ValueError, RecursionError) as problem:
        raise error(f"{where}: not JSON: {problem}") from None
    if not isinstance(row, dict):
        raise error(f"{where}: must be an object in braces")
    return row
