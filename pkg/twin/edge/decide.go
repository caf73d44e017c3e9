package edge

import (
	"bytes"
	"fmt"
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
	e.counts.Add(now, v.Visitors, v.Admitted)
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

// differs compares what a visitor and the counts can tell of the two.
func (a answer) differs(r gate.Request, v gate.Verdict) error {
	var location, cookie string
	headers := a.headers
	if a.response != nil {
		headers = a.response.headers
	}
	for _, h := range headers {
		switch h.name {
		case "location":
			location = h.value
		case passHeader:
			cookie = h.value
		}
	}
	visitors, admitted := 0, 0
	for _, line := range a.said {
		n, in, ok := parseLine(line)
		if !ok {
			return fmt.Errorf("throttle.js said %q", line)
		}
		visitors, admitted = visitors+n, admitted+in
	}
	inRoom := r.Path == gate.Room || strings.HasPrefix(r.Path, gate.Room+"/")
	switch {
	case location != v.Location:
		return fmt.Errorf("throttle.js sends the visitor to %q and the twin in Go to %q", location, v.Location)
	case cookie != v.Cookie:
		// Not the values: a pass in a log is a pass given away.
		return fmt.Errorf("throttle.js and the twin in Go set different passes (%d and %d bytes; the twin says %s)", len(cookie), len(v.Cookie), v.Outcome)
	case visitors != v.Visitors || admitted != v.Admitted:
		return fmt.Errorf("throttle.js counts %d visitors and %d admitted, and the twin in Go %d and %d", visitors, admitted, v.Visitors, v.Admitted)
	case a.response == nil && !inRoom && len(a.cookies) > 0 && hasPass(a.cookies):
		return fmt.Errorf("throttle.js leaves the pass in the request")
	}
	return nil
}

func hasPass(cookies []pair) bool {
	for _, c := range cookies {
		if c.name == passCookie {
			return true
		}
	}
	return false
}
