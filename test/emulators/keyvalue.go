package emulators

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// EdgeARN is a store at the edge that a test may speak of.
const EdgeARN = "arn:aws:cloudfront::123456789012:key-value-store/0a1b"

// EdgeConfig is the SDK's configuration for a stand-in of the stores at the edge.
// The SDK puts the account before the host, which no resolver knows: the stand-in
// is reached as a proxy.
func EdgeConfig(t testing.TB, standIn http.Handler) aws.Config {
	t.Helper()
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	proxy, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config("http://edge.stand-in")
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	return cfg
}

// KeyValue is the data plane of one CloudFront KeyValueStore: DescribeKeyValueStore,
// GetKey, PutKey, DeleteKey and UpdateKeys, with one ETag for the whole store.
// The zero KeyValue is an empty store.
type KeyValue struct {
	// ARN is the store's; another is answered as not there. Empty takes any.
	ARN string

	mu     sync.Mutex
	values map[string]string
	etag   int
	writes int
}

// Value is the text under a key.
func (s *KeyValue) Value(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	return v, ok
}

// Set writes past the protocol, as somebody else does.
func (s *KeyValue) Set(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string]string{}
	}
	s.values[key] = value
	s.etag++
}

// Writes is how many writes there were.
func (s *KeyValue) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// ServeHTTP answers as the service does:
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
func (s *KeyValue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-ECDSA-P256-SHA256 ") {
		failWith(w, http.StatusForbidden, "AccessDeniedException", "the request is not signed for all regions (SigV4A)")
		return
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/key-value-stores/")
	arn, rest, _ := strings.Cut(path, "/")
	arn, err := url.PathUnescape(arn)
	if !ok || err != nil || s.ARN != "" && arn != s.ARN {
		failWith(w, http.StatusNotFound, "ResourceNotFoundException", "no such store")
		return
	}
	key, err := url.PathUnescape(strings.TrimPrefix(rest, "keys/"))
	switch {
	case err != nil:
		failWith(w, http.StatusBadRequest, "ValidationException", "the key cannot be read")
	case rest == "" && r.Method == http.MethodGet:
		w.Header().Set("ETag", s.tag())
		answer(w, map[string]any{"ItemCount": len(s.values), "TotalSizeInBytes": s.size(), "KvsARN": arn, "Created": 1.7e9, "Status": "READY"})
	case rest == "keys" && r.Method == http.MethodPost:
		s.update(w, r)
	case r.Method == http.MethodGet:
		v, ok := s.values[key]
		if !ok {
			failWith(w, http.StatusNotFound, "ResourceNotFoundException", "no such key")
			return
		}
		answer(w, map[string]any{"Key": key, "Value": v, "ItemCount": len(s.values), "TotalSizeInBytes": s.size()})
	case r.Method == http.MethodPut:
		var in struct{ Value string }
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			failWith(w, http.StatusBadRequest, "ValidationException", "the body cannot be read")
			return
		}
		s.write(w, r, func() { s.values[key] = in.Value }, map[string]string{key: in.Value})
	case r.Method == http.MethodDelete:
		s.write(w, r, func() { delete(s.values, key) }, nil)
	default:
		failWith(w, http.StatusNotFound, "UnknownOperationException", r.Method+" "+r.URL.Path)
	}
}

func (s *KeyValue) update(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Puts    []struct{ Key, Value string }
		Deletes []struct{ Key string }
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		failWith(w, http.StatusBadRequest, "ValidationException", "the body cannot be read")
		return
	}
	puts := map[string]string{}
	for _, p := range in.Puts {
		puts[p.Key] = p.Value
	}
	s.write(w, r, func() {
		for k, v := range puts {
			s.values[k] = v
		}
		for _, d := range in.Deletes {
			delete(s.values, d.Key)
		}
	}, puts)
}

// write makes a change if If-Match names the store as it is and nothing is too
// large (quotas of the service: 512 bytes a key, 1 KB a value).
func (s *KeyValue) write(w http.ResponseWriter, r *http.Request, change func(), puts map[string]string) {
	match := r.Header.Get("If-Match")
	switch {
	case match == "":
		failWith(w, http.StatusBadRequest, "ValidationException", "If-Match is missing")
		return
	case match != s.tag():
		failWith(w, http.StatusConflict, "ConflictException", "the store is not as If-Match says")
		return
	}
	for k, v := range puts {
		if len(k) > 512 || len(v) > 1024 {
			failWith(w, http.StatusBadRequest, "ServiceQuotaExceededException", "the key or the value is too long")
			return
		}
	}
	if s.values == nil {
		s.values = map[string]string{}
	}
	change()
	s.etag++
	s.writes++
	w.Header().Set("ETag", s.tag())
	answer(w, map[string]any{"ItemCount": len(s.values), "TotalSizeInBytes": s.size()})
}

func (s *KeyValue) tag() string { return "KV" + strconv.Itoa(s.etag) }

func (s *KeyValue) size() (n int) {
	for k, v := range s.values {
		n += len(k) + len(v)
	}
	return n
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func failWith(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Message": message})
}
