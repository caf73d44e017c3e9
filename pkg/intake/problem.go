package intake

import (
	"errors"
	"net/http"
	"strconv"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/intake/posted"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// refusal is an error that a person can do something about, or should at least
// be told of.
type refusal struct{ why string }

func (r *refusal) Error() string { return "waiting room: " + r.why }

// What the room refuses, beside what the packages beneath it do.
var (
	errDirect    = &refusal{"the request did not come through the CDN"}
	errForeign   = &refusal{"the form is another site's"}
	errMethod    = &refusal{"the method is not allowed"}
	errMissing   = &refusal{"no such page"}
	errClosed    = &refusal{"no addresses are taken now"}
	errEmptyCode = &refusal{"no code was entered"}
)

// fieldError is about one of the operator's fields.
type fieldError struct {
	name string
	key  string // of the words
}

func (e *fieldError) Error() string { return "waiting room: the field " + e.name + " was refused" }

// explain turns an error into a page, and is the only place that does. What a
// stranger reads are words of ours; what went wrong beneath us is logged and
// counted, and said to be what it is: not saved, try again.
func (rm *room) explain(v *visit, err error, h http.Header) answer {
	plain := func(status int, text string) answer {
		w := v.view("plain", text+".title")
		w.Text = text
		return answer{status: status, view: w}
	}
	back := func(a answer) answer {
		a.view.Button = "to.form"
		return a
	}
	var field *fieldError
	switch {
	case errors.Is(err, email.ErrEmpty):
		return rm.again(v, "email", "email.empty")
	case errors.Is(err, email.ErrFormat):
		return rm.again(v, "email", "email.format")
	case errors.Is(err, email.ErrLetters):
		return rm.again(v, "email", "email.letters")
	case errors.Is(err, posted.ErrTwice):
		return rm.again(v, "email", "email.twice")
	case errors.As(err, &field):
		return rm.again(v, field.name, field.key)
	case errors.Is(err, bypass.ErrStampOld), errors.Is(err, bypass.ErrStamp):
		return rm.again(v, "", "form.stale")
	case errors.Is(err, errClosed):
		w := v.closed()
		w.More = append([]string{"closed.lost"}, w.More...)
		return answer{status: http.StatusConflict, view: w}

	case errors.Is(err, errEmptyCode):
		return rm.enterAgain(v, "code.empty")
	case errors.Is(err, bypass.ErrCode):
		rm.Count(metric.IntakeCodesWrong, 1)
		return rm.enterAgain(v, "code.wrong")
	// A code that is over is counted when it is presented, here alone: not when its page
	// is shown again, in another language or for an address that is not one.
	case errors.Is(err, bypass.ErrCodeExpired), errors.Is(err, waitlist.ErrUsedUp), errors.Is(err, waitlist.ErrRevoked):
		rm.Count(metric.IntakeCodesOver, 1)
		return rm.over(v, err)
	case errors.Is(err, bypass.ErrReceipt):
		a := plain(http.StatusUnprocessableEntity, "leave.wrong")
		a.view.Page, a.view.Text = "astray", "receipt.wrong"
		return a
	case errors.Is(err, bypass.ErrLeave):
		a := plain(http.StatusUnprocessableEntity, "leave.wrong")
		a.view.Page = "astray"
		return a

	case errors.Is(err, errForeign):
		rm.Count(metric.IntakeForeignForms, 1)
		a := plain(http.StatusConflict, "foreign")
		a.view.Button = "to.form"
		return a
	case errors.Is(err, errDirect):
		// No page: visitors do not come this way.
		rm.Count(metric.IntakeDirectHits, 1)
		return answer{status: http.StatusForbidden, raw: []byte("This address is not for visitors.\n"), kind: "text/plain; charset=utf-8"}
	case errors.Is(err, posted.ErrLarge):
		return back(plain(http.StatusRequestEntityTooLarge, "bad"))
	case errors.Is(err, posted.ErrType):
		return back(plain(http.StatusUnsupportedMediaType, "bad"))
	case errors.Is(err, posted.ErrBad):
		return back(plain(http.StatusUnprocessableEntity, "bad"))
	case errors.Is(err, errMethod), errors.Is(err, errMissing):
		a := back(plain(http.StatusNotFound, "missing"))
		if errors.Is(err, errMethod) {
			a.status = http.StatusMethodNotAllowed
		}
		// A language cannot be changed at an address where nothing is: the buttons lead to
		// the form, as the link does.
		a.view.Action = a.view.Here + "/"
		return a
	}

	rm.Log.ErrorContext(v.Context(), "serve the waiting room", "page", pageName(v.page), "error", err)
	h.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	switch {
	case v.page == "" && v.form != nil:
		rm.Count(metric.IntakeSignupsFailed, 1)
		a := rm.again(v, "", "form.busy")
		a.status, a.view.Busy = http.StatusTooManyRequests, true
		return a
	case (v.page == "leave" || v.page == "receipt") && v.form != nil:
		a := plain(http.StatusTooManyRequests, "leave.busy")
		a.view.Retry, a.view.Button = true, "leave.busy.button"
		return a
	}
	a := plain(http.StatusTooManyRequests, "busy")
	if v.form != nil {
		a.view.Retry, a.view.Button, a.view.Fields = true, "leave.busy.button", v.posted()
	}
	return a
}

// posted is what was typed into the forms for a code, to be posted again.
func (v *visit) posted() (fields []input) {
	for _, name := range []string{"code", "email", "stamp", "to"} {
		if v.form.Has(name) {
			fields = append(fields, input{Name: name, Value: clip(v.form.Get(name))})
		}
	}
	return fields
}

// pageName is a page of ours, for the log: never what a client made up.
func pageName(page string) string {
	switch page {
	case "":
		return "form"
	case "code", "enter", "keep", "leave", "receipt", "form.json":
		return page
	}
	return "other"
}

// over is the page for a code that was good.
func (rm *room) over(v *visit, err error) answer {
	switch {
	case errors.Is(err, waitlist.ErrUsedUp):
		return rm.dead(v, "dead.used")
	case errors.Is(err, waitlist.ErrRevoked):
		return rm.dead(v, "dead.revoked")
	}
	return rm.expired(v)
}
