"""The workshop itself stands: what it makes can be read back."""

from models.enums import Role
from tests.workshop import Workshop


async def test_a_signed_in_person_is_a_viewer(workshop: Workshop) -> None:
    assert workshop.olivia.viewer.roles == {Role.OWNER}
    assert workshop.olivia.viewer.user_id == workshop.olivia.id
