package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/metrics"
	"raincheck/test/emulators"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// minute is so many minutes after noon.
func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// world is CloudWatch, and the regions that it was asked in.
type world struct {
	emulators.CloudWatch
	*metrics.Metrics
	mu      sync.Mutex
	regions []string
}

func newWorld(t *testing.T, source metrics.Source, namespace string) *world {
	t.Helper()
	w := &world{}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.regions = append(w.regions, strings.Split(r.Header.Get("Authorization"), "/")[2])
		w.mu.Unlock()
		w.ServeHTTP(out, r)
	}))
	t.Cleanup(server.Close)
	w.Metrics = metrics.New(emulators.Config(server.URL), source, namespace)
	return w
}

var balancer = metrics.Source{Preset: "alb-connections", Resource: "app/site/1", Full: 2000}

const connections = "AWS/ApplicationELB/ActiveConnectionCount[LoadBalancer=app/site/1]"

// TestOnlyWholeMinutes: the newest minute is partial, and one that is missing is
// missing and not zero.
func TestOnlyWholeMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, balancer, "")
	w.PageSize = 2
	for n := range 8 {
		if n != 3 {
			w.Put(connections, minute(n), float64(n)*200)
		}
	}
	got, err := w.Load(t.Context(), noon.Add(time.Second), minute(6).Add(59*time.Second))
	want := []admission.Sample{{At: minute(1), Value: 0.1}, {At: minute(2), Value: 0.2}, {At: minute(4), Value: 0.4}, {At: minute(5), Value: 0.5}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := w.Load(t.Context(), minute(5), minute(5).Add(59*time.Second)); err != nil || len(got) != 0 {
		t.Errorf("no whole minute gives %v, %v", got, err)
	}
	if w.regions[0] != emulators.Region {
		t.Errorf("asked in %v", w.regions)
	}
}

// TestNothingFlows: a load balancer that says nothing all night is an empty site
// where its capacity units say so too, and unknown where they do not.
func TestNothingFlows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, balancer, "")
	const units = "AWS/ApplicationELB/ConsumedLCUs[LoadBalancer=app/site/1]"
	w.Put(connections, minute(1), 200)
	w.Put(units, minute(1), 0.2)
	w.Put(units, minute(2), 0)   // nothing flows
	w.Put(units, minute(3), 0.3) // something does, and the connections are missing
	w.Put(connections, minute(4), 400)
	got, err := w.Load(t.Context(), noon, minute(6))
	want := []admission.Sample{{At: minute(1), Value: 0.1}, {At: minute(2)}, {At: minute(4), Value: 0.2}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// TestTheEdgeCountsInItsRegion, whatever the stack's, and in pairs.
func TestTheEdgeCountsInItsRegion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, metrics.Source{Preset: metrics.ByHand}, "Raincheck/x")
	w.Put("Raincheck/x/Visitors[]", minute(1), 100)
	w.Put("Raincheck/x/Admitted[]", minute(1), 40)
	w.Put("Raincheck/x/Visitors[]", minute(2), 90) // the other has not come yet
	w.Put("Raincheck/x/Admitted[]", minute(3), 10)
	got, err := w.Edge(t.Context(), noon, minute(10))
	if err != nil || !slices.Equal(got, []admission.EdgeCount{{At: minute(1), Visitors: 100, Admitted: 40}}) {
		t.Errorf("%v, %v", got, err)
	}
	w.Put("Raincheck/x/Refused[]", minute(2), 7)
	if got, err := w.Refused(t.Context(), noon, minute(10)); err != nil || !slices.Equal(got, []admission.Sample{{At: minute(2), Value: 7}}) {
		t.Errorf("refused: %v, %v", got, err)
	}
	if load, err := w.Load(t.Context(), noon, minute(10)); err != nil || load != nil {
		t.Errorf("the load by hand is %v, %v", load, err)
	}
	if !slices.Equal(w.regions, []string{"us-east-1", "us-east-1"}) {
		t.Errorf("asked in %v", w.regions)
	}
}

