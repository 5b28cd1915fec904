"""Do what people and administrators ask of the portal: permission, change, audit."""
