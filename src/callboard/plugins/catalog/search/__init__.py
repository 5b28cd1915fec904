"""What can be found of the catalog: entities, and what stands inside the definitions of APIs."""
