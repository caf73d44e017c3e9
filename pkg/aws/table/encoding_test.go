package table_test

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

var joinedAt = time.Date(2026, 3, 4, 12, 0, 0, 250e6, time.UTC)

// stored is an entry in full as DynamoDB has it, with a mail on its way.
func stored() map[string]value {
	return map[string]value{
		"id": {"S": "e#key-ann"}, "joining": {"N": "54108"}, "stage": {"S": "sending"}, "joined": {"N": "1772625600250"}, "shard": {"N": "7"},
		"line": {"S": "d#7"}, "at": {"N": "1772626500000"}, "due": {"N": "1772626500000"}, "claim": {"N": "1772625660000"}, "attempt": {"N": "1"},
		"address": {"S": "ann@example.org"}, "language": {"S": "es"}, "wanted": {"S": "/apply?step=2"}, "fields": {"M": map[string]any{"state": value{"S": "VT"}}},
		"code": {"S": "0123456789ABCDEFGHJK"}, "expires": {"N": "1772640000000"},
	}
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, func(string, request) (int, string) { return 0, text(t, map[string]any{"Item": stored()}) })
	e, err := a.Entry(t.Context(), "key-ann")
	if err != nil {
		t.Fatal(err)
	}
	address, err := email.Parse("ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	minute := joinedAt.Truncate(time.Minute)
	if want := (waitlist.Entry{
		Ref: waitlist.Ref{Key: "key-ann", Joining: 54108}, Stage: waitlist.Sending, Address: address, Language: "es", Wanted: "/apply?step=2",
		Fields: map[string]string{"state": "VT"}, Joined: joinedAt, Shard: 7, Claim: minute.Add(time.Minute), Attempt: 1,
		Due: minute.Add(15 * time.Minute), Code: "0123456789ABCDEFGHJK", Expires: minute.Add(4 * time.Hour),
	}); !reflect.DeepEqual(e, want) {
		t.Fatalf("read %+v\nwant %+v", e, want)
	}
	if got := a.asked(); len(got) != 1 || got[0].Action != "GetItem" || !got[0].ConsistentRead || got[0].Key["id"]["S"] != "e#key-ann" {
		t.Fatalf("asked %+v", got)
	}
}

// What a sign-up writes, with fields and without.
func TestASignUpWritesWhatAnEntryNeeds(t *testing.T) {
	t.Parallel()
	address, err := email.Parse("ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	a := newAnswers(t, always(0, `{"Attributes":{"joining":{"N":"54108"}}}`))
	su := waitlist.Signup{Key: "key-ann", Address: address, Language: "es", Wanted: "/apply?step=2", Fields: map[string]string{"state": "VT"}, At: joinedAt}
	j, err := a.Join(t.Context(), su)
	if err != nil || !j.New || j.Ref != (waitlist.Ref{Key: "key-ann", Joining: 54108}) {
		t.Fatalf("joined %+v, %v", j, err)
	}
	wrote := a.asked()[0]
	is, want := wrote.set(), stored()
	for _, name := range []string{"joined", "address", "language", "wanted", "fields"} {
		if text(t, is[name]) != text(t, want[name]) {
			t.Errorf("%s is written as %v, and read as %v", name, is[name], want[name])
		}
	}
	if is["stage"]["S"] != "waiting" || is["line"]["S"] != (waitlist.Part{Shard: su.Shard()}).String() || is["at"]["N"] != "1772625600250" {
		t.Errorf("written %v", is)
	}
	if strings.Contains(wrote.ConditionExpression+wrote.UpdateExpression, "ann") {
		t.Errorf("an expression holds a person's data: %s", wrote.UpdateExpression)
	}
	su.Fields = nil
	if _, err := a.Join(t.Context(), su); err != nil {
		t.Fatal(err)
	}
	if again := a.asked()[0]; !strings.Contains(again.UpdateExpression, "#fields") || again.set()["fields"] != nil {
		t.Errorf("fields of an earlier joining are kept: %s", again.UpdateExpression)
	}
}

// An entry that cannot be read is waitlist.ErrUnreadable with the attributes'
// names, and never with what stands in them.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]value{
		"joining": {"S": "secret"}, "stage": {"S": "secret"}, "joined": nil, "shard": {"N": "12.5"}, "suppressed": {"S": "secret"},
		"address": {"S": "secret at nowhere"}, "language": {"N": "1"}, "fields": {"S": "secret"}, "code": {"BOOL": true}, "expires": {"SS": []string{"secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := stored()
			if it[name] = wrong; wrong == nil {
				delete(it, name)
			}
			a := newAnswers(t, always(0, text(t, map[string]any{"Item": it})))
			_, err := a.Entry(t.Context(), "key-ann")
			if !errors.Is(err, waitlist.ErrUnreadable) || !strings.HasSuffix(err.Error(), ": "+name) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("the error is %v", err)
			}
			// A sender that finds it so says the same, and writes nothing.
			_, err = a.Begin(t.Context(), waitlist.Message{Ref: waitlist.Ref{Key: "key-ann", Joining: 54108}, Attempt: 1}, waitlist.Ticket{}, joinedAt)
			if n := len(a.asked()); n != 2 || err == nil {
				t.Fatalf("%d requests, %v", n, err)
			}
		})
	}
	it := stored()
	it["fields"] = value{"M": map[string]any{"state": value{"N": "5"}}}
	a := newAnswers(t, always(0, text(t, map[string]any{"Item": it})))
	if _, err := a.Entry(t.Context(), "key-ann"); !errors.Is(err, waitlist.ErrUnreadable) || !strings.Contains(err.Error(), "state") {
		t.Fatalf("the error is %v", err)
	}
}

