"""The errors a person may meet.

KetqaError          show this text: it says what is wrong, where, and how to mend it
├── CorpusError     a document or sources.toml cannot be used
├── ModelError      an embedding model is missing, or is not the one it says it is
├── IndexMissing    there is no index in this folder
├── IndexMismatch   the index was built by something else than what opens it
├── IndexDamaged    a file of the index is not the one that was built
├── IndexBusy       another process is building in this folder
├── IndexUnwritable the disk is full, or the folder may not be written
├── EngineAway      a server that an index needs does not answer
├── QuestionError   this text cannot be asked
├── PageNotShown    a printed page of a document cannot be shown
└── GoldFileError   a file of gold questions cannot be used
"""

from typing import Literal


class KetqaError(Exception):
    """Show this text to the person; a traceback adds nothing to it."""


class CorpusError(KetqaError):
    """A document or ``sources.toml`` cannot be used as it is."""


class ModelError(KetqaError):
    """An embedding model is missing, or its weights are not the expected ones."""


class IndexMissing(KetqaError):
    """The folder holds no index."""


class IndexMismatch(KetqaError):
    """The index was built with another format or model than the one opening it."""


class IndexDamaged(KetqaError):
    """A file of the index differs from the one that was built, or is gone."""


class IndexBusy(KetqaError):
    """Another process is building in the same folder."""


class IndexUnwritable(KetqaError):
    """The disk is full, or the folder may not be written; what was there is as it was."""


class EngineAway(KetqaError):
    """The server that searches the index, or keeps its documents, does not answer; it may soon."""


class QuestionError(KetqaError):
    """The text asked is empty, too long, or not text."""


class PageNotShown(KetqaError):
    """A printed page cannot be shown: its file is gone or has changed, or cannot be drawn."""

    def __init__(self, reason: Literal["gone", "changed", "undrawn"], text: str) -> None:
        """Say which of the three it is, and what to tell."""
        super().__init__(text)
        self.reason = reason


class GoldFileError(KetqaError):
    """A file of gold questions is not of the form, or no longer fits the corpus."""
