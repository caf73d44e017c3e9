package table_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/email"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// calls is one call of every method, and what refuses it: the condition failed,
// for the reason that it is there.
var calls = map[string]struct {
	call func(ctx context.Context, s *table.Table) error
	// refused is what the caller hears then; nil for what has no condition, or
	// takes it as an answer.
	refused error
}{
	"Join": {func(ctx context.Context, s *table.Table) error {
		address, err := email.Parse("secret@example.org")
		if err != nil {
			return err
		}
		_, err = s.Join(ctx, waitlist.Signup{Key: "key", Address: address, Wanted: "/secret", At: later()})
		return err
	}, nil},
	"Redeem": {func(ctx context.Context, s *table.Table) error {
		_, err := s.Redeem(ctx, waitlist.Redemption{Code: "0123456789ABCDEFGHJK", Use: "phone", At: later()})
		return err
	}, nil},
	"Entry":    {func(ctx context.Context, s *table.Table) error { _, err := s.Entry(ctx, "key"); return err }, nil},
	"Ticket":   {func(ctx context.Context, s *table.Table) error { _, err := s.Ticket(ctx, "0"); return err }, nil},
	"Leave":    {func(ctx context.Context, s *table.Table) error { return s.Leave(ctx, message.Ref, later()) }, nil},
	"Bounce":   {func(ctx context.Context, s *table.Table) error { return s.Bounce(ctx, message.Ref, later()) }, nil},
	"Complain": {func(ctx context.Context, s *table.Table) error { return s.Complain(ctx, message.Ref, later()) }, nil},
	"Claim": {func(ctx context.Context, s *table.Table) error {
		return s.Claim(ctx, waitlist.Place{Ref: message.Ref}, later(), later())
	}, waitlist.ErrStale},
	"GiveBack": {func(ctx context.Context, s *table.Table) error { return s.GiveBack(ctx, message, waitlist.Sending) }, waitlist.ErrStale},
	"Begin": {func(ctx context.Context, s *table.Table) error {
		_, err := s.Begin(ctx, message, waitlist.Ticket{Code: "0"}, later())
		return err
	}, nil},
	"Accept": {func(ctx context.Context, s *table.Table) error { return s.Accept(ctx, message.Ref, 1, later()) }, waitlist.ErrStale},
	"Retry":  {func(ctx context.Context, s *table.Table) error { return s.Retry(ctx, message, later()) }, waitlist.ErrStale},
	"Postpone": {func(ctx context.Context, s *table.Table) error {
		second := message
		second.Attempt = 2
		return s.Postpone(ctx, second, later())
	}, waitlist.ErrStale},
	"Expire":        {func(ctx context.Context, s *table.Table) error { return s.Expire(ctx, message.Ref, later()) }, waitlist.ErrStale},
	"Fail":          {func(ctx context.Context, s *table.Table) error { return s.Fail(ctx, message, later()) }, waitlist.ErrStale},
	"Bury":          {func(ctx context.Context, s *table.Table) error { return s.Bury(ctx, "key", later()) }, waitlist.ErrStale},
	"Control":       {func(ctx context.Context, s *table.Table) error { _, err := s.Control(ctx); return err }, nil},
	"NoticeIn":      {func(ctx context.Context, s *table.Table) error { _, _, _, err := s.NoticeIn(ctx, "en"); return err }, nil},
	"Notice":        {func(ctx context.Context, s *table.Table) error { _, _, err := s.Notice(ctx); return err }, nil},
	"UpdateControl": {func(ctx context.Context, s *table.Table) error { return s.UpdateControl(ctx, pause) }, waitlist.ErrBusy},
	"SaveProgress":  {func(ctx context.Context, s *table.Table) error { return s.SaveProgress(ctx, waitlist.Progress{}) }, nil},
	"Lease": {func(ctx context.Context, s *table.Table) error {
		_, err := s.Lease(ctx, later(), later(), later())
		return err
	}, waitlist.ErrLease},
	"Reserve":   {func(ctx context.Context, s *table.Table) error { return s.Reserve(ctx, later(), later()) }, waitlist.ErrLease},
	"Release":   {func(ctx context.Context, s *table.Table) error { return s.Release(ctx, later()) }, waitlist.ErrLease},
	"State":     {func(ctx context.Context, s *table.Table) error { _, err := s.State(ctx); return err }, nil},
	"SaveState": {func(ctx context.Context, s *table.Table) error { return s.SaveState(ctx, later(), []byte("x")) }, waitlist.ErrLease},
	"Cohorts":   {func(ctx context.Context, s *table.Table) error { _, err := s.Cohorts(ctx, later()); return err }, nil},
	"Page": {func(ctx context.Context, s *table.Table) error {
		_, err := s.Page(ctx, waitlist.Query{Limit: 1})
		return err
	}, nil},
	"Count": {func(ctx context.Context, s *table.Table) error {
		_, _, err := s.Count(ctx, waitlist.Query{})
		return err
	}, nil},
	"Each": {func(ctx context.Context, s *table.Table) error {
		return s.Each(ctx, func(waitlist.Entry) error { return nil })
	}, nil},
	"Forget": {func(ctx context.Context, s *table.Table) error { return s.Forget(ctx, "key") }, nil},
	"Return": {func(ctx context.Context, s *table.Table) error {
		return s.Return(ctx, message.Ref, 1, waitlist.Back{At: later()})
	}, nil},
	"Requeue": {func(ctx context.Context, s *table.Table) error {
		return s.Requeue(ctx, waitlist.Place{Ref: message.Ref, Attempt: 1})
	}, waitlist.ErrStale},
	"Rejoin": {func(ctx context.Context, s *table.Table) error {
		_, err := s.Rejoin(ctx, waitlist.Signup{Key: "key", At: later()}, message.Ref)
		return err
	}, nil},
	"Quiet":     {func(ctx context.Context, s *table.Table) error { return s.Quiet(ctx, message.Ref, later()) }, nil},
	"Delay":     {func(ctx context.Context, s *table.Table) error { return s.Delay(ctx, message.Ref, 1) }, nil},
	"Arrive":    {func(ctx context.Context, s *table.Table) error { return s.Arrive(ctx, message.Ref, 1) }, nil},
	"SaveWords": {func(ctx context.Context, s *table.Table) error { return s.SaveWords(ctx, "en", site.Words{}) }, nil},
	"Words":     {func(ctx context.Context, s *table.Table) error { _, err := s.Words(ctx, "en"); return err }, nil},
}

