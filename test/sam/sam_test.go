//go:build sam

package sam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/test/emulators"
	"raincheck/test/template"
)

// The stand-ins as the functions in their containers see them.
const host = "stand-ins"

// stage is what every run of SAM shares: the network, the template, and the
// variables of the functions.
type stage struct {
	*testing.T
	sam, network, gateway, sts string
	template, variables        string
}

// newStage reads what run.sh prepared. SAM gives a function no variable that the
// template does not declare, so the endpoints of the stand-ins, by which the SDK
// finds them, are declared in a copy of the built template; the rest is
// what the stack gives each function. sts is where SAM itself asks whose account this is, for the
// pseudo parameter; with no network it would wait for that.
func newStage(t *testing.T, gateway, sts string, stack *template.Stack, endpoints map[string]string) *stage {
	t.Helper()
	s := &stage{T: t, sam: needed(t, "SAM"), network: needed(t, "RAINCHECK_SAM_NETWORK"), gateway: gateway, sts: sts}
	if strings.ContainsRune(s.sam, filepath.Separator) && !filepath.IsAbs(s.sam) {
		s.sam = filepath.Join(template.Root(), s.sam)
	}
	variables := map[string]map[string]string{}
	for _, function := range append(emulators.Functions(), "smoke") {
		logical := emulators.Logical(function)
		var err error
		variables[logical], err = stack.Environment(logical)
		must(t, err)
	}
	file, err := json.Marshal(variables)
	must(t, err)
	s.variables = filepath.Join(t.TempDir(), "variables.json")
	must(t, os.WriteFile(s.variables, file, 0o600))

	built := filepath.Join(template.Root(), ".aws-sam", "build")
	text, err := os.ReadFile(filepath.Join(built, "template.yaml"))
	must(t, err)
	before, after, found := strings.Cut(string(text), "\nGlobals:\n  Function:\n")
	if !found {
		t.Fatal("the built template has no Globals for functions")
	}
	declared := ""
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		declared += fmt.Sprintf("        %s: %q\n", name, endpoints[name])
	}
	s.template = filepath.Join(built, "stand-ins.yaml")
	must(t, os.WriteFile(s.template, []byte(before+"\nGlobals:\n  Function:\n    Environment:\n      Variables:\n"+declared+after), 0o600))
	t.Cleanup(func() { os.Remove(s.template) })
	return s
}

func needed(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: this suite is run by make test-sam", name)
	}
	return value
}

// command is SAM's, with what all have in common.
func (s *stage) command(args ...string) *exec.Cmd {
	var overrides []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		overrides = append(overrides, name+"="+parameters[name])
	}
	args = append(args, "--template", s.template, "--skip-pull-image",
		"--docker-network", s.network, "--add-host", host+":"+s.gateway, "--add-host", account+"."+host+":"+s.gateway,
		"--env-vars", s.variables,
		"--parameter-overrides", strings.Join(overrides, " "))
	run := exec.Command(s.sam, args...)
	run.Dir = template.Root()
	run.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=not-a-secret",
		"AWS_REGION="+region, "AWS_DEFAULT_REGION="+region, "AWS_ENDPOINT_URL_STS="+s.sts)
	return run
}

// invoke gives one function one event, and reads its answer into out.
func (s *stage) invoke(function string, event []byte, out any) {
	s.Helper()
	answer, said := s.answer(function, event)
	var err error
	if bytes.Contains(answer, []byte(`"errorMessage"`)) {
		err = fmt.Errorf("the function failed")
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		s.Fatalf("sam local invoke %s: %v\n%s\n%s", function, err, answer, said)
	}
}

// answer gives one function one event, and gives what it answered and what SAM
// and it said meanwhile.
func (s *stage) answer(function string, event []byte) (answer []byte, said string) {
	s.Helper()
	run := s.command("local", "invoke", function, "--event", "-")
	run.Stdin = bytes.NewReader(event)
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	began := time.Now()
	err := run.Run()
	s.Logf("sam local invoke %s: %.1f s", function, time.Since(began).Seconds())
	if err != nil {
		s.Fatalf("sam local invoke %s: %v\n%s\n%s", function, err, stdout.String(), stderr.String())
	}
	return bytes.TrimSpace(stdout.Bytes()), stderr.String()
}

// api starts the HTTP API and gives its address.
func (s *stage) api() string {
	s.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	run := s.command("local", "start-api", "--host", "127.0.0.1", "--port", fmt.Sprint(port))
	// The configuration file keeps containers of all functions warm, which is right
	// for a person; one request then would start four.
	run.Args = append(run.Args, "--warm-containers", "LAZY")
	log, err := os.Create(filepath.Join(s.TempDir(), "api.log"))
	if err != nil {
		s.Fatal(err)
	}
	run.Stdout, run.Stderr = log, log
	if err := run.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	said := func() string { text, _ := os.ReadFile(log.Name()); return string(text) }
	s.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGINT) // it ends its containers itself
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = run.Process.Kill()
		}
		log.Close()
		if s.Failed() {
			s.Logf("sam local start-api said:\n%s", said())
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for giveUp := time.After(2 * time.Minute); ; {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			conn.Close()
			return "http://" + address
		}
		select {
		case err := <-ended:
			ended <- err
			s.Fatalf("sam local start-api ended: %v", err)
		case <-giveUp:
			s.Fatal("sam local start-api does not listen")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// browser sends what a browser behind CloudFront sends, and follows nothing.
type browser struct {
	*testing.T
	base, origin string
}

type page struct {
	*http.Response
	body string
}

func (b browser) do(method, path string, form url.Values, change ...func(http.Header)) page {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("X-Raincheck-Origin", b.origin)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://"+site)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range change {
		f(r.Header)
	}
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	began := time.Now()
	res, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		b.Fatal(err)
	}
	b.Logf("%s %s: %d in %.1f s", method, r.URL.Path, res.StatusCode, time.Since(began).Seconds())
	return page{res, body.String()}
}

// sample is a file of events/ with some words replaced; each must be there.
func sample(t *testing.T, name string, replace map[string]string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(template.Root(), "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	for old := range maps.Keys(replace) {
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("events/%s.json has no %q", name, old)
		}
		text = bytes.ReplaceAll(text, []byte(old), []byte(replace[old]))
	}
	return text
}

func mailbox(t *testing.T, address string) email.Address {
	t.Helper()
	a, err := email.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
