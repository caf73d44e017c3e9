package intake_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// missed is somebody whose code died unused, and when they had joined.
func (w *world) missed(name string) (string, time.Time) {
	w.Helper()
	_, code := w.invited(name)
	e, _ := w.entry(name + "@example.org")
	w.pass(5 * time.Hour)
	w.probe.Reset()
	return string(code), e.Joined
}

func (w *world) keep(code, address string) *page {
	w.Helper()
	return w.post("/waiting-room/en/keep", url.Values{"code": {code}, "email": {address}, "stamp": {w.stamp()}})
}

// Ana misses one mail by an hour. The page of her dead code keeps her place for
// her, once.
func TestAnExpiredCodeKeepsItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, joined := w.missed("ana")
	p := w.post("/waiting-room/en/code?c="+code, nil).status(410)
	p.says("This code was good until", "You can have your old place in the line back, once", "Keep my place", `name="code" value="`+code+`"`, `action="/waiting-room/en/keep"`)
	w.keep(code, "ana@").status(422).says("Enter an email address in the correct format", `value="ana@"`, "Keep my place")
	w.keep(code, "Ana@Example.org").status(200).says("You are in the line", "Ana@example.org")
	e, _ := w.entry("ana@example.org")
	if e.Stage != waitlist.Waiting || !e.Joined.Equal(joined) || !e.Kept || e.Wanted != "/apply?step=2" || w.counts[metric.IntakePlacesKept] != 1 {
		t.Errorf("the entry is %+v, counted %v", e, w.counts)
	}
	// A second press changes nothing.
	w.keep(code, "ana@example.org").status(200).says("You are in the line")
	if again, _ := w.entry("ana@example.org"); again.Joining != e.Joining {
		t.Errorf("a second press began another joining")
	}
	// The second time, it is an ordinary sign-up.
	next := w.invite(e.Ref)
	w.pass(5 * time.Hour)
	w.keep(string(next), "ana@example.org").status(200)
	if e, _ := w.entry("ana@example.org"); e.Stage == waitlist.Waiting && e.Joined.Equal(joined) {
		t.Errorf("the place was kept twice: %+v", e)
	}
}

// With another address it is an ordinary sign-up, and the page is the same.
func TestAPlaceIsKeptForItsOwnMailboxOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, joined := w.missed("ana")
	other := receiptToken.ReplaceAllString(w.keep(code, "ben@example.org").status(200).body, "")
	e, ok := w.entry("ben@example.org")
	if !ok || !e.Joined.Equal(w.clock()) || e.Joined.Equal(joined) || e.Kept {
		t.Errorf("the stranger's entry is %+v", e)
	}
	if own := receiptToken.ReplaceAllString(w.keep(code, "ana@example.org").status(200).body, ""); len(own) != len(other) {
		t.Errorf("the page tells whose code it was:\n%s\n%s", own, other)
	}
}

// It works while sign-ups are off and not after a drain; a code that led to a
// pass, or that the person gave up, keeps no place.
func TestWhenAPlaceIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _ := w.missed("ana")
	w.control(func(c *waitlist.Control) { c.SignupsOff = true })
	w.post("/waiting-room/en/code?c="+code, nil).status(410).says("Keep my place")
	w.keep(code, "ben@example.org").status(409).says("Your address was not saved")
	w.keep(code, "ana@example.org").status(200).says("You are in the line")
	w.keep(code, "ana@example.org").status(200).says("You are in the line") // pressed twice
	w.control(func(c *waitlist.Control) { c.SignupsOff = false })

	_, used := w.invited("cem")
	w.use(string(used), "phone").status(303)
	ref, given := w.invited("dan")
	w.must(w.store.Leave(w.Context(), ref, w.clock()))
	drained, _ := w.missed("eve")
	for name, code := range map[string]bypass.Code{"used": used, "given up": given} {
		w.post("/waiting-room/en/code?c="+string(code), nil).status(410).lacks("Keep my place")
		w.keep(string(code), map[string]string{"used": "cem@example.org", "given up": "dan@example.org"}[name]).status(200)
	}
	if e, _ := w.entry("cem@example.org"); e.Kept || !e.Joined.Equal(w.clock()) {
		t.Errorf("a used code kept its place: %+v", e)
	}
	w.control(func(c *waitlist.Control) { c.Drain = true })
	w.post("/waiting-room/en/code?c="+drained, nil).status(410).says("not taking any more email addresses").lacks("Keep my place")
	w.keep(drained, "eve@example.org").status(409).says("Your address was not saved")
}

// Changing the language on the page of a dead code keeps the page and what was typed.
func TestADeadCodeInAnotherLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _ := w.missed("ana")
	form := url.Values{"code": {code}, "email": {"ana@exam"}, "stamp": {w.stamp()}, "language": {"es"}}
	w.post("/waiting-room/en/keep", form).status(200).says(`lang="es"`, `name="code" value="`+code+`"`, `value="ana@exam"`, "Conservar mi lugar")
	// With no such code it is the page for entering one.
	form.Set("code", "ABCDE")
	w.post("/waiting-room/en/keep", form).status(200).says(`lang="es"`, `value="ABCDE"`, "Escriba su código")
}

// A code that is over is counted once for each time that somebody comes with it, and
// not when its page is shown again. No code at all is not a wrong one.
func TestADeadCodeIsCountedWhenItIsPresented(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _ := w.missed("ana")
	w.post("/waiting-room/en/code?c="+code, nil).status(410)
	w.post("/waiting-room/en/keep", url.Values{"code": {code}, "stamp": {w.stamp()}, "language": {"es"}}).status(200)
	w.keep(code, "ana@exam").status(422)
	if n := w.counts[metric.IntakeCodesOver]; n != 1 {
		t.Errorf("a code presented once is counted %g times", n)
	}
	w.keep("", "ana@example.org").status(422).says("Enter your code", "I have no code")
	if n := w.counts[metric.IntakeCodesWrong]; n != 0 {
		t.Errorf("no code is counted as %g wrong ones", n)
	}
}

// Nothing is said to be kept that is not; a wrong code gets no further than
// arithmetic.
func TestKeepingWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _ := w.missed("ana")
	for _, call := range []string{"Ticket", "Expire", "Rejoin"} {
		w.probe.Before = failOn(call, errors.New("the store is down"))
		// What was typed comes along with the button that tries again.
		w.keep(code, "ana@example.org").status(429).lacks("You are in the line").
			says("Try again", `name="code" value="`+code+`"`, `name="email" value="ana@example.org"`)
	}
	w.probe.Before = nil
	w.get("/waiting-room/en/")
	w.probe.Reset()
	w.keep("ABCDE-FGHJK-MNPQR-STVWX", "ana@example.org").status(422).says("That code does not work as it is typed")
	if w.probe.Total() != 0 {
		t.Errorf("the store was asked: %v", w.probe.Calls())
	}
	w.keep(code, "ana@example.org").status(200)
}
