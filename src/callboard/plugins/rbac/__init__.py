"""Who may do what, decided without code: roles, conditions, policies with versions, requests and reports."""
