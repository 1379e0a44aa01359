"""Email addresses: the one form in which they are stored, compared and mailed to."""

from email_validator import EmailNotValidError, validate_email


def normalize_email(text: str) -> str:
    """The address in its one form: white space around it cut, Unicode normalised, all of it lower-cased.

    Raises ValueError, with a message for whoever typed it, if it is no address. Whether mail arrives is not asked.
    """
    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError(f"This is not an email address: {error}") from None


def find_email(text: str) -> str:
    """The address to look up for what somebody typed; one that nobody has if it is no address."""
    try:
        return normalize_email(text)
    except ValueError:
        return ""
