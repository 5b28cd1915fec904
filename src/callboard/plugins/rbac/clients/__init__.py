"""The outside world of access: where the audit record is sent."""
