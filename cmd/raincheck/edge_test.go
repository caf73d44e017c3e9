package main

import (
	"context"
	"testing"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/email"
	"raincheck/test/emulators"
)

// edgeStandIn is a stand-in for the store at the edge, and the adapter on it.
func edgeStandIn(t *testing.T) (*emulators.KeyValue, *edgestore.Store) {
	t.Helper()
	kvs := &emulators.KeyValue{ARN: outputs[outEdge]}
	return kvs, edgestore.New(emulators.EdgeConfig(t, kvs), outputs[outEdge])
}

// account50 is a mail account with room.
type account50 struct{}

// Account answers.
func (account50) Account(context.Context) (email.Account, error) {
	return email.Account{PerSecond: 50, Remaining24h: 50000, Enabled: true}, nil
}
