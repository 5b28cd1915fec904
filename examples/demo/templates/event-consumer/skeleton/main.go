// Reads ${{ values.topic }}. Questions about the messages go to ${{ values.producer }}.
package main

import (
	"context"

	"limelight.example/kit"
	"limelight.example/kit/bus"
)

func main() {
	svc := kit.New("${{ values.name }}")
	defer svc.Close()
	svc.Run(bus.Consumer{
		Topic:   "${{ values.topic }}",
		Retries: ${{ values.retries }},
		Handle:  handle,
	})
}

func handle(ctx context.Context, m bus.Message) error {
	kit.Log(ctx).Info("received", "key", m.Key)
	return nil
}
