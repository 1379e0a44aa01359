"""What is stored: tables, the engine, the event feed's rows, and migrations."""

from models import log, people, work

__all__ = ["log", "people", "work"]
