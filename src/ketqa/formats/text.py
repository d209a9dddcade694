"""Plain text and Markdown: UTF-8 bytes -> text, with nothing changed.

A byte order mark stays in the text as its first character, so that the offsets are the
same for everyone who decodes the file as UTF-8.
"""

import codecs

from ketqa.errors import CorpusError
from ketqa.formats.content import Content

OTHER_ENCODINGS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_text(data: bytes, file: str) -> Content:
    """Read a plain text.

    Raises:
        CorpusError: See ``decode``.
    """
    return Content(decode(data, file))


def decode(data: bytes, file: str) -> str:
    """Decode UTF-8.

    Raises:
        CorpusError: Another encoding, an undecodable byte, or binary content; the text
            names the file and the byte offset.
    """
    for mark, encoding in OTHER_ENCODINGS.items():
        if data.startswith(mark):
            raise CorpusError(f"{file}: byte 0: this is {encoding}; save the file as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{file}: byte {error.start}: 0x{data[error.start]:02x} is not UTF-8 "
            f"({error.reason}); save the file as UTF-8"
        ) from None
    nul = data.find(b"\0")
    if nul >= 0:
        raise CorpusError(f"{file}: byte {nul}: a zero byte; this is no text file, take it out")
    return text
