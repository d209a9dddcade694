"""Bytes of a file -> the documents in it. One file a format; add a format here and in sniff.py."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from ketqa.errors import CorpusError
from ketqa.formats.content import MOST_CHARACTERS, WORD, Content
from ketqa.formats.jsonl import read_jsonl

Read = Callable[[bytes, str], Content]
# The function of each form; its module is loaded when the first such file comes.
READERS = {
    "text": "ketqa.formats.text:read_text",
    "markdown": "ketqa.formats.markdown:read_markdown",
    "html": "ketqa.formats.html:read_html",
    "pdf": "ketqa.formats.pdf:read_pdf",
    "docx": "ketqa.formats.docx:read_docx",
    "jats": "ketqa.formats.jats:read_jats",
}
MIB = 1 << 20
# The largest file of each form, in bytes: generous for a book, too little to fill a machine.
MOST_BYTES = {
    "text": 64 * MIB,
    "markdown": 16 * MIB,
    "html": 16 * MIB,
    "pdf": 512 * MIB,
    "docx": 128 * MIB,
    "jats": 64 * MIB,
    "jsonl": 1024 * MIB,
}


def read_content(data: bytes, file: str, form: str) -> tuple[list[Content], list[str]]:
    """Read the documents of a file.

    Args:
        data: Its bytes.
        file: Its name, for messages.
        form: What ``sniff`` says it is.

    Returns:
        The documents, and what could not be read of a file that holds several.

    Raises:
        CorpusError: None can be read; the text names the file, the reason and the cure.
    """
    if form == "jsonl":
        return read_jsonl(data, file)
    module, name = READERS[form].split(":")
    try:
        read = cast("Read", getattr(import_module(module), name))
        content = read(data, file)
    except ModuleNotFoundError as error:
        raise CorpusError(
            f"{file}: reading it needs {error.name}; install it with: pip install 'ketqa[formats]'"
        ) from None
    if not WORD.search(content.text):
        raise CorpusError(f"{file}: holds no words")
    if len(content.text) > MOST_CHARACTERS:
        raise CorpusError(
            f"{file}: holds {len(content.text):,} characters, at most {MOST_CHARACTERS:,} are "
            "read; split it"
        )
    return [content], []
