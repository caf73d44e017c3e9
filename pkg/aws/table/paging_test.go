package table_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"raincheck/pkg/waitlist"
)

// A page is one request, of at most MaxPage, between two moments that the index
// takes as a closed interval of milliseconds.
func TestAPageAsksForAnInterval(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, always(0, `{"Items":[],"Count":0}`))
	part := waitlist.Part{Shard: 7}
	after := waitlist.Mark{When: joinedAt, Key: "key-ann"}
	for _, story := range []struct {
		query    waitlist.Query
		from, to string
		limit    int
	}{
		{waitlist.Query{Part: part, Limit: 10}, "0", "9223372036854775807", 10},
		{waitlist.Query{Part: part, Limit: 1 << 20}, "0", "9223372036854775807", waitlist.MaxPage},
		{waitlist.Query{Part: part, Limit: 10, Until: joinedAt}, "0", "1772625600249", 10},
		{waitlist.Query{Part: part, Limit: 10, Until: joinedAt.Add(time.Microsecond)}, "0", "1772625600250", 10},
		{waitlist.Query{Part: part, Limit: 10, After: after, Until: joinedAt.Add(-time.Hour)}, "1772625600250", "1772625600250", 10},
	} {
		if _, err := a.Page(t.Context(), story.query); err != nil {
			t.Fatal(err)
		}
		got := a.asked()
		in := got[0]
		if len(got) != 1 || in.Action != "Query" || in.IndexName != "line" || in.Limit != story.limit ||
			in.ExpressionAttributeValues[":line"]["S"] != part.String() || in.ExpressionAttributeValues[":from"]["N"] != story.from || in.ExpressionAttributeValues[":to"]["N"] != story.to {
			t.Errorf("%+v asks for %+v", story.query, in)
		}
		want := map[string]value{"id": {"S": "e#key-ann"}, "line": {"S": part.String()}, "at": {"N": story.from}}
		if story.query.After.Key == "" && in.ExclusiveStartKey != nil || story.query.After.Key != "" && !reflect.DeepEqual(in.ExclusiveStartKey, want) {
			t.Errorf("%+v goes on after %v", story.query, in.ExclusiveStartKey)
		}
	}
}

// A count goes on where the page before ended, and its mark leads there.
func TestACountGoesOnFromItsMark(t *testing.T) {
	t.Parallel()
	a := newAnswers(t, func(_ string, in request) (int, string) {
		if in.ExclusiveStartKey == nil {
			return 0, `{"Count":8000,"LastEvaluatedKey":{"id":{"S":"e#key-ann"},"line":{"S":"w#7"},"at":{"N":"1772625600250"}}}`
		}
		return 0, `{"Count":12}`
	})
	q := waitlist.Query{Part: waitlist.Part{Shard: 7}}
	n, next, err := a.Count(t.Context(), q)
	if err != nil || n != 8000 || next != (waitlist.Mark{When: joinedAt, Key: "key-ann"}) {
		t.Fatalf("%d, %+v, %v", n, next, err)
	}
	q.After = next
	if n, next, err = a.Count(t.Context(), q); err != nil || n != 12 || !next.When.IsZero() {
		t.Fatalf("%d, %+v, %v", n, next, err)
	}
	for _, in := range a.asked() {
		if in.Select != "COUNT" {
			t.Errorf("a count reads the items: %+v", in)
		}
	}
	a = newAnswers(t, always(0, `{"Count":1,"LastEvaluatedKey":{"id":{"S":"e#key-ann"},"at":{"S":"noon"}}}`))
	if _, _, err := a.Count(t.Context(), q); !errors.Is(err, waitlist.ErrUnreadable) {
		t.Fatalf("the error is %v", err)
	}
}

