package demo

import (
	"slices"
	"sync"

	"raincheck/pkg/twin/outbox"
)

const (
	// keptMails is how many mails to the crowd can be read on the console, keptOwn
	// how many to people at a browser.
	keptMails = 200
	keptOwn   = 100
)

// post is where mails are kept to be read, and come by on their way.
type post struct {
	mu    sync.Mutex
	fresh []outbox.Mail // accepted, and not looked at yet
	own   []outbox.Mail // to people at a browser
	crowd []outbox.Mail // the newest of the others
}

// take notes a mail that was accepted. The outbox need not keep its text.
func (p *post) take(m outbox.Mail) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh = append(p.fresh, m)
	into, most := &p.own, keptOwn
	if simulated(m.To) {
		into, most = &p.crowd, keptMails
	}
	if len(*into) >= 2*most {
		*into = append((*into)[:0], (*into)[most:]...)
	}
	*into = append(*into, m)
	return false
}

// all are the mails that can still be read: to people first, then the others,
// the newest first.
func (p *post) all() []outbox.Mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []outbox.Mail
	for _, m := range slices.Backward(p.own) {
		out = append(out, m)
	}
	for _, m := range slices.Backward(p.crowd) {
		out = append(out, m)
	}
	return out
}
