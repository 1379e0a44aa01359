"""How it runs: the ASGI application, settings, the command line, mail and the event feed."""
