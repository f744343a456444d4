"""What analysts read: SQL and table names; nothing of HTTP, nothing of vendors' payloads."""
