//go:build emulators

package emulators_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"raincheck/pkg/smoke"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

// theCanary runs functions/smoke as it is deployed, through the other functions
// as they are deployed: by HTTPS to the site's host, the queue, a mail, SES's word
// of it, the code, the site and the gate. It leaves no entry behind.
func (c *cloud) theCanary(t *testing.T) {
	w := c.newWorld(t)
	w.minute() // the gate and the base
	address := make(chan string, 1)
	w.start("smoke", w.front(address)...)

	var result smoke.Result
	ended := make(chan error, 1)
	go func() {
		text, err := w.functions["smoke"].Invoke([]byte("{}"))
		if err == nil {
			err = json.Unmarshal(text, &result)
		}
		ended <- err
	}()
	told, counted := false, false
	for {
		select {
		case w.address = <-address:
		case err := <-ended:
			if err != nil || result.Failed != "" || result.Off != "" || len(result.Steps) != 9 {
				t.Fatalf("%v, %+v\n%s\n%s", err, result, w.functions["smoke"].Output(), w.functions["feedback"].Output())
			}
			if _, err := w.table.Entry(t.Context(), w.keys.Mailbox(w.address)); !errors.Is(err, waitlist.ErrUnknown) {
				t.Errorf("the canary's entry is still there: %v", err)
			}
			if mails := w.mails(); len(mails) != 1 {
				t.Errorf("%d mails", len(mails))
			}
			w.role("smoke")
			return
		default:
			// Lambda's poller, then SES's word of the mail, then CloudWatch's reading of
			// what feedback counted in its log.
			w.work()
			if got := w.mails(); len(got) == 1 && !told {
				told = true
				w.hear(got[0], "Send", "{}")
				w.hear(got[0], "Delivery", `{"smtpResponse":"250 ok"}`)
			}
			// What a program prints comes here a moment after its answer.
			if told && !counted && strings.Contains(w.functions["feedback"].Output(), "feedback.delivered") {
				counted = true
				w.load.Put(emulators.Series("Raincheck", "feedback.delivered", "Stack="+w.name), time.Now(), 1)
			}
		}
	}
}

// front is the site's host over HTTPS, the room's API behind it: CloudFront as far
// as the canary sees it. It gives the environment in which a program finds it
// under the site's own name, and tells the first address that is left.
func (w *world) front(address chan<- string) []string {
	w.Helper()
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/waiting-room") {
			_, _ = io.WriteString(rw, "the site")
			return
		}
		w.hand(rw, r, address)
	}))
	public, private, err := ed25519.GenerateKey(rand.Reader)
	w.must(err)
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: siteHost}, DNSNames: []string{siteHost}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, about, about, public, private)
	w.must(err)
	site.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: private}}}
	site.StartTLS()
	w.Cleanup(site.Close)
	authority := filepath.Join(w.TempDir(), "authority.pem")
	w.must(os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600))

	// Every name leads to the site; the services are asked over plain HTTP.
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != siteHost+":443" {
			http.Error(rw, "only the site is to be reached", http.StatusForbidden)
			return
		}
		there, err := net.Dial("tcp", site.Listener.Addr().String())
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		rw.WriteHeader(http.StatusOK)
		here, buffered, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		// What the client said at once may have been read already.
		go func() { _, _ = io.Copy(there, buffered) }()
		_, _ = io.Copy(here, there)
	}))
	w.Cleanup(proxy.Close)
	return []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + authority, "SSL_CERT_DIR=" + w.TempDir()}
}

// hand hands a request to intake as CloudFront and the HTTP API do.
func (w *world) hand(rw http.ResponseWriter, r *http.Request, address chan<- string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	var left struct{ Email, Stamp string }
	if json.Unmarshal(body, &left) == nil && left.Stamp != "" {
		select {
		case address <- left.Email:
		default:
		}
	}
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{
			"host": "abc.execute-api." + emulators.Region + ".amazonaws.com", "x-forwarded-for": "203.0.113.24, 198.51.100.7", "x-raincheck-origin": w.origin,
		},
		Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
	}
	for name := range r.Header {
		if name != "Cookie" {
			event.Headers[strings.ToLower(name)] = r.Header.Get(name)
		}
	}
	for _, c := range r.Cookies() {
		event.Cookies = append(event.Cookies, c.String())
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path, event.RequestContext.HTTP.SourceIP = r.Method, r.URL.Path, "198.51.100.7"
	text, err := json.Marshal(event)
	var answer events.APIGatewayV2HTTPResponse
	if err == nil {
		text, err = w.functions["intake"].Invoke(text)
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	out := []byte(answer.Body)
	if err == nil && answer.IsBase64Encoded {
		out, err = base64.StdEncoding.DecodeString(answer.Body)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	for name, value := range answer.Headers {
		rw.Header().Set(name, value)
	}
	for _, c := range answer.Cookies {
		rw.Header().Add("Set-Cookie", c)
	}
	rw.WriteHeader(answer.StatusCode)
	_, _ = rw.Write(out)
}
