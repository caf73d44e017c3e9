package store_test

import (
	"context"
	"testing"

	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist/waitlisttest"
)

var _ waitlisttest.Store = (*store.Store)(nil)

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	waitlisttest.Run(t, func(*testing.T) waitlisttest.Subject {
		s := &store.Store{}
		return waitlisttest.Subject{Store: s, Damage: func(ctx context.Context, key string, _ bool) error { return s.Damage(ctx, key) }}
	}, nil)
}
