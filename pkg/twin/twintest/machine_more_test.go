package twintest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"pgregory.net/rapid"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/handover"
	"raincheck/pkg/inviter"
	"raincheck/pkg/operator"
	"raincheck/pkg/records"
	"raincheck/pkg/sender"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// More events of the machine: what an operator does, and what happens between two
// steps of a process.

// keys is the key ring, which may fail to be read.
func (m *machine) keys(ctx context.Context) (*bypass.Keyring, error) {
	if err := m.Edge.Before(ctx, "Keys"); err != nil {
		return nil, err
	}
	return m.Ring, nil
}

func (m *machine) newSender(seed byte) *sender.Service {
	s := m.NewSender(seed)
	s.Keys = m.keys
	return s
}

// meanwhile runs a process, and perhaps something else between two of its calls.
func (m *machine) meanwhile(f func()) {
	if m.inside {
		f()
		return
	}
	m.intruded = false
	if rapid.IntRange(0, 3).Draw(m.T, "meanwhile") == 0 {
		m.intruder, m.before = m.acts, rapid.IntRange(0, 12).Draw(m.T, "after")
	}
	f()
	m.intruder = nil
}

// intrude is called before each call of a process.
func (m *machine) intrude() {
	if m.intruder == nil || m.inside || m.dead {
		return
	}
	if m.before--; m.before >= 0 {
		return
	}
	act, fuse := m.intruder, m.fuse
	m.intruder, m.inside, m.fuse = nil, true, -1
	act()
	m.inside, m.fuse, m.intruded = false, fuse, true
}

// acts is one thing that somebody else does meanwhile.
func (m *machine) acts() {
	acts := map[string]func(*rapid.T){"join": m.joins, "forget": m.forgets, "pause": m.pauses, "edge": m.switchesAtTheEdge}
	names := []string{"join", "forget", "pause", "edge"}
	add := func(name string, act func(*rapid.T)) { acts[name], names = act, append(names, name) }
	if len(m.people()) > 0 {
		add("report", m.reports)
		add("quiet", m.quiets)
	}
	if len(m.codes()) > 0 {
		add("redeem", m.redeems)
	}
	if _, waits := m.Queue.Next(); waits {
		add("send", func(*rapid.T) { m.batch(m.Queue.Receive(m.Now, 3)) })
	}
	someone := false
	m.each(func(waitlist.Entry) { someone = true })
	if someone {
		add("leave", m.leaves)
	}
	acts[rapid.SampledFrom(names).Draw(m.T, "act")](m.T)
}

// inFlight allows a mail that was on its way while its person left, said that no more
// are wanted, or was forgotten.
func (m *machine) inFlight(batch []waitlist.Message) {
	for _, message := range batch {
		m.ambiguous[round{message.Ref, waitlist.Round(message.Attempt)}]++
		if _, known := m.acknowledged[message.Ref]; !known {
			m.since[message.Key] = m.Outbox.Len()
		}
		if _, gone := m.left[message.Ref]; gone {
			m.left[message.Ref] = m.mailsOf(message.Ref, 0)
		}
		if _, quiet := m.quiet[message.Ref]; quiet {
			m.quiet[message.Ref] = m.mailsOf(message.Ref, 0)
		}
		if m.suppressedKey(message.Key) {
			m.suppressed[message.Key] = m.Mails()[message.Key]
		}
	}
}

// people are the mails to people.
func (m *machine) people() (mails []outbox.Mail) {
	for _, mail := range m.Outbox.Mails(0) {
		if mail.Tags[email.TagTest] == "" {
			mails = append(mails, mail)
		}
	}
	return mails
}

// codes are those that are out, of earlier rounds too: a mail that came back may have
// arrived after all.
func (m *machine) codes() (codes []bypass.Code) {
	m.each(func(e waitlist.Entry) {
		if e.Code != "" {
			codes = append(codes, e.Code)
		}
	})
	for i, mail := range m.Outbox.Mails(0) {
		if code, err := mailed(m.Ring, mail, m.Now); err == nil && i >= m.since[mail.Tags[email.TagKey]] {
			codes = append(codes, code)
		}
	}
	return codes
}

// plane is the operator's control plane; without a desk only the edge can be reached.
func (m *machine) plane(desk bool) *operator.Plane {
	p := &operator.Plane{Desk: m.Store, Edge: m.Edge, Now: func() time.Time { return m.Now }}
	if !desk {
		p.Desk = operator.NoDesk{Why: errors.New("the table does not answer")}
	}
	return p
}

