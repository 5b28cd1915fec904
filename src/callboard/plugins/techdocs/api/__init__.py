"""`/api/techdocs`, as programs written for the original know it."""
