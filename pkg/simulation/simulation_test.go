package simulation

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
)

// must runs a scenario that is known to be valid.
func must(t testing.TB, s Scenario, control func(admission.Policy) Controller) Result {
	t.Helper()
	r, err := Run(s, control)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func healthCare(t testing.TB) Scenario {
	t.Helper()
	trace, err := Builtin(HealthCare)
	if err != nil {
		t.Fatal(err)
	}
	return DefaultScenario(trace)
}

func TestTheSameSeedIsTheSameBytes(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) []byte {
		s := healthCare(t)
		s.Trace.Visits = s.Trace.Visits[:900]
		s.Seed = seed
		data, err := json.Marshal(must(t, s, Law))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(run(7), run(7)) {
		t.Error("the same seed gave other bytes")
	}
	if bytes.Equal(run(7), run(8)) {
		t.Error("another seed gave the same bytes: nothing in it is random")
	}
}

// TestEverybodyIsCounted: who wanted to visit was let in, came back, waits, was
// lost, or is on the way with a code.
func TestEverybodyIsCounted(t *testing.T) {
	t.Parallel()
	s := healthCare(t)
	s.People.ComeBack = 0
	r := must(t, s, Law).Summary
	if r.Waiting != 0 || r.Joined != r.Invited {
		t.Errorf("%d joined, %d invited, %d wait at the end of the second day", r.Joined, r.Invited, r.Waiting)
	}
	onTheWay := r.Visits - r.Admitted - r.Redeemed - r.Lost
	if onTheWay < -r.Late || onTheWay > r.Late {
		t.Errorf("%d of %d people are neither in nor lost; at most %d came too late", onTheWay, r.Visits, r.Late)
	}
}

// TestWithoutAWaitingRoom is what the others are measured by: HealthCare.gov's
// day without one, hours above its capacity.
func TestWithoutAWaitingRoom(t *testing.T) {
	t.Parallel()
	r := must(t, healthCare(t), NoThrottle).Summary
	if r.TurnedAway != 0 || r.Above100 < 300 || r.MaxLoad < 1.3 {
		t.Errorf("no waiting room: %d turned away, %d minutes above 1.0, highest load %.2f", r.TurnedAway, r.Above100, r.MaxLoad)
	}
	// It is not said to have served everybody.
	if r.Overloaded < r.Visits/3 {
		t.Errorf("no waiting room: %d of %d came while the site was overloaded, want a third or more", r.Overloaded, r.Visits)
	}
	var table strings.Builder
	Table(&table, Result{Control: "no waiting room", Summary: r})
	if want := "came while it was overloaded"; !strings.Contains(table.String(), want) {
		t.Errorf("the table does not have %q:\n%s", want, table.String())
	}
}

func TestTraceErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	const head = "minute,timestamp,count\n"
	for _, c := range []struct{ in, want string }{
		{"", "no minutes"},
		{"a,b,c\n0,2013-12-23T00:00,1\n", "line 1: the header"},
		{head, "no minutes"},
		{head + "0,2013-12-23T00:00\n", "line 2: it has 2 columns"},
		{head + "0,2013-12-23T00:00,5\n2,2013-12-23T00:01,5\n", `line 3: minute is "2", expected 1`},
		{head + "0,2013-12-23T00:00,5\n1,2013-12-23T01:00,5\n", "line 3: timestamp is 2013-12-23T01:00, expected 2013-12-23T00:01"},
		{head + "0,2013-12-23T00:01,5\n1,2013-12-23T00:00,5\n", "line 3: timestamp is 2013-12-23T00:00, expected 2013-12-23T00:02"},
		{head + "0,2013-12-23T00:00,5\n2,2013-12-23T00:02,5\n", "line 3: timestamp is 2013-12-23T00:02"},
		{head + "0,yesterday,5\n", `line 2: timestamp is "yesterday"`},
		{head + "0,2013-12-23T00:00,-5\n", `line 2: count is "-5"`},
		{head + "0,2013-12-23T00:00,NaN\n", `line 2: count is "NaN"`},
		{head + "0,2013-12-23T00:00,\"5\n", "line 2: this is not CSV"},
	} {
		if _, err := ReadTrace("day", strings.NewReader(c.in), time.Minute); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error with %q", c.in, err, c.want)
		}
	}
}

