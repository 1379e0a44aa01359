"""Much work for somebody, put into the database from beside."""

from sqlalchemy import insert

from models.database import Database, table
from models.enums import ConversationStatus
from models.types import new_id, now
from models.work import Conversation
from resolvers.viewer import authenticate
from tests.e2e.callers import Person
from tests.e2e.office import Office


async def give_work(office: Office, person: Person, size: int) -> None:
    """Open conversations that are assigned to somebody."""
    database = Database(office.server.database_url)
    async with database.read() as reader:
        viewer = await authenticate(reader, str(person.token))
    moment = now()
    rows = [
        {
            "id": new_id(),
            "workspace_id": viewer.workspace_id,
            "subject": "Parcel",
            "status": ConversationStatus.OPEN,
            "customer_name": "Kim",
            "assignee_id": viewer.actor_id,
            "created_at": moment,
            "updated_at": moment,
            "revision": 0,
            "woken": 0,
        }
        for _ in range(size)
    ]
    await database.transact(lambda tx: tx.run(insert(table(Conversation)), rows))
    await database.close()
