package twintest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/inviter"
	"raincheck/pkg/sender"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// errDead is what every call answers to a process that has died.
var errDead = errors.New("this process is dead")

const shards = 2

// machine is the world under random events, with what must always hold.
type machine struct {
	*twintest.World
	*rapid.T

	senders  []*sender.Service
	machines byte // the first sender's
	// faults left for the calls to the store: after so many calls the next one
	// fails, and with dead all that follow.
	fuse   int
	dead   bool
	dies   bool // the process that meets the fault
	lost   bool // the call that fails takes effect
	struck bool // a fault happened
	// intruder does something between two steps of a process, after so many calls;
	// inside it does, and intruded that it did.
	intruder         func()
	before           int
	inside, intruded bool
	// answer draws what the mail service says to each mail.
	answer func() (before, after error)

	acknowledged map[waitlist.Ref]bool
	left         map[waitlist.Ref]int // mails at the time
	suppressed   map[string]int       // mails at the time
	quiet        map[waitlist.Ref]int // mails at the time
	ambiguous    map[round]int
	messages     []waitlist.Message // all that were ever queued
	pausedAt     time.Time
	since        map[string]int // mails before these were to somebody who was forgotten
	handed       map[round]bool // invited by a file
	disk         *memoryDisk
	ticked       time.Time    // the last tick that nothing struck
	door         gate.Mode    // the operator's last switch, if it is known which one that is
	thrown       time.Time    // when it was
	room         http.Handler // the waiting room's pages
}

// round is one round of a joining.
type round struct {
	waitlist.Ref
	n int
}

// Helper and Fatalf are both the world's and rapid's; they are the same.
func (m *machine) Helper() { m.T.Helper() }

// Fatalf fails the sequence.
func (m *machine) Fatalf(format string, args ...any) { m.T.Helper(); m.T.Fatalf(format, args...) }

func newMachine(t *rapid.T) *machine {
	m := &machine{
		World: twintest.NewWorld(t), T: t, fuse: -1, acknowledged: map[waitlist.Ref]bool{}, left: map[waitlist.Ref]int{},
		suppressed: map[string]int{}, quiet: map[waitlist.Ref]int{}, ambiguous: map[round]int{},
		since: map[string]int{}, handed: map[round]bool{}, disk: &memoryDisk{files: map[string][]byte{}}, door: gate.Throttle,
	}
	var err error
	m.room, err = intake.Service{
		Settings: intake.Settings{Site: "Example", Sender: "invitations@example.com", PassLife: time.Hour},
		Store:    m.Store, Keys: func(context.Context) (*bypass.Keyring, error) { return m.Ring, nil }, Now: func() time.Time { return m.Now },
	}.Handler()
	m.Must(err)
	m.machines = 1
	m.senders = []*sender.Service{m.newSender(1), m.newSender(2)}
	m.Inviter.Keys = m.keys
	m.Store.CountPage = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "page")
	// A few mails a minute at the least, so that slots spread over the minute; two
	// shards, so that there is an order within them.
	m.Outbox.Allow(outbox.Allowance{PerSecond: rapid.SampledFrom([]float64{0.05, 0.2, 14}).Draw(t, "rate")})
	m.Operate(func(c *waitlist.Control) { c.Shards = shards })
	m.Queue.Probe = &twin.Probe{Before: func(context.Context, string) error {
		if m.dead {
			return errDead
		}
		return nil
	}}
	strike := func(effect bool) func(context.Context, string) error {
		return func(context.Context, string) error {
			if !effect {
				m.intrude()
			}
			if m.dead && !effect {
				return errDead
			}
			if m.fuse < 0 || effect != m.lost {
				return nil
			}
			if m.fuse--; m.fuse >= 0 {
				return nil
			}
			m.struck, m.dead = true, m.dead || m.dies
			return fmt.Errorf("%w at this call", waitlist.ErrBusy)
		}
	}
	m.Store.Probe = &twin.Probe{Before: strike(false), After: strike(true)}
	m.Edge.Before = strike(false)
	var after error
	m.Outbox.Probe = &twin.Probe{
		Before: func(_ context.Context, call string) (before error) {
			if call == "Send" && m.dead {
				return email.ErrAmbiguous // nobody asked, and nobody knows
			}
			if after = nil; call == "Send" && m.answer != nil {
				before, after = m.answer()
			}
			return before
		},
		After: func(context.Context, string) error { return after },
	}
	return m
}

