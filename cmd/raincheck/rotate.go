package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/attach"
	"raincheck/pkg/aws/distribution"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/bypass"
)

// rotateCmd puts a new key into the ring, or a new value into the origin header.
type rotateCmd struct {
	deployed
	apply
	Origin         bool          `help:"Rotate the secret by which the distribution shows the waiting room that it is CloudFront, and give the distribution the new one."`
	DistributionID string        `name:"distribution-id" placeholder:"ID" help:"For --origin, the distribution. Without it, the one that serves the stack's host is looked for."`
	Elsewhere      bool          `help:"For --origin, when the distribution cannot be seen from this account: it sends the present value, and somebody gives it the new one."`
	NoWait         bool          `help:"For --origin, do not wait until the change has reached the edges."`
	Spread         time.Duration `hidden:"" env:"RAINCHECK_SPREAD" default:"5m"`
	Poll           time.Duration `hidden:"" env:"RAINCHECK_POLL" default:"10s"`
}

// Help is shown by --help.
func (c *rotateCmd) Help() string {
	return "A new key signs ten minutes from now, when every function and every edge has it. What older keys signed stays good until it runs out: " +
		"nobody who waits, holds a code or is on the site notices. Names of mailboxes do not depend on it.\n\n" +
		"With --origin it is the secret of the header x-raincheck-origin. The new value and the one before are both accepted: the distribution gets the new one " +
		"five minutes later, when every function has it, and the command waits for that. Interrupted, the same command goes on. " +
		"A second rotation waits until the distribution has the first, since the value that it sends would not be accepted any more."
}

// Run rotates.
func (c *rotateCmd) Run(e *env) error {
	s, err := c.session(e)
	if err != nil {
		return err
	}
	if c.Origin {
		return c.origin(e, s)
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

// origin rotates the origin header, or finishes a rotation that was begun.
func (c *rotateCmd) origin(e *env, s *session) error {
	_, values, err := s.room(e.ctx)
	if err != nil {
		return err
	}
	cloudfront := distribution.New(s.cfg)
	d, config, err := c.attached(e, s, cloudfront)
	if err != nil {
		return err
	}
	begun := false
	if config != nil {
		switch sent := attach.SentSecret(config); {
		case sent == values.Present:
		case sent != "" && sent == values.Previous:
			begun = true
		default:
			return fmt.Errorf("the distribution %s sends neither the present secret nor the one before: `raincheck attach --distribution-id %s` shows what it needs", d.ID, d.ID)
		}
	}
	if begun {
		fmt.Fprintf(e.stdout, "On the stack %s: a rotation was begun at %s, and the distribution %s still sends the value from before.\n", s.Name, values.Since.UTC().Format("15:04 UTC"), d.ID)
	} else {
		fmt.Fprintf(e.stdout, "On the stack %s: a new secret for the header of the distribution; the present one is accepted beside it, until the next rotation.\n", s.Name)
	}
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if !begun {
		if err := secret.WriteOrigin(e.ctx, s.cfg, s.Outputs[outOrigin], rand.Text()); err != nil {
			return awsWords(err)
		}
		values.Since = e.now()
		fmt.Fprintln(e.stdout, "Written.")
	}
	if config == nil || len(attach.Renew(config, attach.Room{}).Conflicts) > 0 {
		fmt.Fprintf(e.stdout, "From %s on, when every function has it, give it to the distribution: for CloudFormation print the fragment again (raincheck attach --print cloudformation) and deploy it, "+
			"for Terraform apply again. `raincheck doctor` says whether it sends the new one.\n", values.Since.Add(c.Spread).UTC().Format("15:04 UTC"))
		return nil
	}
	if err := c.spread(e, values.Since); err != nil {
		return err
	}
	on := onDistribution{DistributionID: d.ID, NoWait: c.NoWait, Poll: c.Poll}
	return on.change(e, cloudfront, c.apply, "rotate", nil, func() (distribution.Distribution, attach.Plan, error) {
		// Read again: what was written is what must be sent.
		room, _, err := s.room(e.ctx)
		if err != nil {
			return d, attach.Plan{}, err
		}
		d, config, err := readDistribution(e, cloudfront, d.ID)
		if err != nil {
			return d, attach.Plan{}, err
		}
		return d, attach.Renew(config, room), nil
	})
}

// attached reads the distribution in front of the stack; nil when it is elsewhere.
func (c *rotateCmd) attached(e *env, s *session, cloudfront *distribution.Client) (d distribution.Distribution, config *attach.Config, err error) {
	id := c.DistributionID
	if id == "" {
		ids, err := cloudfront.Serving(e.ctx, s.Parameters["SiteHost"])
		switch {
		case err != nil:
			return d, nil, awsWords(err)
		case len(ids) > 0:
			id = ids[0]
		case c.Elsewhere:
			return d, nil, nil
		default:
			return d, nil, errors.New("no distribution of this account serves " + s.Parameters["SiteHost"] + ", so whether it sends the present secret cannot be seen; if it does, and you can give it a new one: --elsewhere")
		}
	}
	return readDistribution(e, cloudfront, id)
}

// spread waits until every function has what was written at a time.
func (c *rotateCmd) spread(e *env, since time.Time) error {
	left := since.Add(c.Spread).Sub(e.now())
	if left <= 0 {
		return nil
	}
	fmt.Fprintf(e.stdout, "Waiting %s, until every function has it.\n", left.Round(time.Second))
	select {
	case <-e.ctx.Done():
		return errors.New("interrupted before the distribution had the new value; both values are accepted, and the same command goes on")
	case <-time.After(left):
		return nil
	}
}
