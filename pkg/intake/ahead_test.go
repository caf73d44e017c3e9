package intake_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/waitlist"
)

// TestTheFirstRequestAsksSideBySide holds the first form of a process to one wait
// for the network: the secret is answered only once the notice was asked for.
func TestTheFirstRequestAsksSideBySide(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 8)
	w := newWorld(t, func(s *intake.Service) {
		s.Secrets = func(ctx context.Context, shown string) ([]string, error) {
			select {
			case <-asked:
				asked <- struct{}{}
				return []string{"the secret"}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	})
	w.probe.Before = func(_ context.Context, call string) error {
		if call == "NoticeIn" {
			asked <- struct{}{}
		}
		return nil
	}
	// A stranger who goes round the edge is refused, and what was asked meanwhile
	// is not lost for the next.
	if p := w.do(w.request("/waiting-room/en/", nil)); p.StatusCode != http.StatusForbidden {
		t.Fatalf("a stranger gets %d", p.StatusCode)
	}
	r := w.request("/waiting-room/en/", nil)
	r.Method = http.MethodGet
	r.Header.Set(gate.OriginHeader, "the secret")
	if p := w.do(r); p.StatusCode != http.StatusOK || !strings.Contains(p.body, `name="email"`) {
		t.Fatalf("the form is answered %d\n%s", p.StatusCode, p.body)
	}
	if n := w.probe.Calls()["NoticeIn"]; n != 1 {
		t.Errorf("the notice was asked for %d times", n)
	}
}

// TestANoticeAskedAheadAndLostIsAskedAgain: whoever needs it asks for it.
func TestANoticeAskedAheadAndLostIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) {
		s.Secrets = func(context.Context, string) ([]string, error) { return []string{"the secret"}, nil }
	})
	failed := false
	w.probe.Before = func(_ context.Context, call string) error {
		if call == "NoticeIn" && !failed {
			failed = true
			return waitlist.ErrBusy
		}
		return nil
	}
	r := w.request("/waiting-room/en/", nil)
	r.Method = http.MethodGet
	r.Header.Set(gate.OriginHeader, "the secret")
	if p := w.do(r); p.StatusCode != http.StatusOK || !strings.Contains(p.body, `name="email"`) || !failed {
		t.Fatalf("the form is answered %d\n%s", p.StatusCode, p.body)
	}
}
