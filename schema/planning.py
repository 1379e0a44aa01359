"""Mutations that plan what becomes of a user: departures with a date, and legal holds."""

from datetime import datetime

import strawberry

from models.enums import DeactivationReason
from resolvers import departures, holds, plans
from schema import ids
from schema.context import Info
from schema.inputs import ReassignTarget, described
from schema.payloads import ScheduleDeparturePayload, UserPayload
from schema.verb import user_payload, verb


@strawberry.input(description="Planning a departure; it replaces the one that is pending.")
class ScheduleDepartureInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")
    at: datetime = described("When, in the future and within ten years.")
    reason: DeactivationReason = described("Why.", default=DeactivationReason.OTHER)
    note: str | None = described("Anything to add, for the other administrators.", default=None)
    hand_over: ReassignTarget | None = described(
        "Then hand the user's unfinished work over. Left out: assignments stay.", default=None
    )
    revoke_access_tokens: bool = described(
        "Then also revoke the access tokens that the user has created by then.", default=False
    )
    return_at: datetime | None = described("When to reactivate the user; left out: not by itself.", default=None)


@strawberry.input(description="Calling a departure off.")
class CancelDepartureInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")


@strawberry.input(description="Forbidding a user's deletion.")
class PlaceLegalHoldInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")
    note: str = described("Why, 1 to 10,000 characters.")


@strawberry.input(description="Allowing a user's deletion again.")
class LiftLegalHoldInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")


@strawberry.type
class PlanningMutation:
    """A part of the mutation root."""

    @verb(
        "Plan to deactivate a user at a time, and perhaps to reactivate the user later. It is done by the system in "
        "the caller's name. Scheduling again replaces the plan; after the departure, only returnAt can be changed."
    )
    async def schedule_departure(self, info: Info, input: ScheduleDepartureInput) -> ScheduleDeparturePayload | None:
        """See resolvers.departures.schedule_departure."""
        departure_id = await info.context.perform(
            departures.schedule_departure,
            user_id=ids.decode("User", input.user_id),
            at=input.at,
            reason=input.reason,
            note=input.note,
            hand_over=input.hand_over.plain("handOver") if input.hand_over else None,
            revoke_access_tokens=input.revoke_access_tokens,
            return_at=input.return_at,
        )
        return ScheduleDeparturePayload(departure=await info.context.load(plans.departures_by_id, departure_id))

    @verb("Call a pending departure off; of a user who has departed, the return. Without one, nothing changes.")
    async def cancel_departure(self, info: Info, input: CancelDepartureInput) -> UserPayload | None:
        """See resolvers.departures.cancel_departure."""
        user_id = ids.decode("User", input.user_id)
        return await user_payload(
            info.context, await info.context.perform(departures.cancel_departure, user_id=user_id)
        )

    @verb("Forbid a user's deletion on any ground, until the hold is lifted; for whoever may delete the user.")
    async def place_legal_hold(self, info: Info, input: PlaceLegalHoldInput) -> UserPayload | None:
        """See resolvers.holds.place_legal_hold."""
        user_id = ids.decode("User", input.user_id)
        done = await info.context.perform(holds.place_legal_hold, user_id=user_id, note=input.note)
        return await user_payload(info.context, done)

    @verb("Allow a user's deletion again; for whoever may delete the user. Without a hold, nothing changes.")
    async def lift_legal_hold(self, info: Info, input: LiftLegalHoldInput) -> UserPayload | None:
        """See resolvers.holds.lift_legal_hold."""
        user_id = ids.decode("User", input.user_id)
        return await user_payload(info.context, await info.context.perform(holds.lift_legal_hold, user_id=user_id))
