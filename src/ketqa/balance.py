"""An answer on what a treatment does -> a quote on its harms or limits, if the corpus has one.

Word lists tell what speaks of benefit, and what of harm or of limits; the reader tells which of
the latter bears on the question. Nothing is counted, and nothing is said about which weighs more.
"""

import re

from ketqa.answer import gather_evidence
from ketqa.found import Found
from ketqa.index import READ_PASSAGES, Index
from ketqa.types import Answer, Evidence

# Questions on whether, how well and how long a treatment works, in the languages that are served.
TREATMENT = re.compile(
    r"\b(?:help|work|effect|efficac|reliev|relief|reduc|treat|benefit|improv|cure|success|better|"
    r"last|wear|promis|evidence|prove|worth|stud(?:y|ies)|infusion|trial|result|respon|"
    r"ayud|alivi|efica|funcion|trat|mejor|benefici|dur[aóo]|"
    r"hilf|helf|wirk|linder|behand|besser|nutz|dauer|hält|hielt|"
    r"aid|soulag|effica|march|trait|amélior|bénéfi|durée?)\w*",
    re.IGNORECASE,
)
BENEFIT = re.compile(
    r"\b(?:reliev\w+|relief|reduc\w+|effective\w*|efficacy|improv\w+|helps?\b|helped|benefi\w+|"
    r"promis\w+|success\w*|better|valuable|useful|hope\w*|decreas\w+|drop\w+)",
    re.IGNORECASE,
)
HARM = re.compile(
    r"\b(?:side effects?|adverse|risks?|harm\w*|nausea|vomit\w*|dizz\w+|hallucinat\w+|confusion|"
    r"dissociat(?:ion|ive effects)|psychoactive|complications?|bladder|kidney|abus\w+|addict\w*|"
    r"overdose|toxic\w*|danger\w*|unsafe|street drug)\b",
    re.IGNORECASE,
)
LIMIT = re.compile(
    r"\b(?:mixed|inconsisten\w+|not (?:yet )?(?:been )?(?:approved|ready)|not a first.line|"
    r"last resort|(?:further|more|additional) (?:\w+ )?(?:research|investigation|testing|studies)|"
    r"more (?:robust )?evidence|experimental|off.label|often not successful|increased again|"
    r"less pronounced|remains? to be|questions about|limited (?:\w+[ -]){0,2}(?:research|success|"
    r"evidence)|have limitations|while others did not|came back|not respond|did not help)\b",
    re.IGNORECASE,
)
# Harms that are named only to say that there were few.
REASSURING = re.compile(
    r"\b(?:minimal|few|no|without|mild) (?:\w+ )?(?:side|adverse) effects?", re.IGNORECASE
)
# A passage less close to the question than this does not bear on it: cosine, -1..1.
LEAST_COSINE = 0.35
# How many quotes are on the first screen without help.
FIRST = 2


def speaks_of_harm(text: str) -> bool:
    """Tell whether a text names a harm or a limit of a treatment, not only that it has few."""
    left = REASSURING.sub("", text)
    return HARM.search(left) is not None or LIMIT.search(left) is not None


def needs_balance(answer: Answer) -> bool:
    """Tell whether an answer speaks of a treatment's benefit."""
    first = answer.evidence[:FIRST]
    return TREATMENT.search(answer.query) is not None and any(
        BENEFIT.search(item.quote) and not HARM.search(item.quote) for item in first
    )


def balance(index: Index, found: Found, answer: Answer) -> Evidence | None:
    """Return a quote on harms or limits to show beside an answer that speaks of benefit.

    It may be one of the answer's own, from further down; None where the answer does not speak of
    benefit, where its first quotes say it already, or where the corpus has nothing that bears
    on the question.
    """
    if not needs_balance(answer):
        return None
    if any(speaks_of_harm(item.quote) for item in answer.evidence[:FIRST]):
        return None
    own = next((item for item in answer.evidence[FIRST:] if speaks_of_harm(item.quote)), None)
    return own or _from_corpus(index, found, answer)


def _from_corpus(index: Index, found: Found, answer: Answer) -> Evidence | None:
    asked = found.asked
    near = [hit for hit in index.retrieve(asked, READ_PASSAGES) if hit.dense >= LEAST_COSINE]
    readings = [
        reading
        for reading in index.read(asked)
        if speaks_of_harm(reading.sentence.text)
        and any(hit.passage.number == reading.sentence.passage for hit in near)
    ]
    quotes = gather_evidence(
        readings, index.store, asked.matches, k=len(answer.evidence) + 1, probability=lambda _: 0.0
    )
    shown = {(item.span.doc_id, item.span.start) for item in answer.evidence}
    return next(
        (quote for quote in quotes if (quote.span.doc_id, quote.span.start) not in shown), None
    )