var message = waitlist.Message{Ref: waitlist.Ref{Key: "key", Joining: 54108}, Claim: later(), Slot: later(), Attempt: 1}

func pause(c *waitlist.Control) error { c.Paused = true; return nil }

const refusal = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"}`

// Every method that asks the table stands in calls: a new one is not forgotten.
func TestEveryMethodIsCalled(t *testing.T) {
	t.Parallel()
	for m := range reflect.TypeFor[*table.Table]().Methods() {
		if m.Type.NumIn() < 2 || !m.Type.In(1).Implements(reflect.TypeFor[context.Context]()) {
			continue
		}
		if _, ok := calls[m.Name]; !ok {
			t.Errorf("the table's method %s does not stand in calls", m.Name)
		}
	}
}

// A busy table is waitlist.ErrBusy whatever was asked of it, after three tries; a
// request that it does not understand is not, and is made once. Each says in the
// waitlist's words what was under way, and nothing of a person.
func TestEveryErrorSaysWhatWasUnderWay(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	for method, c := range calls {
		for kind, story := range map[string]struct {
			status int
			body   string
			busy   bool
			tries  int
		}{
			"throttled":    {400, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}`, true, 3},
			"over its own": {400, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level was exceeded"}`, true, 3},
			"a limit":      {400, `{"__type":"com.amazonaws.dynamodb.v20120810#RequestLimitExceeded","message":"Too much"}`, true, 3},
			"not its own":  {400, `{"__type":"com.amazon.coral.validate#ValidationException","message":"One or more parameter values were invalid"}`, false, 1},
			"not allowed":  {400, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"not authorized"}`, false, 1},
			"broken":       {500, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal"}`, false, 3},
		} {
			// All at once, for most of the time goes into waiting for the next try.
			a := newAnswers(t, always(story.status, story.body))
			wait.Go(func() {
				err := c.call(t.Context(), a.Table)
				if err == nil || errors.Is(err, waitlist.ErrBusy) != story.busy ||
					!strings.HasPrefix(err.Error(), "table: ") || strings.Count(err.Error(), "table: ") != 1 || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s, %s: the error is %v", method, kind, err)
				}
				if n := len(a.asked()); n != story.tries {
					t.Errorf("%s, %s: asked %d times", method, kind, n)
				}
			})
		}
	}
	wait.Wait()
}

