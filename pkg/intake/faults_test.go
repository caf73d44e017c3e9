package intake_test

import (
	"context"

	"raincheck/pkg/waitlist"
)

// busyOn is a store that refuses one method for load.
func busyOn(method string) func(context.Context, string) error {
	return func(_ context.Context, call string) error {
		if call == method {
			return waitlist.ErrBusy
		}
		return nil
	}
}
