"""Ask a question, get the exact sentences that answer it, each with its source."""

from ketqa.errors import KetqaError
from ketqa.types import Answer, Evidence, Hit, Source, Span

__all__ = ["Answer", "Evidence", "Hit", "Index", "KetqaError", "Source", "Span"]


def __getattr__(name: str) -> object:
    """Load the index on first use: its libraries take a while."""
    if name == "Index":
        from ketqa.index import Index

        return Index
    raise AttributeError(f"module 'ketqa' has no attribute {name!r}")
