"""A lively workspace to try everything on."""

from resolvers.demo.workspace import PASSWORD, SLUG, open_demo

__all__ = ["PASSWORD", "SLUG", "open_demo"]
