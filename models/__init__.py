"""What is stored: tables, the engine, the event feed's rows, and migrations."""

from models import leaving, log, people, work

__all__ = ["leaving", "log", "people", "work"]
