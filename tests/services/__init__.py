"""Throwaway servers that the tests start by themselves: PostgreSQL, Redis, nginx.

Each has a free port and a folder of its own and is gone when the tests are, even if these are killed. The program comes
from the system, or else from a wheel among the development requirements.
"""
