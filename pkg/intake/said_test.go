package intake_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// What the operator says stands on every page, in the page's language or in the
// default one with its own tag, is escaped, and ends by itself.
func TestAMessageOfTheOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.control(func(c *waitlist.Control) {
		c.Said = &waitlist.Said{Text: "Back at <6 pm>", At: w.now, Until: w.now.Add(time.Hour)}
	})
	const english = `<p class="said" lang="en" dir="ltr">Back at &lt;6 pm&gt;</p>`
	w.get("/waiting-room/en/").says(english)
	w.get("/waiting-room/es/enter").says(english)
	w.get("/waiting-room/en/form.json").says(`"said":"Back at \u003c6 pm\u003e","saidLang":"en","saidDir":"ltr"`)
	w.control(func(c *waitlist.Control) {
		c.Said = &waitlist.Said{Text: "Back at 6", Translations: map[string]string{"es": "Volvemos a las 6"}, At: w.now, Until: w.now.Add(time.Hour)}
	})
	w.get("/waiting-room/es/").says(`<p class="said" lang="es" dir="ltr">Volvemos a las 6</p>`)
	w.pass(time.Hour)
	w.get("/waiting-room/es/").lacks("Volvemos", "said\"")
	w.get("/waiting-room/es/form.json").lacks("Volvemos")
}

// The site's own words: its name instead of its host, whom to ask, its colour in
// a policy that allows nothing else, by language.
func TestTheSitesOwnWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get("/waiting-room/en/").says("There is a line for Example Benefits").lacks(`class="ask"`, "<footer", "<img")
	w.must(w.store.SaveWords(t.Context(), "es", site.Words{Name: `Beneficios "&" <más>`, Telephone: "+1 800 555 0100", Colour: "#ffcc00"}))
	w.pass(time.Minute)
	w.get("/waiting-room/es/").says("Beneficios &#34;&amp;&#34; &lt;más&gt;", `¿Preguntas? <a href="tel:+18005550100">`, "--go:#ffcc00;--on:#000000")
	w.get("/waiting-room/en/").says("There is a line for Example Benefits")
}

// Changing the language keeps what was typed, in the page and never in a URL.
func TestChangingTheLanguageKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.get("/waiting-room/en/?to=%2Fapply").says(`<button form="f" name="language" value="es"`, // of the form above, or of this one in a browser that does not know the attribute:
		`<nav class="tongue" aria-label="Language"><form method="post"><details>`)
	if own, other := strings.Index(form.body, "<button>Join the line"), strings.Index(form.body, `name="language"`); own < 0 || other < own {
		t.Error("Enter would change the language")
	}
	p := w.post("/waiting-room/en/?to=%2Fapply", url.Values{"email": {"ana@exam"}, "state": {"VT"}, "stamp": {w.stamp()}, "language": {"es"}}).status(200)
	p.says(`action="/waiting-room/es/?to=%2Fapply"`, `value="ana@exam"`, `value="VT"`, `name="to" value="/apply"`, "Unirme a la fila").lacks("Error:", "Hay un problema")
	if w.entries() != 0 || w.counts[metric.IntakeSignupsRefused] != 0 {
		t.Error("it was taken for a sign-up")
	}
	if p := w.post("/waiting-room/en/?to=%2Fapply", url.Values{"email": {" "}, "stamp": {w.stamp()}, "language": {"es"}}).status(303); p.Header.Get("Location") != "/waiting-room/es/?to=%2Fapply" {
		t.Errorf("with nothing typed it leads to %s", p.Header.Get("Location"))
	}
	w.post("/waiting-room/en/enter", url.Values{"code": {"ABC"}, "language": {"es"}}).status(200).says(`value="ABC"`, `action="/waiting-room/es/enter"`).lacks("Hay un problema")
	// At an address where nothing is, the buttons lead to the form.
	for _, nowhere := range []string{"/waiting-room/en/nothing", "/waiting-room/nothing.txt"} {
		w.get(nowhere).status(404).says(`<form method="post" action="/waiting-room/en/" id="f">`)
	}
}

// A page that was shown before the operator took a language away still has its
// button. It shows the page again, and never does what the page is for.
func TestTheButtonOfALanguageThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) { s.Languages = []string{"en", "es"} })
	gone := url.Values{"language": {"fr"}}
	ref, code := w.invited("ana")
	receipt := receiptOf(w.join("ben@example.org"))
	for _, target := range []string{"/waiting-room/en/leave?t=" + w.keys.LeaveToken(ref.Key, ref.Joining), receipt, "/waiting-room/en/code?c=" + string(code)} {
		if p := w.post(target, gone).status(303); p.Header.Get("Location") != target || p.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s leads to %s", target, p.Header.Get("Location"))
		}
	}
	w.post("/waiting-room/en/", url.Values{"email": {"cem@example.org"}, "stamp": {w.stamp()}, "language": {"fr"}}).status(200).says(`value="cem@example.org"`, "Join the line")
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Invited || w.entries() != 2 {
		t.Errorf("ana is %s, and there are %d entries", e.Stage, w.entries())
	}
}

// A closed page says what is so, whom to ask, and what still works; a dead code
// never says to join again while nobody can.
func TestClosedPagesSayWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.words(site.Words{Name: "State Benefits", Telephone: "+1 800 555 0100"})
	_, used := w.invited("ana")
	for _, viewer := range []string{"a", "b", "c"} {
		w.use(string(used), viewer).status(303)
	}
	const call = `<a href="tel:+18005550100">`
	w.use(string(used), "d").status(410).says("join the line again, at its end", call)
	for _, c := range []struct {
		change func(*waitlist.Control)
		title  string
	}{
		{func(c *waitlist.Control) { c.SignupsOff = true }, "The line for State Benefits is closed for now"},
		{func(c *waitlist.Control) { c.Drain = true }, "The line for State Benefits has ended"},
	} {
		w.control(c.change)
		w.get("/waiting-room/en/").says(c.title, "you keep your place", "A code that you have is still good", `href="/waiting-room/en/enter"`, call)
		w.use(string(used), "d").status(410).says("not taking any more email addresses", call).lacks("join the line again", "Join the line")
	}
	w.control(func(c *waitlist.Control) { c.Mode = gate.Open })
	w.get("/waiting-room/en/").says("There is no wait for State Benefits now", call)
}

// How long people had waited is told when at least twenty were invited, while it
// is news.
func TestHowLongPeopleHadWaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) { s.NoticeLife = time.Nanosecond })
	w.words(site.Words{Zone: eastern, ZoneName: "Eastern"})
	tell := func(people, from, to int) {
		w.progress(waitlist.Progress{Front: w.clock(), Waited: waitlist.Waited{At: w.clock(), From: from, To: to, People: people}})
	}
	tell(20, 35, 50)
	w.get("/waiting-room/en/").says("At 7:02 am (Eastern): people invited in the last ten minutes had waited 35 to 50 minutes.")
	tell(19, 35, 50)
	w.get("/waiting-room/en/").says("We are now inviting those who joined at").lacks("had waited")
	tell(5000, 95, 130)
	w.get("/waiting-room/en/").says("had waited 1 h 35 min to 2 h 10 min.")
	w.get("/waiting-room/es/").says("habían esperado de 1 h 35 min a 2 h 10 min.")
	w.pass(20 * time.Minute)
	w.get("/waiting-room/en/").says("We are now inviting those who joined at").lacks("had waited")
}
