package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"raincheck/pkg/waitlist"
)

// leavePage asks. Mail scanners open links; only the button, or a mail program's
// own (RFC 8058), acts.
func (rm *room) leavePage(_ context.Context, v *visit) (answer, error) {
	return answer{status: http.StatusOK, view: v.view("leave", "leave.title"), cached: true}, nil
}

// leave ends the joining that the token names. Doing it twice, or after the end,
// is done as well.
func (rm *room) leave(ctx context.Context, v *visit) (answer, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	key, joining, err := keys.VerifyLeave(v.URL.Query().Get("t"))
	if err != nil {
		return answer{}, err
	}
	err = rm.Store.Leave(ctx, waitlist.Ref{Key: key, Joining: joining}, v.now)
	if err != nil && !errors.Is(err, waitlist.ErrStale) && !errors.Is(err, waitlist.ErrUnknown) {
		return answer{}, fmt.Errorf("take somebody out of the line: %w", err)
	}
	rm.Count("Left", 1)
	w := v.view("plain", "left.title")
	w.Text, w.More, w.Button = "left.lead", []string{"left.again"}, "left.join"
	return answer{status: http.StatusOK, view: w}, nil
}
