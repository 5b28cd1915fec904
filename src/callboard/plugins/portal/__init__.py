"""Run the portal: settings of a person, and for administrators jobs, audit, plugins and webhooks."""
