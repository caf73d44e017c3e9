package gate

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"raincheck/pkg/bypass"
)

// The keys of the two documents in the KeyValueStore.
const (
	Key     = "gate"
	BaseKey = "base"
)

// Room is the path of the waiting room. It is known to the edge's code and not a
// setting: without it a gate that cannot be read could send the room's own
// visitors to the room, for ever.
const Room = "/waiting-room"

// OriginHeader carries a secret that shows to the waiting room's API that a request
// came through the distribution, and so through its rules (docs/design.md,
// decision 9).
const OriginHeader = "x-raincheck-origin"

// MaxDocument is the most that a value in the KeyValueStore may hold, in bytes
// (quota "maximum size of a value" of CloudFront KeyValueStore: 1 KB).
const MaxDocument = 1024

var (
	// ErrMissing means that a document is not in the store (yet).
	ErrMissing = errors.New("no such document at the edge")
	// ErrChanged means that the store was written since it was read: somebody
	// threw a switch. Read again before deciding again.
	ErrChanged = errors.New("the documents at the edge changed meanwhile")
)

// Mode is what the throttle does.
type Mode string

const (
	// Open lets everyone in.
	Open Mode = "open"
	// Throttle lets in the visitors whose draw is below the admitted share.
	Throttle Mode = "throttle"
	// Hold lets nobody new in.
	Hold Mode = "hold"
	// Observe decides and counts, and lets everyone in.
	Observe Mode = "observe"
)

// ParseMode reads a mode by its name.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Open, Throttle, Hold, Observe:
		return m, nil
	}
	return "", fmt.Errorf("%q is not a mode: it is open, throttle, hold or observe", s)
}

// Failure is what the edge does when it cannot read the gate.
type Failure string

const (
	// FailOpen lets everyone in.
	FailOpen Failure = "open"
	// FailHold lets in the stale share, or nobody when base is missing too.
	FailHold Failure = "hold"
)

// ParseFailure reads a failure by its name.
func ParseFailure(s string) (Failure, error) {
	switch f := Failure(s); f {
	case FailOpen, FailHold:
		return f, nil
	}
	return "", fmt.Errorf("%q is not a way to fail: it is open or hold", s)
}

// Settings are what an operator sets once and the edge must know.
type Settings struct {
	// LeaveAlone are path prefixes that are never gated, such as "/api/". The
	// waiting room is left alone in any case.
	LeaveAlone []string
	// Strict are path prefixes in lower case, such as "/account/", under which
	// every request needs a good pass while new visitors may be turned away.
	// LeaveAlone wins over it.
	Strict []string
	// Languages are the room's, as in its paths; the first is the default.
	// With none the redirect goes to /waiting-room, which chooses.
	Languages []string
	// PassLife is how long a pass is good for, between renewals; whole seconds.
	PassLife time.Duration
	// Sample is N: one visitor in N is counted, as N.
	Sample int
}

// DefaultSettings are what a stack starts with. This is the one place of the
// default languages: the template's parameter is held to it by a test, and the
// functions have no default of their own. One visitor in ten is counted:
// at 1,000 visitors a minute the error of a minute's estimate is then about 10%,
// and the log costs a tenth.
func DefaultSettings() Settings {
	return Settings{Languages: []string{"en", "es"}, PassLife: time.Hour, Sample: 10}
}

// Gate is the document that changes by the minute.
type Gate struct {
	Mode Mode
	// Admit is the share of new visitors let straight in, 0 to 1, in throttle;
	// in observe it is counted by and nobody is turned away.
	Admit float64
	// Salt keys the draw.
	Salt string
	// Fixed says that an operator chose Admit, in throttle: it stands until the
	// next switch, and the controller takes it over as such.
	Fixed bool
	// Until is when a decision of the law to turn people away runs out; zero for
	// never. Whole seconds.
	Until time.Time
	// Stale is the admitted share past Until, 0 to 1.
	Stale float64
	// Switched is when the operator last changed the mode; whole seconds.
	Switched time.Time
	Settings
	Keys bypass.PassKeys
}

// Base is the document that says what to do when the gate cannot be read.
type Base struct {
	// Mode is what was in force when this was written, and may be missing. It is
	// for the operator's eye: the edge goes by Failure.
	Mode    Mode
	Salt    string
	Failure Failure
	// Stale is the admitted share of a hold, 0 to 1.
	Stale float64
	Settings
	Keys bypass.PassKeys
}

// InForce says whether the gate still means what it says at now. A hold has no
// end, whatever an old controller wrote.
func (g Gate) InForce(now time.Time) bool {
	return g.Mode == Hold || g.Until.IsZero() || now.Unix() < g.Until.Unix()
}

// Redacted returns the gate without its keys and salt, for people to look at.
func (g Gate) Redacted() Gate {
	g.Keys, g.Salt = nil, ""
	return g
}

// LogValue leaves out keys and salt.
func (g Gate) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("mode", string(g.Mode)), slog.Float64("admit", g.Admit), slog.Bool("fixed", g.Fixed),
		slog.Time("until", g.Until), slog.Float64("stale", g.Stale), slog.Time("switched", g.Switched))
}

// Format leaves out keys and salt, for every verb of fmt.
func (g Gate) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "{%s admit %g stale %g until %s}", g.Mode, g.Admit, g.Stale, g.Until.UTC().Format(time.RFC3339))
}

// LogValue leaves out keys and salt.
func (b Base) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("mode", string(b.Mode)), slog.String("failure", string(b.Failure)), slog.Float64("stale", b.Stale))
}

// Format leaves out keys and salt, for every verb of fmt.
func (b Base) Format(s fmt.State, _ rune) {
	io.WriteString(s, fmt.Sprintf("{base %s failure %s stale %g}", b.Mode, b.Failure, b.Stale))
}
