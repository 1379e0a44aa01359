"""What the commands that measure servers share: when they give up, and how they tell of their progress."""

import signal
import sys

from bench.feed.crowd import Failed


def give_up_after(minutes: int) -> None:
    """Raise Failed in the main thread once so much time has passed, or on SIGTERM."""
    signal.signal(signal.SIGALRM, _give_up)
    signal.signal(signal.SIGTERM, _give_up)
    signal.alarm(minutes * 60)


def tell(text: str) -> None:
    """Tell whoever waits for the result how far it is."""
    print(text, file=sys.stderr, flush=True)


def _give_up(number: int, _frame: object) -> None:
    raise Failed("It took too long." if number == signal.SIGALRM else "Stopped.")
