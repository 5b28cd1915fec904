module limelight.example/${{ values.name }}

go 1.23

require limelight.example/kit v3.2.0
