"""Bytes of a file -> its canonical text. One file a format; add a format here."""

from collections.abc import Callable

from ketqa.formats.text import read_text

READERS: dict[str, Callable[[bytes, str], str]] = {
    ".txt": read_text,
    ".md": read_text,
}
