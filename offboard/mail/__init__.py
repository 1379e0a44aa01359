"""Mail: what is written, how it is sent, and the loop that sends every link that is due."""

from offboard.mail.mailer import Mailer
from offboard.mail.transports import Transport, open_transport

__all__ = ["Mailer", "Transport", "open_transport"]