// faulty runs something while the store may fail, or its caller die, and says
// whether it did.
func (m *machine) faulty(f func()) bool {
	if m.inside {
		f()
		return false
	}
	if rapid.IntRange(0, 3).Draw(m.T, "trouble") == 0 {
		m.fuse = rapid.IntRange(0, 24).Draw(m.T, "fuse")
		m.lost, m.dies = rapid.Bool().Draw(m.T, "lost"), rapid.Bool().Draw(m.T, "dies")
	}
	m.struck = false
	f()
	m.fuse, m.dead = -1, false
	return m.struck
}

// The events.

func (m *machine) joins(t *rapid.T) {
	su := m.Signup(rapid.SampledFrom([]string{"ann", "bob", "cat", "dan", "eve", "fay", "gus"}).Draw(t, "who"))
	su.Shards = shards
	before, _ := m.Store.Entry(m.Ctx, su.Key)
	if !m.inside {
		m.Now = m.Now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
	}
	m.faulty(func() {
		j, err := m.Store.Join(m.Ctx, su)
		if err == nil && j.New {
			m.acknowledged[j.Ref] = true
		}
	})
	// The page comes again, or the person does.
	if j, err := m.Store.Join(m.Ctx, su); err == nil && j.New {
		m.acknowledged[j.Ref] = true
	}
	e, err := m.Store.Entry(m.Ctx, su.Key)
	if err != nil && m.suppressedKey(su.Key) {
		return
	}
	m.Must(err)
	m.acknowledged[e.Ref] = true
	if before.Stage != "" && !before.Stage.Ended() && e.Stage != "" && !reflect.DeepEqual(before, e) {
		t.Fatalf("joining again changed a place in the line: %+v became %+v", before, e)
	}
}

// loses is a queue that loses a message, or a sender that dies before it begins.
func (m *machine) loses(t *rapid.T) {
	if next, ok := m.Queue.Next(); ok {
		m.Queue.Receive(next, 1)
		return
	}
	t.Skip("no message")
}

func (m *machine) suppressedKey(key string) bool { _, yes := m.suppressed[key]; return yes }

func (m *machine) asks(t *rapid.T) {
	m.Throttle(rapid.IntRange(0, 6).Draw(t, "invite"))
}

func (m *machine) ticks(t *rapid.T) {
	before := map[string]waitlist.Entry{}
	m.each(func(e waitlist.Entry) { before[e.Key] = e })
	control, err := m.Store.Control(m.Ctx)
	m.Must(err)
	m.Now = m.Now.Truncate(time.Minute).Add(time.Minute)
	queued, recount := m.Queue.Len(), m.Now.Sub(m.ticked) >= waitlist.RecountAfter
	m.ticked = m.Now
	var r inviter.Report
	struck := m.faulty(func() { m.meanwhile(func() { r, err = m.Inviter.Tick(m.Ctx, m.Now) }) })
	if !struck && err != nil {
		t.Fatalf("the tick says %v", err)
	}
	if rapid.IntRange(0, 3).Draw(t, "doubled") == 0 {
		again, err := m.Inviter.Tick(m.Ctx, m.Now)
		m.Must(err)
		if again.Skipped == "" && !struck {
			t.Fatalf("the same tick ran twice: %+v", again)
		}
		if again.Skipped == "" {
			r = again
		}
	}
	m.learn(queued)
	// (d) what was invited is what was decided.
	claimed, waiting := 0, 0
	newest := map[int]time.Time{}
	m.each(func(e waitlist.Entry) {
		// Not one of an earlier tick of that time: the clock may have gone back since.
		if e.Claim.Equal(m.Now) && e.Stage == waitlist.Claimed && !before[e.Key].Claim.Equal(m.Now) {
			claimed++
			if e.Joined.After(newest[e.Shard]) {
				newest[e.Shard] = e.Joined
			}
		}
		if e.Stage == waitlist.Waiting {
			waiting++
		}
	})
	if allowed := max(0, r.Decision.Invite) + control.InviteNow; claimed > allowed {
		t.Fatalf("(d) %d were invited and %d decided", claimed, allowed)
	}
	if control.Mode == gate.Hold && m.door == gate.Hold && !m.intruded && claimed > 0 {
		t.Fatalf("(d) %d were invited in a hold", claimed)
	}
	if struck || m.intruded || r.Skipped != "" {
		return
	}
	m.doorIs(t)
	// (e) first in, first invited within a shard, with the places that came back.
	m.each(func(e waitlist.Entry) {
		if was := before[e.Key]; e.Stage == waitlist.Waiting && was.Joining == e.Joining && !was.Stage.Ended() && e.Joined.Before(newest[e.Shard]) {
			t.Fatalf("(e) somebody of shard %d who joined at %s was passed over for one of %s", e.Shard, e.Joined, newest[e.Shard])
		}
	})
	// (f) the count is a scan's.
	m.counted(t, r, waiting, recount)
}