// TestATraceFromASpreadsheet has a byte order mark and the line ends of Windows.
func TestATraceFromASpreadsheet(t *testing.T) {
	t.Parallel()
	got, err := ReadTrace("day", strings.NewReader("\ufeffminute,timestamp,count\r\n0,2013-12-23T00:00,5\r\n"), time.Minute)
	if err != nil || len(got.Visits) != 1 || got.Visits[0] != 5 {
		t.Errorf("a trace from a spreadsheet: %+v, %v", got, err)
	}
}

// TestATraceInSteps: rows of five minutes are spread over their minutes.
func TestATraceInSteps(t *testing.T) {
	t.Parallel()
	for _, second := range []string{"1", "5"} { // rows or minutes may be counted
		in := "minute,timestamp,count\n0,2013-12-23T00:00,50\n" + second + ",2013-12-23T00:05,100\n"
		got, err := ReadTrace("day", strings.NewReader(in), 5*time.Minute)
		if err != nil || len(got.Visits) != 10 || got.Visits[4] != 10 || got.Visits[5] != 20 {
			t.Errorf("rows of five minutes: %+v, %v", got, err)
		}
	}
	if _, err := ReadTrace("day", strings.NewReader(""), 90*time.Second); err == nil {
		t.Error("a step of a minute and a half was taken")
	}
}

// TestDrawsFollowTheirDistributions holds the cohort's tables to the draws that
// the local instance makes one by one.
func TestDrawsFollowTheirDistributions(t *testing.T) {
	t.Parallel()
	r := chance(1)
	site := DefaultSite()
	table := newSpread(lognormalMinutes(medianOf(site.Visit, site.VisitSigma), site.VisitSigma, longest))
	const n = 200000
	one, many := 0.0, 0.0
	for range n {
		one += site.Stays(r).Minutes()
		// A visit of d minutes begun within a minute ends d and a half later, counted
		// in whole minutes; the half makes up for the part that is cut off.
		many += float64(table.draw(r))
	}
	if math.Abs(one/n-25) > 0.3 || math.Abs(many/n-25) > 0.3 {
		t.Errorf("visits last %.2f min one by one and %.2f in cohorts, want 25", one/n, many/n)
	}
	people, back := DefaultPeople(), 0
	for range n {
		if d, ok := people.Returns(r, time.Hour); ok && d < people.ReturnMedian {
			back++
		}
	}
	if share := float64(back) / n; math.Abs(share-people.Return/2) > 0.005 {
		t.Errorf("%.3f of the invited are back by the median, want %.3f", share, people.Return/2)
	}
	sum := 0
	for range 2000 {
		sum += binomial(r, 1000, 0.3) + binomial(r, 20, 0.1) + binomial(r, 100, 0.9)
	}
	if mean := float64(sum) / 2000; math.Abs(mean-392) > 2 {
		t.Errorf("binomial draws add up to %.1f, want 392", mean)
	}
}

// TestNightMovesReturnsToTheMorning: nobody comes back while asleep.
func TestNightMovesReturnsToTheMorning(t *testing.T) {
	t.Parallel()
	p := People{Night: &Night{From: 23, Until: 7}}
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for m := range 24 * 60 {
		got := p.Awake(at.Add(time.Duration(m) * time.Minute))
		if h := got.Hour(); h == 23 || h < 7 {
			t.Fatalf("minute %d of the day became %v", m, got)
		}
	}
}

func TestReportIsOnePage(t *testing.T) {
	t.Parallel()
	s := healthCare(t)
	s.Name = `<script>alert("a day")</script>`
	var page strings.Builder
	if err := Report(&page, s, must(t, s, Law), must(t, s, NoThrottle)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"src=", "href=", "<script>alert"} {
		if strings.Contains(page.String(), bad) {
			t.Errorf("the report contains %q: it must need nothing else and escape names", bad)
		}
	}
	for _, want := range []string{"The MIT License", "no waiting room", "new uPlot", "At a capacity of 50,000"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	s := healthCare(b)
	for b.Loop() {
		must(b, s, Law)
	}
}