// TestEveryPersonHasThreeTries: a table that throttles every second request refuses
// one sign-up in eight, however many there are.
func TestEveryPersonHasThreeTries(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	chance := rand.New(rand.NewPCG(1, 1))
	a := newAnswers(t, func(string, request) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		if chance.IntN(2) == 0 {
			return 400, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}`
		}
		return 0, `{"Attributes":{"joining":{"N":"1"}}}`
	})
	const people = 800
	refused := make([]bool, people)
	var all sync.WaitGroup
	for w := range 200 {
		all.Go(func() {
			for i := w; i < people; i += 200 {
				_, err := a.Join(t.Context(), waitlist.Signup{Key: "key", At: later()})
				refused[i] = err != nil
				if err != nil && !errors.Is(err, waitlist.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := 0
	for _, r := range refused {
		if r {
			n++
		}
	}
	if share := float64(n) / people; share > 0.18 {
		t.Errorf("%.1f %% of the people were refused, want 12.5 %%", 100*share)
	}
}

// A condition that does not hold is an answer, and the caller knows which.
func TestARefusalIsAnAnswer(t *testing.T) {
	t.Parallel()
	for method, c := range calls {
		if c.refused == nil {
			continue
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			a := newAnswers(t, func(action string, _ request) (int, string) {
				if action == "UpdateItem" {
					return 400, refusal
				}
				return 0, `{}`
			})
			if err := c.call(t.Context(), a.Table); !errors.Is(err, c.refused) {
				t.Fatalf("the error is %v, want %v", err, c.refused)
			}
		})
	}
	a := newAnswers(t, always(400, refusal))
	if j, err := a.Join(t.Context(), waitlist.Signup{Key: "key", At: later()}); err != nil || j.New {
		t.Errorf("joining twice: %+v, %v", j, err)
	}
}

// What a refused redemption shows decides what the person hears; a stand-in, and
// DynamoDB without an item, show nothing.
func TestARefusedCodeIsRevokedOrUsedUp(t *testing.T) {
	t.Parallel()
	const it = `"entry":{"S":"key"},"joining":{"N":"2"},"claim":{"N":"1772625660000"},"uses":{"SS":["a","b","c"]}`
	shown := func(it string) string { return strings.Replace(refusal, `{`, `{"Item":{`+it+`},`, 1) }
	for _, story := range []struct {
		name, refusal, item string
		known               bool
		err                 error
	}{
		{"used up", shown(it), "", true, waitlist.ErrUsedUp},
		{"revoked", shown(it + `,"revoked":{"BOOL":true}`), "", true, waitlist.ErrRevoked},
		{"used up, as a stand-in says it", refusal, it, true, waitlist.ErrUsedUp},
		{"not there", refusal, "", false, nil},
		{"unreadable", shown(`"entry":{"N":"5"}`), "", true, waitlist.ErrUnreadable},
	} {
		a := newAnswers(t, func(action string, _ request) (int, string) {
			switch {
			case action == "UpdateItem":
				return 400, story.refusal
			case story.item != "":
				return 0, `{"Item":{` + story.item + `}}`
			}
			return 0, `{}`
		})
		r, err := a.Redeem(t.Context(), waitlist.Redemption{Code: "0", Use: "d", At: later()})
		if !errors.Is(err, story.err) || r.Known != story.known {
			t.Errorf("%s: %+v, %v", story.name, r, err)
		}
	}
}

// Whoever changes the control item reads it again as often as others have changed
// it meanwhile, and keeps theirs.
func TestAChangeOfControlIsMadeOnTheNewestVersion(t *testing.T) {
	t.Parallel()
	others := 3
	a := newAnswers(t, nil)
	a.say = func(action string, in request) (int, string) {
		if action == "GetItem" {
			return 0, text(t, map[string]any{"Item": map[string]value{"id": {"S": "control"}, "doc": {"S": text(t, waitlist.Control{InviteNow: 9 - others, Version: 9 - others})}}})
		}
		if others--; others >= 0 {
			return 400, refusal
		}
		return 0, `{}`
	}
	if err := a.UpdateControl(t.Context(), pause); err != nil {
		t.Fatal(err)
	}
	all := a.asked()
	last := all[len(all)-1]
	if doc, _ := last.set()["doc"]["S"].(string); len(all) != 8 || !strings.Contains(doc, `"paused":true`) || !strings.Contains(doc, `"inviteNow":9`) || !strings.Contains(doc, `"version":10`) {
		t.Fatalf("%d requests, the last writes %v", len(all), last.set())
	}
	// Nothing to change is nothing to write; what the caller does not want, neither.
	if err := a.UpdateControl(t.Context(), func(*waitlist.Control) error { return nil }); err != nil || len(a.asked()) != 1 {
		t.Fatalf("wrote without a change: %v", err)
	}
	no := errors.New("no")
	if err := a.UpdateControl(t.Context(), func(*waitlist.Control) error { return no }); !errors.Is(err, no) || len(a.asked()) != 1 {
		t.Fatalf("wrote what was refused: %v", err)
	}
}

func TestWhatIsNotADocumentIsUnreadable(t *testing.T) {
	t.Parallel()
	for doc, it := range map[string]string{"not JSON": `{"id":{"S":"control"},"doc":{"S":"{"}}`, "missing": `{"id":{"S":"control"}}`, "a number": `{"id":{"S":"control"},"doc":{"N":"1"}}`} {
		a := newAnswers(t, func(action string, _ request) (int, string) {
			if action == "BatchGetItem" {
				return 0, `{"Responses":{"` + name + `":[` + it + `]}}`
			}
			return 0, `{"Item":` + it + `}`
		})
		if _, err := a.Control(t.Context()); !errors.Is(err, waitlist.ErrUnreadable) {
			t.Errorf("%s: %v", doc, err)
		}
		if _, _, err := a.Notice(t.Context()); !errors.Is(err, waitlist.ErrUnreadable) {
			t.Errorf("%s: %v", doc, err)
		}
		it = strings.Replace(it, "control", "progress", 1)
		if _, _, err := a.Notice(t.Context()); !errors.Is(err, waitlist.ErrUnreadable) {
			t.Errorf("%s in progress: %v", doc, err)
		}
		it = strings.Replace(it, "progress", "words#en", 1)
		if _, _, _, err := a.NoticeIn(t.Context(), "en"); !errors.Is(err, waitlist.ErrUnreadable) {
			t.Errorf("%s in words: %v", doc, err)
		}
	}
	a := newAnswers(t, always(0, `{"Item":{"id":{"S":"state"},"state":{"S":"text"}}}`))
	if _, err := a.State(t.Context()); !errors.Is(err, waitlist.ErrUnreadable) {
		t.Fatalf("the error is %v", err)
	}
}

// A caller who gives up is not asked to wait for the third try.
func TestACallerMayGiveUp(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, always(500, `{}`))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := a.Entry(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the error is %v", err)
	}
}
