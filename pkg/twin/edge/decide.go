package edge

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"raincheck/pkg/gate"
)

// Known returns what the edge can read now, for gate.Known.Decide. A document
// that is none counts as missing.
func (e *Edge) Known() gate.Known {
	return e.read(e.documents())
}

// read parses the documents, and only when they changed: a simulation asks
// millions of times.
func (e *Edge) read(d documents) gate.Known {
	e.known.Lock()
	defer e.known.Unlock()
	if e.parsed.Failure == e.o.Failure && bytes.Equal(d.gate, e.seen.gate) && bytes.Equal(d.base, e.seen.base) {
		return e.parsed
	}
	k := gate.Known{Failure: e.o.Failure}
	if g, err := gate.DecodeGate(d.gate); err == nil {
		k.Gate = &g
	}
	if b, err := gate.DecodeBase(d.base); err == nil {
		k.Base = &b
	}
	e.seen, e.parsed = d, k
	return k
}

// Decide decides about a simulated visitor with the twin in Go, and counts it.
func (e *Edge) Decide(r gate.Request) gate.Verdict {
	now := e.o.Now()
	v := e.Known().Decide(r, now)
	e.counts.add(Count{At: now, Visitors: v.Visitors, Admitted: v.Admitted, Refused: v.Refused})
	return v
}

// DecideBoth is Decide, and has throttle.js decide about the same visitor. The
// error says where the two differ: a defect of ours.
func (e *Edge) DecideBoth(r gate.Request) (gate.Verdict, error) {
	docs := e.documents()
	v := e.read(docs).Decide(r, e.o.Now())
	// Counted once, by what throttle.js prints.
	a, err := e.request(fromFacts(r), docs)
	if err != nil {
		return v, fmt.Errorf("throttle.js: %w", err)
	}
	return v, a.differs(r, v)
}

// statuses are what a visitor gets in the site's place.
var statuses = map[gate.Outcome]int{gate.TurnedAway: http.StatusFound, gate.Later: http.StatusServiceUnavailable, gate.Refused: http.StatusTooManyRequests}

// differs compares what a visitor and the counts can tell of the two.
func (a answer) differs(r gate.Request, v gate.Verdict) error {
	var location, cookie string
	status := 0
	headers := a.headers
	if a.response != nil {
		status, headers = a.response.status, a.response.headers
	}
	for _, h := range headers {
		switch h.name {
		case "location":
			location = h.value
		case passHeader:
			cookie = h.value
		}
	}
	var said Count
	for _, line := range a.said {
		n, ok := parseLine(line)
		if !ok {
			return fmt.Errorf("throttle.js said %q", line)
		}
		said.Visitors, said.Admitted, said.Refused = said.Visitors+n.Visitors, said.Admitted+n.Admitted, said.Refused+n.Refused
	}
	want := v.Location
	if v.Outcome == gate.Refused {
		want = ""
	}
	inRoom := r.Path == gate.Room || strings.HasPrefix(r.Path, gate.Room+"/")
	switch {
	case status != statuses[v.Outcome]:
		return fmt.Errorf("throttle.js answers with status %d (0 is the site's), and the twin in Go says %s", status, v.Outcome)
	case location != want:
		return fmt.Errorf("throttle.js sends the visitor to %q and the twin in Go to %q", location, want)
	case v.Outcome == gate.Refused && !strings.Contains(a.response.body, `"`+v.Location):
		return fmt.Errorf("throttle.js refuses with %q, and the twin in Go names %s", a.response.body, v.Location)
	case cookie != v.Cookie:
		// Not the values: a pass in a log is a pass given away.
		return fmt.Errorf("throttle.js and the twin in Go set different passes (%d and %d bytes; the twin says %s)", len(cookie), len(v.Cookie), v.Outcome)
	case said != Count{Visitors: v.Visitors, Admitted: v.Admitted, Refused: v.Refused}:
		return fmt.Errorf("throttle.js counts %+v, and the twin in Go %d visitors, %d admitted, %d refused", said, v.Visitors, v.Admitted, v.Refused)
	case a.response == nil && !inRoom && hasPass(a.cookies):
		return fmt.Errorf("throttle.js leaves the pass in the request")
	}
	return nil
}

func hasPass(cookies []pair) bool {
	return slices.ContainsFunc(cookies, func(c pair) bool { return c.name == passCookie })
}