// Throttle asks for invitations, in throttle.
func (m *machine) Throttle(invite int) {
	m.Helper()
	control, err := m.Store.Control(m.Ctx)
	m.Must(err)
	if control.EffectiveMode() != gate.Throttle || m.door != gate.Throttle {
		m.throws(true, gate.Throttle)
	}
	m.Operate(func(c *waitlist.Control) { c.InviteNow = invite })
}

// throws throws a switch.
func (m *machine) throws(desk bool, mode gate.Mode) {
	change, half := operator.Change{Mode: mode}, 0.5
	if mode == gate.Throttle {
		change.Admit = &half
	}
	var err error
	m.thrown = m.Now
	struck := m.faulty(func() { err = m.plane(desk).Change(m.Ctx, change) })
	switch {
	case err == nil || errors.Is(err, operator.ErrHalfDone) || errors.Is(err, operator.ErrNotYet):
		m.door = mode
	default:
		m.door = "" // in effect or not, as its words say
		if !struck && !strings.Contains(err.Error(), "no pass keys") && desk {
			m.Fatalf("the switch to %s: %v", mode, err)
		}
	}
}

func (m *machine) switches(t *rapid.T) {
	m.throws(true, rapid.SampledFrom([]gate.Mode{gate.Open, gate.Throttle, gate.Hold, gate.Observe}).Draw(t, "mode"))
}

// switchesAtTheEdge is the emergency line, while the table does not answer.
func (m *machine) switchesAtTheEdge(t *rapid.T) {
	if _, _, err := m.Edge.Store.Gate(m.Ctx); err != nil {
		return // before the first tick the edge has neither a salt nor keys
	}
	control, err := m.Store.Control(m.Ctx)
	m.Must(err)
	m.throws(false, rapid.SampledFrom([]gate.Mode{gate.Open, gate.Hold}).Draw(t, "mode"))
	if g, _, err := m.Edge.Store.Gate(m.Ctx); err == nil && !g.Switched.After(control.Switched) {
		// A clock that is behind, and a gate that does not have the last switch yet: the
		// emergency line cannot know of it, and loses.
		m.door = ""
	}
}

// doorIs holds the waitlist and the edge to the last switch, after a tick.
func (m *machine) doorIs(t *rapid.T) {
	if m.door == "" {
		return
	}
	control, err := m.Store.Control(m.Ctx)
	m.Must(err)
	g, _, err := m.Edge.Store.Gate(m.Ctx)
	m.Must(err)
	// The inviter looks at the edge every five minutes; in open it does when it has
	// something to write.
	stands := control.EffectiveMode() != gate.Open
	seen := stands && m.Now.Sub(m.thrown) > gate.GoodFor/2+time.Minute
	if g.Mode != m.door || seen && control.EffectiveMode() != m.door {
		t.Fatalf("(i) the last switch is %s, the waitlist has %s and the edge %s", m.door, control.EffectiveMode(), g.Mode)
	}
}

// counted is (f): the count is a scan's. Where it takes more than a page it is right
// after a recount, but for those of the last seconds.
func (m *machine) counted(t *rapid.T, r inviter.Report, waiting int, recount bool) {
	young := 0
	if m.Store.CountPage > 0 {
		if !recount {
			return
		}
		m.each(func(e waitlist.Entry) {
			if e.Stage == waitlist.Waiting && e.Joined.After(m.Now.Add(-waitlist.Watermark)) {
				young++
			}
		})
	}
	if r.Waiting > waiting || r.Waiting < waiting-young {
		t.Fatalf("(f) %d are said to wait, and %d do, %d of them since a moment", r.Waiting, waiting, young)
	}
}

// accounts is what the mail service allows from now on.
func (m *machine) accounts(t *rapid.T) {
	m.Outbox.Allow(outbox.Allowance{
		PerSecond: rapid.SampledFrom([]float64{0.05, 0.2, 14}).Draw(t, "rate"), PerDay: rapid.SampledFrom([]float64{0, 0, 1, 4}).Draw(t, "quota"),
		Suspended: rapid.SampledFrom([]string{"", "", "", "the account is under review"}).Draw(t, "suspended"),
	})
}

