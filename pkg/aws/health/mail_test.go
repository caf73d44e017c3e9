package health_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/aws/metrics"
	"raincheck/test/emulators"
	"raincheck/test/emulators/account"
)

// The account's quota of the day and what it has sent before are held against how
// many wait, in an account that may send 250,000 a day.
func TestMailAccountAgainstWhoWaits(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		waiting int
		sent    map[time.Duration]float64 // how much, how long ago; all of one minute
		want    []string
		never   string
	}{
		{"nobody waits and nothing was sent", 0, nil, []string{"the busiest of the last 14 days had 0 mails in eu-west-1"}, "wait"},
		{"a small line needs no past", 500, nil, []string{"the busiest of the last 14 days had 0 mails"}, "wait"},
		{"a large one does", 20_000, map[time.Duration]float64{time.Minute: 300, day: 250, day + time.Minute: 350, 20 * day: 90_000},
			[]string{"the busiest of the last 14 days had 600 mails in eu-west-1, and 20,000 wait: receivers keep a sender waiting who is new to them"}, "quota of the day leaves"},
		{"twice the busiest day is the plan", 20_000, map[time.Duration]float64{3 * day: 10_000}, []string{"had 10,000 mails"}, "wait"},
		{"more than the day's quota", 300_000, map[time.Duration]float64{3 * day: 240_000},
			[]string{"300,000 people wait, and the quota of the day leaves 248,800 mails"}, "new to them"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mail, counts := &account.Account{}, &emulators.CloudWatch{}
			mail.Change(func(s *account.State) { *s = account.Ready("raincheck", "example.org", "raincheck") })
			midnight := time.Now().UTC().Truncate(day)
			for ago, n := range c.sent {
				counts.Put(emulators.Series("AWS/SES", "Send"), midnight.Add(day-time.Hour-ago), n)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/operation/") {
					counts.ServeHTTP(w, r)
					return
				}
				mail.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			cfg := emulators.Config(server.URL)
			found, err := health.MailAccount(t.Context(), cfg, 0, c.waiting)
			if err != nil {
				t.Fatal(err)
			}
			busiest, err := metrics.BusiestDay(t.Context(), cfg, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, health.MailVolume(busiest, c.waiting, cfg.Region))
			said := ""
			for _, f := range found {
				said += f.Says + "\n"
			}
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if strings.Contains(said, c.never) {
				t.Errorf("it says %q:\n%s", c.never, said)
			}
		})
	}
}