// learn keeps every message that was queued, to be delivered again some day.
func (m *machine) learn(queued int) {
	if m.Queue.Len() == queued {
		return
	}
	all := m.Queue.Receive(m.Now.Add(1000*time.Hour), 1000)
	for _, message := range all {
		if !slices.Contains(m.messages, message) {
			m.messages = append(m.messages, message)
		}
		m.Queue.Return(message, message.Slot)
	}
}

func (m *machine) delivers(t *rapid.T) {
	until := m.Now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
	m.answer = func() (before, after error) {
		switch rapid.IntRange(0, 9).Draw(t, "answer") {
		case 0:
			return email.ErrThrottled, nil
		case 1:
			return email.ErrAmbiguous, nil
		case 2, 3:
			return nil, email.ErrAmbiguous
		case 4:
			return rapid.SampledFrom([]error{
				email.ErrRefused, email.ErrRefused, email.ErrRecipient, email.ErrLater, email.ErrNotSent, errors.New("a mailer's own words"),
			}).Draw(t, "refusal"), nil
		}
		return nil, nil
	}
	for {
		next, ok := m.Queue.Next()
		if !ok || next.After(until) {
			break
		}
		if next.After(m.Now) {
			m.Now = next
		}
		m.batch(m.Queue.Receive(m.Now, rapid.IntRange(1, 10).Draw(t, "batch")))
	}
	m.Now, m.answer = until, nil
}

// batch lets one of the senders handle a batch, and perhaps die at it.
func (m *machine) batch(batch []waitlist.Message) {
	s := rapid.SampledFrom(m.senders).Draw(m.T, "sender")
	silent := m.Outbox.Len()
	before := map[string]waitlist.Entry{}
	m.each(func(e waitlist.Entry) { before[e.Key] = e })
	var failed []int
	struck := m.faulty(func() {
		m.meanwhile(func() { failed = s.Handle(m.Ctx, batch) })
		if m.dead {
			failed = nil
			for i := range batch {
				failed = append(failed, i)
			}
		}
	})
	for _, i := range failed {
		m.Queue.Return(batch[i], m.Now.Add(twintest.Visibility))
	}
	if m.intruded && !m.inside {
		m.inFlight(batch)
		return
	}
	for _, message := range batch {
		e, err := m.Store.Entry(m.Ctx, message.Key)
		if err == nil && e.Joining == message.Joining && e.Stage == waitlist.Sending || struck {
			m.ambiguous[round{message.Ref, waitlist.Round(message.Attempt)}]++
		}
		was, alone := before[message.Key], 0
		for _, other := range batch {
			if other.Key == message.Key {
				alone++
			}
		}
		if (was.Ref != message.Ref || !was.Claim.Equal(message.Claim)) && alone == 1 && !reflect.DeepEqual(was, e) {
			m.Fatalf("a stale message changed something: %+v became %+v", was, e)
		}
	}
	for _, mail := range m.Outbox.Mails(silent) {
		if mail.Tags[email.TagTest] == "" && !slices.ContainsFunc(batch, func(b waitlist.Message) bool {
			return b.Key == mail.Tags["key"] && !mail.At.Before(b.Slot) && !mail.At.After(b.Slot.Add(waitlist.Grace))
		}) {
			m.Fatalf("a mail was sent outside the slot")
		}
	}
	// (h) paused, and known to be: nothing is sent.
	if !m.pausedAt.IsZero() && m.Now.Sub(m.pausedAt) >= 30*time.Second && m.Outbox.Len() != silent {
		m.Fatalf("(h) a mail was sent %s after the pause", m.Now.Sub(m.pausedAt))
	}
}

