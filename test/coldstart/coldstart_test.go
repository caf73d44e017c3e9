//go:build coldstart

package coldstart

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// starts is how often each function is started; the median counts.
const starts = 20

// TestColdStart prints, for each function, the median time from the start of
// its process to its first answer, as a ratio to a function that does nothing.
// It asserts no time: a machine is not a promise.
func TestColdStart(t *testing.T) {
	bin := t.TempDir()
	env := []string{
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "STACK=s", "TABLE=t", "KEYS_SECRET=k",
		"ORIGIN_SECRET=o", "SITE_NAME=The site", "SITE_HOST=www.example.org", "FROM=a@example.org", "CONFIGURATION_SET=c",
		"QUEUE_URL=http://127.0.0.1:1/q", "EDGE_STORE=arn:aws:cloudfront::123456789012:key-value-store/x", "EDGE_NAMESPACE=x",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=http://127.0.0.1:1",
	}
	functions := []struct{ name, source, event string }{
		{"nothing", "./testdata/nothing", "{}"},
		{"intake", "../../functions/intake", `{"version":"2.0","rawPath":"/waiting-room/en/","headers":{},"requestContext":{"http":{"method":"GET"}}}`},
		{"inviter", "../../functions/inviter", `{"scheduled":"2020-01-01T00:00:00Z"}`},
		{"sender", "../../functions/sender", `{"Records":[]}`},
		{"feedback", "../../functions/feedback", `{"source":"x"}`},
	}
	var floor time.Duration
	for _, f := range functions {
		file := filepath.Join(bin, f.name)
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", file, f.source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", f.name, err, out)
		}
		var all []time.Duration
		for range starts {
			took, _, err := Start(context.Background(), file, env, []byte(f.event))
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			all = append(all, took)
		}
		slices.Sort(all)
		median := all[starts/2]
		if floor == 0 {
			floor = median
		}
		t.Logf("%-8s %6.1f ms  %.2f of the floor", f.name, float64(median.Microseconds())/1000, float64(median)/float64(floor))
	}
}
