package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"raincheck/pkg/operator"
)

// controls is what may be changed. Its error is shown to the person who asked.
type controls interface {
	Change(ctx context.Context, change Change) error
}

// maxBody is far above the largest change.
const maxBody = 16 << 10

// isJSON says that a request's body is JSON. A form of a foreign page can send
// text/plain without asking; JSON it cannot. This stands behind
// CrossOriginProtection, for old browsers.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

func (c *Console) change(w http.ResponseWriter, r *http.Request) {
	if c.Controls == nil {
		http.Error(w, "This console is read-only.", http.StatusForbidden)
		return
	}
	if !isJSON(r) {
		http.Error(w, "A change is JSON.", http.StatusUnsupportedMediaType)
		return
	}
	change, err := decodeChange(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = c.Controls.Change(r.Context(), change)
	}
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, operator.ErrChange) {
			status = http.StatusUnprocessableEntity
		}
		http.Error(w, err.Error(), status)
		return
	}
	c.snapshot(w, r)
}

func decodeChange(body io.Reader) (Change, error) {
	var change Change
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&change); err != nil {
		return change, fmt.Errorf("%w: %v", operator.ErrChange, err)
	}
	return change, change.Validate()
}
