package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// codePage shows one button. It is the same page for every code, and cached as
// one: the form on it posts to its own address, which has the code.
func (rm *room) codePage(_ context.Context, v *visit) (answer, error) {
	return answer{status: http.StatusOK, view: v.view("code", "code.title"), cached: true}, nil
}

// enterPage takes a code from somebody who would rather not use the link.
func (rm *room) enterPage(_ context.Context, v *visit) (answer, error) {
	return answer{status: http.StatusOK, view: v.enter(), cached: true}, nil
}

func (v *visit) enter() *view {
	w := v.view("enter", "enter.title")
	w.Code = input{Name: "code", Label: w.Say("enter.label"), Hint: w.Say("enter.hint")}
	return w
}

// enterAgain shows what was entered and what is wrong with it.
func (rm *room) enterAgain(v *visit, key string) answer {
	w := v.enter()
	w.Code.Value = clip(v.typed())
	if key != "" {
		w.Code.Error = w.Say(key)
		w.Errors = []problem{{Field: "code", Text: w.Code.Error}}
	}
	return answer{status: http.StatusUnprocessableEntity, view: w}
}

// typed is the code that was typed, or that the link has.
func (v *visit) typed() string {
	if v.form.Has("code") {
		return v.form.Get("code")
	}
	return v.URL.Query().Get("c")
}

// redeem lets in whoever has a good code. Whether it is good is decided by
// arithmetic, before the store is asked. The store then says whether it has been
// used up or given up; when the store does not answer, the person gets in.
func (rm *room) redeem(ctx context.Context, v *visit) (answer, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	typed := v.typed()
	if typed == "" {
		return answer{}, errEmptyCode
	}
	code, expires, err := keys.VerifyCode(typed, v.now)
	if err != nil {
		v.code, v.expires = code, expires
		return answer{}, err
	}
	use, err := rm.use(keys, v, code)
	if err != nil {
		return answer{}, err
	}
	got, err := rm.Store.Redeem(ctx, waitlist.Redemption{Code: code, Use: use, At: v.now})
	switch {
	case errors.Is(err, waitlist.ErrUsedUp), errors.Is(err, waitlist.ErrRevoked):
		v.ticket = got.Ticket
		return answer{}, err
	case err != nil:
		rm.Log.ErrorContext(ctx, "write down the use of a code; its bearer gets in", "error", err)
		rm.Count(metric.IntakeCodesUnrecorded, 1)
	default:
		rm.Count(metric.IntakeCodesRedeemed, 1)
	}
	pass, err := keys.MintPass(bypass.Redeemed, use, v.now, rm.PassLife)
	if err != nil {
		return answer{}, err
	}
	to := gate.SafePath(got.Ticket.Wanted)
	rm.Log.InfoContext(ctx, "code used", "first", got.First, "known", got.Known, "left", expires.Sub(v.now).Round(time.Minute).String())
	return answer{
		// The id in the path makes it an address of its own: a CDN may give the answer
		// to one request to others that ask for the same address at the same moment.
		location: here(v.lang) + "/in/" + use + "?to=" + url.QueryEscape(to),
		cookie:   bypass.CookieName + "=" + pass + "; " + bypass.CookieAttributes(bypass.Pass{Expires: v.now.Add(rm.PassLife)}, v.now),
	}, nil
}

// use returns the id under which this use of the code is counted: that of the
// pass that the browser already has; without one, a hash of who asks, so that a
// button pressed twice counts once; and if that is unknown, a random id.
func (rm *room) use(keys *bypass.Keyring, v *visit, code bypass.Code) (string, error) {
	if p, ok := v.pass(keys); ok {
		return p.ID, nil
	}
	if viewer := rm.Viewer(v.Request); viewer != "" {
		return keys.PassID(string(code), viewer, v.UserAgent()), nil
	}
	return bypass.NewPassID(rand.Reader)
}

// pass returns the first good pass among the cookies. There may be several of the
// name; other cookies, malformed ones too, do not matter.
func (v *visit) pass(keys *bypass.Keyring) (bypass.Pass, bool) {
	cookies := v.CookiesNamed(bypass.CookieName)
	for _, c := range cookies[:min(len(cookies), 3)] {
		if p, err := keys.VerifyPass(c.Value, v.now); err == nil {
			return p, true
		}
	}
	return bypass.Pass{}, false
}

// in stands between a redemption and the site. A browser that kept no cookie
// would be turned away there and sent round; here it is told.
func (rm *room) in(ctx context.Context, v *visit) (answer, error) {
	keys, err := rm.Keys(ctx)
	if err != nil {
		return answer{}, err
	}
	if _, ok := v.pass(keys); ok {
		return answer{location: v.wanted()}, nil
	}
	w := v.view("cookie", "cookie.title")
	w.Others = nil // it takes no POST
	return answer{status: http.StatusOK, view: w}, nil
}

// dead is the page for a code that was good.
func (rm *room) dead(v *visit, key string) answer {
	w := v.view("dead", key+".title")
	w.Text, w.To = key, v.wanted()
	if v.ticket.Wanted != "" {
		w.To = gate.SafePath(v.ticket.Wanted)
	}
	n := v.seen()
	if w.Open = n.open(); !w.Open && n.closed() {
		closed := v.closed()
		w.Closed, w.More = true, closed.More
	}
	return answer{status: http.StatusGone, view: w}
}
