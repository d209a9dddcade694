"""How long a server that is away is waited for, and how a step is tried again until then."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from ketqa.errors import EngineAway

# Seconds in which a call that fails is tried again. A person waits for an answer; filling can
# wait until a server was started again.
ANSWER, WRITE = 5.0, 180.0
# Seconds between two tries, doubled each time.
FIRST_PAUSE, LAST_PAUSE = 0.5, 10.0
Got = TypeVar("Got")


def patiently(step: Callable[[], Got], seconds: float) -> Got:
    """Take a step, which may be done twice, again while its server is away.

    Raises:
        EngineAway: It was away for so many seconds.
    """
    end, pause = monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            return step()
        except EngineAway:
            if monotonic() + pause > end:
                raise
        sleep(pause)
        pause = min(2 * pause, LAST_PAUSE)