func (m *machine) redelivers(t *rapid.T) {
	if len(m.messages) == 0 {
		t.Skip("no message yet")
	}
	m.Queue.Return(rapid.SampledFrom(m.messages).Draw(t, "message"), m.Now)
}

func (m *machine) reports(t *rapid.T) {
	mails := m.people()
	if len(mails) == 0 {
		t.Skip("no mail yet")
	}
	kind := rapid.SampledFrom([]feedback.Kind{
		feedback.Sent, feedback.Sent, feedback.Delivered, feedback.Delayed, feedback.SoftBounce, feedback.SoftBounce, feedback.OurBounce, feedback.OurBounce, feedback.HardBounce,
		feedback.Replied, feedback.Complaint, feedback.Reported, feedback.Rejected, feedback.Other,
	}).Draw(t, "kind")
	e := m.Event(kind, rapid.SampledFrom(mails).Draw(t, "mail"))
	e.Provider, e.Took = rapid.SampledFrom(email.Providers()).Draw(t, "provider"), rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(t, "took")
	struck := m.faulty(func() { _ = m.Feedback.Handle(m.Ctx, e) })
	if struck {
		m.Must(m.Feedback.Handle(m.Ctx, e)) // the bus delivers again
	}
	if kind == feedback.HardBounce || kind == feedback.Complaint {
		if !m.suppressedKey(e.Key) {
			m.suppressed[e.Key] = m.Mails()[e.Key]
		}
		if got, err := m.Store.Entry(m.Ctx, e.Key); err == nil && !got.Suppressed {
			t.Fatalf("a %s did not suppress", kind)
		}
	}
}

func (m *machine) redeems(t *rapid.T) {
	codes := m.codes()
	if len(codes) == 0 {
		t.Skip("no code yet")
	}
	r := waitlist.Redemption{Code: rapid.SampledFrom(codes).Draw(t, "code"), Use: rapid.SampledFrom([]string{"phone", "desktop", "scanner", "more"}).Draw(t, "use"), At: m.Now}
	before := map[string]waitlist.Entry{}
	m.each(func(e waitlist.Entry) { before[e.Key] = e })
	m.faulty(func() { _, _ = m.Store.Redeem(m.Ctx, r) })
	got, err := m.Store.Redeem(m.Ctx, r)
	if errors.Is(err, waitlist.ErrUsedUp) || errors.Is(err, waitlist.ErrRevoked) {
		return
	}
	m.Must(err)
	if e, _ := m.Store.Entry(m.Ctx, got.Ticket.Key); e.Joining == got.Ticket.Joining && e.Stage != waitlist.Used && !before[e.Key].Stage.Ended() {
		t.Fatalf("a redeemed entry is %s", e.Stage)
	}
}

// mailed is the code in a mail, if it lives.
func mailed(ring *bypass.Keyring, mail outbox.Mail, now time.Time) (bypass.Code, error) {
	_, rest, found := strings.Cut(mail.Text, "/code?c=")
	if !found {
		return "", errors.New("no code")
	}
	code, _, err := ring.VerifyCode(strings.Fields(rest)[0], now)
	return code, err
}

