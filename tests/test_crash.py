"""What is acknowledged is kept, and never mixed, whenever a process is killed."""

import pytest

from crash import crash


@pytest.mark.long
@pytest.mark.model
def test_nothing_is_lost_to_a_kill_at_any_moment() -> None:
    """A few of small documents; ``make crash`` kills 200, tests/test_build.py kills long builds."""
    killed = crash(4, seed=1, kinds=["update", "answer", "update", "watch"])
    assert killed == {"update": 2, "answer": 1, "watch": 1}
