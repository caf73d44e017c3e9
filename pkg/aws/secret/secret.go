// Package secret reads the two secrets of a stack from Secrets Manager: the key
// ring, from which everything that raincheck signs derives, and the value of the
// header by which CloudFront shows the waiting room's API that it is CloudFront.
//
// Both are asked for side by side, so that a function that has just started is a
// single round trip away from its first answer. One call for both would be
// BatchGetSecretValue, of which an account has 100 a second and cannot have more:
// of 1,000 functions that start in one second, two in five would fail. Of
// GetSecretValue it has 10,000, and who is refused asks again
// (https://docs.aws.amazon.com/general/latest/gr/asm.html, retry.go).
//
// They are kept for a little under five minutes: a new key signs only ten minutes after it was made (docs/design.md, decision 28), so
// that by then everybody has it. When Secrets Manager does not answer, what was
// read last is good for a day more; a site under load must not go down for the
// want of a secret that has not changed.
//
// The header has two good values while it is rotated: Secrets Manager's present
// and its previous one. The previous is asked for only when somebody shows a
// value that is not the present one (Meet), which on all other days is nobody
// but a stranger, and then once in four minutes; the present one is then read
// again too, since it may be what was shown.
package secret

import (
	"context"
	"crypto/subtle"
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
	// minutes of docs/design.md, decision 28.
	fresh = 4 * time.Minute
	// patience is how long it goes on being used while nobody answers.
	patience = 24 * time.Hour
	// again is how long after a failure the next attempt is made.
	again = 15 * time.Second
	// firstRead is how long a function that has just started tries to get the
	// secrets, under the 8 s for which the waiting room lets a person wait. While old
	// values are good nobody has to wait for new ones: nextRead.
	firstRead = 7500 * time.Millisecond
	nextRead  = 2 * time.Second
)

// Secrets are the secrets of a stack. It is safe for concurrent use.
type Secrets struct {
	// Now is the clock of the cache; time.Now by default.
	Now func() time.Time

	root, origin string
	// A method of the client, and not the client: see pkg/aws/mailer.
	get func(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)

	mu   sync.Mutex
	kept values
	// tried is when the secrets were last asked for, met when the previous value.
	tried, met time.Time
	previous   string
}

type values struct {
	at     time.Time
	keys   *bypass.Keyring
	origin string
}

// New gives the secrets of those names or ARNs; origin may be empty for a
// function that needs the key ring alone. Nothing is sent before the first use.
func New(cfg aws.Config, root, origin string) *Secrets {
	client := secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) { o.Retryer = patiently() })
	return &Secrets{Now: time.Now, root: root, origin: origin, get: client.GetSecretValue}
}

// Keys gives the key ring.
func (s *Secrets) Keys(ctx context.Context) (*bypass.Keyring, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.read(ctx)
	return s.kept.keys, err
}

// Origin gives the values of the origin header that are good now, as far as they
// are known: the present one, and after Meet perhaps the one before it.
func (s *Secrets) Origin(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	if s.previous == "" {
		return []string{s.kept.origin}, nil
	}
	return []string{s.kept.origin, s.previous}, nil
}

// Meet looks for the values before and after the last rotation when what was shown
// is not the present one. It decides nothing: whoever compares asks Origin.
func (s *Secrets) Meet(ctx context.Context, shown string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if shown == "" || s.read(ctx) != nil || subtle.ConstantTimeCompare([]byte(shown), []byte(s.kept.origin)) == 1 || !s.met.IsZero() && now.Sub(s.met) < fresh {
		return
	}
	s.met = now
	// It may be the present one, written since this copy read it.
	if present, err := s.one(ctx, s.origin, "reading the origin header"); err == nil && present != s.kept.origin {
		s.previous, s.kept.origin = s.kept.origin, present
		return
	}
	// An error is most often that there is none yet; the next stranger asks again.
	out, err := s.get(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.origin, VersionStage: aws.String("AWSPREVIOUS")})
	if err == nil {
		s.previous = aws.ToString(out.SecretString)
	}
}

// read makes sure that what is kept is good to use.
func (s *Secrets) read(ctx context.Context) error {
	now := s.Now()
	usable := s.kept.keys != nil && now.Sub(s.kept.at) < patience
	if usable && (now.Sub(s.kept.at) < fresh || now.Sub(s.tried) < again) {
		return nil
	}
	s.tried = now
	wait := firstRead
	if usable {
		wait = nextRead
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	read, err := s.fetch(ctx)
	switch {
	case err == nil:
		read.at = now
		if s.kept.origin != "" && read.origin != s.kept.origin {
			// A rotation: the distribution sends the old value for a while.
			s.previous = s.kept.origin
		}
		s.kept = read
	case !usable:
		s.kept = values{}
		return fmt.Errorf("secret: %w", err)
	}
	return nil
}

// fetch reads the secrets, side by side.
func (s *Secrets) fetch(ctx context.Context) (v values, err error) {
	origin, failed := "", error(nil)
	var both sync.WaitGroup
	if s.origin != "" {
		both.Go(func() {
			origin, failed = s.one(ctx, s.origin, "reading the origin header")
		})
	}
	ring, err := s.one(ctx, s.root, "reading the key ring")
	both.Wait()
	if err := errors.Join(err, failed); err != nil {
		return v, err
	}
	v.origin = origin
	v.keys, err = bypass.ParseKeyring([]byte(ring))
	return v, err
}

func (s *Secrets) one(ctx context.Context, id, doing string) (string, error) {
	out, err := s.get(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	text := aws.ToString(out.SecretString)
	if text == "" {
		return "", fmt.Errorf("%s: the secret %s is empty", doing, id)
	}
	return text, nil
}
