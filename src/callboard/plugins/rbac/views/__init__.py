"""Pages of access: policies and roles, the tester, reports, requests."""
