package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"raincheck/pkg/aws/secret"
)

// quota is a Secrets Manager that answers so many calls of an operation a second,
// each after a few milliseconds, and refuses the others as AWS does. It speaks to
// the SDK's client in memory, so that a test of it can run in virtual time.
type quota struct {
	perSecond map[string]float64

	mu      sync.Mutex
	tokens  map[string]float64
	at      time.Time
	refused int
}

func (q *quota) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	<-time.After(5 * time.Millisecond)
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer := func(status int, what any) (*http.Response, error) {
		text, err := json.Marshal(what)
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
			Body: io.NopCloser(bytes.NewReader(text)), Request: r,
		}, err
	}
	if !q.allows(operation) {
		return answer(http.StatusBadRequest, map[string]string{"__type": "ThrottlingException", "Message": "Rate exceeded"})
	}
	var in struct{ SecretID string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	return answer(http.StatusOK, map[string]string{"ARN": in.SecretID, "Name": in.SecretID, "SecretString": map[string]string{"keys": ring, "origin": "first"}[in.SecretID]})
}

func (q *quota) allows(operation string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.tokens == nil {
		q.tokens, q.at = map[string]float64{}, now
		for name, n := range q.perSecond {
			q.tokens[name] = n
		}
	}
	for name, n := range q.perSecond {
		q.tokens[name] = min(n, q.tokens[name]+n*now.Sub(q.at).Seconds())
	}
	q.at = now
	if q.tokens[operation] < 1 {
		q.refused++
		return false
	}
	q.tokens[operation]--
	return true
}

// TestAThousandStartInOneSecond: every function has its secrets within the 8 s for
// which the waiting room lets a person wait, where the account may make 300 calls
// a second, a thirtieth of what AWS allows; 2,000 calls then take 5.7 s at the
// least. Of the call for several secrets it may make 100.
func TestAThousandStartInOneSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &quota{perSecond: map[string]float64{"GetSecretValue": 300, "BatchGetSecretValue": 100}}
		cfg := aws.Config{
			Region: "eu-west-1", HTTPClient: q, BaseEndpoint: aws.String("http://secrets.example"),
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "not-a-secret"}, nil
			}),
		}
		const starts = 1000
		var mu sync.Mutex
		var failed int
		var slowest time.Duration
		var wait sync.WaitGroup
		for i := range starts {
			wait.Go(func() {
				<-time.After(time.Duration(i) * time.Second / starts)
				begun := time.Now()
				keys, err := secret.New(cfg, "keys", "origin").Keys(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if err != nil || keys == nil {
					failed++
				}
				slowest = max(slowest, time.Since(begun))
			})
		}
		wait.Wait()
		t.Logf("%d starts: %d failed, the slowest took %s, %d calls were refused", starts, failed, slowest, q.refused)
		if failed > 0 || slowest > 8*time.Second {
			t.Errorf("of %d starts %d failed; the slowest took %s, want 8s", starts, failed, slowest)
		}
		if q.refused == 0 {
			t.Error("nothing was refused: the quota bounds nothing")
		}
	})
}
