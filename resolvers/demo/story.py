"""Who works in the demo workspace and what happened there: the same story each time, ending at a given moment."""

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from faker import Faker

from models.enums import DeactivationReason, Role
from resolvers.demo.words import COMMENTS, NOTES, SUBJECTS

CONVERSATIONS = 2_000
TEAMS = ("Billing", "Onboarding", "Support", "VIP")
SEED = 20

_LOCALES = ["en_US", "es_ES", "de_DE", "fr_FR", "pt_BR"]
_ROLES = [[Role.ADMIN, Role.AGENT], [Role.ADMIN]] + [[Role.VIEWER]] * 3 + [[Role.AGENT]] * 22
_DEPARTURES = {
    8: (DeactivationReason.LEFT_COMPANY, 64, "Last day was Friday. Ana takes the open refunds."),
    13: (DeactivationReason.EXTENDED_LEAVE, 21, "Parental leave until autumn; keep everything as it is."),
    17: (DeactivationReason.CONTRACT_ENDED, 40, "Season contract. May be back in November."),
    22: (DeactivationReason.TEAM_RESTRUCTURE, 9, None),
    25: (DeactivationReason.LEFT_COMPANY, 3, "Callbacks still to be handed over."),
}
_INVITED = (26, 27)


@dataclass(frozen=True, slots=True)
class Colleague:
    """One user of the demo. Without `last_here_at` the invitation is still waiting; `departure` is reason and note."""

    name: str
    email: str
    roles: list[Role]
    teams: list[str]
    joined_at: datetime
    last_here_at: datetime | None
    departure: tuple[DeactivationReason, str | None] | None = None

    @property
    def line(self) -> dict[str, Any]:
        """The line that imports this user."""
        return {
            "kind": "user",
            "email": self.email,
            "name": self.name,
            "roles": self.roles,
            "teams": self.teams,
            "status": "INACTIVE" if self.departure else "ACTIVE",
            "createdAt": self.joined_at,
        }


class Story:
    """Thirty colleagues, and lines for an import of what they worked on."""

    def __init__(self, moment: datetime) -> None:
        self._now = moment
        self._random = random.Random(SEED)  # noqa: S311 (a story, no secret)
        self._faker = Faker(_LOCALES, use_weighting=False)
        self._faker.seed_instance(SEED)
        self.colleagues = self._colleagues()
        self._agents = [each.email for each in self.colleagues if Role.AGENT in each.roles and each.last_here_at]
        self._customers = [self._customer(number) for number in range(1, 401)]

    def lines(self) -> Iterator[dict[str, Any]]:
        """Everything to import, in an order in which nothing is named before it exists."""
        yield from ({"kind": "team", "name": name} for name in TEAMS)
        yield from (each.line for each in self.colleagues)
        for number in range(1, CONVERSATIONS + 1):
            yield from self._conversation(f"demo-{number}")

    def _colleagues(self) -> list[Colleague]:
        fixed = [
            ("Olivia Owens", "olivia", [Role.OWNER], ["Support"]),
            ("Omar Osei", "omar", [Role.OWNER, Role.AGENT], ["VIP"]),
            ("Ana Ruiz", "ana", [Role.AGENT], ["Billing", "Support"]),
        ]
        found = [
            Colleague(name, f"{local}@demo.test", roles, teams, self._ago(700, 730), self._ago(0, 1))
            for name, local, roles, teams in fixed
        ]
        taken = {each.email for each in found}
        for number, roles in enumerate(_ROLES, 1):
            first = self._faker.first_name()
            while f"{_ascii(first)}@demo.test" in taken:
                first = self._faker.first_name()
            taken.add(f"{_ascii(first)}@demo.test")
            found.append(self._colleague(number, first, roles))
        return found

    def _colleague(self, number: int, first: str, roles: list[Role]) -> Colleague:
        teams = self._random.sample(TEAMS, self._random.randint(1, 2))
        name, email = f"{first} {self._faker.last_name()}", f"{_ascii(first)}@demo.test"
        if number in _INVITED:
            return Colleague(name, email, roles, teams, self._ago(1, 4), None)
        joined_at = self._ago(150, 690)
        if number in _DEPARTURES:
            reason, days, note = _DEPARTURES[number]
            return Colleague(name, email, roles, teams, joined_at, self._ago(days, days + 1), (reason, note))
        return Colleague(name, email, roles, teams, joined_at, self._ago(0, 3))

    def _customer(self, number: int) -> dict[str, str]:
        first, last = self._faker.first_name(), self._faker.last_name()
        return {"name": f"{first} {last}", "email": f"{_ascii(first)}.{_ascii(last)}{number}@demo.test"}

    def _conversation(self, external_id: str) -> Iterator[dict[str, Any]]:
        chance = self._random
        status = chance.choices(["OPEN", "SNOOZED", "CLOSED"], [45, 15, 40])[0]
        created_at = self._ago(0.1, 120)
        updated_at = self._between(created_at, self._now)
        assignee = self._assignee()
        yield {
            "kind": "conversation",
            "externalId": external_id,
            "subject": chance.choice(SUBJECTS).format(number=chance.randint(10_000, 99_999)),
            "status": status,
            "snoozedUntil": self._now + timedelta(hours=chance.uniform(2, 300)) if status == "SNOOZED" else None,
            "customer": chance.choice(self._customers),
            "assignee": assignee,
            "team": chance.choice([*TEAMS, None]),
            "createdAt": created_at,
            "updatedAt": updated_at,
        }
        for number in range(chance.choices([0, 1, 2, 3], [55, 25, 15, 5])[0]):
            yield self._note(external_id, number, created_at, updated_at, assignee)
        if status == "CLOSED" and chance.random() < 0.5:
            yield self._answer(external_id, updated_at, assignee)
        if status != "CLOSED" and chance.random() < 0.25:
            yield {
                "kind": "followUp",
                "externalId": f"{external_id}-follow-up",
                "conversation": external_id,
                "type": chance.choice(["CALLBACK", "FOLLOW_UP"]),
                "dueAt": self._now + timedelta(hours=chance.uniform(-24, 240)),
                "assignee": assignee,
            }

    def _assignee(self) -> str | None:
        return self._random.choice([*self._agents, *["ana@demo.test"] * 3, *[None] * 4])

    def _note(
        self, external_id: str, number: int, earliest: datetime, latest: datetime, assignee: str | None
    ) -> dict[str, Any]:
        return {
            "kind": "note",
            "externalId": f"{external_id}-note-{number}",
            "conversation": external_id,
            "body": self._random.choice(NOTES),
            "author": assignee or self._random.choice(self._agents),
            "createdAt": self._between(earliest, latest),
        }

    def _answer(self, external_id: str, closed_at: datetime, assignee: str | None) -> dict[str, Any]:
        rating = self._random.choices([1, 2, 3, 4, 5], [5, 6, 12, 30, 47])[0]
        return {
            "kind": "csat",
            "conversation": external_id,
            "rating": rating,
            "comment": self._random.choice([*COMMENTS[rating], None]),
            "respondedAt": self._between(closed_at, self._now),
            "handledBy": assignee,
        }

    def _ago(self, least: float, most: float) -> datetime:
        return self._now - timedelta(days=self._random.uniform(least, most))

    def _between(self, earliest: datetime, latest: datetime) -> datetime:
        return earliest + (latest - earliest) * self._random.random()


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(letter if letter.isalnum() else "-" for letter in plain).strip("-")