// A scan goes through every page, an empty one too; what is not an entry is left
// out, one that cannot be read is told with its key, and the caller can stop it.
func TestAScanGoesThroughEveryPage(t *testing.T) {
	t.Parallel()
	pages := 0
	a := newAnswers(t, nil)
	a.say = func(_ string, in request) (int, string) {
		defer func() { pages++ }()
		last := map[string]value{"id": {"S": fmt.Sprint("e#", pages)}}
		if pages > 0 && in.ExclusiveStartKey["id"]["S"] != fmt.Sprint("e#", pages-1) {
			return 400, `{"__type":"x#ValidationException","message":"not where the last page ended"}`
		}
		ann, bob := stored(), stored()
		bob["id"], bob["stage"] = value{"S": "e#key-bob"}, value{"N": "1"}
		switch pages {
		case 0:
			return 0, text(t, map[string]any{"Items": []any{ann}, "LastEvaluatedKey": last})
		case 1:
			return 0, text(t, map[string]any{"Items": []any{}, "LastEvaluatedKey": last})
		}
		return 0, text(t, map[string]any{"Items": []any{map[string]value{"id": {"S": "e#key-eve"}, "suppressed": {"BOOL": true}}, bob}})
	}
	var keys []string
	read := func(e waitlist.Entry) error {
		keys = append(keys, fmt.Sprint(e.Key, " ", e.Stage))
		return nil
	}
	if err := a.Each(t.Context(), read); err != nil || !slices.Equal(keys, []string{"key-ann sending", "key-bob failed"}) || pages != 3 {
		t.Fatalf("%v on %d pages, %v", keys, pages, err)
	}
	enough := errors.New("enough")
	pages = 0
	if err := a.Each(t.Context(), func(waitlist.Entry) error { return enough }); !errors.Is(err, enough) || pages != 1 {
		t.Fatalf("%v after %d pages", err, pages)
	}
}

// Counters are read a hundred items at a time, and what DynamoDB leaves out of a
// batch is asked for again, three times at most.
func TestABatchIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	left := 0
	a := newAnswers(t, nil)
	tick := later().Add(-20 * time.Hour).Truncate(time.Minute)
	a.say = func(_ string, in request) (int, string) {
		keys := in.RequestItems[name].Keys
		if len(keys) > 100 {
			return 400, `{"__type":"x#ValidationException","message":"Too many items requested for the BatchGetItem call"}`
		}
		var found []any
		for _, key := range keys {
			if key["id"]["S"] == fmt.Sprint("n#", tick.Unix()/600) {
				counts := fmt.Sprint(tick.UnixMilli())
				found = append(found, map[string]value{"id": key["id"], "ttl": {"N": "1772712000"}, "s" + counts: {"N": "310"}, "r" + counts: {"N": "12"}, "b" + counts: {"N": "3"}, "l" + counts: {"N": "2"}, "s1": {"N": "9"}})
			}
		}
		answer := map[string]any{"Responses": map[string]any{name: found}}
		if left > 0 {
			left--
			answer = map[string]any{"Responses": map[string]any{name: []any{}}, "UnprocessedKeys": in.RequestItems}
		}
		return 0, text(t, answer)
	}
	for _, story := range []struct {
		left, requests int
		err            error
	}{{0, 2, nil}, {2, 4, nil}, {3, 3, waitlist.ErrBusy}} {
		left = story.left
		got, err := a.Cohorts(t.Context(), later().Add(-24*time.Hour))
		if n := len(a.asked()); n != story.requests || !errors.Is(err, story.err) {
			t.Fatalf("%d left out: %d requests, %v", story.left, n, err)
		}
		if want := []waitlist.Cohort{{Invited: tick, Sent: 310, Redeemed: 12, Returned: 3, Left: 2}}; err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("read %+v", got)
		}
	}
	a.say = func(_ string, in request) (int, string) {
		return 0, text(t, map[string]any{"Responses": map[string]any{name: []any{map[string]value{"id": {"S": "n#1"}, fmt.Sprint("s", tick.UnixMilli()): {"S": "many"}}}}})
	}
	if _, err := a.Cohorts(t.Context(), tick); !errors.Is(err, waitlist.ErrUnreadable) {
		t.Fatalf("the error is %v", err)
	}
}
