package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// Canary is POST api/canary: what `raincheck smoke` asks about the one invented
// person whom it sends through a local instance. It is answered with a
// CanaryPlace. The outbox beside it shows every code in any case.
type Canary struct {
	// Do is look, invite (it alone, beside the law) or forget.
	Do      string `json:"do"`
	Address string `json:"address"`
}

// CanaryPlace is what the line knows of the canary.
type CanaryPlace struct {
	// There says that it has a place; without one the rest is empty.
	There bool `json:"there"`
	// Mine says that the place was taken with this very address.
	Mine  bool           `json:"mine,omitempty"`
	Age   time.Duration  `json:"age,omitempty"`
	Stage waitlist.Stage `json:"stage,omitempty"`
	Code  string         `json:"code,omitempty"`
	// Delivered says that its mail is in the outbox.
	Delivered bool `json:"delivered,omitempty"`
	// Off says why there is nothing to invite for: an operator's pause.
	Off string `json:"off,omitempty"`
}

// canaries is an instance that can be tried out in this way.
type canaries interface {
	// Canary does it for the address; do is one of the words of Canary.
	Canary(ctx context.Context, do string, a email.Address) (CanaryPlace, error)
}

func (c *Console) canary(w http.ResponseWriter, r *http.Request) {
	if c.Canaries == nil {
		http.NotFound(w, r)
		return
	}
	if !isJSON(r) {
		http.Error(w, "A canary is asked for in JSON.", http.StatusUnsupportedMediaType)
		return
	}
	var asked Canary
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&asked)
	address, err2 := email.Parse(asked.Address)
	if err := errors.Join(err, err2); err != nil || asked.Do != "look" && asked.Do != "invite" && asked.Do != "forget" {
		http.Error(w, "A canary has an address and something to do: look, invite or forget.", http.StatusUnprocessableEntity)
		return
	}
	place, err := c.Canaries.Canary(r.Context(), asked.Do, address)
	c.answer(w, place, err)
}
