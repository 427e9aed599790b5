"""All queries and writes. Functions take a session, return frozen dataclasses, never commit."""
