package waitlisttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// Subject is a store to be tried, empty.
type Subject struct {
	Store Store
	// Settle waits until the line shows what was written: the index of DynamoDB
	// follows the table by a moment. Nil where there is nothing to wait for.
	Settle func()
	// Damage makes the stored entry unreadable (a field missing or of the wrong
	// type, its address say) and leaves it in the line. With Index, what the line
	// itself shows of it is damaged too, so that Page calls it Unreadable.
	Damage func(ctx context.Context, key string, index bool) error
}

// Check is one thing that every store must do.
type Check struct {
	Name string
	try  func(*trial)
}

// Checks lists what Run tries, in order.
func Checks() []Check {
	return slices.Concat(peopleChecks, stepChecks, roundChecks, deskChecks)
}

// Run tries every check on a store of its own, which open makes. cannot names
// those that a stand-in of the real service cannot carry, with the reason; they
// are skipped by name, so that the run says what it did not try.
func Run(t *testing.T, open func(t *testing.T) Subject, cannot map[string]string) {
	t.Helper()
	for name := range cannot {
		if !slices.ContainsFunc(Checks(), func(c Check) bool { return c.Name == name }) {
			t.Errorf("%q is none of the checks", name)
		}
	}
	for _, c := range Checks() {
		t.Run(strings.ReplaceAll(c.Name, " ", "_"), func(t *testing.T) {
			if why, skip := cannot[c.Name]; skip {
				t.Skip(why)
			}
			c.try(&trial{T: t, Subject: open(t)})
		})
	}
}

// trial is one check under way.
type trial struct {
	*testing.T
	Subject
	codes int
}

// noon is when every check begins.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// codeTTL is how long the checks' codes live.
const codeTTL = 4 * time.Hour

func (t *trial) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func (t *trial) want(err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// settle waits for the line to follow.
func (t *trial) settle() {
	if t.Settle != nil {
		t.Settle()
	}
}

// signup is what somebody of that name hands in.
func (t *trial) signup(name string, at time.Time) waitlist.Signup {
	t.Helper()
	a, err := email.Parse(name + "@example.org")
	t.must(err)
	return waitlist.Signup{
		Key: "key-" + name, Address: a, Language: "es", Wanted: "/apply?step=2",
		Fields: map[string]string{"state": "VT"}, At: at,
	}
}

// join puts somebody in the line.
func (t *trial) join(name string, at time.Time) waitlist.Ref {
	t.Helper()
	j, err := t.Store.Join(t.Context(), t.signup(name, at))
	t.must(err)
	if !j.New {
		t.Fatalf("%s did not join", name)
	}
	return j.Ref
}

// place finds somebody in the line.
func (t *trial) place(key string, due bool) (waitlist.Place, bool) {
	t.Helper()
	for _, p := range t.line(due) {
		if p.Key == key {
			return p, true
		}
	}
	return waitlist.Place{}, false
}

// line reads one half of the line, oldest first.
func (t *trial) line(due bool) []waitlist.Place {
	t.Helper()
	t.settle()
	all, err := waitlist.Oldest(1000, due, waitlist.Shards, time.Time{}, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		var pages [][]waitlist.Place
		for _, q := range queries {
			page, err := t.Store.Page(t.Context(), q)
			if err != nil {
				return nil, err
			}
			pages = append(pages, page)
		}
		return pages, nil
	})
	t.must(err)
	return all
}

// claim takes somebody for a tick and gives the message that asks for the mail.
func (t *trial) claim(ref waitlist.Ref, tick time.Time) waitlist.Message {
	t.Helper()
	p, ok := t.place(ref.Key, false)
	if !ok {
		t.Fatalf("%s is not waiting", ref.Key)
	}
	m := p.NewMessage(tick, tick.Add(time.Second))
	t.must(t.Store.Claim(t.Context(), p, tick, waitlist.ClaimDue(m.Slot)))
	return m
}

// ticket draws a code that this check has not had yet.
func (t *trial) ticket(at time.Time) waitlist.Ticket {
	t.codes++
	return waitlist.Ticket{Code: bypass.Code(fmt.Sprintf("%020d", t.codes)), Expires: at.Add(codeTTL)}
}

// begin is claim and the sender's first write.
func (t *trial) begin(ref waitlist.Ref, tick time.Time) (waitlist.Message, waitlist.Entry) {
	t.Helper()
	m := t.claim(ref, tick)
	e, err := t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
	t.must(err)
	return m, e
}

// invite is begin and the yes of SES.
func (t *trial) invite(ref waitlist.Ref, tick time.Time) (waitlist.Message, waitlist.Entry) {
	t.Helper()
	m, e := t.begin(ref, tick)
	t.must(t.Store.Accept(t.Context(), ref, m.Attempt, m.Slot.Add(time.Second)))
	return m, e
}

func (t *trial) entry(key string) waitlist.Entry {
	t.Helper()
	e, err := t.Store.Entry(t.Context(), key)
	t.must(err)
	return e
}

// stage checks where somebody stands, and that the line agrees: in the half
// that the stage says, in none after the end.
func (t *trial) stage(key string, want waitlist.Stage) waitlist.Entry {
	t.Helper()
	e := t.entry(key)
	if e.Stage != want {
		t.Fatalf("%s is %s, want %s", key, e.Stage, want)
	}
	_, waiting := t.place(key, false)
	_, due := t.place(key, true)
	if waiting != (want == waitlist.Waiting) || due != (want != waitlist.Waiting && !want.Ended()) {
		t.Fatalf("%s is %s and stands in the line: waiting %v, due %v", key, want, waiting, due)
	}
	if want.Ended() {
		if !e.Address.IsZero() || e.Code != "" || e.Wanted != "" || len(e.Fields) > 0 {
			t.Fatalf("%s has ended and something of the person is kept: %+v", key, e)
		}
		if e.Delete.IsZero() != e.Suppressed {
			t.Fatalf("%s has ended: suppressed %v, deleted at %v", key, e.Suppressed, e.Delete)
		}
	}
	return e
}

// cohort reads the counters of a tick.
func (t *trial) cohort(tick time.Time) waitlist.Cohort {
	t.Helper()
	all, err := t.Store.Cohorts(t.Context(), tick)
	t.must(err)
	for _, c := range all {
		if c.Invited.Equal(tick) {
			return c
		}
	}
	return waitlist.Cohort{Invited: tick}
}

func (t *trial) counted(tick time.Time, sent, redeemed, returned, left int) {
	t.Helper()
	if c := t.cohort(tick); c.Sent != sent || c.Redeemed != redeemed || c.Returned != returned || c.Left != left {
		t.Fatalf("cohort %s counts %+v, want sent %d, redeemed %d, returned %d, left %d", tick.Format(time.TimeOnly), c, sent, redeemed, returned, left)
	}
}

// sideBySide runs f n times at once.
func sideBySide(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
