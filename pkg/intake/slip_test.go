package intake_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"testing"

	"raincheck/pkg/waitlist"
)

var (
	buttonTag = regexp.MustCompile(`<button[^>]* name="([^"]+)" value="([^"]+)"[^>]*>([^<]+)</button>`)
	hiddenTag = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// press presses a button as a browser without JavaScript does: what the form hides,
// and the button.
func (w *world) press(target string, p *page, label string) *page {
	w.Helper()
	form := url.Values{}
	for _, m := range hiddenTag.FindAllStringSubmatch(p.body, -1) {
		form.Set(m[1], m[2])
	}
	for _, m := range buttonTag.FindAllStringSubmatch(p.body, -1) {
		if m[3] == label {
			form.Set(m[1], m[2])
			return w.post(target, form)
		}
	}
	w.Fatalf("no button %q:\n%s", label, p.body)
	return nil
}

// A mail to gmial.com would never arrive. Ann is asked before anything is saved;
// one press is enough either way.
func TestASlipIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	join := func() *page {
		return w.post("/waiting-room/en/?to=%2Fapply", url.Values{"email": {"ann@gmial.com "}, "state": {"Vermont"}, "stamp": {w.stamp()}, "note": {""}}).
			status(422).says("<h1>You are not in the line yet</h1>", "Did you mean ann@gmail.com?").lacks(`type="email"`)
	}
	asked := join()
	if n := w.entries(); n != 0 || w.probe.Calls()["Join"] != 0 {
		t.Fatalf("%d are in the line, after %v", n, w.probe.Calls())
	}

	w.press("/waiting-room/en/", asked, "Yes, join with ann@gmail.com").status(200).says("You are in the line", "ann@gmail.com")
	e, ok := w.entry("ann@gmail.com")
	if !ok || e.Wanted != "/apply" || e.Fields["state"] != "Vermont" {
		t.Errorf("who accepts is kept as %+v", e)
	}
	w.press("/waiting-room/en/", join(), "No, join with ann@gmial.com").status(200).says("You are in the line", "ann@gmial.com")
	if e, ok := w.entry("ann@gmial.com"); !ok || e.Wanted != "/apply" || e.Fields["state"] != "Vermont" {
		t.Errorf("who insists is kept as %+v", e)
	}
	// Whoever wants neither has the form again, and so has who changes the language.
	w.press("/waiting-room/en/", asked, "Type the address again").status(200).says(`value="ann@gmial.com"`, `value="Vermont"`, "Join the line").lacks("Error:")
	w.press("/waiting-room/en/", asked, "Español").status(200).says(`value="ann@gmial.com"`, `value="Vermont"`, "Unirme a la fila")

	// To insist on one address is not to insist on another.
	w.post("/waiting-room/en/", url.Values{"email": {"bob@gmial.com"}, "insist": {"ann@gmial.com"}, "stamp": {w.stamp()}}).status(422).says("Did you mean bob@gmail.com?")
	// A stamp that grew old on this page shows the form, with the address.
	w.pass(3 * 60 * 60e9)
	w.press("/waiting-room/en/", asked, "Yes, join with ann@gmail.com").status(422).says("had been open for a long time", `value="ann@gmail.com"`)
	if n := w.entries(); n != 2 {
		t.Errorf("%d are in the line", n)
	}
}

// A domain with a dash that is not a hyphen cannot exist: nobody can insist on it.
func TestAForeignDashIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := w.join("ann@my\u2011site.example").status(422).says("Did you mean ann@my-site.example?").lacks("No, join with")
	w.join("ann@my\u2011site").status(422).says("in the correct format") // nothing to suggest
	w.post("/waiting-room/en/", url.Values{"email": {"ann@my\u2011site.example"}, "insist": {"ann@my\u2011site.example"}, "stamp": {w.stamp()}}).status(422)
	w.press("/waiting-room/en/", asked, "Yes, join with ann@my-site.example").status(200).says("You are in the line")
	if _, ok := w.entry("ann@my-site.example"); !ok || w.entries() != 1 {
		t.Error("nobody, or somebody else, is in the line")
	}
}

// So has one whose dot is missing or is a comma: the address is refused either way, and
// what was meant is plain.
func TestAMissingDotIsAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, typed := range []string{"ann@gmailcom", "ann@gmail", "ann@gmail,com", "ann@gmail..com"} {
		w.join(typed).status(422).says("Did you mean ann@gmail.com?").lacks("No, join with")
		w.postJSON("/waiting-room/en/", map[string]any{"email": typed, "stamp": w.stamp(), "insist": true}).status(422).says(`"suggestion":"ann@gmail.com"`)
	}
	w.join("ann@example").status(422).says("in the correct format") // nothing to suggest
	code, _ := w.missed("ana")
	asked := w.keep(code, "ana@gmailcom").status(422).says("Did you mean ana@gmail.com?", `action="/waiting-room/en/keep"`)
	if w.entries() != 1 {
		t.Error("somebody joined")
	}
	w.press("/waiting-room/en/keep", asked, "Yes, join with ana@gmail.com").status(200)
}

func TestASlipIsAskedAboutByJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(address string, insist bool, status int) (r struct {
		Joined                                   bool
		Error, Field, Suggestion, Accept, Insist string
		Message                                  []string
	}) {
		t.Helper()
		p := w.postJSON("/waiting-room/en/", map[string]any{"email": address, "stamp": w.stamp(), "insist": insist}).status(status)
		if err := json.Unmarshal([]byte(p.body), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	got := post("ann@gmail.con", false, 422)
	if got.Joined || got.Error != "email.slip" || got.Field != "email" || got.Suggestion != "ann@gmail.com" ||
		got.Accept != "Yes, join with ann@gmail.com" || got.Insist != "No, join with ann@gmail.con" || len(got.Message) != 2 {
		t.Errorf("asked by %+v", got)
	}
	if got := post("ann@my\u2011site.example", true, 422); got.Suggestion != "ann@my-site.example" || got.Insist != "" {
		t.Errorf("a dash that no domain has: %+v", got)
	}
	if w.entries() != 0 || !post("ann@gmail.con", true, 200).Joined || !post("ben@gmail.com", true, 200).Joined || w.entries() != 2 {
		t.Errorf("%d are in the line", w.entries())
	}
}

// Whoever keeps a place is asked too, unless the code was sent to that very address.
func TestASlipWhileKeepingAPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, joined := w.missed("ana")
	asked := w.keep(code, "ana@gmial.com").status(422).says("Did you mean ana@gmail.com?", `action="/waiting-room/en/keep"`)
	if w.entries() != 1 {
		t.Error("somebody joined")
	}
	w.press("/waiting-room/en/keep", asked, "Yes, join with ana@gmail.com").status(200)
	if e, ok := w.entry("ana@gmail.com"); !ok || e.Joined.Equal(joined) {
		t.Errorf("another mailbox took the place: %+v", e)
	}

	w.post("/waiting-room/en/", url.Values{"email": {"bea@gmial.com"}, "insist": {"bea@gmial.com"}, "stamp": {w.stamp()}}).status(200)
	e, _ := w.entry("bea@gmial.com")
	old := w.invite(e.Ref)
	w.pass(5 * 60 * 60e9)
	w.keep(string(old), "bea@gmial.com").status(200).says("You are in the line")
	if kept, _ := w.entry("bea@gmial.com"); kept.Stage != waitlist.Waiting || !kept.Joined.Equal(e.Joined) {
		t.Errorf("the place was not kept: %+v", kept)
	}
}
