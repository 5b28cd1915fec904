-- The first table of ${{ values.name }}.
{%- if values.personalData %}
-- This database holds personal data: subscribe to erasure.requested before the first release.
{%- endif %}
CREATE TABLE example (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at  timestamptz NOT NULL DEFAULT now()
);
