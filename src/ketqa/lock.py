"""A folder -> a time in which nobody else builds in it. The only file with a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ketqa.errors import IndexBusy, IndexUnwritable

LOCK = ".lock"


@contextmanager
def building(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Have a folder, made where it does not exist, to oneself, to build in it.

    Args:
        folder: Of the index.
        wait: Wait until nobody else has it.

    Raises:
        IndexBusy: Another process is building here.
        IndexUnwritable: The disk is full, or the folder may not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=-1 if wait else 0):
            yield
    except Timeout:
        raise IndexBusy(f"{folder}: another process is building here; wait for it") from None
    except BrokenPipeError:  # nobody reads what is told of the progress
        raise
    except OSError as error:
        raise IndexUnwritable(
            f"{folder}: cannot be written ({error}); what was built before is as it was: make "
            "room, or see that the folder may be written, and run this again"
        ) from None