// quiets is the one press in a mail program that stops further mails.
func (m *machine) quiets(t *rapid.T) {
	mails := m.people()
	if len(mails) == 0 {
		t.Skip("no mail yet")
	}
	ref := m.Event(feedback.Sent, rapid.SampledFrom(mails).Draw(t, "mail")).Ref
	before, _ := m.Store.Entry(m.Ctx, ref.Key)
	struck := m.faulty(func() { _ = m.Store.Quiet(m.Ctx, ref, m.Now) })
	if err := m.Store.Quiet(m.Ctx, ref, m.Now); err != nil && !errors.Is(err, waitlist.ErrStale) {
		t.Fatalf("quiet (struck before: %v): %v", struck, err)
	}
	if e, _ := m.Store.Entry(m.Ctx, ref.Key); e.Ref == ref && !e.Stage.Ended() && (!e.Quiet || e.Code != before.Code) {
		t.Fatalf("who wants no further mail is %+v", e)
	}
	// Somebody who was forgotten may join again, which is a new consent.
	_, twice := m.quiet[ref]
	if e, err := m.Store.Entry(m.Ctx, ref.Key); err == nil && e.Joining >= ref.Joining && !twice {
		m.quiet[ref] = m.mailsOf(ref, 0)
	}
}

func (m *machine) leaves(t *rapid.T) {
	var refs []waitlist.Ref
	m.each(func(e waitlist.Entry) { refs = append(refs, e.Ref) })
	if len(refs) == 0 {
		t.Skip("nobody yet")
	}
	ref := rapid.SampledFrom(refs).Draw(t, "who")
	ref.Joining -= rapid.IntRange(0, 4).Draw(t, "old") / 4
	before, _ := m.Store.Entry(m.Ctx, ref.Key)
	err := m.Store.Leave(m.Ctx, ref, m.Now)
	if err != nil && !errors.Is(err, waitlist.ErrStale) {
		t.Fatalf("leaving: %v", err)
	}
	if e, _ := m.Store.Entry(m.Ctx, ref.Key); e.Ref == ref && !e.Stage.Ended() {
		t.Fatalf("who left is %s", e.Stage)
	}
	if err == nil && before.Code != "" {
		_, err := m.Store.Redeem(m.Ctx, waitlist.Redemption{Code: before.Code, Use: "late", At: m.Now})
		m.Want(err, waitlist.ErrRevoked)
	}
	// A joining that never was may still come, by an import of people who joined then.
	if _, twice := m.left[ref]; !twice && m.acknowledged[ref] {
		m.left[ref] = m.mailsOf(ref, 0)
	}
}

func (m *machine) pauses(*rapid.T)  { m.Operate(func(c *waitlist.Control) { c.Paused = true }) }
func (m *machine) resumes(*rapid.T) { m.Operate(func(c *waitlist.Control) { c.Resume() }) }

func (m *machine) rotates(t *rapid.T) {
	doc, err := m.Ring.Rotate(m.Now, twintest.Random(5))
	if err != nil {
		t.Skip("the ring is full or was turned a moment ago")
	}
	m.Ring, err = bypass.ParseKeyring(doc)
	m.Must(err)
}

func (m *machine) jumps(t *rapid.T) {
	minutes := rapid.SampledFrom([]int{-5, -1, 1, 16, 16, 60, 250}).Draw(t, "minutes")
	m.Now = m.Now.Add(time.Duration(minutes) * time.Minute)
	if minutes < 0 {
		// Go's clock never runs backwards in one process: these are others, on a
		// machine that is behind.
		m.machines += 2
		m.senders = []*sender.Service{m.newSender(m.machines), m.newSender(m.machines + 1)}
	}
}

