"""A Haystack component: each document it returns is one quote, its meta the quote's JSON."""

from typing import Any

from haystack import Document, component, default_to_dict

from ketqa.index import Index
from ketqa.integrations.quoted import quote_id, quotes_of


@component
class KetqaRetriever:
    """Quotes that answer a question, best first; none where nothing answers it."""

    def __init__(self, index: str = "index", k: int = 5, related: bool = False) -> None:
        """Retrieve from an index, which is opened when the component is first warmed up or run.

        Args:
            index: The index's folder.
            k: The most quotes.
            related: Whether to return what lies nearest where nothing answers
                (``meta["status"]`` is "related" then).
        """
        self.index, self.k, self.related = index, k, related
        self._opened: Index | None = None

    def warm_up(self) -> Index:
        """Open the index, and return it."""
        if self._opened is None:
            self._opened = Index.open(self.index)
        return self._opened

    def to_dict(self) -> dict[str, Any]:
        """Return what a pipeline's file keeps of this component."""
        return default_to_dict(self, index=self.index, k=self.k, related=self.related)

    @component.output_types(documents=list[Document])
    def run(self, query: str, k: int | None = None) -> dict[str, list[Document]]:
        """Return the quotes for a question, at most ``k``, or as many as set where it is None."""
        answer = self.warm_up().ask(query, k=k or self.k)
        return {
            "documents": [
                Document(id=quote_id(item), content=item.quote, meta=about, score=item.confidence)
                for item, about in quotes_of(answer, related=self.related)
            ]
        }
