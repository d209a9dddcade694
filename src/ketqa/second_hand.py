"""Does a sentence only report a study that somebody else made?

Such a claim can be checked in the study alone, and the corpus may not hold it. Rules over the
sentence's words, measured on sentences labelled by hand in tests/gold/second_hand.jsonl.
"""

import re

WORKS = r"stud(?:y|ies)|trials?|reviews?|surveys?|meta-analys[ie]s|research(?:ers)?|reports?"
PEOPLE = r"authors?|investigators|scientists"
PATIENTS = r"patients|participants|subjects|volunteers"
TELLS = (
    r"show|found|find|suggest|report|conclud|demonstrat|indicat|reveal|support|wrote|note|caution|"
    r"observ|experienc|reduc|cut|look|examin|compar|receiv|claim|mixed|describ|review|evaluat|"
    r"investigat|explor|highlight|titled"
)
REPORTS = re.compile(
    rf"""
    \bet\ al\b
    | \b(?:{WORKS}|{PEOPLE}|evidence|data)\b [^.;]{{0,60}} \b(?:{TELLS})\w*
    | \b(?:found|reported|published|concluded|observed|shown|demonstrated|according)\b
      [^.;]{{0,50}} \b(?:{WORKS}|{PEOPLE}|journal)\b
    | \b(?:{PATIENTS})\b [^.;]{{0,60}}
      \b(?:received|were\ (?:given|treated|randomi[sz]ed|asked|enrolled)|experienced|reported|had|
      who\ (?:received|responded))\b
    | \bthe\ (?:majority|average|mean|median|group|results?|findings|{WORKS}|{PEOPLE}|
      {PATIENTS})\b
    | \b(?:placebo|randomi[sz]ed|double-blind|retrospective(?:ly)?|chart\ review|pilot|cohort)\b
    | \(\d+(?:\.\d+)?\s?%\) | \b\d+(?:\.\d+)?\s?%\ of\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# The writer announces what comes, or points elsewhere.
ANNOUNCES = re.compile(r"\b(?:we will|we['’]ll|for (?:a|more)\b.{0,200}\bread)\b", re.IGNORECASE)


def is_second_hand(sentence: str) -> bool:
    """Tell whether a sentence passes on a study's finding, method or number."""
    return REPORTS.search(sentence) is not None and ANNOUNCES.search(sentence) is None
