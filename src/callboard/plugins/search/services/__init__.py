"""What can be done about search: renew the index, count what is looked for, keep searches, bring in sources."""