func (m *machine) forgets(t *rapid.T) {
	key := m.Signup(rapid.SampledFrom([]string{"ann", "bob", "cat", "dan", "eve", "fay", "gus", "nobody"}).Draw(t, "whom")).Key
	m.faulty(func() { _ = m.Store.Forget(m.Ctx, key) })
	m.Must(m.Store.Forget(m.Ctx, key))
	if _, err := m.Store.Entry(m.Ctx, key); !errors.Is(err, waitlist.ErrUnknown) {
		t.Fatalf("who was forgotten is there: %v", err)
	}
	for ref := range m.acknowledged {
		if ref.Key == key {
			delete(m.acknowledged, ref)
			delete(m.left, ref)
			delete(m.quiet, ref)
			for n := range waitlist.MaxRounds + 1 {
				delete(m.ambiguous, round{ref, n})
				delete(m.handed, round{ref, n})
			}
		}
	}
	delete(m.suppressed, key)
	m.since[key] = m.Outbox.Len()
}

// inShards joins people into the machine's few shards.
type inShards struct{ *store.Store }

func (s inShards) Join(ctx context.Context, su waitlist.Signup) (waitlist.Joined, error) {
	su.Shards = shards
	return s.Store.Join(ctx, su)
}

// imports brings a list of people who joined hours ago.
func (m *machine) imports(t *rapid.T) {
	who := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ann", "bob", "cat", "dan", "eve", "fay", "gus"}), 1, 3, rapid.ID[string]).Draw(t, "who")
	var list strings.Builder
	list.WriteString("address,joined\n")
	for i, name := range who {
		fmt.Fprintf(&list, "%s@example.org,%s\n", name, m.Now.Add(-time.Duration(5+i)*time.Hour).Format(time.RFC3339))
	}
	run := func() error {
		_, err := records.Import{Store: inShards{m.Store}, Keys: m.Ring, Now: m.Now, Workers: 1, Report: func(records.Row) error { return nil }}.
			Run(m.Ctx, strings.NewReader(list.String()), records.CSV)
		return err
	}
	m.faulty(func() { _ = run() })
	m.Must(run())
	for _, name := range who {
		key := m.Signup(name).Key
		e, err := m.Store.Entry(m.Ctx, key)
		if err != nil && m.suppressedKey(key) {
			continue
		}
		m.Must(err)
		m.acknowledged[e.Ref] = true
	}
}

// handsOver hands some invitations to a file, however often that is interrupted.
func (m *machine) handsOver(t *rapid.T) {
	m.disk.batches++
	name, people := fmt.Sprintf("batch-%d.jsonl", m.disk.batches), rapid.IntRange(1, 3).Draw(t, "people")
	run := func() error {
		_, err := (&handover.Handover{
			Store: m.Store, Disk: m.disk, Keys: m.Ring, Now: func() time.Time { return m.Now }, Random: twintest.Random(byte(m.disk.batches)),
			Room: "https://www.example.com/waiting-room", Life: twintest.CodeTTL, Shards: shards, Workers: 1,
		}).Run(m.Ctx, people, name)
		return err
	}
	if m.faulty(func() { _ = run() }) {
		m.Now = m.Now.Add(time.Minute)
	}
	if err := run(); err != nil && !errors.Is(err, handover.ErrDone) {
		t.Fatalf("the handover: %v", err)
	}
	text, err := m.disk.Read(name)
	m.Must(err)
	for line := range strings.Lines(string(text)) {
		var person struct{ Address, Code string }
		m.Must(json.Unmarshal([]byte(line), &person))
		local, _, _ := strings.Cut(person.Address, "@")
		e, err := m.Store.Entry(m.Ctx, m.Signup(local).Key)
		m.Must(err)
		if e.Stage != waitlist.Invited || e.Code.String() != person.Code {
			t.Fatalf("somebody of the file is %s, with its code: %v", e.Stage, e.Code.String() == person.Code)
		}
		m.handed[round{e.Ref, waitlist.Round(e.Attempt)}] = true
	}
}

// memoryDisk keeps files in memory.
type memoryDisk struct {
	files   map[string][]byte
	batches int
}

func (d *memoryDisk) Read(name string) ([]byte, error) {
	if data, ok := d.files[name]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func (d *memoryDisk) Append(name string, data []byte) error {
	d.files[name] = append(d.files[name], data...)
	return nil
}

func (d *memoryDisk) Replace(name string, data []byte) error {
	d.files[name] = data
	return nil
}

func (d *memoryDisk) Remove(name string) error {
	delete(d.files, name)
	return nil
}

func (d *memoryDisk) Lock(string) (unlock func(), err error) { return func() {}, nil }
