"""What the bytes of each fuzzed target look like where nothing is wrong with them."""

import json
import zipfile
from functools import cache
from io import BytesIO

from conftest import FOUR_DOCUMENTS
from fuzzing import SENTENCE, folder, index, word_file
from ketqa.manifest import MANIFEST, current_build
from made_files import ARTICLE, PAGE, make_pdf

AT = FOUR_DOCUMENTS["cost.txt"].index(SENTENCE)
LINE = {
    "file": "cost.txt", "start": AT, "end": AT + len(SENTENCE), "quote": SENTENCE,
    "questions": ["Who pays?"], "language": "en",
}  # fmt: skip
GOLD = {
    "id": "1", "question": "Who pays?", "history": [], "expect": "evidence", "notice": "none",
    "gold": [{"source": "cost.txt", "quote": SENTENCE, "grade": 2}], "tags": ["factoid"],
}  # fmt: skip
SOURCES = f"""[[source]]
file = "cost.txt"
sha256 = "{"0" * 64}"
title = "The cost"
published = 2016-11-22
url = "https://x.org"
said_by = {{ title = "curator" }}
"""
LEXICON = """[[abbreviation]]
short = "K"
long = "ketamine"
near = ["dose"]
cased = true
[lay]
"fizzy head" = "paraesthesia"
"""
SEEDS: dict[str, list[str]] = {
    "text": list(FOUR_DOCUMENTS.values()),
    "markdown": ["---\ntitle: A\n---\n# Dose\n\nThe dose *fell*.\n\nCost\n====\n- It rose.\n"],
    "html": [PAGE],
    "jats": [ARTICLE],
    "jsonl": ['{"_id": "7", "title": "A", "text": "A\\nPain fell.", "metadata": {"url": "u"}}\n'],
    "sniff": [PAGE, ARTICLE, "%PDF-1.4"],
    "sources": [SOURCES],
    "questions": [json.dumps(LINE)],
    "unanswered": ['{"question": "Is it legal?", "why": "law", "kind": "near", "language": "en"}'],
    "gold": [json.dumps(GOLD)],
    "lexicon": [LEXICON],
    "adapter": ['{"base": "a", "base_sha256": "b", "documents": ["c"], "tensors_sha256": "d"}'],
    "ask": ["What was the dose?", "Did the pain come back?\nand how long?", "he won't wake up"],
    "verify": [SENTENCE, "dose was 0.5 mg"],
    "export": [SENTENCE],
    "api": ['\0{"question": "What was the dose?", "k": 3, "history": ["a dose?"]}'],
    "page": [
        "\x02cost.txt?start=0&end=9", "\x04cost.txt?start=0&end=9&side=after",
        "\x03cost.txt?start=0&end=9&also=10-12&lang=de", "\x07q=dose%3F&lang=fr",
        "\x08csl?q=dose%3F&x=pain&part=1",
    ],
}  # fmt: skip


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return a few inputs to begin with."""
    return tuple(seed.encode() for seed in SEEDS.get(target, ())) + _made(target)


def _made(target: str) -> tuple[bytes, ...]:
    """Return the inputs that take some making."""
    if target == "pdf":
        return (make_pdf(),)
    if target == "docx":
        return (word_file(), zipfile.ZipFile(BytesIO(word_file())).read("word/document.xml"))
    if target == "api":
        return (b"\xf0What was the dose?", b"\xffa dose?", b"\xff" + SENTENCE.encode())
    if target == "manifest":
        index()
        return ((current_build(folder().parent / "index") / MANIFEST).read_bytes(),)
    if target == "answer":
        answer = index().ask("What was the dose?", min_confidence=0)
        return (json.dumps(answer.to_dict()).encode(),)
    return ()
