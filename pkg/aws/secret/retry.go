package secret

import (
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

const (
	// longestPause bounds the pause before the next attempt. When a thousand
	// functions start at once the last few of them must still ask often enough to
	// use what the quota allows; much longer pauses leave it unused.
	longestPause = time.Second
	// faults is how many attempts are made of a call that Secrets Manager fails to
	// answer, throttling apart.
	faults = 3
)

// patient retries a call that was throttled until the context ends, after pauses
// of a random length: all those who were refused in one second must not come
// back in the same one.
type patient struct{ aws.RetryerV2 }

func patiently() aws.Retryer {
	return patient{retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
	})}
}

// MaxAttempts says that the context alone bounds them.
func (patient) MaxAttempts() int { return 0 }

// RetryDelay is the pause before the next attempt, or the error that ends them.
func (patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	throttled := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err).Bool()
	if !throttled && attempt >= faults {
		return 0, err
	}
	// The first pause is at most a quarter of the longest, the third the longest.
	longest := min(longestPause, longestPause/4<<min(attempt-1, 2))
	return rand.N(longest), nil
}
