package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// open brings the waitlist and the keys, kept or new.
func (in *Instance) open() (err error) {
	in.store = &store.Store{}
	if in.config.Data != "" {
		if in.store, err = store.Open(in.config.Data, store.Options{Progress: in.config.Reading, Names: names}); err != nil {
			return fmt.Errorf("keep the waitlist: %w", err)
		}
	}
	doc, err := in.store.Secret(func() ([]byte, error) {
		var root [32]byte
		if _, err := io.ReadFull(in.random, root[:]); err != nil {
			return nil, fmt.Errorf("draw a secret: %w", err)
		}
		return json.Marshal(map[string]string{"root": fmt.Sprintf("%x", root)})
	})
	if err == nil {
		in.keys, err = bypass.ParseKeyring(doc)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the key ring: %w", err), in.store.Close())
	}
	return nil
}

// names is how a secret names mailboxes.
func names(secret []byte) (func(mailbox string) string, error) {
	keys, err := bypass.ParseKeyring(secret)
	if err != nil {
		return nil, err
	}
	return keys.Mailbox, nil
}

// resume makes a kept waitlist go on after the last thing that happened to it: its
// virtual time may have been far ahead of the wall. A recorded day keeps its
// hours, unless codes that are out would be dead by then.
func (in *Instance) resume() error {
	var last, dies time.Time
	in.guests.kept = map[waitlist.Ref]bool{}
	err := in.store.Each(context.Background(), func(e waitlist.Entry) error {
		for _, t := range []time.Time{e.Joined, e.Claim, e.Invited, e.Ended} {
			if t.After(last) {
				last = t
			}
		}
		if e.Code != "" && (dies.IsZero() || e.Expires.Before(dies)) {
			dies = e.Expires
		}
		if !e.Address.IsZero() && !simulated(e.Address.Reveal()) {
			in.guests.kept[e.Ref] = false
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the kept waitlist: %w", err)
	}
	story := &in.config.Story
	// Within the minute that has begun by the wall's clock, nothing is ahead: one that
	// is started again and again must not run away from the codes that are out.
	if story.Start.After(last) || last.Sub(story.Start) < time.Minute && !last.After(in.config.Now()) {
		return nil
	}
	after := func(step time.Duration) time.Time { return story.Start.Add(step * (1 + last.Sub(story.Start)/step)) }
	if day := after(24 * time.Hour); story.Minutes > 0 && (dies.IsZero() || day.Before(dies)) {
		story.Start = day
	} else {
		story.Start = after(time.Minute)
	}
	return nil
}
