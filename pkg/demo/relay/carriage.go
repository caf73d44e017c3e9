package relay

import (
	"context"
	"sync"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// Relay mails people at a browser for real. The simulated crowd, and the invented
// person of `raincheck smoke`, have their mail in this instance.
type Relay struct {
	// Mail sends a mail; its error is as pkg/email says.
	Mail interface {
		Send(ctx context.Context, m email.Message) (id string, err error)
	}
	// From is the address that writes.
	From string
	// PerSecond is how many mails a second of the wall's clock the relay takes at most.
	PerSecond float64
}

const (
	// carriers is how many mails are under way to a relay at once: its answer may take
	// seconds, and many relays take some ten connections from one machine.
	carriers = 10
	// carried is how many messages may wait for a carrier; more stay in the queue.
	carried = 10_000
)

// Carriage mails people through a relay while the clock goes on.
type Carriage struct {
	bag  chan waitlist.Message
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	slot time.Time // the next free one, by the wall
}

// Begin starts the carriers, which end with ctx or by End. Each hands a message to
// mail when its slot of the rate has come; a mail that was begun is seen through.
func (c *Carriage) Begin(ctx context.Context, perSecond float64, mail func(context.Context, waitlist.Message)) {
	c.bag = make(chan waitlist.Message, carried)
	ctx, c.stop = context.WithCancel(ctx)
	for range carriers {
		c.done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case m := <-c.bag:
					if c.wait(ctx, perSecond) {
						mail(context.WithoutCancel(ctx), m)
					}
				}
			}
		})
	}
}

// Take takes a message, or says that there are too many.
func (c *Carriage) Take(m waitlist.Message) bool {
	select {
	case c.bag <- m:
		return true
	default:
		return false
	}
}

// End waits for the mails that are under way. The places of the others are given
// back when their claims end, as after a crash.
func (c *Carriage) End() {
	if c.stop != nil {
		c.stop()
		c.done.Wait()
	}
}

// wait takes the next slot of the relay's rate, and says whether it has come.
func (c *Carriage) wait(ctx context.Context, rate float64) bool {
	c.mu.Lock()
	now := time.Now()
	if c.slot.Before(now) {
		c.slot = now
	}
	mine := c.slot.Sub(now)
	c.slot = c.slot.Add(time.Duration(float64(time.Second) / rate))
	c.mu.Unlock()
	timer := time.NewTimer(mine)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
