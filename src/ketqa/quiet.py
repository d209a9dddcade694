"""A server that tells of its errors, and never of what it was asked.

The text of an error may hold what somebody typed, and so may the memory of a process: of an error
only its kind is told and where it came up, whichever library tells of it, and a process that
breaks down leaves no image of itself.
"""

import logging
import resource
import sys
import threading
import traceback
from typing import Any

log = logging.getLogger(__name__)


def keep_quiet() -> None:
    """Let this process tell no more of an error than its kind and place."""
    logging.setLogRecordFactory(_record)
    # Gradio prints errors past all logging, with what it was sent.
    traceback.print_exc = _print
    threading.excepthook = lambda given: log.error("%s", told(given.exc_value))
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def told(error: BaseException | None) -> str:
    """Return the kind of an error and where it came up, the innermost place last."""
    if error is None:
        return "no error"
    places = (
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__, limit=-5)
    )
    return f"{type(error).__name__} at {' > '.join(places) or 'an unknown place'}"


def _record(  # noqa: PLR0913, PLR0917, the factory's own signature
    name: str,
    level: int,
    file: str,
    line: int,
    message: object,
    values: Any,  # noqa: ANN401, as logging has them
    error: tuple[Any, BaseException | None, Any] | None = None,
    function: str | None = None,
    stack: str | None = None,
) -> logging.LogRecord:
    """Make a record; where it tells of an error, that is all it says."""
    if error:
        message, values = told(error[1]), ()
    return logging.LogRecord(name, level, file, line, message, values, None, function, stack)


def _print(*_: object, **__: object) -> None:
    log.error("%s", told(sys.exc_info()[1]))