// TestWhereTheLoadComesFrom tries every source, each on its metric by the names
// of AWS's documents.
func TestWhereTheLoadComesFrom(t *testing.T) {
	t.Parallel()
	untried := metrics.Presets()
	for _, story := range []struct {
		source         metrics.Source
		series, region string
	}{
		{metrics.Source{Preset: "alb-connections", Resource: "app/site/50dc6c495c0c9188", Full: 100}, "AWS/ApplicationELB/ActiveConnectionCount[LoadBalancer=app/site/50dc6c495c0c9188]", emulators.Region},
		{metrics.Source{Preset: "alb-requests", Resource: "app/site/50dc6c495c0c9188", Full: 100}, "AWS/ApplicationELB/RequestCount[LoadBalancer=app/site/50dc6c495c0c9188]", emulators.Region},
		{metrics.Source{Preset: "rds-cpu", Resource: "db", Full: 100}, "AWS/RDS/CPUUtilization[DBInstanceIdentifier=db]", emulators.Region},
		{metrics.Source{Preset: "cloudfront-5xx", Resource: "E1", Full: 100}, "AWS/CloudFront/5xxErrorRate[DistributionId=E1,Region=Global]", "us-east-1"},
		{metrics.Source{Preset: "cloudfront-latency", Resource: "E1", Full: 100}, "AWS/CloudFront/OriginLatency[DistributionId=E1,Region=Global]", "us-east-1"},
		{metrics.Source{Preset: "ecs-cpu", Resource: "a/b", Full: 100}, "AWS/ECS/CPUUtilization[ClusterName=a,ServiceName=b]", emulators.Region},
		{metrics.Source{Preset: "cloudfront-requests", Resource: "E1", Full: 100}, "AWS/CloudFront/Requests[DistributionId=E1,Region=Global]", "us-east-1"},
		{metrics.Source{Preset: metrics.Custom, Namespace: "Site", Name: "Users", Statistic: "Maximum", Dimensions: "Host=a, Stage=b", Region: "eu-north-1", Full: 100}, "Site/Users[Host=a,Stage=b]", "eu-north-1"},
		{metrics.Source{Preset: metrics.Expression, Expression: "SUM(SEARCH('x','Sum'))", Full: 100}, "SUM(SEARCH('x','Sum'))", emulators.Region},
	} {
		if err := story.source.Validate(); err != nil {
			t.Errorf("%s: %v", story.source.Preset, err)
		}
		untried = slices.DeleteFunc(untried, func(p string) bool { return p == story.source.Preset })
		w := newWorld(t, story.source, "")
		w.Put(story.series, minute(1), 50)
		got, err := w.Load(t.Context(), noon, minute(5))
		if err != nil || !slices.Equal(got, []admission.Sample{{At: minute(1), Value: 0.5}}) || w.regions[0] != story.region {
			t.Errorf("%s: %v in %v, %v", story.source.Preset, got, w.regions, err)
		}
	}
	if !slices.Equal(untried, []string{metrics.ByHand}) { // which reads no metric
		t.Errorf("no row here tries %v", untried)
	}
}

func TestSourcesThatAreNone(t *testing.T) {
	t.Parallel()
	for want, source := range map[string]metrics.Source{
		"is not a source of the load":    {Preset: "guess", Full: 1},
		"needs a resource: CLUSTER":      {Preset: "ecs-cpu", Resource: "cluster", Full: 1},
		"the part of the load balancer":  {Preset: "alb-requests", Full: 1},
		"is full is 0":                   {Preset: "rds-cpu", Resource: "db", Full: 0},
		"is full is -3":                  {Preset: "rds-cpu", Resource: "db", Full: -3},
		"a name and a statistic":         {Preset: metrics.Custom, Namespace: "x", Full: 1},
		"not written Name=Value":         {Preset: metrics.Custom, Namespace: "x", Name: "y", Statistic: "Sum", Dimensions: "Host", Full: 1},
		"expression needs an expression": {Preset: metrics.Expression, Expression: " ", Full: 1},
	} {
		if err := source.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: the error is %v, not %q", source, err, want)
		}
	}
}
