CREATE TABLE ${{ values.package }} (
{%- for column in values.columns %}
  ${{ column.name }} ${{ "numeric" if column.type == "number" else column.type }}{% if column.needed %} NOT NULL{% endif %}{% if not loop.last %},{% endif %}
{%- endfor %}
);
