"""A message -> emergency, advice or neither.

A logistic regression over the message's letters and words, so that slang, misspellings and five
other languages are met, and over its encoding, so that danger is met in other words too;
training/notices.py makes its weights from messages written for it. The red flags in
``SIGNS`` are rules, and stand whatever the weights say. This was not reviewed by clinicians.
"""

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ketqa.shipped import read_shipped

Kind = Literal["emergency", "advice"]
KINDS: tuple[Kind | None, ...] = (None, "advice", "emergency")
# Above these probabilities a notice is given: an emergency missed is far worse than one too many.
LEAST = {"emergency": 0.3, "advice": 0.4}
BUCKETS = 1 << 15
# How long the letters' values and the words' are, beside an encoding of length 1.
LENGTH = 2.0
# The model whose encodings the weights know, by its fingerprint; models adapted from it count.
FAMILY = "b5c9b60c7a7a67a1c51b7aa526b044c25f8eb0219f85693f147a3b27adf45980"

Floats = NDArray[np.floating]

# Red flags in words that hardly ever mean anything else, in folded text: a person who cannot be
# woken or does not breathe, blue lips, means at hand to end a life. After the warning signs that
# the NHS and the American Heart Association name for overdose, stroke and collapse.
SIGNS = re.compile(
    r"\b(?:"
    r"(?:he|she|they|mum|mom|dad|son|daughter|mate|friend|wife|husband|boyfriend|girlfriend|"
    r"partner|brother|sister|baby|kid|child)s?(?: is| are)? not (?:breathing|waking)"
    r"|(?:wont|cant|cannot|can not|doesnt|isnt|not) (?:wake|waking)(?: (?:him|her|them|up))+"
    r"|lips? (?:\w+ ){0,3}blue|turning blue"
    r"|(?:kill|killing) myself|end(?:ing)? my (?:own )?life|want to die"
    r"|dont want to be here any ?more|(?:im|i) (?:am )?(?:having|taking|took) an overdose"
    r"|mich um(?:zu)?bringen|will nicht mehr leben|will sterben|atmet nicht"
    r"|wacht nicht(?: mehr)? auf"
    r"|quiero morir(?:me)?|matarme|suicidarme|quitarme la vida|no respira|no (?:se )?despierta"
    r"|veux (?:mourir|en finir)|me (?:tuer|suicider)|ne (?:respire|se reveille) (?:plus|pas)"
    r"|quero morrer|me matar|nao respira|nao (?:ta respirando|acorda)"
    r"|voglio morire|ammazzarmi|uccidermi|farla finita|non respira|non si sveglia"
    r")\b"
)
# ... unless somebody only writes about it.
ABOUT = re.compile(
    r"\b(?:stud(?:y|ies|ied)|trials?|research|paper|articles?|essay|novel|story|film|book|character|"
    r"homework|thesis|lecture|participants|patients|estudios?|etudes?|studie|studien|studio|studi|"
    r"articulo|artigo|articolo|artikel|patienten|pacientes|pazienti)\b"
)


def classify(message: str, row: Floats | None = None) -> Kind | None:
    """Return the kind of notice that a message needs, if any.

    Args:
        message: In the person's own words.
        row: Its encoding by a model of ``FAMILY``, (384,); without it more is missed.
    """
    folded = fold(message)
    if SIGNS.search(folded) and not ABOUT.search(folded):
        return "emergency"
    _, advice, emergency = probabilities(folded, row)
    if emergency >= max(LEAST["emergency"], advice):
        return "emergency"
    return "advice" if advice >= LEAST["advice"] else None


def fold(message: str) -> str:
    """Return a message in lower case, without accents and apostrophes."""
    plain = unicodedata.normalize("NFKD", message.casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", re.sub(r"['’‘`]", "", letters)).strip()


def probabilities(folded: str, row: Floats | None = None) -> Floats:
    """Return the probabilities of neither, advice and emergency, (3,)."""
    weights, bias = _weights("runs" if row is None else "rows")
    buckets, values = features(folded)
    logits = weights[:, buckets] @ values + bias
    if row is not None:
        logits += weights[:, 2 * BUCKETS :] @ row
    odds = np.exp(logits - logits.max())
    chance: Floats = odds / odds.sum()
    return chance


def features(folded: str) -> tuple[NDArray[np.int64], Floats]:
    """Return a folded message's hashed runs of letters and of words, as (buckets, values).

    The two kinds take half of the 2 * BUCKETS buckets each, and the values of each are of
    length ``LENGTH``. Hashing after Weinberger et al. (ICML 2009), without their signs.
    """
    runs = Counter(zlib.crc32(run.encode()) % BUCKETS for run in _letter_runs(folded.split()))
    spans = Counter(
        BUCKETS + zlib.crc32(run.encode()) % BUCKETS
        for run in _word_runs(re.findall(r"\w+", folded))
    )
    values = [
        LENGTH * count / math.sqrt(sum(other * other for other in half.values()))
        for half in (runs, spans)
        for count in half.values()
    ]
    return np.array([*runs, *spans], dtype=np.int64), np.array(values)


def _letter_runs(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        edged = f" {word} "
        for size in range(2, 6):
            yield from (edged[low : low + size] for low in range(len(edged) - size + 1))


def _word_runs(words: Sequence[str]) -> Iterator[str]:
    for size in range(1, 4):
        yield from (" ".join(words[low : low + size]) for low in range(len(words) - size + 1))


@cache
def _weights(kind: Literal["runs", "rows"]) -> tuple[Floats, Floats]:
    with np.load(BytesIO(read_shipped("weights/notices.npz"))) as stored:
        weights, bias = stored[kind], stored[f"{kind}_bias"]
        return weights.astype(np.float32), bias.astype(np.float64)
