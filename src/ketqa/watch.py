"""A folder -> a sign each time something in it changed. The only file that knows watchfiles."""

from collections.abc import Iterator
from pathlib import Path

from ketqa.errors import CorpusError

# Milliseconds: how long changes are gathered, and how soon the watch is known to be on.
GATHERED, BEGUN = 1600, 500


def watch(folder: Path, ignore: Path) -> Iterator[None]:
    """Yield once when the watch has begun, then after each run of changes, for ever.

    What changes while the caller is busy is told as soon as it asks again.

    Args:
        folder: What is watched, with its folders; hidden files are not.
        ignore: A folder, perhaps within, that is not watched: the index.

    Raises:
        CorpusError: There is no such folder.
    """
    from watchfiles import Change
    from watchfiles import watch as changes

    root, left_out = folder.resolve(), ignore.resolve()
    if not root.is_dir():
        raise CorpusError(f"{folder}: no such folder; give the documents' folder with --corpus")

    def counts(_: Change, file: str) -> bool:
        path = Path(file)
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        return not hidden and not path.is_relative_to(left_out)

    told = changes(
        root,
        watch_filter=counts,
        debounce=GATHERED,
        rust_timeout=BEGUN,
        yield_on_timeout=True,
    )
    begun = False
    for found in told:
        if found or not begun:
            begun = True
            yield
