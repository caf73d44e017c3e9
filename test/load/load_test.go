package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is a protected site that makes every mistake the load test looks for.
type site struct {
	mu    sync.Mutex
	saved []string
	// lose, double and refuse say what happens to a person's sign-up.
	lose, double, refuse func(address string) bool
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/apply":
		http.Redirect(w, r, "/waiting-room/en/?to=/apply", http.StatusFound)
	case r.Method == http.MethodGet:
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		fmt.Fprint(w, `<form method="post"><button name="language" value="es"></button></form>
			<form method=post><input id=email name=email><input type="hidden" name="stamp" value="s&amp;1"></form>`)
	default:
		address := r.FormValue("email")
		if c, err := r.Cookie("seen"); err != nil || c.Value != "1" || r.FormValue("stamp") != "s&1" {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		if s.refuse(address) {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.lose(address) {
			s.saved = append(s.saved, address)
		}
		if s.double(address) {
			s.saved = append(s.saved, address)
		}
	}
}

// TestRunFindsWhoIsLostAndDoubled sends 500 people to a site that loses 3 whom
// it told that they are saved, saves 2 twice and refuses 10 honestly.
func TestRunFindsWhoIsLostAndDoubled(t *testing.T) {
	t.Parallel()
	among := func(below string) func(string) bool {
		return func(address string) bool { return address[strings.LastIndex(address, "-")+1:] < below }
	}
	s := &site{
		lose:   among("0000003@"),
		double: func(a string) bool { return !among("0000100@")(a) && among("0000102@")(a) },
		refuse: func(a string) bool { return !among("0000200@")(a) && among("0000210@")(a) },
	}
	server := httptest.NewServer(s)
	defer server.Close()
	dir := t.TempDir()
	export := filepath.Join(dir, "export.jsonl")
	o := options{
		Base: server.URL, Path: "/apply", People: 500, Over: 500 * time.Millisecond, Curve: "spike", Mailboxes: "example", Run: "t1",
		Most: 500, Timeout: 10 * time.Second, Export: "cat " + export, Out: filepath.Join(dir, "report.json"), HTML: filepath.Join(dir, "report.html"),
	}
	shape, err := weights(o.Curve, "")
	if err != nil {
		t.Fatal(err)
	}
	pacer, err := newCurve(shape, o.People, o.Over)
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(o)
	c.send(t.Context(), pacer, func(*crowd) {})
	var lines bytes.Buffer
	for _, address := range s.saved {
		line, _ := json.Marshal(map[string]any{"address": address, "joined": time.Now()})
		lines.Write(append(line, '\n'))
	}
	lines.WriteString(`{"address":"somebody@example.org","joined":"2020-01-01T00:00:00Z"}` + "\n")
	if err := os.WriteFile(export, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := c.exported(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := c.report(time.Now())
	r.Check = &found
	if c.ended[accepted] != 490 || c.ended[refused] != 10 || found.Lost != 3 || found.Doubled != 2 || !r.bad() {
		t.Errorf("accepted %d, refused %d, %+v; want 490, 10, 3 lost and 2 doubled\n%s", c.ended[accepted], c.ended[refused], found, r.text())
	}
	page, err := r.html()
	if err != nil || !bytes.Contains(page, []byte("3 lost, 2 doubled, of 490 accepted")) {
		t.Errorf("the page does not say so: %v", err)
	}
}

// TestRunIsForThisMachine: nobody sends a crowd to somebody's site by a slip.
func TestRunIsForThisMachine(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]bool{
		"http://localhost:8080": true, "http://127.0.0.1:1": true, "http://[::1]:80": true,
		"https://www.example.com": false, "http://localhost.example.com": false, "http://127.0.0.1.example.com": false,
	} {
		if local(base) != want {
			t.Errorf("%s: local is %v", base, !want)
		}
	}
}

// TestCurveSendsEverybodyOnTime: as many have come at the end of each step as its
// weight says, and the next is never due before the last.
func TestCurveSendsEverybodyOnTime(t *testing.T) {
	t.Parallel()
	c, err := newCurve([]float64{1, 0, 3}, 400, 4*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	last := time.Duration(0)
	for n := range uint64(400) {
		at, stop := c.Pace(0, n)
		if stop || at < last {
			t.Fatalf("person %d comes at %s after %s (stop: %v)", n, at, last, stop)
		}
		last = at
		if first := n < 100; first != (at <= c.step) || !first && at < 2*c.step {
			t.Fatalf("person %d comes at %s", n, at)
		}
	}
	if _, stop := c.Pace(0, 400); !stop {
		t.Error("a person too many comes")
	}
}

// TestMostMustBeAcceptedApartFromTheFaults: an instance that takes one person in all, or
// only those who come while it is broken, is not well.
func TestMostMustBeAcceptedApartFromTheFaults(t *testing.T) {
	t.Parallel()
	now := time.Now()
	in := &instance{broken: []window{{"killed", now.Add(time.Minute), now.Add(2 * time.Minute)}}}
	for _, story := range []struct {
		before, refused, during int // accepted before the fault, refused before it, accepted in it
		bad                     bool
	}{{9, 1, 0, false}, {1, 9, 0, true}, {0, 0, 5, true}, {5, 5, 90, true}, {6, 5, 0, false}} {
		c := newCrowd(options{People: 200, Over: time.Minute, Most: 200})
		c.instance, c.began = in, now
		n := 0
		for range story.before {
			c.end(n, accepted, nil, now)
			n++
		}
		for range story.refused {
			c.end(n, refused, nil, now)
			n++
		}
		broken := &instance{broken: []window{{"killed", now.Add(-time.Hour), now.Add(time.Hour)}}}
		c.instance = broken
		for range story.during {
			c.end(n, accepted, nil, now)
			n++
		}
		r := c.report(now)
		r.Broken = in.broken
		if r.bad() != story.bad {
			t.Errorf("%+v: bad is %v\n%s", story, r.bad(), r.text())
		}
	}
}
