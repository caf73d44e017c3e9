package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// expired is the page for a code that died. Whoever let one run out that never led
// to a pass can have the old place back, but not while the line is drained.
func (rm *room) expired(v *visit) answer {
	ctx := v.Context()
	ticket, err := rm.Store.Ticket(ctx, v.code)
	switch {
	case err == nil:
		v.ticket = ticket
	case !errors.Is(err, waitlist.ErrUnknown):
		// The button is offered all the same: pressing it says whether it works.
		rm.Log.WarnContext(ctx, "read a code that expired", "error", err)
	}
	a := rm.dead(v, "dead.expired")
	w := a.view
	w.Text = ""
	w.values = append(w.values, "date", v.date(v.expires))
	w.Keep = !errors.Is(err, waitlist.ErrUnknown) && len(ticket.Uses) == 0 && !ticket.Revoked && !v.seen().control.Drain
	if !w.Keep {
		return a
	}
	keys, err := rm.Keys(ctx)
	if err != nil {
		w.Keep = false
		return a
	}
	w.Stamp = keys.Stamp(v.now)
	w.Email = input{Name: "email", Label: w.Say("form.email"), Hint: w.Say("form.hint"), Value: clip(v.form.Get("email"))}
	w.Code = input{Name: "code", Value: string(v.code)}
	return a
}

// keepAgain is that page with what is wrong about the address.
func (rm *room) keepAgain(v *visit, key string) answer {
	a := rm.expired(v)
	a.status = http.StatusUnprocessableEntity
	a.view.Email.Error = a.view.Say(key)
	a.view.Errors = []problem{{Field: "email", Text: a.view.Email.Error}}
	return a
}

// expiredAgain is that page for a visitor who has it, with what was typed.
func (rm *room) expiredAgain(v *visit) (answer, bool) {
	keys, err := rm.Keys(v.Context())
	if err != nil {
		return answer{}, false
	}
	if v.code, v.expires, err = keys.VerifyCode(v.typed(), v.now); !errors.Is(err, bypass.ErrCodeExpired) {
		return answer{}, false
	}
	a := rm.expired(v)
	a.status = http.StatusOK
	return a, true
}

// keep gives whoever let a code run out their old place back, once, if the address
// is of the mailbox that the code was sent to, also while sign-ups are off. With
// any other address it is an ordinary sign-up, and the page is the same: it does
// not tell whose code it was.
func (rm *room) keep(ctx context.Context, v *visit) (answer, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	typed := v.typed()
	code, expires, err := keys.VerifyCode(typed, v.now)
	switch {
	case typed == "":
		return answer{}, errEmptyCode
	case err == nil:
		return rm.redeem(ctx, v) // it is good after all
	case !errors.Is(err, bypass.ErrCodeExpired):
		return answer{}, err
	}
	v.code, v.expires = code, expires
	address, err := email.Parse(v.form.Get("email"))
	if key := addressProblem(err); key != "" {
		if ask, ok := v.slip(email.Address{}); ok {
			return ask, nil
		}
		return rm.keepAgain(v, key), nil
	}
	if err := keys.VerifyStamp(v.form.Get("stamp"), v.now, MaxFormAge); err != nil {
		return rm.keepAgain(v, "form.stale"), nil
	}
	n := v.seen()
	if n.control.Drain {
		return answer{}, errClosed
	}
	if v.form.Get("note") != "" {
		rm.Count(metric.IntakeSignupsTrapped, 1)
		return rm.joined(v, keys, address, waitlist.Ref{})
	}
	signup := v.signup(keys, address, nil)
	ticket, err := rm.Store.Ticket(ctx, code)
	if err != nil && !errors.Is(err, waitlist.ErrUnknown) {
		return answer{}, fmt.Errorf("read a code that expired: %w", err)
	}
	if err == nil && ticket.Key == signup.Key && len(ticket.Uses) == 0 && !ticket.Revoked {
		signup.Wanted = cmp.Or(ticket.Wanted, signup.Wanted)
		got, err := rm.rejoin(ctx, signup, ticket)
		if err == nil {
			rm.Count(metric.IntakePlacesKept, 1)
			return rm.joined(v, keys, address, got.Ref)
		}
		if !errors.Is(err, waitlist.ErrStale) {
			return answer{}, err
		}
	}
	if n.closed() {
		return answer{}, errClosed
	}
	if ask, ok := v.slip(address); ok {
		return ask, nil
	}
	return rm.save(ctx, v, keys, signup)
}

// rejoin puts somebody back. The inviter may not have come to end the entry yet.
func (rm *room) rejoin(ctx context.Context, s waitlist.Signup, t waitlist.Ticket) (waitlist.Joined, error) {
	err := rm.Store.Expire(ctx, t.Ref, s.At)
	if err != nil && !errors.Is(err, waitlist.ErrStale) && !errors.Is(err, waitlist.ErrUnknown) {
		return waitlist.Joined{}, fmt.Errorf("end an entry whose code expired: %w", err)
	}
	got, err := rm.Store.Rejoin(ctx, s, t.Ref)
	if err != nil {
		return got, fmt.Errorf("give a place back: %w", err)
	}
	return got, nil
}

// addressProblem is the key of what is wrong with an address; empty for nothing.
func addressProblem(err error) string {
	switch {
	case errors.Is(err, email.ErrEmpty):
		return "email.empty"
	case errors.Is(err, email.ErrLetters):
		return "email.letters"
	case err != nil:
		return "email.format"
	}
	return ""
}

// signup is what is saved of somebody.
func (v *visit) signup(keys *bypass.Keyring, address email.Address, fields map[string]string) waitlist.Signup {
	return waitlist.Signup{
		Key: keys.Mailbox(address.Mailbox()), Address: address, Language: v.lang.Tag,
		Wanted: v.wanted(), Fields: fields, At: v.now, Shards: v.seen().control.Writers(),
	}
}
