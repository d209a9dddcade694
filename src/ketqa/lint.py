"""A corpus folder -> what its curator should look at, each with its file and the cure.

Nothing here is an error: such documents can be asked. But a text that is there twice fills an
answer's places, a missing date hides that it is old, and letters that were decoded wrongly are
quoted as they stand.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ketqa.corpus import STATED, survey
from ketqa.errors import CorpusError
from ketqa.files import Skipped
from ketqa.formats.content import WORD, Content
from ketqa.types import Document

if TYPE_CHECKING:
    from datasketch import MinHash

Kind = Literal["unreadable", "tiny", "undated", "letters", "aside", "contradiction", "duplicate"]

# Fewer are a stub, or the page did not load when it was saved.
TINY_WORDS = 30
# Texts that share so many of their runs of five words are one text in two versions.
NEAR = 0.8
RUN = 5
# 128 hashes tell the share to within a few hundredths (Broder, 1997).
HASHES = 128
# More than this share set aside may be the article itself.
MUCH_ASIDE = 0.5
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: where, and in words what and how to mend it."""

    kind: Kind
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Read:
    """A document, what was read of its file, and its words."""

    document: Document
    content: Content
    words: tuple[str, ...]

    @property
    def file(self) -> str:
        """Return the document's id."""
        return self.document.source.id


def lint_corpus(folder: Path) -> list[Finding]:
    """Return what there is to look at in a folder, in the order of its files.

    Raises:
        CorpusError: Something is wrong with ``sources.toml``, or a library is not installed.
    """
    findings: list[Finding] = []
    found: list[Read] = []
    for item in survey(folder):
        if isinstance(item, Skipped):
            findings.append(Finding("unreadable", item.file, item.reason))
            continue
        document, content = item
        words = tuple(WORD.findall(content.text.casefold()))
        found.append(Read(document, content, words))
    checks: Sequence[Callable[[Read], Iterator[Finding]]] = (
        _tiny,
        _undated,
        _letters,
        _much_aside,
        _contradicts_itself,
    )
    findings += [finding for read in found for check in checks for finding in check(read)]
    findings += _duplicates(found)
    findings += _same_address(found)
    return sorted(findings, key=lambda finding: finding.file)


def _tiny(read: Read) -> Iterator[Finding]:
    if len(read.words) < TINY_WORDS:
        text = f"holds {len(read.words)} words only; is it whole?"
        yield Finding("tiny", read.file, text)


def _undated(read: Read) -> Iterator[Finding]:
    published = read.document.source.published
    if published is None:
        text = "no date is known; say in sources.toml when it was published, if it says so"
        yield Finding("undated", read.file, text)
    elif published > date.today().isoformat():
        yield Finding("contradiction", read.file, f"is dated {published}, which is to come")


def _letters(read: Read) -> Iterator[Finding]:
    """Tell what was mended in reading, and what looks as if it had been decoded wrongly."""
    for note in read.content.notes:
        yield Finding("letters", read.file, note)
    try:
        from ftfy import fix_encoding
        from ftfy.badness import BADNESS_RE
    except ModuleNotFoundError as error:
        raise CorpusError(
            f"looking for wrong letters needs {error.name}; pip install 'ketqa[formats]'"
        ) from None
    text = read.document.text
    for odd in BADNESS_RE.finditer(text):
        around = " ".join(text[max(0, odd.start() - 10) : odd.start() + SHOWN].split())
        # signs like "††" are odd, but only what can be put right was decoded wrongly
        mended = fix_encoding(around)
        if mended != around:
            yield Finding(
                "letters",
                read.file,
                f"looks decoded wrongly at character {odd.start()}: “{around}” for “{mended}”; get "
                "it again, or save it as UTF-8 from a program that shows it rightly",
            )
            return


def _much_aside(read: Read) -> Iterator[Finding]:
    aside = len(WORD.findall(read.content.aside))
    if aside > MUCH_ASIDE * (aside + len(read.words)):
        yield Finding(
            "aside",
            read.file,
            f"{aside:,} words were set aside and {len(read.words):,} kept; look at them with: "
            f"ketqa corpus show {read.file}",
        )


def _contradicts_itself(read: Read) -> Iterator[Finding]:
    """Compare what sources.toml says that the document says with what it does say."""
    source = read.document.source
    for name in STATED:
        said, stands = getattr(source, name), read.content.found.get(name)
        if stands and said != stands and source.said_by.get(name) == "document":
            text = f"sources.toml says that its {name} is {said!r}, the document says {stands!r}"
            yield Finding("contradiction", read.file, text)


def _same_address(found: Sequence[Read]) -> Iterator[Finding]:
    """Name documents of one address that differ in what they say of themselves."""
    first: dict[str, Read] = {}
    for read in found:
        url = read.document.source.url
        if url is None:
            continue
        other = first.setdefault(url, read)
        for name in ("title", "published", "author"):
            mine, others = getattr(read.document.source, name), getattr(other.document.source, name)
            if mine != others:
                text = (
                    f"has the address of {other.file}, but the {name} {mine!r} and not {others!r}"
                )
                yield Finding("contradiction", read.file, text)


def _duplicates(found: Sequence[Read]) -> Iterator[Finding]:
    """Name documents whose words are those of an earlier one, all or nearly all."""
    first: dict[str, Read] = {}
    for read in found:
        words = hashlib.sha256(" ".join(read.words).encode()).hexdigest()
        twin = first.setdefault(words, read)
        if twin is not read:
            text = f"has the same words as {twin.file}; take one of them out"
            yield Finding("duplicate", read.file, text)
    yield from _near_duplicates(list(first.values()))


def _near_duplicates(found: Sequence[Read]) -> Iterator[Finding]:
    try:
        from datasketch import MinHashLSH
    except ModuleNotFoundError as error:
        raise CorpusError(
            f"looking for duplicates needs {error.name}; pip install 'ketqa[formats]'"
        ) from None
    hashes = {read.file: _hashes(read.words) for read in found if len(read.words) >= RUN}
    seen = MinHashLSH(threshold=NEAR, num_perm=HASHES)
    for file, own in hashes.items():
        for other in sorted(seen.query(own)):
            share = own.jaccard(hashes[other])
            if share >= NEAR:
                text = f"shares about {share:.0%} of its words with {other}; is one of them enough?"
                yield Finding("duplicate", file, text)
        seen.insert(file, own)


def _hashes(words: Sequence[str]) -> "MinHash":
    from datasketch import MinHash

    runs = {" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}
    made = MinHash(num_perm=HASHES, seed=1)
    made.update_batch([run.encode() for run in sorted(runs)])
    return made
