//go:build coldstart

package coldstart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/email"
)

const (
	// starts is how often each function is started; the median counts. With 20 it
	// moves by a quarter from run to run.
	starts = 60
	// most is how many times a function may wait for the network before its first
	// answer; what is asked side by side is one wait.
	most = 1

	root   = `{"root":"the root of the cold starts, and of nothing else"}`
	origin = "the origin secret of the cold starts"
)

// subject is a function, the event that it is started with, and what its answer
// must hold so that a start that went wrong is not measured as a fast one.
type subject struct{ name, source, event, answer string }

var (
	nothing = subject{"nothing", "./testdata/nothing", `{}`, `"ok"`}
	// request is an event of the HTTP API for a page of the room.
	request  = `{"version":"2.0","rawPath":"/waiting-room/en/%s","headers":{"x-raincheck-origin":"` + origin + `"},"requestContext":{"http":{"method":"GET"}}}`
	subjects = []subject{
		{"feedback", "../../functions/feedback", `{"source":"none of ours"}`, `null`},
		{"sender", "../../functions/sender", `{"Records":[]}`, `"batchItemFailures":[]`},
		{"inviter", "../../functions/inviter", `{}`, `for which minute`},
		{"intake", "../../functions/intake", fmt.Sprintf(request, ""), `"statusCode":200`},
	}
)

// TestColdStart prints, for each function, the median time from the start of
// its process to its first answer, as a ratio to a function that does nothing,
// and to one that does nothing but links the SDK's clients that the function
// needs, which is what no code of ours can go below. Under it stands the profile
// of what the packages do before main. The three take turns, so that whatever
// else the machine does meets all alike.
//
// It asserts no time, since machines differ; it does assert that a function
// waits for the network once at most before its first answer, and that intake takes
// no longer than twice its goals: 2.0 times a function that does nothing, 1.25 times
// one that links the same clients, and with all languages no longer than with two.
func TestColdStart(t *testing.T) {
	services := &services{}
	server := httptest.NewServer(services)
	defer server.Close()
	env := []string{
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "STACK=s", "TABLE=t", "KEYS_SECRET=k",
		"ORIGIN_SECRET=o", "SITE_HOST=www.example.org", "FROM=a@example.org", "CONFIGURATION_SET=c", "LANGUAGES=en,es",
		"QUEUE_URL=" + server.URL + "/q", "EDGE_STORE=arn:aws:cloudfront::123456789012:key-value-store/x", "EDGE_NAMESPACE=x",
	}
	for _, service := range []string{"SECRETS_MANAGER", "DYNAMODB", "SQS", "SESV2", "CLOUDWATCH", "CLOUDFRONT_KEYVALUESTORE"} {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+server.URL)
	}
	bin := t.TempDir()
	start := func(s subject, file string) time.Duration {
		took, answer, err := Start(t.Context(), file, env, []byte(s.event))
		if err != nil || !strings.Contains(string(answer), s.answer) {
			t.Fatalf("%s answers %s (%v), without %s", s.name, answer, err, s.answer)
		}
		return took
	}
	floor := build(t, filepath.Join(bin, "nothing"), nothing.source)
	for _, s := range subjects {
		file := build(t, filepath.Join(bin, s.name), s.source)
		linked := build(t, filepath.Join(bin, s.name+"-sdk"), nothing.source, "-overlay", overlay(t, clients(t, s.source)))
		var its, sdk, mine, polyglot []time.Duration
		for range starts {
			its = append(its, start(nothing, floor))
			sdk = append(sdk, start(nothing, linked))
			mine = append(mine, start(s, file))
			if s.name == "intake" {
				two := env
				env = append(slices.Clone(env), "LANGUAGES="+strings.Join(email.Tags(), ","))
				polyglot = append(polyglot, start(s, file))
				env = two
			}
		}
		services.watch(20 * time.Millisecond)
		start(s, file)
		waits, asked := services.watched()
		if waits > most {
			t.Errorf("%s waits for the network %d times before its first answer, and may wait %d: %v", s.name, waits, most, asked)
		}
		t.Logf("%-8s %5.1f ms: %.2f of a function that does nothing (%.1f ms), %.2f of one that links the same clients (%.1f ms); waits for %v",
			s.name, milliseconds(mine), ratio(mine, its), milliseconds(its), ratio(mine, sdk), milliseconds(sdk), asked)
		if s.name == "intake" {
			goal(t, ratio(mine, its), 2.0, "a function that does nothing")
			goal(t, ratio(mine, sdk), 1.25, "one that links the same clients")
			goal(t, ratio(polyglot, mine), 1.0, "itself, with all languages instead of two")
		}
		for _, line := range profile(t, file, env, 5) {
			t.Logf("         %s", line)
		}
	}
}

