"""Document -> sentences -> passages, each a slice of the document's own text.

Paragraphs come from the lines, sentences from sentencex, passages from langchain's
splitter, which is given sentence numbers instead of text: so every boundary is a
sentence boundary, and every place is our own offset. Nothing here rewrites text.
"""

import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

import sentencex

from ketqa.fold import INVISIBLE
from ketqa.types import Layout, SentenceKind

PLAIN = Layout()
# A line longer than this was not wrapped by hand: in such a block every line is a paragraph.
WRAP_WIDTH = 120
# Headings are short: the longest in the shipped corpus has 12 words.
HEADING_WORDS = 15
# Without a full stop, so few words make a label, not a statement ("Enter your info below…").
LABEL_WORDS = 5
# Lines are wrapped at 60 characters or more; shorter ones were ended on purpose.
SHORTEST_WRAP = 60
# Words up to this length ("for", "the") stay small in a title.
SMALL_WORD = 3

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
# What stands before the first word of a line but is no part of the sentence: markers of
# headings, quotations and lists, white space, byte order marks, zero-width spaces.
LEAD = re.compile(rf"(?:[\s{INVISIBLE}]|#{{1,6}}(?=\s)|>|[-*+•·▪◦–—](?=\s))*")
TRAIL = INVISIBLE + "".join(filter(str.isspace, map(chr, range(0x3001))))
LIST_ITEM = re.compile(r"\s*(?:[-*+•·▪◦]|\d{1,3}[.)])\s")
MARKDOWN_HEADING = re.compile(rf"[{INVISIBLE}]*#{{1,6}}[^\S\r\n]+\S")
MARKDOWN_RULE = re.compile(r"\s*(?:[-=_*]\s*){3,}\Z")
CLOSING = "\"'”’»)]*_"
FULL_STOP = re.compile(rf"[.!?…。！？][{re.escape(CLOSING)}]*\Z")
QUESTION_MARK = re.compile(rf"[?？][{re.escape(CLOSING)}]*\Z")
ELLIPSIS = re.compile(rf"(?:…|\.\.\.)[{re.escape(CLOSING)}]*\Z")
WORD = re.compile(r"\w[\w'’-]*")
# sentencex ends a sentence after these although the same sentence goes on.
UNFINISHED = re.compile(r"\b(?:et al|cf|vs|approx|e\.g|i\.e|Fig|No)\.\s*\Z")
# "…dysfunction.Intractable": a full stop between a word and a capital with no blank.
RUN_ON = re.compile(r"(?<=[a-z]{2}[.!?])(?=[A-Z][a-z])")

# A heading pasted into running text ends before a capital, and is no longer than this.
CAPITAL = re.compile(r"(?<!\s)\s++(?=[A-Z])")
LONGEST_HEADING = 300
# So many letters before a cut tell whether the sentence goes on.
LOOK_BACK = 40

# Between the numbers handed to langchain's splitter, weakest boundary last.
SECTION, PARAGRAPH, SENTENCE = "\x1c", "\x1d", "\x1e"


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence before it is numbered: its place, its kind, and the paragraph it is in."""

    start: int
    end: int
    kind: SentenceKind
    paragraph: int


def split_sentences(text: str, language: str = "en", layout: Layout = PLAIN) -> list[Piece]:
    """Cut a text into sentences, in order, never overlapping.

    Args:
        text: The document's canonical text.
        language: ISO 639-1 code, for the abbreviations that sentencex knows.
        layout: Which places the document itself marks as headings, and how its lines end.

    Returns:
        Every stretch of the text that holds a letter or digit, outer white space and
        line markers left out.
    """
    paragraphs = list(_between(text, layout))
    named = {text[low:high] for low, high, heading in paragraphs if heading}
    pieces: list[Piece] = []
    for number, (start, end, heading) in enumerate(paragraphs):
        if heading:
            pieces.append(Piece(start, end, "heading", number))
            continue
        for low, high in _sentences(text, start, end, language, named):
            pieces.append(Piece(low, high, _kind(text[low:high], named), number))
    return pieces


def pack_passages(
    pieces: Sequence[Piece], sizes: Sequence[int], budget: int
) -> list[tuple[int, int]]:
    """Group neighbouring sentences so that each group stays within a token budget.

    Args:
        pieces: The sentences of one document, in order.
        sizes: Tokens of each sentence.
        budget: The most tokens in one passage; a single longer sentence stands alone.

    Returns:
        Half-open ranges of indices into ``pieces`` that cover all of them, in order.
    """
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    if not pieces:
        return []
    splitter = RecursiveCharacterTextSplitter(
        separators=[SECTION, PARAGRAPH, SENTENCE],
        chunk_size=budget,
        chunk_overlap=0,
        length_function=_size_of(sizes),
    )
    outline = "".join(_outline(pieces))
    ranges: list[tuple[int, int]] = []
    for chunk in splitter.split_text(outline):
        numbers = re.findall(r"\d+", chunk)
        ranges.append((int(numbers[0]), int(numbers[-1]) + 1))
    return ranges


def _size_of(sizes: Sequence[int]) -> Callable[[str], int]:
    return lambda outline: sum(sizes[int(number)] for number in re.findall(r"\d+", outline))


def _outline(pieces: Sequence[Piece]) -> Iterator[str]:
    """Write the sentences as their numbers, with the boundary that follows each."""
    for number, piece in enumerate(pieces):
        after = pieces[number + 1] if number + 1 < len(pieces) else None
        if after is None:
            yield str(number)
        elif after.kind == "heading" and piece.kind != "heading":
            yield f"{number}{SECTION}"
        elif after.paragraph != piece.paragraph and piece.kind != "heading":
            yield f"{number}{PARAGRAPH}"
        else:
            yield f"{number}{SENTENCE}"


def _between(text: str, layout: Layout) -> Iterator[tuple[int, int, bool]]:
    """Yield the marked headings, and the paragraphs of the text between them."""
    done = 0
    for start, end in layout.headings:
        yield from _paragraphs(text, done, start, wrapped=layout.wrapped)
        low, high = _trim(text, start, end)
        if low < high:
            yield low, high, True
        done = end
    yield from _paragraphs(text, done, len(text), wrapped=layout.wrapped)


def _paragraphs(
    text: str, start: int, end: int, *, wrapped: bool
) -> Iterator[tuple[int, int, bool]]:
    """Yield the trimmed places of paragraphs and list items, and whether each is a heading."""
    for block in _blocks(text, start, end):
        joined = wrapped or max(high - low for low, high in block) <= WRAP_WIDTH
        for first, last in _join_wrapped(text, block) if joined else block:
            low, high = _trim(text, first, last)
            if low < high:
                marked = MARKDOWN_HEADING.match(text, first) is not None
                yield low, high, marked or _is_heading(text[low:high])


def _blocks(text: str, start: int, end: int) -> Iterator[list[tuple[int, int]]]:
    """Yield runs of lines between blank lines."""
    block: list[tuple[int, int]] = []
    for match in LINE.finditer(text, start, end):
        line = match.group()
        if line.strip() and not MARKDOWN_RULE.match(line):
            block.append(match.span())
        elif block:
            yield block
            block = []
    if block:
        yield block


def _join_wrapped(text: str, block: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join the lines of one wrapped paragraph; a heading or a list item stands alone."""
    width = max(end - start for start, end in block)
    start, end = block[0]
    last = start
    for low, high in block[1:]:
        last_line, following = text[last:end].rstrip(), text[low:high]
        if (
            LIST_ITEM.match(following)
            or MARKDOWN_HEADING.match(following)
            or MARKDOWN_HEADING.match(last_line)
            or _ends_short(last_line, following, width)
        ):
            yield start, end
            start = low
        last, end = low, high
    yield start, end