// After an end an entry has no address, and the time to live is a number, or the
// flag of a suppressed mailbox, which lives for ever.
func TestAnEndedEntryIsRead(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		ttl        value
		suppressed bool
		want       time.Time
	}{
		{value{"N": "1772712000"}, false, time.Unix(1772712000, 0).UTC()},
		{value{"BOOL": true}, true, time.Time{}},
	} {
		it := map[string]value{"id": {"S": "e#key-ann"}, "joining": {"N": "2"}, "stage": {"S": "expired"}, "joined": {"N": "1772625600250"}, "shard": {"N": "7"}, "ended": {"N": "1772625600250"}, "ttl": story.ttl}
		if story.suppressed {
			it["suppressed"] = value{"BOOL": true}
		}
		a := newAnswers(t, always(0, text(t, map[string]any{"Item": it})))
		e, err := a.Entry(t.Context(), "key-ann")
		if err != nil || !e.Address.IsZero() || !e.Delete.Equal(story.want) || e.Suppressed != story.suppressed || !e.Ended.Equal(joinedAt) {
			t.Errorf("read %+v, %v", e, err)
		}
	}
	// What a bounce leaves of a mailbox that is not kept is not an entry.
	a := newAnswers(t, always(0, `{"Item":{"id":{"S":"e#key-ann"},"suppressed":{"BOOL":true}}}`))
	if _, err := a.Entry(t.Context(), "key-ann"); !errors.Is(err, waitlist.ErrUnknown) {
		t.Fatalf("the error is %v", err)
	}
}

func TestATicketIsRead(t *testing.T) {
	t.Parallel()
	it := map[string]value{
		"id": {"S": "c#0123456789ABCDEFGHJK"}, "entry": {"S": "key-ann"}, "joining": {"N": "54108"}, "claim": {"N": "1772625660000"}, "expires": {"N": "1772640000000"},
		"wanted": {"S": "/apply"}, "language": {"S": "es"}, "uses": {"SS": []string{"phone", "desktop"}}, "revoked": {"BOOL": true},
	}
	const code = bypass.Code("0123456789ABCDEFGHJK")
	a := newAnswers(t, always(0, text(t, map[string]any{"Item": it})))
	got, err := a.Ticket(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	minute := joinedAt.Truncate(time.Minute)
	if want := (waitlist.Ticket{Code: code, Ref: waitlist.Ref{Key: "key-ann", Joining: 54108}, Invited: minute.Add(time.Minute), Expires: minute.Add(4 * time.Hour),
		Wanted: "/apply", Language: "es", Revoked: true, Uses: []string{"desktop", "phone"}}); !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v", got)
	}
	for _, name := range []string{"entry", "joining", "claim"} {
		broken := maps.Clone(it)
		delete(broken, name)
		a := newAnswers(t, always(0, text(t, map[string]any{"Item": broken})))
		if _, err := a.Ticket(t.Context(), code); !errors.Is(err, waitlist.ErrUnreadable) || !strings.HasSuffix(err.Error(), ": "+name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	a = newAnswers(t, always(0, `{}`))
	if _, err := a.Ticket(t.Context(), code); !errors.Is(err, waitlist.ErrUnknown) {
		t.Fatalf("the error is %v", err)
	}
}

// What the index shows of an entry is enough to find work; what it cannot show is
// a place that says so, and the page goes on.
func TestAPageGoesOnAfterWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	good, bad := stored(), stored()
	bad["id"], bad["stage"] = value{"S": "e#key-bob"}, value{"N": "7"}
	a := newAnswers(t, always(0, text(t, map[string]any{"Items": []any{bad, good}, "Count": 2})))
	page, err := a.Page(t.Context(), waitlist.Query{Part: waitlist.Part{Due: true, Shard: 7}, Limit: 10})
	if err != nil || len(page) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if !page[0].Unreadable || page[0].Key != "key-bob" || page[0].Shard != 7 {
		t.Errorf("%+v", page[0])
	}
	if p := page[1]; p.Unreadable || p.Key != "key-ann" || p.Joining != 54108 || p.Stage != waitlist.Sending || p.Attempt != 1 || !p.Expires.Equal(joinedAt.Truncate(time.Minute).Add(4*time.Hour)) {
		t.Errorf("%+v", p)
	}
}
