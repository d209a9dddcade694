from ketqa.present import citation, count, source_fields
from ketqa.types import Source

SOURCE = Source(
    "a.txt", "a.txt", "0", "A Title", publisher="P", kind="blog",
    said_by={"title": "document", "publisher": "document", "kind": "curator"},
)  # fmt: skip


def test_what_a_document_does_not_state_is_said_to_be_so() -> None:
    fields = {label: (value, witness) for label, value, witness in source_fields(SOURCE)}
    assert fields["Author"] == ("not stated", "")
    assert fields["Publisher"] == ("P", "")
    assert fields["Kind"] == ("blog", "added by the curator")


def test_a_citation_leaves_out_what_is_not_stated() -> None:
    assert citation(SOURCE) == "A Title · P · blog"


def test_counts_read_well() -> None:
    assert (count(1, "quote"), count(1200, "quote")) == ("1 quote", "1,200 quotes")
