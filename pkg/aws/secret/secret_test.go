package secret_test

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"raincheck/pkg/aws/secret"
	"raincheck/test/emulators"
	"raincheck/test/emulators/secrets"
)

const ring = `{"root":"the root of a test, and of nothing else at all"}`

// world is the secrets of a stack, and a clock.
type world struct {
	*secret.Secrets
	server *secrets.Server
	wire   *emulators.Wire
	now    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{server: &secrets.Server{}, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(w.server)
	t.Cleanup(server.Close)
	w.server.Put("keys", ring)
	w.server.Put("origin", "first")
	w.wire = emulators.NewWire(t, map[string]string{"SECRETS_MANAGER": server.URL})
	w.Secrets = secret.New(w.wire.Config("SECRETS_MANAGER"), "keys", "origin")
	w.Now = func() time.Time { return w.now }
	return w
}

// origin is what is good now.
func (w *world) origin(t *testing.T) []string {
	t.Helper()
	got, err := w.Origin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestBothSideBySide, kept for a little under five minutes.
func TestBothSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if keys, err := w.Keys(t.Context()); err != nil || keys == nil {
		t.Fatal(err)
	}
	if got := w.origin(t); !slices.Equal(got, []string{"first"}) {
		t.Errorf("the header is %v", got)
	}
	w.now = w.now.Add(3*time.Minute + 59*time.Second)
	w.origin(t)
	if n := w.wire.Count("secretsmanager"); n != 2 {
		t.Errorf("%d calls", n)
	}
	w.server.Put("origin", "second")
	w.now = w.now.Add(time.Second)
	if got := w.origin(t); !slices.Equal(got, []string{"second", "first"}) || w.wire.Count("secretsmanager") != 4 {
		t.Errorf("after four minutes the header is %v, after %d calls", got, w.wire.Count("secretsmanager"))
	}
}

// TestARotation: who shows the value before the last is met, once in four minutes
// at most, whoever else comes by.
func TestARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Put("origin", "second")
	w.Meet(t.Context(), "second")
	if n := w.wire.Count("secretsmanager:GetSecretValue"); n != 2 {
		t.Errorf("the present value made %d calls", n-2)
	}
	for range 5 {
		w.Meet(t.Context(), "first")
		w.Meet(t.Context(), "a guess")
	}
	if got := w.origin(t); !slices.Equal(got, []string{"second", "first"}) || w.wire.Count("secretsmanager:GetSecretValue") != 4 {
		t.Errorf("good are %v, after %d calls", got, w.wire.Count("secretsmanager:GetSecretValue"))
	}
}

// TestARotationInFront: a function that had the value before when it was rotated
// takes both from then on, though a stranger came by a moment before.
func TestARotationInFront(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin(t)
	w.now = w.now.Add(fresh - time.Second)
	w.Meet(t.Context(), "a guess")
	w.server.Put("origin", "second")
	w.now = w.now.Add(2 * time.Second)
	w.Meet(t.Context(), "first")
	if got := w.origin(t); !slices.Equal(got, []string{"second", "first"}) {
		t.Errorf("good are %v: the distribution, which sends the first for some minutes more, is refused", got)
	}
	if fresh >= secret.Spread {
		t.Errorf("a value is kept for %s, and the distribution is told after %s", fresh, secret.Spread)
	}
}

// fresh is how long a value is kept, as TestBothSideBySide sees it.
const fresh = 4 * time.Minute

// TestTheNewValueIsMet: the distribution sends the new value before this copy has
// read it again.
func TestTheNewValueIsMet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin(t)
	w.server.Put("origin", "second")
	w.Meet(t.Context(), "second")
	if got := w.origin(t); !slices.Equal(got, []string{"second", "first"}) {
		t.Errorf("good are %v", got)
	}
}

// TestNobodyAnswers: what was read last is good for a day, and asked for again
// every quarter of a minute.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin(t)
	w.wire.Fault = func(emulators.Call) emulators.Fault { return emulators.Fail }
	w.now = w.now.Add(time.Hour)
	w.origin(t)
	asked := w.wire.Count("secretsmanager")
	w.now = w.now.Add(14 * time.Second)
	w.origin(t)
	if n := w.wire.Count("secretsmanager"); n != asked {
		t.Errorf("it was asked again after 14 seconds")
	}
	w.now = w.now.Add(24 * time.Hour)
	if _, err := w.Origin(t.Context()); err == nil {
		t.Error("a secret of yesterday is still good")
	}
	if _, err := newWorldWithout(t).Keys(t.Context()); err == nil {
		t.Error("there are keys with no secret")
	}
}

// newWorldWithout has no secrets at all.
func newWorldWithout(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Secrets = secret.New(w.wire.Config("SECRETS_MANAGER"), "other keys", "origin")
	return w
}
