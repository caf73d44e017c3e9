package queue_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/aws/queue"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

type entry struct {
	ID, MessageBody string
	DelaySeconds    int
}

// sqs takes batches in SQS's JSON protocol, but for the entries that refuse
// names.
type sqs struct {
	mu      sync.Mutex
	batches [][]entry
	refuse  func(batch int, e entry) bool
}

func (s *sqs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct{ Entries []entry }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || len(in.Entries) > 10 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.batches = append(s.batches, in.Entries)
	type failed struct {
		ID          string `json:"Id"`
		Code        string
		SenderFault bool
	}
	out := struct {
		Successful []map[string]string
		Failed     []failed
	}{[]map[string]string{}, []failed{}}
	for _, e := range in.Entries {
		if s.refuse != nil && s.refuse(len(s.batches), e) {
			out.Failed = append(out.Failed, failed{ID: e.ID, Code: "InternalError"})
			continue
		}
		out.Successful = append(out.Successful, map[string]string{"Id": e.ID, "MessageId": "m"})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func newQueue(t *testing.T, s *sqs) *queue.Queue {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	q := queue.New(emulators.Config(server.URL), server.URL+"/123456789012/mails")
	q.Now = func() time.Time { return noon }
	return q
}

func messages(n int) (all []waitlist.Message) {
	for i := range n {
		p := waitlist.Place{Ref: waitlist.Ref{Key: fmt.Sprintf("key-%d", i), Joining: 7}}
		all = append(all, p.NewMessage(noon, noon.Add(time.Duration(i)*time.Second)))
	}
	return all
}

// TestEachInItsSecond: a message is delayed to its slot, in whole seconds and no
// longer than SQS can.
func TestEachInItsSecond(t *testing.T) {
	t.Parallel()
	s := &sqs{}
	all := messages(23)
	all[0].Slot = noon.Add(-time.Minute)
	all[1].Slot = noon.Add(1999 * time.Millisecond)
	all[2].Slot = noon.Add(time.Hour)
	if err := newQueue(t, s).Enqueue(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	delays := map[string]int{}
	for _, batch := range s.batches {
		sizes = append(sizes, len(batch))
		for _, e := range batch {
			var m waitlist.Message
			if err := json.Unmarshal([]byte(e.MessageBody), &m); err != nil {
				t.Fatal(err)
			}
			delays[m.Key] = e.DelaySeconds
		}
	}
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{3, 10, 10}) || len(delays) != 23 {
		t.Errorf("batches of %v, %d messages", sizes, len(delays))
	}
	if delays["key-0"] != 0 || delays["key-1"] != 1 || delays["key-2"] != 900 || delays["key-22"] != 22 {
		t.Errorf("the delays are %v", delays)
	}
}

// TestAPartRefused is asked for once more, and only that part.
func TestAPartRefused(t *testing.T) {
	t.Parallel()
	s := &sqs{refuse: func(batch int, e entry) bool { return batch == 1 && e.ID == "3" }}
	if err := newQueue(t, s).Enqueue(t.Context(), messages(5)); err != nil {
		t.Fatal(err)
	}
	if len(s.batches) != 2 || len(s.batches[1]) != 1 || s.batches[1][0].ID != "3" {
		t.Errorf("the batches are %v", s.batches)
	}
}

// TestNotEveryMessage is said with how many: they go back to their places when
// their claims run out.
func TestNotEveryMessage(t *testing.T) {
	t.Parallel()
	s := &sqs{refuse: func(_ int, e entry) bool { return e.ID == "0" }}
	err := newQueue(t, s).Enqueue(t.Context(), messages(15))
	if !errors.Is(err, queue.ErrIncomplete) || len(s.batches) != 4 {
		t.Errorf("%v after %d batches", err, len(s.batches))
	}
}
