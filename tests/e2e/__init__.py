"""The real server as a process of its own, and real clients that talk to it over HTTP and WebSockets."""
