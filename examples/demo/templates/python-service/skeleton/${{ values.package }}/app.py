from limelight_kit import service

app = service.create("${{ values.name }}", tier=${{ values.tier }})


@app.get("/")
def greet() -> dict[str, str]:
    return {"service": "${{ values.name }}"}
