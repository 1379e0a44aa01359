"""The console where nothing but trusted documents is run, and none but its own is trusted."""

import httpx
import pytest
from playwright.async_api import expect

from models.enums import Role
from tests.e2e.callers import VIEWER
from tests.e2e.conftest import NewServer
from tests.e2e.console.browsing import Reception
from tests.e2e.office import PASSWORD, Office

pytestmark = pytest.mark.only_on("sqlite")
