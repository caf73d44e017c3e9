package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"raincheck/pkg/console"
	"raincheck/pkg/email"
)

// kept answers a canary with what it was asked.
type kept struct{}

// Canary answers.
func (kept) Canary(_ context.Context, do string, a email.Address) (console.CanaryPlace, error) {
	return console.CanaryPlace{There: true, Code: do + " " + a.Mailbox()}, nil
}

// TestACanaryIsAskedForFromThisMachineAlone: its answer has a code in it.
func TestACanaryIsAskedForFromThisMachineAlone(t *testing.T) {
	t.Parallel()
	with, without := (&console.Console{Canaries: kept{}}).Handler(), (&console.Console{}).Handler()
	const good = `{"do":"invite","address":"success+x@simulator.amazonses.com"}`
	for name, c := range map[string]struct {
		handler                http.Handler
		host, kind, site, body string
		status                 int
	}{
		"as raincheck smoke does":    {with, "localhost:8080", "application/json", "", good, http.StatusOK},
		"where there is none":        {without, "localhost:8080", "application/json", "", good, http.StatusNotFound},
		"a page of another site":     {with, "localhost:8080", "application/json", "cross-site", good, http.StatusForbidden},
		"a form of another site":     {with, "localhost:8080", "text/plain", "", good, http.StatusUnsupportedMediaType},
		"a name that resolves to us": {with, "rebound.example", "application/json", "", good, http.StatusMisdirectedRequest},
		"something else to do":       {with, "localhost:8080", "application/json", "", `{"do":"leave","address":"a@example.org"}`, http.StatusUnprocessableEntity},
		"no address":                 {with, "localhost:8080", "application/json", "", `{"do":"look","address":"nobody"}`, http.StatusUnprocessableEntity},
		"no JSON":                    {with, "localhost:8080", "application/json", "", `do=look`, http.StatusUnprocessableEntity},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://"+c.host+console.Path+"api/canary", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		answer := httptest.NewRecorder()
		c.handler.ServeHTTP(answer, r)
		if answer.Code != c.status {
			t.Errorf("%s: %d, want %d", name, answer.Code, c.status)
		}
		var place console.CanaryPlace
		if c.status == http.StatusOK && (json.Unmarshal(answer.Body.Bytes(), &place) != nil || place.Code != "invite success@simulator.amazonses.com") {
			t.Errorf("%s: %s", name, answer.Body)
		} else if c.status != http.StatusOK && strings.Contains(answer.Body.String(), "success@") {
			t.Errorf("%s tells: %s", name, answer.Body)
		}
	}
}