// goal prints how a ratio stands to its goal, and fails at twice that.
func goal(t *testing.T, got, want float64, of string) {
	t.Helper()
	t.Logf("         %.2f of %s; the goal is %.2f", got, of, want)
	if got > 2*want {
		t.Errorf("it takes %.2f times as long as %s, and the goal is %.2f", got, of, want)
	}
}

// build builds a program as make build does.
func build(t *testing.T, file, source string, flags ...string) string {
	t.Helper()
	run := exec.Command("go", slices.Concat([]string{"build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags", "-s", "-o", file}, flags, []string{source})...)
	run.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", source, err, out)
	}
	return file
}

// clients are the SDK's packages of services that a program links.
func clients(t *testing.T, source string) (names []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-tags", "lambda.norpc,nethttpomithttp2", "-deps", source).Output()
	if err != nil {
		t.Fatalf("listing what %s links: %v", source, err)
	}
	return regexp.MustCompile(`(?m)^github\.com/aws/aws-sdk-go-v2/service/[a-z0-9]+$`).FindAllString(string(out), -1)
}

// overlay makes the function that does nothing link packages.
func overlay(t *testing.T, packages []string) string {
	t.Helper()
	dir := t.TempDir()
	text := "package main\n\nimport (\n"
	for _, name := range packages {
		text += "\t_ " + strconv.Quote(name) + "\n"
	}
	file := filepath.Join(dir, "clients.go")
	place, err := filepath.Abs(filepath.Join(nothing.source, "clients.go"))
	if err == nil {
		err = os.WriteFile(file, []byte(text+")\n"), 0o600)
	}
	var doc []byte
	if err == nil {
		doc, err = json.Marshal(map[string]map[string]string{"Replace": {place: file}})
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), doc, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "overlay.json")
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func milliseconds(all []time.Duration) float64 {
	return float64(median(all).Microseconds()) / 1000
}

func ratio(a, b []time.Duration) float64 { return float64(median(a)) / float64(median(b)) }

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock, (\d+) bytes`)

// profile is what the packages do before main, the slowest first: the median of
// some starts, as the runtime itself traces it.
func profile(t *testing.T, file string, env []string, n int) (lines []string) {
	took := map[string][]time.Duration{}
	bytes := map[string]string{}
	var all []time.Duration
	for range 9 {
		run := exec.Command(file)
		run.Env = append([]string{"GODEBUG=inittrace=1", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1"}, env...)
		out, _ := run.CombinedOutput() // it ends, because nothing answers as the runtime
		var sum time.Duration
		for _, m := range initLine.FindAllStringSubmatch(string(out), -1) {
			ms, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			d := time.Duration(ms * float64(time.Millisecond))
			took[m[1]], bytes[m[1]] = append(took[m[1]], d), m[3]
			sum += d
		}
		all = append(all, sum)
	}
	names := slices.SortedFunc(maps.Keys(took), func(a, b string) int { return int(median(took[b]) - median(took[a])) })
	lines = append(lines, fmt.Sprintf("%.2f ms before main, of which:", milliseconds(all)))
	for _, name := range names[:min(n, len(names))] {
		lines = append(lines, fmt.Sprintf("%.2f ms  %7s bytes  %s", milliseconds(took[name]), bytes[name], name))
	}
	return lines
}

// services is Secrets Manager with the two secrets; every other service has
// nothing to say. While it watches, each answer takes a moment, so that what is
// asked side by side is told apart from what is asked one after the other.
type services struct {
	mu      sync.Mutex
	moment  time.Duration
	waits   int
	pending int
	asked   []string
}

func (s *services) watch(moment time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moment, s.waits, s.asked = moment, 0, []string{}
}

// watched is how many times the function waited, and what for.
func (s *services) watched() (waits int, asked []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moment = 0
	return s.waits, slices.Sorted(slices.Values(s.asked))
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.mu.Lock()
	if s.pending == 0 {
		s.waits++
	}
	s.pending++
	s.asked = append(s.asked, operation)
	moment := s.moment
	s.mu.Unlock()
	if moment > 0 {
		<-time.After(moment)
	}
	s.mu.Lock()
	s.pending--
	s.mu.Unlock()
	if operation != "GetSecretValue" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write([]byte(`{"Responses":{}}`))
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	text := root
	if bytes.Contains(body, []byte(`"o"`)) {
		text = origin
	}
	_ = json.NewEncoder(w).Encode(struct{ ARN, Name, SecretString string }{"any", "any", text})
}
