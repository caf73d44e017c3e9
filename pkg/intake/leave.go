package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"raincheck/pkg/intake/posted"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// leavePage asks. Mail scanners open links; only the button acts.
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
	ref := waitlist.Ref{Key: key, Joining: joining}
	if posted.ByProgram(v.form) {
		return rm.quiet(ctx, v, ref)
	}
	if err := rm.leaves(ctx, v, ref); err != nil {
		return answer{}, err
	}
	return v.left(), nil
}

// quiet notes that no further mail is wanted. Nothing but an invitation was ever
// going to be sent, so this gives nothing up: no second mail, no new round, and the
// code works on. The page offers to give the turn up, which is another request.
func (rm *room) quiet(ctx context.Context, v *visit, ref waitlist.Ref) (answer, error) {
	err := rm.Store.Quiet(ctx, ref, v.now)
	if err != nil && !errors.Is(err, waitlist.ErrStale) && !errors.Is(err, waitlist.ErrUnknown) {
		return answer{}, fmt.Errorf("note that no further mail is wanted: %w", err)
	}
	return answer{status: http.StatusOK, view: v.view("leave", "leave.title")}, nil
}

// leaves ends a joining; one that is over already is done as well.
func (rm *room) leaves(ctx context.Context, v *visit, ref waitlist.Ref) error {
	switch err := rm.Store.Leave(ctx, ref, v.now); {
	case err == nil:
		rm.Count(metric.IntakeLeft, 1)
	case !errors.Is(err, waitlist.ErrStale) && !errors.Is(err, waitlist.ErrUnknown):
		return fmt.Errorf("take somebody out of the line: %w", err)
	}
	return nil
}

// left is the page after leaving.
func (v *visit) left() answer {
	w := v.view("plain", "left.title")
	w.Text, w.More = "left.lead", []string{"left.again"}
	if n := v.seen(); !n.closed() {
		w.Button = "form.button"
	}
	return answer{status: http.StatusOK, view: w}
}