def _ends_short(line: str, following: str, width: int) -> bool:
    """Tell a heading above a wrapped paragraph: too short to have been wrapped there."""
    return (
        width > SHORTEST_WRAP
        and len(line) < 0.6 * width
        and not FULL_STOP.search(line)
        and following.lstrip()[:1].isupper()
    )


def _sentences(
    text: str, start: int, end: int, language: str, headings: Set[str]
) -> Iterator[tuple[int, int]]:
    """Yield the trimmed places of the sentences of one paragraph."""
    low = start
    for cut in _cuts(text[start:end], language, headings):
        trimmed = _trim(text, low, start + cut)
        if trimmed[0] < trimmed[1]:
            yield trimmed
        low = start + cut


def _cuts(paragraph: str, language: str, headings: Set[str]) -> list[int]:
    """Return the offsets at which a sentence ends, the paragraph's own end last."""
    cuts: list[int] = []
    offset = 0
    for piece in sentencex.segment(language, paragraph):
        before = paragraph[max(0, offset - LOOK_BACK) : offset]
        if cuts and UNFINISHED.search(before) and not piece[:1].isupper():
            cuts.pop()
        cuts += [offset + match.start() for match in RUN_ON.finditer(piece)]
        cuts += _after_heading(piece, offset, headings)
        offset += len(piece)
        cuts.append(offset)
    if offset != len(paragraph):
        raise AssertionError("sentencex lost text: its pieces must join to the paragraph")
    return sorted(set(cuts))


def _after_heading(sentence: str, offset: int, headings: Set[str]) -> list[int]:
    """Cut after a heading of the same document that was pasted into running text."""
    for gap in CAPITAL.finditer(sentence[:LONGEST_HEADING]):
        if sentence[: gap.start()] in headings:
            return [offset + gap.start()]
    return []


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out white space and line markers at the ends; empty where no word is left."""
    body = LEAD.sub("", text[start:end], count=1)
    low = end - len(body)
    return (low, low + len(body.rstrip(TRAIL))) if WORD.search(body) else (low, low)


def _is_heading(line: str) -> bool:
    """Tell a heading, a menu entry or a form label from a sentence."""
    words = WORD.findall(line)
    if FULL_STOP.search(line) and not (ELLIPSIS.search(line) or QUESTION_MARK.search(line)):
        return False
    if len(words) <= LABEL_WORDS:
        return True
    telling = [word for word in words if len(word) > SMALL_WORD or word.isupper()]
    capitals = sum(word[0].isupper() or word[0].isdigit() for word in telling)
    one_line = "\n" not in line and "\r" not in line
    return one_line and len(words) <= HEADING_WORDS and capitals >= 0.6 * len(telling)


def _kind(sentence: str, headings: Set[str]) -> SentenceKind:
    if sentence in headings:
        return "heading"
    return "question" if QUESTION_MARK.search(sentence) else "prose"
