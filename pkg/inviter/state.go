package inviter

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// state is what the controller remembers from tick to tick, in one item. What
// was observed and what was decided from it are saved in the same write: after a
// crash the next tick sees the same changes again and none is lost.
type state struct {
	Version int             `json:"version"`
	Law     json.RawMessage `json:"law,omitempty"`
	// Begun says that the law has seen an observation.
	Begun bool `json:"begun,omitempty"`
	// Seen are the counters of the cohorts at the last tick: what changed since is
	// the news.
	Seen []waitlist.Cohort `json:"seen,omitempty"`
	// Since is the time from which on they were read.
	Since time.Time      `json:"since,omitzero"`
	Tally waitlist.Tally `json:"tally"`
	Gate  published      `json:"gate"`
	// Pace is the share of the mail service's rate that is planned for, below 1
	// after mails came back.
	Pace float64 `json:"pace,omitempty"`
	// Refusals are the mails of the last minutes that large providers sent back.
	Refusals refusals          `json:"refusals,omitzero"`
	Progress waitlist.Progress `json:"progress"`
	// Waits are how long those had waited who were invited lately.
	Waits  waitlist.Waits `json:"waits,omitempty"`
	Report Report         `json:"report"`
}

// published is the gate that was written last.
type published struct {
	ETag string `json:"etag,omitempty"`
	// Rest is a hash of all of the gate but admit and until, Base of the base.
	Rest string `json:"rest,omitempty"`
	Base string `json:"base,omitempty"`
	// Mode and Admit are in force; Until is when they run out, zero for never.
	Mode  gate.Mode `json:"mode,omitempty"`
	Admit float64   `json:"admit,omitempty"`
	Until time.Time `json:"until,omitzero"`
	Salt  string    `json:"salt,omitempty"`
	// Pending says that the gate could not be written, and must be.
	Pending bool `json:"pending,omitempty"`
	// Looked is when this was last known to be what stands at the edge.
	Looked time.Time `json:"looked,omitzero"`
}

// movedOn notes that somebody else has written since, so that gate and base are
// written again.
func (p *published) movedOn(etag string) { p.ETag, p.Rest, p.Base = etag, "", "" }

const stateVersion = 1

// compressors are kept from tick to tick: one takes a megabyte to set up, which
// a simulated day would do some thousand times.
var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic("inviter: " + err.Error()) // only for a level that does not exist
	}
	return w
}}

// encode compresses: a state in full use is some 60 KB of JSON, and a write of
// DynamoDB costs by the kilobyte.
func (s state) encode() ([]byte, error) {
	s.Version = stateVersion
	var out bytes.Buffer
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func decodeState(data []byte) (state, error) {
	var s state
	if len(data) == 0 {
		return s, nil
	}
	in, err := io.ReadAll(flate.NewReader(bytes.NewReader(data)))
	if err == nil {
		err = json.Unmarshal(in, &s)
	}
	if err == nil && s.Version != stateVersion {
		err = fmt.Errorf("it is of version %d, and this is %d", s.Version, stateVersion)
	}
	if err != nil {
		return state{}, fmt.Errorf("decoding the controller's memory: %w", err)
	}
	return s, nil
}

// Err is the error of a tick that was skipped while there was work to do, which
// the alarm TicksFail hears if it happens again and again; nil for every other.
func (r Report) Err() error {
	if !r.Missed {
		return nil
	}
	return fmt.Errorf("the tick of %s was skipped: %s", r.Tick.Format(time.TimeOnly), r.Skipped)
}

// Report is what a tick saw, decided and did. It is logged, and kept for
// `raincheck status`, which shows it in these words.
type Report struct {
	Tick time.Time `json:"tick"`
	// Skipped is why the tick did nothing; empty when it worked.
	Skipped string `json:"skipped,omitempty"`
	// Missed says that it was skipped for another tick, with work to do: once it is
	// nothing, again and again nobody decides.
	Missed bool `json:"missed,omitempty"`
	// Mode and Admit are what the gate says; Fixed means that the operator chose
	// Admit.
	Mode  gate.Mode `json:"mode"`
	Admit float64   `json:"admit"`
	Fixed bool      `json:"fixed,omitempty"`
	// Decision is the law's, Because its reason, or what stood against it.
	Decision admission.Decision `json:"decision"`
	// Numbers are what the decision was made of.
	Numbers admission.Numbers `json:"numbers"`
	Because string            `json:"because,omitempty"`
	// Paused is why nothing is sent; empty while sending is on.
	Paused string `json:"paused,omitempty"`
	Seen
	// Waiting is how many still wait after this tick.
	Waiting int `json:"waiting"`
	Done
	// Published says that the edge was written to.
	Published bool `json:"published,omitempty"`
	// Fault is the error with which the tick ended, shortened; empty when all went well.
	Fault string `json:"fault,omitempty"`
}

// Seen is the part of a Report about what was found.
type Seen struct {
	// LoadAt and Load are the newest datapoint that was seen; zero for none.
	LoadAt time.Time `json:"loadAt,omitzero"`
	Load   float64   `json:"load,omitempty"`
	// Sent and Redeemed became known since the tick before.
	Sent     int `json:"sent,omitempty"`
	Redeemed int `json:"redeemed,omitempty"`
	// Delayed of the Recent mails, those of the last two hours, have not arrived: the
	// mail service is trying on.
	Delayed int `json:"delayed,omitempty"`
	Recent  int `json:"recent,omitempty"`
}

// DelayedShare is the share of the recent mails that have not arrived, 0 to 1; false
// while there are too few to tell.
func (s Seen) DelayedShare() (share float64, ok bool) {
	const least = 20
	return float64(s.Delayed) / float64(max(1, s.Recent)), s.Recent >= least
}

// Done is the part of a Report about what was done.
type Done struct {
	// Claimed were invited by this tick, the newest of whom joined at Front.
	Claimed int       `json:"claimed,omitempty"`
	Front   time.Time `json:"front,omitzero"`
	// The due work: second mails asked for, claims given back, returned places put
	// back into the line, codes that died, mails taken as accepted after a second
	// silence, entries that cannot be read.
	Retried   int `json:"retried,omitempty"`
	GivenBack int `json:"givenBack,omitempty"`
	Requeued  int `json:"requeued,omitempty"`
	Expired   int `json:"expired,omitempty"`
	Taken     int `json:"taken,omitempty"`
	Buried    int `json:"buried,omitempty"`

	// gone is how many of those who waited do so no longer.
	gone int
	// waits are how many of those invited for the first time had waited how many
	// minutes.
	waits map[int]int
}

// LogValue is the report as one JSON object.
func (r Report) LogValue() slog.Value {
	type plain Report
	return slog.AnyValue(plain(r))
}

// LastReport reads the report of the last tick out of the stored state; the
// zero Report when there was none.
func LastReport(stored []byte) (Report, error) {
	s, err := decodeState(stored)
	return s.Report, err
}
