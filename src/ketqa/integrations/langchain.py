"""A LangChain retriever: each document it returns is one quote, its metadata the quote's JSON."""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from ketqa.index import Index
from ketqa.integrations.quoted import quote_id, quotes_of


class KetqaRetriever(BaseRetriever):
    """Quotes that answer a question, best first; none where nothing answers it.

    ``index`` is an open index, ``k`` the most quotes, ``related`` whether to return what lies
    nearest where nothing answers (``metadata["status"]`` is "related" then).
    """

    index: Index
    k: int = 5
    related: bool = False

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002, part of the signature
        k: int | None = None,
    ) -> list[Document]:
        answer = self.index.ask(query, k=k or self.k)
        return [
            Document(id=quote_id(item), page_content=item.quote, metadata=about)
            for item, about in quotes_of(answer, related=self.related)
        ]
