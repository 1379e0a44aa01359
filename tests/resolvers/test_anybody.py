from dataclasses import fields

from models.enums import TokenScope
from resolvers.anybody import Anybody
from resolvers.viewer import Standing, Viewer
from tests.workshop import Person, Workshop


async def test_anybody_is_everybody_of_one_standing(workshop: Workshop, ana: Person) -> None:
    """Red when something that tells one viewer from another is read unnoticed, a field added later too."""
    await workshop.sign_in(ana)
    rights = [name for name in dir(Viewer) if isinstance(getattr(Viewer, name), property) and name != "standing"]
    for person in (workshop.olivia, ana, await workshop.partner(TokenScope.USERS_READ, TokenScope.SESSIONS_WATCH)):
        viewer = person.viewer
        anybody = Anybody(viewer.standing)
        assert anybody.standing == viewer.standing
        for name in {*rights, *Standing._fields}:
            assert getattr(anybody, name) == getattr(viewer, name)
        assert not anybody.asked_who
        for name in {field.name for field in fields(Viewer)} - {*Standing._fields}:
            asked = Anybody(viewer.standing)
            assert getattr(asked, name) is None
            assert asked.asked_who
