"""The schema: three roots, and the types that only interfaces lead to."""

from datetime import datetime

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema import enums as _enums  # noqa: F401  (names the enumerations)
from schema.mutation import Mutation
from schema.people import DeletedUser, ServiceActor, SystemActor
from schema.query import Query
from schema.scalars import DateTime
from schema.subscription import Subscription

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[DeletedUser, ServiceActor, SystemActor],
    config=StrawberryConfig(scalar_map={datetime: DateTime}),
)
