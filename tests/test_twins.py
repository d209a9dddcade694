from ketqa.twins import twin_key


def test_marks_case_and_blanks_make_no_difference() -> None:
    assert twin_key(">It’s worth asking…") == twin_key("it's  worth\u00a0ASKING")


def test_another_word_or_order_does() -> None:
    assert len({twin_key(t) for t in ("pain fell", "fell pain", "pain fell 5", "pain")}) == 4
