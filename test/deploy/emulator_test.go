//go:build deploy

package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	host    = "www.example.org"
	from    = "queue@example.org"
	domain  = "example.org"
	shop    = "shop.example.org"
)

// cloud is the emulator, and a proxy in front of it through which everybody
// speaks: the tool, SAM, the functions and this test. The proxy changes nothing; it
// remembers the mails.
type cloud struct {
	*testing.T
	root     string // of the repository
	endpoint string // the proxy's
	direct   string // the emulator's
	cfg      aws.Config
	log      *output
	scratch  string
	folder   string // this version's stack, as it was unpacked
	users    map[string]user

	mu    sync.Mutex
	mails []*mail
	// stores are the stores at the edge, by the names of the functions that read them.
	stores map[string]string
}

// mail is one that SES took.
type mail struct {
	id, to, set string
	tags        map[string]string
	text        string
	headers     map[string]string
}

// output is what a process says.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

// Tail is the last of it.
func (o *output) Tail(lines int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := strings.Split(strings.TrimSpace(o.all.String()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// newCloud starts the emulator with IAM enforced and Lambda functions as plain
// processes.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	folder := filepath.Dir(here)
	c := &cloud{T: t, root: filepath.Join(folder, "..", ".."), log: &output{}, scratch: t.TempDir(), stores: map[string]string{}, users: map[string]user{}}
	c.hosts()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	c.must(err)
	port := freePort(c)
	c.endpoint, c.direct = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port), fmt.Sprintf("http://localhost:%d", port)
	c.cfg = aws.Config{
		Region: region, BaseEndpoint: &c.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 2,
	}
	target, err := url.Parse(c.direct)
	c.must(err)
	// The host of a request is signed, so it stays.
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.pass(proxy, w, r) })}
	go func() { _ = server.Serve(listener) }() // it ends with an error, that it was closed
	t.Cleanup(func() { server.Close() })

	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, filepath.Join(folder, ".venv", "bin", "ministack"))
	run.Dir = c.scratch
	run.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.scratch, "TMPDIR=" + c.scratch,
		fmt.Sprintf("GATEWAY_PORT=%d", port), "BIND_HOST=127.0.0.1", "MINISTACK_ACCOUNT_ID=" + account, "MINISTACK_REGION=" + region,
		"LAMBDA_EXECUTOR=local", "AUTH=true", "IOT_MTLS_ENABLED=0",
		// The functions inherit this one variable, and find every service by it.
		"AWS_ENDPOINT_URL=" + c.endpoint,
	}
	run.Stdout, run.Stderr = c.log, c.log
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	run.WaitDelay = 10 * time.Second
	c.must(run.Start())
	ended := make(chan struct{})
	go func() {
		_ = run.Wait() // interrupted by us, at the end
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("the emulator's last words:\n%s", c.log.Tail(30))
		}
	})
	c.until(60*time.Second, "the emulator answers", func() bool {
		select {
		case <-ended:
			c.Fatalf("the emulator ended:\n%s", c.log.Tail(30))
		default:
		}
		response, err := http.Get(c.direct + "/_ministack/health")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return c
}

// hosts makes sure that the KeyValueStore's host is this machine: the SDK puts the
// account's number before the endpoint's host.
func (c *cloud) hosts() {
	name := account + ".localhost"
	if _, err := net.LookupHost(name); err == nil {
		return
	}
	file, err := os.OpenFile("/etc/hosts", os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(file, "127.0.0.1 %s\n", name)
		err = firstOf(err, file.Close())
	}
	if err != nil {
		c.Fatalf("the name %s must lead to this machine, and /etc/hosts cannot be written (%v): add the line 127.0.0.1 %s", name, err, name)
	}
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func freePort(c *cloud) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.must(err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *cloud) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// until waits for something to become so.
func (c *cloud) until(patience time.Duration, what string, so func() bool) {
	c.Helper()
	for giveUp := time.Now().Add(patience); ; <-time.After(100 * time.Millisecond) {
		if so() {
			return
		}
		if time.Now().After(giveUp) {
			c.Fatalf("%s: not within %s\n%s", what, patience, c.log.Tail(12))
		}
	}
}

// environ is what the tool and SAM run with.
func (c *cloud) environ(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GOPROXY=" + os.Getenv("GOPROXY"), "GOFLAGS=" + os.Getenv("GOFLAGS"),
		"AWS_ENDPOINT_URL=" + c.endpoint, "AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/nowhere/none", "AWS_SHARED_CREDENTIALS_FILE=/nowhere/none", "SAM_CLI_TELEMETRY=0",
	}, more...)
}

// run runs a program to its end and gives what it said; it fails when its exit
// status is another.
func (c *cloud) run(dir string, status int, env []string, name string, args ...string) string {
	c.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		c.Fatalf("%s %s: %v, want exit status %d\n%s", filepath.Base(name), strings.Join(args, " "), err, status, said)
	}
	return string(said)
}

// pass hands a request on to the emulator, and keeps a mail that SES takes.
func (c *cloud) pass(proxy http.Handler, w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/2020-05-31/function/"); ok && r.Method == http.MethodPost && strings.HasSuffix(name, "/test") {
		c.tryFunction(w, r, strings.TrimSuffix(name, "/test"))
		return
	}
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/v2/email/outbound-emails") {
		proxy.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := &recorded{ResponseWriter: w, status: http.StatusOK}
	proxy.ServeHTTP(answer, r)
	var asked struct {
		ConfigurationSetName string
		Destination          struct{ ToAddresses []string }
		EmailTags            []struct{ Name, Value string }
		Content              struct {
			Simple struct {
				Body    struct{ Text struct{ Data string } }
				Headers []struct{ Name, Value string }
			}
		}
	}
	var given struct{ MessageID string }
	if answer.status != http.StatusOK || json.Unmarshal(body, &asked) != nil || json.Unmarshal(answer.body.Bytes(), &given) != nil || len(asked.Destination.ToAddresses) != 1 {
		return
	}
	m := &mail{id: given.MessageID, to: asked.Destination.ToAddresses[0], set: asked.ConfigurationSetName, text: asked.Content.Simple.Body.Text.Data, tags: map[string]string{}, headers: map[string]string{}}
	for _, t := range asked.EmailTags {
		m.tags[t.Name] = t.Value
	}
	for _, h := range asked.Content.Simple.Headers {
		m.headers[h.Name] = h.Value
	}
	c.mu.Lock()
	c.mails = append(c.mails, m)
	c.mu.Unlock()
}

// recorded keeps a copy of an answer.
type recorded struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorded) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorded) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// mailsTo are the mails to an address, in order.
func (c *cloud) mailsTo(address string) (all []*mail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mails {
		if m.to == address {
			all = append(all, m)
		}
	}
	return all
}

// ask makes a request of a service for which the repository has no client of the
// SDK. The emulator does not check the signature of its root user.
func (c *cloud) ask(service, region, method, path, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	kind := "application/x-amz-json-1.1"
	if form, ok := in.(url.Values); ok {
		body, kind = []byte(form.Encode()), "application/x-www-form-urlencoded"
	}
	r, err := http.NewRequest(method, c.direct+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s %s %s: %d %s", service, method, path, target, response.StatusCode, text)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = text
		return nil
	}
	return json.Unmarshal(text, out)
}
