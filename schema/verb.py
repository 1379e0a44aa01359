"""What the fields of the mutation root have in common: refusals are data, and the answer is read afterwards."""

from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.field import StrawberryField

from resolvers import users
from resolvers.errors import Refused
from schema.context import Context, Info
from schema.payloads import UserPayload
from schema.people import as_errors


class Refusals(FieldExtension):
    """Turns a verb's refusal into the field's payload, empty but for `errors`."""

    def apply(self, field: StrawberryField) -> None:
        """Remember which payload the field answers with."""
        self.payload: Any = field.type.of_type  # type: ignore[union-attr]

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Info, **arguments: Any) -> Any:
        """Run the field."""
        try:
            return await next_(source, info, **arguments)
        except Refused as refused:
            return self.payload(errors=as_errors(refused.refusals))


def verb(description: str) -> Any:
    """A mutation field whose refusals are data."""
    return strawberry.mutation(description=description, extensions=[Refusals()])


async def user_payload(context: Context, user_id: Any) -> UserPayload:
    """A user as it is now."""
    return UserPayload(user=await context.load(users.users_by_id, user_id))
