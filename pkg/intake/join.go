package intake

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// form shows the form, or that nobody has to wait, or that the waitlist is closed.
func (rm *room) form(ctx context.Context, v *visit) (answer, error) {
	switch n := v.seen(); {
	case n.open():
		return answer{status: http.StatusOK, view: v.view("open", "open.title"), cached: true}, nil
	case n.closed():
		return answer{status: http.StatusOK, view: v.closed(), cached: true}, nil
	}
	w, err := rm.blank(ctx, v)
	if err != nil {
		return answer{}, err
	}
	w.Progress = v.progressLine()
	return answer{status: http.StatusOK, view: w, cached: true}, nil
}

// closed says that no addresses are taken, by the sign-up switch or because the
// line is drained, and what still works.
func (v *visit) closed() *view {
	w := v.view("closed", "closed.title")
	w.More, w.Closed = []string{"closed.lead", "closed.keep"}, true
	if v.seen().control.Drain {
		w.Title, w.More[0] = "drained.title", "drained.lead"
	}
	return w
}

// blank is the form with nothing in it but its stamp.
func (rm *room) blank(ctx context.Context, v *visit) (*view, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return nil, err
	}
	w := v.view("form", "form.title")
	w.Stamp = keys.Stamp(v.now)
	w.Email = input{Name: "email", Label: w.Say("form.email"), Hint: w.Say("form.hint")}
	for _, f := range rm.Fields {
		w.Fields = append(w.Fields, input{Name: f.Name, Label: w.say("form.optional", "name", rm.label(f, v.lang))})
	}
	return w, nil
}

// label is what the form calls a field.
func (rm *room) label(f Field, l email.Language) string {
	for _, tag := range []string{l.Tag, rm.languages[0].Tag} {
		if label := f.Labels[tag]; label != "" {
			return label
		}
	}
	return f.Name
}

// again is the form with what was typed and with what is wrong about it.
func (rm *room) again(v *visit, field, key string) answer {
	w, err := rm.blank(v.Context(), v)
	if err != nil {
		// Without keys the form has no stamp, and comes back once more.
		rm.Log.ErrorContext(v.Context(), "read the keys for a form", "error", err)
		w = v.view("form", "form.title")
		w.Email = input{Name: "email", Label: w.Say("form.email"), Hint: w.Say("form.hint")}
	}
	w.Email.Value = clip(v.form.Get("email"))
	w.To = v.wanted()
	text := ""
	if key != "" {
		text = w.Say(key)
	}
	if field == "email" {
		w.Email.Error = text
	}
	for i := range w.Fields {
		f := &w.Fields[i]
		f.Value = clip(v.form.Get(f.Name))
		if f.Name == field {
			text = w.say(key, "name", rm.label(rm.Fields[i], v.lang))
			f.Error = text
		}
	}
	link := field
	if link == "" {
		link = "email"
	}
	if key != "" {
		w.Errors = []problem{{Field: link, Text: text}}
	}
	w.errorKey = key
	return answer{status: http.StatusUnprocessableEntity, view: w}
}

// clip bounds what is put back into a page.
func clip(s string) string {
	const most = 320
	s = strings.ToValidUTF8(s, "\ufffd")
	for i := range s {
		if i >= most {
			return s[:i]
		}
	}
	return s
}

// join takes an address. Whatever the line says of it, the answer is the same
// page: the form tells nobody who is waiting.
func (rm *room) join(ctx context.Context, v *visit) (answer, error) {
	if v.form.Get("go") != "" {
		// The page that says that nobody has to wait has a button and not a link,
		// because it does not know where this visitor wanted to go.
		return answer{location: v.wanted()}, nil
	}
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	address, err := email.Parse(v.form.Get("email"))
	if err != nil {
		rm.Count(metric.IntakeSignupsRefused, 1)
		if ask, ok := v.slip(email.Address{}); ok {
			return ask, nil
		}
		return answer{}, err
	}
	fields, err := rm.fields(v)
	if err != nil {
		rm.Count(metric.IntakeSignupsRefused, 1)
		return answer{}, err
	}
	if err := keys.VerifyStamp(v.form.Get("stamp"), v.now, MaxFormAge); err != nil {
		return answer{}, err
	}
	n := v.seen()
	if n.closed() {
		return answer{}, errClosed
	}
	if v.form.Get("note") != "" {
		rm.Count(metric.IntakeSignupsTrapped, 1)
		return rm.joined(v, keys, address, waitlist.Ref{})
	}
	if ask, ok := v.slip(address); ok {
		return ask, nil
	}
	return rm.save(ctx, v, keys, v.signup(keys, address, fields))
}

// save puts somebody at the end of the line.
func (rm *room) save(ctx context.Context, v *visit, keys *bypass.Keyring, s waitlist.Signup) (answer, error) {
	got, err := rm.Store.Join(ctx, s)
	if err != nil {
		return answer{}, fmt.Errorf("save a sign-up: %w", err)
	}
	if got.New {
		rm.Count(metric.IntakeSignupsNew, 1)
	} else {
		rm.Count(metric.IntakeSignupsKnown, 1)
	}
	return rm.joined(v, keys, s.Address, got.Ref)
}

// joined is the page after a sign-up; began is the joining that it began, if it
// did.
func (rm *room) joined(v *visit, keys *bypass.Keyring, address email.Address, began waitlist.Ref) (answer, error) {
	token, err := keys.SealReceipt(bypass.Receipt{
		Key: began.Key, Joining: began.Joining, At: v.now.Truncate(time.Second), End: v.now.Add(receiptLife).Truncate(time.Second),
	}, rand.Reader)
	if err != nil {
		// The address is saved: this page must not say anything else.
		rm.Log.ErrorContext(v.Context(), "seal a receipt", "error", err)
	}
	w := v.view("joined", "joined.title")
	// The address is shown to the person who typed it, so that a slip is seen. No
	// cache keeps this page.
	w.values = append(w.values, "email", address.Reveal())
	w.Open, w.To, w.Receipt = v.seen().open(), v.wanted(), token
	w.Progress = v.progressLine()
	return answer{status: http.StatusOK, view: w}, nil
}

// fields reads what the operator asked for beside the address. What is left out
// is not kept.
func (rm *room) fields(v *visit) (map[string]string, error) {
	var out map[string]string
	for _, f := range rm.Fields {
		value := waitlist.Field(v.form.Get(f.Name))
		switch {
		case value == "":
			continue
		case utf8.RuneCountInString(value) > waitlist.MaxFieldLength:
			return nil, &fieldError{f.Name, "field.long"}
		case !waitlist.Printable(value):
			// Line ends would break the rows of an export, marks of direction its sense.
			return nil, &fieldError{f.Name, "field.bad"}
		}
		if out == nil {
			out = map[string]string{}
		}
		out[f.Name] = value
	}
	return out, nil
}
