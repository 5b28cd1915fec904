"""What happened, told to those who asked: transactional outbox, subscribers and webhooks."""
