"""Rules of templates that need neither database nor network: templating, schemas, the template itself."""
