"""The JSON that is described is the JSON that is made."""

from ketqa import schema
from test_types import full_answer


def test_a_full_answer_is_as_described_field_by_field() -> None:
    table = full_answer().to_dict()
    assert schema.Answer.model_validate(table).model_dump() == table
