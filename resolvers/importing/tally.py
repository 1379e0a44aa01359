"""How many of each kind an import made, and how many were there before."""

from collections import Counter

KINDS = ("team", "user", "conversation", "note", "followUp", "csat")


class Tally:
    """Counts by kind: what was created, and what was already there and left as it is."""

    def __init__(self) -> None:
        self.created: Counter[str] = Counter()
        self.existing: Counter[str] = Counter()

    def add(self, other: "Tally") -> None:
        """Count what another import did as well."""
        self.created += other.created
        self.existing += other.existing
