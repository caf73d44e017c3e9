// Package secret reads the two secrets of a stack from Secrets Manager: the key
// ring, from which everything that raincheck signs derives, and the value of the
// header by which CloudFront shows the waiting room's API that it is CloudFront.
//
// Both come in one call, so that a function that has just started is a single
// round trip away from its first answer, and are kept for a little under five
// minutes: a new key signs only ten minutes after it was made (DESIGN 28), so
// that by then everybody has it. When Secrets Manager does not answer, what was
// read last is good for a day more; a site under load must not go down for the
// want of a secret that has not changed.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"raincheck/pkg/bypass"
)

const (
	// fresh is how long what was read is used without asking; under the five
	// minutes of DESIGN 28.
	fresh = 4 * time.Minute
	// patience is how long it goes on being used while nobody answers.
	patience = 24 * time.Hour
	// again is how long after a failure the next attempt is made.
	again = 15 * time.Second
)

// Secrets are the secrets of a stack. It is safe for concurrent use.
type Secrets struct {
	// Now is the clock of the cache; time.Now by default.
	Now func() time.Time

	client       *secretsmanager.Client
	root, origin string

	mu    sync.Mutex
	kept  values
	tried time.Time
}

type values struct {
	at     time.Time
	keys   *bypass.Keyring
	origin []string
}

// New gives the secrets of those names or ARNs; origin may be empty for a
// function that needs the key ring alone. Nothing is sent before the first use.
func New(cfg aws.Config, root, origin string) *Secrets {
	return &Secrets{Now: time.Now, client: secretsmanager.NewFromConfig(cfg), root: root, origin: origin}
}

// Keys gives the key ring.
func (s *Secrets) Keys(ctx context.Context) (*bypass.Keyring, error) {
	v, err := s.read(ctx)
	return v.keys, err
}

// Origin gives the values of the origin header that are good now: one, or two
// while it is being rotated.
func (s *Secrets) Origin(ctx context.Context) ([]string, error) {
	v, err := s.read(ctx)
	return v.origin, err
}

func (s *Secrets) read(ctx context.Context) (values, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	usable := s.kept.keys != nil && now.Sub(s.kept.at) < patience
	if usable && (now.Sub(s.kept.at) < fresh || now.Sub(s.tried) < again) {
		return s.kept, nil
	}
	s.tried = now
	read, err := s.fetch(ctx)
	switch {
	case err == nil:
		read.at = now
		s.kept = read
	case !usable:
		return values{}, fmt.Errorf("secret: %w", err)
	}
	return s.kept, nil
}

func (s *Secrets) fetch(ctx context.Context) (v values, err error) {
	ids := []string{s.root}
	if s.origin != "" {
		ids = append(ids, s.origin)
	}
	texts := make([]string, len(ids))
	if len(ids) == 1 {
		out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.root})
		if err != nil {
			return v, fmt.Errorf("reading the key ring: %w", err)
		}
		texts[0] = aws.ToString(out.SecretString)
	} else {
		out, err := s.client.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: ids})
		if err != nil {
			return v, fmt.Errorf("reading the secrets: %w", err)
		}
		for _, e := range out.Errors {
			err = errors.Join(err, fmt.Errorf("reading the secret %s: %s", aws.ToString(e.SecretId), aws.ToString(e.ErrorCode)))
		}
		if err != nil {
			return v, err
		}
		for _, got := range out.SecretValues {
			for i, id := range ids {
				if id == aws.ToString(got.ARN) || id == aws.ToString(got.Name) {
					texts[i] = aws.ToString(got.SecretString)
				}
			}
		}
		if v.origin, err = parseOrigin(texts[1]); err != nil {
			return v, err
		}
	}
	v.keys, err = bypass.ParseKeyring([]byte(texts[0]))
	return v, err
}

// parseOrigin reads {"value":"…","previous":"…"}: previous may be absent or
// empty. Errors never repeat a value.
func parseOrigin(text string) ([]string, error) {
	var doc struct{ Value, Previous string }
	if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.Value == "" {
		return nil, errors.New("the origin secret is not the JSON of a header value (an object with value and perhaps previous)")
	}
	if doc.Previous == "" {
		return []string{doc.Value}, nil
	}
	return []string{doc.Value, doc.Previous}, nil
}