// looks is a scanner that opens every link of every mail, and a visitor that opens
// every page: (g) nothing changes.
func (m *machine) looks(t *rapid.T) {
	picture := func() (all []any) {
		m.each(func(e waitlist.Entry) {
			ticket, _ := m.Store.Ticket(m.Ctx, e.Code)
			all = append(all, e, ticket)
		})
		c, p, err := m.Store.Notice(m.Ctx)
		m.Must(err)
		cohorts, err := m.Store.Cohorts(m.Ctx, twintest.Noon)
		m.Must(err)
		return append(all, c, p, cohorts)
	}
	before := picture()
	links := []string{"/en/", "/en/enter", "/es/"}
	for _, mail := range m.Outbox.Mails(0) {
		for word := range strings.FieldsSeq(mail.Text) {
			if _, link, ok := strings.Cut(word, gate.Room); ok {
				links = append(links, link)
			}
		}
	}
	for _, link := range links {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := httptest.NewRecorder()
			m.room.ServeHTTP(answer, httptest.NewRequest(method, "https://www.example.com"+gate.Room+link, nil))
			if answer.Code != http.StatusOK {
				t.Fatalf("%s %s is answered %d", method, link, answer.Code)
			}
		}
	}
	if !reflect.DeepEqual(before, picture()) {
		t.Fatalf("(g) looking changed something")
	}
}

func (m *machine) each(f func(e waitlist.Entry)) {
	m.Helper()
	m.Must(m.Store.Each(m.Ctx, func(e waitlist.Entry) error { f(e); return nil }))
}

// mailsOf counts the mails of a joining: those of one of its rounds, or of all.
func (m *machine) mailsOf(ref waitlist.Ref, n int) int { return len(m.mailed(ref, n)) }

func (m *machine) mailed(ref waitlist.Ref, n int) (mails []outbox.Mail) {
	for _, mail := range m.Outbox.Mails(m.since[ref.Key]) {
		if mail.Tags[email.TagTest] != "" {
			continue
		}
		if e := m.Event(feedback.Sent, mail); e.Ref == ref && (n == 0 || waitlist.Round(e.Attempt) == n) {
			mails = append(mails, mail)
		}
	}
	return mails
}

// codesOf are the different codes that were mailed in a round.
func (m *machine) codesOf(ref waitlist.Ref, n int) map[string]bool {
	codes := map[string]bool{}
	for _, mail := range m.mailed(ref, n) {
		_, rest, _ := strings.Cut(mail.Text, "/code?c=")
		codes[strings.Fields(rest)[0]] = true
	}
	return codes
}

