"""Clients as their authors would write them; docs/clients.md shows them word for word."""
