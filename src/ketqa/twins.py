"""Which texts say the same words, whatever their case, quotation marks and full stops."""

import hashlib
import re
import unicodedata

from ketqa.hyphens import join_broken

NOT_A_WORD = re.compile(r"[\W_]+")


def twin_key(text: str) -> str:
    """Return the same 32 hexadecimal digits for texts of the same words in the same order."""
    folded = unicodedata.normalize("NFKC", join_broken(text)).casefold()
    words = NOT_A_WORD.sub(" ", re.sub(r"['’‘]", "", folded)).strip()
    return hashlib.sha256(words.encode()).hexdigest()[:32]
