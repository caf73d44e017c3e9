package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"raincheck/pkg/aws/secret"
	"raincheck/pkg/bypass"
)

// rotateCmd puts a new key into the ring.
type rotateCmd struct {
	deployed
	apply
}

// Help is shown by --help.
func (c *rotateCmd) Help() string {
	return "A new key signs ten minutes from now, when every function and every edge has it. What older keys signed stays good until it runs out: " +
		"nobody who waits, holds a code or is on the site notices. Names of mailboxes do not depend on it."
}

// Run rotates.
func (c *rotateCmd) Run(e *env) error {
	s, err := c.session(e)
	if err != nil {
		return err
	}
	out, err := s.Need(outKeys)
	if err != nil {
		return err
	}
	document, err := secret.ReadRing(e.ctx, s.cfg, out[0])
	if err != nil {
		return awsWords(err)
	}
	keys, err := bypass.ParseKeyring(document)
	if err != nil {
		return err
	}
	next, err := keys.Rotate(e.now(), rand.Reader)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "On the stack %s: a new key that signs from %s on; older ones stay good for what they signed.\n",
		s.Name, e.now().UTC().Add(bypass.RotationLead).Format(time.TimeOnly+" UTC"))
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if err := secret.WriteRing(e.ctx, s.cfg, out[0], next); err != nil {
		return awsWords(err)
	}
	fmt.Fprintln(e.stdout, "Done. The edge has its part within a few minutes, by the inviter.")
	return nil
}
