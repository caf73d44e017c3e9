package intake

import (
	"context"
	"net/http"
	"time"

	"raincheck/pkg/waitlist"
)

// receiptLife is how long a receipt tells how far the line is.
const receiptLife = 7 * 24 * time.Hour

// receiptPage says how far the line has got for those who joined when this
// person did. It is made from the sealed token and the cached notice alone: the
// entry is not read, so that the page tells nobody whether the address was new,
// and shows no address.
func (rm *room) receiptPage(ctx context.Context, v *visit) (answer, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	r, err := keys.OpenReceipt(v.URL.Query().Get("r"))
	if err != nil {
		return answer{}, err
	}
	if v.now.After(r.End) {
		w := v.view("astray", "receipt.over.title")
		w.Text = "receipt.over"
		return answer{status: http.StatusGone, view: w}, nil
	}
	n := v.seen()
	w := v.view("receipt", "receipt.title")
	w.values = append(w.values, "date", v.date(r.At))
	w.Text = "receipt.wait"
	// The line is in the order of joining, so that everybody up to Front has been
	// invited; what is told is to the second, as the token is.
	if !n.progress.Front.IsZero() && !n.progress.Front.Truncate(time.Second).Before(r.At) {
		w.Text = "receipt.invited"
	} else {
		w.Progress = v.progressLine()
	}
	w.Open = n.open()
	return answer{status: http.StatusOK, view: w}, nil
}

// nobody is whom a receipt takes out of the line that began no joining: the store
// is asked all the same, so that neither its time nor its faults tell the two apart.
var nobody = waitlist.Ref{Key: "nobody"}

// leaveByReceipt ends the joining that this very sign-up began. For every other
// receipt nothing happens, and the page is the same.
func (rm *room) leaveByReceipt(ctx context.Context, v *visit) (answer, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	r, err := keys.OpenReceipt(v.URL.Query().Get("r"))
	if err != nil {
		return answer{}, err
	}
	ref := waitlist.Ref{Key: r.Key, Joining: r.Joining}
	if r.Key == "" || v.now.After(r.End) {
		ref = nobody
	}
	if err := rm.leaves(ctx, v, ref); err != nil {
		return answer{}, err
	}
	return v.left(), nil
}
