//go:build emulators

package table_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

// TestAnEndIsCountedThoughItsAnswerIsLost: the request that ends an entry is done,
// its answer comes when the caller has given up, and the SDK asks again. What the
// end made known is counted all the same, and counted once. Dynalite does not
// show what it refused, moto does, as DynamoDB.
func TestAnEndIsCountedThoughItsAnswerIsLost(t *testing.T) {
	servers := map[string]emulators.Server{"dynalite": emulators.Dynalite(t, "127.0.0.1"), "moto": emulators.Moto(t, "127.0.0.1")}
	tick := later().Add(-time.Hour)
	expires := tick.Add(30 * time.Minute)
	leave := func(ctx context.Context, s *table.Table, ref waitlist.Ref) error { return s.Leave(ctx, ref, tick) }
	for _, story := range []struct {
		name string
		// stage is where the entry stands, writes how many the end makes before its own.
		stage  waitlist.Stage
		writes int
		end    func(ctx context.Context, s *table.Table, ref waitlist.Ref) error
		want   waitlist.Cohort
	}{
		{"leaving while waiting", waitlist.Waiting, 0, leave, waitlist.Cohort{Left: 1}},
		{"leaving while claimed", waitlist.Claimed, 0, leave, waitlist.Cohort{}},
		{"leaving while a mail is in doubt", waitlist.Sending, 1, leave, waitlist.Cohort{Sent: 1}},
		{"leaving when invited", waitlist.Invited, 1, leave, waitlist.Cohort{Sent: 1}}, // counted when it was accepted
		{"a code that dies while its mail is in doubt", waitlist.Sending, 0, func(ctx context.Context, s *table.Table, ref waitlist.Ref) error {
			return s.Expire(ctx, ref, expires)
		}, waitlist.Cohort{Sent: 1}},
		{"a bounce that proves a mail", waitlist.Sending, 0, func(ctx context.Context, s *table.Table, ref waitlist.Ref) error {
			return s.Bounce(ctx, ref, tick)
		}, waitlist.Cohort{Sent: 1}},
	} {
		for server, at := range servers {
			t.Run(story.name+" on "+server, func(t *testing.T) {
				t.Parallel()
				name := strings.ReplaceAll(story.name, " ", "-")
				emulators.CreateTable(t, emulators.Config(at.URL), name)
				wire := emulators.NewWire(t, map[string]string{"DYNAMODB": at.URL})
				cfg := wire.Config("DYNAMODB")
				proxy := cfg.HTTPClient.(*http.Client).Transport.(*http.Transport).Proxy
				cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(2 * time.Second).WithTransportOptions(func(tr *http.Transport) { tr.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r) } })
				store := table.New(cfg, name)
				store.Now = later
				ctx := t.Context()
				must := func(err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}

				address, err := email.Parse("ann@example.org")
				must(err)
				signup := waitlist.Signup{Key: "key-ann", Address: address, Language: "en", Wanted: "/", At: tick.Add(-time.Minute)}
				joined, err := store.Join(ctx, signup)
				must(err)
				place := waitlist.Place{Ref: joined.Ref, Shard: signup.Shard(), When: signup.At, Stage: waitlist.Waiting}
				m := place.NewMessage(tick, tick)
				if story.stage != waitlist.Waiting {
					must(store.Claim(ctx, place, tick, waitlist.ClaimDue(tick)))
				}
				if story.stage == waitlist.Sending || story.stage == waitlist.Invited {
					_, err := store.Begin(ctx, m, waitlist.Ticket{Code: bypass.Code("0123456789ABCDEFGHJK"), Expires: expires}, tick)
					must(err)
				}
				if story.stage == waitlist.Invited {
					must(store.Accept(ctx, joined.Ref, 1, tick))
				}

				updates, late := 0, 0
				wire.Fault = func(c emulators.Call) emulators.Fault {
					if c.Action != "dynamodb:UpdateItem" {
						return emulators.None
					}
					if updates++; updates == story.writes+1 {
						late++
						return emulators.Late
					}
					return emulators.None
				}
				must(story.end(ctx, store, joined.Ref))
				if late != 1 {
					t.Fatalf("%d answers were lost", late)
				}
				e, err := store.Entry(ctx, "key-ann")
				must(err)
				if !e.Stage.Ended() || e.Suppressed != (e.Stage == waitlist.Bounced) {
					t.Errorf("the entry is %s, suppressed %v", e.Stage, e.Suppressed)
				}
				cohorts, err := store.Cohorts(ctx, tick.Add(-time.Hour))
				must(err)
				var sum waitlist.Cohort
				for _, c := range cohorts {
					sum.Sent, sum.Redeemed, sum.Returned, sum.Left = sum.Sent+c.Sent, sum.Redeemed+c.Redeemed, sum.Returned+c.Returned, sum.Left+c.Left
				}
				if sum != story.want {
					t.Errorf("counted %+v, want %+v", sum, story.want)
				}
			})
		}
	}
}
