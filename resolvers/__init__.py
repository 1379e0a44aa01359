"""What happens: reads, and one function per verb. One module per capability; no Strawberry, no HTTP, no sockets."""
