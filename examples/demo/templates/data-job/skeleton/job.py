"""${{ values.name }}: runs ${{ values.schedule }}."""

COLUMNS = {
{%- for column in values.columns %}
    ${{ column.name | dump }}: ${{ column.type | dump }},
{%- endfor %}
}
NEEDED = [{% for column in values.columns %}{% if column.needed %}${{ column.name | dump }}, {% endif %}{% endfor %}]


def wrong(row: dict) -> list[str]:
    """Answer the columns of a row that are empty and must not be."""
    return [name for name in NEEDED if row.get(name) in (None, "")]
