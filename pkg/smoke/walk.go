package smoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// walk is one canary.
type walk struct {
	*Service
	address email.Address
	began   time.Time
	result  Result
	// placed says that there may be traces.
	placed bool

	room, code, cookie, onward string
	mailed                     time.Time
}

// along goes the way.
func (w *walk) along(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"room", w.visit}, {"join", w.join}, {"invite", w.invite}, {"mail", w.mail}, {"delivery", w.delivery},
		{"redeem", w.redeem}, {"site", w.site}, {"gate", w.gate},
	} {
		if step.name == "delivery" && w.Delivered == nil || step.name == "gate" && w.Gate == nil {
			continue
		}
		if err := w.step(step.name, func() (string, error) { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) step(name string, do func() (string, error)) error {
	if w.Begun != nil {
		w.Begun(name)
	}
	from := w.Now()
	says, err := do()
	step := Step{Name: name, Took: w.Now().Sub(from), Says: says}
	if err != nil {
		step.Says = err.Error()
		if !errors.Is(err, ErrOff) {
			step.Failed = true
			if w.result.Failed == "" {
				w.result.Failed = name
			}
		}
		err = fmt.Errorf("%s: %w", name, err)
	}
	w.result.Steps = append(w.result.Steps, step)
	if w.Told != nil {
		w.Told(step)
	}
	return err
}

// visit finds the room in its first language, and an empty place.
func (w *walk) visit(ctx context.Context) (string, error) {
	seen, err := w.Line.Look(ctx, w.address)
	switch {
	case errors.Is(err, waitlist.ErrUnknown):
	case err != nil:
		return "", fmt.Errorf("looking for traces of an earlier one: %w", err)
	case !seen.Stage.Ended() && seen.Age < stale:
		return "", fmt.Errorf("%w (for %s)", ErrBusy, seen.Age.Round(time.Second))
	default:
		if err := w.Line.Forget(ctx, w.address); err != nil {
			return "", fmt.Errorf("removing traces of an earlier one: %w", err)
		}
	}
	at := w.Site + gate.Room
	for range 4 {
		status, header, _, err := w.ask(ctx, http.MethodGet, at, nil)
		if err != nil {
			return "", err
		}
		if to := header.Get("Location"); status >= 300 && status < 400 && to != "" {
			if at, err = w.resolve(at, to); err != nil {
				return "", err
			}
			continue
		}
		if status != http.StatusOK {
			return "", fmt.Errorf("%s answers %d", at, status)
		}
		if !strings.HasSuffix(at, "/") {
			return "", fmt.Errorf("%s is not the waiting room: it should lead to a page in a language", at)
		}
		w.room = at
		return at + " answers", nil
	}
	return "", fmt.Errorf("%s leads round in a circle", at)
}

// reply is what the room answers to JSON: pkg/intake.
type reply struct {
	Joined  bool     `json:"joined"`
	Error   string   `json:"error"`
	Stamp   string   `json:"stamp"`
	Message []string `json:"message"`
}

// join leaves the address. With no stamp the room answers with one to post again
// with, whatever its page shows now.
func (w *walk) join(ctx context.Context) (string, error) {
	var r reply
	for range 2 {
		body, err := json.Marshal(map[string]string{"email": w.address.Reveal(), "to": w.Path, "stamp": r.Stamp})
		if err != nil {
			return "", err
		}
		w.placed = w.placed || r.Stamp != ""
		status, _, answer, err := w.ask(ctx, http.MethodPost, w.room, body)
		if err != nil {
			return "", err
		}
		r = reply{}
		if err := json.Unmarshal(answer, &r); err != nil {
			return "", fmt.Errorf("the waiting room answers %d and something else than its JSON: does something in front of it answer?", status)
		}
		if r.Joined || r.Stamp == "" {
			break
		}
	}
	switch {
	case r.Error == "closed.title":
		return "", fmt.Errorf("%w: no addresses are taken", ErrOff)
	case !r.Joined:
		return "", fmt.Errorf("the waiting room does not take the address: %s", strings.Join(r.Message, " "))
	}
	seen, err := w.Line.Look(ctx, w.address)
	if err != nil {
		return "", fmt.Errorf("the waiting room says that it has the address, and the line: %w", err)
	}
	if !seen.Mine {
		w.placed = false
		return "", ErrBusy
	}
	return "it is in the line", nil
}

func (w *walk) invite(ctx context.Context) (string, error) {
	w.mailed = w.Now()
	if err := w.Line.Invite(ctx, w.address); err != nil {
		return "", err
	}
	return "claimed, it alone, and its mail asked for", nil
}

// mail waits until the mail service has accepted the mail.
func (w *walk) mail(ctx context.Context) (string, error) {
	last := waitlist.Claimed
	for {
		seen, err := w.Line.Look(ctx, w.address)
		if err != nil {
			return "", fmt.Errorf("looking for it in the line: %w", err)
		}
		switch seen.Stage {
		case waitlist.Invited, waitlist.Used:
			w.code = seen.Code
			if w.code == "" {
				return "", errors.New("it is invited and has no code")
			}
			return "accepted by the mail service", nil
		case waitlist.Waiting:
			return "", errors.New("it was given back to the line: the mail was late, throttled, paused or out of quota (raincheck status)")
		case waitlist.Held:
			return "", errors.New("the mail service refused the mail, or it came back (the sender's and feedback's logs say why)")
		case waitlist.Bounced, waitlist.Failed, waitlist.Expired, waitlist.Left:
			return "", fmt.Errorf("its entry has ended, at the stage %s", seen.Stage)
		}
		last = seen.Stage
		if err := w.Wait(ctx, every); err != nil {
			if last == waitlist.Claimed {
				return "", errors.New("no sender began the mail in time: look at the queue and the sender's logs")
			}
			return "", errors.New("the mail was begun, and no word came whether the mail service accepted it")
		}
	}
}

// delivery waits for the mail service's word that the mail arrived.
func (w *walk) delivery(ctx context.Context) (string, error) {
	for {
		delivered, err := w.Delivered(ctx, w.mailed)
		if err != nil {
			return "", fmt.Errorf("asking for word of the delivery: %w", err)
		}
		if delivered {
			return "word of the delivery came back", nil
		}
		if w.Wait(ctx, every) != nil {
			return "", errors.New("the mail was accepted, and no word of its delivery came back: look at SES's event destination and the logs of feedback")
		}
	}
}

// redeem presses the button.
func (w *walk) redeem(ctx context.Context) (string, error) {
	at := w.room + "code?c=" + url.QueryEscape(w.code)
	status, header, _, err := w.ask(ctx, http.MethodPost, at, nil)
	if err != nil {
		return "", err
	}
	for _, c := range (&http.Response{Header: header}).Cookies() {
		if c.Name == bypass.CookieName {
			w.cookie = c.Value
		}
	}
	if status != http.StatusSeeOther || w.cookie == "" {
		return "", fmt.Errorf("the code is not taken: the waiting room answers %d", status)
	}
	if w.onward, err = w.resolve(at, header.Get("Location")); err != nil {
		return "", err
	}
	seen, err := w.Line.Look(ctx, w.address)
	if err != nil {
		return "", fmt.Errorf("the code was taken, and looking for it in the line: %w", err)
	}
	if seen.Stage != waitlist.Used {
		return "", fmt.Errorf("the code was taken, and the line still has its entry at the stage %s", seen.Stage)
	}
	return "the code is taken, and gives a pass", nil
}

// site goes on to the site with the pass.
func (w *walk) site(ctx context.Context) (string, error) {
	status, header, _, err := w.ask(ctx, http.MethodGet, w.onward, nil)
	if err != nil {
		return "", err
	}
	if status != http.StatusSeeOther {
		return "", fmt.Errorf("the waiting room does not let the pass go on: it answers %d", status)
	}
	at, err := w.resolve(w.onward, header.Get("Location"))
	if err != nil {
		return "", err
	}
	status, header, _, err = w.ask(ctx, http.MethodGet, at, nil)
	switch to := header.Get("Location"); {
	case err != nil:
		return "", err
	case strings.Contains(to, gate.Room):
		return "", fmt.Errorf("%s sends a bearer of a pass to the waiting room", at)
	case status >= http.StatusInternalServerError:
		return "", fmt.Errorf("it is let in, and %s answers %d", at, status)
	}
	return fmt.Sprintf("%s lets it in (%d)", at, status), nil
}

func (w *walk) gate(ctx context.Context) (string, error) {
	g, err := w.Gate(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the gate back: %w", err)
	}
	now := w.Now()
	if !g.InForce(now) {
		return "", fmt.Errorf("the gate ran out at %s UTC: the controller does not renew it", g.Until.UTC().Format("15:04"))
	}
	says := "the edge has " + string(g.Mode)
	if g.Mode == gate.Throttle {
		says += fmt.Sprintf(", %.0f %% of new visitors are let in", 100*g.Admit)
	}
	return says, nil
}

// ask sends one request as a browser's navigation, or as a script's JSON where
// there is a body, and follows nothing.
func (w *walk) ask(ctx context.Context, method, at string, body []byte) (status int, header http.Header, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, request)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("User-Agent", "raincheck-smoke")
	r.Header.Set("Accept", "text/html")
	switch {
	case body != nil:
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
	case method == http.MethodPost:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	default:
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	if w.cookie != "" {
		r.Header.Set("Cookie", bypass.CookieName+"="+w.cookie)
	}
	client := http.Client{Transport: w.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		// Its address may have the code in it: the reason alone goes on.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, nil, nil, fmt.Errorf("%s does not answer: %w", w.Site, err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%s stops in the middle of an answer: %w", w.Site, err)
	}
	return response.StatusCode, response.Header, answer, nil
}

func (w *walk) resolve(from, to string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	next, err := base.Parse(to)
	if err != nil || to == "" || !strings.HasPrefix(next.String(), w.Site+"/") {
		return "", errors.New("a redirect leads away from the site")
	}
	return next.String(), nil
}
