"""Text from documents, made harmless in each form without changing what is read."""

import re

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LINE_BREAKS = re.compile(r"\r\n|[\n\r\t\u2028\u2029]")
LATEX = {
    "\\": r"\textbackslash{}",
    # BibTeX counts braces even where LaTeX has them escaped, so they go by their names
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\N{NO-BREAK SPACE}": "~",
} | {character: f"\\{character}" for character in "$&#_%"}
# Two of these make one sign: --, '', ``, ,,, ?` and !`.
LIGATURES = re.compile(r"(?<=[-'`,?!])(?=[-'`,])")
INLINE_MARKDOWN = re.compile(r"([\\`*_\[\]<>&~|$^@]|:(?=//))")
# What begins a heading, a list, a rule or a table at the beginning of a line.
BLOCK_MARKDOWN = re.compile(r"^(\d*)([#+=:.)-])", re.MULTILINE)
# Blanks that a reader of Markdown takes off: at the ends of a line, and empty lines. It is looked
# along each run of them once, from where it begins.
LOOSE_BLANKS = re.compile(r"(?:^\s+|(?<!\s)\s+$|(?<![^\S\n])[^\S\n]+(?=\n)|(?<=\n)\s+|\r)")
# A spreadsheet runs a cell that begins so, the wide forms too, as a formula.
FORMULA = re.compile(r"[\s']*[=+\-@\t\r\n＝＋－＠]")
UNFIT_FOR_ADDRESSES = re.compile(r"[\s\\{}\"<>^`|\x00-\x1f\x7f]")


def tame(text: str) -> str:
    """Return a text with U+FFFD for each control character but tab and line breaks."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    """Return a text without control characters, a blank for each line break or tab."""
    return LINE_BREAKS.sub(" ", tame(text))


def latex(text: str) -> str:
    """Return what LaTeX sets as this text, in one line."""
    escaped = "".join(LATEX.get(character, character) for character in one_line(text))
    return re.sub("(?<= ) ", r"\\ ", LIGATURES.sub("{}", escaped)) + "{}" * escaped.endswith(" ")


def markdown(text: str) -> str:
    """Return Markdown that reads as this text, line for line."""
    escaped = INLINE_MARKDOWN.sub(r"\\\1", tame(text))
    lines = LOOSE_BLANKS.sub(lambda m: "".join(f"&#{ord(c)};" for c in m[0]), escaped)
    return BLOCK_MARKDOWN.sub(r"\1\\\2", lines)


def cell(text: str) -> str:
    """Return a cell that no spreadsheet runs: with ' before it where one might."""
    return f"'{text}" if FORMULA.match(text) else text


def address(url: str) -> str:
    """Return a URL with what no URL may hold in per cent signs."""
    return UNFIT_FOR_ADDRESSES.sub(lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), url)
