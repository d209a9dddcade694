"""A LlamaIndex retriever: each node it returns is one quote, its metadata the quote's JSON."""

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from ketqa.index import Index
from ketqa.integrations.quoted import quote_id, quotes_of

# What a language model need not see beside a quote.
FOR_PROGRAMS = ["rank", "passage", "also_at", "matched", "index", "span"]


class KetqaRetriever(BaseRetriever):
    """Quotes that answer a question, best first; none where nothing answers it."""

    def __init__(self, index: Index, *, k: int = 5, related: bool = False) -> None:
        """Retrieve from an open index.

        Args:
            index: An open index.
            k: The most quotes.
            related: Whether to return what lies nearest where nothing answers
                (``metadata["status"]`` is "related" then).
        """
        super().__init__()
        self._index, self._k, self._related = index, k, related

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        answer = self._index.ask(query_bundle.query_str, k=self._k)
        return [
            NodeWithScore(
                node=TextNode(
                    id_=quote_id(item),
                    text=item.quote,
                    start_char_idx=item.span.start,
                    end_char_idx=item.span.end,
                    metadata=about,
                    excluded_llm_metadata_keys=FOR_PROGRAMS,
                    excluded_embed_metadata_keys=list(about),
                ),
                score=item.confidence,
            )
            for item, about in quotes_of(answer, related=self._related)
        ]
