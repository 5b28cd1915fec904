"""Pure helpers that know neither Django nor the product."""