// holds is what must hold after every event.
func (m *machine) holds(t *rapid.T) {
	// (a) everybody is in one stage, and where it says in the line, once.
	standing := map[string]waitlist.Part{}
	for shard := range shards {
		for _, due := range []bool{false, true} {
			part := waitlist.Part{Due: due, Shard: shard}
			page, err := m.Store.Page(m.Ctx, waitlist.Query{Part: part, Limit: 1000})
			m.Must(err)
			for _, p := range page {
				if other, twice := standing[p.Key]; twice {
					t.Fatalf("(a) somebody stands in %s and %s", other, part)
				}
				standing[p.Key] = part
			}
		}
	}
	now := map[string]waitlist.Entry{}
	m.each(func(e waitlist.Entry) {
		now[e.Key] = e
		part, stands := standing[e.Key]
		if stands == e.Stage.Ended() || stands && part.Due == (e.Stage == waitlist.Waiting) {
			t.Fatalf("(a) somebody is %s and stands in %v (%v)", e.Stage, part, stands)
		}
		if e.Stage.Ended() != e.Address.IsZero() {
			t.Fatalf("(a) somebody is %s and the address is erased: %v", e.Stage, e.Address.IsZero())
		}
	})
	for ref := range m.acknowledged {
		if e, there := now[ref.Key]; !there || e.Joining < ref.Joining {
			t.Fatalf("(a) an acknowledged sign-up is gone")
		}
		// (b) mails: two a round, three rounds, and each round has its own code.
		codes, rounds := map[string]int{}, 0
		for n := 1; n <= waitlist.MaxRounds; n++ {
			sent, ambiguous := m.mailsOf(ref, n), m.ambiguous[round{ref, n}]
			if sent > waitlist.MaxAttempts || sent > 1+ambiguous {
				t.Fatalf("(b) %d mails in round %d after %d ambiguous attempts", sent, n, ambiguous)
			}
			rounds += sent
			for code := range m.codesOf(ref, n) {
				if codes[code] != 0 {
					t.Fatalf("(b) the rounds %d and %d have one code", codes[code], n)
				}
				codes[code] = n
			}
			if len(m.codesOf(ref, n)) > 1 {
				t.Fatalf("(b) two mails of a round with different codes")
			}
		}
		if all := m.mailsOf(ref, 0); all != rounds {
			t.Fatalf("(b) %d mails, and %d of them in a round", all, rounds)
		}
	}
	for r := range m.handed {
		if n := m.mailsOf(r.Ref, r.n); n > 0 {
			t.Fatalf("%d mails in a round that a file invited to", n)
		}
	}
	for ref, before := range m.quiet {
		if n := m.mailsOf(ref, 0); n != before {
			t.Fatalf("(c) %d mails after one press said that no more are wanted", n-before)
		}
	}
	// (c) no mail after leaving.
	for ref, before := range m.left {
		if n := m.mailsOf(ref, 0); n != before {
			t.Fatalf("(c) %d mails after leaving", n-before)
		}
	}
	for key, before := range m.suppressed {
		if n := m.Mails()[key]; n != before {
			t.Fatalf("%d mails after a bounce or complaint", n-before)
		}
	}
	c, err := m.Store.Control(m.Ctx)
	m.Must(err)
	switch {
	case !c.Paused:
		m.pausedAt = time.Time{}
	case m.pausedAt.IsZero():
		m.pausedAt = m.Now
	}
}

// ends lets the world come to rest: everybody reaches an end.
func (m *machine) ends(t *rapid.T) {
	m.resumes(t)
	m.Outbox.Allow(outbox.Allowance{PerSecond: 14})
	for range 6 {
		m.Throttle(100)
		m.Tick()
		m.Deliver(m.Now.Add(59 * time.Second))
		m.holds(t)
		m.Now = m.Now.Add(16 * time.Minute)
	}
	m.Now = m.Now.Add(twintest.CodeTTL)
	for range 3 {
		m.Tick()
		m.Deliver(m.Now.Add(59 * time.Second))
	}
	m.holds(t)
	m.each(func(e waitlist.Entry) {
		if !e.Stage.Ended() {
			t.Fatalf("(a) somebody is still %s, due %s, at %s", e.Stage, e.Due, m.Now)
		}
	})
}

// TestWhateverHappens runs random sequences of everything that can happen to
// the line, and checks the invariants of docs/faults.md after each event. rapid prints
// the seed of a failure and the shortest sequence that it found.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		half := 0.5
		m.Operate(func(c *waitlist.Control) { c.Mode, c.Admit, c.Switched = gate.Throttle, &half, m.Now })
		events := map[string]func(*rapid.T){
			"":          m.holds,
			"join":      m.joins,
			"join2":     m.joins,
			"ask":       m.asks,
			"ask2":      m.asks,
			"tick":      m.ticks,
			"tick2":     m.ticks,
			"tick3":     m.ticks,
			"deliver":   m.delivers,
			"deliver2":  m.delivers,
			"deliver3":  m.delivers,
			"redeliver": m.redelivers,
			"lose":      m.loses,
			"report":    m.reports,
			"redeem":    m.redeems,
			"leave":     m.leaves,
			"quiet":     m.quiets,
			"pause":     m.pauses,
			"resume":    m.resumes,
			"rotate":    m.rotates,
			"jump":      m.jumps,
			"look":      m.looks,
			"switch":    m.switches,
			"edge":      m.switchesAtTheEdge,
			"account":   m.accounts,
			"forget":    m.forgets,
			"import":    m.imports,
			"hand":      m.handsOver,
		}
		for range 3 { // some 30 events each
			t.Repeat(events)
		}
		m.ends(t)
	})
}
