package edgestore_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/test/emulators"
)

// newStore is a store on a small real server.
func newStore(t *testing.T) (*edgestore.Store, *emulators.KeyValue) {
	t.Helper()
	kv := &emulators.KeyValue{ARN: emulators.EdgeARN}
	return edgestore.New(emulators.EdgeConfig(t, kv), emulators.EdgeARN), kv
}

// TestReadingIsOneRequest: who only reads does not ask for the store's ETag, hears
// of a missing document as of any other, and cannot write.
func TestReadingIsOneRequest(t *testing.T) {
	t.Parallel()
	kv := &emulators.KeyValue{ARN: emulators.EdgeARN}
	asked, down := 0, false
	cfg := emulators.EdgeConfig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		kv.ServeHTTP(w, r)
	}))
	store := edgestore.Reading(cfg, emulators.EdgeARN)
	if _, etag, err := store.Gate(t.Context()); !errors.Is(err, gate.ErrMissing) || etag == "" {
		t.Errorf("no gate: %q %v", etag, err)
	}
	g, b := documents(t)
	document, err := g.Encode()
	if err != nil {
		t.Fatal(err)
	}
	kv.Set(gate.Key, string(document))
	got, etag, err := store.Gate(t.Context())
	if err != nil || got.Mode != g.Mode || etag == "" || asked != 2 {
		t.Errorf("%v %q, %v, after %d requests", got.Mode, etag, err, asked)
	}
	if _, err := store.Update(t.Context(), &g, &b, etag); err == nil || asked != 2 {
		t.Errorf("writing: %v, after %d requests", err, asked)
	}
	down = true
	if _, etag, err := store.Gate(t.Context()); err == nil || errors.Is(err, gate.ErrMissing) || etag != "" {
		t.Errorf("a store that does not answer: %q %v", etag, err)
	}
}

func documents(t *testing.T) (gate.Gate, gate.Base) {
	t.Helper()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"the root of a test, and of nothing else at all"}`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	settings, passes, salt := gate.DefaultSettings(), keys.PassKeys(now), keys.DailySalt(now)
	return gate.Gate{Mode: gate.Throttle, Admit: 0.4, Salt: salt, Until: now.Add(10 * time.Minute), Stale: 0.25, Settings: settings, Keys: passes},
		gate.Base{Mode: gate.Throttle, Salt: salt, Failure: "open", Stale: 0.25, Settings: settings, Keys: passes}
}

func TestAnEmptyStore(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	if _, etag, err := store.Gate(t.Context()); !errors.Is(err, gate.ErrMissing) || etag == "" {
		t.Errorf("the ETag is %q, the error %v", etag, err)
	}
	if _, etag, err := store.Base(t.Context()); !errors.Is(err, gate.ErrMissing) || etag == "" {
		t.Errorf("the ETag is %q, the error %v", etag, err)
	}
}

func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	store, kv := newStore(t)
	g, b := documents(t)
	_, etag, _ := store.Gate(t.Context())
	etag, err := store.Update(t.Context(), &g, &b, etag)
	if err != nil || kv.Writes() != 1 {
		t.Fatalf("%d writes, %v", kv.Writes(), err)
	}
	got, read, err := store.Gate(t.Context())
	if err != nil || read != etag || got.Admit != 0.4 || !got.Until.Equal(g.Until) {
		t.Errorf("read %v at %q (written at %q), %v", got, read, etag, err)
	}
	if base, _, err := store.Base(t.Context()); err != nil || base.Failure != "open" {
		t.Errorf("read %v, %v", base, err)
	}
}

// TestASwitchIsNeverOverwritten: whoever read before a change cannot write after
// it, whichever of the two documents was changed.
func TestASwitchIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	store, kv := newStore(t)
	g, b := documents(t)
	_, old, _ := store.Gate(t.Context())
	if _, err := store.Update(t.Context(), nil, &b, old); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Update(t.Context(), &g, nil, old); !errors.Is(err, gate.ErrChanged) {
		t.Errorf("the error is %v", err)
	}
	if _, written := kv.Value(gate.Key); written {
		t.Error("it was written all the same")
	}
}

// TestWhatCannotBeRead comes with the ETag, so that it can be replaced.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	store, kv := newStore(t)
	g, _ := documents(t)
	_, etag, _ := store.Gate(t.Context())
	put(t, kv, etag, `{"Value":"{not a gate"}`)
	_, etag, err := store.Gate(t.Context())
	if err == nil || errors.Is(err, gate.ErrMissing) || etag == "" {
		t.Fatalf("the ETag is %q, the error %v", etag, err)
	}
	if _, err := store.Update(t.Context(), &g, nil, etag); err != nil {
		t.Error(err)
	}
}

// put writes past the adapter, as an operator does in the console.
func put(t *testing.T, kv *emulators.KeyValue, etag, body string) {
	t.Helper()
	ask := httptest.NewRequest(http.MethodPut, "/key-value-stores/"+url.PathEscape(emulators.EdgeARN)+"/keys/"+gate.Key, strings.NewReader(body))
	ask.Header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 any")
	ask.Header.Set("If-Match", etag)
	answer := httptest.NewRecorder()
	kv.ServeHTTP(answer, ask)
	if answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
}

func TestAnotherStore(t *testing.T) {
	t.Parallel()
	store, kv := newStore(t)
	kv.ARN = emulators.EdgeARN + "-other"
	if _, etag, err := store.Gate(t.Context()); err == nil || errors.Is(err, gate.ErrMissing) || etag != "" {
		t.Errorf("a store that is not there: %q, %v", etag, err)
	}
}
