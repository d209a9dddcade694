"""What is acknowledged is kept, and never mixed, whenever a process is killed."""

import pytest

from crash import KINDS, crash


@pytest.mark.model
def test_nothing_is_lost_to_a_kill_at_any_moment() -> None:
    """A few; ``make crash`` kills 200."""
    killed = crash(8, seed=4, kinds=[kind for kind in KINDS if kind != "adapt"])
    assert killed.total() == 8
