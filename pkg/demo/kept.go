package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// open brings the waitlist and the keys, kept or new.
func (in *Instance) open() error {
	in.store = &store.Store{}
	secret := in.config.Data
	if secret != "" {
		if err := os.MkdirAll(secret, 0o700); err != nil {
			return fmt.Errorf("keep the waitlist: %w", err)
		}
		store, err := store.Open(in.config.Data)
		if err != nil {
			return fmt.Errorf("keep the waitlist: %w", err)
		}
		in.store = store
		secret = filepath.Join(secret, "secret.json")
		if doc, err := os.ReadFile(secret); err == nil {
			in.keys, err = bypass.ParseKeyring(doc)
			if err != nil {
				return fmt.Errorf("%s: %w", secret, err)
			}
			return nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read the key ring: %w", err)
		}
	}
	var root [32]byte
	if _, err := io.ReadFull(in.random, root[:]); err != nil {
		return fmt.Errorf("draw a secret: %w", err)
	}
	doc, err := json.Marshal(map[string]string{"root": fmt.Sprintf("%x", root)})
	if err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	if secret != "" {
		if err := os.WriteFile(secret, doc, 0o600); err != nil {
			return fmt.Errorf("keep the key ring: %w", err)
		}
	}
	in.keys, err = bypass.ParseKeyring(doc)
	return err
}

// goOn has a kept waitlist go on after the last thing that happened to it: its
// virtual time may have been far ahead of the wall. A recorded day keeps its
// hours.
func (in *Instance) goOn() error {
	var last time.Time
	in.guests.kept = map[waitlist.Ref]bool{}
	err := in.store.Each(context.Background(), func(e waitlist.Entry) error {
		for _, t := range []time.Time{e.Joined, e.Claim, e.Invited, e.Ended} {
			if t.After(last) {
				last = t
			}
		}
		if !e.Address.IsZero() && !simulated(e.Address.Reveal()) {
			in.guests.kept[e.Ref] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the kept waitlist: %w", err)
	}
	story := &in.config.Story
	step := time.Minute
	if story.Minutes > 0 {
		step = 24 * time.Hour
	}
	for !story.Start.After(last) {
		story.Start = story.Start.Add(step * (1 + last.Sub(story.Start)/step))
	}
	return nil
}
