"""A text -> its language, and how sure that is. The only file that knows py3langid."""

from collections.abc import Collection
from functools import cache
from typing import Any


def identify(text: str, among: Collection[str] = ()) -> tuple[str, float]:
    """Return the language of a text, ISO 639-1, and its probability, 0..1.

    Args:
        text: A sentence or a few words.
        among: The languages that it may be in; any where none is given.
    """
    language, probability = _identifier(frozenset(among)).classify(text)
    return str(language), float(probability)


@cache
def _identifier(among: frozenset[str]) -> Any:  # noqa: ANN401, the library has no types
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if among:
        identifier.set_languages(sorted(among))
    return identifier
